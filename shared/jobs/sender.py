"""The port ``Jobs`` on Service Bus: hints are merged by the second, everything else is sent as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from azure.servicebus import ServiceBusMessage

from shared.errors import Refused
from shared.jobs import messages
from shared.jobs.connection import Connection
from shared.jobs.messages import FeedJob, Job
from shared.model.values import Value

DIAGNOSTIC_ID = "Diagnostic-Id"
"""The property by which the host's own record of the receiving function joins the trace."""


def _fresh() -> str:
    return str(uuid4())


def _no_trace() -> str:
    return ""


class ServiceBusJobs:
    """``fresh`` gives an id that was never used; ``traceparent`` the W3C trace context of now, or nothing."""

    def __init__(
        self,
        connection: Connection,
        *,
        fresh: Callable[[], str] = _fresh,
        traceparent: Callable[[], str] = _no_trace,
    ) -> None:
        self._connection = connection
        self._fresh = fresh
        self._traceparent = traceparent

    async def start(self, queues: Sequence[str] = messages.QUEUES) -> None:
        """Open the senders ahead, so that the first notification is answered as fast as the next."""
        await self._connection.open(queues)

    async def hint(self, mailboxes: Iterable[str], cause: str, now: datetime) -> None:
        """One message per mailbox and second: its id is the same, and duplicate detection drops the rest. It
        is delivered when the second is over, so that the pass sees what all of them were about."""
        trace = self._traceparent()
        hints = [
            _message(
                Job(mailbox, cause, traceparent=trace),
                mailbox,
                messages.merge_key(mailbox, cause, now),
                messages.bucket_end(now),
            )
            for mailbox in dict.fromkeys(mailboxes)
        ]
        await self._connection.send(messages.MAILBOX_SYNC, hints)

    async def again(self, mailbox: str, cause: str, *, at: datetime | None = None, attempt: int = 0) -> None:
        job = Job(mailbox, cause, attempt, traceparent=self._traceparent())
        await self._connection.send(messages.MAILBOX_SYNC, [_message(job, mailbox, self._fresh(), at)])

    async def first_sync(
        self,
        mailbox: str,
        *,
        after: int,
        at: datetime | None = None,
        attempt: int = 0,
        merge: bool = True,
    ) -> None:
        job = Job(mailbox, messages.FIRST_SYNC, attempt, traceparent=self._traceparent(), after=after)
        key = messages.slice_key(mailbox, after, attempt) if merge else self._fresh()
        await self._connection.send(messages.MAILBOX_BULK, [_message(job, mailbox, key, at)])

    async def ask(
        self, mailbox: str, what: str, request: str, options: Mapping[str, Value], *, bulk: bool = False
    ) -> None:
        job = Job(mailbox, what, request=request, options=options, traceparent=self._traceparent())
        queue = messages.MAILBOX_BULK if bulk else messages.MAILBOX_SYNC
        await self._connection.send(queue, [_message(job, mailbox, self._fresh())])

    async def read_feed(self, organization: str, cause: str, now: datetime, *, merge: bool = True) -> None:
        job = FeedJob(organization, cause, traceparent=self._traceparent())
        if merge:
            key, at = messages.merge_key(organization, cause, now), messages.bucket_end(now)
            message = _message(job, organization, key, at)
        else:
            message = _message(job, organization, self._fresh())
        await self._connection.send(messages.DYNAMICS_FEED, [message])

    async def resend(self, queue: str, session: str, body: str) -> None:
        """The body is sent as it was, readable or not."""
        message = ServiceBusMessage(
            body, session_id=session, message_id=self._fresh(), content_type="application/json"
        )
        await self._connection.send(queue, [message])

    async def close(self) -> None:
        await self._connection.close()


def _message(
    job: Job | FeedJob, session: str, message_id: str, at: datetime | None = None
) -> ServiceBusMessage:
    if not 1 <= len(session) <= messages.SESSION_ID_LIMIT:
        raise Refused(f"a session id has 1 to {messages.SESSION_ID_LIMIT} characters, not {len(session)}")
    return ServiceBusMessage(
        messages.to_text(job),
        session_id=session,
        message_id=message_id,
        scheduled_enqueue_time_utc=at,
        content_type="application/json",
        application_properties={DIAGNOSTIC_ID: job.traceparent} if job.traceparent else None,
    )
