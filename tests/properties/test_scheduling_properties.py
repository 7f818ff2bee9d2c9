"""Any sequence of edits, answers, passes and crashes: nobody's time is taken without an administrator's word,
one question is open at most, and what is answered is done."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.model.scheduling import SchedulingPolicy
from shared.rules.scheduling import time_key
from tests.doubles.service import Killed, Service
from tests.doubles.world import EPOCH
from tests.marks import rule
from tests.rules.build import CATEGORY, at

BUSY_FROM = EPOCH + timedelta(days=3)
TIMES = {
    "free": at(EPOCH + timedelta(days=2)),
    "taken": at(BUSY_FROM),
    "also taken": at(BUSY_FROM + timedelta(minutes=30)),
}
edits = st.sampled_from(
    [
        *(f"move {name}" for name in TIMES),
        "subject",
        "location in Dynamics",
        "untrack",
        "track",
        "go-on",
        "drop",
        "pass",
        "kill",
        "settle",
        "410",
        "lose answers",
    ]
)


class Story:
    """Ada is busy at times, and her profile wants to be asked."""

    def __init__(self) -> None:
        self.service = Service()
        self.ada = self.service.person("ada", 1)
        self.accepted: set[str] = set()
        self.number = 0

    async def begin(self, name: str) -> None:
        user = self.service.dynamics.users[self.ada.address]
        self.service.dynamics.engaged[user] = ("Ada Example", at(BUSY_FROM, hours=2))
        await self.service.profile(scheduling_conflicts=SchedulingPolicy.ASK)
        await self.service.subscribe(self.ada)
        await self.service.settle()
        self.id = self.ada.add(subject="Start", time=TIMES[name], categories=(CATEGORY,)).id

    @property
    def row(self):
        return next(iter(self.service.dynamics.rows.values()), None)

    async def questions(self):
        found = await self.service.services.decisions.of_mailbox(self.ada.id)
        return [question for question in found if not question.answer]

    async def do(self, what: str) -> None:
        self.number += 1
        first, _, rest = what.partition(" ")
        if first == "move":
            self.ada.edit(self.id, time=TIMES[rest])
        elif what == "subject":
            self.ada.edit(self.id, subject=f"Subject {self.number}")
        elif first == "location" and self.row:
            self.service.dynamics.edit(self.row.id, location=f"Room {self.number}")
        elif what in ("track", "untrack"):
            self.ada.edit(self.id, categories=(CATEGORY,) if what == "track" else ())
        elif what in ("go-on", "drop"):
            await self.answer(what)
        elif what == "410":
            self.ada.forget_deltas()
        elif what == "lose answers":
            self.service.dynamics.lose_answers_of.update({"create_appointment", "update_appointment"})
        elif what == "settle":
            await self.service.settle()
        elif what in ("pass", "kill"):
            await self._pass(kill=what == "kill")

    async def answer(self, text: str) -> None:
        for question in (await self.questions())[:1]:
            await self.service.services.decisions.put(replace(question, answer=text))
            self.accepted |= {question.about} if text == "go-on" else set()

    async def _pass(self, *, kill: bool) -> None:
        if kill:
            self.service.kill_at = len(self.service.steps) + 1 + self.number % 9
        with suppress(Killed):
            await self.service.run_pass(self.ada)
        self.service.kill_at = None

    def no_time_is_taken_unasked(self) -> None:
        assert len(self.service.dynamics.rows) <= 1
        if self.row and self.row.value("time") != TIMES["free"]:
            assert time_key(self.row.value("time")) in self.accepted


@rule("APPT-29")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(TIMES)), st.lists(edits, max_size=14))
@example("also taken", [*["move free"] * 3, "move taken", "kill", "move free"])
@example("also taken", [*["move free"] * 3, "move taken", "kill", "move free", "go-on"])
@example("also taken", [*["move free"] * 3, "move taken", "kill", "move also taken"])
def test_nobodys_time_is_taken_unasked_and_one_question_is_open_at_most(name, sequence):
    async def story():
        told = Story()
        await told.begin(name)
        for what in sequence:
            await told.do(what)
            told.no_time_is_taken_unasked()
        await told.service.settle()
        await told.service.run_pass(told.ada, "sync now")  # withdraws what a dead worker asked for nothing
        told.no_time_is_taken_unasked()
        await _ends_well(told)

    asyncio.run(story())


async def _ends_well(told: Story) -> None:
    """At rest: a question and what waits for it, or neither; and an answer ends it."""
    held = (await told.service.services.store.agenda(told.ada.id, inbox_limit=0)).held
    questions = await told.questions()
    assert [row.decision for row in held] == [question.id for question in questions]
    assert await told.service.services.decisions.of_mailbox(told.ada.id) == questions
    if questions:
        time = told.ada.items[told.id].value("time")
        assert questions[0].about == time_key(time)
        await told.answer("go-on")
        await told.service.settle()
        assert told.row.value("time") == time
        assert not await told.service.services.decisions.of_mailbox(told.ada.id)
