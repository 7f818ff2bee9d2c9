"""Jobs that are remembered instead of sent, merged as the queue's duplicate detection would merge them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.jobs.messages import DYNAMICS_FEED, FIRST_SYNC, bucket_end, feed_job, job, merge_key, slice_key
from shared.model.values import Value


@dataclass(frozen=True)
class SentJob:
    """One message: ``queue`` as named in infra/queues.json, ``session`` the mailbox or organization."""

    queue: str
    session: str
    cause: str
    at: datetime | None = None
    attempt: int = 0
    request: str = ""
    options: Mapping[str, Value] = field(default_factory=dict)
    after: int = 0


class RecordingJobs:
    """``sent`` in order; a test takes them out with ``take()`` as a worker would."""

    def __init__(self) -> None:
        self.sent: list[SentJob] = []
        self._seen: set[str] = set()

    async def hint(self, mailboxes: Iterable[str], cause: str, now: datetime) -> None:
        for mailbox in mailboxes:
            self._merged(SentJob("mailbox-sync", mailbox, cause, bucket_end(now)), now)

    async def again(self, mailbox: str, cause: str, *, at: datetime | None = None, attempt: int = 0) -> None:
        self.sent.append(SentJob("mailbox-sync", mailbox, cause, at, attempt))

    async def first_sync(
        self,
        mailbox: str,
        *,
        after: int,
        at: datetime | None = None,
        attempt: int = 0,
        merge: bool = True,
    ) -> None:
        key = slice_key(mailbox, after, attempt)
        if not merge or key not in self._seen:
            self._seen |= {key} if merge else set()
            self.sent.append(SentJob("mailbox-bulk", mailbox, FIRST_SYNC, at, attempt, after=after))

    async def ask(
        self, mailbox: str, what: str, request: str, options: Mapping[str, Value], *, bulk: bool = False
    ) -> None:
        queue = "mailbox-bulk" if bulk else "mailbox-sync"
        self.sent.append(SentJob(queue, mailbox, what, request=request, options=dict(options)))

    async def read_feed(self, organization: str, cause: str, now: datetime, *, merge: bool = True) -> None:
        if merge:
            self._merged(SentJob("dynamics-feed", organization, cause, bucket_end(now)), now)
        else:
            self.sent.append(SentJob("dynamics-feed", organization, cause))

    async def resend(self, queue: str, session: str, body: str) -> None:
        if queue == DYNAMICS_FEED:
            self.sent.append(SentJob(queue, session, feed_job(body).cause))
        else:
            found = job(body)
            self.sent.append(
                SentJob(
                    queue,
                    session,
                    found.cause,
                    attempt=found.attempt,
                    request=found.request,
                    options=found.options,
                    after=found.after,
                )
            )

    def take(self) -> list[SentJob]:
        """What was sent since the last time."""
        taken, self.sent = self.sent, []
        return taken

    def _merged(self, sent: SentJob, now: datetime) -> None:
        key = merge_key(sent.session, sent.cause, now)
        if key not in self._seen:
            self._seen.add(key)
            self.sent.append(sent)
