"""What a mailbox in which nothing happens costs from one day to the next, with its notifications in order:
the whole service in simulated time, with the timers as they are deployed. Counts are stable, and asserted
exactly.

The feed is the organization's, and is read hourly here instead of twice a minute: what it costs has nothing
to do with how many mailboxes there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import pytest

from local.clock import SimulatedClock
from tests.marks import rule
from tests.simulation.faults import CALM
from tests.simulation.loop import run
from tests.simulation.world import START, Schedules, World, world
from tests.wire.people import CATEGORY, Person

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
READINGS = 24
ORGANIZATION = Counter(
    dict.fromkeys(
        (
            *("GET /appointments", "GET /recurringappointmentmasters", "GET /serviceappointments"),
            *("GET /contacts", "GET /tasks", "GET /phonecalls", "GET /letters", "GET /faxes"),
            "GET /savedqueries",
        ),
        READINGS,
    )
)
"""The change feed and the system's filters, whatever the number of mailboxes."""
COMPARISON = {
    "GET /appointments": 2,  # what the user organizes, and what the filter finds
    "GET /recurringappointmentmasters": 1,
    "GET /serviceappointments": 1,
    **{f"GET /{name}": 1 for name in ("contacts", "tasks", "phonecalls", "letters", "faxes")},
    "GET /userqueries": 1,
    "GET /savedqueries": 1,
    "POST /$batch": 6,
}
OF_MAILBOXES = frozenset({"state", "items", "history"})
"""Tables of which a row is read or written for a mailbox only."""


@dataclass
class Spent:
    """In one day. ``storage``: for this mailbox; scans of all mailboxes are the timers'."""

    graph: Mapping[str, int]
    dataverse: Mapping[str, int]
    storage: int
    messages: int


def idle_day(*, tracks_tasks: bool) -> Spent:
    clock = SimulatedClock(START)

    async def story() -> Spent:
        at = Schedules(due=60, feed=3600, renew=1800, watch=3600)
        async with world(clock, 1, CALM, at, allowed=frozenset()) as here:
            ada = await here.person("ada", on=False)
            await here.enable(ada)
            await begin(ada, tracks_tasks)
            await here.run_for(6 * HOUR)
            assert [link.linked for kind in ("appointment", "contact") for link in await ada.links(kind)] == [
                True,
                True,
            ]
            await spent(here)
            await here.run_for(DAY)
            return await spent(here)

    return run(clock, 1, story)


async def begin(ada: Person, tracks_tasks: bool) -> None:
    await ada.add_contact(givenName="Mary", surname="Jones")
    times = {
        name: {"dateTime": f"2026-03-05T{hour}:00:00", "timeZone": "UTC"}
        for name, hour in (("start", 10), ("end", 11))
    }
    await ada.graph("POST", "events", {"subject": "Kickoff", "categories": [CATEGORY], **times})
    if tracks_tasks:
        await ada.add_task("Call")


async def spent(here: World) -> Spent:
    """Since this was last asked."""
    graph, dataverse = await here.counted("exchange"), await here.counted("dataverse")
    graph.pop("GET /subscriptions", None)  # the organization's: all of them are listed every six hours
    storage = {key: number for key, number in here.storage.requests.items() if of_a_mailbox(*key)}
    passes, here.passes = here.passes, 0
    here.storage.requests.clear()
    return Spent(graph, dict(Counter(dataverse) - ORGANIZATION), sum(storage.values()), passes)


def of_a_mailbox(table: str, kind: str) -> bool:
    return table in OF_MAILBOXES or (table in ("mailboxes", "profiles") and kind != "query")


def graph(*, polls: int, task_polls: int, task_lists: int) -> dict[str, int]:
    return {
        "GET /users/{id}/calendarView/delta": polls,
        "GET /users/{id}/contacts/delta": polls,
        "GET /users/{id}/calendars": 1,
        # which folders and lists there are: hourly, where they are read
        "GET /users/{id}/contactFolders": 18,
        "GET /users/{id}/contacts": 18,
        "POST /$batch": 18,
        "GET /users/{id}/todo/lists": task_lists,
        "GET /users/{id}/todo/lists/{id}/tasks/delta": task_polls,
    }


EXPECTED = {
    False: Spent(graph(polls=53, task_polls=27, task_lists=13), COMPARISON, storage=522, messages=78),
    True: Spent(graph(polls=54, task_polls=134, task_lists=22), COMPARISON, storage=1093, messages=185),
}
"""Without and with tasks. Storage, of an idle pass: mailbox, profile and agenda read, the mailbox written as
it is asked for and as it ends; and the cursors now and then, in two."""


@rule("MBX-14", "FAQ-2")
@pytest.mark.parametrize("tracks_tasks", [False, True])
def test_an_idle_mailbox_asks_dynamics_for_nothing_but_the_daily_comparison(tracks_tasks: bool) -> None:
    found = idle_day(tracks_tasks=tracks_tasks)
    assert found.dataverse == COMPARISON
    assert found == EXPECTED[tracks_tasks]
