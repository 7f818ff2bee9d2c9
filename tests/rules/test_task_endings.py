"""Deleted tasks, tasks that stay out, and when one began (TASK-8, TASK-10 to TASK-12, SET-4, X-5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.model.personal import DynamicsRecord, ExchangeItem, Place
from shared.rules.task_endings import actual_start, deletes_in_dynamics, deletes_in_exchange, is_left_alone
from tests.marks import rule

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ITEM = ExchangeItem("task", "item", "e", "list", {"status": "inProgress"})
OWN = Place("list", "Tasks", is_default=True)


def row(status: list[int], **values: object) -> DynamicsRecord:
    return DynamicsRecord("task", "row", "e", {"status": status, **values})


@rule("TASK-10")
@pytest.mark.parametrize("status", ["notStarted", "inProgress", "waitingOnOthers", "deferred", "completed"])
def test_a_completed_task_outlives_its_row(status: str) -> None:
    assert deletes_in_exchange(replace(ITEM, values={"status": status})) is (status != "completed")


@rule("TASK-11", "SET-4")
@pytest.mark.parametrize(
    ("setting", "of_open", "of_done"),
    [(0, True, True), (1, True, False), (2, False, False), (7, False, False)],
)
def test_deleted_in_exchange(setting: int, of_open: bool, of_done: bool) -> None:
    assert deletes_in_dynamics(row([0, 3], percent=50), setting, NOW) is of_open
    for done in (row([1, 5]), row([2, 6]), row([0, 3], percent=100)):
        assert deletes_in_dynamics(done, setting, NOW) is of_done


@rule("TASK-12", "X-5")
def test_recurring_tasks_and_those_of_others_stay_out_and_what_people_make_does_not() -> None:
    assert is_left_alone(ITEM, OWN) is None
    assert is_left_alone(ITEM, None) is None
    recurring = is_left_alone(replace(ITEM, recurring=True), OWN)
    assert recurring is not None
    assert recurring.code == "recurring task"
    others = is_left_alone(ITEM, replace(OWN, name="Team", own=False))
    assert others is not None
    assert "Team" in others.reason


@rule("TASK-8")
def test_a_task_begins_when_it_arrives_or_when_it_was_done() -> None:
    done = replace(ITEM, values={"status": "completed"})
    assert actual_start(ITEM, None, NOW) == "2026-03-02T12:00:00Z"
    assert actual_start(done, "2026-02-27T08:00:00Z", NOW) == "2026-02-27T08:00:00Z"
    assert actual_start(done, "2026-03-03T08:00:00Z", NOW) == "2026-03-02T12:00:00Z"
