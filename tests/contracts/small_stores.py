"""What the small stores do, from items to alerts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.engine.ports import (
    AlertStore,
    AnswerStore,
    Candidate,
    Cursor,
    DeadLetterStore,
    DecisionStore,
    FeedStore,
    ItemEntry,
    ItemIndex,
    PendingDecision,
    ProfileStore,
    Question,
    SubscriptionRow,
    SubscriptionStore,
)
from shared.errors import Conflict
from shared.model.alert import Alert, Severity
from shared.model.dead_letter import DeadLetter
from shared.model.decision import ItemRef
from shared.model.profile import Brake, Profile
from shared.model.scheduling import SchedulingPolicy
from shared.model.values import Direction

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class MovedClock:
    """A clock that a test moves by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class ItemIndexContract:
    async def test_an_unknown_item(self, items: ItemIndex) -> None:
        assert await items.entry("appointment", str(uuid4())) == ItemEntry(None)
        assert await items.by_ical_uid(str(uuid4())) is None

    async def test_mailboxes_join_and_leave(self, items: ItemIndex) -> None:
        id_ = str(uuid4())
        for mailbox in ("m2", "m1", "m1"):
            await items.join("appointment", id_, mailbox)
        assert await items.entry("appointment", id_) == ItemEntry(None, ("m1", "m2"))
        await items.leave("appointment", id_, "m1")
        await items.leave("appointment", id_, "m1")
        assert await items.entry("appointment", id_) == ItemEntry(None, ("m2",))
        assert await items.entry("contact", id_) == ItemEntry(None)

    async def test_many_entries_at_once(self, items: ItemIndex) -> None:
        ids = [str(uuid4()) for _ in range(40)]
        for id_ in ids[:30]:
            await items.join("appointment", id_, "m1")
        found = await items.entries("appointment", ids)
        assert found == {id_: ItemEntry(None, ("m1",)) for id_ in ids[:30]}

    async def test_the_first_owner_stays(self, items: ItemIndex) -> None:
        id_ = str(uuid4())
        assert await items.own("appointment", id_, "m1", instead_of=None) == "m1"
        assert await items.own("appointment", id_, "m1", instead_of=None) == "m1"
        assert await items.own("appointment", id_, "m2", instead_of=None) == "m1"
        assert (await items.entry("appointment", id_)).owner == "m1"

    async def test_of_ten_that_want_an_item_one_owns_it(self, items: ItemIndex) -> None:
        id_ = str(uuid4())
        answers = await asyncio.gather(
            *(items.own("appointment", id_, f"m{n}", instead_of=None) for n in range(10))
        )
        assert len(set(answers)) == 1
        assert (await items.entry("appointment", id_)).owner == answers[0]

    async def test_ownership_moves_only_from_the_named_owner(self, items: ItemIndex) -> None:
        id_ = str(uuid4())
        await items.own("appointment", id_, "m1", instead_of=None)
        assert await items.own("appointment", id_, "m3", instead_of="m2") == "m1"
        assert await items.own("appointment", id_, "m2", instead_of="m1") == "m2"
        assert (await items.entry("appointment", id_)).owner == "m2"

    async def test_who_leaves_gives_up_ownership_and_only_their_own(self, items: ItemIndex) -> None:
        id_ = str(uuid4())
        for mailbox in ("m1", "m2"):
            await items.join("appointment", id_, mailbox)
        await items.own("appointment", id_, "m1", instead_of=None)
        await items.leave("appointment", id_, "m2")
        assert await items.entry("appointment", id_) == ItemEntry("m1", ("m1",))
        await items.leave("appointment", id_, "m1")
        assert await items.entry("appointment", id_) == ItemEntry(None)
        assert await items.own("appointment", id_, "m2", instead_of="m1") == "m2"

    async def test_a_meeting_is_known_by_its_ical_uid(self, items: ItemIndex) -> None:
        uid = f"0400/+=#?\\{uuid4()}"
        await items.put_ical_uid(uid, "d1")
        await items.put_ical_uid(uid, "d2")
        assert await items.by_ical_uid(uid) == "d2"
        assert await items.by_ical_uid(uid.upper()) is None


def decision(**changes: Any) -> PendingDecision:
    made = PendingDecision(
        id=str(uuid4()),
        mailbox=str(uuid4()),
        kind=Question.AMBIGUOUS,
        question="Which one?",
        asked_at=NOW,
        item=ItemRef("appointment", "AA/+=", None, "Kickoff"),
        candidates=(Candidate("d1", "Kickoff"), Candidate("d2", "Kick-off")),
        about="2026-03-05T09:00:00Z/2026-03-05T10:00:00Z",
    )
    return replace(made, **changes)


