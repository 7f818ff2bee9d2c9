"""Which To Do task and which row are the same, where neither names the other (PAIN-6)."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from shared.model.personal import DynamicsRecord, ExchangeItem
from shared.model.values import Value
from shared.rules.task_matching import pair_up, subjects_of
from tests.marks import rule

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def item(name: str, subject: str = "Call", status: str = "notStarted", **values: Value) -> ExchangeItem:
    return ExchangeItem("task", name, "e", "list", {"subject": subject, "status": status, **values})


def row(name: str, subject: str = "Call", state: int = 0, **values: Value) -> DynamicsRecord:
    status: list[Value] = [state, 5 if state else 2]
    return DynamicsRecord("task", name, "e", {"status": status, **values}, name=subject)


def paired(items: list[ExchangeItem], rows: list[DynamicsRecord]) -> dict[str, str]:
    return dict(pair_up(items, rows, ZONE, NOW))


@rule("PAIN-6")
def test_subject_and_due_day_in_the_mailbox_zone_count() -> None:
    rows = [row("r", "call  BOB", due="2026-03-09T23:30:00Z"), row("s", "Call Bob")]
    assert paired([item("i", "Call Bob", due="2026-03-10"), item("j", "Call Bob")], rows) == {
        "i": "r",
        "j": "s",
    }
    assert paired([item("i", "Call Bob", due="2026-03-09"), item("j", "Call")], rows) == {}


@rule("PAIN-6", "TASK-7")
def test_a_row_with_a_start_only_is_due_then_as_it_is_in_to_do() -> None:
    rows = [row("r", start="2026-03-09T08:00:00Z")]
    assert paired([item("i", start="2026-03-09", due="2026-03-09")], rows) == {"i": "r"}


@rule("PAIN-6")
def test_done_belongs_to_done_then_what_was_completed_since_to_what_is_open() -> None:
    done, open_ = item("i", status="completed"), item("j")
    assert paired([done, open_], [row("r"), row("s", state=1)]) == {"i": "s", "j": "r"}
    assert paired([done, open_], [row("r")]) == {"j": "r"}
    assert paired([done], [row("r")]) == {"i": "r"}
    assert paired([open_], [row("s", state=1)]) == {}
    assert paired([done], [row("r", percent=100)]) == {"i": "r"}


@rule("PAIN-6")
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=6),
    st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=6),
)
def test_equal_ones_pair_up_one_to_one_and_none_is_left_that_could(
    left: list[tuple[str, bool]], right: list[tuple[str, bool]]
) -> None:
    items = [item(f"i{n}", s, "completed" if d else "notStarted") for n, (s, d) in enumerate(left)]
    rows = [row(f"r{n}", s, int(d)) for n, (s, d) in enumerate(right)]
    pairs = paired(items, rows)
    assert len(set(pairs.values())) == len(pairs)
    for subject in "ab":
        for done in (False, True):
            mine = {each.id for each, (s, d) in zip(items, left, strict=True) if (s, d) == (subject, done)}
            theirs = {each.id for each, (s, d) in zip(rows, right, strict=True) if (s, d) == (subject, done)}
            among = [i for i, r in pairs.items() if i in mine and r in theirs]
            assert len(among) == min(len(mine), len(theirs))


def test_what_has_no_subject_is_not_asked_for() -> None:
    assert subjects_of([item("i", " "), item("j", "b"), item("k", "a"), item("l", "b")]) == ["a", "b"]
