"""Contacts and To Do tasks of a mailbox in memory, behind the engine's ``PersonalItems``.

What decides about convergence is as strict as the stand-ins: versions, conditional writes, deltas by place
that repeat, telephone lists without gaps, display names that are made anew, To Do's rules about status and
dates, ids of tasks that change with their list. Plain methods are what people do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.engine.ports import ChangedItem, ItemPage
from shared.errors import Conflict, NotFound, Refused
from shared.exchange import stamps as contact_stamps
from shared.exchange import todo_extension
from shared.exchange.contact_fields import BLANK, TAGS
from shared.model.event import Stamps
from shared.model.personal import (
    CONTACT,
    CreateItem,
    DeleteItem,
    ExchangeItem,
    MarkItem,
    Place,
    PlacedId,
    UpdateItem,
)
from shared.model.values import Value
from shared.rules import slots
from shared.rules.contact_names import EMAILS, generated_display_name
from shared.rules.tracking import has_category, normal_guid
from tests.doubles.lost_answers import Line
from tests.doubles.world import MemoryExchange, MemoryMailbox

Values = dict[str, Any]
NEW_TASK: Values = {
    "subject": "",
    "notes": "",
    "importance": "normal",
    "status": "notStarted",
    "start": None,
    "due": None,
    "completed": None,
    "percent": None,
    "regarding": None,
}
NEW_CONTACT: Values = {**BLANK, "regarding": None}
OF_THE_EXTENSION = ("percent", "regarding")
MARK_NAMES = ("link_state", "crm_id", "org_id", "regarding_id", "regarding_type", "object_type")


class MemoryItems:
    """The contacts, or the tasks, of one mailbox, in a default place and another one."""

    def __init__(self, kind: str, world: PersonalExchange, mailbox: str) -> None:
        self.kind = kind
        self.places_there = (Place("default", "Default", is_default=True), Place("other", "Other"))
        self.items_there: dict[str, ExchangeItem] = {}
        self._world = world
        self._mailbox = mailbox
        self._log: list[tuple[str, str]] = []
        """Place and id, in the order of the changes."""
        self._epoch = 0

    # --- people -----------------------------------------------------------------------------------

    def add(self, *, categories: tuple[str, ...] = (), place: str = "default", **values: Any) -> ExchangeItem:
        self._world.clock.forward()
        return self._make(values, Stamps(), categories, place, display_name="")

    def edit(self, item_id: str, **values: Any) -> ExchangeItem:
        self._world.clock.forward()
        return self._put(self._changed(self.items_there[item_id], values, None))

    def categorize(self, item_id: str, *categories: str) -> None:
        self._world.clock.forward()
        self._put(replace(self.items_there[item_id], categories=categories))

    def move(self, item_id: str) -> str:
        """To the other place. A task gets another id there."""
        self._world.clock.forward()
        item = self.items_there[item_id]
        target = next(place.id for place in self.places_there if place.id != item.place)
        self._log.append((item.place, item_id))
        if self.kind != CONTACT:
            del self.items_there[item_id]
            item = replace(item, id=self._new_id())
        return self._put(replace(item, place=target)).id

    def remove(self, item_id: str) -> None:
        self._world.clock.forward()
        self._remove(item_id)

    def forget_deltas(self) -> None:
        self._epoch += 1

    # --- the store --------------------------------------------------------------------------------

    def _new_id(self) -> str:
        return f"{self._mailbox}/{self.kind}-{self._world.number()}"

    def _make(
        self,
        values: Mapping[str, Any],
        stamps: Stamps,
        categories: tuple[str, ...],
        place: str,
        display_name: str,
    ) -> ExchangeItem:
        blank = NEW_CONTACT if self.kind == CONTACT else NEW_TASK
        shown = dict(values)
        if self.kind == CONTACT:
            shown["regarding"] = contact_stamps.regarding(stamps)
        empty = ExchangeItem(
            self.kind, self._new_id(), "", place or "default", dict(blank), categories, stamps
        )
        return self._put(self._changed(empty, shown, display_name or None))

    def _changed(
        self, item: ExchangeItem, changes: Mapping[str, Any], display_name: str | None
    ) -> ExchangeItem:
        if self.kind == CONTACT:
            return _contact(item, changes, display_name)
        return replace(item, values=_task(item.values, changes, self._world.clock().date().isoformat()))

    def _put(self, item: ExchangeItem) -> ExchangeItem:
        stored = replace(item, etag=f'W/"{self._world.number()}"', modified=self._world.clock())
        self.items_there[item.id] = stored
        self._log.append((item.place, item.id))
        return stored

    def _hang_on(self, item: ExchangeItem) -> ExchangeItem:
        """What hangs on a task changes: neither its version nor its list's delta shows it."""
        self._world.number()
        self.items_there[item.id] = item
        return item

    def _remove(self, item_id: str) -> None:
        item = self.items_there.pop(item_id)
        self._world.number()
        self._log.append((item.place, item_id))

    def _current(self, item: ExchangeItem) -> ExchangeItem:
        known = self.items_there.get(item.id)
        if known is None or (self.kind != CONTACT and known.place != item.place):
            raise NotFound("ErrorItemNotFound")
        if item.etag and known.etag != item.etag:
            raise Conflict("ErrorIrresolvableConflict")
        return known

    # --- the port ---------------------------------------------------------------------------------

    async def places(self) -> Sequence[Place]:
        return self.places_there

    async def newest(self, since: datetime) -> Sequence[ChangedItem]:
        changed = [i for i in self.items_there.values() if i.modified and i.modified >= since]
        return [ChangedItem(i.id, i.etag, i.place) for i in changed]

    async def changes(self, links: Mapping[str, str | None]) -> Mapping[str, ItemPage]:
        self._world.line.arrive()
        return {place: self._page(place, link) for place, link in links.items()}

    def _page(self, place: str, link: str | None) -> ItemPage:
        if link is not None and int(link.split(":")[0]) != self._epoch:
            return ItemPage(expired=True)
        if link is None:
            touched = [item.id for item in self.items_there.values() if item.place == place]
        else:
            log = self._log[int(link.split(":")[1]) :]
            touched = list(dict.fromkeys(item_id for at, item_id in log if at == place))
        here = {i: self.items_there[i] for i in touched if i in self.items_there}
        items = tuple(_as_fed(item) for item in here.values() if item.place == place)
        removed = tuple(i for i in touched if i not in here or here[i].place != place)
        return ItemPage(items, removed, f"{self._epoch}:{len(self._log)}")

    async def tracked(self, place: str, link: str) -> ItemPage:
        """Pages of two, so that every story has more than one."""
        self._world.line.arrive()
        there = [item for item in self.items_there.values() if item.place == place and _is_marked(item)]
        begin = int(link or 0)
        more = begin + 2 < len(there)
        return ItemPage(tuple(there[begin : begin + 2]), (), str(begin + 2) if more else "", not more)

    async def items(self, ids: Sequence[PlacedId]) -> Mapping[str, ExchangeItem | None]:
        self._world.line.arrive()
        found: dict[str, ExchangeItem | None] = {}
        for placed in ids:
            item = self.items_there.get(placed.id)
            here = self.kind == CONTACT or not placed.place or (item and item.place == placed.place)
            found[placed.id] = item if here else None
        return found

    async def find_by_crm_id(self, dynamics_id: str) -> Sequence[ExchangeItem]:
        self._world.line.arrive()
        return [
            item
            for item in self.items_there.values()
            if item.stamps and item.stamps.crm_id and normal_guid(item.stamps.crm_id) == dynamics_id
            if self.kind == CONTACT or item.stamps.tracked
        ]

    async def find_by_crm_ids(self, dynamics_ids: Collection[str]) -> Mapping[str, Sequence[ExchangeItem]]:
        return {row_id: await self.find_by_crm_id(row_id) for row_id in dynamics_ids}

    async def search(self, emails: Sequence[str], name: str) -> Sequence[ExchangeItem]:
        self._world.line.arrive()
        wanted = {email.lower() for email in emails}
        return [
            _as_fed(item)
            for item in self.items_there.values()
            if wanted & {str(item.values.get(slot) or "").lower() for slot in EMAILS}
            or (name and name in (item.display_name, item.values.get("subject")))
        ]

    async def create(self, write: CreateItem) -> ExchangeItem:
        def effect() -> ExchangeItem:
            stamps = write.stamps if self.kind == CONTACT else _linked(write.stamps, None)
            made = self._make(write.values, stamps, write.categories, write.place, write.display_name)
            extended = self.kind != CONTACT and todo_extension.says_something(write.values)
            shown = replace(
                made,
                reminder_on=bool(write.reminder),
                extended=extended,
                resource_id="resource" if self.kind != CONTACT else "",
            )
            self.items_there[made.id] = shown
            return shown

        return self._world.line.carry(f"create {self.kind}", effect)

    async def update(self, write: UpdateItem) -> ExchangeItem:
        if self.kind == CONTACT:
            return self._world.line.carry(f"update {self.kind}", lambda: self._update_contact(write))
        own = {name: value for name, value in write.values.items() if name not in OF_THE_EXTENSION}
        item = write.item
        if own or write.reminder is not None:
            item = self._world.line.carry(f"update {self.kind}", lambda: self._update_task(write, own))
        if not todo_extension.concerns(write.values):
            return item
        return self._world.line.carry("put extension", lambda: self._extend(item, write))

    def _update_contact(self, write: UpdateItem) -> ExchangeItem:
        known = self._current(write.item)
        values = {name: value for name, value in write.values.items() if name != "regarding"}
        return self._put(self._changed(known, values, write.display_name))

    def _update_task(self, write: UpdateItem, own: Mapping[str, Any]) -> ExchangeItem:
        changed = self._changed(self._current(write.item), own, None)
        if write.reminder is not None:
            changed = replace(changed, reminder_on=bool(write.reminder))
        return self._put(changed)

    def _extend(self, item: ExchangeItem, write: UpdateItem) -> ExchangeItem:
        known = self._current(replace(item, etag=""))
        values = {**write.item.values, **write.values}
        shown = {**known.values, **todo_extension.as_read(values)}
        return self._hang_on(replace(known, values=shown, extended=True))

    async def mark(self, write: MarkItem) -> ExchangeItem:
        if self.kind == CONTACT:
            return self._world.line.carry(f"mark {self.kind}", lambda: self._mark_contact(write))
        item = write.item
        if write.categories is not None:
            item = self._world.line.carry(f"mark {self.kind}", lambda: self._mark_task(write))
        if write.stamps.link_state is None:
            return item
        if not write.stamps.tracked and item.stamps is not None and item.stamps.tracked:
            item = self._world.line.carry("put extension", lambda: self._note_row(item))
        return self._world.line.carry("put link", lambda: self._put_link(item, write))

    def _mark_contact(self, write: MarkItem) -> ExchangeItem:
        known = self._current(write.item)
        stamps = contact_stamps.as_read(_merged(known.stamps, write.stamps))
        categories = known.categories if write.categories is None else write.categories
        values = {**known.values, "regarding": contact_stamps.regarding(stamps)}
        return self._put(replace(known, stamps=stamps, categories=categories, values=values))

    def _mark_task(self, write: MarkItem) -> ExchangeItem:
        assert write.categories is not None
        return self._put(replace(self._current(write.item), categories=write.categories))

    def _put_link(self, item: ExchangeItem, write: MarkItem) -> ExchangeItem:
        known = self._current(replace(item, etag=""))
        stamps = _linked(write.stamps, known.stamps) if write.stamps.tracked else _unlinked(known.stamps)
        return self._hang_on(replace(known, stamps=stamps, resource_id="resource" if stamps.tracked else ""))

    def _note_row(self, item: ExchangeItem) -> ExchangeItem:
        """Behind the link that is still there nobody sees it."""
        return self._hang_on(replace(self._current(replace(item, etag="")), extended=True))

    async def delete(self, write: DeleteItem) -> None:
        def effect() -> bool:
            self._remove(self._current(write.item).id)
            return True

        self._world.line.carry(f"delete {self.kind}", effect)


