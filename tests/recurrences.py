"""Series of every kind, for tests: one by hand, or any by hypothesis."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

from hypothesis import strategies as st

from shared.model.recurrence import INDEXES, WEEKDAYS, PatternType, RangeType, Recurrence, week_matters

BERLIN = "W. Europe Standard Time"
# Clocks that change in spring, in autumn of the other half of the world, by half an hour, at midnight, never.
ZONES = (
    BERLIN,
    "GMT Standard Time",
    "Pacific Standard Time",
    "AUS Eastern Standard Time",
    "Lord Howe Standard Time",
    "Egypt Standard Time",
    "Tokyo Standard Time",
    "America/Havana",
    "UTC",
)


def series(kind: PatternType = PatternType.WEEKLY, **changes: Any) -> Recurrence:
    """Mondays at 09:00 in Berlin from 2026-01-05 on, or what is asked for."""
    fields: dict[str, Any] = {
        "interval": 1,
        "start_date": date(2026, 1, 5),
        "start_time": time(9),
        "minutes": 30,
        "time_zone": BERLIN,
        "days": ("monday",) if kind.has_days else (),
        "day_of_month": 5 if kind.is_absolute else None,
        "month": 1 if kind.is_yearly else None,
        "index": "first" if kind.is_relative else None,
    }
    return Recurrence(kind, **{**fields, **changes})


def numbered(number: int) -> dict[str, Any]:
    return {"range_type": RangeType.NUMBERED, "occurrences": number}


def until(day: date) -> dict[str, Any]:
    return {"range_type": RangeType.END_DATE, "end_date": day}


def day_sets() -> st.SearchStrategy[tuple[str, ...]]:
    return st.sets(st.sampled_from(WEEKDAYS), min_size=1).map(
        lambda chosen: tuple(day for day in WEEKDAYS if day in chosen)
    )


@st.composite
def any_series(draw: st.DrawFn, zones: tuple[str, ...] = ZONES, max_interval: int = 60) -> Recurrence:
    kind = draw(st.sampled_from(PatternType))
    interval = draw(st.one_of(st.integers(1, 4), st.integers(1, max_interval)))
    start = draw(st.dates(date(1990, 1, 1), date(2060, 12, 31)))
    all_day = draw(st.booleans())
    return Recurrence(
        type=kind,
        interval=interval,
        start_date=start,
        start_time=time.min
        if all_day
        else draw(st.times().map(lambda t: t.replace(second=0, microsecond=0))),
        minutes=draw(st.integers(1, 3)) * 1440 if all_day else draw(st.integers(0, 3000)),
        time_zone=draw(st.sampled_from(zones)),
        days=draw(day_sets()) if kind.has_days else (),
        day_of_month=draw(st.integers(1, 31)) if kind.is_absolute else None,
        month=draw(st.integers(1, 12)) if kind.is_yearly else None,
        index=draw(st.sampled_from(INDEXES)) if kind.is_relative else None,
        first_day_of_week=draw(st.sampled_from(WEEKDAYS)) if week_matters(kind, interval) else WEEKDAYS[0],
        all_day=all_day,
        **draw(any_end(start)),
    )


def any_end(start: date) -> st.SearchStrategy[dict[str, Any]]:
    ends = st.integers(0, 4000).map(lambda days: until(start + timedelta(days=days)))
    return st.one_of(st.just({}), ends, st.integers(1, 1500).map(numbered))
