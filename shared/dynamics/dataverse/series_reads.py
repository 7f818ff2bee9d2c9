"""Reading series whole, in one ``$batch``: masters, their exceptions, what was deleted of them (APPT-35)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from shared.dynamics.dataverse import series_pattern
from shared.dynamics.dataverse.activities import APPOINTMENTS, MASTERS
from shared.dynamics.dataverse.appointment_reads import Found, existence, row_request
from shared.dynamics.dataverse.appointments import PREFER, decode
from shared.dynamics.dataverse.by_id import absences, by_guid, is_absent
from shared.dynamics.dataverse.changes import changed_row
from shared.dynamics.dataverse.client import Client
from shared.dynamics.dataverse.deleted_instances import UNREADABLE, original_starts
from shared.dynamics.dataverse.messages import Answer, Request
from shared.dynamics.dataverse.odata import address, guid, instant, moment
from shared.dynamics.dataverse.organized import (
    Organized,
    any_of,
    condition,
    of_types,
    organized_rows,
    overlaps,
)
from shared.dynamics.dataverse.queries import pages_of
from shared.engine.ports import ChangedRow, Window
from shared.errors import Refused
from shared.model.appointment import DynamicsAppointment, InstanceType
from shared.model.series_pattern import EndKind

EXCEPTION_TYPES = (InstanceType.EXCEPTION, InstanceType.FUTURE_EXCEPTION)
LONGEST_END = timedelta(days=31)
"""The end of a series is a day, and what begins on it may last: so much is looked at more."""


async def series(client: Client, ids: Sequence[str], as_user: str) -> Found:
    async def read(distinct: Sequence[str]) -> Found:
        return await _many(client, distinct, as_user)

    return await by_guid(ids, read)


async def _many(client: Client, ids: Sequence[str], as_user: str) -> Found:
    requests = [request for row_id in ids for request in _requests(row_id)]
    answers = await client.read_batch(requests, as_user=as_user)
    found: Found = {}
    unread = []
    for number, row_id in enumerate(ids):
        first, second = answers[2 * number : 2 * number + 2]
        try:
            found[row_id] = await _whole(client, row_id, first, second, as_user)
        except Refused as error:
            if first.ok or not is_absent(error):
                raise
            unread.append(row_id)
    return found | await absences(client, unread, lambda row_id: existence(row_id, MASTERS))


def _requests(series_id: str) -> tuple[Request, Request]:
    return row_request(series_id, MASTERS), exceptions_request(series_id)


async def _whole(
    client: Client, series_id: str, first: Answer, second: Answer, as_user: str
) -> DynamicsAppointment:
    """``first`` answers the request for the master, ``second`` that for its exceptions."""
    request, others = _requests(series_id)
    if not first.ok:
        raise client.error(request, first, as_user)
    row = client.body_of(request, first)
    master = decode(row, kind=MASTERS)
    exceptions = [decode(each) for each in await pages_of(client, others, second, as_user)]
    return replace(
        master,
        exceptions={_slot(exception): exception for exception in exceptions},
        cancelled=original_starts(row.get("deletedexceptionslist"), _first_start(master)),
    )


def _first_start(master: DynamicsAppointment) -> datetime | None:
    time = master.value("time")
    return moment(str(time["start"])) if isinstance(time, Mapping) else None


def exceptions_request(series_id: str, original_start: str | None = None) -> Request:
    """The exceptions of a series, or the one of a slot, with their parties."""
    slot = f" and originalstartdate eq {original_start}" if original_start else ""
    types = " or ".join(f"instancetypecode eq {int(kind)}" for kind in EXCEPTION_TYPES)
    path = address(
        APPOINTMENTS.entity_set,
        select=APPOINTMENTS.columns,
        filter=f"seriesid eq {guid(series_id)}{slot} and ({types})",
        expand=APPOINTMENTS.expand,
    )
    return Request("GET", path, {"Prefer": PREFER})


def _slot(exception: DynamicsAppointment) -> str:
    """One left out would be taken for a plain instance, and be undone elsewhere."""
    if exception.original_start is None:
        raise Refused("an exception does not say which instance of its series it was", code=UNREADABLE)
    return exception.original_start


# --- queries --------------------------------------------------------------------------------------


async def organized_by(client: Client, user_id: str, window: Window, as_user: str) -> Sequence[ChangedRow]:
    """Masters before their exceptions."""
    begun = condition("patternstartdate", "lt", instant(window.end))
    going_on = any_of(
        condition("patternendtype", "eq", str(int(EndKind.NO_END))),
        condition("effectiveenddate", "null"),
        condition("effectiveenddate", "ge", instant(window.start - LONGEST_END)),
    )
    masters = Organized(MASTERS, user_id, ("ownerid",), begun + going_on)
    columns = ("ownerid", "seriesid", "instancetypecode")
    exceptions = Organized(APPOINTMENTS, user_id, columns, of_types(*EXCEPTION_TYPES) + overlaps(window))
    rows = [await organized_rows(client, query, as_user) for query in (masters, exceptions)]
    return [changed_row(row) for kind in rows for row in kind]


async def like(client: Client, user_id: str, subject: str, start: str) -> Sequence[str]:
    """Dataverse compares without regard to case; the copy that it made has the subject to the letter."""
    columns = ("subject", *series_pattern.COLUMNS.split(","))
    query = Organized(MASTERS, user_id, columns, condition("subject", "eq", subject))
    rows = await organized_rows(client, query, None)
    return [
        str(row["activityid"]).lower() for row in rows if row["subject"] == subject and _starts(row, start)
    ]


def _starts(row: Mapping[str, Any], start: str) -> bool:
    try:
        return series_pattern.decode(row)["start"] == start
    except series_pattern.UnreadablePattern:
        return False
