"""NCRONTAB: what is refused, when schedules are due, and croniter as an independent judge."""

from datetime import UTC, datetime

import pytest
from croniter import croniter
from hypothesis import given
from hypothesis import strategies as st

from local.functions_host.errors import AppError
from local.functions_host.ncrontab import Schedule

MONDAY = datetime(2026, 3, 2, 10, 30, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("*/10 * * * * *", "2026-03-02T10:30:20"),
        ("15 30 10 * * *", "2026-03-03T10:30:15"),
        ("0 */30 * * * *", "2026-03-02T11:00:00"),
        ("0 0 5 * * 0", "2026-03-08T05:00:00"),
        ("0 0 5 * * Sun", "2026-03-08T05:00:00"),
        ("0 0 0 * feb *", "2027-02-01T00:00:00"),
        ("0 0 0 13 * Fri", "2026-03-13T00:00:00"),
        ("0 0 0 14 * Fri", "2026-08-14T00:00:00"),
        ("0 50/5 * * * *", "2026-03-02T10:50:00"),
        ("0 0 8-10,12 * * 1-5", "2026-03-02T12:00:00"),
        ("0 0 9 * * Fri-Mon", "2026-03-03T09:00:00"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("0 0 0 29 2 1", "2044-02-29T00:00:00"),
    ],
)
def test_the_next_due_moment(text: str, due: str) -> None:
    assert Schedule.parse(text).next_after(MONDAY) == datetime.fromisoformat(due).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "* * * * *",
        "00:05:00",
        "@daily",
        "60 * * * * *",
        "* * 24 * * *",
        "* * * 0 * *",
        "* * * * 13 *",
        "0 0 0 * * 7",
        "0 0 0 L * *",
        "0 0 0 ? * *",
        "0 0 0 15W * *",
        "0 0 0 * * 5#2",
        "*/0 * * * * *",
        "*-5 * * * * *",
        "1,,2 * * * * *",
        "-1 * * * * *",
        "* * * * * Foo",
        "",
        "* * * * * * *",
    ],
)
def test_what_the_functions_host_refuses(text: str) -> None:
    with pytest.raises(AppError):
        Schedule.parse(text)


def test_a_day_that_never_comes_is_an_error() -> None:
    with pytest.raises(AppError, match="no day"):
        Schedule.parse("0 0 0 30 2 *").next_after(MONDAY)


def test_a_reversed_range_is_swapped() -> None:
    assert Schedule.parse("0 0 0 * * Fri-Mon").weekdays == {1, 2, 3, 4, 5}


def field(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    # Not "0-0": croniter takes that for the whole week.
    pairs = st.tuples(number, number).filter(lambda pair: pair[0] < pair[1])
    span = pairs.map(lambda pair: f"{pair[0]}-{pair[1]}")
    step = st.integers(1, high).map(lambda n: f"*/{n}")
    return st.one_of(st.just("*"), number.map(str), span, step)


SCHEDULES = st.tuples(field(0, 59), field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6)).map(
    " ".join
)
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2030, 1, 1)).map(lambda m: m.replace(tzinfo=UTC))


@given(SCHEDULES, MOMENTS)
def test_croniter_agrees_where_both_read_a_schedule_alike(text: str, moment: datetime) -> None:
    expected = croniter(text, moment, second_at_beginning=True, day_or=False).get_next(datetime)
    assert Schedule.parse(text).next_after(moment) == expected
