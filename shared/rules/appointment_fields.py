"""The fields of appointments (FLD-1 to FLD-10) and series (FLD-11): how each crosses over and what may be
done with it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from zoneinfo import ZoneInfo

from shared.bodies import forms
from shared.model import recurrence as model
from shared.model.appointment import APPOINTMENT, SERIES
from shared.model.decision import Skip
from shared.model.organization import Organization
from shared.model.recurrence import NotARecurrence
from shared.model.timezones import UnknownTimeZone, windows_name
from shared.model.values import Value
from shared.rules import attendees, meeting_time, privacy, recurrence, regarding, status
from shared.rules.field_table import FieldRow, by_name, of_entity
from shared.rules.merge import Crossing
from shared.rules.recurrence_notes import Crossed
from shared.rules.skips import Reason

Field = FieldRow
"""One row of the field map: an appointment's or a series'."""

# What a request of Graph takes is 4 MB; the rest of an event is small. Dynamics' other texts are shorter than
# Exchange's limits (subject 255).
EXCHANGE_BODY_BYTES = 3_500_000

FIELDS: tuple[Field, ...] = tuple(row for row in of_entity(APPOINTMENT) if row.merged)
RECURRENCE = by_name(SERIES)["recurrence"]
SERIES_FIELDS: tuple[Field, ...] = (
    RECURRENCE,
    *(row for row in of_entity(SERIES) if row.merged and row is not RECURRENCE),
)
OCCURRENCE_FIELDS: tuple[Field, ...] = (
    by_name(APPOINTMENT)["time"],
    *(row for row in SERIES_FIELDS if row.name not in ("recurrence", "regarding", "sensitivity")),
)
"""What an occurrence can have that its series has not (APPT-28)."""
BY_NAME: Mapping[str, Field] = {field.name: field for field in (*FIELDS, RECURRENCE)}
IMPORTANCE = {"low": 0, "normal": 1, "high": 2}
IMPORTANCE_NAMES = {number: name for name, number in IMPORTANCE.items()}


def fields_of(table: str, organization: Organization) -> tuple[Field, ...]:
    """Those of the rows of a table that travel in this organization. The others stay unknown to the base, so
    that turning one on later brings over what is there."""
    fields = SERIES_FIELDS if table == SERIES else FIELDS
    return tuple(field for field in fields if not field.setting or organization.flag(field.setting))


def crossing(field: Field, zone: ZoneInfo, exchange_now: Value, *, rich: bool = False) -> Crossing:
    """How this field's values cross over for a mailbox in ``zone``. ``rich``: bodies as HTML (APPT-8); never
    for series."""
    if field.name == "time":
        return Crossing(
            lambda v: meeting_time.to_dynamics(v, zone), lambda v: meeting_time.to_exchange(v, zone)
        )
    if field.name == "recurrence":
        return Crossing(
            lambda v: cross_pattern(v, zone).value,
            lambda v: cross_columns(v, zone).value,
            lambda v: _slots_of(v, zone),
        )
    if field.name == "attendees":
        return Crossing(attendees.to_dynamics, lambda v: attendees.to_exchange(v, exchange_now))
    if field.name == "showAs":
        return Crossing(status.to_dynamics, status.to_exchange)
    if field.name == "regarding":
        return Crossing(_regarding_or_none, regarding.to_exchange)
    if field.name == "importance":
        return Crossing(lambda v: IMPORTANCE.get(str(v), 1), _importance_name)
    if field.name == "sensitivity":
        return Crossing(privacy.is_private, lambda v: v)
    if field.name == "body":
        return _body_crossing(field, rich=rich)
    return Crossing(lambda v: cut(str(v or ""), field.limit), lambda v: str(v or ""))


def _body_crossing(field: Field, *, rich: bool) -> Crossing:
    limit = field.limit or 0

    def to_dynamics(value: Value) -> Value:
        return forms.fitted_to_column(value if rich else forms.plain(value), limit)

    def to_exchange(value: Value) -> Value:
        wanted = forms.enriched(value) if rich else forms.plain(value)
        return forms.fitted_to_request(wanted, EXCHANGE_BODY_BYTES)

    return Crossing(to_dynamics, to_exchange)


def cross_pattern(value: Value, zone: ZoneInfo) -> Crossed:
    """An Exchange recurrence as Dynamics says it, for a mailbox in ``zone``; one that could not be read says
    why (``{"unreadable": "…"}``)."""
    if isinstance(value, Mapping) and "range" in value:
        return recurrence.to_dynamics(value, zone)
    return Crossed(None)


def cross_columns(value: Value, zone: ZoneInfo) -> Crossed:
    """Dynamics' pattern columns as Exchange says them, in the mailbox's own named zone."""
    if isinstance(value, Mapping) and "patternType" in value:
        return recurrence.to_exchange(value, zone, zone_name(zone))
    return Crossed(None)


COMPARED_SLOTS = 60
"""So many first occurrences tell two patterns apart, together with the last one: patterns repeat."""


def _slots_of(value: Value, zone: ZoneInfo) -> Value:
    """What a series is to people, its occurrences, whichever way its pattern says them."""
    read = cross_columns(value, zone).value if isinstance(value, Mapping) and "range" not in value else value
    try:
        series = model.from_value(read)
    except NotARecurrence:
        return value
    first, last = islice(model.dates(series), COMPARED_SLOTS), model.last_date(series)
    return {
        "starts": [model.slot_on(series, day).start.isoformat() for day in first],
        "last": last.isoformat() if last else None,
        "minutes": series.minutes,
        "allDay": series.all_day,
    }


def zone_name(zone: ZoneInfo) -> str:
    """The name under which Exchange knows a mailbox's zone; it takes IANA's too where Windows has none."""
    try:
        return windows_name(zone.key)
    except UnknownTimeZone:
        return zone.key


def _importance_name(value: Value) -> Value:
    return IMPORTANCE_NAMES.get(value, "normal") if isinstance(value, int) else "normal"


def _regarding_or_none(value: Value) -> Value:
    return regarding.to_dynamics(value) if regarding.is_known(value) else None


def cut(text: str, limit: int | None) -> str:
    """``text`` within ``limit`` UTF-16 units, cut at a character boundary."""
    return text if limit is None else forms.cut_text(text, limit)


def losses(field: Field, value: Value, *, rich: bool = False) -> list[Skip]:
    """What of an Exchange value Dynamics does not take, for people to know."""
    if field.name == "attendees":
        long = attendees.too_long(value)
        detail = f"{attendees.ADDRESS_LIMIT} characters"
        return [Reason.ADDRESS_TOO_LONG.skip(detail=detail, fields=(field.name,))] if long else []
    if field.limit is None:
        return []
    whole = value if rich and forms.is_rich(value) else forms.plain(value)
    kept = forms.fitted_to_column(whole, field.limit)
    return [] if kept == whole else [_cut(field, f"{field.limit} characters")]


def losses_to_exchange(field: Field, value: Value, *, rich: bool = False) -> list[Skip]:
    """What of a Dynamics value Exchange does not take."""
    if field.name != "body":
        return []
    whole = forms.enriched(value) if rich else forms.plain(value)
    kept = forms.fitted_to_request(whole, EXCHANGE_BODY_BYTES)
    return [] if kept == whole else [_cut(field, f"{EXCHANGE_BODY_BYTES} bytes")]


def _cut(field: Field, detail: str) -> Skip:
    return Reason.CUT.skip(detail=detail, fields=(field.name,))
