"""Any sequence of edits of contacts and tasks on both sides, of passes, deaths and lost answers, ends in
step, without doubles and without loss, and what a person ended stays ended.

Hypothesis prints the sequence that fails, shrunk, and with ``--hypothesis-seed`` runs it again.
"""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.model.personal import CONTACT, TASK
from shared.rules.tracking import has_category
from tests.doubles.lost_answers import AFTER, BEFORE, LATE
from tests.doubles.personal_stories import CAUSES, PersonalStory
from tests.marks import rule

who, which, numbers = st.integers(0, 1), st.integers(0, 2), st.integers(0, 40)
EXCHANGE = ["add", "edit", "edit", "edit", "edit", "remove", "move", "untrack", "track"]
DYNAMICS = ["add", "edit", "edit", "edit", "edit", "remove", "assign", "state", "state"]
RUNNING = ["pass", "settle", "feed", "410", "dynamics token", "time", *CAUSES]
LOST = ["create {kind}", "update {kind}", "mark {kind}", "delete {kind}", "put extension", "put link"]
LOST += ["create {kind} row", "update {kind} row", "delete {kind} row"]

in_exchange = st.tuples(st.just("exchange"), st.sampled_from(EXCHANGE), who, which, numbers)
in_dynamics = st.tuples(st.just("dynamics"), st.sampled_from(DYNAMICS), who, which, numbers)
running = st.tuples(st.just("run"), st.sampled_from(RUNNING), who, which, numbers)
dying = st.tuples(st.just("run"), st.just("kill"), who, which, st.integers(1, 16))
elsewhere = st.tuples(st.just("run"), st.just("machine"), who, which, st.integers(-120, 120))
overlapping = st.tuples(st.just("run"), st.just("overtake"), who, which, st.integers(1, 12))
losing = st.tuples(st.just("lose"), st.sampled_from(LOST), who, which, st.sampled_from([BEFORE, AFTER, LATE]))
kinds = st.sampled_from([CONTACT, TASK])


async def tell(people, part, what, box, item, number):
    if part == "exchange":
        await people.in_exchange(what, box, item, number)
    elif part == "dynamics":
        people.in_dynamics(what, box, item, number)
    elif part == "lose":
        people.lose(what, number)
    else:
        await people.happens(what, box, number)


def told(kind, deletes, steps):
    async def story():
        people = PersonalStory(kind)
        await people.begin(deletes=deletes)
        for step in steps:
            await tell(people, *step)
        await people.end()
        await people.check()

    asyncio.run(story())


def examples(number):
    return settings(max_examples=number, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@rule("LNK-8", "LNK-10")
@examples(120)
@given(kinds, st.booleans(), st.lists(st.one_of(in_exchange, in_dynamics, running), min_size=4, max_size=20))
def test_edits_on_both_sides_end_in_step_without_doubles_and_nothing_is_lost(kind, deletes, steps):
    told(kind, deletes, steps)


@rule("LNK-11")
@examples(120)
@given(
    kinds,
    st.booleans(),
    st.lists(st.one_of(in_exchange, in_dynamics, running, dying, losing, elsewhere), min_size=4, max_size=20),
)
def test_deaths_and_lost_answers_change_nothing(kind, deletes, steps):
    told(kind, deletes, steps)


@rule("LNK-11")
@examples(100)
@given(
    kinds,
    st.booleans(),
    st.lists(st.one_of(in_exchange, in_dynamics, running, overlapping), min_size=4, max_size=20),
)
def test_two_workers_in_one_mailbox_change_nothing(kind, deletes, steps):
    told(kind, deletes, steps)


of_one = [("track", "exchange"), ("untrack", "exchange"), ("edit", "exchange"), ("edit", "dynamics")]
tracking = st.sampled_from(of_one).flatmap(
    lambda deed: st.tuples(st.just(deed[1]), st.just(deed[0]), st.just(0), st.just(0), st.integers(0, 1))
)
passing = st.tuples(
    st.just("run"), st.sampled_from(["pass", "settle", "feed", "410"]), st.just(0), st.just(0), numbers
)
killing = st.tuples(st.just("run"), st.just("kill"), st.just(0), st.just(0), st.integers(1, 12))


@rule("EMI-17", "LNK-8")
@examples(120)
@given(
    kinds,
    st.sampled_from(["exchange", "dynamics"]),
    st.lists(st.one_of(tracking, tracking, passing, killing, losing), min_size=4, max_size=14),
)
def test_an_item_is_tracked_in_the_end_if_its_owner_wanted_that_last(kind, born, steps):
    async def story():
        people = PersonalStory(kind)
        await people.begin(deletes=False)
        await begin(people, born)
        wanted = True
        for step in steps:
            await tell(people, *step)
            wanted = step[1] == "track" or (wanted and step[1] != "untrack")
        await people.end()
        (found,) = people.items(people.boxes[0])
        assert has_category(found.categories) is wanted
        assert any(link.linked for link in await people.links(people.boxes[0])) is wanted
        assert len(people.rows()) <= 1

    asyncio.run(story())


async def begin(people, born):
    """One item: tracked in Exchange and not seen yet, or made in Dynamics and in step."""
    if born == "exchange":
        await people.in_exchange("add", 0, 0, 1)
    else:
        people.in_dynamics("add", 0, 0, 0)
        await people.service.settle()
