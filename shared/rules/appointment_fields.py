"""The appointment's fields (FLD-1 to FLD-10): how each crosses over and what may be done with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from shared.model.values import Direction, Value
from shared.rules import attendees, meeting_time, regarding, status
from shared.rules.merge import Crossing


@dataclass(frozen=True, slots=True)
class Field:
    """One row of the table. ``mails``: a change is distributed to the attendees (APPT-22).
    ``organizer_wins``: in a conflict the organizer's mailbox wins (LNK-10). ``limit``: longest text that
    Dynamics takes, in UTF-16 units."""

    name: str
    rule: str
    settable: bool
    mails: bool
    organizer_wins: bool = False
    limit: int | None = None
    direction: Direction = Direction.BOTH


FIELDS: tuple[Field, ...] = (
    Field("time", "FLD-1", settable=False, mails=True, organizer_wins=True),
    Field("body", "FLD-3", settable=True, mails=True, limit=1_048_576),
    Field("importance", "FLD-4", settable=False, mails=True),
    Field("location", "FLD-5", settable=True, mails=True, limit=200),
    Field("attendees", "FLD-6", settable=False, mails=True, organizer_wins=True),
    Field("regarding", "FLD-8", settable=False, mails=False),
    Field("showAs", "FLD-9", settable=False, mails=True),
    Field("subject", "FLD-10", settable=True, mails=True, limit=200),
)
BY_NAME: Mapping[str, Field] = {field.name: field for field in FIELDS}
IMPORTANCE = {"low": 0, "normal": 1, "high": 2}
IMPORTANCE_NAMES = {number: name for name, number in IMPORTANCE.items()}


def direction_of(field: Field, directions: Mapping[str, Direction]) -> Direction:
    """The administrator's choice for a settable field (FLD-33), else the default."""
    return directions.get(field.name, field.direction) if field.settable else field.direction


def crossing(field: Field, zone: ZoneInfo, exchange_now: Value) -> Crossing:
    """How this field's values cross over for a mailbox in ``zone``."""
    if field.name == "time":
        return Crossing(
            lambda v: meeting_time.to_dynamics(v, zone), lambda v: meeting_time.to_exchange(v, zone)
        )
    if field.name == "attendees":
        return Crossing(attendees.to_dynamics, lambda v: attendees.to_exchange(v, exchange_now))
    if field.name == "showAs":
        return Crossing(status.to_dynamics, status.to_exchange)
    if field.name == "regarding":
        return Crossing(_regarding_or_none, regarding.to_exchange)
    if field.name == "importance":
        return Crossing(lambda v: IMPORTANCE.get(str(v), 1), _importance_name)
    return Crossing(lambda v: cut(str(v or ""), field.limit), lambda v: str(v or ""))


def _importance_name(value: Value) -> Value:
    return IMPORTANCE_NAMES.get(value, "normal") if isinstance(value, int) else "normal"


def _regarding_or_none(value: Value) -> Value:
    return regarding.to_dynamics(value) if regarding.is_known(value) else None


def cut(text: str, limit: int | None) -> str:
    """``text`` within ``limit`` UTF-16 units, cut at a character boundary."""
    if limit is None or len(text) * 2 <= limit:
        return text
    encoded = text.encode("utf-16-le", "surrogatepass")
    if len(encoded) <= limit * 2:
        return text
    return encoded[: limit * 2].decode("utf-16-le", "ignore")


def is_cut(field: Field, value: Value) -> bool:
    return isinstance(value, str) and cut(value, field.limit) != value
