"""A mailbox's channel to Graph: budget, the few repeats that are allowed, ``$batch`` and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from copy import copy
from typing import Any

from shared import telemetry
from shared.errors import NotFound, SyncError, Throttled, Transient
from shared.exchange.client import GraphClient, Json, Reply, Request, checked_reply
from shared.exchange.throttle import SHORT_WAIT, MailboxThrottle

BATCH_SIZE = 20
BATCH_KIND = "$batch"
RETRY_PAUSE = 0.5
_RETRIED_READS = (None, 503, 504)


class Channel:
    """``requests`` counts what was sent, by kind: each page, each repeat, each part of a batch, and each
    batch's envelope as ``$batch``."""

    def __init__(self, client: GraphClient, throttle: MailboxThrottle) -> None:
        self.client = client
        self.requests: Counter[str] = Counter()
        self._throttle = throttle

    def asking_for(self, body_type: str) -> Channel:
        """The same channel, with its budget and its counts, for bodies in the other form."""
        other = copy(self)
        other.client = self.client.asking_for(body_type)
        return other

    async def send(self, request: Request, slots: int = 1) -> Reply:
        """Once more after a 429 with a short wait; a read also after a lost connection, 503 or 504."""
        try:
            return await self._once(request, slots)
        except Throttled as error:
            if error.retry_after > SHORT_WAIT or not _nothing_done(error, request):
                raise
        except Transient as error:
            if request.write or error.status not in _RETRIED_READS:
                raise
            await self._throttle.pause(RETRY_PAUSE)
        return await self._once(request, slots)

    async def _once(self, request: Request, slots: int) -> Reply:
        async with self._throttle.slots(slots):
            self.requests[request.kind] += 1
            try:
                return await self.client.send(request)
            except Throttled as error:
                telemetry.sums.throttled()
                self._throttle.hold(error.retry_after)
                raise

    async def content(self, request: Request) -> bytes:
        """Raw bytes, under the rules of reads."""
        reply = await self.send(request)
        return reply.content

    async def put_piece(self, url: str, piece: bytes, headers: Mapping[str, str], *, last: bool) -> None:
        """A piece of an upload; only the last one changes anything."""
        async with self._throttle.slots():
            self.requests["upload_piece"] += 1
            try:
                await self.client.put_outside(url, piece, headers, write=last)
            except Throttled as error:
                self._throttle.hold(error.retry_after)
                raise

    async def rows(self, request: Request, page_size: int = 0) -> AsyncIterator[Json]:
        """All rows of a list, page by page; an empty page is not the end."""
        body = (await self.send(request)).body
        async for row in self.listed(request.kind, body, page_size):
            yield row

    async def listed(self, kind: str, body: Json, page_size: int = 0) -> AsyncIterator[Json]:
        """The rows of a page that was read, and of the pages behind it."""
        while True:
            for row in body.get("value") or ():
                yield row
            link = body.get("@odata.nextLink")
            if link is None:
                return
            request = self.client.follow(kind, self.client.checked_link(link), page_size)
            body = (await self.send(request)).body

    # --- several reads at once --------------------------------------------------------------------

    async def read_each(self, requests: Mapping[str, Request]) -> dict[str, Json | None]:
        """The bodies of several reads; None = gone. One is sent by itself, more go in batches of 20."""
        answers = await self.answer_each(requests)
        return {key: _body_or_none(answer) for key, answer in answers.items()}

    async def answer_each(self, requests: Mapping[str, Request]) -> dict[str, Json | SyncError]:
        """As ``read_each``; the error of one read is its answer and fails no other."""
        if len(requests) == 1:
            ((key, request),) = requests.items()
            return {key: await self._answer(request)}
        found: dict[str, Json | SyncError] = {}
        keys = list(requests)
        for begin in range(0, len(keys), BATCH_SIZE):
            found.update(await self._batch({key: requests[key] for key in keys[begin : begin + BATCH_SIZE]}))
        return found

    async def _answer(self, request: Request) -> Json | SyncError:
        try:
            return (await self.send(request)).body
        except SyncError as error:
            return error

    async def _batch(self, requests: Mapping[str, Request]) -> dict[str, Json | SyncError]:
        """Parts that were throttled go once more, by themselves, after the wait that they were told."""
        answers = await self._batch_once(requests)
        late = [key for key, answer in answers.items() if isinstance(answer, Throttled | Transient)]
        if late:
            await self._wait_for([answers[key] for key in late])
            answers |= await self._batch_once({key: requests[key] for key in late})
        return answers

    async def _wait_for(self, errors: Sequence[Json | SyncError]) -> None:
        waits = [error.retry_after for error in errors if isinstance(error, Throttled)]
        if waits:
            self._throttle.hold(max(waits))
        else:
            await self._throttle.pause(RETRY_PAUSE)

    async def _batch_once(self, requests: Mapping[str, Request]) -> dict[str, Json | SyncError]:
        keys = list(requests)
        parts = [self.client.as_part(requests[key], str(number)) for number, key in enumerate(keys)]
        for request in requests.values():
            self.requests[request.kind] += 1
        # Exchange works on four parts at once, so that one batch uses up the mailbox's whole budget.
        envelope = self.client.write(BATCH_KIND, "POST", None, {"requests": parts}, effect=False)
        reply = await self.send(envelope, slots=len(parts))
        answers = {str(answer.get("id")): answer for answer in reply.body.get("responses") or ()}
        return {key: _part(answers.get(str(number))) for number, key in enumerate(keys)}


def _nothing_done(error: Throttled, request: Request) -> bool:
    """A write is repeated only after a 429, or when it was held back before it was sent."""
    return not request.write or error.status == 429


def _part(answer: Any) -> Json | SyncError:
    """The body of a batch's part, or the error it means; a part without an answer may be asked again."""
    if not isinstance(answer, dict):
        return Transient("a part of the batch was not answered", code="missingPart")
    headers = {str(name).lower(): str(value) for name, value in (answer.get("headers") or {}).items()}
    try:
        return checked_reply(int(answer["status"]), headers, answer.get("body"), write=False).body
    except SyncError as error:
        return error


def _body_or_none(answer: Json | SyncError) -> Json | None:
    if isinstance(answer, NotFound):
        return None
    if isinstance(answer, SyncError):
        raise answer
    return answer