def _is_marked(item: ExchangeItem) -> bool:
    """By a stamp, whatever it says, or by the category."""
    stamped = item.stamps is not None and item.stamps.link_state is not None
    return stamped or has_category(item.categories)


def _as_fed(item: ExchangeItem) -> ExchangeItem:
    """A contact without its extended properties, a task without its extension but with its link."""
    hidden = {*TAGS, "regarding"} if item.kind == CONTACT else set(OF_THE_EXTENSION)
    values = {name: value for name, value in item.values.items() if name not in hidden}
    stamps = None if item.kind == CONTACT else _shown(item.stamps)
    return replace(item, values=values, stamps=stamps, whole=False, extended=False)


def _shown(stamps: Stamps | None) -> Stamps:
    """A task's linked resource; the row that it had is noted in the extension."""
    return stamps if stamps is not None and stamps.tracked else Stamps()


def _merged(before: Stamps | None, written: Stamps) -> Stamps:
    named = {name: value for name in MARK_NAMES if (value := getattr(written, name)) is not None}
    return replace(before or Stamps(), **named)


def _linked(written: Stamps, before: Stamps | None) -> Stamps:
    """What a linked resource can say."""
    both = _merged(before, written)
    return Stamps(link_state=2.0, crm_id=both.crm_id, org_id=both.org_id, object_type=both.object_type)


