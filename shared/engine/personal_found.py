"""What pairing has found out so far about the contacts, or tasks, that it was given."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.engine.personal_counterparts import Finding
from shared.engine.ports import ItemEntry
from shared.model.appointment import Absence
from shared.model.link import Link
from shared.model.personal import (
    PERSONAL_TABLES,
    DynamicsRecord,
    ExchangeItem,
    kind_of,
)
from shared.rules import tracking
from shared.rules.personal_situation import PersonalSituation


@dataclass
class PersonalPaired:
    """The situations to decide, and how many items needed no decision."""

    situations: list[PersonalSituation] = field(default_factory=list)
    echoes: int = 0
    untracked: int = 0


@dataclass
class Found:
    """What has been found out so far. ``pairs``: (exchange id, dynamics id)."""

    links: dict[str, Link] = field(default_factory=dict)
    items: dict[str, ExchangeItem] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    records: dict[str, DynamicsRecord | Absence] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    entries: dict[str, ItemEntry] = field(default_factory=dict)
    """What the index of items says of rows without a link, as far as it was asked."""
    pairs: dict[str, str | None] = field(default_factory=dict)
    """Exchange id to Dynamics id."""
    alone: list[str] = field(default_factory=list)
    """Rows without an item."""
    copies: dict[str, str] = field(default_factory=dict)
    untracked: dict[str, ExchangeItem] = field(default_factory=dict)
    """Items without a link that nobody tracks any more, by the row that they still name."""
    moved: set[str] = field(default_factory=set)
    findings: dict[str, Finding] = field(default_factory=dict)
    """By the id of the item, or of the row that has none."""


def has_ended(link: Link | None) -> bool:
    return link is not None and link.state.ended


def crm_id(item: ExchangeItem) -> str | None:
    """The row that the item's stamp names."""
    stamp = item.stamps.crm_id if item.stamps else None
    guid = tracking.normal_guid(stamp) if stamp else ""
    return guid if len(guid) == 36 else None


def of_kind(kind: str) -> tuple[str, ...]:
    """The Dynamics tables of contacts, or of tasks."""
    return tuple(table for table in PERSONAL_TABLES if kind_of(table) == kind)
