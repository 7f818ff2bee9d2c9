"""Rows of appointments and of series: Web API JSON to and from the values of ``DynamicsAppointment``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from shared.bodies.forms import of_column, to_column
from shared.dynamics.dataverse import series_pattern
from shared.dynamics.dataverse.activities import APPOINTMENTS, MASTERS, Activity
from shared.dynamics.dataverse.messages import Json
from shared.dynamics.dataverse.odata import (
    FORMATTED,
    LOGICAL_NAME,
    guid,
    instant,
    lookup,
    moment,
    with_annotations,
)
from shared.dynamics.dataverse.tables import ENTITY_SETS
from shared.errors import Refused
from shared.model.appointment import DynamicsAppointment
from shared.model.party import ParticipationType, Party, RecordRef
from shared.model.values import Value, Values

PREFER = with_annotations(LOGICAL_NAME, FORMATTED)

# Rows that the server adds by itself; owner and regarding have columns of their own.
IMPLICIT = (ParticipationType.OWNER, ParticipationType.REGARDING)
ATTENDEE_ROLES = {
    int(ParticipationType.REQUIRED): "required",
    int(ParticipationType.OPTIONAL): "optional",
}
NORMAL = 1
OPEN_FREE = (0, 1)
# Carried by the parties, not by columns.
BY_PARTIES = frozenset({"attendees", "organizer"})
UNREADABLE = "unreadable"
"""The one key of a ``recurrence`` that could not be read; its value says why, for people."""


# --- decoding -------------------------------------------------------------------------------------


def decode(
    row: Mapping[str, Any], parties: Sequence[Party] | None = None, kind: Activity = APPOINTMENTS
) -> DynamicsAppointment:
    """``parties``: those already known, for an answer that does not carry them. A master is decoded without
    its exceptions: they are rows of their own."""
    shown = tuple(_parties(row.get(kind.parties) or ()) if parties is None else parties)
    owner, changer = lookup(row, "ownerid"), row.get("_modifiedby_value")
    original, group = row.get("originalstartdate"), row.get("_groupid_value")
    return DynamicsAppointment(
        id=str(row["activityid"]).lower(),
        etag=str(row["@odata.etag"]),
        modified=moment(row.get("modifiedon")),
        values=_values(row, shown) | (_series_values(row) if kind is MASTERS else {}),
        parties=shown,
        owner=owner,
        is_draft=bool(row.get("isdraft")),
        instance_type=int(row.get("instancetypecode") or 0),
        global_object_id=row.get("globalobjectid") or None,
        series_id=series_of(row),
        modified_by=str(changer).lower() if changer else None,
        table=kind.table,
        original_start=_instant(original) if original else None,
        group_id=str(group).lower() if group else None,
        attachment_count=int(row.get("attachmentcount") or 0),
    )


def series_of(row: Mapping[str, Any]) -> str | None:
    """The id of the master that an instance belongs to."""
    series = row.get("seriesid")
    return str(series).lower() if series else None


def _series_values(row: Mapping[str, Any]) -> Json:
    """A pattern that cannot be read leaves the rest of the series readable. The first slot is told by the
    pattern: the scheduled times of a master are the server's."""
    try:
        pattern = series_pattern.decode(row)
    except series_pattern.UnreadablePattern as error:
        return {"recurrence": {UNREADABLE: str(error)}}
    begin = moment(str(pattern["start"]))
    assert begin is not None
    end = instant(begin + timedelta(minutes=int(str(pattern["minutes"]))))
    time = {"allDay": pattern["allDay"], "start": pattern["start"], "end": end}
    return {"recurrence": pattern, "time": time}


def _values(row: Mapping[str, Any], parties: Sequence[Party]) -> Json:
    regarding = lookup(row, "regardingobjectid")
    priority = row.get("prioritycode")
    return {
        "time": _time(row),
        "subject": row.get("subject") or "",
        "location": row.get("location") or "",
        "body": of_column(row.get("description") or ""),
        "importance": NORMAL if priority is None else int(priority),
        "sensitivity": bool(row.get("ismapiprivate")),
        "showAs": [int(row["statecode"]), int(row["statuscode"])],
        "attendees": _attendees(parties),
        "organizer": _organizer(parties),
        "regarding": {"table": regarding.table, "id": regarding.id} if regarding else None,
    }


def _time(row: Mapping[str, Any]) -> Value:
    """The API lets a row be without times: one missing edge equals the other, none at all is None."""
    start = row.get("scheduledstart") or row.get("scheduledend")
    end = row.get("scheduledend") or start
    if not start or not end:
        return None
    return {"allDay": bool(row.get("isalldayevent")), "start": _instant(start), "end": _instant(end)}


def _instant(text: str) -> str:
    """To the second, whatever fraction or offset it came with."""
    known = moment(text)
    assert known is not None
    return known.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def _parties(rows: Iterable[Mapping[str, Any]]) -> Iterable[Party]:
    for row in rows:
        role = int(row["participationtypemask"])
        if role not in IMPLICIT:
            name = row.get(f"_partyid_value@{FORMATTED}") or row.get("unresolvedpartyname") or None
            yield Party(role, row.get("addressused") or None, lookup(row, "partyid"), name)


