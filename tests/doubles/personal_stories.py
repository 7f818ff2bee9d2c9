"""Two people, their contacts and tasks on both sides, and what may be said about them in the end."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.engine.planning import context_of
from shared.model.link import Link, LinkState
from shared.model.personal import CONTACT, TASK, DynamicsRecord, ExchangeItem
from shared.model.profile import ContactDeletion, Profile
from shared.model.values import Direction
from shared.rules.personal_content import exchange_values
from shared.rules.personal_endings import SET_1
from shared.rules.personal_fields import crossing, fields_of
from shared.rules.situation import Context
from shared.rules.tracking import TRACKED_CATEGORY, has_category
from tests.doubles.lost_answers import AFTER, LATE
from tests.doubles.personal_world import PersonalExchange, PersonalMailbox
from tests.doubles.records_world import PersonalDynamics
from tests.doubles.service import Killed, Service

DAYS = ["2026-03-04", "2026-03-06", "2026-03-20", None]
ACCOUNT = "aaaaaaaa-0000-4000-8000-000000000001"
PHONES = ("businessPhone", "businessPhone2", "homePhone2", "mobilePhone", "pager")
TEXTS = {
    CONTACT: (*PHONES, "jobTitle", "email1", "email2", "notes", "assistantName", "webPage", "yomiSurname"),
    TASK: ("notes", "subject"),
}


class PeopleService(Service):
    """The service in a world with contacts and tasks."""

    exchange_type = PersonalExchange
    dynamics_type = PersonalDynamics
    exchange: PersonalExchange
    dynamics: PersonalDynamics


@dataclass
class Told:
    """``edits``: what a person wrote last, by side, whose it is, item and field. ``ended``: (mailbox, item)
    pairs that a person ended, until he begins anew."""

    edits: dict[tuple[str, str, str, str], str] = field(default_factory=dict)
    ended: set[tuple[str, str]] = field(default_factory=set)

    def forget(self, side: str, whose: str, key: str) -> None:
        for known in [k for k in self.edits if k[:3] == (side, whose, key)]:
            del self.edits[known]


class PersonalStory:
    """Items have a key that no edit changes: a contact's third address, the first word of a subject."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.service = PeopleService()
        self.service.dynamics.accounts[ACCOUNT] = "Contoso"
        boxes = [self.service.person(name, n) for n, name in enumerate(("ada", "bob"), 1)]
        self.boxes: list[PersonalMailbox] = [box for box in boxes if isinstance(box, PersonalMailbox)]
        self.told = Told()
        self.number = 0
        self.died = False

    async def begin(self, *, deletes: bool = False) -> None:
        """``deletes``: what leaves a filter is deleted in Exchange; contacts deleted there are in
        Dynamics."""
        self.service.dynamics.settings[SET_1] = not deletes
        if deletes:
            await self.service.profile(contact_deletion=ContactDeletion.DELETE_OWNED)
        for box in self.boxes:
            await self.service.subscribe(box)
        await self.service.settle()

    # --- whose is what ----------------------------------------------------------------------------

    def user(self, box: PersonalMailbox) -> str:
        return self.service.dynamics.users[box.address]

    def key_of(self, values: Any) -> str:
        text = values["email3"] if self.kind == CONTACT else values["subject"]
        return str(text or "").partition("@" if self.kind == CONTACT else " ")[0]

    def items(self, box: PersonalMailbox) -> list[ExchangeItem]:
        return list(box.of(self.kind).items_there.values())

    def rows(self) -> list[DynamicsRecord]:
        return list(self.service.dynamics.records_there.values())

    def _new(self, key: str) -> dict[str, Any]:
        if self.kind == CONTACT:
            return {"email3": f"{key}@people.example", "name": {"givenName": key.title(), "surname": "Jones"}}
        return {"subject": f"{key} begun"}

    def _text(self, key: str, name: str) -> str:
        self.number += 1
        if name == "subject":
            return f"{key} v{self.number}x"
        return f"v{self.number}x@mail.example" if name.startswith("email") else f"v{self.number}x"

    # --- what people do ---------------------------------------------------------------------------

    async def in_exchange(self, what: str, who: int, which: int, number: int) -> None:
        box = self.boxes[who]
        if what == "add":
            self._add_item(box, f"k{which}{'ab'[who]}", tracked=number != 0)
            return
        items = self.items(box)
        if not items:
            return
        item = items[which % len(items)]
        key, source = self.key_of(item.values), box.of(self.kind)
        if what == "edit":
            self._edit_item(box, item, number)
        elif what == "remove":
            source.remove(item.id)
            self.told.forget("exchange", box.id, key)
            await self._end(box, item)
        elif what == "move":
            source.move(item.id)
        elif what == "untrack":
            if has_category(item.categories):
                await self._end(box, item)
            source.categorize(item.id)
        elif what == "track" and not has_category(item.categories):
            source.categorize(item.id, TRACKED_CATEGORY)
            self.told.ended.discard((box.id, key))

    def _add_item(self, box: PersonalMailbox, key: str, *, tracked: bool) -> None:
        """Only a person whom nobody knows yet in this mailbox: people make no doubles here."""
        known = {self.key_of(item.values) for item in self.items(box)}
        known |= {self.key_of(row.values) for row in self.rows()}
        known |= {ended for whose, ended in self.told.ended}
        if key not in known and not any(k[2] == key for k in self.told.edits):
            marks = (TRACKED_CATEGORY,) if tracked else ()
            box.of(self.kind).add(categories=marks, **self._new(key))

    async def _end(self, box: PersonalMailbox, item: ExchangeItem) -> None:
        """A person ended what was linked. Whether an item that no link names was ever there, nobody knows
        once it is gone."""
        links = await self.links(box)
        named = {link.exchange_id for link in links}
        if item.id in box.of(self.kind).items_there and item.stamps is not None:
            named |= {item.id for link in links if link.dynamics_id == item.stamps.crm_id}
        if item.id in named and has_category(item.categories):
            self.told.ended.add((box.id, self.key_of(item.values)))

    def _edit_item(self, box: PersonalMailbox, item: ExchangeItem, number: int) -> None:
        source, key = box.of(self.kind), self.key_of(item.values)
        texts = TEXTS[self.kind]
        if number < 2 * len(texts):
            name = texts[number % len(texts)]
            emptied = number >= len(texts) and name != "subject"
            text = "" if emptied else self._text(key, name)
            self.told.edits[("exchange", box.id, key, name)] = text
            source.edit(item.id, **{name: text})
        elif self.kind == CONTACT:
            source.edit(item.id, **self._contact_values(item.values["name"], number))
        else:
            source.edit(item.id, **_task_item_values(item, number))

    def _contact_values(self, name: Any, number: int) -> dict[str, Any]:
        self.number += 1
        return [
            {"name": {**name, "surname": f"Name{self.number}"}},
            {"name": {**name, "title": f"T{self.number}"}},
            {"birthday": DAYS[number % 4]},
            {"businessAddress": {"street": f"Street {self.number}\nFloor 2", "city": "Paris"}},
            {"businessAddress": {}},
        ][number % 5]

    def in_dynamics(self, what: str, who: int, which: int, number: int) -> None:
        user = self.user(self.boxes[who])
        if what == "add":
            self._add_row(user, f"k{which}{'ab'[who]}")
            return
        rows = self.rows()
        if not rows:
            return
        row = rows[which % len(rows)]
        people, key = self.service.dynamics, self.key_of(row.values)
        if what == "edit":
            self._edit_row(row, number)
        elif what == "remove":
            people.remove_record(row.id)
            self.told.forget("dynamics", "", key)
        elif what == "assign":
            people.assign(row.id, user)
        elif what == "state":
            people.edit_record(row.id, **_state(row, number))

    def _add_row(self, user: str, key: str) -> None:
        """Also of a person whom a mailbox knows already, linked to no row: they are one (CONT-9)."""
        known = {self.key_of(row.values) for row in self.rows()} | {ended for _, ended in self.told.ended}
        known |= {
            self.key_of(item.values)
            for box in self.boxes
            for item in self.items(box)
            if self.kind == TASK or has_category(item.categories) or (item.stamps and item.stamps.tracked)
        }
        if key not in known and not any(k[2] == key for k in self.told.edits):
            self.number += 1
            self.service.dynamics.add_record(self.kind, str(UUID(int=self.number)), user, **self._new(key))

    def _edit_row(self, row: DynamicsRecord, number: int) -> None:
        key, texts = self.key_of(row.values), TEXTS[self.kind]
        if number < 2 * len(texts):
            name = texts[number % len(texts)]
            emptied = number >= len(texts) and name != "subject"
            text = "" if emptied else self._text(key, name)
            self.told.edits[("dynamics", "", key, name)] = text
            self.service.dynamics.edit_record(row.id, **{name: text})
        elif self.kind == CONTACT:
            changes = self._contact_values(row.values["name"], number)
            if number % 7 == 0:
                changes = {
                    "regarding": None if row.value("regarding") else {"table": "account", "id": ACCOUNT}
                }
            self.service.dynamics.edit_record(row.id, **changes)
        else:
            self.service.dynamics.edit_record(row.id, **_task_row_values(row, number))

    # --- what happens -----------------------------------------------------------------------------

    async def happens(self, what: str, who: int, number: int) -> None:
        service, box = self.service, self.boxes[who]
        if what == "settle":
            await service.settle()
        elif what == "feed":
            await service.read_feed()
        elif what == "410":
            box.of(self.kind).forget_deltas()
        elif what == "dynamics token":
            service.dynamics.epoch += 1
        elif what == "time":
            service.clock.forward(60)
        elif what == "machine":
            self.on_machine(number)
        elif what == "overtake":
            service.overtake_at, service.overtaker = len(service.steps) + number, box
            await service.run_pass(box)
            service.overtake_at = None
        else:
            service.kill_at = len(service.steps) + number if what == "kill" else None
            try:
                await service.run_pass(box, what if what in CAUSES else "test")
            except Killed:
                self.died = True
            service.kill_at = None

    def on_machine(self, off: float) -> None:
        """The passes from here on run where the clock is off by so many seconds."""
        clock = self.service.clock
        now = lambda: clock() + timedelta(seconds=off)  # noqa: E731
        self.service.services = replace(self.service.services, now=now)

    def lose(self, what: str, how: str) -> None:
        """The next write of this name. A late one is that of an item only: a row has one id whenever it is
        made, and nobody deletes it while it is on its way."""
        name = what.format(kind=self.kind)
        how = how if name == f"create {self.kind}" else how.replace(LATE, AFTER)
        line = self.service.dynamics.line if name.endswith("row") else self.service.exchange.line
        line.lost[name] = how

    # --- in the end -------------------------------------------------------------------------------

    async def end(self) -> None:
        service = self.service
        await service.settle()
        service.exchange.line.lost.clear()
        service.dynamics.line.lost.clear()
        service.clock.forward(600)  # nothing that was begun can take effect any more
        await service.settle(20)
        before = (service.exchange.serial, service.dynamics.version)
        for box in self.boxes:
            await service.run_pass(box, "sync now")
        await service.settle()
        assert (service.exchange.serial, service.dynamics.version) == before, "further passes write"

    async def check(self) -> None:
        self.check_no_doubles()
        for box in self.boxes:
            await self.check_in_step(box)
            await self.check_all_is_linked(box)
        if not self.died:
            # A worker that dies between a write and its history leaves what it overwrote in no history.
            await self.check_nothing_is_lost()

    def check_no_doubles(self) -> None:
        for box in self.boxes:
            keys = [self.key_of(item.values) for item in self.items(box)]
            assert len(keys) == len(set(keys)), f"doubles in Exchange: {sorted(keys)}"
        keys = [self.key_of(row.values) for row in self.rows()]
        assert len(keys) == len(set(keys)), f"doubles in Dynamics: {sorted(keys)}"

    async def links(self, box: PersonalMailbox) -> list[Link]:
        return [link async for link in self.service.services.store.links(box.id, self.kind)]

    async def context(self, box: PersonalMailbox) -> Context:
        services = self.service.services
        mailbox = await services.registry.get(box.id)
        assert mailbox is not None
        agenda = await services.store.agenda(box.id, inbox_limit=10)
        return await context_of(services, mailbox, Profile(), agenda)

    async def check_in_step(self, box: PersonalMailbox) -> None:
        context = await self.context(box)
        for link in await self.links(box):
            assert link.state is not LinkState.CREATING, "left half made"
            if not link.linked:
                continue
            item = box.of(self.kind).items_there.get(link.exchange_id or "")
            row = self.service.dynamics.records_there.get(link.dynamics_id)
            assert item is not None, "linked with nothing in Exchange"
            assert row is not None, "linked with nothing in Dynamics"
            assert (box.id, self.key_of(item.values)) not in self.told.ended, "what was ended came back"
            shown = exchange_values(item, row.values)
            for each in fields_of(row.table, context):
                over = crossing(each, item, row, context)
                alike = over.agree(shown[each.name], row.values[each.name])
                if each.direction is Direction.BOTH:
                    assert alike, (each.name, shown[each.name], row.values[each.name])

    async def check_all_is_linked(self, box: PersonalMailbox) -> None:
        links = await self.links(box)
        by_item = {link.exchange_id for link in links if link.linked}
        for item in self.items(box):
            if has_category(item.categories):
                assert item.id in by_item, "a tracked item has no link"
        known = {link.dynamics_id: link for link in links}
        asked = await self.service.services.decisions.of_mailbox(box.id)
        for row in [] if asked else self.rows():
            mine = row.owner is not None and row.owner.id == self.user(box)
            if mine and row.state == 0:
                link = known.get(row.id)
                if (box.id, self.key_of(row.values)) in self.told.ended:
                    continue
                assert link is not None, "a row of the mailbox's owner has no link"
                assert link.linked, f"{link.state}: {link.reason}"

    async def check_nothing_is_lost(self) -> None:
        """Every text that a person wrote and did not himself replace is on a side or in the history."""
        shown: list[Any] = [row.values for row in self.rows()]
        for box in self.boxes:
            shown += [item.values for item in self.items(box)]
            rows, _ = await self.service.services.history.of_item(box.id, None, limit=10_000, after=None)
            shown += [part for row in rows for part in (row.before, row.after, row.lost)]
        text = json.dumps(shown, default=str)
        for (side, _, key, name), value in self.told.edits.items():
            assert not value or value in text, f"{key} {name} of {side} is lost: {value}"


