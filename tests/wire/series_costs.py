"""What a series of 52 with three exceptions costs: asserted by ``test_request_counts_series``, told in
``docs/performance.md``."""

from __future__ import annotations

from typing import NamedTuple


class Cost(NamedTuple):
    """Requests of one reading of the change feed and one pass; those within a batch are counted each."""

    graph: int
    dataverse: int
    storage: int


IDLE = "nothing changed"
FIRST_FROM_EXCHANGE, FIRST_FROM_DYNAMICS = "first sync, from Exchange", "first sync, from Dynamics"
COSTS = {
    IDLE: Cost(1, 3, 6),
    FIRST_FROM_EXCHANGE: Cost(3, 19, 16),
    FIRST_FROM_DYNAMICS: Cost(9, 8, 25),
    "one exception changed in Exchange": Cost(2, 13, 11),
    "one exception changed in Dynamics": Cost(4, 8, 16),
    "one occurrence cancelled in Exchange": Cost(2, 11, 11),
    "one instance deleted in Dynamics": Cost(5, 8, 17),
    "the subject changed in Exchange": Cost(2, 11, 11),
    "the subject changed in Dynamics": Cost(4, 8, 16),
    "another category in Exchange, which changes nothing": Cost(2, 7, 10),
}


def rows() -> list[str]:
    """In Markdown."""
    return [f"| {name} | {c.graph} | {c.dataverse} | {c.storage} |" for name, c in COSTS.items()]
