"""Any sequence of edits on both sides, of passes, crashes, dead tokens and lost links ends in step, without
doubles, without anything coming back that a person ended, and without surprise mail."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.model.link import LinkState
from shared.rules.tracking import has_category
from tests.doubles.service import Killed, Service
from tests.doubles.world import EPOCH
from tests.marks import rule
from tests.rules.build import CATEGORY, at

ROW = "66666666-6666-4666-8666-666666666666"
GUEST = "guest@fabrikam.example"
FUTURE = EPOCH + timedelta(days=3)

edits = st.sampled_from(
    [
        "exchange subject",
        "exchange location",
        "dynamics subject",
        "dynamics location",
        "dynamics attendees",
        "pass",
        "feed",
        "kill",
        "settle",
        "410",
        "dynamics token",
        "lose answers",
    ]
)
endings = st.sampled_from(
    ["untrack", "delete in Exchange", "delete in Dynamics", "edit", "410", "rebuild", "settle"]
)


class Story:
    """One person, one appointment, and the world between."""

    def __init__(self) -> None:
        self.service = Service()
        self.ada = self.service.person("ada", 1)
        self.number = 0
        self.tracked = True
        """What its owner wanted last."""

    async def begin_in_exchange(self) -> None:
        await self.service.subscribe(self.ada)
        await self.service.settle()
        self.ada.add(subject="Start", time=at(FUTURE), categories=(CATEGORY,))

    async def begin(self, *, attendees=()) -> None:
        await self.service.subscribe(self.ada)
        await self.service.settle()
        organizer = self.service.dynamics.users[self.ada.address]
        self.service.dynamics.add(
            ROW, organizer, subject="Start", time=at(FUTURE), attendees=[[a, "required"] for a in attendees]
        )
        await self.service.settle()

    @property
    def event(self):
        return next(iter(self.ada.items.values()), None)

    async def do(self, what: str) -> None:
        self.number += 1
        service, side, _, name = self.service, *what.partition(" ")
        if side == "exchange" and self.event:
            self.ada.edit(self.event.id, **{name: f"exchange {self.number}"})
        elif what == "dynamics attendees" and ROW in service.dynamics.rows:
            service.dynamics.edit(ROW, attendees=[[GUEST, "required"]] if self.number % 2 else [])
        elif what == "dynamics token":
            service.dynamics.epoch += 1
        elif side == "dynamics" and ROW in service.dynamics.rows:
            service.dynamics.edit(ROW, **{name: f"dynamics {self.number}"})
        elif what == "lose answers":
            service.exchange.lose_answers_of.update({"create_event", "update_event", "mark_event"})
            service.dynamics.lose_answers_of.update({"create_appointment", "update_appointment"})
        elif what == "410":
            self.ada.forget_deltas()
        elif what == "settle":
            await service.settle()
        elif what == "feed":
            await service.read_feed()
        elif what in ("pass", "kill"):
            await self._pass(kill=what == "kill")
        elif what == "track" and self.event:
            self.tracked = True
            self.ada.edit(self.event.id, categories=(CATEGORY,))
        else:
            await self._end(what)

    async def _pass(self, *, kill: bool) -> None:
        if kill:
            self.service.kill_at = len(self.service.steps) + 1 + self.number % 9
        with suppress(Killed):
            await self.service.run_pass(self.ada)
        self.service.kill_at = None

    async def _end(self, what: str) -> None:
        if what == "untrack" and self.event:
            self.tracked = False
            self.ada.edit(self.event.id, categories=())
        elif what == "delete in Exchange" and self.event:
            self.ada.remove(self.event.id)
        elif what == "delete in Dynamics" and ROW in self.service.dynamics.rows:
            self.service.dynamics.remove(ROW)
        elif what == "edit" and ROW in self.service.dynamics.rows:
            self.service.dynamics.edit(ROW, body=f"edit {self.number}")
        elif what == "rebuild":
            await self.service.services.store.delete_mailbox(self.ada.id)
            await self.service.services.registry.patch(self.ada.id, last_pass_at=None)


def told(story):
    asyncio.run(story())


slow_is_fine = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@rule("LNK-10", "LNK-11", "LNK-7")
@slow_is_fine
@given(st.lists(edits, max_size=14))
def test_edits_passes_crashes_and_dead_tokens_end_in_step_without_doubles(sequence):
    async def story():
        told = Story()
        await told.begin()
        for what in sequence:
            await told.do(what)
        await told.service.settle()
        row, event = told.service.dynamics.rows[ROW], told.event
        assert len(told.ada.items) == 1
        assert len(told.service.dynamics.rows) == 1
        for name in ("subject", "location", "body", "time", "attendees"):
            assert list_of(row.value(name)) == list_of(event.value(name)), name

    told(story)


def list_of(value):
    return [list(pair) for pair in value] if isinstance(value, list) else value


@rule("LNK-8")
@slow_is_fine
@given(st.lists(endings, min_size=1, max_size=8))
def test_what_a_person_ended_never_comes_back_by_itself(sequence):
    async def story():
        told = Story()
        await told.begin(attendees=[GUEST])
        ended = False
        for what in sequence:
            had = told.event is not None, ROW in told.service.dynamics.rows
            await told.do(what)
            ends = {"untrack": had[0], "delete in Exchange": had[0], "delete in Dynamics": had[1]}
            ended = ended or ends.get(what, False)
            await told.service.settle()
            assert len(told.ada.items) <= int(had[0])
            assert len(told.service.dynamics.rows) <= int(had[1])
        invitations = [kind for kind, _ in told.service.exchange.mails if kind == "invitation"]
        assert len(invitations) == 1
        if ended:
            links = [link async for link in told.service.services.store.links(told.ada.id)]
            assert all(
                link.state.ended and link.reason for link in links if link.state is not LinkState.LINKED
            )

    told(story)


@rule("PAIN-2", "APPT-22")
@slow_is_fine
@given(
    st.lists(
        st.sampled_from(["exchange subject", "pass", "feed", "kill", "410", "settle", "rebuild"]), max_size=10
    )
)
def test_edits_in_exchange_never_make_the_service_mail_anybody(sequence):
    async def story():
        told = Story()
        await told.begin(attendees=[GUEST])
        edits_mailed = 0
        for what in sequence:
            await told.do(what)
            edits_mailed += what == "exchange subject" and told.event is not None
        await told.service.settle()
        assert len(told.service.exchange.mails) == 1 + edits_mailed

    told(story)


tracking = st.sampled_from(
    [
        "untrack",
        "untrack",
        "track",
        "track",
        "exchange subject",
        "dynamics subject",
        "pass",
        "feed",
        "kill",
        "kill",
        "settle",
        "410",
        "dynamics token",
        "lose answers",
    ]
)


@rule("EMI-17", "LNK-8")
@slow_is_fine
@given(st.booleans(), st.lists(tracking, min_size=3, max_size=14))
def test_an_item_is_tracked_in_the_end_if_its_owner_wanted_that_last(born_in_exchange, sequence):
    async def story():
        told = Story()
        if born_in_exchange:
            await told.begin_in_exchange()
        else:
            await told.begin()
        for what in sequence:
            await told.do(what)
        await told.service.settle()
        told.service.clock.forward(3600)
        await told.service.settle()
        assert has_category(told.event.categories) is told.tracked
        links = [link async for link in told.service.services.store.links(told.ada.id)]
        assert any(link.linked for link in links) is told.tracked
        assert len(told.ada.items) == 1
        assert len(told.service.dynamics.rows) <= 1

    told(story)
