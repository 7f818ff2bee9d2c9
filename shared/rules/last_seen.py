"""What a link's row looked like when it was last read or written, so that a change in Exchange is written
without reading the row again.

That is safe because the write asks for the very version that is remembered: where Dynamics holds another
one it refuses, and both sides are read and decided about anew. Whatever else a decision wants to do, the row
is read first. What changes in Dynamics comes by the change feed, and what it names is always read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from shared.model.appointment import APPOINTMENT, DynamicsAppointment
from shared.model.decision import Decision, UpdateAppointment
from shared.model.link import LastSeen, Link
from shared.model.values import Value
from shared.rules.fingerprints import fingerprint

MOST_PARTIES, MOST_CHARACTERS = 50, 8000
"""Of larger meetings, and of larger values that the base has otherwise, nothing is remembered: the link's own
row holds it, and is read with each change of its item."""
_MISSING = object()


def with_row(link: Link, row: DynamicsAppointment) -> Link:
    """The link, remembering this row: its values beside those that the base holds anyhow."""
    if row.table != APPOINTMENT or not row.etag or len(row.parties) > MOST_PARTIES:
        return replace(link, seen=None)
    base = link.base.dynamics
    beside = {name: value for name, value in row.values.items() if base.get(name, _MISSING) != value}
    if len(json.dumps(beside)) > MOST_CHARACTERS:
        return replace(link, seen=None)
    kept = replace(row, values=beside, availability=None, remembered=False)
    return replace(link, seen=LastSeen(kept, _print({**base, **beside})))


def row_of(link: Link) -> DynamicsAppointment | None:
    """The row as it was in the version that the link holds; None where that is not known for certain."""
    seen = link.seen
    if seen is None or link.intent or not link.linked or seen.row.etag != link.dynamics_etag:
        return None
    values = {**link.base.dynamics, **seen.row.values}
    if _print(values) != seen.values:
        return None
    return replace(seen.row, values=values, remembered=True)


def suffices(decision: Decision) -> bool:
    """Whether a remembered row was enough for this decision: nothing is done but, at most, one write to the
    row, which its version makes conditional."""
    if decision.asks is not None or decision.lost or decision.replaced is not None:
        return False
    if decision.link is None or not decision.link.linked:
        return False
    return all(isinstance(action.write, UpdateAppointment) for action in decision.actions)


def _print(values: Mapping[str, Value]) -> str:
    return fingerprint(dict(values))
