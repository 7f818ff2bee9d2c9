"""Days of a To Do task and instants of its row, in the mailbox's zone (TASK-5, TASK-7).

Exchange knows the day on which a task begins, is due and was done; Dynamics knows the moment. Only the day
crosses: the row keeps its time of day, and a day that is the same already changes nothing.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from shared.model.timezones import local_date, utc_of_local_midnight
from shared.model.values import Value
from shared.rules.meeting_time import instant, text_of


def day_of(instant_text: Value, zone: ZoneInfo) -> str | None:
    """The day on the mailbox's calendar, ``YYYY-MM-DD``; None for no date."""
    return local_date(instant(str(instant_text)), zone).isoformat() if instant_text else None


def instant_of(day: Value, zone: ZoneInfo, present: Value) -> str | None:
    """An instant on ``day`` (``…Z``): the present one if it is on that day already; else at the time of day
    that the row has now, so that 17:00 stays 17:00; of a row without a time, where the day begins. A time
    that the day lacks (the clocks go forward over it) is the one that follows."""
    if not day:
        return None
    if day_of(present, zone) == day:
        return str(present)
    wanted = date.fromisoformat(str(day))
    begins = utc_of_local_midnight(wanted, zone)
    if not present or has_no_time(present, zone):
        return text_of(begins)
    moment = datetime.combine(wanted, _time_of_day(present, zone), zone).astimezone(UTC)
    # In a gap around midnight "the time that follows" is on another day.
    return text_of(moment if local_date(moment, zone) == wanted else begins)


def has_no_time(instant_text: Value, zone: ZoneInfo) -> bool:
    """It is the moment at which its day begins: nobody gave it a time."""
    moment = instant(str(instant_text)).replace(microsecond=0)
    return moment == utc_of_local_midnight(local_date(moment, zone), zone)


def _time_of_day(instant_text: Value, zone: ZoneInfo) -> time:
    return instant(str(instant_text)).astimezone(zone).time()


def effective_due(start: Value, due: Value) -> Value:
    """A task that begins and has no due date is due when it begins (TASK-7). Exchange fills it in by itself;
    a row reads so. Both values of one side: days or instants."""
    return due or start or None


def done_at(day: Value, zone: ZoneInfo, present: Value, now: datetime) -> str | None:
    """The actual end for a day of completion: today means now, unless the row knows better."""
    known = present if day_of(present, zone) == day else None
    today = day_of(text_of(now), zone) == day
    return text_of(now) if today and known is None else instant_of(day, zone, present)
