"""Workers of both lanes, for doubles whose jobs are remembered instead of sent."""

from __future__ import annotations

from shared.engine.services import Services
from shared.jobs.messages import Job
from shared.lane import Lane, working_in
from shared.mailboxes import jobs_of_mailbox
from tests.doubles.jobs import RecordingJobs, SentJob


async def work(services: Services, job: SentJob) -> None:
    """As a worker that takes it from its queue."""
    with working_in(Lane(job.queue)):
        body = Job(job.session, job.cause, job.attempt, job.request, job.options, after=job.after)
        await jobs_of_mailbox.run(services, body)


async def run_pass(services: Services, jobs: RecordingJobs, mailbox: str, cause: str) -> None:
    """A job of the mailbox, and its first sync, if that is what it leads to, until something hinders it."""
    await work(services, SentJob(Lane.SYNC.value, mailbox, cause))
    while job := next((each for each in jobs.sent if _is_slice(each, mailbox)), None):
        jobs.sent.remove(job)
        await work(services, job)


def _is_slice(job: SentJob, mailbox: str) -> bool:
    return job.queue == Lane.BULK and job.session == mailbox and job.at is None
