"""The demonstration's report: aligned, complete and without colour."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from local.demo import report
from local.demo.admin import HistoryRow
from local.demo.show import INVITED_FROM_DYNAMICS, DemoFailed, check_first_mail, pairs
from local.demo.tables import table

ROW = {
    "at": "2026-01-05T09:00:00Z",
    "item": {"kind": "appointment", "exchange": "E1", "dynamics": "D1", "subject": "Lunch"},
    "action": "update",
    "side": "exchange",
    "rules": ["APPT-22", "LNK-10"],
    "reason": "changed in Dynamics",
    "outcome": "done",
    "before": {"location": "Bar"},
    "after": {"location": "Coffee"},
    "lost": {"subject": "Old"},
}


def history_row(**changes: object) -> HistoryRow:
    return HistoryRow("Adele", datetime(2026, 1, 5, 9, tzinfo=UTC), {**ROW, **changes})


def test_columns_stand_below_each_other_and_the_last_one_wraps() -> None:
    text = table(("a", "b"), [("x", "one two three"), ("longer", "y")], width=36)
    assert text.splitlines() == [
        "  a       b",
        "  x       one two three",
        "  longer  y",
    ]
    wrapped = table(("a", "b"), [("x", "word " * 12)], width=36).splitlines()
    assert len(wrapped) > 2
    assert all(len(line) <= 36 and line.startswith("     ") for line in wrapped[2:])


def test_a_history_row_tells_what_why_and_by_which_rule() -> None:
    text = " ".join(report.synced([history_row()]).split())
    assert "Adele update in exchange Lunch APPT-22 LNK-10: changed in Dynamics; " in text
    assert "location: Bar -> Coffee; lost: subject Old" in text
    assert "\x1b" not in text


def test_of_a_time_only_what_changed_is_told() -> None:
    before, after = (
        {"allDay": False, "start": "9:00", "end": "10:00"},
        {"allDay": False, "start": "9:00", "end": "11:00"},
    )
    text = " ".join(report.synced([history_row(before={"time": before}, after={"time": after})]).split())
    assert "time: end 10:00 -> 11:00; lost" in text


def test_an_item_left_alone_and_a_refusal_are_told_as_such() -> None:
    text = report.synced([history_row(action="skip"), history_row(outcome="refused")])
    assert "left alone" in text
    assert "update in exchange: refused" in text


def test_the_first_mail_is_checked() -> None:
    invitations = [{"kind": "invitation", "subject": subject} for subject in INVITED_FROM_DYNAMICS]
    check_first_mail(invitations)
    with pytest.raises(DemoFailed, match="update"):
        check_first_mail([*invitations, {"kind": "update", "subject": "Plan summer company picnic"}])


def test_mail_is_counted_by_person_and_message() -> None:
    message = {
        "kind": "invitation",
        "from": "a@x.example",
        "to": ["b@x.example", "c@x.example"],
        "subject": "Lunch",
    }
    assert report.mailed([message, message]).endswith("2 messages to 2 people")
    assert report.mailed([]) == "  nobody was mailed"


def test_requests_name_the_most_frequent_kinds_and_count_the_rest() -> None:
    by_kind = {f"GET /{n}": n for n in range(1, 12)}
    text = " ".join(report.requests({"exchange": {"total": 66, "byKind": by_kind}}).split())
    assert "exchange 66 11 GET /11, 10 GET /10" in text
    assert text.endswith("6 others")


def test_pairs_lead_from_either_side_to_the_other() -> None:
    lonely = history_row(item={"kind": "appointment", "exchange": "E2", "dynamics": None, "subject": ""})
    assert pairs([history_row(), lonely]) == {"E1": "D1", "D1": "E1"}


def test_what_was_done_is_counted_by_kind_and_an_item_once() -> None:
    task = {"kind": "task", "exchange": "E3", "dynamics": "D3", "subject": "Call"}
    rows = [history_row(item=task, action="link"), history_row(item=task), history_row()]
    lines = [line.split() for line in report.counted(rows).splitlines()]
    assert lines[1] == ["appointment", "1", "1", "update", "in", "exchange"]
    assert " ".join(lines[2]) == "task 1 1 link in exchange, 1 update in exchange"
