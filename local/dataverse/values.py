"""Values of columns: what a caller may send, how it is stored, and how it is written for people."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from local.dataverse.errors import refuse
from local.dataverse.schema import OPTION_TYPES, Column, Table

DATE_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,7})?)?(Z|[+-]\d\d:\d\d)$")
EARLIEST = datetime(1753, 1, 1, tzinfo=UTC)
NOT_THE_TYPE = "Cannot convert the literal '{value}' to the expected type '{edm}'."


def stored(table: Table, column: Column, value: Any) -> Any:
    """The value as it is kept, or a refusal that names what is wrong with it."""
    if value is None:
        return None
    if column.type in ("string", "memo"):
        return _text(table, column, value)
    if column.type == "boolean":
        return _of_type(table, column, value, bool)
    if column.type == "datetime":
        return _date_time(table, column, value)
    if column.type == "date":
        return _date(table, column, value)
    if column.type == "guid":
        return _guid(table, column, value)
    return _number(table, column, value)


def parse_date_time(text: str) -> datetime | None:
    """An OData date-time with a zone, in UTC, cut to the second as Dataverse keeps it."""
    if not DATE_TIME.match(text):
        return None
    trimmed = re.sub(r"\.\d+", "", text)
    try:
        return datetime.fromisoformat(trimmed.replace("Z", "+00:00")).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def as_text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def as_guid(text: str) -> str | None:
    """The canonical form of a GUID in the plain 8-4-4-4-12 spelling."""
    if len(text) != 36:
        return None
    try:
        return str(UUID(text))
    except ValueError:
        return None


def formatted(column: Column, value: Any) -> str | None:
    """What ``OData.Community.Display.V1.FormattedValue`` shows; ``None`` where there is none."""
    if value is None:
        return None
    if column.type in OPTION_TYPES:
        return column.label(value)
    if column.type == "boolean":
        return "Yes" if value else "No"
    if column.type == "datetime":
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
        return f"{moment.month}/{moment.day}/{moment.year} {moment:%I:%M %p}".replace(" 0", " ")
    if column.type == "date":
        day = date.fromisoformat(value)
        return f"{day.month}/{day.day}/{day.year}"
    if column.type in ("integer", "bigint"):
        return f"{value:,}"
    return None


def _mismatch(table: Table, column: Column, value: Any) -> Exception:
    message = NOT_THE_TYPE.format(value=value, edm=column.edm_type)
    return refuse("InvalidPayload", entity_set=table.entity_set, message=f"{message} ({column.name})")


def _of_type(table: Table, column: Column, value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise _mismatch(table, column, value)
    return value


def _text(table: Table, column: Column, value: Any) -> str:
    text: str = _of_type(table, column, value, str)
    if column.max_length is not None and utf16_length(text) > column.max_length:
        raise refuse("TooLong", column=column.name, table=table.name, limit=column.max_length)
    return text


def utf16_length(text: str) -> int:
    """The length the server counts: UTF-16 units, so an emoji counts twice."""
    return len(text) + sum(1 for character in text if ord(character) > 0xFFFF)


def _date_time(table: Table, column: Column, value: Any) -> str:
    moment = parse_date_time(_of_type(table, column, value, str))
    if moment is None:
        raise _mismatch(table, column, value)
    if moment < EARLIEST:
        raise refuse("OutOfRange", value=value, column=column.name, table=table.name)
    return as_text(moment)


def _date(table: Table, column: Column, value: Any) -> str:
    text: str = _of_type(table, column, value, str)
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else None
    except ValueError:
        day = None
    if day is None:
        raise _mismatch(table, column, value)
    if day < EARLIEST.date():
        raise refuse("OutOfRange", value=value, column=column.name, table=table.name)
    return day.isoformat()


def _guid(table: Table, column: Column, value: Any) -> str:
    text = as_guid(_of_type(table, column, value, str))
    if text is None:
        raise _mismatch(table, column, value)
    return text


def _number(table: Table, column: Column, value: Any) -> int | float:
    whole = column.type not in ("decimal", "double")
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise _mismatch(table, column, value)
    if column.options and column.label(int(value)) is None:
        raise refuse("InvalidOption", value=value, column=column.name, table=table.name)
    too_small = column.minimum is not None and value < column.minimum
    too_big = column.maximum is not None and value > column.maximum
    if too_small or too_big:
        raise refuse("OutOfRange", value=value, column=column.name, table=table.name)
    return value
