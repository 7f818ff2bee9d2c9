"""What bounds the service, computed from measured counts: the cores of a worker, and the services' limits."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.cost import Mailbox
from benchmarks.ledger import DATAVERSE
from benchmarks.page import Table
from benchmarks.throughput import DYNAMICS, FIRST, OUTLOOK, Throughput

GRAPH_PER_MAILBOX = 10_000 / 600
"""Requests a second of one mailbox; four may be under way at once."""
GRAPH_AT_ONCE = 4
DATAVERSE_REQUESTS = 6_000 / 300
"""Requests a second of one user on one web server: the least there is."""
DATAVERSE_SECONDS = 20 * 60 / 300
"""Seconds of execution in each second."""
DATAVERSE_AT_ONCE = 52
SECONDS_PER_REQUEST = 0.12
"""Assumed of a real service, as in ``prices.toml``."""
SECONDS_OF_EXECUTION = 0.05
"""Assumed of one operation in Dataverse."""
DAY = 86_400


@dataclass(frozen=True)
class Bound:
    """``most``: items a second that it allows."""

    name: str
    doing: str
    most: float


def bounds(found: Throughput) -> list[Bound]:
    """Of each doing; requests of an item are those measured with many items at once."""
    made: list[Bound] = []
    for doing in (FIRST, OUTLOOK, DYNAMICS):
        run = found.dense(doing)
        made += [
            Bound("one core of one worker", doing, 1000 / found.cpu(doing)),
            Bound(
                "Graph, one mailbox: 10,000 requests in 10 minutes",
                doing,
                _part(GRAPH_PER_MAILBOX, run.graph),
            ),
            Bound(
                "Graph, one mailbox: 4 at once", doing, _part(GRAPH_AT_ONCE / SECONDS_PER_REQUEST, run.graph)
            ),
            Bound(
                "Dataverse, all mailboxes: 6,000 requests in 5 minutes",
                doing,
                _part(DATAVERSE_REQUESTS, run.sent),
            ),
            Bound(
                "Dataverse, all mailboxes: 20 minutes of execution in 5",
                doing,
                _part(DATAVERSE_SECONDS / SECONDS_OF_EXECUTION, run.dataverse),
            ),
            Bound(
                "Dataverse, all mailboxes: 52 at once",
                doing,
                _part(DATAVERSE_AT_ONCE / SECONDS_PER_REQUEST, run.sent),
            ),
        ]
    return made


def _part(most: float, each: float) -> float:
    return most / each if each else float("inf")


def table(found: Throughput, mailbox: Mailbox) -> Table:
    made = bounds(found)
    rows = [
        [bound.name, bound.doing, bound.most, found.rate(bound.doing), bound.most / found.rate(bound.doing)]
        for bound in made
    ]
    tightest = min((bound for bound in made if bound.doing != FIRST), key=lambda bound: bound.most)
    first = min((bound for bound in made if bound.doing == FIRST), key=lambda bound: bound.most)
    a_day = DATAVERSE_REQUESTS * DAY / mailbox.a_day(DATAVERSE) if mailbox.a_day(DATAVERSE) else float("inf")
    return Table(
        "What bounds it",
        "Computed: a limit divided by what an event costs with many at once (the runs above), in events a "
        "second, beside the best that one worker did here, with all parts on these cores.",
        ["bound", "events", "allows a second", "measured a second", "allowed / measured"],
        rows,
        [
            f"Tightest for changes: {tightest.name.lower()}; for first syncs: {first.name.lower()}. More "
            "workers lift the first; nothing that we do lifts the others, save fewer requests for each item.",
            "Graph counts the parts of a batch, Dataverse's 6,000 and 52 the envelope, its 20 minutes each "
            f"operation, of which one is taken to last {SECONDS_OF_EXECUTION:g} seconds; a request takes "
            f"{SECONDS_PER_REQUEST:g}.",
            f"Dataverse's 6,000 requests in 5 minutes, on one web server, would carry {a_day:,.0f} "
            f"mailboxes with {mailbox.changes:g} changes a day each, evenly spread; environments have "
            "several servers.",
        ],
    )
