"""Columns that the server fills itself: full names, composed addresses, durations, the owner's unit."""

from __future__ import annotations

from datetime import datetime

from local.dataverse.errors import refuse
from local.dataverse.schema import Table
from local.dataverse.store import Row, Store


def computed(table: Table, row: Row, store: Store) -> Row:
    """Values that follow from the others."""
    values: Row = {}
    if table.name == "contact":
        values["fullname"] = _joined(" ", row.get("firstname"), row.get("lastname"))
        values["yomifullname"] = _joined(" ", row.get("yomifirstname"), row.get("yomilastname"))
    for column in table.columns:
        if column.name.endswith("_composite"):
            values[column.name] = _address(row, column.name.removesuffix("_composite"))
    if table.kind == "activity":
        values["scheduleddurationminutes"] = _minutes(row)
    if table.owned:
        values |= _owner(row, store)
    return values


def _joined(separator: str, *parts: str | None) -> str | None:
    return separator.join(part for part in parts if part) or None


def _address(row: Row, prefix: str) -> str | None:
    place = _joined(" ", row.get(f"{prefix}_stateorprovince"), row.get(f"{prefix}_postalcode"))
    town = _joined(", ", row.get(f"{prefix}_city"), place)
    lines = [row.get(f"{prefix}_line{number}") for number in (1, 2, 3)]
    text = _joined("\r\n", *lines, town, row.get(f"{prefix}_country"))
    return text[:1000] if text else None


def _minutes(row: Row) -> int | None:
    start, end = row.get("scheduledstart"), row.get("scheduledend")
    if not start or not end:
        return None
    span = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    if span.total_seconds() < 0:
        raise refuse("InvalidArgument", message="The scheduled end must not be earlier than the start.")
    return int(span.total_seconds() // 60)


def _owner(row: Row, store: Store) -> Row:
    kind, owner_id = row["ownerid"]
    owner = store.get(kind, owner_id) or {}
    return {
        "owninguser": row["ownerid"] if kind == "systemuser" else None,
        "owningteam": row["ownerid"] if kind == "team" else None,
        "owningbusinessunit": owner.get("businessunitid"),
    }
