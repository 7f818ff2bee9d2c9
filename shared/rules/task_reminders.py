"""The reminder of a To Do task (TASK-6, X-3): it is made from the due time of the row and never comes back
(FLD-36).

Exchange's due date has no time; the due time of Dynamics is where the reminder is set. A row that is due at
the midnight at which its day begins was given a day and no time: its reminder comes at nine in the morning.
What people do with the reminder in Outlook afterwards stays, until Dynamics moves the due time or opens the
row again or closes it.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from shared.model.timezones import local_date
from shared.model.values import Value, Values
from shared.rules.fingerprints import is_unknown
from shared.rules.meeting_time import instant, text_of
from shared.rules.task_days import effective_due, has_no_time
from shared.rules.task_status import is_done

MORNING = time(9)
DECIDING = ("start", "due", "status", "percent", "completed")
"""Fields that say when the reminder comes, and whether."""
LATE = timedelta(days=1)
"""What was due longer ago gets no reminder."""


def reminder(row: Values, zone: ZoneInfo, now: datetime) -> str:
    """The moment of the reminder for a row with these values, ``…Z``; "" for none. What Exchange shows as
    completed needs none, be its row open or not (TASK-9)."""
    due = _due(row)
    if not due or _is_done(row, now) or instant(due) <= now - LATE:
        return ""
    return text_of(_morning_of(due, zone)) if has_no_time(due, zone) else text_of(instant(due))


def on_creation(row: Values, zone: ZoneInfo, now: datetime) -> str | None:
    """Of a task that is made in Exchange; None for no reminder."""
    return reminder(row, zone, now) or None


def on_update(before: Values, row: Values, taken: Values, zone: ZoneInfo, now: datetime) -> str | None:
    """Of a task that is there: the moment, "" to turn it off, None to leave what people made of it.

    ``before``: the row as it was when the two sides last agreed; ``row``: as it is; ``taken``: what it takes
    from Exchange now. A due date that comes from Exchange brings no reminder with it. A due time moved within
    its day moves the reminder, though no field changes in Exchange."""
    if "due" in taken or not _moved(before, row, now):
        return None
    return reminder({**row, **taken}, zone, now)


def _moved(before: Values, row: Values, now: datetime) -> bool:
    """What was written by a pass that never committed, and changed since, is known to be another now."""
    if any(is_unknown(before.get(name)) for name in DECIDING):
        return True
    return _due(before) != _due(row) or _is_done(before, now) != _is_done(row, now)


def _due(row: Values) -> str:
    return str(effective_due(row.get("start"), row.get("due")) or "")


def _is_done(row: Values, now: datetime) -> bool:
    return is_done(row.get("status"), row.get("percent"), row.get("completed"), now)


def _morning_of(due: Value, zone: ZoneInfo) -> datetime:
    day = local_date(instant(str(due)), zone)
    return datetime.combine(day, MORNING, zone).astimezone(UTC)