def _unlinked(before: Stamps | None) -> Stamps:
    """What the extension says of the row that the task had."""
    if before is None or not before.crm_id:
        return Stamps()
    return Stamps(link_state=0.0, crm_id=before.crm_id, org_id=before.org_id, object_type=before.object_type)


def _contact(item: ExchangeItem, changes: Mapping[str, Any], display_name: str | None) -> ExchangeItem:
    """Lists have no gaps; the display name is made anew when a part of the name changes."""
    values = {**item.values, **changes}
    for first, second in slots.PAIRS:
        if not values[first]:
            values |= {first: values[second], second: ""}
    shown = item.display_name
    if display_name is not None:
        shown = display_name
    elif not shown or values["name"] != item.values["name"]:
        emails = [str(values[slot] or "") for slot in EMAILS]
        shown = generated_display_name(values["name"], str(values["company"] or ""), emails)
    return replace(item, values=values, display_name=shown)


def _task(before: Mapping[str, Value], changes: Mapping[str, Any], today: str) -> Values:
    """To Do's rules: a title; completed and its day go together; nothing begins after it is due."""
    values: Values = {**before, **changes}
    if not str(values["subject"] or "").strip():
        raise Refused("a task needs a title", code="invalidRequest", status=400)
    done = values["status"] == "completed"
    if changes.get("completed") and not done:
        if "status" in changes:
            raise Refused("only a completed task has a day of completion", code="invalidRequest", status=400)
        done, values["status"] = True, "completed"
    values["completed"] = (values["completed"] or today) if done else None
    start, due = values["start"], values["due"] or values["start"]
    if start and str(start) > str(due):
        raise Refused("startDateTime is after dueDateTime", code="invalidRequest", status=400)
    values["due"] = due
    return values


class PersonalMailbox(MemoryMailbox):
    """A mailbox that has contacts and tasks besides its calendar."""

    def __init__(self, world: PersonalExchange, mailbox_id: str, address: str) -> None:
        super().__init__(world, mailbox_id, address)
        self._contacts = MemoryItems(CONTACT, world, mailbox_id)
        self._tasks = MemoryItems("task", world, mailbox_id)

    @property
    def contacts(self) -> MemoryItems:
        return self._contacts

    @property
    def tasks(self) -> MemoryItems:
        return self._tasks

    def of(self, kind: str) -> MemoryItems:
        return self._contacts if kind == CONTACT else self._tasks


@dataclass
class PersonalExchange(MemoryExchange):
    """All mailboxes, with contacts and tasks."""

    def __post_init__(self) -> None:
        self.line = Line(self.clock)

    def add(self, mailbox_id: str, address: str) -> PersonalMailbox:
        box = PersonalMailbox(self, mailbox_id, address)
        self.boxes[mailbox_id] = box
        return box