class DecisionStoreContract:
    async def test_a_question_comes_back(self, decisions: DecisionStore) -> None:
        asked = decision()
        await decisions.put(asked)
        found = await decisions.get(asked.id)
        assert found is not None
        assert found.etag
        assert replace(found, etag=None) == asked
        assert await decisions.get("nothing") is None

    async def test_questions_of_one_mailbox_or_of_all(self, decisions: DecisionStore) -> None:
        first, second = decision(), decision()
        await decisions.put(first)
        await decisions.put(second)
        assert [each.id for each in await decisions.of_mailbox(first.mailbox)] == [first.id]
        assert {first.id, second.id} <= {each.id for each in await decisions.of_mailbox(None)}
        assert await decisions.of_mailbox("nobody") == []

    async def test_an_answer_is_kept_when_the_question_is_asked_again(self, decisions: DecisionStore) -> None:
        asked = decision()
        await decisions.put(asked)
        found = await decisions.get(asked.id)
        assert found is not None
        await decisions.put(replace(found, answer="d1"))
        await decisions.put(replace(asked, question="Which one, please?"))
        again = await decisions.get(asked.id)
        assert again is not None
        assert (again.answer, again.question) == ("d1", "Which one, please?")

    async def test_two_answers_at_once(self, decisions: DecisionStore) -> None:
        asked = decision()
        await decisions.put(asked)
        found = await decisions.get(asked.id)
        assert found is not None
        await decisions.put(replace(found, answer="d1"))
        with pytest.raises(Conflict):
            await decisions.put(replace(found, answer="d2"))
        with pytest.raises(Conflict):
            await decisions.remove(found)

    async def test_a_removed_question_is_gone(self, decisions: DecisionStore) -> None:
        asked = decision()
        await decisions.put(asked)
        await decisions.remove(asked)
        await decisions.remove(asked)
        assert await decisions.get(asked.id) is None
        assert await decisions.of_mailbox(asked.mailbox) == []


class ProfileStoreContract:
    async def test_default_is_there_from_the_start(self, profiles: ProfileStore) -> None:
        assert await profiles.get("default") == Profile()
        assert await profiles.get("unknown") is None
        assert await profiles.all() == [Profile()]

    async def test_a_profile_comes_back_as_put(self, profiles: ProfileStore) -> None:
        changed = Profile(
            brake=Brake(5, 10),
            window_past_days=7,
            complete_when_shown_as_free=False,
            scheduling_conflicts=SchedulingPolicy.ASK,
            directions={"appointment": {"body": Direction.TO_DYNAMICS}},
            settings={"TrackCategorizedItems": False},
        )
        other = Profile(id="sales/eu", brake=Brake(1, 1))
        await profiles.put(changed)
        await profiles.put(other)
        assert await profiles.get("default") == changed
        assert await profiles.all() == [changed, other]


class AnswerStoreContract:
    async def test_an_answer_is_read_back(self, answers: AnswerStore) -> None:
        answer = {"complete": True, "actions": [{"kind": "create", "rules": ["LNK-1"]}], "peopleMailed": 0}
        await answers.put("m1", "r/1", answer)
        assert await answers.get("m1", "r/1") == answer
        assert await answers.get("m1", "r/2") is None
        assert await answers.get("m2", "r/1") is None

    async def test_a_long_answer_is_read_back_whole(self, answers: AnswerStore) -> None:
        answer = {"actions": [{"item": str(uuid4()), "subject": "ż" * 50} for _ in range(8_000)]}
        await answers.put("m1", "long", answer)
        assert await answers.get("m1", "long") == answer
        await answers.put("m1", "long", {"short": True})
        assert await answers.get("m1", "long") == {"short": True}

    async def test_an_answer_is_kept_for_an_hour(self, answers: AnswerStore, moved: MovedClock) -> None:
        await answers.put("m1", "r1", {})
        moved.now += timedelta(minutes=59)
        assert await answers.get("m1", "r1") == {}
        moved.now += timedelta(minutes=2)
        assert await answers.get("m1", "r1") is None


class FeedStoreContract:
    async def test_cursors_are_kept_by_feed_and_organization(self, feeds: FeedStore) -> None:
        assert await feeds.cursors("org") == {}
        first = Cursor("appointment", "https://x/?$deltatoken=1", False, None, NOW, "round")
        long = Cursor("contact", "c" * 70_000, True)
        await feeds.put_cursors("org", [first, long])
        assert await feeds.cursors("org") == {"appointment": first, "contact": long}
        later = replace(first, link="2", complete=True)
        await feeds.put_cursors("org", [later])
        assert await feeds.cursors("org") == {"appointment": later, "contact": long}
        assert await feeds.cursors("other") == {}


def subscription(**changes: Any) -> SubscriptionRow:
    made = SubscriptionRow(str(uuid4()), str(uuid4()), "/users/x/events", "hash", NOW)
    return replace(made, **changes)


