"""The days of a To Do task: dates for people, instants in Graph.

Graph keeps a start or due day as midnight of the zone that it was written in and shows an instant; nothing
says any more which zone that was. So a day is written in the mailbox's zone and sought there, and one that
another tool wrote is taken for what it most likely meant. The day of completion is midnight of UTC, always.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shared.exchange.event_time import UTC_NAME, moment
from shared.model.timezones import UnknownTimeZone, utc_of_local_midnight, zone

Json = dict[str, Any]

_UTC = ZoneInfo("UTC")


def decode(value: Any, time_zone: str) -> str:
    """The day that a ``dateTimeTimeZone`` means in the mailbox's zone; raises ``UnreadableTime``."""
    return day_of(moment(value), _known(time_zone) or _UTC).isoformat()


def decode_completion(value: Any) -> str:
    return moment(value).astimezone(UTC).date().isoformat()


def encode(day: str, time_zone: str) -> Json:
    """Midnight of the mailbox's zone; of UTC where that zone is not known, or left the day out of its
    calendar (Samoa, 2011-12-30)."""
    wanted, where = date.fromisoformat(day), _known(time_zone)
    return _midnight(wanted, time_zone if where and _keeps(wanted, where) else UTC_NAME)


def encode_completion(day: str) -> Json:
    return _midnight(date.fromisoformat(day), UTC_NAME)


def encode_moment(instant: str) -> Json:
    """A real moment (``…Z``): the reminder's."""
    read = datetime.fromisoformat(instant.replace("Z", "+00:00")).astimezone(UTC)
    return {"dateTime": read.replace(tzinfo=None).isoformat(), "timeZone": UTC_NAME}


def day_of(instant: datetime, where: ZoneInfo) -> date:
    """The day that begins at ``instant`` here; else the one that begins then in UTC, in which many tools
    write; else the one whose beginning here is nearest (written in another zone, or by other rules of this
    one, or on a day that has no midnight here)."""
    local, universal = instant.astimezone(where), instant.astimezone(UTC)
    if local.time() == time.min:
        return local.date()
    if universal.time() == time.min:
        return universal.date()
    return min(_around(local.date()), key=lambda day: abs(utc_of_local_midnight(day, where) - universal))


def _around(day: date) -> list[date]:
    """A day and its neighbours, as far as the calendar goes. The earlier one counts where two are as near."""
    return [day + timedelta(days=n) for n in (-1, 0, 1) if date.min < day + timedelta(days=n) < date.max]


def _keeps(day: date, where: ZoneInfo) -> bool:
    return day_of(utc_of_local_midnight(day, where), where) == day


def _midnight(day: date, time_zone: str) -> Json:
    return {"dateTime": f"{day.isoformat()}T00:00:00", "timeZone": time_zone}


def _known(name: str) -> ZoneInfo | None:
    try:
        return zone(name)
    except UnknownTimeZone:
        return None