CAUSES = ("contacts", "dynamics", "due")


def _task_item_values(item: ExchangeItem, number: int) -> dict[str, Any]:
    choice = number % 6
    if choice == 0:
        return {"status": "completed"} if item.value("status") != "completed" else {"status": "notStarted"}
    if choice == 1:
        return {"status": ("inProgress", "waitingOnOthers", "deferred", "notStarted")[number % 4]}
    if choice == 2:
        return {"importance": ("low", "normal", "high")[number % 3]}
    if choice == 3:
        start, due = sorted(str(day or "2026-03-05") for day in (DAYS[number % 4], DAYS[(number // 4) % 4]))
        return {"start": start, "due": due}
    if choice == 4:
        return {"start": None, "due": None}
    due = DAYS[number % 4] or "2026-04-01"
    return {"due": max(due, str(item.value("start") or ""))}


def _task_row_values(row: DynamicsRecord, number: int) -> dict[str, Any]:
    choice = number % 5
    if choice == 0:
        return {"percent": (0, 30, 70, 100)[number % 4]}
    if choice == 1:
        return {"importance": number % 3}
    if choice == 2:
        due = f"{DAYS[number % 4] or '2026-04-01'}T{10 + number % 8}:00:00Z"
        return {"due": max(due, str(row.value("start") or ""))}
    if choice == 3:
        return {"start": f"2026-03-0{1 + number % 9}T08:00:00Z", "due": "2026-03-25T17:00:00Z"}
    return {"start": None, "due": None}


def _state(row: DynamicsRecord, number: int) -> dict[str, Any]:
    """Closed, canceled, opened again; of a contact: deactivated and activated."""
    if row.table == CONTACT:
        return {"status": [1, 2] if row.state == 0 else [0, 1]}
    if row.state != 0:
        return {"status": [0, 2]}
    return {"status": ([1, 5], [2, 6], [0, 3], [0, 4])[number % 4]}
