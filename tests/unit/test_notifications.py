"""What Graph and Dataverse tell us: checked, merged, queued, and never believed further than that."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.engine.ports import SubscriptionRow
from shared.errors import Transient
from shared.mailboxes.change_notifications import hash_of, resources
from shared.model.profile import Profile
from shared.web import notifications
from shared.web.http import Request
from tests.doubles.jobs import RecordingJobs
from tests.doubles.tables import MemorySubscriptionStore
from tests.doubles.world import EPOCH, Clock
from tests.marks import rule

SECRET = "the client state"


class CountingStore(MemorySubscriptionStore):
    lookups = 0

    async def get(self, subscription_id):
        self.lookups += 1
        return await super().get(subscription_id)


class FullQueue(RecordingJobs):
    async def hint(self, mailboxes, cause, now):
        raise Transient("the queue is away")

    async def read_feed(self, organization, cause, now, *, merge=True):
        raise Transient("the queue is away")


@pytest.fixture
async def store():
    store = CountingStore()
    for number in (1, 2):
        row = SubscriptionRow(
            f"sub-{number}", f"mailbox-{number}", "/events", hash_of(SECRET), EPOCH + timedelta(days=1)
        )
        await store.put(row)
    return store


def note(subscription="sub-1", state=SECRET, **more):
    return {"subscriptionId": subscription, "clientState": state, "changeType": "updated", **more}


async def told(store, entries, jobs=None, lifecycle=False, body=None, **query):
    jobs = jobs or RecordingJobs()
    content = body if body is not None else json.dumps({"value": entries}).encode()
    request = Request("POST", "", query, {}, content)
    answer = await notifications.graph(request, store, jobs, Clock(), lifecycle=lifecycle)
    return answer, [(job.session, job.cause) for job in jobs.sent]


@rule("PAIN-5", "FAQ-2")
async def test_a_notification_asks_for_a_pass_of_its_mailbox(store):
    answer, sent = await told(store, [note(), note("sub-2")])
    assert answer.status == 202
    assert sent == [("mailbox-1", "notification"), ("mailbox-2", "notification")]


async def test_a_hint_says_what_it_is_about_by_the_subscription_that_it_came_through(store):
    for number, resource in (
        (3, resources("mailbox-1", Profile())[1]),
        (4, "/users/x/contactFolders/y/contacts"),
    ):
        until = EPOCH + timedelta(days=1)
        await store.put(SubscriptionRow(f"sub-{number}", "mailbox-1", resource, hash_of(SECRET), until))
    _, sent = await told(store, [note("sub-3"), note("sub-4"), note("sub-3", resource="Users/x/Events/y")])
    assert sent == [("mailbox-1", "contacts")]
    _, sent = await told(store, [note("sub-1", resource="Users/x/Contacts/y"), note("sub-3")])
    assert sent == [("mailbox-1", "notification"), ("mailbox-1", "contacts")]
    _, sent = await told(store, [note("sub-3", lifecycleEvent="missed")], lifecycle=True)
    assert sent == [("mailbox-1", "missed")]


def test_a_mailbox_is_watched_for_its_events_and_where_they_are_wanted_its_contacts():
    assert resources("mailbox-1", Profile()) == ("/users/mailbox-1/events", "/users/mailbox-1/contacts")
    assert resources("mailbox-1", Profile(synchronize_contacts=False)) == ("/users/mailbox-1/events",)


async def test_a_burst_is_one_hint_and_one_lookup(store):
    answer, sent = await told(store, [note() for _ in range(1000)])
    assert (answer.status, len(sent), store.lookups) == (202, 1, 1)


@pytest.mark.parametrize("entry", [note(state="wrong"), note(state=None), note("unknown"), {}, note("")])
async def test_what_is_not_ours_is_dropped_without_a_word(store, entry):
    answer, sent = await told(store, [entry])
    assert (answer.status, sent) == (202, [])


@pytest.mark.parametrize(
    ("event", "cause"),
    [
        ("reauthorizationRequired", "reauthorize"),
        ("subscriptionRemoved", "subscriptions"),
        ("missed", "missed"),
    ],
)
async def test_all_three_lifecycle_events_are_understood(store, event, cause):
    answer, sent = await told(store, [note(lifecycleEvent=event)], lifecycle=True)
    assert (answer.status, sent) == (202, [("mailbox-1", cause)])


async def test_what_could_not_be_queued_is_asked_for_again(store):
    answer, _ = await told(store, [note()], jobs=FullQueue())
    assert answer.status == 503


async def test_the_handshake_echoes_the_token_as_plain_text(store):
    answer, sent = await told(store, [], validationToken="Validation: <b>x</b> & y")
    assert (answer.status, answer.body) == (200, b"Validation: <b>x</b> & y")
    assert answer.content_type.startswith("text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not sent
    assert (await told(store, [], validationToken="x" * 5000))[0].status == 400
    assert (await told(store, [], validationToken=""))[0].status == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"value": 5}', b"null"])
async def test_what_is_no_notification_is_refused(store, body):
    assert (await told(store, [], body=body))[0].status == 400


async def test_an_endless_body_is_refused(store):
    assert (await told(store, [], body=b"x" * (1024 * 1024 + 1)))[0].status == 413


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(st.dictionaries(st.sampled_from(["subscriptionId", "clientState", "x"]), anything), max_size=4)
)
async def test_no_shape_of_a_notification_raises(entries):
    store = MemorySubscriptionStore()
    answer, sent = await told(store, entries)
    assert (answer.status, sent) == (202, [])


# --- Dataverse ------------------------------------------------------------------------------------


async def pushed(key, given, body=b"{}", jobs=None):
    jobs = jobs or RecordingJobs()
    headers = {"x-webhook-key": given} if given is not None else {}
    request = Request("POST", "", {}, headers, body)
    answer = await notifications.dynamics(request, key, "org.example", jobs, Clock())
    return answer.status, [(job.queue, job.session) for job in jobs.sent]


async def test_a_push_of_dataverse_is_a_hint_to_read_the_feed():
    assert await pushed("key", "key", b"anything") == (202, [("dynamics-feed", "org.example")])


@pytest.mark.parametrize(
    ("key", "given"), [("key", "wrong"), ("key", None), ("", ""), ("", None), ("key", "ké")]
)
async def test_without_the_key_nothing_is_taken(key, given):
    assert await pushed(key, given) == (401, [])


async def test_a_large_push_and_a_full_queue():
    assert (await pushed("key", "key", b"x" * (256 * 1024 + 1)))[0] == 413
    assert (await pushed("key", "key", jobs=FullQueue()))[0] == 503
