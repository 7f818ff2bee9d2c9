"""People who make, edit and delete their items on both sides, and remember what they did: all that the oracle
knows. Every value is unlike every other, and every item carries its mark, so that both are found anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests.simulation.world import World
from tests.wire.people import CATEGORY, Person

Json = dict[str, Any]
EXCHANGE, DYNAMICS = "exchange", "dynamics"
EVENT, CONTACT, TASK = "event", "contact", "task"
KINDS = (EVENT, CONTACT, TASK)
SETS = {EVENT: "appointments", CONTACT: "contacts", TASK: "tasks"}
IDS = {EVENT: "activityid", CONTACT: "contactid", TASK: "activityid"}

# Our name of a field: what holds it in Exchange (a path) and in Dynamics.
FIELDS: Mapping[str, Mapping[str, tuple[tuple[str, ...], str]]] = {
    EVENT: {"words": (("subject",), "subject"), "place": (("location", "displayName"), "location")},
    CONTACT: {"words": (("surname",), "lastname"), "job": (("jobTitle",), "jobtitle")},
    TASK: {"words": (("title",), "subject"), "text": (("body", "content"), "description")},
}


@dataclass(frozen=True)
class Edit:
    at: datetime
    side: str
    field: str
    value: str
    seen: str = ""


@dataclass
class Item:
    """What somebody made. ``seen`` of an edit: what stood there before it. ``deleted``: where and when."""

    mark: str
    kind: str
    owner: Person
    born: str
    start: datetime
    edits: list[Edit] = field(default_factory=list)
    deleted: dict[str, datetime] = field(default_factory=dict)
    unknown: bool = False
    """Deleted in Exchange before the pass that had made it there was over."""

    def unseen(self, name: str) -> list[Edit]:
        """The edits of a field that nobody saw and then wrote over."""
        edits = [edit for edit in self.edits if edit.field == name]
        return [edit for edit in edits if edit.value not in {other.seen for other in edits}]


@dataclass
class Humans:
    """``story`` is what they did, in order."""

    world: World
    random: Random
    items: list[Item] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    _serial: int = 0

    # --- one deed ---------------------------------------------------------------------------------

    async def act(self, person: Person) -> None:
        """Whatever comes to mind."""
        own = [item for item in self.items if item.owner is person and not item.deleted]
        deed = self.random.choices(("make", "edit", "edit both", "delete"), (4, 5, 4, 1.5))[0]
        if deed == "make" or not own:
            await self._make(person)
            return
        item = self.random.choice(own)
        sides = [EXCHANGE, DYNAMICS]
        self.random.shuffle(sides)
        if deed == "edit both":
            name = self.random.choice(sorted(FIELDS[item.kind]))
            await self._edit(item, sides[0], name)
            await self.world.run_for(timedelta(seconds=self.random.choice((0, 0.3, 2, 20))))
            await self._edit(item, sides[1], name)
        elif deed == "edit":
            await self._edit(item, sides[0])
        else:
            await self._delete(item, sides[0])

    async def _make(self, person: Person) -> None:
        self._serial += 1
        kind, side = self.random.choice(KINDS), self.random.choice((EXCHANGE, DYNAMICS))
        start = self.world.clock.now().replace(minute=0, second=0, microsecond=0)
        start += timedelta(hours=self.random.randint(24, 240))
        item = Item(f"H{self._serial:03d}", kind, person, side, start)
        values = {name: self._value(item, name) for name in FIELDS[kind]}
        self._tell(item, side, f"made {values}")
        await (self._make_there if side == DYNAMICS else self._make_here)(item, values)
        item.edits += [Edit(self.world.clock.now(), side, name, value) for name, value in values.items()]
        self.items.append(item)

    async def _make_here(self, item: Item, values: Mapping[str, str]) -> None:
        body: Json = {"categories": [CATEGORY]}
        for name, value in values.items():
            body |= self._here(item, name, value)
        if item.kind == EVENT:
            body |= {"start": _moment(item.start), "end": _moment(item.start + timedelta(hours=1))}
            await item.owner.graph("POST", "events", body)
        elif item.kind == CONTACT:
            await item.owner.graph("POST", "contacts", {**body, "givenName": "Kim"})
        else:
            await item.owner.graph("POST", f"todo/lists/{await item.owner.default_list()}/tasks", body)

    async def _make_there(self, item: Item, values: Mapping[str, str]) -> None:
        columns: Json = {FIELDS[item.kind][name][1]: value for name, value in values.items()}
        user = f"/systemusers({item.owner.user})"
        if item.kind == EVENT:
            columns |= {
                "scheduledstart": _text(item.start),
                "scheduledend": _text(item.start + timedelta(hours=1)),
                "appointment_activity_parties": [
                    {"participationtypemask": 7, "partyid_systemuser@odata.bind": user}
                ],
            }
        elif item.kind == CONTACT:
            columns["firstname"] = "Kim"
        else:
            columns["scheduledend"] = _text(item.start)
        await item.owner.make(SETS[item.kind], **columns)

    async def _edit(self, item: Item, side: str, name: str = "") -> None:
        found = await self.found(item, side)
        if not found:  # It has not come here yet, or is gone.
            return
        name = name or self.random.choice(sorted(FIELDS[item.kind]))
        value = self._value(item, name)
        self._tell(item, side, f"{name} := {value}")
        seen = self.value(item, side, found[0], name).strip()
        item.edits.append(Edit(self.world.clock.now(), side, name, value, seen))
        if side == DYNAMICS:
            columns = {FIELDS[item.kind][name][1]: value}
            await item.owner.edit(SETS[item.kind], found[0][IDS[item.kind]], **columns)
        else:
            await item.owner.graph(
                "PATCH", await self._path(item, found[0]["id"]), self._here(item, name, value)
            )

    async def _is_linked(self, item: Item, item_id: str) -> bool:
        """The service knows by now that this is the row's item."""
        return item_id in await self.world.links.links_by_exchange(item.owner.mailbox, [item_id])

    async def _delete(self, item: Item, side: str) -> None:
        found = await self.found(item, side)
        if not found:
            return
        self._tell(item, side, "deleted")
        item.deleted[side] = self.world.clock.now()
        if side == EXCHANGE and item.born == DYNAMICS:
            item.unknown = not await self._is_linked(item, str(found[0]["id"]))
        if side == DYNAMICS:
            await item.owner.delete(SETS[item.kind], found[0][IDS[item.kind]])
        else:
            await item.owner.graph("DELETE", await self._path(item, found[0]["id"]))

    # --- looking ----------------------------------------------------------------------------------

    async def found(self, item: Item, side: str) -> list[Json]:
        """Everything with this item's mark on that side."""
        path, column = FIELDS[item.kind]["words"]
        if side == DYNAMICS:
            rows = await item.owner.rows(SETS[item.kind], f"contains({column},'{item.mark}')")
            return [row for row in rows if item.mark in str(row.get(column))]
        if item.kind == EVENT:
            rows = (await item.owner.graph("GET", "events?$top=500"))["value"]
        else:
            rows = await (item.owner.contacts() if item.kind == CONTACT else item.owner.tasks())
        return [row for row in rows if item.mark in str(row.get(path[0]))]

    @staticmethod
    def value(item: Item, side: str, row: Json, name: str) -> str:
        path, column = FIELDS[item.kind][name]
        if side == DYNAMICS:
            return str(row.get(column) or "")
        found: Any = row
        for step in path:
            found = (found or {}).get(step)
        return str(found or "")

    # --- inside -----------------------------------------------------------------------------------

    def _value(self, item: Item, name: str) -> str:
        self._serial += 1
        return f"{item.mark} v{self._serial:04d}" if name == "words" else f"v{self._serial:04d}"

    def _here(self, item: Item, name: str, value: str) -> Json:
        path, _ = FIELDS[item.kind][name]
        inner: Any = value
        for step in reversed(path):
            inner = {step: inner}
        if name == "text":
            inner["body"]["contentType"] = "text"
        return dict(inner)

    async def _path(self, item: Item, item_id: str) -> str:
        if item.kind == TASK:
            return f"todo/lists/{await item.owner.default_list()}/tasks/{item_id}"
        return f"{item.kind}s/{item_id}"

    def _tell(self, item: Item, side: str, what: str) -> None:
        now = self.world.clock.now()
        name = item.owner.address.partition("@")[0]
        self.story.append(f"{now:%a %H:%M:%S.%f} {name} {item.kind} {item.mark} in {side}: {what}")


def _moment(moment: datetime) -> Json:
    return {"dateTime": f"{moment:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
