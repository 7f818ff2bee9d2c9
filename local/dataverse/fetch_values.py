"""Values in FetchXML conditions: text that means something else for each column type."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from local.dataverse.errors import Refusal, refuse
from local.dataverse.schema import Column
from local.dataverse.values import as_guid, as_text

BOOLEANS = {"1": True, "true": True, "0": False, "false": False}


def operand(column: Column, text: str, zone: ZoneInfo) -> Any:
    """The value in the form in which rows hold it; times without a zone are the caller's local time."""
    text = text.strip()
    if column.type in ("string", "memo"):
        return text
    if column.type in ("guid", "lookup"):
        return _checked(column, text, as_guid(text.strip("{}")))
    if column.type == "boolean":
        return _checked(column, text, BOOLEANS.get(text.lower()))
    if column.type == "datetime":
        return _moment(column, text, zone)
    if column.type == "date":
        return _moment(column, text, ZoneInfo("UTC"))[:10]
    return _number(column, text)


def _moment(column: Column, text: str, zone: ZoneInfo) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _wrong(column, text) from error
    local = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return as_text(local.astimezone(UTC))


def _number(column: Column, text: str) -> int | float:
    try:
        return float(text) if column.type in ("decimal", "double") else int(text)
    except ValueError as error:
        raise _wrong(column, text) from error


def _checked(column: Column, text: str, value: Any) -> Any:
    if value is None:
        raise _wrong(column, text)
    return value


def _wrong(column: Column, text: str) -> Refusal:
    return refuse(
        "InvalidQuery", message=f"Condition for attribute '{column.name}': wrong format of value '{text}'."
    )
