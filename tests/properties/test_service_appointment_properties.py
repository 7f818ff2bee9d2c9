"""Any sequence of edits, moves between people, passes, crashes and lost answers leaves at most one copy of a
service appointment in a calendar, mails nobody and never touches Dynamics (APPT-37, APPT-38)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.model.appointment import SERVICE
from shared.model.party import Party, RecordRef
from tests.doubles.service import Killed, Service
from tests.doubles.world import EPOCH
from tests.marks import rule
from tests.rules.build import CATEGORY, at

ROW = "77777777-7777-4777-8777-777777777777"
FUTURE = EPOCH + timedelta(days=3)
TRUST = ["dynamics subject", "dynamics location", "outlook subject", "dynamics body", "410", "dynamics token"]
RUNS = ["pass", "feed", "kill", "settle", "lose answers", "rebuild"]
PEOPLE = ["give to ada", "give to bob", "give to both", "logical deletions", "tell apart"]
ENDS = ["untrack", "track anew", "delete in Outlook", "cancel", "reopen"]


class Story:
    """Two people, one service appointment, and the world between."""

    def __init__(self) -> None:
        self.service = Service()
        self.ada, self.bob = self.service.person("ada", 1), self.service.person("bob", 2)
        self.boxes = (self.ada, self.bob)
        self.number = 0
        self.version = ""

    async def begin(self) -> None:
        for box in self.boxes:
            await self.service.subscribe(box)
        await self.service.settle()
        people = (self._party(box) for box in self.boxes)
        self.service.dynamics.add_service(ROW, *people, subject="Start", time=at(FUTURE))
        await self.service.settle()

    def _party(self, box):
        return Party(10, box.address, RecordRef("systemuser", self.service.dynamics.users[box.address]))

    async def do(self, what: str) -> None:
        self.number += 1
        side, _, name = what.partition(" ")
        event = next(iter(self.ada.items.values()), None)
        if side == "outlook" and event:
            self.ada.edit(event.id, **{name: f"outlook {self.number}"})
        elif what == "dynamics token":
            self.service.dynamics.epoch += 1
        elif side == "dynamics":
            self.service.dynamics.edit(ROW, **{name: f"dynamics {self.number}"})
        elif side == "give":
            self._give(name)
        elif event and what in ("untrack", "track anew"):
            self.ada.edit(event.id, categories=(CATEGORY,) if what == "track anew" else ())
        elif event and what == "delete in Outlook":
            self.ada.remove(event.id)
        elif what in ("cancel", "reopen"):
            self.service.dynamics.edit(ROW, showAs=[2, 9] if what == "cancel" else [3, 4])
        else:
            await self._run(what)

    def _give(self, name: str) -> None:
        people = {"to ada": (self.ada,), "to bob": (self.bob,)}.get(name, self.boxes)
        self.service.dynamics.set_parties(ROW, *(self._party(box) for box in people))

    async def _run(self, what: str) -> None:
        service = self.service
        if what == "settle":
            await service.settle()
        elif what == "feed":
            await service.read_feed()
        elif what == "410":
            self.ada.forget_deltas()
        elif what == "lose answers":
            service.exchange.lose_answers_of.update({"create_event", "update_event", "mark_event"})
        elif what == "rebuild":
            await service.services.store.delete_mailbox(self.ada.id)
            await service.services.registry.patch(self.ada.id, last_pass_at=None)
        elif what in ("logical deletions", "tell apart"):
            name = "DistinctPhysicalAndLogicalDeletesForExchangeSync"
            service.dynamics.settings[name] = what == "tell apart"
        else:
            await self._pass(kill=what == "kill")

    async def _pass(self, *, kill: bool) -> None:
        if kill:
            self.service.kill_at = len(self.service.steps) + 1 + self.number % 9
        with suppress(Killed):
            await self.service.run_pass(self.ada)
        self.service.kill_at = None

    async def link(self, box):
        return (await self.service.services.store.links_by_dynamics(box.id, [(SERVICE, ROW)])).get(
            (SERVICE, ROW)
        )


slow_is_fine = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


async def told(sequence) -> Story:
    story = Story()
    await story.begin()
    for what in sequence:
        await story.do(what)
    story.version = story.service.dynamics.rows[ROW].etag
    await story.service.settle()
    assert list(story.service.dynamics.rows) == [ROW]
    assert story.service.dynamics.rows[ROW].etag == story.version
    assert not story.service.exchange.mails
    assert all(len(box.items) <= 1 for box in story.boxes)
    return story


@rule("APPT-37", "APPT-38", "LNK-11", "X-1")
@slow_is_fine
@given(st.lists(st.sampled_from(TRUST + RUNS + PEOPLE + ENDS), max_size=14))
def test_there_is_never_a_second_copy_a_mail_or_a_change_in_dynamics(sequence):
    asyncio.run(told(sequence))


@rule("APPT-37", "FLD-12", "FLT-6")
@slow_is_fine
@given(st.lists(st.sampled_from(TRUST + RUNS + PEOPLE), max_size=14))
def test_whoever_takes_part_in_the_end_has_what_dynamics_says_last(sequence):
    async def story():
        kept = [what for what in sequence if what != "rebuild"]
        story = await told([*kept, "give to both", "dynamics subject", "dynamics location", "dynamics body"])
        row = story.service.dynamics.rows[ROW]
        for box in story.boxes:
            (event,) = box.items.values()
            assert (await story.link(box)).linked
            for name in ("subject", "location", "body", "time"):
                assert event.value(name) == row.value(name), name

    asyncio.run(story())


WISHES = ["untrack", "untrack", "track anew", "track anew", "dynamics subject", "410", "dynamics token"]
DYING = ["pass", "feed", "kill", "kill", "settle", "lose answers"]


@rule("APPT-38", "EMI-17", "LNK-8")
@slow_is_fine
@given(st.lists(st.sampled_from(WISHES + DYING), min_size=3, max_size=14))
def test_a_copy_is_tracked_in_the_end_if_its_owner_wanted_that_last(sequence):
    async def story():
        story = await told(sequence)
        wishes = [what for what in sequence if what in ("untrack", "track anew")]
        wanted = not wishes or wishes[-1] == "track anew"
        (event,) = story.ada.items.values()
        assert (CATEGORY in event.categories) is wanted
        assert (await story.link(story.ada)).linked is wanted

    asyncio.run(story())
