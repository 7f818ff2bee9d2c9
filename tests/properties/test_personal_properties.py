"""Any sequence of edits of contacts and tasks on both sides, of passes, deaths and lost answers, ends in
step, without doubles and without loss, and what a person ended stays ended.

Hypothesis prints the sequence that fails, shrunk, and with ``--hypothesis-seed`` runs it again.
"""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.model.personal import CONTACT, TASK
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


def told(kind, deletes, steps):
    async def story():
        people = PersonalStory(kind)
        await people.begin(deletes=deletes)
        for part, what, box, item, number in steps:
            if part == "exchange":
                await people.in_exchange(what, box, item, number)
            elif part == "dynamics":
                people.in_dynamics(what, box, item, number)
            elif part == "lose":
                people.lose(what, number)
            else:
                await people.happens(what, box, number)
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
