"""What every Jobs does: who is asked, why, how often."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.engine.ports import Jobs


@dataclass(frozen=True)
class Delivered:
    """A message as a worker sees it, whatever carried it."""

    queue: str
    session: str
    body: dict[str, Any] = field(default_factory=dict)


Receive = Callable[[str], Awaitable[list[Delivered]]]
"""What came into a queue since the last time, in order, scheduled messages included."""


class JobsContract:
    async def test_hints_of_a_second_become_one(self, jobs: Jobs, receive: Receive, now: datetime) -> None:
        start = now.replace(microsecond=0)
        for milliseconds in (0, 300, 999):
            await jobs.hint(["m1", "m2", "m1"], "event", start + timedelta(milliseconds=milliseconds))
        await jobs.hint(["m1"], "due", start)
        found = await receive("mailbox-sync")
        assert sorted((each.session, each.body["cause"]) for each in found) == [
            ("m1", "due"),
            ("m1", "event"),
            ("m2", "event"),
        ]
        assert all(each.body["mailbox"] == each.session for each in found)

    async def test_continuations_are_never_merged(self, jobs: Jobs, receive: Receive) -> None:
        for attempt in (0, 0, 1):
            await jobs.again("m1", "continue", attempt=attempt)
        assert [each.body.get("attempt", 0) for each in await receive("mailbox-sync")] == [0, 0, 1]

    async def test_first_syncs_have_a_lane_of_their_own(self, jobs: Jobs, receive: Receive) -> None:
        await jobs.first_sync("m1", after=3)
        await jobs.ask("m1", "preview", "r1", {}, bulk=True)
        found = await receive("mailbox-bulk")
        assert [(each.session, each.body["cause"]) for each in found] == [
            ("m1", "first sync"),
            ("m1", "preview"),
        ]
        assert found[0].body["after"] == 3
        assert await receive("mailbox-sync") == []

    async def test_slices_that_follow_the_same_one_are_one_unless_told_not_to_be(
        self, jobs: Jobs, receive: Receive
    ) -> None:
        for after, attempt, merge in ((1, 0, True), (1, 0, True), (1, 1, True), (2, 0, True), (1, 0, False)):
            await jobs.first_sync("m1", after=after, attempt=attempt, merge=merge)
        found = await receive("mailbox-bulk")
        sent = [(each.body["after"], each.body.get("attempt", 0)) for each in found]
        assert sent == [(1, 0), (1, 1), (2, 0), (1, 0)]

    async def test_a_question_brings_its_options(self, jobs: Jobs, receive: Receive) -> None:
        await jobs.ask("m1", "explain", "r1", {"item": "AA/+=", "deep": [1, None]})
        (found,) = await receive("mailbox-sync")
        assert (found.body["cause"], found.body["request"]) == ("explain", "r1")
        assert found.body["options"] == {"item": "AA/+=", "deep": [1, None]}

    async def test_readings_of_the_feed_merge_unless_told_not_to(
        self, jobs: Jobs, receive: Receive, now: datetime
    ) -> None:
        for _ in range(3):
            await jobs.read_feed("org.example.com", "push", now)
        await jobs.read_feed("org.example.com", "push", now, merge=False)
        found = await receive("dynamics-feed")
        assert [each.session for each in found] == ["org.example.com"] * 2
        assert all(each.body["organization"] == "org.example.com" for each in found)

    async def test_a_message_is_sent_again_as_it_was_and_never_merged(
        self, jobs: Jobs, receive: Receive
    ) -> None:
        for _ in range(2):
            await jobs.resend("mailbox-sync", "m1", '{"mailbox": "m1", "cause": "notification"}')
        found = await receive("mailbox-sync")
        assert [(each.session, each.body) for each in found] == [
            ("m1", {"mailbox": "m1", "cause": "notification"})
        ] * 2
