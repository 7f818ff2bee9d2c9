"""Time zones under the names that Exchange, Dynamics and IANA give them, and the days of all-day items.

Graph answers Windows names ("W. Europe Standard Time"), takes IANA names too, and calls UTC
"tzone://Microsoft/Utc" now and then. Names are matched without regard to case, as Exchange does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

_EXCHANGE_UTC = "tzone://microsoft/utc"
_NO_ZONE = "factory"  # IANA's name for "nobody has set a zone here"


class UnknownTimeZone(ValueError):  # noqa: N818 - it names the finding, as the errors of the engine do
    """No zone is known under this name ("tzone://Microsoft/Custom" says nothing about its rules either)."""

    def __init__(self, name: str) -> None:
        super().__init__(f"unknown time zone: {name!r}")
        self.name = name


@dataclass(frozen=True, slots=True)
class _Names:
    """The name tables. Keys are lower case."""

    iana_of_windows: dict[str, str]
    windows_of_iana: dict[str, str]
    spelling: dict[str, str]


def zone(name: str) -> ZoneInfo:
    """The zone of a Windows or IANA name or alias; raises ``UnknownTimeZone``."""
    key = name.strip().lower()
    if key == _EXCHANGE_UTC:
        return ZoneInfo("UTC")
    names = _names()
    iana = names.spelling.get(key) or names.iana_of_windows.get(key)
    if iana is None:
        raise UnknownTimeZone(name)
    return ZoneInfo(iana)


def windows_name(iana: str) -> str:
    """The Windows name of an IANA zone or alias; a Windows name is its own. Raises ``UnknownTimeZone``."""
    key = iana.strip().lower()
    if key == _EXCHANGE_UTC:
        return "UTC"
    found = _names().windows_of_iana.get(key)
    if found is None:
        raise UnknownTimeZone(iana)
    return found


def utc_of_local_midnight(day: date, where: ZoneInfo) -> datetime:
    """The instant, in UTC, at which ``day`` begins in ``where``: where all-day items start and end.

    Midnight comes twice (clocks go back over it: Azores, Havana): the first one. Midnight is skipped
    (clocks go forward over it: Sao Paulo until 2018, Beirut, Cairo): the instant at which it would have
    come, which is at most the length of the jump into the day. A day that a place left out altogether
    (Samoa, 2011-12-30) begins where it would have: at the midnight that opens the next day.
    """
    return datetime.combine(day, time.min, where).astimezone(UTC)


def local_date(instant: datetime, where: ZoneInfo) -> date:
    """The date on the calendars of ``where`` at an instant; undoes ``utc_of_local_midnight`` for every
    day that the place has had."""
    if instant.tzinfo is None:
        raise ValueError(f"an instant needs its offset: {instant.isoformat()}")
    return instant.astimezone(where).date()


@cache
def _names() -> _Names:
    """Read the package's tables, once."""
    iana_of_windows: dict[str, str] = {}
    windows_of_iana: dict[str, str] = {}
    for windows, zones in _rows("windows-zones.csv"):
        iana_of_windows[windows.lower()] = zones[0]
        windows_of_iana[windows.lower()] = windows
        for iana in zones:
            windows_of_iana.setdefault(iana.lower(), windows)
    spelling = _iana_spelling()
    for canonical, aliases in _rows("zone-aliases.csv"):
        _spread(canonical, aliases, windows_of_iana)
        for alias in aliases:
            spelling.setdefault(alias.lower(), canonical)
    return _Names(iana_of_windows, windows_of_iana, spelling)


def _spread(canonical: str, aliases: list[str], windows_of_iana: dict[str, str]) -> None:
    """Give every name of one zone the Windows name that CLDR lists under any of them.

    CLDR keeps the oldest spelling (Asia/Calcutta), IANA the newest. A name that CLDR lists keeps its own.
    """
    known = (windows_of_iana.get(name.lower()) for name in (canonical, *aliases))
    windows = next((name for name in known if name is not None), None)
    if windows is not None:
        for name in (canonical, *aliases):
            windows_of_iana.setdefault(name.lower(), windows)


def _rows(table: str) -> Iterator[tuple[str, list[str]]]:
    """Rows of a name and the names that belong to it."""
    text = files("shared.model").joinpath("data", table).read_text(encoding="utf-8")
    for line in text.splitlines():
        name, _, others = line.partition(",")
        yield name, others.split()


def _iana_spelling() -> dict[str, str]:
    """Every IANA name, as ``zoneinfo`` wants it spelt; the list comes with the zone data itself."""
    names = files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()
    return {name.lower(): name for name in names if name.lower() != _NO_ZONE}
