"""Each field of a task across, and those that belong together (FLD-13 to FLD-19, TASK-5, TASK-7, TASK-9)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.model.personal import DynamicsRecord, ExchangeItem
from shared.model.values import Direction
from shared.rules.field_table import by_name, of_entity
from shared.rules.merge import Crossing
from shared.rules.task_coupling import Coupled, coupled
from shared.rules.task_crossing import NO_SUBJECT, crossing, losses, losses_to_exchange
from shared.rules.task_days import day_of, effective_due, instant_of
from shared.rules.task_pair import TaskPair
from tests.marks import rule

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def item(**values: Any) -> ExchangeItem:
    return ExchangeItem("task", "item", "e", "list", {"status": "notStarted", **values})


def row(**values: Any) -> DynamicsRecord:
    return DynamicsRecord("task", "row", "e", {"status": [0, 2], **values})


def over(name: str, left: ExchangeItem | None = None, right: DynamicsRecord | None = None) -> Crossing:
    return crossing(by_name("task")[name], left, right, BERLIN, NOW)


def whole(
    exchange: dict[str, Any],
    dynamics: dict[str, Any],
    to_exchange: dict[str, Any] | None = None,
    to_dynamics: dict[str, Any] | None = None,
    **directions: Direction,
) -> Coupled:
    """What is written for what the merge decided."""
    pair = TaskPair(
        "task", item(**exchange).values, row(**dynamics).values, BERLIN, NOW, directions=directions
    )
    return coupled(pair, to_exchange or {}, to_dynamics or {})


# --- days -----------------------------------------------------------------------------------------


@rule("TASK-5", "FLD-15", "FLD-16")
@pytest.mark.parametrize(
    ("day", "zone", "present", "expected"),
    [
        ("2026-07-10", "Europe/Berlin", None, "2026-07-09T22:00:00Z"),
        # 17:00 stays 17:00, in summer as in winter.
        ("2026-07-10", "Europe/Berlin", "2026-03-02T16:00:00Z", "2026-07-10T15:00:00Z"),
        ("2026-03-02", "Europe/Berlin", "2026-03-02T16:00:00Z", "2026-03-02T16:00:00Z"),
        # Midnight is skipped: the first moment there is.
        ("2018-11-04", "America/Sao_Paulo", None, "2018-11-04T03:00:00Z"),
        ("2018-11-05", "America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"),
        # 02:30 is skipped.
        ("2026-03-29", "Europe/Berlin", "2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z"),
        (None, "Europe/Berlin", "2026-03-02T16:00:00Z", None),
    ],
)
def test_a_day_as_an_instant(day: str | None, zone: str, present: str | None, expected: str | None) -> None:
    assert instant_of(day, ZoneInfo(zone), present) == expected


@rule("TASK-5")
def test_the_day_is_that_of_the_mailboxs_zone() -> None:
    assert day_of("2026-03-01T23:00:00Z", BERLIN) == "2026-03-02"
    assert day_of("2026-03-02T09:59:00Z", ZoneInfo("Pacific/Honolulu")) == "2026-03-01"
    assert day_of(None, BERLIN) is None


@rule("TASK-7")
def test_a_row_that_only_begins_is_due_on_that_day_in_exchange_without_a_write() -> None:
    begins = row(start="2026-03-05T16:00:00Z", due=None)
    assert over("due", right=begins).to_exchange(None) == "2026-03-05"
    assert over("due", item(start="2026-03-05", due="2026-03-05"), begins).agree("2026-03-05", None)
    assert not over("due", item(start="2026-03-05", due="2026-03-06"), begins).agree("2026-03-06", None)
    assert effective_due("2026-03-05", None) == "2026-03-05"
    assert effective_due("2026-03-05", "2026-03-09") == "2026-03-09"
    assert effective_due(None, None) is None


@rule("TASK-7")
def test_the_due_day_moves_with_the_start_that_makes_it() -> None:
    result = whole(
        {"start": "2026-03-05", "due": "2026-03-05"},
        {"start": "2026-03-08T16:00:00Z", "due": None},
        to_exchange={"start": "2026-03-08"},
    )
    assert (result.exchange, result.dynamics) == ({"start": "2026-03-08", "due": "2026-03-08"}, {})


@rule("TASK-7")
def test_a_row_without_its_start_keeps_the_due_day_that_it_made() -> None:
    result = whole(
        {"start": None, "due": "2026-03-05"},
        {"start": "2026-03-05T16:00:00Z", "due": None},
        to_dynamics={"start": None},
    )
    assert result.dynamics == {"start": None, "due": "2026-03-04T23:00:00Z"}


@rule("TASK-5")
def test_two_ends_that_cross_meet_on_the_due_day() -> None:
    """Exchange moved the start behind the day to which Dynamics moved the due date."""
    result = whole(
        {"start": "2026-03-20", "due": "2026-03-30"},
        {"start": "2026-03-09T23:00:00Z", "due": "2026-03-15T16:00:00Z"},
        to_exchange={"due": "2026-03-15"},
        to_dynamics={"start": "2026-03-19T23:00:00Z"},
    )
    assert result.exchange == {"start": "2026-03-15", "due": "2026-03-15"}
    assert result.dynamics == {"start": "2026-03-14T23:00:00Z"}


@rule("TASK-5")
def test_dates_that_a_direction_keeps_apart_are_held_and_named() -> None:
    result = whole(
        {"start": "2026-03-20", "due": "2026-03-30"},
        {"start": None, "due": "2026-03-15T16:00:00Z"},
        to_exchange={"due": "2026-03-15"},
        start=Direction.NONE,
    )
    assert (result.exchange, result.dynamics) == ({}, {})
    assert result.held == {"start", "due"}
    assert [skip.code for skip in result.skips] == ["starts after it is due"]


@rule("TASK-5")
def test_on_one_day_the_time_that_is_written_gives_way() -> None:
    """Due at nine on the day on which the row begins at five in the afternoon."""
    result = whole(
        {"start": "2026-03-10", "due": "2026-03-10"},
        {"start": "2026-03-10T16:00:00Z", "due": "2026-03-20T08:00:00Z"},
        to_dynamics={"due": "2026-03-10T08:00:00Z"},
    )
    assert result.dynamics == {"due": "2026-03-10T16:00:00Z"}


# --- progress -------------------------------------------------------------------------------------


@rule("TASK-4", "TASK-5", "FLD-13", "FLD-14")
def test_completed_in_exchange_the_row_is_completed_whole() -> None:
    done = {"status": "completed", "completed": "2026-02-27", "percent": 20}
    decided = {"status": [1, 5], "completed": "2026-02-26T23:00:00Z"}
    result = whole(done, {"percent": 20}, to_dynamics=decided)
    assert result.dynamics == {"status": [1, 5], "completed": "2026-02-26T23:00:00Z", "percent": 100}
    assert result.exchange == {}


@rule("TASK-5")
def test_completed_today_is_completed_now() -> None:
    assert over("completed", item(), row()).to_dynamics("2026-03-02") == "2026-03-02T12:00:00Z"
    known = row(status=[1, 5], completed="2026-03-02T08:15:00Z")
    assert over("completed", item(), known).to_dynamics("2026-03-02") == "2026-03-02T08:15:00Z"
    assert over("completed", item(), known).to_dynamics("2026-02-27") == "2026-02-27T08:15:00Z"


@rule("TASK-9")
def test_opened_again_in_exchange_nothing_is_left_that_would_complete_it() -> None:
    opened = {"status": "notStarted", "completed": None, "percent": 100}
    closed = {"status": [1, 5], "completed": "2026-02-27T08:15:00Z", "percent": 100}
    result = whole(opened, closed, to_dynamics={"status": [0, 2], "completed": None})
    assert result.dynamics == {"status": [0, 2], "completed": None, "percent": 0}
    assert "TASK-9" in result.rules


@rule("TASK-9")
def test_opened_again_an_open_row_that_counted_as_done_is_cleared_whichever_way_fields_travel() -> None:
    opened = {"status": "inProgress", "completed": None}
    counted = {"status": [0, 3], "completed": "2026-02-27T08:15:00Z", "percent": 100}
    one_way = {"completed": Direction.TO_EXCHANGE, "percent": Direction.TO_EXCHANGE}
    result = whole(opened, counted, to_dynamics={"status": [0, 3]}, **one_way)
    assert result.dynamics == {"completed": None, "percent": 0}


@rule("TASK-3", "FLD-13")
def test_some_per_cent_in_dynamics_put_the_task_in_progress() -> None:
    result = whole({"percent": None}, {"percent": 40}, to_exchange={"percent": 40})
    assert (result.exchange, result.dynamics) == ({"status": "inProgress", "percent": 40}, {})


@rule("TASK-9", "FLD-14")
def test_an_actual_end_in_the_past_completes_the_task_and_leaves_the_row() -> None:
    ended = {"completed": "2026-02-27T08:15:00Z"}
    assert over("completed", right=row(**ended)).to_exchange(ended["completed"]) == "2026-02-27"
    result = whole({"completed": None}, ended, to_exchange={"completed": "2026-02-27"})
    assert (result.exchange, result.dynamics) == ({"status": "completed", "completed": "2026-02-27"}, {})


@rule("TASK-9")
def test_an_actual_end_that_is_still_to_come_means_nothing_to_exchange() -> None:
    planned = row(completed="2026-03-02T13:00:00Z")
    assert over("completed", item(completed=None), planned).agree(None, planned.value("completed"))
    assert over("status", item(), planned).agree("notStarted", [0, 2])


@rule("FLD-19")
def test_a_canceled_row_and_its_completed_task_agree() -> None:
    canceled = row(status=[2, 6], percent=30)
    done = item(status="completed", completed="2026-03-02", percent=None)
    for name in ("status", "percent", "completed"):
        assert over(name, done, canceled).agree(done.value(name), canceled.value(name))


@rule("FLD-13")
@pytest.mark.parametrize(
    ("status", "extension", "expected"),
    [
        ("completed", None, 100),
        ("completed", 40, 100),
        ("inProgress", 40, 40),
        ("inProgress", None, 0),
        ("deferred", 100, 0),
        ("notStarted", 40, 0),
    ],
)
def test_per_cent_of_a_task(status: str, extension: int | None, expected: int) -> None:
    left = item(status=status, percent=extension)
    assert over("percent", left, row()).to_dynamics(extension) == expected
    alike = row(status=[1, 5] if expected == 100 else [0, 7], percent=expected or None)
    assert over("percent", left, alike).agree(extension, alike.value("percent"))


# --- texts, importance, regarding ------------------------------------------------------------------


@rule("FLD-17")
def test_long_texts_are_cut_and_said() -> None:
    fields = by_name("task")
    notes = "\U0001f600" * 1500
    assert over("notes").to_dynamics(notes) == "\U0001f600" * 1000
    assert [(s.code, s.rules, s.fields) for s in losses(fields["notes"], notes)] == [
        ("cut", ("FLD-17",), ("notes",))
    ]
    assert over("subject").to_dynamics("x" * 300) == "x" * 200
    assert losses(fields["subject"], "x" * 200) == []
    assert over("subject").to_exchange("y" * 300) == "y" * 255
    assert [s.fields for s in losses_to_exchange(fields["subject"], "y" * 300)] == [("subject",)]
    assert losses_to_exchange(fields["notes"], "y" * 3000) == []
    assert over("notes").agree(notes, "\U0001f600" * 1000)


@rule("FLD-17")
def test_line_ends_and_trailing_blanks_are_no_difference() -> None:
    assert over("notes").agree("one \ntwo\n\n", "one\r\ntwo")
    assert not over("notes").agree("one\ntwo", "one two")


@rule("FLD-17")
def test_a_row_without_a_subject_has_a_title_that_does_not_come_back() -> None:
    assert over("subject").to_exchange("") == NO_SUBJECT
    assert over("subject").agree(NO_SUBJECT, "")


@rule("FLD-18")
def test_importance_and_regarding() -> None:
    pairs = [("low", 0), ("normal", 1), ("high", 2)]
    assert [over("importance").to_dynamics(name) for name, _ in pairs] == [0, 1, 2]
    assert [over("importance").to_exchange(number) for _, number in pairs] == ["low", "normal", "high"]
    assert over("importance").agree("normal", None)
    stamp, lookup = {"type": "1", "id": "a" * 8}, {"table": "account", "id": "a" * 8}
    assert over("regarding").to_exchange(lookup) == stamp
    assert over("regarding").agree({"type": "new_project", "id": "7"}, {"table": "new_project", "id": "7"})


@rule("FLD-13", "FLD-14", "FLD-15", "FLD-16", "FLD-17", "FLD-18", "FLD-19")
@pytest.mark.parametrize("table", ["task", "phonecall", "letter", "fax"])
def test_every_field_of_the_table_crosses(table: str) -> None:
    made = {field.name for field in of_entity(table) if crossing(field, None, None, BERLIN, NOW)}
    per_cent = {"percent"} if table == "task" else set()
    assert made == per_cent | {
        "status", "completed", "start", "due", "subject", "notes", "importance", "regarding",
    }  # fmt: skip
