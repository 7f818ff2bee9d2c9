"""What a message says, and what is done about one that says something else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.jobs import messages
from shared.jobs.messages import BadMessage, FeedJob, Job

NOW = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)


def test_the_queues_are_those_that_are_deployed() -> None:
    file = Path(__file__).parents[2] / "infra" / "queues.json"
    deployed = json.loads(file.read_text())["queues"]
    assert [queue["name"] for queue in deployed] == list(messages.QUEUES)
    assert all(queue["requiresSession"] and queue["requiresDuplicateDetection"] for queue in deployed)


def test_a_job_is_read_as_it_was_written() -> None:
    full = Job("m1", "preview", 2, "r1", {"item": "AA/+=", "deep": [1, {"x": None}]}, "00-abc-def-01", 3)
    for job in (Job("m1", "due"), full):
        assert messages.job(messages.to_text(job)) == job
        assert messages.job(messages.to_text(job).encode()) == job
    assert messages.feed_job(messages.to_text(FeedJob("org", "net", 1))) == FeedJob("org", "net", 1)


def test_a_plain_job_is_short() -> None:
    assert json.loads(messages.to_text(Job("m1", "due"))) == {"mailbox": "m1", "cause": "due"}


def test_what_a_later_version_adds_is_ignored() -> None:
    assert messages.job('{"mailbox": "m1", "cause": "due", "invented": 1}') == Job("m1", "due")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "not JSON"),
        (b"\xff", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "mailbox is missing; cause is missing"),
        ('{"mailbox": 7, "cause": ""}', "cause is missing; mailbox is not a text"),
        ('{"mailbox": "m", "cause": "c", "attempt": -1}', "attempt is not a count"),
        ('{"mailbox": "m", "cause": "c", "attempt": true}', "attempt is not a count"),
        ('{"mailbox": "m", "cause": "c", "after": "1"}', "after is not a count"),
        ('{"mailbox": "m", "cause": "c", "options": []}', "options is not an object"),
        ('{"mailbox": "m", "cause": "c", "request": null}', "request is not a text"),
    ],
)
def test_what_is_no_job(body: str | bytes, words: str) -> None:
    with pytest.raises(BadMessage) as caught:
        messages.job(body)
    assert words in str(caught.value)


def test_a_bucket_ends_with_its_second() -> None:
    assert messages.bucket_end(NOW) == datetime(2026, 3, 1, 12, 0, 1, tzinfo=UTC)
    assert messages.bucket_end(messages.bucket_end(NOW)) == datetime(2026, 3, 1, 12, 0, 2, tzinfo=UTC)


def test_the_same_second_cause_and_mailbox_share_a_message() -> None:
    key = messages.merge_key("m1", "event", NOW)
    assert key == messages.merge_key("m1", "event", NOW + timedelta(milliseconds=700))
    others = (("m2", "event", NOW), ("m1", "due", NOW), ("m1", "event", NOW + timedelta(seconds=1)))
    assert len({key, *(messages.merge_key(*other) for other in others)}) == 4
    assert messages.merge_key("a", "b,c", NOW) != messages.merge_key("a,b", "c", NOW)
    assert len(key) <= 128
