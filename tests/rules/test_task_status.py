"""Statuses of tasks, phone calls, letters and faxes, both ways (TASK-2 to TASK-4, TASK-9, FLD-19)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from local.dataverse.tables.tasks import TASK_LIKE
from shared.rules.task_status import FINISHED, OPENED, REASONS, alike, to_dynamics, to_exchange
from tests.marks import rule

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def shown(table: str, status: list[int], percent: int | None = None, completed: str | None = None) -> str:
    return to_exchange(table, status, percent, completed, NOW)


@rule("TASK-2")
@pytest.mark.parametrize("table", TASK_LIKE, ids=lambda table: table.name)
def test_the_reasons_are_those_of_the_tables(table) -> None:
    known = {(reason, state) for state, reasons in REASONS[table.name].items() for reason in reasons}
    assert known == {(option.value, option.state) for option in table.by_name["statuscode"].options}
    assert OPENED[table.name] in REASONS[table.name][0]
    assert set(FINISHED[table.name]) <= set(REASONS[table.name][1])


@rule("TASK-3")
@pytest.mark.parametrize(
    ("status", "percent", "expected"),
    [
        ([0, 2], None, "notStarted"),
        ([0, 2], 0, "notStarted"),
        ([0, 2], 1, "inProgress"),
        ([0, 2], 99, "inProgress"),
        ([0, 3], 0, "inProgress"),
        ([0, 4], 50, "waitingOnOthers"),
        ([0, 7], 50, "deferred"),
        ([1, 5], 30, "completed"),
        ([2, 6], None, "completed"),
        ([0, 100_000_001], None, "notStarted"),
    ],
)
def test_a_tasks_row_in_exchange(status: list[int], percent: int | None, expected: str) -> None:
    assert shown("task", status, percent) == expected


@rule("TASK-3")
@pytest.mark.parametrize(
    ("table", "status", "expected"),
    [
        ("phonecall", [0, 1], "notStarted"),
        ("phonecall", [1, 4], "completed"),
        ("phonecall", [2, 3], "completed"),
        ("letter", [0, 2], "notStarted"),
        ("letter", [1, 3], "completed"),
        ("fax", [0, 1], "notStarted"),
        ("fax", [2, 5], "completed"),
    ],
)
def test_other_rows_in_exchange(table: str, status: list[int], expected: str) -> None:
    assert shown(table, status) == expected


@rule("TASK-4")
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("notStarted", [0, 2]),
        ("inProgress", [0, 3]),
        ("waitingOnOthers", [0, 4]),
        ("deferred", [0, 7]),
        ("completed", [1, 5]),
    ],
)
@pytest.mark.parametrize("present", [None, "other"])
def test_a_task_of_exchange_as_a_row(status: str, expected: list[int], present: str | None) -> None:
    other = ([0, 3] if expected == [0, 7] else [0, 7]) if present else None
    assert to_dynamics("task", status, other) == expected


@rule("TASK-4", "TASK-9")
def test_a_hundred_per_cent_or_a_past_end_is_completed_whatever_the_row_says() -> None:
    assert shown("task", [0, 3], 100) == "completed"
    assert shown("task", [0, 4], 20, "2026-03-02T12:00:00Z") == "completed"
    assert shown("letter", [0, 1], None, "2026-03-01T12:00:00Z") == "completed"
    assert shown("task", [0, 4], 20, "2026-03-02T12:00:01Z") == "waitingOnOthers"


@rule("TASK-2")
@pytest.mark.parametrize(
    ("table", "outgoing", "reason"),
    [("phonecall", 2, 4), ("letter", 4, 3), ("fax", 3, 4)],
)
def test_done_is_sent_or_received(table: str, outgoing: int, reason: int) -> None:
    assert to_dynamics(table, "completed", [0, 1], outgoing=True) == [1, outgoing]
    assert to_dynamics(table, "completed", [0, 1], outgoing=False) == [1, reason]


@rule("FLD-19")
def test_what_says_the_same_already_stays() -> None:
    assert to_dynamics("task", "completed", [2, 6]) == [2, 6]
    assert to_dynamics("fax", "completed", [1, 2]) == [1, 2]
    assert to_dynamics("letter", "inProgress", [0, 2]) == [0, 2]
    assert to_dynamics("task", "notStarted", [0, 100_000_001]) == [0, 100_000_001]
    assert to_dynamics("task", "somethingNew", [0, 7]) == [0, 7]
    assert alike("phonecall", "waitingOnOthers", "notStarted")
    assert not alike("phonecall", "completed", "notStarted")
    assert not alike("task", "waitingOnOthers", "notStarted")


@rule("TASK-9")
@pytest.mark.parametrize(
    ("table", "closed", "opened"),
    [
        ("task", [2, 6], [0, 2]),
        ("phonecall", [1, 2], [0, 1]),
        ("letter", [1, 4], [0, 1]),
        ("fax", [1, 3], [0, 1]),
    ],
)
def test_opened_again(table: str, closed: list[int], opened: list[int]) -> None:
    assert to_dynamics(table, "notStarted", closed) == opened
