"""Stories about days: a task's dates are days in the mailbox's zone and do not drift in any (TASK-5, TASK-7,
FLD-14 to FLD-16)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.marks import rule
from tests.wire.people import People, Person, people
from tests.wire.todo import (
    Json,
    all_rows,
    all_tasks,
    day,
    instant,
    linked,
    one_task,
    row_of,
    shown_day,
    tracked,
)

ZONES = {
    "Line Islands Standard Time": "Pacific/Kiritimati",
    "UTC-11": "Etc/GMT+11",
    "Cuba Standard Time": "America/Havana",
    "Middle East Standard Time": "Asia/Beirut",
    "India Standard Time": "Asia/Kolkata",
}
"""Both sides of the date line, half hours, and clocks that go forward over midnight."""
CLOCKS = ("00:00", "00:30", "17:00", "23:59")
EVERY_ZONE = pytest.mark.parametrize("windows", list(ZONES))


def local_day(text: str, zone: str) -> str:
    return datetime.fromisoformat(text).astimezone(ZoneInfo(zone)).date().isoformat()


def local_time(text: str, zone: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(ZoneInfo(zone)):%H:%M}"


def moment(day_: date, clock: str, zone: str) -> str:
    hours, minutes = (int(part) for part in clock.split(":"))
    at = datetime(day_.year, day_.month, day_.day, hours, minutes, tzinfo=ZoneInfo(zone))
    return instant(at.astimezone(UTC))


async def unchanged_by_more_rounds(world: People, person: Person) -> bool:
    """Further comparisons and edits elsewhere find nothing to write in the dates."""
    before = [(r["activityid"], r["scheduledstart"], r["scheduledend"]) for r in await all_rows(person)]
    for number in range(2):
        for task in await all_tasks(person):
            await person.edit_task(task["id"], body={"content": f"round {number}", "contentType": "text"})
        await person.run_pass("sync now")
        await world.settle()
        for row in await all_rows(person):
            await person.edit("tasks", row["activityid"], prioritycode=number)
        await world.settle()
    after = [(r["activityid"], r["scheduledstart"], r["scheduledend"]) for r in await all_rows(person)]
    return before == after


@rule("TASK-5", "FLD-15", "FLD-16")
@EVERY_ZONE
async def test_a_moment_in_dynamics_is_its_day_in_the_mailbox_zone(windows: str) -> None:
    """Moved in To Do, the row keeps its time of day."""
    zone = ZONES[windows]
    async with people() as world:
        ada = await world.person("ada", zone=windows)
        await world.settle()
        first = world.clock.now().astimezone(ZoneInfo(zone)).date() + timedelta(days=3)
        due, later = first + timedelta(days=2), first + timedelta(days=150)
        rows = {}
        for clock in CLOCKS:
            start, end = moment(first, clock, zone), moment(due, clock, zone)
            rows[clock] = await ada.make("tasks", subject=clock, scheduledstart=start, scheduledend=end)
        await world.settle()
        for clock in CLOCKS:
            task = await one_task(ada, clock)
            assert shown_day(task, "startDateTime", zone) == first.isoformat()
            assert shown_day(task, "dueDateTime", zone) == due.isoformat()
        assert await unchanged_by_more_rounds(world, ada)
        for clock in CLOCKS:
            task = await one_task(ada, clock)
            assert shown_day(task, "dueDateTime", zone) == due.isoformat()
            await ada.edit_task(task["id"], dueDateTime=day(later.isoformat(), windows))
        await world.settle()
        for clock, row in rows.items():
            found = await row_of(ada, row)
            assert local_day(found["scheduledend"], zone) == later.isoformat()
            assert local_time(found["scheduledend"], zone) == clock
            assert found["scheduledstart"] == row["scheduledstart"]


@rule("TASK-5", "FLD-15", "FLD-16", "FLD-14")
@EVERY_ZONE
async def test_a_day_in_to_do_is_that_day_of_the_mailbox_zone_in_dynamics(windows: str) -> None:
    zone = ZONES[windows]
    async with people() as world:
        ada = await world.person("ada", zone=windows)
        await world.settle()
        first = world.clock.now().astimezone(ZoneInfo(zone)).date() + timedelta(days=3)
        due = first + timedelta(days=2)
        task, row = await tracked(
            world,
            ada,
            startDateTime=day(first.isoformat(), windows),
            dueDateTime=day(due.isoformat(), windows),
        )
        assert local_day(row["scheduledstart"], zone) == first.isoformat()
        assert local_day(row["scheduledend"], zone) == due.isoformat()
        assert await unchanged_by_more_rounds(world, ada)
        moved = due + timedelta(days=7)
        await ada.edit("tasks", row["activityid"], scheduledend=moment(moved, "08:15", zone))
        await world.settle()
        assert shown_day(await one_task(ada, "Call"), "dueDateTime", zone) == moved.isoformat()
        await ada.edit_task(task["id"], dueDateTime=None, startDateTime=None)
        await world.settle()
        found = await row_of(ada, row)
        assert (found["scheduledstart"], found["scheduledend"]) == (None, None)


@rule("TASK-5", "FLD-14")
@EVERY_ZONE
async def test_a_day_of_completion_does_not_drift(windows: str) -> None:
    zone = ZONES[windows]
    async with people() as world:
        ada = await world.person("ada", zone=windows)
        await world.settle()
        task, row = await linked(world, ada)
        past = world.clock.now().astimezone(ZoneInfo(zone)).date() - timedelta(days=5)
        ended = moment(past, "23:30", zone)
        await ada.edit("tasks", row["activityid"], actualend=ended, statecode=1, statuscode=5)
        await world.settle()
        task = await one_task(ada, "Call")
        assert task["completedDateTime"]["dateTime"][:10] == past.isoformat()
        for number in range(2):
            await ada.edit_task(task["id"], importance=("low", "high")[number])
            await ada.run_pass("sync now")
            await world.settle()
        assert (await row_of(ada, row))["actualend"] == ended
        assert (await one_task(ada, "Call"))["completedDateTime"]["dateTime"][:10] == past.isoformat()


@rule("TASK-5", "FLD-14")
@pytest.mark.parametrize(
    ("windows", "hour"),
    [("Line Islands Standard Time", 1), ("Line Islands Standard Time", 23), ("UTC-11", 1), ("UTC-11", 23)],
)
async def test_completing_in_to_do_at_any_hour_completes_the_row_that_day_and_for_good(
    windows: str, hour: int
) -> None:
    """To Do takes the day of UTC, which may be another one than the mailbox's."""
    async with people() as world:
        now = world.clock.now()
        world.forward(hours=(hour - now.hour) % 24)
        ada = await world.person("ada", zone=windows)
        await world.settle()
        task, row = await linked(world, ada)
        await ada.edit_task(task["id"], status="completed")
        await world.settle()
        found = await row_of(ada, row)
        assert (found["statecode"], found["statuscode"]) == (1, 5)
        today = world.clock.now().date().isoformat()
        assert local_day(found["actualend"], ZONES[windows]) == today
        await ada.run_pass("sync now")
        world.forward(days=2)
        await ada.edit("tasks", row["activityid"], description="later")
        await world.settle()
        assert (await row_of(ada, row))["actualend"] == found["actualend"]
        assert (await one_task(ada, "Call"))["status"] == "completed"


