"""Any edits of a task's dates and progress converge, and days never drift (TASK-3 to TASK-9)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from local.dataverse import computed, states
from local.dataverse.errors import Refusal
from local.dataverse.payload import Changes
from local.dataverse.tables.tasks import TASK_LIKE
from local.exchange import todo_input
from local.exchange.errors import GraphError
from shared.model.personal import TASK, DynamicsRecord, ExchangeItem
from shared.model.values import Direction, Side
from shared.rules import task_progress, task_span
from shared.rules.field_table import by_name, direction_of
from shared.rules.meeting_time import text_of
from shared.rules.merge import MISSING, FieldState, merge
from shared.rules.task_coupling import FIELDS, coupled
from shared.rules.task_crossing import crossing
from shared.rules.task_days import day_of, done_at, instant_of
from shared.rules.task_pair import TaskPair
from shared.rules.task_status import REASONS, alike
from tests.marks import rule

NOW = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
ZONES = sorted(set(files("tzdata").joinpath("zones").read_text().split()) - {"Factory"})
DAYS = st.dates(date(1900, 1, 2), date(2199, 12, 30))
TABLES = {table.name: table for table in TASK_LIKE}
_DATES = {"start": "startDateTime", "due": "dueDateTime", "completed": "completedDateTime"}
_COLUMNS = {"start": "scheduledstart", "due": "scheduledend", "completed": "actualend"}


def lacks(day: date, zone: ZoneInfo) -> bool:
    """A place that moved over the date line left the day out."""
    noon = datetime.combine(day, time(12), zone)
    return noon.astimezone(UTC).astimezone(zone).date() != day


# --- days -----------------------------------------------------------------------------------------


@rule("TASK-5", "FLD-15", "FLD-16")
@settings(max_examples=40, deadline=None)
@given(day=DAYS, present=st.none() | st.datetimes(datetime(1900, 1, 3), datetime(2199, 12, 28)))
def test_a_day_comes_back_from_its_instant_in_every_zone(day: date, present: datetime | None) -> None:
    now_there = text_of(present.replace(tzinfo=UTC)) if present else None
    drifted = [
        name
        for name in ZONES
        if not lacks(day, zone := ZoneInfo(name))
        and day_of(instant_of(day.isoformat(), zone, now_there), zone) != day.isoformat()
    ]
    assert drifted == []


@rule("TASK-5", "FLD-14", "FLD-15", "FLD-16")
@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(ZONES),
    present=st.datetimes(datetime(1900, 1, 3), datetime(2199, 12, 28)),
    data=st.data(),
)
def test_a_day_that_is_the_same_changes_nothing(name: str, present: datetime, data: st.DataObject) -> None:
    zone, text = ZoneInfo(name), text_of(present.replace(tzinfo=UTC))
    day = day_of(text, zone)
    assert instant_of(day, zone, text) == text
    assert done_at(day, zone, text, NOW) == text
    for field in ("start", "due", "completed"):
        row = record(TASK, {"status": [1, 5], field: text})
        assert crossing(by_name(TASK)[field], None, row, zone, NOW).agree(day, text)


@rule("TASK-5", "FLD-15")
@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(ZONES), day=DAYS, other=DAYS, hours=st.integers(3, 20), minutes=st.integers(0, 59)
)
def test_the_time_of_day_stays(name: str, day: date, other: date, hours: int, minutes: int) -> None:
    zone = ZoneInfo(name)
    local = datetime.combine(other, time(hours, minutes), zone)
    assume(not lacks(day, zone) and local.astimezone(UTC).astimezone(zone).time() == time(hours, minutes))
    wanted = datetime.combine(day, time(hours, minutes), zone)
    assume(wanted.astimezone(UTC).astimezone(zone) == wanted)
    moved = instant_of(day.isoformat(), zone, text_of(local))
    assert moved == text_of(wanted)


# --- convergence ----------------------------------------------------------------------------------


class Todo:
    """A task as the stand-in of To Do settles it; ``percent`` is our extension's."""

    def __init__(self) -> None:
        self.props: dict[str, Any] = {**todo_input.DEFAULTS, "title": "Call"}
        self.percent: int | None = None

    def write(self, values: dict[str, Any]) -> None:
        sent: dict[str, Any] = {}
        for name, value in values.items():
            if name == "percent":
                self.percent = value
            elif name in _DATES:
                when = {"dateTime": f"{value}T00:00:00.0000000", "timeZone": "UTC"}
                sent[_DATES[name]] = when if value else None
            else:
                sent[name] = value
        self.props = todo_input.settled(self.props, todo_input.parse(sent), NOW.date())

    def values(self) -> dict[str, Any]:
        days = {n: (self.props[p] or {"dateTime": ""})["dateTime"][:10] or None for n, p in _DATES.items()}
        return {**days, "status": self.props["status"], "percent": self.percent}


