"""Who is mailed, and when nobody must be (APPT-20 to APPT-23, APPT-26)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from shared.model.values import Value
from shared.rules import attendees, item_time, status
from shared.rules.appointment_fields import BY_NAME

REMINDER_PAST = timedelta(days=7)


def wants_reminder(when: Value, show_as: Value, zone: ZoneInfo, now: datetime) -> bool:
    """No reminder more than 7 days after the fact, nor for free, completed and canceled ones (APPT-21)."""
    if status.is_free_or_closed(show_as):
        return False
    start = item_time.newest_start(when, zone, now - REMINDER_PAST)
    return start is not None and start >= now - REMINDER_PAST


def mailed_by_update(fields: Iterable[str], before: Value, after: Value) -> tuple[str, ...]:
    """Whom Exchange mails when the organizer's event is patched. A change of attendees alone reaches only
    those who join or leave; any other distributed field reaches everyone, before and after."""
    changed = {name for name in fields if BY_NAME[name].mails}
    if not changed:
        return ()
    old, new = set(attendees.pairs(before)), set(attendees.pairs(after))
    concerned = old ^ new if changed == {"attendees"} else old | new
    return tuple(sorted({address for address, _ in concerned}))


def encode_withheld(value: Value) -> str:
    """The attendees kept out of Exchange, as the stamp holds them (APPT-26 b)."""
    return json.dumps(attendees.pairs(value), separators=(",", ":"))


def decode_withheld(stamp: str | None) -> tuple[tuple[str, str], ...]:
    if not stamp:
        return ()
    try:
        return tuple((str(address), str(role)) for address, role in json.loads(stamp))
    except (ValueError, TypeError):
        return ()
