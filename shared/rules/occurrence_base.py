"""What a link remembers of a series' occurrences: what each side showed when both last agreed, by date.

``{"2026-03-09": {"exchange": {"time": …}, "dynamics": {"time": …}, "version": "1234"}}``; ``CANCELLED``
stands for a deleted one, a missing side for a plain slot. ``version`` is the row version of the Dynamics
exception, by which the router knows our own write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from shared.model.appointment import DynamicsAppointment
from shared.model.decision import Action, OccurrencePlan
from shared.model.event import ExchangeEvent
from shared.model.link import Link
from shared.model.values import Side, Value, Values
from shared.rules.fingerprints import as_was, fingerprint, note
from shared.rules.merge import same
from shared.rules.occurrence_views import (
    CANCELLED,
    Slots,
    View,
    dynamics_view,
    exceptions_by_date,
    exchange_view,
)
from shared.rules.occurrences import WHOLE, Overrides, Shown

Views = dict[Side, dict[str, Value]]
REDO = "redo"
UNDER = "under the new pattern"
"""Marks a note that says something only if the new pattern was written: the slot was made plain before."""


def views_of(link: Link) -> Views:
    """The base by side."""
    views: Views = {side: {} for side in Side}
    for date, entry in link.occurrences.items():
        if isinstance(entry, Mapping):
            for side in Side:
                if side.value in entry:
                    views[side][date] = entry[side.value]
    return views


def versions_of(link: Link) -> frozenset[str]:
    """Row versions of the Dynamics exceptions that are known already."""
    entries = (entry for entry in link.occurrences.values() if isinstance(entry, Mapping))
    return frozenset(str(entry["version"]) for entry in entries if entry.get("version"))


# --- after the writes -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewBase:
    """``raced``: sides on which something else than our writes happened meanwhile: to be looked at again."""

    occurrences: Mapping[str, Value]
    raced: frozenset[Side]


def base_after(
    link: Link,
    plan: OccurrencePlan,
    event: ExchangeEvent,
    row: DynamicsAppointment,
    slots: Slots,
) -> NewBase:
    """The base once every write is done: of what was written, what each side shows now; of the rest, what was
    read before, so that an edit made in between is not taken for agreed."""
    old = views_of(link)
    shown: Views = {Side.EXCHANGE: exchange_view(event), Side.DYNAMICS: dynamics_view(row, slots)}
    versions = {d: _digits(exception.etag) for d, exception in exceptions_by_date(row, slots).items()}
    dates = {date for views in (old, shown, plan.before) for side in Side for date in views[side]}
    occurrences: dict[str, Value] = {}
    raced: set[Side] = set()
    for date in sorted(dates):
        entry: dict[str, Value] = {}
        for side in Side:
            agreed = _agreed(side, date, plan, old, shown)
            if not same(agreed, _one(shown[side], date)) and not _is_kept(plan, date):
                raced.add(side)
            if agreed:
                entry[side.value] = agreed
        if date in versions and Side.DYNAMICS not in raced:
            entry["version"] = versions[date]
        if entry:
            occurrences[date] = entry
    return NewBase(occurrences, frozenset(raced))


def _agreed(side: Side, date: str, plan: OccurrencePlan, old: Views, shown: Views) -> Shown:
    before: Shown = {} if plan.moves is side else _one(plan.before[side], date)
    now = _one(shown[side], date)
    written = plan.written[side].get(date, frozenset())
    agreed: Shown
    if WHOLE in written:
        agreed = now
    elif isinstance(before, str) or isinstance(now, str):
        agreed = before
    else:
        fields = written | plan.series[side]
        source = {name: now if name in fields else before for name in {*before, *now}}
        agreed = {name: of[name] for name, of in source.items() if name in of}
    return _with_kept(agreed, side, date, plan, old)


def _with_kept(agreed: Shown, side: Side, date: str, plan: OccurrencePlan, old: Views) -> Shown:
    was = _one(old[side], date)
    for name in (name for kept, name in sorted(plan.kept) if kept == date):
        if name == WHOLE or isinstance(was, str) or isinstance(agreed, str):
            return was
        agreed = {key: value for key, value in agreed.items() if key != name}
        if name in was:
            agreed[name] = was[name]
    return agreed


def _is_kept(plan: OccurrencePlan, date: str) -> bool:
    return any(kept == date for kept, _ in plan.kept)


def _one(view: View, date: str) -> Shown:
    shown = view.get(date, {})
    return shown if isinstance(shown, str) else dict(shown) if isinstance(shown, Mapping) else {}


def _digits(etag: str) -> str:
    return "".join(character for character in etag if character.isdigit())


# --- a pass that never committed ------------------------------------------------------------------


def intent_of(actions: tuple[Action, ...], plan: OccurrencePlan) -> dict[str, Value]:
    """Fingerprints of what is about to be written to occurrences, by ``field@date`` (``rules.intent``). A new
    pattern makes what a side shows plain: what is to be done there anew is noted as it is, or a worker that
    dies in between would have erased a person's edit."""
    notes: dict[str, Value] = {}
    for date in plan.edited if plan.moves else ():
        if plan.moves and date in plan.wanted[plan.moves]:
            notes[f"{REDO}@{date}"] = [plan.moves.value, plan.wanted[plan.moves][date]]
    for action in actions:
        if not action.occurrence:
            continue
        date, other = action.occurrence, action.side.other
        target = _one(plan.wanted[action.side], date)
        for name in plan.written[action.side].get(date, ()):
            # Where both sides are written the last write is noted: the other side was written before.
            both = name in plan.written[other].get(date, ())
            source = _one((plan.wanted if both else plan.before)[other], date)
            from_value, to_value = _field(source, name), _field(target, name)
            pair = (to_value, from_value) if action.side is Side.EXCHANGE else (from_value, to_value)
            noted = note(action.side, *pair)
            under = [UNDER] if action.side is plan.moves else []
            notes[f"{name}@{date}"] = [*noted, *under]
    return notes


