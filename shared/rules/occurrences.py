"""The occurrences of a linked series: what of their changes moves, which way, and what is held (APPT-28 to
APPT-36).

Each slot is merged by itself, each side against its own base: first whether it is there at all, then the
fields in which it differs from its series. A pattern that moves to a side makes every slot there plain again,
as both products do; what had been changed there and not yet carried over is applied anew where the new
pattern still has the slot, and is in the history where it has not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.model.appointment import DynamicsAppointment
from shared.model.decision import Skip
from shared.model.event import ExchangeEvent
from shared.model.recurrence import Slot
from shared.model.values import Side, Value
from shared.rules import attendees, item_time, privacy
from shared.rules.appointment_content import winner
from shared.rules.appointment_fields import BY_NAME, OCCURRENCE_FIELDS, Field, crossing
from shared.rules.field_table import direction_in
from shared.rules.merge import MISSING, BaseValue, Crossing, FieldState, merge, same
from shared.rules.occurrence_views import CANCELLED, Slots, View, exceptions_by_date
from shared.rules.situation import Context
from shared.rules.skips import Reason

WAITING = (Reason.OCCURRENCE_OUTSIDE_WINDOW, Reason.NOT_ORGANIZER, Reason.PAST_MEETING)
"""Reasons that may pass: the change is looked at again."""
WHOLE = ""
"""As a field: the occurrence as a whole, there or cancelled."""
Overrides = dict[str, Value]
Shown = Overrides | str
"""What a slot shows: ``CANCELLED``, or what differs from the series ({}: plain)."""


@dataclass(frozen=True, slots=True)
class SeriesNow:
    """Both sides of a series, and what the pass does to them before it comes to the occurrences.

    ``base``: what both showed when they last agreed, by side; None: linked for the first time.
    ``moves``: the side that the pattern is written to. ``silent``: Exchange shows no attendees while the
    occurrences are written, so that nobody is mailed (the series is created without them)."""

    event: ExchangeEvent
    row: DynamicsAppointment
    exchange: View
    dynamics: View
    slots: Slots
    base: Mapping[Side, View] | None
    moves: Side | None = None
    silent: bool = False
    fresh: Side | None = None
    recreates: bool = False
    erased: Mapping[Side, View] = field(default_factory=dict)
    """Edits that an interrupted pass erased with a new pattern and has to do anew, by side."""
    """The side on which the series was just created: what is done to it there is no deletion of anything."""


@dataclass
class Occurrences:
    """The outcome. ``exchange`` and ``dynamics``: by date, what the slot shall show there where it does not
    already; ``kept``: (date, field) whose base stays; ``lost``: edits that lost, by ``field@date``."""

    exchange: dict[str, Shown] = field(default_factory=dict)
    dynamics: dict[str, Shown] = field(default_factory=dict)
    skips: list[Skip] = field(default_factory=list)
    kept: set[tuple[str, str]] = field(default_factory=set)
    lost: dict[str, Value] = field(default_factory=dict)
    edited: set[str] = field(default_factory=set)
    """Dates at which a person's edit is erased by a new pattern, and has to be done anew."""
    recreated: list[str] = field(default_factory=list)
    """Past occurrences that a compatibility switch brings back (APPT-33)."""

    def writes(self, side: Side) -> dict[str, Shown]:
        return self.exchange if side is Side.EXCHANGE else self.dynamics


def merge_occurrences(now: SeriesNow, context: Context) -> Occurrences:
    """Merge every slot at which either side shows, or showed, something else than its pattern."""
    outcome = Occurrences()
    based = now.base or {}
    views = (now.exchange, now.dynamics, *based.values(), *now.erased.values())
    dates = {date for view in views for date in view}
    for date in sorted(dates):
        _SlotMerge(date, now, context, outcome).merge()
    return outcome


