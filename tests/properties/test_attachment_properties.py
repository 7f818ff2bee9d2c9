"""Any sequence of files coming, going and changing on both sides, with passes, crashes and lost answers, ends
with the same files on both sides: none twice that was there once, none back that a person took away."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.doubles.service import Killed
from tests.marks import rule
from tests.unit.test_engine_attachments import GUEST, ROW, Story

NAMES = ("a.txt", "b.txt", "c.txt")
sides = st.sampled_from(["exchange", "dynamics"])
names = st.sampled_from(NAMES)
contents = st.sampled_from([b"one", b"two", b"three"])
steps = st.one_of(
    st.tuples(st.just("attach"), sides, names, contents),
    st.tuples(st.just("detach"), sides, names, contents),
    st.tuples(st.just("change"), sides, names, contents),
    st.tuples(
        st.sampled_from(["pass", "feed", "kill", "lose", "settle", "410", "rebuild", "edit"]),
        sides,
        names,
        contents,
    ),
)


class Files:
    """People's hands, and what they would expect in the end."""

    def __init__(self) -> None:
        self.story = Story()
        self.number = 0

    def on(self, side: str):
        story = self.story
        return (story.ada, story.event.id) if side == "exchange" else (story.dynamics, ROW)

    def has(self, side: str, name: str) -> bool:
        place, item = self.on(side)
        return any(found == name for found, _ in place.files(item))

    def attach(self, side: str, name: str, content: bytes) -> None:
        place, item = self.on(side)
        place.attach(item, name, content)

    def detach(self, side: str, name: str) -> None:
        place, item = self.on(side)
        place.detach(item, name)

    async def do(self, what: str, side: str, name: str, content: bytes) -> None:
        self.number += 1
        service = self.story.service
        if what == "attach" and not self.has(side, name):
            self.attach(side, name, content)
        elif what == "detach" and self.has(side, name):
            self.detach(side, name)
        elif what == "change" and self.has(side, name):
            self.detach(side, name)
            self.attach(side, name, content)
        elif what == "edit":
            service.dynamics.edit(ROW, location=f"room {self.number}")
        elif what == "lose":
            service.exchange.lose_answers_of.update({"add_attachment", "remove_attachment"})
            service.dynamics.lose_answers_of.update({"add_attachment", "remove_attachment"})
        elif what == "410":
            self.story.ada.forget_deltas()
        elif what == "rebuild":
            await service.services.store.delete_mailbox(self.story.ada.id)
            await service.services.registry.patch(self.story.ada.id, last_pass_at=None)
        else:
            await self._run(what)

    async def _run(self, what: str) -> None:
        service = self.story.service
        if what == "settle":
            await service.settle()
        elif what == "feed":
            await service.read_feed()
        elif what in ("pass", "kill"):
            if what == "kill":
                service.kill_at = len(service.steps) + 1 + self.number % 11
            with suppress(Killed):
                await service.run_pass(self.story.ada)
            service.kill_at = None


def told(story) -> None:
    asyncio.run(story())


slow_is_fine = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@rule("APPT-11", "FLD-2", "LNK-11", "PAIN-2")
@slow_is_fine
@given(st.lists(steps, max_size=14))
def test_files_end_alike_on_both_sides_and_mail_nobody(sequence):
    async def story():
        files = Files()
        await files.story.begin(attendees=[GUEST])
        for step in sequence:
            await files.do(*step)
        await files.story.service.settle()
        exchange, dynamics = files.story.files()
        assert exchange == dynamics
        assert len(set(exchange)) == len(exchange), "doubled"
        edits = sum(step[0] == "edit" for step in sequence)
        assert len(files.story.service.exchange.mails) <= edits

    told(story)


@rule("APPT-11")
@slow_is_fine
@given(st.lists(st.tuples(st.sampled_from(["attach", "detach"]), sides, names), max_size=10))
def test_step_by_step_the_last_word_on_each_name_stands(sequence):
    """Settled after each edit, there are no conflicts: what people did last is what is there."""

    async def story():
        files, expected = Files(), {}
        await files.story.begin()
        for number, (what, side, name) in enumerate(sequence):
            if what == "attach" and name not in expected:
                expected[name] = f"{name} {number}".encode()
                files.attach(side, name, expected[name])
            elif what == "detach" and expected.pop(name, None):
                files.detach(side, name)
            await files.story.service.settle()
            assert files.story.files() == (sorted(expected.items()), sorted(expected.items()))

    told(story)


ATTACHED_AGAIN = [
    ("attach", "exchange", "b.txt", b"two"),
    ("settle", "exchange", "", b""),
    ("detach", "exchange", "b.txt", b""),
    ("detach", "dynamics", "b.txt", b""),
    ("attach", "exchange", "b.txt", b"two"),
]


@rule("APPT-11")
@slow_is_fine
@given(st.lists(steps, max_size=12))
@example(ATTACHED_AGAIN)
def test_no_content_that_nobody_took_away_is_lost(sequence):
    """Contents that a person attached and no person removed anywhere are on both sides in the end."""

    async def story():
        files, kept = Files(), set()
        await files.story.begin()
        for what, side, name, content in sequence:
            if what == "attach" and not files.has(side, name):
                kept.add((name, content))
            elif what in ("detach", "change") and files.has(side, name):
                kept = {each for each in kept if each[0] != name}
                kept |= {(name, content)} if what == "change" else set()
            await files.do(what, side, name, content)
        await files.story.service.settle()
        for shown in files.story.files():
            assert kept <= set(shown)

    told(story)
