"""The recording double keeps the contract of the real sender."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from shared.jobs import messages
from tests.contracts.jobs import Delivered, JobsContract, Receive
from tests.doubles.jobs import RecordingJobs, SentJob


def delivered(sent: SentJob) -> Delivered:
    job: messages.Job | messages.FeedJob
    if sent.queue == messages.DYNAMICS_FEED:
        job = messages.FeedJob(sent.session, sent.cause, sent.attempt)
    else:
        job = messages.Job(
            sent.session, sent.cause, sent.attempt, sent.request, sent.options, after=sent.after
        )
    return Delivered(sent.queue, sent.session, json.loads(messages.to_text(job)))


class TestRecordingJobs(JobsContract):
    @pytest.fixture
    def now(self) -> datetime:
        return datetime(2026, 3, 1, 12, tzinfo=UTC)

    @pytest.fixture
    def jobs(self) -> RecordingJobs:
        return RecordingJobs()

    @pytest.fixture
    def receive(self, jobs: RecordingJobs) -> Receive:
        async def receive(queue: str) -> list[Delivered]:
            found = [job for job in jobs.sent if job.queue == queue]
            jobs.sent = [job for job in jobs.sent if job.queue != queue]
            return [delivered(job) for job in found]

        return receive