class Row:
    """A row as the stand-in of Dataverse settles it."""

    def __init__(self, table: str) -> None:
        self.table = TABLES[table]
        empty = dict.fromkeys((*_COLUMNS.values(), "percentcomplete"))
        self.row: dict[str, Any] = {
            **empty,
            **states.on_create(self.table, Changes(), "id"),
            "activityid": "id",
        }

    def write(self, values: dict[str, Any]) -> None:
        changes = Changes()
        for name, value in values.items():
            if name == "status":
                changes.state, changes.values["statuscode"] = value
            elif name == "percent":
                assert self.table.name == TASK
                changes.values["percentcomplete"] = value
            else:
                changes.values[_COLUMNS[name]] = value
        after = {**changes.values, **states.on_update(self.table, changes, self.row)}
        after |= states.on_closing(self.table, after, self.row, text_of(NOW))
        row = {**self.row, **after}
        computed._minutes(
            {name: row[name] and row[name].replace("Z", "+00:00") for name in _COLUMNS.values()}
        )
        self.row = row

    def values(self) -> dict[str, Any]:
        shown = {name: self.row[column] for name, column in _COLUMNS.items()}
        shown["status"] = [self.row["statecode"], self.row["statuscode"]]
        return shown | ({"percent": self.row["percentcomplete"]} if self.table.name == TASK else {})


def record(table: str, values: dict[str, Any], outgoing: bool = True) -> DynamicsRecord:
    return DynamicsRecord(table=table, id="row", etag="1", values=values, outgoing=outgoing)


class Pair:
    """A task, its row and their base, kept in step as the engine does it."""

    def __init__(self, table: str, zone: ZoneInfo, directions: dict[str, Direction] | None = None) -> None:
        self.table, self.zone, self.directions = table, zone, directions or {}
        self.todo, self.row = Todo(), Row(table)
        self.base: dict[str, tuple[Any, Any]] = {}

    def sync(self, winner: Side) -> tuple[dict[str, Any], dict[str, Any]]:
        """One pass; what it wrote to either side."""
        left, right = self.todo.values(), self.row.values()
        item = ExchangeItem(kind="task", id="item", etag="1", place="list", values=left)
        exchange, dynamics, held = {}, {}, set()
        for name in sorted(FIELDS):
            field = by_name(self.table).get(name)
            if field is None:
                continue
            over = crossing(field, item, record(self.table, right), self.zone, NOW)
            base = self.base.get(name, (MISSING, MISSING))
            state = FieldState(name, left[name], right[name], *base)
            merged = merge(state, over, direction_of(field, self.directions), winner)
            if merged.held and not state.first_time:
                held.add(name)
            if merged.towards is Side.DYNAMICS:
                dynamics[name] = over.to_dynamics(left[name])
            elif merged.towards is Side.EXCHANGE:
                exchange[name] = over.to_exchange(right[name])
        pair = TaskPair(self.table, left, right, self.zone, NOW, directions=self.directions)
        whole = coupled(pair, exchange, dynamics)
        if whole.exchange:
            self.todo.write(whole.exchange)
        if whole.dynamics:
            self.row.write(whole.dynamics)
        left, right = self.todo.values(), self.row.values()
        for name in left:
            if name in right and name not in held | whole.held:
                self.base[name] = (left[name], right[name])
        return whole.exchange, whole.dynamics

    def disagreements(self) -> list[str]:
        left, right = self.todo.values(), self.row.values()
        pair = TaskPair(self.table, left, right, self.zone, NOW)
        here = task_progress.of_exchange(left)
        there = task_progress.of_dynamics(self.table, right, self.zone, NOW)
        found = [] if alike(self.table, here.status, there.status) else ["status"]
        found += ["percent"] if self.table == TASK and here.percent != there.percent else []
        found += ["completed"] if here.day != there.day and not (there.done and not there.day) else []
        found += ["span"] if task_span.of_exchange(left) != task_span.of_dynamics(pair, right) else []
        return [f"{name}: {json.dumps([left, right])}" for name in found]


