"""The rows of one query or of several, with the pages behind them."""

from __future__ import annotations

from collections.abc import Sequence

from shared.dynamics.dataverse.client import Client
from shared.dynamics.dataverse.messages import Answer, Json, Request


async def rows_of_all(client: Client, requests: Sequence[Request], *, as_user: str | None) -> list[Json]:
    """The rows of several queries: one is asked by itself, more in a batch; pages are followed."""
    if not requests:
        return []
    if len(requests) == 1:
        answers: Sequence[Answer] = [await client.send(requests[0], as_user=as_user)]
    else:
        answers = await client.read_batch(requests, as_user=as_user)
    rows: list[Json] = []
    for request, answer in zip(requests, answers, strict=True):
        rows += await pages_of(client, request, answer, as_user)
    return rows


async def pages_of(client: Client, request: Request, answer: Answer, as_user: str | None) -> list[Json]:
    """The rows of a query's first answer and of the pages behind it."""
    if not answer.ok:
        raise client.error(request, answer, as_user)
    body = client.body_of(request, answer)
    rows: list[Json] = list(body.get("value") or ())
    if link := body.get("@odata.nextLink"):
        prefer = request.headers.get("Prefer", "")
        rows += await client.rows(str(link), as_user=as_user, prefer=prefer)
    return rows
