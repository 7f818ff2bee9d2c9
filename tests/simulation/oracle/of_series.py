"""The occurrences of a series, slot by slot, as both sides show them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from tests.simulation.items import DYNAMICS, EXCHANGE, SIDES, Item, unseen
from tests.simulation.kinds import KINDS
from tests.simulation.kinds.series import Series
from tests.simulation.oracle.broken import CONVERGES, NO_DUPLICATES, NO_EDIT_LOST, Broken

Slots = Mapping[date, dict[str, Any]]
JUST_BEFORE = timedelta(hours=2)
"""An edit may have been made so long before whoever took the slot out could see it."""


async def of_series(item: Item, history: str, now: datetime) -> list[Broken]:
    """Of a series that both sides show once. What is past stays as each side had it (APPT-33)."""
    kind = KINDS[item.kind]
    assert isinstance(kind, Series)
    shown = {side: _to_come(kind, side, await kind.slots(item, side), now) for side in SIDES}
    return [*_differences(kind, item, shown), *_lost(kind, item, shown, history), *_back(item, shown, now)]


def _to_come(kind: Series, side: str, slots: Slots, now: datetime) -> Slots:
    return {day: row for day, row in slots.items() if kind.begin(side, row) > now}


def _differences(kind: Series, item: Item, shown: Mapping[str, Slots]) -> Iterator[Broken]:
    here, there = shown[EXCHANGE], shown[DYNAMICS]
    if set(here) != set(there):
        alone = (_days(set(here) - set(there)), _days(set(there) - set(here)))
        yield Broken(CONVERGES, f"slots only in exchange, only in dynamics: {alone}", item)
    for day in sorted(set(here) & set(there)):
        for name in kind.fields:
            texts = [kind.value(side, shown[side][day], name) for side in SIDES]
            if texts[0] != texts[1]:
                yield Broken(CONVERGES, f"{name} of {day}: {texts}", item)
        times = [kind.begin(side, shown[side][day]) for side in SIDES]
        if times[0] != times[1]:
            yield Broken(CONVERGES, f"time of {day}: {times}", item)


def _lost(kind: Series, item: Item, shown: Mapping[str, Slots], history: str) -> Iterator[Broken]:
    """A new pattern makes every slot plain, in the products themselves."""
    since = max((at for _, at in item.slots.patterns), default=None)
    for day, edits in sorted(item.slots.edits.items()):
        if since is not None or day in item.slots.removed or not all(day in shown[side] for side in SIDES):
            continue
        texts = {kind.value(side, shown[side][day], "place") for side in SIDES}
        for edit in unseen(edits):
            if edit.value not in texts and edit.value not in history:
                yield Broken(
                    NO_EDIT_LOST, f"place of {day} := {edit.value} in {edit.side} at {edit.at}", item
                )


def _back(item: Item, shown: Mapping[str, Slots], now: datetime) -> Iterator[Broken]:
    """What was taken out is there again, though nobody made the pattern anew or had it in hand."""
    for day, (side, at) in sorted(item.slots.removed.items()):
        edited = [e for e in item.slots.edits.get(day, ()) if e.side != side and e.at > at - JUST_BEFORE]
        anew = [moment for _, moment in item.slots.patterns if moment > at - JUST_BEFORE]
        if day in shown[side] and not edited and not anew:
            yield Broken(NO_DUPLICATES, f"{day} was taken out in {side} and is there again", item)


def _days(days: set[date]) -> list[str]:
    return [str(day) for day in sorted(days)]
