"""Nothing dies silently: a job that Service Bus gave up becomes a row, and its mailbox is looked at again.

Messages carry no data, so a mailbox's next pass does what the dead job was for. Only one that dies again and
again must not come back at once each time: ten tries at each would be for nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

from shared import telemetry
from shared.engine.services import Services
from shared.errors import NotFound, SyncError
from shared.jobs.dead_letters import DeadLetterQueues
from shared.jobs.messages import DYNAMICS_FEED, QUEUES
from shared.model.dead_letter import DeadLetter
from shared.model.filter_push import shown
from shared.model.mailbox import Mailbox

EXPIRED = "TTLExpiredException"
"""Service Bus' reason for a message that nobody took in time: the worker was away, nothing failed."""
WAITS = (
    timedelta(),
    timedelta(minutes=5),
    timedelta(minutes=20),
    timedelta(hours=1),
    timedelta(hours=4),
)
"""How long a mailbox waits when its jobs died once, twice …, with no pass between that came to its end."""
LAST_ERROR = (
    "A pass of this mailbox ended with an error of the service itself, ten times; see GET /deadletters."
)

log = logging.getLogger("sync.deadletters")


async def drain_all(services: Services, queues: DeadLetterQueues) -> int:
    """Queue by queue; returns how many died since the last time. One queue that cannot be read keeps nobody
    from the others, and is an error in the end."""

    async def record(letters: Sequence[DeadLetter]) -> None:
        await _record(services, letters)

    count, failures = 0, []
    for queue in QUEUES:
        try:
            count += await queues.drain(queue, record)
        except SyncError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return count


async def _record(services: Services, letters: Sequence[DeadLetter]) -> None:
    """The rows first: should this be cut off, they are found again and written once. A letter that is known
    already heals its mailbox too, for that may be missing yet, but is no second failure of it."""
    new: list[DeadLetter] = []
    for letter in letters:
        if await services.dead_letters.add(letter):
            new.append(letter)
            mailbox = telemetry.hashed(letter.session)
            cause = shown(letter.cause)
            log.error("job died in %s: %s, %s, of %s", letter.queue, cause, letter.reason, mailbox)
    of_mailboxes = [letter for letter in letters if letter.queue != DYNAMICS_FEED]
    for session in dict.fromkeys(letter.session for letter in of_mailboxes):
        failed = any(letter.reason != EXPIRED for letter in new if letter.session == session)
        await _heal(services, session, failed=failed)


async def _heal(services: Services, mailbox_id: str, *, failed: bool) -> None:
    """The feed heals by itself: its timer asks every half minute."""
    mailbox = await services.registry.get(mailbox_id) if mailbox_id else None
    if mailbox is None:
        return
    try:
        await _make_due(services, mailbox, failed=failed)
    except NotFound:
        log.info("the mailbox of a dead job was removed meanwhile")


async def _make_due(services: Services, mailbox: Mailbox, *, failed: bool) -> None:
    """Due for everything: nobody knows what the job was about. Until then hints are not followed either
    (``retry_at``). Any pass that ends begins the count anew."""
    now = services.now()
    if not failed:
        await services.registry.patch(mailbox.id, due_at=now, poll_at=now)
        return
    at = now + WAITS[min(mailbox.failures, len(WAITS) - 1)]
    await services.registry.patch(
        mailbox.id, due_at=at, poll_at=at, retry_at=at, failures=mailbox.failures + 1, last_error=LAST_ERROR
    )
