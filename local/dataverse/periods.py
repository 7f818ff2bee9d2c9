"""Named periods around now (today, this month, last x days …) in the caller's time zone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, tzinfo

Period = Callable[[datetime, int], tuple[datetime, datetime]]


def day_start(day: date, zone: tzinfo | None) -> datetime:
    return datetime.combine(day, time.min, zone)


def span_of(day: date, zone: tzinfo | None, days: int = 1) -> tuple[datetime, datetime]:
    """From the day's midnight to the midnight after the last of ``days``."""
    return day_start(day, zone), day_start(day + timedelta(days=days), zone)


def _days(first: int, count: int) -> Period:
    return lambda now, _n: span_of(now.date() + timedelta(days=first), now.tzinfo, count)


def _weeks(first: int) -> Period:
    """Weeks begin on Sunday, as in a new organization."""

    def period(now: datetime, _n: int) -> tuple[datetime, datetime]:
        sunday = now.date() - timedelta(days=(now.weekday() + 1) % 7)
        return span_of(sunday + timedelta(weeks=first), now.tzinfo, 7)

    return period


def month_start(day: date, months: int) -> date:
    """The first of the month that many months away."""
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def _months(first: int) -> Period:
    return lambda now, _n: (
        day_start(month_start(now.date(), first), now.tzinfo),
        day_start(month_start(now.date(), first + 1), now.tzinfo),
    )


def _years(first: int) -> Period:
    return lambda now, _n: (
        day_start(date(now.year + first, 1, 1), now.tzinfo),
        day_start(date(now.year + first + 1, 1, 1), now.tzinfo),
    )


def _last(unit: Callable[[datetime, int], datetime]) -> Period:
    """From the start of the day ``n`` units ago to now."""
    return lambda now, n: (day_start(unit(now, -n).date(), now.tzinfo), now + timedelta(seconds=1))


def _next(unit: Callable[[datetime, int], datetime]) -> Period:
    """From now to the end of the day ``n`` units ahead."""
    return lambda now, n: (now, day_start(unit(now, n).date() + timedelta(days=1), now.tzinfo))


def _by_days(now: datetime, n: int) -> datetime:
    return now + timedelta(days=n)


def _by_weeks(now: datetime, n: int) -> datetime:
    return now + timedelta(weeks=n)


def _by_months(now: datetime, n: int) -> datetime:
    first = month_start(now.date(), n)
    last_day = (month_start(first, 1) - timedelta(days=1)).day
    return datetime.combine(first.replace(day=min(now.day, last_day)), now.timetz())


def _by_years(now: datetime, n: int) -> datetime:
    return _by_months(now, 12 * n)


# The moment ``n`` units before now.
AGO: Mapping[str, Callable[[datetime, int], datetime]] = {
    "minutes": lambda now, n: now - timedelta(minutes=n),
    "hours": lambda now, n: now - timedelta(hours=n),
    "days": lambda now, n: _by_days(now, -n),
    "weeks": lambda now, n: _by_weeks(now, -n),
    "months": lambda now, n: _by_months(now, -n),
    "years": lambda now, n: _by_years(now, -n),
}

PERIODS: Mapping[str, Period] = {
    "yesterday": _days(-1, 1),
    "today": _days(0, 1),
    "tomorrow": _days(1, 1),
    "last-seven-days": _last(lambda now, _n: _by_days(now, -7)),
    "next-seven-days": _next(lambda now, _n: _by_days(now, 7)),
    "last-week": _weeks(-1),
    "this-week": _weeks(0),
    "next-week": _weeks(1),
    "last-month": _months(-1),
    "this-month": _months(0),
    "next-month": _months(1),
    "last-year": _years(-1),
    "this-year": _years(0),
    "next-year": _years(1),
    "last-x-hours": lambda now, n: (now - timedelta(hours=n), now + timedelta(seconds=1)),
    "next-x-hours": lambda now, n: (now, now + timedelta(hours=n)),
    "last-x-days": _last(_by_days),
    "next-x-days": _next(_by_days),
    "last-x-weeks": _last(_by_weeks),
    "next-x-weeks": _next(_by_weeks),
    "last-x-months": _last(_by_months),
    "next-x-months": _next(_by_months),
    "last-x-years": _last(_by_years),
    "next-x-years": _next(_by_years),
}