@rule("TASK-7")
@EVERY_ZONE
async def test_a_start_alone_is_due_that_day_in_every_zone(windows: str) -> None:
    zone = ZONES[windows]
    async with people() as world:
        ada = await world.person("ada", zone=windows)
        await world.settle()
        first = world.clock.now().astimezone(ZoneInfo(zone)).date() + timedelta(days=3)
        task, row = await linked(world, ada, scheduledstart=moment(first, "22:45", zone))
        assert shown_day(task, "dueDateTime", zone) == first.isoformat()
        assert (await row_of(ada, row))["scheduledend"] is None
        moved = first + timedelta(days=10)
        await ada.edit("tasks", row["activityid"], scheduledstart=moment(moved, "22:45", zone))
        await world.settle()
        task = await one_task(ada, "Call")
        assert shown_day(task, "startDateTime", zone) == moved.isoformat()
        assert shown_day(task, "dueDateTime", zone) == moved.isoformat()
        assert (await row_of(ada, row))["scheduledend"] is None
        alone = day((first + timedelta(days=20)).isoformat(), windows)
        await ada.edit_task(task["id"], startDateTime=alone, dueDateTime=alone)
        await world.settle()
        found = await row_of(ada, row)
        for column in ("scheduledstart", "scheduledend"):
            assert local_day(found[column] or found["scheduledstart"], zone) == alone["dateTime"][:10]


