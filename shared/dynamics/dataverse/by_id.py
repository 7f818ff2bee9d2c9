"""Rows of any table by id, as a user sees them, and what it means when one cannot be read (FLT-10)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.dynamics.dataverse.client import Client
from shared.dynamics.dataverse.messages import Json, Request
from shared.dynamics.dataverse.odata import address, guid, is_guid
from shared.errors import NotFound, Refused
from shared.model.appointment import Absence

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Reading(Generic[Row]):
    """How a table's rows are asked for and decoded. ``existence``: the same with nothing but the id."""

    request: Callable[[str], Request]
    existence: Callable[[str], Request]
    decode: Callable[[Json], Row]


def existence_request(entity_set: str, row_id: str, key: str) -> Request:
    """That the application may not read a row would say nothing about the row."""
    return Request("GET", address(entity_set, row_id, select=key), organization_wide=True)


async def rows_by_id(
    client: Client, ids: Sequence[str], as_user: str, reading: Reading[Row]
) -> dict[str, Row | Absence]:
    """One is asked for by itself, several in one ``$batch``."""

    async def read(distinct: Sequence[str]) -> dict[str, Row | Absence]:
        if len(distinct) == 1:
            return await _one(client, distinct[0], as_user, reading)
        return await _many(client, distinct, as_user, reading)

    return await by_guid(ids, read)


async def by_guid(
    ids: Sequence[str], read: Callable[[Sequence[str]], Awaitable[dict[str, Row | Absence]]]
) -> dict[str, Row | Absence]:
    """What is no GUID cannot be the id of a row; whoever asks by a stamp may have read anything there."""
    wanted = {row_id: guid(row_id) for row_id in ids if is_guid(row_id)}
    found: dict[str, Row | Absence] = {row_id: Absence.PHYSICAL for row_id in ids if row_id not in wanted}
    distinct = sorted(set(wanted.values()))
    rows = await read(distinct) if distinct else {}
    return found | {row_id: rows[normal] for row_id, normal in wanted.items()}


async def absences(
    client: Client, ids: Sequence[str], existence: Callable[[str], Request]
) -> dict[str, Absence]:
    """As the application, which reads everything: gone, or only not for this user (FLT-10)."""
    requests = [existence(row_id) for row_id in ids]
    answers = await client.read_batch(requests, as_user=None) if ids else []
    found: dict[str, Absence] = {}
    for row_id, request, answer in zip(ids, requests, answers, strict=True):
        error = None if answer.ok else client.error(request, answer, None)
        if error is not None and not isinstance(error, NotFound):
            raise error
        found[row_id] = Absence.PHYSICAL if error else Absence.ACCESS
    return found


def is_absent(error: Exception) -> bool:
    return isinstance(error, NotFound) or (isinstance(error, Refused) and error.status == 403)


# --- inside ---------------------------------------------------------------------------------------


async def _one(client: Client, row_id: str, as_user: str, reading: Reading[Row]) -> dict[str, Row | Absence]:
    request = reading.request(row_id)
    try:
        answer = await client.send(request, as_user=as_user)
    except Refused as error:
        if not is_absent(error):
            raise
        return {row_id: await _absence(client, reading.existence(row_id))}
    return {row_id: reading.decode(client.body_of(request, answer))}


async def _absence(client: Client, existence: Request) -> Absence:
    try:
        await client.send(existence, as_user=None)
    except NotFound:
        return Absence.PHYSICAL
    return Absence.ACCESS


async def _many(
    client: Client, ids: Sequence[str], as_user: str, reading: Reading[Row]
) -> dict[str, Row | Absence]:
    requests = [reading.request(row_id) for row_id in ids]
    answers = await client.read_batch(requests, as_user=as_user)
    found: dict[str, Row | Absence] = {}
    unread = []
    for row_id, request, answer in zip(ids, requests, answers, strict=True):
        if answer.ok:
            found[row_id] = reading.decode(client.body_of(request, answer))
        elif is_absent(error := client.error(request, answer, as_user)):
            unread.append(row_id)
        else:
            raise error
    return found | await absences(client, unread, reading.existence)