def _field(shown: Shown, name: str) -> Value:
    if name == WHOLE:
        return shown if isinstance(shown, str) else None
    return shown.get(name) if isinstance(shown, dict) else None


def erased(link: Link, exchange: View, dynamics: View) -> Views:
    """Edits that a pass which never committed erased with a new pattern and did not do anew yet."""
    now = {Side.EXCHANGE: exchange, Side.DYNAMICS: dynamics}
    views: Views = {side: {} for side in Side}
    for key, noted in link.intent.items():
        name, _, date = key.partition("@")
        if name == REDO and isinstance(noted, list | tuple) and len(noted) == 2:
            side = Side(str(noted[0]))
            if not now[side].get(date):
                views[side][date] = noted[1]
    return views


def redone_later(before: Link | None, plan: OccurrencePlan) -> dict[str, Value]:
    """The notes of such edits, while they are still to be written."""
    notes = before.intent if before else {}
    return {
        key: noted
        for key, noted in notes.items()
        if key.startswith(f"{REDO}@") and isinstance(noted, list | tuple)
        if key.partition("@")[2] in plan.wanted[Side(str(noted[0]))]
    }


def settled(link: Link, now: Mapping[Side, View]) -> Link:
    """The link with the writes of a pass that never committed taken into the base of its occurrences."""
    notes = {key: noted for key, noted in link.intent.items() if "@" in key}
    if not notes:
        return link
    views = views_of(link)
    for key, noted in notes.items():
        name, _, date = key.partition("@")
        if isinstance(noted, list | tuple) and len(noted) == 3:
            _settle(views, now, name, date, [str(part) for part in noted])
    occurrences: dict[str, Value] = {}
    for date in sorted({date for side in Side for date in views[side]}):
        known = link.occurrences.get(date)
        version = {"version": known["version"]} if isinstance(known, Mapping) and "version" in known else {}
        shown = {side.value: views[side][date] for side in Side if views[side].get(date)}
        occurrences[date] = {**version, **shown}
    intent = {k: v for k, v in link.intent.items() if k not in notes or k.startswith(f"{REDO}@")}
    return replace(link, occurrences=occurrences, intent=intent)


def _settle(views: Views, now: Mapping[Side, View], name: str, date: str, noted: list[str]) -> None:
    side, prints = Side(noted[0]), {Side.EXCHANGE: noted[1], Side.DYNAMICS: noted[2]}
    shown = {each: _field(_one(now[each], date), name) for each in Side}
    if fingerprint(shown[side]) != prints[side]:
        return
    for each in Side:
        if name == WHOLE:
            gone = prints[each] == fingerprint(CANCELLED)
            views[each][date] = CANCELLED if gone else shown[each] or {}
            continue
        value = as_was(shown[each], prints[each])
        base: Overrides = dict(_dict(views[each].get(date)))
        base.pop(name, None)
        if value is not None:
            base[name] = value
        views[each][date] = base


def _dict(value: Value) -> Values:
    return value if isinstance(value, Mapping) else {}