class _SlotMerge:
    """The merge of one slot."""

    def __init__(self, date: str, now: SeriesNow, context: Context, outcome: Occurrences) -> None:
        self._date = date
        self._now = now
        self._context = context
        self._outcome = outcome
        based = now.base or {}
        self._base = {side: _shown(based.get(side, {}), date) for side in Side}
        self._is = {
            Side.EXCHANGE: _shown(now.exchange, date),
            Side.DYNAMICS: _shown(now.dynamics, date),
        }
        self._after = dict(self._is)
        for side in Side:
            edit = _shown(now.erased.get(side, {}), date)
            self._is[side] = edit or self._is[side]
        if now.moves is not None:
            self._forget_for_the_new_pattern(now.moves)
        self._wanted = dict(self._after)

    def _forget_for_the_new_pattern(self, side: Side) -> None:
        """The slot becomes plain on the side that the pattern is written to, and was made plain by whoever
        changed it on the other; what that side had changed since stands to be done anew."""
        edited = not same(self._is[side], self._base[side])
        self._after[side] = {}
        self._is[side] = self._is[side] if edited else {}
        if edited:
            self._outcome.edited.add(self._date)
        self._base = {Side.EXCHANGE: {}, Side.DYNAMICS: {}}

    # --- the merge --------------------------------------------------------------------------------

    def merge(self) -> None:
        self._wanted = dict(self._is)
        gone = {side: self._is[side] == CANCELLED for side in Side}
        if gone[Side.EXCHANGE] and gone[Side.DYNAMICS]:
            return self._write()
        for side in Side:
            if gone[side]:
                self._removed_on(side)
                return self._write()
        self._merge_fields()
        return self._write()

    def _removed_on(self, side: Side) -> None:
        """The occurrence was deleted on one side. A deletion beats an edit of the other side, which is kept
        in the history; one that was known before was kept to its side by a rule."""
        other = side.other
        if self._base[side] == CANCELLED and self._now.base is not None:
            if self._base[other] == CANCELLED:
                self._skip(Reason.NOT_RESTORED)
            return None
        if side is Side.EXCHANGE and self._now.recreates and self._is_past() and self._in_window():
            self._outcome.recreated.append(self._date)
            return None
        reason = self._why_it_stays(other)
        if reason is not None:
            return self._skip(reason)
        self._wanted[other] = CANCELLED
        edits = self._is[other]
        if isinstance(edits, dict) and not same(edits, self._base[other]):
            self._outcome.lost |= {f"{name}@{self._date}": value for name, value in edits.items()}
        return None

    def _why_it_stays(self, side: Side) -> Reason | None:
        """Why an occurrence that was deleted on the other side stays on ``side`` (APPT-25, APPT-30)."""
        now, fresh = self._now, self._now.fresh is side
        if side is Side.DYNAMICS:
            exception = self._exception(Side.DYNAMICS)
            closed = isinstance(exception, DynamicsAppointment) and exception.is_closed
            mine = now.event.is_organizer
            return Reason.OCCURRENCE_STAYS if not fresh and (closed or self._is_past() or not mine) else None
        if not now.event.is_organizer:
            return Reason.NOT_ORGANIZER
        if self._has_audience() and self._is_past():
            return Reason.OCCURRENCE_STAYS
        if not fresh and self._is_past():
            return Reason.OCCURRENCE_STAYS
        if self._now.base is None and self._has_audience():
            return Reason.LINKING_MAILS_NOBODY
        return None

    def _merge_fields(self) -> None:
        for rule in OCCURRENCE_FIELDS:
            self._merge_field(rule)

    def _merge_field(self, rule: Field) -> None:
        exchange, dynamics = self._overrides(Side.EXCHANGE), self._overrides(Side.DYNAMICS)
        state = FieldState(
            rule.name,
            exchange.get(rule.name),
            dynamics.get(rule.name),
            self._based(Side.EXCHANGE, rule.name),
            self._based(Side.DYNAMICS, rule.name),
        )
        over = _inheriting(crossing(rule, self._context.zone, self._series_value(Side.EXCHANGE, rule.name)))
        direction = direction_in(rule, self._context.profile.directions)
        event, row = self._exception(Side.EXCHANGE), self._exception(Side.DYNAMICS)
        assert isinstance(event, ExchangeEvent)
        assert isinstance(row, DynamicsAppointment)
        merged = merge(state, over, direction, winner(rule, state, event, row))
        if merged.held:
            self._hold(rule.name, Reason.DIRECTION)
        elif merged.towards is Side.DYNAMICS:
            self._towards_dynamics(rule, over.to_dynamics(state.exchange), state, row)
        elif merged.towards is Side.EXCHANGE:
            self._towards_exchange(rule, over.to_exchange(state.dynamics), event)
        if merged.lost_by is not None and merged.towards is not None:
            loser = state.exchange if merged.lost_by is Side.EXCHANGE else state.dynamics
            self._outcome.lost[f"{rule.name}@{self._date}"] = loser

    def _towards_dynamics(
        self, rule: Field, value: Value, state: FieldState, row: DynamicsAppointment
    ) -> None:
        if row.is_closed:
            self._hold(rule.name, Reason.CLOSED)
        elif value is None and state.exchange is not None:
            self._hold(rule.name, Reason.UNKNOWN_STATUS)
        else:
            self._set(Side.DYNAMICS, rule.name, value)

    def _towards_exchange(self, rule: Field, value: Value, event: ExchangeEvent) -> None:
        if privacy.hides(event, rule.name):
            self._hold(rule.name, Reason.PRIVATE_CONTENT)
        else:
            self._set(Side.EXCHANGE, rule.name, value)

    # --- what is known of the slot ----------------------------------------------------------------

    def _overrides(self, side: Side) -> Overrides:
        shown = self._is[side]
        return shown if isinstance(shown, dict) else {}

    def _based(self, side: Side, name: str) -> BaseValue:
        if self._now.base is None:
            return MISSING
        base = self._base[side]
        return base.get(name) if isinstance(base, dict) else None

    def _exception(self, side: Side) -> ExchangeEvent | DynamicsAppointment:
        """The exception of this slot, or the series it is plain in."""
        if side is Side.EXCHANGE:
            return self._now.event.exceptions.get(self._date, self._now.event)
        return exceptions_by_date(self._now.row, self._now.slots).get(self._date, self._now.row)

    def _series_value(self, side: Side, name: str) -> Value:
        return (self._now.event if side is Side.EXCHANGE else self._now.row).value(name)

    def _slot(self, side: Side) -> Slot | None:
        slots = self._now.slots
        return slots.in_exchange(self._date) if side is Side.EXCHANGE else slots.in_dynamics(self._date)

    def _begins(self) -> list[datetime]:
        """When it takes place: by the pattern, and where it was moved to or shall be."""
        times = [slot.start] if (slot := self._slot(Side.EXCHANGE)) else []
        for shown in (*self._is.values(), *self._wanted.values()):
            moved = shown.get("time") if isinstance(shown, dict) else None
            start = item_time.newest_start(moved, self._context.zone, self._context.now) if moved else None
            times += [start] if start else []
        return times

    def _is_past(self) -> bool:
        begins = self._begins()
        return bool(begins) and max(begins) < self._context.now

    def _in_window(self) -> bool:
        context = self._context
        return any(context.window_start <= begin <= context.window_end for begin in self._begins())

    def _is_expanded(self) -> bool:
        """Whether Dynamics has, or can have, the instance (APPT-34)."""
        slot = self._slot(Side.DYNAMICS)
        return slot is None or self._context.organization.expansion.reaches(slot.start, self._context.now)

    def _has_audience(self) -> bool:
        if self._now.silent:
            return False
        event = self._exception(Side.EXCHANGE)
        wanted = self._wanted[Side.EXCHANGE]
        added = wanted.get("attendees") if isinstance(wanted, dict) else None
        return bool(attendees.pairs(event.value("attendees")) or attendees.pairs(added))

    # --- the outcome ------------------------------------------------------------------------------

    def _set(self, side: Side, name: str, value: Value) -> None:
        """``None``: as its series again."""
        wanted = dict(_dict(self._wanted[side]))
        wanted.pop(name, None)
        if value is not None:
            wanted[name] = value
        self._wanted[side] = wanted

    def _hold(self, name: str, reason: Reason) -> None:
        self._skip(reason, name)
        if self._now.base is not None:
            self._outcome.kept.add((self._date, name))

    def _skip(self, reason: Reason, name: str = WHOLE) -> None:
        label = f"{name} of {self._date}" if name else self._date
        self._outcome.skips.append(reason.skip(detail=self._date, fields=(label,)))

    def _write(self) -> None:
        for side in Side:
            wanted, shown = self._wanted[side], self._after[side]
            if same(wanted, shown):
                continue
            reason = self._why_not_written(side, wanted, shown)
            if reason is None:
                self._outcome.writes(side)[self._date] = wanted
                continue
            self._skip(reason)
            self._not_written(side, reason)

    def _not_written(self, side: Side, reason: Reason) -> None:
        """What waits keeps its base; what can never be is in the history; the rest is taken as seen."""
        shown = self._is[side.other]
        if reason in (Reason.NO_SUCH_OCCURRENCE, Reason.NOT_RESTORED):
            edits = shown if isinstance(shown, dict) else {}
            self._outcome.lost |= {f"{name}@{self._date}": value for name, value in edits.items()}
        if reason not in WAITING:
            return
        wanted, after = _dict(self._wanted[side]), _dict(self._after[side])
        names = {n for n in {*wanted, *after} if not same(wanted.get(n), after.get(n))} or {WHOLE}
        self._outcome.kept |= {(self._date, name) for name in names}

    def _why_not_written(self, side: Side, wanted: Shown, shown: Shown) -> Reason | None:
        if self._slot(side) is None and not self._has_exception(side):
            return Reason.NO_SUCH_OCCURRENCE
        if shown == CANCELLED:
            return Reason.NOT_RESTORED
        if not self._in_window() or (side is Side.DYNAMICS and not self._is_expanded()):
            return Reason.OCCURRENCE_OUTSIDE_WINDOW
        if side is Side.DYNAMICS or wanted == CANCELLED:
            return None
        return self._why_not_mailed(_dict(wanted), _dict(shown))

    def _has_exception(self, side: Side) -> bool:
        if self._now.moves is side:
            return False
        return self._exception(side) is not (self._now.event if side is Side.EXCHANGE else self._now.row)

    def _why_not_mailed(self, wanted: Overrides, shown: Overrides) -> Reason | None:
        """Why a change of an occurrence is not written to Exchange (APPT-3, APPT-22, APPT-23, APPT-26)."""
        now = self._now
        if not now.event.is_organizer:
            return Reason.NOT_ORGANIZER
        names = {n for n in {*wanted, *shown} if not same(wanted.get(n), shown.get(n))}
        if not self._has_audience() or not any(BY_NAME[name].mails for name in names):
            return None
        if now.base is None:
            return Reason.LINKING_MAILS_NOBODY
        late_mail = self._context.organization.flag("SSSUpdatePastMeetingsInNonDraftMode")
        return Reason.PAST_MEETING if self._is_past() and not late_mail else None


def _shown(view: View, date: str) -> Shown:
    shown = view.get(date, {})
    return shown if isinstance(shown, str) else dict(shown) if isinstance(shown, Mapping) else {}


def _dict(shown: Shown) -> Overrides:
    return shown if isinstance(shown, dict) else {}


def _inheriting(over: Crossing) -> Crossing:
    """``None`` is "as its series" on both sides."""
    return Crossing(
        lambda v: None if v is None else over.to_dynamics(v),
        lambda v: None if v is None else over.to_exchange(v),
    )
