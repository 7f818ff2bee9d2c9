"""FetchXML as data: entity, columns, filters, links, order, paging."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from local.dataverse.errors import Refusal, refuse
from local.dataverse.schema import Column, Table


@dataclass(frozen=True)
class FetchCondition:
    """``alias`` names the linked entity it is about; empty: the one whose filter it stands in. With
    ``other`` (alias and column) it compares two columns and has no operands."""

    alias: str
    attribute: str
    column: Column
    operator: str
    operands: tuple[Any, ...]
    other: tuple[str, Column] | None = None


@dataclass(frozen=True)
class FetchExists:
    """Whether the row has any row of the link, or none; nothing of that row can be returned."""

    link: FetchEntity
    wanted: bool


@dataclass(frozen=True)
class FetchFilter:
    kind: Literal["and", "or"]
    parts: tuple[FetchCondition | FetchExists | FetchFilter, ...]


@dataclass(frozen=True)
class FetchOrder:
    column: Column
    descending: bool


@dataclass
class FetchEntity:
    """The root entity or a linked one; a linked one is joined ``source`` (here) to ``target`` (parent)."""

    table: Table
    alias: str = ""
    columns: list[tuple[Column, str]] = field(default_factory=list)
    filter: FetchFilter | None = None
    links: list[FetchEntity] = field(default_factory=list)
    orders: list[FetchOrder] = field(default_factory=list)
    source: Column | None = None
    target: Column | None = None
    outer: bool = False


@dataclass
class Fetch:
    entity: FetchEntity
    distinct: bool
    top: int | None
    count: int | None
    page: int
    total: bool


def invalid(message: str) -> Refusal:
    return refuse("InvalidQuery", message=f"Invalid FetchXML: {message}")
