"""What people do with items of one kind only, and with tracking."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from tests.simulation.humans import AHEAD, Deed, Humans
from tests.simulation.items import EXCHANGE, Edit, Item
from tests.simulation.kinds import KINDS
from tests.simulation.kinds.contacts import Contacts
from tests.simulation.kinds.events import Events, when
from tests.simulation.kinds.series import Pattern, Series
from tests.simulation.kinds.tasks import CLOSED, NOT_CLOSED, Tasks
from tests.simulation.meetings import MEETING_DEEDS

Special = Callable[[Humans, Deed, Item], Awaitable[None]]


# --- events ---------------------------------------------------------------------------------------


async def _move_event(humans: Humans, deed: Deed, item: Item) -> None:
    kind, side = _events(item), humans.side(deed)
    row = await kind.seen(item, side)
    if row is None:
        return
    start = _another_time(humans, deed)
    humans.set_fact(item, side, row, "when", when(f"{start:%Y-%m-%dT%H:%M}", whole_day=False))
    await kind.move(item, side, start)


async def _whole_day(humans: Humans, deed: Deed, item: Item) -> None:
    kind, side = _events(item), humans.side(deed)
    row = await kind.seen(item, side)
    if row is None:
        return
    start = _another_time(humans, deed)
    humans.set_fact(item, side, row, "when", when(f"{start:%Y-%m-%dT00:00}", whole_day=True))
    await kind.make_all_day(item, side, start)


async def _another_calendar(humans: Humans, deed: Deed, item: Item) -> None:
    """A second one, made if there is none; or back."""
    kind = _events(item)
    if await kind.seen(item, EXCHANGE) is None:
        return
    calendars = (await item.owner.graph("GET", "calendars"))["value"]
    others = [row for row in calendars if row["name"] == "Others"]
    if not others:
        others = [await item.owner.graph("POST", "calendars", {"name": "Others"})]
    default = next(row for row in calendars if row["isDefaultCalendar"])
    target = deed.random.choice((others[0], default))
    humans.tell(item, EXCHANGE, f"moved to the calendar {target['name']}")
    await kind.put_into(item, target["id"])


def _another_time(humans: Humans, deed: Deed) -> datetime:
    start = humans.now.replace(minute=0, second=0, microsecond=0)
    return start + timedelta(hours=deed.random.randint(*AHEAD), minutes=deed.random.randrange(0, 60, 5))


def _events(item: Item) -> Events:
    kind = KINDS[item.kind]
    assert isinstance(kind, Events)
    return kind


# --- series ---------------------------------------------------------------------------------------


async def _edit_slot(humans: Humans, deed: Deed, item: Item) -> None:
    kind, side = _series(item), humans.side(deed)
    if await kind.seen(item, side) is None:
        return
    slots = await kind.slots(item, side)
    days = [day for day, row in sorted(slots.items()) if kind.begin(side, row) > humans.now]
    if not days:
        return
    day = deed.random.choice(days)
    value = deed.value(item, "place")
    seen = kind.value(side, slots[day], "place")
    humans.tell(item, side, f"place of {day} := {value}")
    edit = Edit(humans.now, side, "place", value, seen)
    item.slots.edits.setdefault(day, []).append(edit)
    await kind.write_slot(item, side, slots[day], value)


async def _remove_slot(humans: Humans, deed: Deed, item: Item) -> None:
    kind, side = _series(item), humans.side(deed)
    if await kind.seen(item, side) is None:
        return
    slots = await kind.slots(item, side)
    days = [day for day, row in sorted(slots.items()) if kind.begin(side, row) > humans.now]
    if len(days) < 3:
        return
    day = deed.random.choice(days)
    humans.tell(item, side, f"took out {day}")
    item.slots.removed[day] = (side, humans.now)
    await kind.remove_slot(item, side, slots[day])


async def _repeat(humans: Humans, deed: Deed, item: Item) -> None:
    """A new pattern, or the same at another hour."""
    kind, side = _series(item), humans.side(deed)
    if await kind.seen(item, side) is None:
        return
    item.start = _another_time(humans, deed).replace(minute=0)
    pattern = Pattern(item.start, deed.random.choice((1, 2)), deed.random.randint(3, 7))
    humans.tell(item, side, f"repeats {pattern}")
    item.slots.patterns.append((side, humans.now))
    await kind.repeat(item, side, pattern)


def _series(item: Item) -> Series:
    kind = KINDS[item.kind]
    assert isinstance(kind, Series)
    return kind


# --- contacts and tasks ---------------------------------------------------------------------------


async def _move_contact(humans: Humans, deed: Deed, item: Item) -> None:
    """To a folder of its own, made if there is none."""
    kind = KINDS[item.kind]
    assert isinstance(kind, Contacts)
    if await kind.seen(item, EXCHANGE) is None:
        return
    folders = (await item.owner.graph("GET", "contactFolders"))["value"]
    if not folders:
        folders = [await item.owner.graph("POST", "contactFolders", {"displayName": "Others"})]
    humans.tell(item, EXCHANGE, "moved to the folder Others")
    await kind.move(item, folders[0]["id"])


async def _move_task(humans: Humans, deed: Deed, item: Item) -> None:
    kind = _tasks(item)
    if await kind.seen(item, EXCHANGE) is None:
        return
    lists = [row for row in await item.owner.lists() if row["wellknownListName"] in ("none", "defaultList")]
    if len(lists) < 2:
        lists.append(await item.owner.graph("POST", "todo/lists", {"displayName": "Others"}))
    target = next(row for row in lists if row["id"] != item.place)
    humans.tell(item, EXCHANGE, f"moved to the list {target['displayName']}")
    await kind.move(item, target["id"])


async def _close_task(humans: Humans, deed: Deed, item: Item) -> None:
    """Or open it again."""
    kind, side = _tasks(item), humans.side(deed)
    row = await kind.seen(item, side)
    if row is None:
        return
    closed = kind.facts(side, row)["state"] != CLOSED
    humans.set_fact(item, side, row, "state", CLOSED if closed else NOT_CLOSED)
    await kind.close(item, side, closed=closed)


async def _due(humans: Humans, deed: Deed, item: Item) -> None:
    kind, side = _tasks(item), humans.side(deed)
    row = await kind.seen(item, side)
    if row is None or kind.facts(side, row)["state"] == CLOSED:
        return
    due = _another_time(humans, deed)
    humans.set_fact(item, side, row, "due", f"{due:%Y-%m-%d}")
    await kind.set_due(item, side, due)


def _tasks(item: Item) -> Tasks:
    kind = KINDS[item.kind]
    assert isinstance(kind, Tasks)
    return kind


# --- tracking -------------------------------------------------------------------------------------


async def untrack(humans: Humans, deed: Deed, item: Item) -> None:
    """Taking the category off is what ends it; it stays ended unless it is put on again."""
    if await KINDS[item.kind].seen(item, EXCHANGE) is None:
        return
    humans.tell(item, EXCHANGE, "untracked")
    item.untracked = humans.now
    await KINDS[item.kind].track(item, tracked=False)


OF_TASKS: tuple[Special, ...] = (_move_task, _close_task, _close_task, _due)
SPECIAL: Mapping[str, tuple[Special, ...]] = {
    "event": (_move_event, _whole_day, _another_calendar, *MEETING_DEEDS, untrack),
    "series": (_edit_slot, _edit_slot, _remove_slot, _repeat, _another_calendar),
    "contact": (_move_contact, untrack),
    "task": (*OF_TASKS, untrack),
    **dict.fromkeys(("phonecall", "letter", "fax"), OF_TASKS),
}
