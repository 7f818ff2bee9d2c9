"""Who is busy? The ``Validate`` message, which answers as ``Book`` would and saves nothing (APPT-29).

Not ``Book``, as the product's own sync does: it saves, under no condition. It cannot say "only under this id,
if that is free" (``If-None-Match``) or "only if the row is still as I read it" (``If-Match``), so a repeated
pass could not be told from a second appointment; and a conflict would leave nothing saved where the default
is to save and warn. ``Validate`` may be asked beforehand and as often as one likes, and it may stand first in
the ``$batch`` of the write that it is about, so that asking costs no request.

That a conflict is a 200 with ``ValidationSuccess`` false, and the shape below it, are assumptions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shared.dynamics.dataverse.activities import APPOINTMENTS
from shared.dynamics.dataverse.appointments import encode
from shared.dynamics.dataverse.client import Client
from shared.dynamics.dataverse.errors import NO_SUCH_TABLE
from shared.dynamics.dataverse.messages import Answer, Request
from shared.dynamics.dataverse.odata import chunks, guid
from shared.errors import NotFound, Refused, SyncError
from shared.model.scheduling import Availability, Busy, Claim

AT_ONCE = 20
"""Claims in one ``$batch``: each makes Dynamics search calendars, and all have to be answered in time."""
NEVER = frozenset({403, 405, 501})
"""Statuses by which Dynamics says that it would refuse the next claim, too,"""
ONE_ROW = "0x80048405"
"""unless it says that this is about a row."""


def request(claim: Claim) -> Request:
    """``repeatable``: it saves nothing. ``about``: so that a missing party is not taken for a missing row."""
    target = {
        "@odata.type": f"Microsoft.Dynamics.CRM.{APPOINTMENTS.table}",
        "activityid": guid(claim.row_id),
        **encode({"time": claim.time}, claim.parties),
    }
    return Request(
        "POST", "Validate", body={"Activities": [target]}, repeatable=True, about=(guid(claim.row_id),)
    )


async def availability(
    client: Client, claims: Sequence[Claim], as_user: str | None
) -> Sequence[Availability]:
    """Raises what concerns more than one claim (throttled, transient, mailbox broken)."""
    found: list[Availability] = []
    for chunk in chunks(claims, AT_ONCE):
        asked = [request(claim) for claim in chunk]
        answers = await client.read_batch(asked, as_user=as_user)
        for each, answer in zip(asked, answers, strict=True):
            said = read(client, each, answer, as_user)
            if isinstance(said, SyncError):
                raise said
            found.append(said)
    return found


def read_along(client: Client, asked: Request, answer: Answer, as_user: str | None) -> Availability:
    """The answer to a claim that travelled with its write: whatever it is, the write goes its own way."""
    said = read(client, asked, answer, as_user)
    return said if isinstance(said, Availability) else Availability(unchecked=_why(said))


def read(client: Client, asked: Request, answer: Answer, as_user: str | None) -> Availability | SyncError:
    if not answer.ok:
        error = client.error(asked, answer, as_user)
        if not isinstance(error, Refused | NotFound):
            return error
        everywhere = error.code == NO_SUCH_TABLE or (answer.status in NEVER and error.code != ONE_ROW)
        return Availability(unchecked=_why(error), everywhere=everywhere)
    try:
        results = client.body_of(asked, answer).get("Result") or ()
    except SyncError as error:
        return error
    return Availability(tuple(dict.fromkeys(_busy(results))))


def _why(error: SyncError) -> str:
    return f"Dynamics did not say ({error.code or error.status or type(error).__name__})"


def _busy(results: Iterable[Mapping[str, Any]]) -> Iterable[Busy]:
    for result in results:
        if result.get("ValidationSuccess") is not False:
            continue
        errors = (result.get("TraceInfo") or {}).get("ErrorInfoList") or ()
        named = [resource for error in errors for resource in error.get("ResourceList") or ()]
        yield from (_resource(resource) for resource in named or [{}])


def _resource(resource: Mapping[str, Any]) -> Busy:
    name, table, row_id = (resource.get(key) or "" for key in ("DisplayName", "EntityName", "Id"))
    return Busy(str(name), str(table), str(row_id).lower())
