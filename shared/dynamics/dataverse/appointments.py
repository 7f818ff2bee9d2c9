"""Appointment rows: Web API JSON to and from the canonical values of ``DynamicsAppointment``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from shared.dynamics.dataverse.messages import Json
from shared.dynamics.dataverse.odata import FORMATTED, LOGICAL_NAME, guid, lookup, moment, with_annotations
from shared.dynamics.dataverse.tables import ENTITY_SETS
from shared.errors import Refused
from shared.model.appointment import DynamicsAppointment
from shared.model.party import ParticipationType, Party, RecordRef
from shared.model.values import Value, Values

SET = "appointments"
PARTIES = "appointment_activity_parties"
COLUMNS = (
    "activityid,subject,description,location,scheduledstart,scheduledend,isalldayevent,prioritycode,"
    "statecode,statuscode,globalobjectid,isdraft,instancetypecode,seriesid,modifiedon,_modifiedby_value,"
    "_ownerid_value,_regardingobjectid_value"
)
# A collection expanded without a page size comes whole: its nextLink is there even when nothing follows.
EXPAND = f"{PARTIES}($select=participationtypemask,addressused,unresolvedpartyname,_partyid_value)"
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

_LINE_END = re.compile(r"\r\n?")


def normal_text(text: str) -> str:
    """Line ends ``\\n``, plain spaces, no blanks at line ends, no empty lines at the end: a form may add all
    of these. The same on the Exchange side."""
    lines = (line.rstrip() for line in _LINE_END.sub("\n", text).replace("\u00a0", " ").split("\n"))
    return "\n".join(lines).rstrip("\n")


# --- decoding -------------------------------------------------------------------------------------


def decode(row: Mapping[str, Any], parties: Sequence[Party] | None = None) -> DynamicsAppointment:
    """``parties``: those already known, for an answer that does not carry them."""
    shown = tuple(_parties(row.get(PARTIES) or ()) if parties is None else parties)
    owner, changer = lookup(row, "ownerid"), row.get("_modifiedby_value")
    series = row.get("seriesid")
    return DynamicsAppointment(
        id=str(row["activityid"]).lower(),
        etag=str(row["@odata.etag"]),
        modified=moment(row.get("modifiedon")),
        values=_values(row, shown),
        parties=shown,
        owner=owner,
        is_draft=bool(row.get("isdraft")),
        instance_type=int(row.get("instancetypecode") or 0),
        global_object_id=row.get("globalobjectid") or None,
        series_id=str(series).lower() if series else None,
        modified_by=str(changer).lower() if changer else None,
    )


def _values(row: Mapping[str, Any], parties: Sequence[Party]) -> Values:
    regarding = lookup(row, "regardingobjectid")
    priority = row.get("prioritycode")
    return {
        "time": _time(row),
        "subject": row.get("subject") or "",
        "location": row.get("location") or "",
        "body": normal_text(row.get("description") or ""),
        "importance": NORMAL if priority is None else int(priority),
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


def encode(values: Values, parties: Sequence[Party] | None, present: Value = None) -> Json:
    """The columns that make a row show ``values``; ``parties`` is the complete list or None (unchanged);
    ``present`` is the regarding that the row has now (clearing a look-up names its table)."""
    body: Json = {}
    for name, value in values.items():
        if name in BY_PARTIES:
            continue
        if name == "regarding":
            body |= _regarding(value, present)
        else:
            body |= _COLUMNS_OF[name](value)
    if parties is not None:
        body[PARTIES] = [_party(party) for party in parties if party.role not in IMPLICIT]
    return body


def encode_new(
    values: Values, parties: Sequence[Party], owner: RecordRef | None, global_object_id: str
) -> tuple[Json, Json | None]:
    """The body of a create, and of the update that must follow it in the same change set: statecode is not
    valid for create, and a statuscode of another state than Open would be checked against Open."""
    body = encode({**values, "showAs": values.get("showAs") or OPEN_FREE}, parties)
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
        raise Refused(f"rows of the table {ref.table} cannot be referred to from an appointment")
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


def _regarding(value: Value, present: Value) -> Json:
    if isinstance(value, Mapping):
        ref = RecordRef(str(value["table"]), str(value["id"]))
        return {_regarding_bind(ref.table): bind(ref)}
    table = str(present["table"]) if isinstance(present, Mapping) else "contact"
    return {_regarding_bind(table): None}


def _regarding_bind(table: str) -> str:
    return f"regardingobjectid_{table}_appointment@odata.bind"


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
    "body": lambda value: {"description": value or None},
    "importance": lambda value: {"prioritycode": value},
    "showAs": _status_columns,
}