def _attendees(parties: Sequence[Party]) -> Value:
    """Exchange never lists the organizer among the attendees; here it may stand in both lists."""
    organizers = {p.address.lower() for p in parties if p.role == ParticipationType.ORGANIZER and p.address}
    pairs = {
        (party.address.lower(), ATTENDEE_ROLES[party.role])
        for party in parties
        if party.role in ATTENDEE_ROLES and party.address and party.address.lower() not in organizers
    }
    return [list(pair) for pair in sorted(pairs)]


def _organizer(parties: Sequence[Party]) -> Value:
    organizer = next((p for p in parties if p.role == ParticipationType.ORGANIZER), None)
    return organizer.ref.id if organizer and organizer.ref and organizer.ref.table == "systemuser" else None


# --- encoding -------------------------------------------------------------------------------------


def encode(
    values: Values,
    parties: Sequence[Party] | None,
    present: Value = None,
    kind: Activity = APPOINTMENTS,
) -> Json:
    """The columns that make a row show ``values``; ``parties`` is the complete list or None (unchanged);
    ``present`` is the regarding that the row has now (clearing a look-up names its table)."""
    body: Json = {}
    for name, value in values.items():
        if name in BY_PARTIES or (name == "time" and kind is MASTERS):
            continue
        if name == "regarding":
            body |= _regarding(value, present, kind)
        elif name == "recurrence":
            body |= _pattern(value, kind, series_pattern.encode)
        else:
            body |= _COLUMNS_OF[name](value)
    if parties is not None:
        body[kind.parties] = [_party(party) for party in parties if party.role not in IMPLICIT]
    return body


def encode_new(
    values: Values,
    parties: Sequence[Party],
    owner: RecordRef | None,
    global_object_id: str,
    kind: Activity = APPOINTMENTS,
) -> tuple[Json, Json | None]:
    """The body of a create, and of the update that must follow it in the same change set: statecode is not
    valid for create, and a statuscode of another state than Open would be checked against Open."""
    body = encode({**values, "showAs": values.get("showAs") or OPEN_FREE}, parties, kind=kind)
    if kind is MASTERS:
        body |= _pattern(values.get("recurrence"), kind, series_pattern.encode_new)
    state = {"statecode": body.pop("statecode"), "statuscode": body.pop("statuscode")}
    body = {name: value for name, value in body.items() if value is not None}
    if owner is not None:
        body["ownerid@odata.bind"] = bind(owner)
    if global_object_id:
        body["globalobjectid"] = global_object_id
    if state["statecode"] == 0:
        return {**body, "statuscode": state["statuscode"]}, None
    return body, state


def bind(ref: RecordRef) -> str:
    """A reference to a row in a body."""
    entity_set = ENTITY_SETS.get(ref.table)
    if entity_set is None:
        raise Refused(f"rows of the table {ref.table} cannot be referred to")
    try:
        return f"/{entity_set}({guid(ref.id)})"
    except ValueError:
        raise Refused(f"the id of a row of {ref.table} is not a GUID") from None


def _party(party: Party) -> Json:
    body: Json = {"participationtypemask": int(party.role)}
    if party.ref is not None:
        body[f"partyid_{party.ref.table}@odata.bind"] = bind(party.ref)
    if party.address:
        body["addressused"] = party.address
    return body


def _regarding(value: Value, present: Value, kind: Activity) -> Json:
    if isinstance(value, Mapping):
        ref = RecordRef(str(value["table"]), str(value["id"]))
        return {kind.regarding(ref.table): bind(ref)}
    table = str(present["table"]) if isinstance(present, Mapping) else "contact"
    return {kind.regarding(table): None}


def _pattern(value: Value, kind: Activity, encoded: Callable[[Mapping[str, Any]], Json]) -> Json:
    if not isinstance(value, Mapping) or kind is not MASTERS or UNREADABLE in value:
        raise Refused("a recurrence is a series', and a series needs one")
    return encoded(value)


def _time_columns(value: Value) -> Json:
    if not isinstance(value, Mapping):
        raise Refused("an appointment needs a time")
    return {
        "scheduledstart": value["start"],
        "scheduledend": value["end"],
        "isalldayevent": bool(value["allDay"]),
    }


def _status_columns(value: Value) -> Json:
    state, status = value if isinstance(value, list | tuple) else OPEN_FREE
    return {"statecode": state, "statuscode": status}


_COLUMNS_OF: Mapping[str, Callable[[Value], Json]] = {
    "time": _time_columns,
    "subject": lambda value: {"subject": value or None},
    "location": lambda value: {"location": value or None},
    "body": lambda value: {"description": to_column(value)},
    "sensitivity": lambda value: {"ismapiprivate": bool(value)},
    "importance": lambda value: {"prioritycode": value},
    "showAs": _status_columns,
}
