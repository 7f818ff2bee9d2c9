"""The field map as data (``model/data/fields.toml``): which fields there are, which way each travels, and
what may be changed (FLD-1 to FLD-37)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any

from shared.model.appointment import APPOINTMENT, SERIES, SERVICE
from shared.model.values import Direction

FOLLOWED: Mapping[str, str] = {SERIES: APPOINTMENT}
"""A series travels as appointments do, except in what an administrator chose for series."""


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field of one entity (a Dynamics table).

    ``exchange``: the Graph property as the table spells it (``String 0x3A21``: an extended one);
    ``dynamics``: the columns, which move together. ``limits``: the longest text by column, in UTF-16 units.
    ``too_long``: ``cut`` or ``leave``. ``settable``: an administrator may change the direction (FLD-33).
    ``setting``: what turns the field on. ``merged`` False: it is known, but moves by rules of its own."""

    entity: str
    name: str
    label: str
    rule: str
    kind: str
    exchange: str
    dynamics: tuple[str, ...]
    direction: Direction = Direction.BOTH
    settable: bool = False
    computed: bool = False
    limits: Mapping[str, int] = field(default_factory=dict)
    too_long: str = ""
    setting: str = ""
    mails: bool = False
    organizer_wins: bool = False
    merged: bool = True

    @property
    def limit(self) -> int | None:
        """Of a field with one column."""
        return self.limits.get(self.dynamics[0])


@cache
def rows() -> tuple[FieldRow, ...]:
    """The whole table, in its order, a row for each entity."""
    text = files("shared.model").joinpath("data", "fields.toml").read_text(encoding="utf-8")
    return tuple(_row(entity, data) for data in tomllib.loads(text)["field"] for entity in data["entities"])


def _row(entity: str, data: Mapping[str, Any]) -> FieldRow:
    row = FieldRow(
        entity=entity,
        name=data["name"],
        label=data["label"],
        rule=data["rule"],
        kind=data["kind"],
        exchange=data["exchange"],
        dynamics=tuple(data["dynamics"]),
        direction=Direction(data.get("direction", Direction.BOTH.value)),
        settable=bool(data["settable"]),
        computed=bool(data.get("computed", False)),
        limits=_limits(data),
        too_long=data.get("tooLong", ""),
        setting=data.get("setting", ""),
        mails=bool(data.get("mails", False)),
        organizer_wins=bool(data.get("organizerWins", False)),
        merged=bool(data.get("merged", True)),
    )
    return _one_way(row) if entity == SERVICE else row


def _limits(data: Mapping[str, Any]) -> Mapping[str, int]:
    limits = dict(data.get("limits", {}))
    return {**limits, data["dynamics"][0]: data["limit"]} if "limit" in data else limits


def _one_way(row: FieldRow) -> FieldRow:
    """A service appointment's: all of it goes to Exchange, nothing is written to Dynamics (FLD-12)."""
    towards = Direction.TO_EXCHANGE
    return replace(row, rule="FLD-12", direction=towards, settable=False, limits={}, too_long="")


@cache
def of_entity(entity: str) -> tuple[FieldRow, ...]:
    """The fields of one entity, in the table's order."""
    return tuple(row for row in rows() if row.entity == entity)


@cache
def by_name(entity: str) -> Mapping[str, FieldRow]:
    return {row.name: row for row in of_entity(entity)}


@cache
def entities() -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.entity for row in rows()))


def direction_of(row: FieldRow, directions: Mapping[str, Direction]) -> Direction:
    """The administrator's choice for a settable field (FLD-33), else the default."""
    return directions.get(row.name, row.direction) if row.settable else row.direction


def default_direction(row: FieldRow, chosen: Mapping[str, Mapping[str, Direction]]) -> Direction:
    """Where a field goes unless an administrator says otherwise for this very entity."""
    return direction_of(row, chosen.get(FOLLOWED.get(row.entity, ""), {}))


def direction_in(row: FieldRow, chosen: Mapping[str, Mapping[str, Direction]]) -> Direction:
    """Where a field goes by a profile's ``directions`` of all entities."""
    own = chosen.get(row.entity, {})
    return direction_of(row, own) if row.name in own else default_direction(row, chosen)
