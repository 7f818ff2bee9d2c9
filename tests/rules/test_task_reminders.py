"""The reminder of a task: from the due time, never back (TASK-6, X-3, FLD-36)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.rules.field_table import of_entity
from shared.rules.task_reminders import on_creation, on_update, reminder
from tests.marks import rule

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
DUE = "2026-03-10T16:00:00Z"


def row(**values: Any) -> dict[str, Any]:
    return {"status": [0, 2], "due": DUE, "start": None, "completed": None, "percent": 0, **values}


def at(**values: Any) -> str:
    return reminder(row(**values), BERLIN, NOW)


@rule("TASK-6")
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, DUE),
        ({"due": "2026-03-09T23:00:00Z"}, "2026-03-10T08:00:00Z"),  # a day without a time
        ({"due": None}, ""),
        ({"due": None, "start": "2026-03-05T10:00:00Z"}, "2026-03-05T10:00:00Z"),
        ({"status": [1, 5]}, ""),
        ({"status": [2, 6]}, ""),
        ({"percent": 100}, ""),
        ({"completed": "2026-03-01T08:00:00Z"}, ""),
    ],
)
def test_the_reminder_of_a_row(values: dict[str, Any], expected: str) -> None:
    assert at(**values) == expected


@rule("TASK-6", "X-3")
def test_what_was_due_more_than_a_day_ago_gets_none() -> None:
    assert at(due="2026-03-01T12:00:01Z") == "2026-03-01T12:00:01Z"
    assert at(due="2026-03-01T12:00:00Z") == ""


@rule("TASK-6")
def test_a_new_task_gets_its_reminder() -> None:
    assert on_creation(row(), BERLIN, NOW) == DUE
    assert on_creation(row(due=None), BERLIN, NOW) is None


@rule("TASK-6", "FLD-36")
@pytest.mark.parametrize(
    ("before", "now", "taken", "expected"),
    [
        # Nothing that makes a reminder changed: what people made of it stays.
        ({}, {"subject": "New", "percent": 50}, {}, None),
        # The due time moved within its day, to another day, or went.
        ({}, {"due": "2026-03-10T09:00:00Z"}, {}, "2026-03-10T09:00:00Z"),
        ({}, {"due": "2026-03-11T16:00:00Z"}, {}, "2026-03-11T16:00:00Z"),
        ({}, {"due": None}, {}, ""),
        # Closed in Dynamics, and opened again.
        ({}, {"status": [1, 5]}, {}, ""),
        ({"status": [1, 5]}, {"status": [0, 2]}, {}, DUE),
        # Exchange's due date wins, or it completes the task meanwhile.
        ({}, {"due": "2026-03-11T16:00:00Z"}, {"due": "2026-03-12T16:00:00Z"}, None),
        ({}, {"due": "2026-03-11T16:00:00Z"}, {"status": [1, 5]}, ""),
    ],
)
def test_when_the_reminder_is_written(
    before: dict[str, Any], now: dict[str, Any], taken: dict[str, Any], expected: str | None
) -> None:
    assert on_update(row(**before), row(**now), taken, BERLIN, NOW) == expected


@rule("FLD-36")
@pytest.mark.parametrize("table", ["task", "phonecall", "letter", "fax"])
def test_no_field_brings_a_reminder_back(table: str) -> None:
    assert not [field for field in of_entity(table) if "eminder" in f"{field.exchange} {field.dynamics}"]