class SubscriptionStoreContract:
    async def test_a_subscription_is_found_by_id_and_by_mailbox(
        self, subscriptions: SubscriptionStore
    ) -> None:
        first = subscription()
        second = subscription(mailbox=first.mailbox)
        for row in (first, second, subscription()):
            await subscriptions.put(row)
        assert await subscriptions.get(first.id) == first
        assert await subscriptions.get("nothing") is None
        expected = sorted([first, second], key=lambda row: row.id)
        assert await subscriptions.of_mailbox(first.mailbox) == expected
        assert {first, second} <= {row async for row in subscriptions.all()}
        assert len([row async for row in subscriptions.all()]) == 3

    async def test_renewed_and_removed(self, subscriptions: SubscriptionStore) -> None:
        first = subscription()
        await subscriptions.put(first)
        renewed = replace(first, expires_at=NOW + timedelta(days=2))
        await subscriptions.put(renewed)
        assert await subscriptions.of_mailbox(first.mailbox) == [renewed]
        await subscriptions.remove(first.id)
        await subscriptions.remove(first.id)
        assert await subscriptions.get(first.id) is None
        assert await subscriptions.of_mailbox(first.mailbox) == []
        assert [row async for row in subscriptions.all()] == []


def dead_letter(number: int = 1, **changes: Any) -> DeadLetter:
    """``number``: the smaller, the newer."""
    made = DeadLetter(
        id=f"{number:017d}-0123456789abcdef",
        queue="mailbox-sync",
        session="m1",
        message_id=f"message {number}",
        sequence=number,
        cause="notification",
        reason="MaxDeliveryCountExceeded",
        description="Message could not be consumed after 10 delivery attempts.",
        deliveries=10,
        enqueued_at=NOW,
        found_at=NOW + timedelta(minutes=3),
        body='{"mailbox":"m1","cause":"notification"}',
    )
    return replace(made, **changes)


class DeadLetterStoreContract:
    async def test_a_letter_is_written_once(self, letters: DeadLetterStore) -> None:
        long = dead_letter(body="ż" * 70_000)
        assert await letters.add(long) is True
        assert await letters.add(replace(long, found_at=NOW + timedelta(hours=1))) is False
        assert await letters.get(long.id) == long
        assert await letters.get("nothing") is None

    async def test_pages_newest_first_of_a_mailbox_or_a_queue(self, letters: DeadLetterStore) -> None:
        for number in (3, 1, 4, 2):
            await letters.add(dead_letter(number, session=f"m{number % 2}"))
        await letters.add(dead_letter(5, session="org.example", queue="dynamics-feed"))

        async def numbers(**wanted: str | int) -> tuple[list[int], bool]:
            found, more = await letters.page(**{"limit": 10, **wanted})
            return [each.sequence for each in found], more

        assert await numbers() == ([1, 2, 3, 4, 5], False)
        assert await numbers(limit=2) == ([1, 2], True)
        assert await numbers(limit=3, after=dead_letter(2).id) == ([3, 4, 5], False)
        assert await numbers(session="m1") == ([1, 3], False)
        assert await numbers(session="m1", limit=1) == ([1], True)
        assert await numbers(queue="dynamics-feed") == ([5], False)
        assert await numbers(queue="dynamics-feed", session="m1") == ([], False)
        assert await letters.counts() == {"mailbox-sync": 4, "dynamics-feed": 1}

    async def test_removed_and_outlived(self, letters: DeadLetterStore) -> None:
        for number in (1, 2, 3):
            await letters.add(dead_letter(number, found_at=NOW + timedelta(days=number)))
        await letters.remove(dead_letter(3).id)
        await letters.remove(dead_letter(3).id)
        assert await letters.drop_old(NOW + timedelta(days=2)) == 1
        assert [each.sequence for each in (await letters.page(limit=9))[0]] == [2]


def alert(key: str = "mailbox-broken.m1", **changes: Any) -> Alert:
    made = Alert(key, "mailbox-broken", Severity.ERROR, NOW, NOW, "m1", raised_at=NOW)
    return replace(made, **changes)


class AlertStoreContract:
    async def test_alerts_are_kept_by_key(self, alerts: AlertStore) -> None:
        assert await alerts.all() == []
        waiting = alert("feed-silent", what="feed-silent", mailbox="", raised_at=None, count=7)
        await alerts.put([alert(), waiting])
        assert await alerts.all() == [waiting, alert()]
        over = alert(cleared_at=NOW + timedelta(hours=1), count=2)
        await alerts.put([over])
        assert await alerts.all() == [waiting, over]
        await alerts.remove([waiting])
        assert await alerts.all() == [over]

    async def test_as_many_as_there_are_mailboxes(self, alerts: AlertStore) -> None:
        many = [alert(f"mailbox-broken.{number:03d}") for number in range(230)]
        await alerts.put(many)
        assert await alerts.all() == many
        await alerts.remove(many)
        await alerts.remove([])
        assert await alerts.all() == []
