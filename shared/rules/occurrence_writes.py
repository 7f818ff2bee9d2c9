"""The writes that make the occurrences of a series show what was decided (APPT-25, APPT-26, APPT-35)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.model.appointment import DynamicsAppointment
from shared.model.decision import (
    Action,
    ActionKind,
    OccurrencePlan,
    PutException,
    RemoveInstance,
    RemoveOccurrence,
    RowVersion,
    UpdateOccurrence,
    Write,
)
from shared.model.event import ExchangeEvent
from shared.model.party import Party, RecordRef
from shared.model.values import Side, Value
from shared.rules import attendees, invitations, privacy
from shared.rules.appointment_fields import BY_NAME
from shared.rules.meeting_time import text_of
from shared.rules.merge import same
from shared.rules.occurrence_views import (
    CANCELLED,
    exceptions_by_date,
    plain_dynamics_time,
    plain_exchange_time,
)
from shared.rules.occurrences import WHOLE, Occurrences, Overrides, SeriesNow, Shown


class OccurrenceWrites:
    """``written``: the fields written to the series itself in the same pass, by side: its exceptions then
    have other versions than were read. ``now`` holds the series as that leaves it."""

    def __init__(
        self,
        now: SeriesNow,
        outcome: Occurrences,
        resolved: Mapping[str, RecordRef],
        written: Mapping[Side, frozenset[str]],
    ) -> None:
        self._now = now
        self._outcome = outcome
        self._resolved = resolved
        self._series = written
        moves = now.moves is Side.DYNAMICS
        self._rows = {} if moves else exceptions_by_date(now.row, now.slots)

    def plan(self) -> OccurrencePlan:
        fields = {
            side: {
                date: frozenset(self._changed(side, date, shown)) or frozenset([WHOLE])
                for date, shown in self._outcome.writes(side).items()
            }
            for side in Side
        }
        before = {Side.EXCHANGE: dict(self._now.exchange), Side.DYNAMICS: dict(self._now.dynamics)}
        wanted = {side: dict(self._outcome.writes(side)) for side in Side}
        kept = frozenset(self._outcome.kept)
        edited = frozenset(self._outcome.edited)
        return OccurrencePlan(before, wanted, fields, dict(self._series), self._now.moves, kept, edited)

    def towards(self, side: Side) -> list[Action]:
        make = self._in_exchange if side is Side.EXCHANGE else self._in_dynamics
        return [make(date, shown) for date, shown in sorted(self._outcome.writes(side).items())]

    # --- Exchange ---------------------------------------------------------------------------------

    def _in_exchange(self, date: str, wanted: Shown) -> Action:
        now, exception = self._now, self._exception(date)
        slot = now.slots.in_exchange(date)
        edges = (text_of(slot.start), text_of(slot.end)) if slot else _edges(exception)
        known = self._version(Side.EXCHANGE, exception)
        people = attendees.addresses((exception or now.event).value("attendees"))
        if isinstance(wanted, str):
            mailed = people if now.event.is_organizer and not now.silent else ()
            write = RemoveOccurrence(now.event.id, date, edges, cancel=bool(mailed), exception=known)
            rules = ("APPT-25", *(("APPT-26",) if mailed else ()))
            return self._removal(Side.EXCHANGE, date, write, rules, mailed)
        values = self._values(Side.EXCHANGE, date, wanted)
        shown = (exception or now.event).value("attendees")
        mails = invitations.mailed_by_update(values, shown, values.get("attendees", shown))
        mails = () if now.silent else mails
        rules = (*_rules(values), "APPT-36", *(("APPT-22",) if mails else ()))
        keeps_meeting = now.event.is_online_meeting and "body" in values
        update = UpdateOccurrence(
            now.event.id, date, edges, values, known, self._names(date), keeps_meeting=keeps_meeting
        )
        return self._change(Side.EXCHANGE, date, update, rules, values, mails)

    def _exception(self, date: str) -> ExchangeEvent | None:
        """None: a plain slot, which every slot is once a new pattern is written."""
        if self._now.moves is Side.EXCHANGE:
            return None
        return self._now.event.exceptions.get(date)

    def _names(self, date: str) -> dict[str, str]:
        row = self._rows.get(date, self._now.row)
        named = {p.address.lower(): p.name for p in row.parties if p.address and p.name}
        return {**self._now.event.attendee_names, **named}

    # --- Dynamics ---------------------------------------------------------------------------------

    def _in_dynamics(self, date: str, wanted: Shown) -> Action:
        now, exception = self._now, self._rows.get(date)
        start = self._original_start(date, exception)
        known = self._version(Side.DYNAMICS, exception)
        if isinstance(wanted, str):
            write = RemoveInstance(now.row.id, start, known)
            return self._removal(Side.DYNAMICS, date, write, ("APPT-30", "APPT-35"), ())
        values = self._values(Side.DYNAMICS, date, wanted)
        parties = self._parties(values, exception)
        columns = {name: value for name, value in values.items() if name != "attendees"}
        put = PutException(now.row.id, start, columns, parties, known)
        return self._change(Side.DYNAMICS, date, put, (*_rules(values), "APPT-28", "APPT-35"), values, ())

    def _original_start(self, date: str, exception: DynamicsAppointment | None) -> str:
        """As Dynamics wrote it, where it did."""
        if exception is not None and exception.original_start:
            return exception.original_start
        slot = self._now.slots.in_dynamics(date)
        return text_of(slot.start) if slot else f"{date}T00:00:00Z"

    def _parties(self, values: Overrides, exception: DynamicsAppointment | None) -> tuple[Party, ...] | None:
        if "attendees" not in values:
            return None
        present = (exception or self._now.row).parties
        return attendees.parties_for(values["attendees"], present, self._resolved, self._now.row.organizer)

    # --- both -------------------------------------------------------------------------------------

    def _version(
        self, side: Side, exception: ExchangeEvent | DynamicsAppointment | None
    ) -> RowVersion | None:
        """Of another version where the series itself was written before."""
        if exception is None:
            return None
        return RowVersion(exception.id, "" if self._series.get(side) else exception.etag)

    def _shown(self, side: Side, date: str) -> Overrides:
        """What the slot shows when its turn comes."""
        view = self._now.exchange if side is Side.EXCHANGE else self._now.dynamics
        shown = view.get(date)
        return dict(shown) if isinstance(shown, Mapping) and self._now.moves is not side else {}

    def _changed(self, side: Side, date: str, wanted: Shown) -> list[str]:
        if isinstance(wanted, str):
            return []
        shown = self._shown(side, date)
        names = sorted({*wanted, *shown})
        return [name for name in names if not same(wanted.get(name), shown.get(name))]

    def _values(self, side: Side, date: str, wanted: Overrides) -> Overrides:
        """What is to be written: the differences, or the series' own value where one ends."""
        return {
            name: wanted[name] if name in wanted else self._inherited(side, date, name)
            for name in self._changed(side, date, wanted)
        }

    def _inherited(self, side: Side, date: str, name: str) -> Value:
        now = self._now
        if name != "time":
            return (now.event if side is Side.EXCHANGE else now.row).value(name)
        if side is Side.EXCHANGE:
            return plain_exchange_time(now.slots.exchange, date) if now.slots.exchange else None
        start = self._original_start(date, self._rows.get(date))
        return plain_dynamics_time(now.slots.dynamics, start) if now.slots.dynamics else None

    def _before(self, side: Side, date: str, names: Sequence[str]) -> Overrides:
        exception = self._exception(date) if side is Side.EXCHANGE else self._rows.get(date)
        source = exception or (self._now.event if side is Side.EXCHANGE else self._now.row)
        hiding = self._now.event.exceptions.get(date, self._now.event)
        shown = {name: source.value(name) for name in names if not privacy.hides(hiding, name)}
        if exception is None and "time" in shown:
            shown["time"] = self._inherited(side, date, "time")
        return shown

    def _change(
        self,
        side: Side,
        date: str,
        write: Write,
        rules: tuple[str, ...],
        values: Overrides,
        mails: tuple[str, ...],
    ) -> Action:
        return Action(
            ActionKind.UPDATE,
            side,
            rules,
            f"the occurrence of {date} was changed in {side.other.value.title()}",
            write,
            fields=tuple(sorted(values)),
            mails=mails,
            before=self._before(side, date, sorted(values)),
            after=values,
            occurrence=date,
        )

    def _removal(
        self, side: Side, date: str, write: Write, rules: tuple[str, ...], mails: tuple[str, ...]
    ) -> Action:
        """On a side where the series was just created, nothing is deleted that anybody had."""
        kind = ActionKind.CANCEL if mails else ActionKind.DELETE
        return Action(
            ActionKind.UPDATE if self._now.fresh is side else kind,
            side,
            rules,
            f"the occurrence of {date} was deleted in {side.other.value.title()}",
            write,
            mails=mails,
            before=self._before(side, date, ("time", "subject")),
            after={"occurrence": CANCELLED},
            occurrence=date,
        )


def _edges(exception: ExchangeEvent | None) -> tuple[str, str]:
    start = (exception.original_start if exception else None) or ""
    return start, start


def _rules(values: Overrides) -> tuple[str, ...]:
    return tuple(BY_NAME[name].rule for name in sorted(values))
