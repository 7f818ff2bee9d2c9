"""Rows of contacts, tasks, phone calls, letters and faxes: Web API JSON to and from ``DynamicsRecord``.

Which columns there are, and which field each belongs to, is the field map's business; here is only how each
kind of field travels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from shared.bodies.visible import normal
from shared.dynamics.dataverse.appointments import bind
from shared.dynamics.dataverse.messages import Json
from shared.dynamics.dataverse.odata import (
    FORMATTED,
    LOGICAL_NAME,
    instant,
    lookup,
    moment,
    with_annotations,
)
from shared.dynamics.dataverse.tables import FEEDS
from shared.errors import Refused
from shared.model.party import RecordRef
from shared.model.personal import CONTACT, TASK, CreateRecord, DynamicsRecord, UpdateRecord
from shared.model.values import Value, Values
from shared.rules.field_table import FieldRow, of_entity

PREFER = with_annotations(LOGICAL_NAME, FORMATTED)
NORMAL = 1
OPEN = 0
PARENTS = frozenset({"account", "contact"})
LOOK_UPS = frozenset({"company", "regarding"})
"""Kinds of fields whose column is a look-up."""
NAME_PARTS = ("title", "givenName", "middleName", "surname", "generation")
ADDRESS_PARTS = ("city", "state", "postalCode", "country")
LINES = 3
"""Columns of a street, which come before the other parts of an address."""
STATUS = ("statecode", "statuscode")
COMPLETED, STARTED = "actualend", "actualstart"


@dataclass(frozen=True, slots=True)
class RecordTable:
    """How one of the tables is asked for; ``columns`` is what a row is read with."""

    name: str
    entity_set: str
    key: str
    columns: str

    @property
    def title(self) -> str:
        """The column by which people call a row."""
        return "fullname" if self.name == CONTACT else "subject"


@cache
def table_of(name: str) -> RecordTable:
    feed = FEEDS[name]
    columns = [feed.key, "modifiedon", "_modifiedby_value", "_ownerid_value", *STATUS]
    columns += ["fullname"] if name == CONTACT else []
    columns += [] if name in (CONTACT, TASK) else ["directioncode"]
    for field in of_entity(name):
        columns += [f"_{each}_value" if field.kind in LOOK_UPS else each for each in field.dynamics]
    return RecordTable(name, feed.entity_set, feed.key, ",".join(dict.fromkeys(columns)))


# --- decoding -------------------------------------------------------------------------------------


def decode(row: Mapping[str, Any], table: RecordTable) -> DynamicsRecord:
    changer, outgoing = row.get("_modifiedby_value"), row.get("directioncode")
    values = {field.name: _DECODED[field.kind](row, field) for field in of_entity(table.name)}
    return DynamicsRecord(
        table=table.name,
        id=str(row[table.key]).lower(),
        etag=str(row["@odata.etag"]),
        values={**values, "status": _status(row)},
        owner=lookup(row, "ownerid"),
        modified=moment(row.get("modifiedon")),
        modified_by=str(changer).lower() if changer else None,
        name=row.get(table.title) or "",
        outgoing=outgoing is None or bool(outgoing),
    )


def _status(row: Mapping[str, Any]) -> Value:
    return [int(row["statecode"]), int(row["statuscode"])]


def _text(row: Mapping[str, Any], field: FieldRow) -> Value:
    return row.get(field.dynamics[0]) or ""


def _memo(row: Mapping[str, Any], field: FieldRow) -> Value:
    return normal(row.get(field.dynamics[0]) or "")


def _day(row: Mapping[str, Any], field: FieldRow) -> Value:
    """Of an activity: an instant to the second, whatever fraction or offset it came with."""
    known = moment(row.get(field.dynamics[0]))
    return instant(known) if known else None


def _date(row: Mapping[str, Any], field: FieldRow) -> Value:
    """A day without a time and without a zone."""
    text = row.get(field.dynamics[0])
    return str(text)[: len("YYYY-MM-DD")] if text else None


def _number(row: Mapping[str, Any], field: FieldRow) -> Value:
    value = row.get(field.dynamics[0])
    return None if value is None else int(value)


def _importance(row: Mapping[str, Any], field: FieldRow) -> Value:
    value = row.get(field.dynamics[0])
    return NORMAL if value is None else int(value)


def _name(row: Mapping[str, Any], field: FieldRow) -> Value:
    parts = zip(NAME_PARTS, field.dynamics, strict=True)
    return {part: row[column] for part, column in parts if row.get(column)}


def _address(row: Mapping[str, Any], field: FieldRow) -> Value:
    lines = [row.get(column) or "" for column in field.dynamics[:LINES]]
    parts = zip(ADDRESS_PARTS, field.dynamics[LINES:], strict=True)
    street = "\n".join(line for line in lines if line)
    found = {"street": street} if street else {}
    return found | {part: row[column] for part, column in parts if row.get(column)}


def _regarding(row: Mapping[str, Any], field: FieldRow) -> Value:
    ref = lookup(row, field.dynamics[0])
    return {"table": ref.table, "id": ref.id} if ref else None


def _company(row: Mapping[str, Any], field: FieldRow) -> Value:
    return parent_name(row, field.dynamics[0])


def parent_name(row: Mapping[str, Any], column: str = "parentcustomerid") -> str:
    """What the row is called that a look-up leads to."""
    return row.get(f"_{column}_value@{FORMATTED}") or ""


_DECODED: Mapping[str, Callable[[Mapping[str, Any], FieldRow], Value]] = {
    "text": _text,
    "email": _text,
    "phone": _text,
    "list": _text,
    "memo": _memo,
    "day": _day,
    "completed": _day,
    "date": _date,
    "percent": _number,
    "importance": _importance,
    "name": _name,
    "address": _address,
    "regarding": _regarding,
    "company": _company,
    "status": lambda row, _field: _status(row),
}


# --- encoding -------------------------------------------------------------------------------------


def encode(write: UpdateRecord) -> Json:
    """The columns that make a row show the values. A row that opens again is not completed any more
    (TASK-9), unless the write says itself when it was."""
    body = _encoded(write.table, write.values, write.present)
    if write.table != CONTACT and body.get("statecode") == OPEN:
        body.setdefault(COMPLETED, None)
    return body


def encode_new(write: CreateRecord) -> tuple[Json, Json | None]:
    """The body of a create, and of the update that must follow it in the same change set: statecode is not
    valid for create, and a statuscode of another state than Open would be checked against Open."""
    body = _encoded(write.table, write.values, {})
    state: Json = {name: body.pop(name) for name in STATUS if name in body}
    if write.actual_start:
        body[STARTED] = write.actual_start
    body = {name: value for name, value in body.items() if value is not None}
    if state.get("statecode", OPEN) == OPEN:
        return body | {name: value for name, value in state.items() if name == "statuscode"}, None
    return body, state


def _encoded(table: str, values: Values, present: Values) -> Json:
    body: Json = {}
    fields = {field.name: field for field in of_entity(table)}
    for name, value in values.items():
        if name == "status":
            body |= _status_columns(value)
        elif name == "regarding":
            body |= _bound(table, fields[name], value, present.get(name))
        elif name not in fields or fields[name].kind not in _ENCODED:
            raise Refused(f"a {table} has no field {name} that could be written")
        else:
            body |= _ENCODED[fields[name].kind](value, fields[name])
    return body


def _bound(table: str, field: FieldRow, value: Value, present: Value) -> Json:
    """Clearing a look-up names the table that it leads to now."""
    if isinstance(value, Mapping):
        ref = RecordRef(str(value["table"]), str(value["id"]))
        return {_navigation(table, field, ref.table): bind(ref)}
    target = str(present["table"]) if isinstance(present, Mapping) else "account"
    return {_navigation(table, field, target): None}


def _navigation(table: str, field: FieldRow, target: str) -> str:
    if table != CONTACT:
        return f"{field.dynamics[0]}_{target}_{table}@odata.bind"
    if target not in PARENTS:
        raise Refused(f"a row of {target} cannot be the parent of a contact")
    return f"{field.dynamics[0]}_{target}@odata.bind"


def _status_columns(value: Value) -> Json:
    if not isinstance(value, list | tuple):
        raise Refused("a status is a state and its reason")
    state, status = value
    return {"statecode": state, "statuscode": status}


def _column(value: Value, field: FieldRow) -> Json:
    """An empty text is no text: Dataverse keeps both as null."""
    return {field.dynamics[0]: None if value == "" else value}


def _name_columns(value: Value, field: FieldRow) -> Json:
    parts = value if isinstance(value, Mapping) else {}
    return {column: parts.get(part) or None for part, column in zip(NAME_PARTS, field.dynamics, strict=True)}


def _address_columns(value: Value, field: FieldRow) -> Json:
    """A street of more lines than there are columns has the rest in the last."""
    parts = value if isinstance(value, Mapping) else {}
    lines = [line.strip() for line in normal(str(parts.get("street") or "")).split("\n") if line.strip()]
    if len(lines) > LINES:
        lines = [*lines[: LINES - 1], ", ".join(lines[LINES - 1 :])]
    lines += [""] * (LINES - len(lines))
    texts = [*lines, *(parts.get(part) for part in ADDRESS_PARTS)]
    return {column: text or None for column, text in zip(field.dynamics, texts, strict=True)}


_ENCODED: Mapping[str, Callable[[Value, FieldRow], Json]] = {
    **dict.fromkeys(("text", "email", "phone", "list", "memo", "day", "completed", "date"), _column),
    **dict.fromkeys(("percent", "importance"), _column),
    "name": _name_columns,
    "address": _address_columns,
}
