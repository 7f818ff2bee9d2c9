"""An appointment's time on both sides (APPT-10, FLD-1): one aggregate, compared in UTC.

All-day items are dates in Exchange and midnights of the mailbox's zone, as UTC, in Dynamics.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from shared.model.timezones import local_date, utc_of_local_midnight
from shared.model.values import Value


def instant(text: str) -> datetime:
    """``2026-01-05T09:00:00Z`` as an aware datetime in UTC."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def text_of(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def _parts(value: Value) -> tuple[bool, str, str]:
    if not isinstance(value, dict):
        raise ValueError(f"not a meeting time: {value!r}")
    return bool(value["allDay"]), str(value["start"]), str(value["end"])


def to_dynamics(value: Value, zone: ZoneInfo) -> Value:
    all_day, start, end = _parts(value)
    if not all_day:
        return {"allDay": False, "start": start, "end": end}
    first, last = date.fromisoformat(start[:10]), date.fromisoformat(end[:10])
    return {
        "allDay": True,
        "start": text_of(utc_of_local_midnight(first, zone)),
        "end": text_of(utc_of_local_midnight(max(last, first + timedelta(days=1)), zone)),
    }


def to_exchange(value: Value, zone: ZoneInfo) -> Value:
    """An all-day row that does not end at midnight (23:59, say) covers the day it ends in."""
    all_day, start, end = _parts(value)
    if not all_day:
        return {"allDay": False, "start": start, "end": end}
    first, last = local_date(instant(start), zone), local_date(instant(end), zone)
    if instant(end) > utc_of_local_midnight(last, zone):
        last += timedelta(days=1)
    last = max(last, first + timedelta(days=1))
    return {"allDay": True, "start": first.isoformat(), "end": last.isoformat()}


def start_of(value: Value, zone: ZoneInfo) -> datetime:
    """When it begins, as an instant, whichever side's value it is."""
    return _edge(value, zone, 1)


def end_of(value: Value, zone: ZoneInfo) -> datetime:
    return _edge(value, zone, 2)


def _edge(value: Value, zone: ZoneInfo, which: int) -> datetime:
    parts = _parts(value)
    text = str(parts[which])
    if len(text) == 10:
        return utc_of_local_midnight(date.fromisoformat(text), zone)
    return instant(text)


def overlaps(value: Value, zone: ZoneInfo, start: datetime, end: datetime) -> bool:
    return start_of(value, zone) < end and end_of(value, zone) > start
