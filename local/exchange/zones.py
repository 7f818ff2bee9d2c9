"""Local times in the zones Exchange accepts: Windows names, and IANA names."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from local.exchange.windows_zones import IANA_BY_WINDOWS

UTC_NAME = "UTC"
_WINDOWS = {name.lower(): iana for name, iana in IANA_BY_WINDOWS.items()}


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo | None:
    """The zone of a Windows or IANA name; None when Exchange would not know it."""
    if name.lower() in ("utc", "tzone://microsoft/utc"):
        return ZoneInfo("Etc/UTC")
    iana = _WINDOWS.get(name.lower())
    if iana is None and name in available_timezones():
        iana = name
    return ZoneInfo(iana) if iana else None


def known_zone(name: str) -> bool:
    return zone_of(name) is not None


def instant(local: str, zone: str) -> float:
    """Seconds since the epoch of a local time; the earlier one where a clock shows it twice."""
    return datetime.fromisoformat(local).replace(tzinfo=zone_of(zone)).timestamp()


def local_text(epoch: float, zone: str) -> str:
    """The local time of an instant, as Graph prints it: seven decimals and no offset."""
    moment = datetime.fromtimestamp(epoch, UTC).astimezone(zone_of(zone))
    return seven_decimals(moment.replace(tzinfo=None))


def seven_decimals(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}0"


def utc_text(moment: datetime) -> str:
    """A ``DateTimeOffset`` as Graph prints it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}0Z"


def short_utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
