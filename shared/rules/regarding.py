"""Regarding (FLD-8): a stamp on the Exchange item, a lookup on the Dynamics row. Never read off attendees."""

from __future__ import annotations

from shared.model.values import Value
from shared.rules.tracking import normal_guid

# Object type codes of the standard tables an activity can regard.
TABLES = {
    "1": "account",
    "2": "contact",
    "3": "opportunity",
    "4": "lead",
    "112": "incident",
    "1010": "contract",
    "1084": "quote",
    "1088": "salesorder",
    "1090": "invoice",
    "4400": "campaign",
}
CODES = {table: code for code, table in TABLES.items()}


def to_dynamics(value: Value) -> Value:
    """None for "no regarding"; raises KeyError for a type that is not known here."""
    if not isinstance(value, dict) or not value.get("id"):
        return None
    kind = str(value.get("type") or "").strip().lower()
    table = kind if kind in CODES else TABLES[kind.split(".")[0]]
    return {"table": table, "id": normal_guid(str(value["id"]))}


def to_exchange(value: Value) -> Value:
    if not isinstance(value, dict):
        return None
    table = str(value["table"])
    return {"type": CODES.get(table, table), "id": str(value["id"])}


def is_known(value: Value) -> bool:
    try:
        to_dynamics(value)
    except KeyError:
        return False
    return True
