"""What a table is: columns, look-ups, collections, states and parties, as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

ColumnType = Literal[
    "string",
    "memo",
    "integer",
    "bigint",
    "decimal",
    "double",
    "boolean",
    "datetime",
    "date",
    "guid",
    "picklist",
    "state",
    "status",
    "lookup",
]
OPTION_TYPES = frozenset({"picklist", "state", "status"})
EDM_TYPES: Mapping[str, str] = {
    "string": "Edm.String",
    "memo": "Edm.String",
    "integer": "Edm.Int32",
    "bigint": "Edm.Int64",
    "decimal": "Edm.Decimal",
    "double": "Edm.Double",
    "boolean": "Edm.Boolean",
    "datetime": "Edm.DateTimeOffset",
    "date": "Edm.Date",
    "guid": "Edm.Guid",
    "picklist": "Edm.Int32",
    "state": "Edm.Int32",
    "status": "Edm.Int32",
    "lookup": "Edm.Guid",
}
INTEGER_LIMIT = 2_147_483_647


@dataclass(frozen=True)
class Option:
    """One value of an option set; for a status reason also the state it belongs to."""

    value: int
    label: str
    state: int | None = None


@dataclass(frozen=True)
class Column:
    """One column. A look-up is read as ``_name_value`` and written through a navigation property."""

    name: str
    type: ColumnType
    max_length: int | None = None
    options: tuple[Option, ...] = ()
    navigation: tuple[tuple[str, str], ...] = ()
    create: bool = True
    update: bool = True
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    cascade_delete: bool = False
    indexed: bool = False

    @property
    def property_name(self) -> str:
        """The name it is read by."""
        return f"_{self.name}_value" if self.type == "lookup" else self.name

    @property
    def edm_type(self) -> str:
        return EDM_TYPES[self.type]

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(target for _, target in self.navigation))

    def label(self, value: int) -> str | None:
        return next((option.label for option in self.options if option.value == value), None)


@dataclass(frozen=True)
class Collection:
    """A collection-valued navigation property: the rows of ``table`` whose ``column`` points here."""

    name: str
    table: str
    column: str


@dataclass(frozen=True)
class PartyRules:
    """Which participation types a caller may set on an activity, and which tables each may point to."""

    navigation: str
    masks: Mapping[int, frozenset[str]]
    unresolved: frozenset[int] = frozenset()
    single: frozenset[int] = frozenset()


EVERY_WRITE = frozenset({"Create", "Update", "Delete"})
Kind = Literal["activity", "customer", "system", "personal", "party", "attachment"]


@dataclass(frozen=True)
class Table:
    """One table. ``kind`` decides who may read and write its rows (see ``security``); with a
    ``parent_column`` those of the row that it points to decide. ``closed_column`` is filled with the time
    when a row leaves its open state."""

    name: str
    entity_set: str
    primary_id: str
    primary_name: str
    label: str
    type_code: int
    kind: Kind
    columns: tuple[Column, ...]
    collections: tuple[Collection, ...] = ()
    parties: PartyRules | None = None
    change_tracking: bool = False
    optimistic_concurrency: bool = True
    refused: frozenset[str] = frozenset()
    address_column: str | None = None
    parent_column: str | None = None
    state_defaults: Mapping[int, int] = field(default_factory=dict)
    closed_column: str | None = None

    @cached_property
    def by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @cached_property
    def by_property(self) -> dict[str, Column]:
        return {column.property_name: column for column in self.columns}

    @cached_property
    def single_navigation(self) -> dict[str, tuple[Column, tuple[str, ...]]]:
        """Navigation property -> (look-up column, tables it may lead to)."""
        found: dict[str, tuple[Column, tuple[str, ...]]] = {}
        for column in self.columns:
            for navigation, target in column.navigation:
                found[navigation] = (column, (*found.get(navigation, (column, ()))[1], target))
        return found

    @cached_property
    def collection_navigation(self) -> dict[str, Collection]:
        return {collection.name: collection for collection in self.collections}

    @property
    def owned(self) -> bool:
        return "ownerid" in self.by_name


# --- shorthand for writing tables down -----------------------------------------------------------


def strings(**lengths: int) -> tuple[Column, ...]:
    return tuple(Column(name, "string", max_length=length) for name, length in lengths.items())


def memos(**lengths: int) -> tuple[Column, ...]:
    return tuple(Column(name, "memo", max_length=length) for name, length in lengths.items())


def plain(kind: ColumnType, *names: str, default: Any = None) -> tuple[Column, ...]:
    """Columns of one type without further rules."""
    return tuple(Column(name, kind, default=default) for name in names)


def integers(
    *names: str, minimum: int = -INTEGER_LIMIT - 1, maximum: int = INTEGER_LIMIT
) -> tuple[Column, ...]:
    return tuple(Column(name, "integer", minimum=minimum, maximum=maximum) for name in names)


def picklist(name: str, options: Mapping[int, str], default: int | None = None) -> Column:
    return Column(name, "picklist", options=_options(options), default=default)


def states(labels: Mapping[int, str], reasons: Iterable[tuple[int, str, int]]) -> tuple[Column, ...]:
    """``statecode`` and ``statuscode``; a state is not valid for create, a row starts in state 0."""
    status = tuple(Option(value, label, state) for value, label, state in reasons)
    return (
        Column("statecode", "state", options=_options(labels), create=False, default=0),
        Column("statuscode", "status", options=status),
    )


def lookup(name: str, *navigation: tuple[str, str], cascade: bool = False, indexed: bool = False) -> Column:
    return Column(name, "lookup", navigation=navigation, cascade_delete=cascade, indexed=indexed)


def read_only(*columns: Column) -> tuple[Column, ...]:
    return tuple(replace(column, create=False, update=False) for column in columns)


def create_only(*columns: Column) -> tuple[Column, ...]:
    return tuple(replace(column, update=False) for column in columns)


def _options(labels: Mapping[int, str]) -> tuple[Option, ...]:
    return tuple(Option(value, label) for value, label in labels.items())