@rule("TASK-5", "TASK-7")
async def test_a_due_date_that_crosses_a_start_moved_on_the_other_side_leaves_neither_refused() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        first = world.clock.now().date() + timedelta(days=3)
        due = first + timedelta(days=2)
        task, row = await linked(
            world, ada, scheduledstart=moment(first, "09:00", "UTC"), scheduledend=moment(due, "17:00", "UTC")
        )
        await ada.edit_task(task["id"], dueDateTime=day((first + timedelta(days=1)).isoformat()))
        await ada.edit(
            "tasks",
            row["activityid"],
            scheduledstart=moment(due, "09:00", "UTC"),
            scheduledend=moment(due, "17:00", "UTC"),
        )
        await world.settle()
        task, found = await one_task(ada, "Call"), await row_of(ada, row)
        assert shown_day(task, "startDateTime") == found["scheduledstart"][:10]
        assert shown_day(task, "dueDateTime") == found["scheduledend"][:10]
        assert found["scheduledstart"] <= found["scheduledend"]


@rule("TASK-5")
@pytest.mark.parametrize(
    ("windows", "gap"), [("Cuba Standard Time", (2027, 3, 14)), ("Middle East Standard Time", (2027, 3, 28))]
)
async def test_the_day_whose_midnight_does_not_exist(windows: str, gap: tuple[int, int, int]) -> None:
    """The clocks go forward at midnight: that day begins at one o'clock."""
    zone, when = ZONES[windows], date(*gap).isoformat()
    async with people() as world:
        ada = await world.person("ada", zone=windows)
        await world.settle()
        _, row = await tracked(world, ada, dueDateTime=day(when, windows))
        assert local_day(row["scheduledend"], zone) == when
        assert shown_day(await one_task(ada, "Call"), "dueDateTime", zone) == when
        assert await unchanged_by_more_rounds(world, ada)
        _, other = await linked(
            world, ada, "From there", scheduledend=moment(date(2027, 2, 1), "00:15", zone)
        )
        there = await one_task(ada, "From there")
        await ada.edit_task(there["id"], dueDateTime=day(when, windows))
        await world.settle()
        assert local_day((await row_of(ada, other))["scheduledend"], zone) == when
        assert shown_day(await one_task(ada, "From there"), "dueDateTime", zone) == when


async def test_two_mailboxes_on_both_sides_of_the_date_line_each_have_their_own_day() -> None:
    async with people() as world:
        ada = await world.person("ada", zone="Line Islands Standard Time")
        ben = await world.person("ben", zone="UTC-11")
        await world.settle()
        due = f"{world.clock.now().date() + timedelta(days=3)}T09:00:00Z"
        rows: list[Json] = []
        for person in (ada, ben):
            rows.append(await person.make("tasks", subject="Call", scheduledend=due))
        await world.settle()
        east, west = await one_task(ada, "Call"), await one_task(ben, "Call")
        first, second = (
            shown_day(east, "dueDateTime", "Pacific/Kiritimati"),
            shown_day(west, "dueDateTime", "Etc/GMT+11"),
        )
        assert (first, second) == (local_day(due, "Pacific/Kiritimati"), local_day(due, "Etc/GMT+11"))
        assert first != second
        assert [(await row_of(ada, row))["scheduledend"] for row in rows] == [due, due]
