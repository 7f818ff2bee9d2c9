"""The field map in the admin API (FLD-33, FAQ-4): the fields there are, where each goes, and changing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shared.model.profile import Profile
from shared.model.values import Direction
from shared.rules.field_table import (
    FieldRow,
    by_name,
    default_direction,
    direction_in,
    entities,
    rows,
)
from shared.web.http import BadRequest

Directions = Mapping[str, Mapping[str, Direction]]
Named = dict[str, dict[str, Direction]]


def fields_json(profile: Profile, entity: str = "") -> list[dict[str, Any]]:
    """The map in its order, with the directions of this profile."""
    if entity:
        _known(entity)
    return [_field_json(row, profile) for row in rows() if entity in ("", row.entity)]


def _field_json(row: FieldRow, profile: Profile) -> dict[str, Any]:
    return {
        "entity": row.entity,
        "field": row.name,
        "label": row.label,
        "rule": row.rule,
        "exchange": row.exchange,
        "dynamics": list(row.dynamics),
        "direction": _shown(row, profile).value,
        "default": default_direction(row, profile.directions).value,
        "settable": row.settable,
        "computed": row.computed,
        "limits": dict(row.limits),
        "tooLong": row.too_long or None,
        "setting": row.setting or None,
    }


def _shown(row: FieldRow, profile: Profile) -> Direction:
    """Where the field goes; of files the profile's setting alone says it (FLD-2)."""
    if row.kind == "files":
        return Direction.BOTH if profile.synchronize_attachments else Direction.NONE
    return direction_in(row, profile.directions)


# --- changes --------------------------------------------------------------------------------------


def with_directions(profile: Profile, body: dict[str, Any]) -> Profile:
    """``profile`` with the directions that a list of fields names; all others stay. Raises BadRequest."""
    named: Named = {}
    for place, entry in enumerate(_entries(body)):
        row, direction = _entry(entry, place, profile)
        if row.settable:
            named.setdefault(row.entity, {})[row.name] = direction
    kept = {entity: {**fields, **named.get(entity, {})} for entity, fields in profile.directions.items()}
    return _chosen(profile, {**named, **kept})


def _entries(body: dict[str, Any]) -> list[Any]:
    entries = body.get("value")
    if set(body) != {"value"} or not isinstance(entries, list):
        raise BadRequest(
            'Give the fields as GET lists them: {"value": [{"entity", "field", "direction"}, ...]}; '
            "those that are left out stay as they are."
        )
    return entries


def _entry(entry: Any, place: int, profile: Profile) -> tuple[FieldRow, Direction]:
    if not isinstance(entry, dict) or not {"entity", "field", "direction"} <= set(entry):
        raise BadRequest(f"'value[{place}]' must be an object with 'entity', 'field' and 'direction'.")
    row = _row(entry["entity"], entry["field"])
    direction = _direction(entry["direction"])
    if not row.settable and direction is not _shown(row, profile):
        raise _fixed(row)
    return row, direction


def with_entities(profile: Profile, value: Any) -> Profile:
    """``profile`` with all directions of the entities named replaced by those in ``value``. Raises
    BadRequest."""
    if not isinstance(value, dict):
        raise BadRequest(f"'directions' must be an object with entities as keys: {', '.join(entities())}.")
    named: Named = {}
    for entity, fields in value.items():
        _known(entity)
        if not isinstance(fields, dict):
            raise BadRequest(f"'directions.{entity}' must be an object: field names and their directions.")
        named[entity] = {name: _settable(entity, name, direction) for name, direction in fields.items()}
    return _chosen(profile, {**profile.directions, **named})


def _settable(entity: str, name: str, direction: Any) -> Direction:
    row = _row(entity, name)
    if not row.settable:
        raise _fixed(row)
    return _direction(direction)


def _chosen(profile: Profile, directions: Directions) -> Profile:
    """What differs from the defaults; the rest is not remembered."""
    kept = {
        entity: {
            name: direction
            for name, direction in fields.items()
            if direction is not default_direction(by_name(entity)[name], directions)
        }
        for entity, fields in directions.items()
    }
    return replace(profile, directions={entity: fields for entity, fields in kept.items() if fields})


# --- what can be wrong ----------------------------------------------------------------------------


def _known(entity: Any) -> str:
    if entity not in entities():
        raise BadRequest(
            f"There is no entity '{entity}' with fields. Known entities: {', '.join(entities())}.",
            code="unknownEntity",
        )
    return str(entity)


def _row(entity: Any, name: Any) -> FieldRow:
    known = by_name(_known(entity))
    if not isinstance(name, str) or name not in known:
        raise BadRequest(
            f"'{entity}' has no field '{name}'. Its fields: {', '.join(known)}.", code="unknownField"
        )
    return known[name]


def _fixed(row: FieldRow) -> BadRequest:
    settable = ", ".join(each.name for each in by_name(row.entity).values() if each.settable)
    return BadRequest(f"The direction of '{row.name}' is fixed. Settable: {settable or 'none'}.")


def _direction(value: Any) -> Direction:
    try:
        return Direction(str(value))
    except ValueError as error:
        allowed = ", ".join(each.value for each in Direction)
        raise BadRequest(f"'{value}' is no direction. Directions: {allowed}.") from error
