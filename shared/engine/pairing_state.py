"""What pairing has found out so far about the items it was given."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from shared.engine.gather import version_of
from shared.engine.ports import ItemEntry
from shared.model.appointment import APPOINTMENT, SERVICE, Absence, DynamicsAppointment
from shared.model.event import ExchangeEvent, Stamps
from shared.model.link import Link
from shared.rules import tracking
from shared.rules.occurrence_base import versions_of
from shared.rules.situation import AppointmentSituation


@dataclass
class Paired:
    """The situations to decide, and how many rows needed no decision."""

    situations: list[AppointmentSituation] = field(default_factory=list)
    echoes: int = 0
    untracked: int = 0


@dataclass
class Work:
    """What has been found out so far."""

    links: dict[str, Link] = field(default_factory=dict)
    """By Dynamics id."""
    events: dict[str, ExchangeEvent] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    records: dict[str, DynamicsAppointment | Absence] = field(default_factory=dict)
    pairs: list[tuple[str | None, str | None]] = field(default_factory=list)
    """(exchange id, dynamics id)."""
    copies: dict[str, str] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    """Of Dynamics ids: those that are not appointments."""
    successors: dict[str, str] = field(default_factory=dict)
    """What a linked row became: Dynamics id to Dynamics id."""
    parked: set[str] = field(default_factory=set)
    leftovers: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    """Rows of which the change feed says that they were there and are gone."""
    in_filter: dict[str, bool | None] = field(default_factory=dict)
    entries: dict[str, ItemEntry] = field(default_factory=dict)
    """What the index of items says of rows without a link, as far as it was asked."""

    def table_of(self, row_id: str) -> str:
        link = self.links.get(row_id)
        return link.table if link else self.tables.get(row_id, APPOINTMENT)

    def by_table(self, ids: Iterable[str]) -> dict[str, list[str]]:
        sorted_ids: dict[str, list[str]] = {}
        for row_id in sorted(ids):
            sorted_ids.setdefault(self.table_of(row_id), []).append(row_id)
        return sorted_ids


def with_stamps(event: ExchangeEvent, stamps: Stamps) -> ExchangeEvent:
    """The feed's row with the stamps that were read for it; regarding lives in the stamps."""
    regards: Any = None
    if stamps.regarding_id:
        regards = {
            "type": (stamps.regarding_type or "").lower(),
            "id": tracking.normal_guid(stamps.regarding_id),
        }
    return replace(event, stamps=stamps, values={**event.values, "regarding": regards})


def crm_id(event: ExchangeEvent) -> str | None:
    stamp = event.stamps.crm_id if event.stamps else None
    guid = tracking.normal_guid(stamp) if stamp else ""
    return guid if len(guid) == 36 else None


def stamped_table(event: ExchangeEvent) -> str:
    """The table that the item's stamps name; without a word, the one that it belongs in."""
    return tracking.stamped_table(event) or tracking.table_of(event)


def is_news(record: DynamicsAppointment | Absence | None, link: Link) -> bool:
    """The row, or an exception of the series, is in another version than the link holds."""
    if version_of(etag(record)) != version_of(link.dynamics_etag):
        return True
    if not isinstance(record, DynamicsAppointment) or not record.is_series:
        return False
    versions = {version_of(exception.etag) for exception in record.exceptions.values()}
    return versions != versions_of(link)


def etag(record: DynamicsAppointment | Absence | None) -> str | None:
    return record.etag if isinstance(record, DynamicsAppointment) else None


def organizer_user(record: DynamicsAppointment | Absence | None) -> str | None:
    """Nobody organizes a service appointment for others (APPT-37)."""
    if not isinstance(record, DynamicsAppointment) or record.table == SERVICE:
        return None
    organizer = record.value("organizer")
    return str(organizer) if organizer else None
