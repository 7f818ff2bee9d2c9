"""Any small story, and then the service forgets its links, all or some, perhaps with the index of items: in
the end nothing is doubled, nobody was mailed, both sides show what they showed, what a person ended is ended.

Hypothesis prints the story that fails, shrunk, and with ``--hypothesis-seed`` runs it again.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.model.personal import CONTACT, TASK
from tests.doubles.forgetting import BOTH, HOW, STATE, forget, mended, verified
from tests.doubles.personal_stories import PersonalStory
from tests.doubles.service import Service
from tests.doubles.world import EPOCH
from tests.marks import rule
from tests.properties.test_personal_properties import in_dynamics, in_exchange
from tests.rules.build import CATEGORY, at

GUEST = "guest@fabrikam.example"
few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
how, which = st.sampled_from(HOW), st.integers(0, 255)
settling = st.just(("run", "settle", 0, 0, 0))


# --- contacts and tasks ---------------------------------------------------------------------------


async def tell(people, steps):
    for part, what, box, item, number in steps:
        if part == "exchange":
            await people.in_exchange(what, box, item, number)
        elif part == "dynamics":
            people.in_dynamics(what, box, item, number)
        else:
            await people.happens(what, box, number)


def remembered(kind, how):
    """A task that was untracked carries no mark any more: only the index of items knows."""
    return STATE if kind == TASK and how == BOTH else how


@rule("LNK-3", "LNK-8", "PAIN-6")
@few
@given(
    st.sampled_from([CONTACT, TASK]),
    st.lists(st.one_of(in_exchange, in_dynamics, settling), min_size=3, max_size=12),
    how,
    which,
)
def test_contacts_and_tasks_are_linked_again_without_a_double(kind, steps, how, which):
    async def story():
        people = PersonalStory(kind)
        await people.begin()
        await tell(people, steps)
        await people.end()
        shown = people_see(people)
        await forget(people.service, remembered(kind, how), which)
        await people.service.settle()
        assert people_see(people) == shown
        await mended(people.service)
        assert people_see(people) == shown
        await people.end()
        await people.check()

    asyncio.run(story())


def people_see(people):
    found = [(box.id, item) for box in people.boxes for item in people.items(box)]
    items = [(owner, dict(item.values), item.categories) for owner, item in found]
    rows = [(row.table, row.id, dict(row.values)) for row in people.rows()]
    return sorted(map(str, items)), sorted(map(str, rows))


@rule("LNK-3", "LNK-10", "PAIN-6")
@few
@given(
    st.sampled_from([CONTACT, TASK]),
    st.lists(st.one_of(in_exchange, in_dynamics, settling), min_size=2, max_size=10),
    how,
    which,
    st.lists(st.one_of(in_exchange, in_dynamics), min_size=1, max_size=6),
)
def test_edits_of_contacts_and_tasks_after_the_loss_end_in_step(kind, steps, how, which, later):
    async def story():
        people = PersonalStory(kind)
        await people.begin()
        await tell(people, steps)
        await people.end()
        await forget(people.service, remembered(kind, how), which)
        await tell(people, later)
        await mended(people.service)
        await people.end()
        await people.check()

    asyncio.run(story())


# --- appointments ---------------------------------------------------------------------------------


class Meetings:
    """Two colleagues, their meetings from either side, with each other and with a guest."""

    def __init__(self):
        self.service = Service()
        self.boxes = [self.service.person(name, n) for n, name in enumerate(("ada", "bob"), 1)]
        self.number = self.mailed = 0

    async def begin(self):
        for box in self.boxes:
            await self.service.subscribe(box)
        await self.service.settle()

    def people(self, box, number):
        other = next(each for each in self.boxes if each is not box)
        everybody = [[GUEST, "required"], [other.address, "required"]]
        return [[], everybody[:1], everybody[1:], everybody][number % 4]

    async def do(self, what, who, number):
        self.number += 1
        box, dynamics = self.boxes[who], self.service.dynamics
        time, attendees = at(EPOCH + timedelta(days=2 + self.number)), self.people(box, number)
        if what == "track":
            box.add(subject=f"m{self.number}", time=time, categories=(CATEGORY,), attendees=attendees)
        elif what == "plan":
            row_id, user = str(UUID(int=self.number)), dynamics.users[box.address]
            dynamics.add(row_id, user, subject=f"m{self.number}", time=time, attendees=attendees)
        elif what == "settle":
            await self.service.settle()
        elif what.startswith("row") and dynamics.rows:
            self.row(what, list(dynamics.rows)[number % len(dynamics.rows)])
        elif what.startswith("event") and box.items:
            self.event(what, box, list(box.items)[number % len(box.items)])

    def row(self, what, row_id):
        if what == "row edit":
            self.service.dynamics.edit(row_id, location=f"Room {self.number}")
        else:
            self.service.dynamics.remove(row_id)

    def event(self, what, box, event_id):
        if what == "event edit":
            box.edit(event_id, location=f"Room {self.number}")
        elif what == "event track":
            box.edit(event_id, categories=(CATEGORY,))
        elif what == "event untrack":
            box.edit(event_id, categories=())
        else:
            box.remove(event_id)

    def ids(self):
        """What there is, and how much was mailed until now."""
        self.mailed = len(self.service.exchange.mails)
        return [sorted(box.items) for box in self.boxes], sorted(self.service.dynamics.rows)

    def seen(self):
        events = [
            (box.id, e.id, e.ical_uid, dict(e.values), e.categories)
            for box in self.boxes
            for e in box.items.values()
        ]
        rows = [(row.id, dict(row.values)) for row in self.service.dynamics.rows.values()]
        return sorted(map(str, events)), sorted(map(str, rows)), len(self.service.exchange.mails)


WHAT = ["track", "plan", "settle", "row edit", "event edit", "event track", "event untrack", "row remove"]
doing = st.tuples(st.sampled_from([*WHAT, "event remove"]), st.integers(0, 1), st.integers(0, 7))


@rule("LNK-3", "LNK-7", "LNK-8", "PAIN-2", "PAIN-6")
@few
@given(st.lists(doing, min_size=2, max_size=12), how, which)
def test_meetings_are_linked_again_and_nobody_is_mailed(steps, how, which):
    async def story():
        meetings = Meetings()
        await meetings.begin()
        for step in steps:
            await meetings.do(*step)
        await meetings.service.settle()
        assert [(await verified(meetings.service, box))["value"] for box in meetings.boxes] == [[], []]
        shown = meetings.seen()
        await forget(meetings.service, how, which)
        await meetings.service.settle()
        await mended(meetings.service)
        assert meetings.seen() == shown

    asyncio.run(story())


changing = st.tuples(
    st.sampled_from(["row edit", "event edit", "event untrack", "settle"]),
    st.integers(0, 1),
    st.integers(0, 7),
)


@rule("LNK-3", "LNK-7", "PAIN-6")
@few
@given(st.lists(doing, min_size=2, max_size=8), how, which, st.lists(changing, min_size=1, max_size=4))
def test_edits_of_meetings_after_the_loss_make_no_double(steps, how, which, later):
    async def story():
        meetings = Meetings()
        await meetings.begin()
        for step in steps:
            await meetings.do(*step)
        await meetings.service.settle()
        there = meetings.ids()
        await forget(meetings.service, how, which)
        for step in later:
            await meetings.do(*step)
        await meetings.service.settle()
        await mended(meetings.service)
        kinds = {kind for kind, _ in meetings.service.exchange.mails[meetings.mailed :]}
        assert kinds <= {"update"}
        assert meetings.ids() == there

    asyncio.run(story())