near_days = st.integers(-3, 4).map(lambda n: (NOW.date() + timedelta(days=n)).isoformat())
near_instants = st.integers(-80, 100).map(lambda n: text_of(NOW + timedelta(hours=n, minutes=30)))
todo_edits = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["notStarted", "inProgress", "waitingOnOthers", "deferred", "completed"]),
        "percent": st.sampled_from([None, 0, 20, 50, 99, 100]),
        "start": st.none() | near_days,
        "due": st.none() | near_days,
        "completed": near_days,
    },
)


@st.composite
def row_edits(draw: st.DrawFn, table: str) -> dict[str, Any]:
    pairs = [[state, reason] for state, reasons in REASONS[table].items() for reason in reasons]
    percent = {"percent": st.sampled_from([None, 0, 20, 50, 99, 100])} if table == TASK else {}
    dates = {name: st.none() | near_instants for name in _COLUMNS}
    return draw(st.fixed_dictionaries({}, optional={"status": st.sampled_from(pairs), **percent, **dates}))


def edited(side: Todo | Row, values: dict[str, Any]) -> None:
    """What the side itself refuses is no edit."""
    try:
        side.write(values)
    except (Refusal, GraphError):
        return


near_zones = st.sampled_from(
    ["UTC", "Europe/Berlin", "Pacific/Kiritimati", "Pacific/Honolulu", "Asia/Beirut"]
)


@rule("TASK-3", "TASK-4", "TASK-5", "TASK-7", "TASK-9", "FLD-13", "FLD-14", "FLD-15", "FLD-16", "FLD-19")
@settings(max_examples=400, deadline=None)
@given(table=st.sampled_from(sorted(TABLES)), zone=near_zones, data=st.data())
def test_whatever_both_sides_do_one_pass_brings_them_together(
    table: str, zone: str, data: st.DataObject
) -> None:
    pair = Pair(table, ZoneInfo(zone))
    for _ in range(data.draw(st.integers(1, 3))):
        edited(pair.todo, data.draw(todo_edits))
        edited(pair.row, data.draw(row_edits(table)))
        pair.sync(data.draw(st.sampled_from(Side)))
        assert pair.disagreements() == []
        assert pair.sync(data.draw(st.sampled_from(Side))) == ({}, {})


@rule("TASK-3", "TASK-4", "TASK-5", "TASK-9")
@settings(max_examples=400, deadline=None)
@given(table=st.sampled_from(sorted(TABLES)), zone=near_zones, winner=st.sampled_from(Side), data=st.data())
def test_what_one_side_alone_changed_is_never_undone(
    table: str, zone: str, winner: Side, data: st.DataObject
) -> None:
    pair = Pair(table, ZoneInfo(zone))
    edited(pair.todo, data.draw(todo_edits))
    edited(pair.row, data.draw(row_edits(table)))
    pair.sync(winner)
    if data.draw(st.booleans()):
        edited(pair.todo, data.draw(todo_edits))
        before = pair.todo.values()
        pair.sync(winner)
        assert pair.todo.values() == before
    else:
        edited(pair.row, data.draw(row_edits(table)))
        before = pair.row.values()
        pair.sync(winner)
        assert pair.row.values() == before


@rule("FLD-13", "FLD-14", "FLD-15", "FLD-16")
@settings(max_examples=400, deadline=None)
@given(
    table=st.sampled_from(sorted(TABLES)),
    zone=near_zones,
    directions=st.fixed_dictionaries(
        {name: st.sampled_from(Direction) for name in ("percent", "completed", "start", "due")}
    ),
    data=st.data(),
)
def test_whichever_way_the_fields_travel_nothing_goes_back_and_forth(
    table: str, zone: str, directions: dict[str, Direction], data: st.DataObject
) -> None:
    pair = Pair(table, ZoneInfo(zone), directions)
    for _ in range(data.draw(st.integers(1, 3))):
        edited(pair.todo, data.draw(todo_edits))
        edited(pair.row, data.draw(row_edits(table)))
        winner = data.draw(st.sampled_from(Side))
        passes = [pair.sync(winner) for _ in range(4)]
        assert passes[-2:] == [({}, {}), ({}, {})]


@pytest.mark.parametrize("table", sorted(TABLES))
def test_two_untouched_ones_agree(table: str) -> None:
    assert Pair(table, ZoneInfo("UTC")).sync(Side.EXCHANGE) == ({}, {})
