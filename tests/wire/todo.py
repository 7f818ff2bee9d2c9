"""What stories about tasks say often: what Outlook does that Graph has no request for, and how both sides are
read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.wire.people import People, Person

Json = dict[str, Any]

SETS = {"task": "tasks", "phonecall": "phonecalls", "letter": "letters", "fax": "faxes"}
EXTENSION = "org.exchangedynamicssync.task"
EXPAND = f"$expand=linkedResources,extensions($filter=id eq '{EXTENSION}')"


def instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def in_days(world: People, days: int, hour: int = 15) -> datetime:
    """An hour of a day to come, UTC."""
    day = (world.clock.now() + timedelta(days=days)).date()
    return datetime.fromisoformat(f"{day}T{hour:02d}:00:00+00:00")


def day(text: str, zone: str = "UTC") -> Json:
    return {"dateTime": f"{text}T00:00:00", "timeZone": zone}


async def new_list(person: Person, name: str) -> str:
    return str((await person.graph("POST", "todo/lists", {"displayName": name}))["id"])


async def move(person: Person, task_id: str, target: str) -> str:
    """What dragging a task to another list does; its new id."""
    body = {"user": person.mailbox, "kind": "task", "id": task_id, "list": target}
    return str((await person.world.control("exchange", "POST", "move", body))["id"])


async def copy(person: Person, task_id: str) -> str:
    body = {"user": person.mailbox, "kind": "task", "id": task_id}
    return str((await person.world.control("exchange", "POST", "copy", body))["id"])


async def whole(person: Person, task_id: str, place: str = "") -> Json:
    """A task with its linked resources and our extension."""
    where = place or await person.default_list()
    found: Json = await person.graph("GET", f"todo/lists/{where}/tasks/{task_id}?{EXPAND}")
    return found


async def all_tasks(person: Person) -> list[Json]:
    """Of all lists."""
    return [task for row in await person.lists() for task in await person.tasks(row["id"])]


async def one_task(person: Person, title: str) -> Json:
    """The one with this title, in whichever list; there is no second."""
    found = [task for task in await all_tasks(person) if task["title"] == title]
    assert len(found) == 1, [task["title"] for task in await all_tasks(person)]
    return found[0]


async def one_row(person: Person, subject: str, table: str = "task") -> Json:
    """The one of this subject; there is no second."""
    found = await person.rows(SETS[table], f"subject eq '{subject}'")
    assert len(found) == 1, found
    return found[0]


async def row_of(person: Person, row: Json, table: str = "task") -> Json:
    """A row as it is now; it is there."""
    found = await person.row(SETS[table], row["activityid"])
    assert found is not None
    return found


async def all_rows(person: Person) -> list[Json]:
    """Of all four tables."""
    return [row for entity_set in SETS.values() for row in await person.rows(entity_set)]


def extension(task: Json) -> Json:
    return next(iter(task.get("extensions") or ()), {})


def shown_day(task: Json, name: str, zone: str = "UTC") -> str | None:
    """The day of a start or due date as somebody in that zone sees it."""
    moment = task.get(name)
    if not moment:
        return None
    assert moment["timeZone"] == "UTC", moment
    at = datetime.fromisoformat(moment["dateTime"][:19] + "+00:00")
    return at.astimezone(ZoneInfo(zone)).date().isoformat()


async def linked(world: People, person: Person, title: str = "Call", **columns: Any) -> tuple[Json, Json]:
    """A task that was made in Dynamics and is in step: the To Do task and the row."""
    row = await person.make("tasks", subject=title, **columns)
    await world.settle()
    return await one_task(person, title), row


async def tracked(world: People, person: Person, title: str = "Call", **values: Any) -> tuple[Json, Json]:
    """A task that was tracked in Outlook and is in step."""
    task = await person.add_task(title, **values)
    await world.settle()
    return task, await one_row(person, title)
