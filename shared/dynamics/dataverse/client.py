"""The Web API as calls that either answer or raise one of our seven errors.

One policy for every request: it stays within the organization's budget; a short throttling pause, which holds
everybody, is waited for once, a longer one is the caller's business; reads are repeated once when the
connection or a gateway failed; writes never are.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

from shared import telemetry
from shared.dynamics.dataverse import batch
from shared.dynamics.dataverse.budget import CROWDED, Allowance, Budget, Sleep
from shared.dynamics.dataverse.errors import DEFAULT_RETRY_AFTER, Now, code_of, error_of, retry_after
from shared.dynamics.dataverse.messages import Answer, Json, Request
from shared.dynamics.dataverse.odata import chunks
from shared.dynamics.dataverse.transport import SERVICE, Credential, Transport
from shared.errors import SyncError, Transient, UnknownResult

if TYPE_CHECKING:
    from httpx import AsyncBaseTransport

WRITE_TAG = "exchange-dynamics-sync"
"""``?tag=`` of our writes: plug-in steps see it in the shared variables and so know our own changes."""

SHORTEST_WAIT = 0.5
LONGEST_WAIT = 5.0
THROTTLED = 429
GATEWAY_FAILED = (502, 503, 504)
COMMON = {
    "Accept": "application/json",
    "OData-Version": "4.0",
    "OData-MaxVersion": "4.0",
    "If-None-Match": "null",
}
log = logging.getLogger(__name__)

Attempt = Callable[[], Awaitable[Answer]]


class Client:
    """``requests`` counts what was sent, by kind: parts of a ``$batch`` each, and the batch itself."""

    def __init__(
        self,
        url: str,
        credential: Credential,
        now: Now,
        *,
        sleep: Sleep = asyncio.sleep,
        transport: AsyncBaseTransport | None = None,
        allowance: Allowance | None = None,
    ) -> None:
        self._budget = Budget(now, sleep, allowance)
        self._transport = Transport(url, credential, self._budget, transport)
        self._now = now
        self._sleep = sleep
        self.requests: Counter[str] = Counter()

    async def close(self) -> None:
        await self._transport.close()

    async def admit(self) -> None:
        """Whether a pass may begin; raises OutOfBudget."""
        await self._budget.admit()

    @property
    def url(self) -> str:
        """The organization's, without a path: where people open its rows too."""
        return self._transport.url

    def owns(self, link: str) -> bool:
        """Whether the link leads to this organization's Web API."""
        return self._transport.owns(link)

    # --- single requests --------------------------------------------------------------------------

    async def send(self, request: Request, *, as_user: str | None) -> Answer:
        headers = _headers(as_user)
        answer = await self._patiently(request, lambda: self._transport.send(request, headers))
        if not answer.ok:
            raise self.error(request, answer, as_user)
        return answer

    async def read(
        self, path: str, *, as_user: str | None, prefer: str = "", organization_wide: bool = False
    ) -> Json:
        headers = {"Prefer": prefer} if prefer else {}
        request = Request("GET", path, headers, organization_wide=organization_wide)
        return self.body_of(request, await self.send(request, as_user=as_user))

    async def rows(
        self, path: str, *, as_user: str | None, prefer: str = "", organization_wide: bool = False
    ) -> list[Json]:
        """All rows of a query, page after page."""
        found: list[Json] = []
        link: str | None = path
        while link:
            body = await self.read(link, as_user=as_user, prefer=prefer, organization_wide=organization_wide)
            found += body.get("value") or []
            link = body.get("@odata.nextLink")
        return found

    # --- batches ----------------------------------------------------------------------------------

    async def read_batch(self, requests: Sequence[Request], *, as_user: str | None) -> list[Answer]:
        """The answers in order, good or bad; at most 100 parts go in one ``$batch``."""
        answers: list[Answer] = []
        for chunk in chunks(requests, batch.MAXIMUM_PARTS):
            found = await self._batch(chunk, as_user, reads=True)
            waits = [self._wait(request, answer) for request, answer in zip(chunk, found, strict=True)]
            again = [position for position, wait in enumerate(waits) if wait is not None]
            if again:
                longest = max(wait for wait in waits if wait is not None)
                await self._pause([found[position] for position in again], longest)
                repeated = await self._batch([chunk[position] for position in again], as_user, reads=True)
                for position, answer in zip(again, repeated, strict=True):
                    found[position] = answer
            answers += found
        return answers

    async def write_batch(
        self, writes: Sequence[Request], then: Request, *, as_user: str | None
    ) -> Answer | None:
        """All writes or none, and a reading afterwards, in one round trip. Raises what stopped the writes;
        the reading's answer is None when the writes went through and it did not."""
        _, read = await self._write_batch((), writes, then, as_user)
        return read

    async def asking_write_batch(
        self, asks: Request, writes: Sequence[Request], then: Request, *, as_user: str | None
    ) -> tuple[Answer, Answer | None]:
        """The same with a question before it, in the same round trip. The writes do not depend on its answer,
        which comes back good or bad."""
        said, read = await self._write_batch((asks,), writes, then, as_user)
        return said[0], read

    async def _write_batch(
        self, asks: Sequence[Request], writes: Sequence[Request], then: Request, as_user: str | None
    ) -> tuple[list[Answer], Answer | None]:
        parts: list[batch.Part] = [
            *asks,
            batch.ChangeSet(tuple(writes)) if len(writes) > 1 else writes[0],
            then,
        ]
        answers = await self._batch(parts, as_user, reads=False, go_on=bool(asks))
        wait = self._wait(writes[0], answers[len(asks)]) if len(answers) > len(asks) else None
        if wait is not None:  # Throttled before anything was done.
            await self._pause([answers[len(asks)]], wait)
            answers = await self._batch(parts, as_user, reads=False, go_on=bool(asks))
        said, answers = answers[: len(asks)], answers[len(asks) :]
        for request, answer in zip(writes, answers, strict=False):
            if not answer.ok:
                raise self.error(request, answer, as_user)
        if len(answers) < len(writes):
            raise UnknownResult(f"{writes[0].kind}: the batch's answer lacks parts")
        read = answers[len(writes)] if len(answers) > len(writes) else None
        return said, read if read is not None and read.ok else None

    # --- inside -----------------------------------------------------------------------------------

    def error(self, request: Request, answer: Answer, as_user: str | None) -> SyncError:
        return error_of(request, answer, as_user=as_user, now=self._now)

    def body_of(self, request: Request, answer: Answer) -> Json:
        try:
            return answer.json()
        except ValueError:
            lost = Transient if request.reads else UnknownResult
            raise lost(f"{request.kind}: the answer is not JSON", status=answer.status) from None

    async def _patiently(self, request: Request, attempt: Attempt) -> Answer:
        """The policy of the module's first lines, for a single request and for a batch's envelope."""
        answer = await self._connected(request, attempt)
        wait = self._wait(request, answer)
        if wait is None:
            return answer
        await self._pause([answer], wait)
        return await self._counted(request.kind, attempt)

    async def _pause(self, answers: Sequence[Answer], seconds: float) -> None:
        """After a throttled answer everybody waits, before the next request."""
        if any(answer.status == THROTTLED for answer in answers):
            self._budget.hold(seconds)
        else:
            await self._sleep(seconds)

    async def _connected(self, request: Request, attempt: Attempt) -> Answer:
        try:
            return await self._counted(request.kind, attempt)
        except Transient:
            if not request.reads:
                raise
        return await self._counted(request.kind, attempt)

    async def _counted(self, kind: str, attempt: Attempt) -> Answer:
        self.requests[kind] += 1
        telemetry.sums.request("dataverse")
        answer = await attempt()
        if answer.status == THROTTLED:
            self._throttled(answer)
        log.debug("dataverse %s %s", kind, answer.status)
        return answer

    def _throttled(self, answer: Answer) -> None:
        telemetry.sums.throttled()
        pause = retry_after(answer, self._now)
        self._budget.hold(DEFAULT_RETRY_AFTER if pause is None else pause)
        if code_of(answer) == CROWDED:
            self._budget.crowded()

    def _wait(self, request: Request, answer: Answer) -> float | None:
        """How long to wait before trying once more; None when that is not ours to do."""
        if answer.status == THROTTLED:
            pause = retry_after(answer, self._now)
            return pause if pause is not None and pause <= LONGEST_WAIT else None
        if answer.status in GATEWAY_FAILED and request.reads:
            pause = retry_after(answer, self._now) or SHORTEST_WAIT
            return pause if pause <= LONGEST_WAIT else None
        return None

    async def _batch(
        self, parts: Sequence[batch.Part], as_user: str | None, *, reads: bool, go_on: bool = False
    ) -> list[Answer]:
        """Of reads every part is answered; writes stop at the first failure, unless they are to go on."""
        name = uuid4().hex
        headers = _headers(as_user)
        body = batch.write(parts, name=name, root=SERVICE, headers=headers)
        envelope = {**headers, "Content-Type": f'multipart/mixed; boundary="batch_{name}"'}
        if reads or go_on:
            envelope["Prefer"] = "odata.continue-on-error"

        async def attempt() -> Answer:
            self._count_parts(parts)
            return await self._transport.post_batch(body, envelope, reads=reads)

        request = Request("POST", "$batch", repeatable=reads)
        answer = await self._patiently(request, attempt)
        return self._answers(parts, request, answer, as_user)

    def _answers(
        self, parts: Sequence[batch.Part], request: Request, answer: Answer, as_user: str | None
    ) -> list[Answer]:
        """A batch that stopped early answers 400, but with the parts up to the failing one."""
        multipart = answer.headers.get("content-type", "").lower().startswith("multipart/")
        if not (answer.ok or (answer.status == 400 and multipart)):
            raise self.error(request, answer, as_user)
        lost: type[SyncError] = Transient if request.reads else UnknownResult
        try:
            answers = batch.read(answer.headers.get("content-type", ""), answer.content)
        except batch.BrokenBatch as error:
            raise lost(f"POST /$batch: {error}", status=answer.status) from None
        if request.reads and len(answers) != len(parts):
            raise lost("POST /$batch: the answer lacks parts", status=answer.status)
        return answers

    def _count_parts(self, parts: Sequence[batch.Part]) -> None:
        for part in parts:
            for request in part.requests if isinstance(part, batch.ChangeSet) else (part,):
                self.requests[request.kind] += 1


def _headers(as_user: str | None) -> dict[str, str]:
    """What every request carries; parts of a batch too, for the envelope's headers are not theirs."""
    return {**COMMON, "MSCRMCallerID": as_user} if as_user else dict(COMMON)
