"""The fields of the field map in a Graph contact: where each stands, read and written as its kind wants it.

Which property a field is, is said by the field table alone (FLD-20 to FLD-37); here is only how.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, timedelta
from typing import Any

from shared.exchange import event_time, stamps
from shared.model.personal import CONTACT
from shared.model.values import Value, Values
from shared.rules.field_table import FieldRow, of_entity

Json = dict[str, Any]

_TAG = re.compile(r"^\w+ 0x[0-9A-Fa-f]{4}$")
_SLOT = re.compile(r"^(\w+)\[\d\]$")
_ROWS = tuple(row for row in of_entity(CONTACT) if row.kind != "regarding")
_TAGGED = tuple(row for row in _ROWS if _TAG.match(row.exchange))
_LISTED = tuple(row for row in _ROWS if _SLOT.match(row.exchange))
_NAME = next(row for row in _ROWS if row.kind == "name")
_SINGLE = tuple(row for row in _ROWS if row not in (*_TAGGED, *_LISTED, _NAME))

NAME_PARTS = tuple(_NAME.exchange.split(", "))
TAGS: Mapping[str, str] = {row.name: row.exchange for row in _TAGGED}
"""Fields that only MAPI knows, by the ids of their extended properties (FLD-37)."""
EMAILS: Mapping[str, str] = {row.name: row.exchange for row in _SINGLE if row.kind == "email"}
ALL_EMAILS = "emailAddresses"
_LISTS: dict[str, list[str]] = {}
for _row in _LISTED:
    _LISTS.setdefault(_row.exchange.partition("[")[0], []).append(_row.name)

PROPERTIES = (*NAME_PARTS, *(row.exchange for row in _SINGLE), *_LISTS)
EXPAND = "singleValueExtendedProperties($filter={})".format(
    " or ".join(f"id eq '{identifier}'" for identifier in (*stamps.PROPERTIES.values(), *TAGS.values()))
)

# Outlook shows the date that is kept without a zone, where there is one; Exchange does not derive it.
_WITHOUT_ZONE = {"anniversary": "SystemTime {00062004-0000-0000-C000-000000000046} Id 0x80DF"}
_NOBODYS_YEAR = 4500
"""Outlook writes "no date" as the first of January 4501."""
_PARTS = {
    "street": "street",
    "city": "city",
    "state": "state",
    "postalCode": "postalCode",
    "country": "countryOrRegion",
}
_EMPTY: Mapping[str, Value] = {"name": {}, "address": {}, "list": [], "date": None}

BLANK: Values = {row.name: _EMPTY.get(row.kind, "") for row in _ROWS}
"""A contact that says nothing."""


# --- reading --------------------------------------------------------------------------------------


def shown(row: Json) -> dict[str, Value]:
    """What the properties of a row say; a property that is not there says nothing."""
    values: dict[str, Value] = {}
    if all(part in row for part in NAME_PARTS):
        values[_NAME.name] = {part: text for part in NAME_PARTS if (text := _text(row[part]))}
    for field in _SINGLE:
        if field.exchange in row:
            values[field.name] = _read(field)(row[field.exchange])
    for listing, names in _LISTS.items():
        if listing in row:
            values |= _of_list(names, [_text(each) for each in row[listing] or ()])
    return values


def emails_by_position(row: Json) -> dict[str, Value]:
    """For a service that tells no slots: the list leaves empty ones out, so that this may be wrong by one."""
    return _of_list(list(EMAILS), [_address(each) for each in row.get(ALL_EMAILS) or ()])


def email_names(row: Json) -> dict[str, str]:
    """By field, the names beside the addresses, where they say more."""
    pairs = {field: row.get(slot) or {} for field, slot in EMAILS.items()}
    return {
        field: _text(pair.get("name"))
        for field, pair in pairs.items()
        if pair.get("name") and pair["name"] != pair.get("address")
    }


def tagged(rows: Iterable[Json] | None) -> dict[str, Value]:
    """Of a row that was read with ``EXPAND``: no property means no value."""
    found = {str(row.get("id")).lower(): row.get("value") for row in rows or ()}
    return {field.name: _read(field)(found.get(field.exchange.lower())) for field in _TAGGED}


def _read(field: FieldRow) -> Callable[[Any], Value]:
    return {"email": _address, "date": _date, "list": _texts, "address": _place}.get(field.kind, _text)


def _of_list(names: list[str], texts: list[str]) -> dict[str, Value]:
    return {name: texts[place] if place < len(texts) else "" for place, name in enumerate(names)}


def _text(value: Any) -> str:
    if value is not None and not isinstance(value, str):
        raise TypeError("no text")
    return value or ""


def _texts(value: Any) -> Value:
    return [_text(each) for each in value or ()]


def _address(value: Any) -> str:
    return _text(value.get("address")).strip() if value else ""


def _place(value: Any) -> Value:
    place = value or {}
    return {part: text for part, name in _PARTS.items() if (text := _text(place.get(name)))}


def _date(value: Any) -> Value:
    """Exchange keeps dates at one minute to noon UTC; older Outlooks kept midnight of their own zone. The
    nearest midnight of UTC is the date that was meant, from UTC-11 to UTC+12."""
    if not value:
        return None
    moment = event_time.moment({"dateTime": value}).astimezone(UTC)
    return None if moment.year >= _NOBODYS_YEAR else (moment + timedelta(hours=12)).date().isoformat()


# --- writing --------------------------------------------------------------------------------------


def encode(values: Values, present: Values, names: Mapping[str, str]) -> Json:
    """The properties that say ``values``; what is empty is cleared. ``present``: the contact as it is, for
    lists are written whole; ``names``: of the addresses, kept beside one that stays."""
    body: Json = {}
    if _NAME.name in values:
        body |= _each(NAME_PARTS, _mapping(values[_NAME.name]))
    for field in _SINGLE:
        if field.name in values:
            body[field.exchange] = _written(field, values[field.name], present, names)
    for listing, fields in _LISTS.items():
        if not values.keys().isdisjoint(fields):
            now = {**{name: present[name] for name in fields if name not in values}, **values}
            body[listing] = [now[name] for name in fields if now[name]]
    return body


def encode_tagged(values: Values) -> list[Json]:
    """The extended properties among ``values``. A text is cleared by an empty one; a date cannot be."""
    rows = []
    for field in _TAGGED:
        if field.name in values:
            value = values[field.name]
            rows.append(
                {"id": field.exchange, "value": _noon(value) if field.kind == "date" else value or ""}
            )
            if field.name in _WITHOUT_ZONE:
                rows.append(
                    {"id": _WITHOUT_ZONE[field.name], "value": f"{value}T00:00:00Z" if value else None}
                )
    return rows


def without_empty(body: Json) -> Json:
    """For a create: what is not said is empty anyhow."""
    inner = {name: without_empty(value) if isinstance(value, dict) else value for name, value in body.items()}
    return {name: value for name, value in inner.items() if value not in (None, "", [], {})}


def _written(field: FieldRow, value: Value, present: Values, names: Mapping[str, str]) -> Any:
    if field.kind == "email":
        return _mail(field.name, value, present, names)
    if field.kind == "address":
        parts = _mapping(value)
        return {name: parts.get(part) or None for part, name in _PARTS.items()}
    if field.kind == "date":
        return _noon(value)
    if field.kind == "list":
        return list(value) if isinstance(value, list | tuple) else []
    return value or None


def _mail(name: str, value: Value, present: Values, names: Mapping[str, str]) -> Json | None:
    if not value:
        return None
    stays = str(value).lower() == str(present.get(name) or "").lower()
    return {"address": value, **({"name": names[name]} if stays and name in names else {})}


def _noon(value: Value) -> str | None:
    return f"{value}T11:59:00Z" if value else None


def _each(parts: Iterable[str], value: Mapping[str, Value]) -> Json:
    return {part: value.get(part) or None for part in parts}


def _mapping(value: Value) -> Mapping[str, Value]:
    return value if isinstance(value, Mapping) else {}
