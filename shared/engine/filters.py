"""The sync filters of a mailbox's owner: kept with the mailbox, and asked for anew now and then (FLT-1 to
FLT-6)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared.engine.ports import Agenda, Cursor
from shared.engine.services import Services
from shared.model.mailbox import Mailbox
from shared.model.profile import Profile
from shared.model.sync_filter import FilterOrigin, Filters, SyncFilter, union

FEED = "filters"
CHECKED_EVERY = timedelta(minutes=12)
WATCHERS = "userquery"
"""Table of ``items`` under which mailboxes stand that want rows of a table that others own."""


@dataclass(frozen=True, slots=True)
class KnownFilters:
    """``changed``: they, or settings that decide what is merged (``settings_changed``), are not those of the
    last comparison. ``fresh``: Dynamics was asked."""

    filters: Filters
    settings: str
    changed: bool
    settings_changed: bool = False
    fresh: bool = False


def settings_of(profile: Profile) -> str:
    """What, when it changes, makes every link to be looked at once: address mode, directions, what is on."""
    directions = {
        entity: {name: direction.value for name, direction in sorted(fields.items())}
        for entity, fields in sorted(profile.directions.items())
    }
    settings = {
        "addresses": profile.contact_addresses.value,
        "company": profile.company_from_parent,
        "contacts": profile.synchronize_contacts,
        "tasks": profile.synchronize_tasks,
        "directions": directions,
    }
    return json.dumps(settings, sort_keys=True)


async def known_filters(
    services: Services,
    mailbox: Mailbox,
    profile: Profile,
    agenda: Agenda,
    *,
    ask: bool,
) -> KnownFilters:
    """As kept, or as Dynamics has them now."""
    cursor = agenda.cursors.get(FEED)
    kept = json.loads(cursor.link) if cursor else None
    fresh = ask or kept is None
    if kept is None or ask:
        filters = await services.dynamics.sync_filters(mailbox.user_id)
    else:
        filters = _decoded(kept["filters"])
    settings = settings_of(profile)
    if kept is None:
        return KnownFilters(filters, settings, changed=True, fresh=fresh)
    other_settings = kept["settings"] != settings
    other_filters = _decoded(kept["filters"]).fingerprint != filters.fingerprint
    return KnownFilters(filters, settings, other_settings or other_filters, other_settings, fresh)


def is_due(mailbox: Mailbox, services: Services) -> bool:
    read = mailbox.filters_read_at
    return read is None or services.now() - read >= CHECKED_EVERY


def cursor_of(known: KnownFilters, services: Services) -> Cursor:
    link = json.dumps({"filters": _encoded(known.filters), "settings": known.settings})
    return Cursor(FEED, link, complete=True, updated_at=services.now())


async def watch(services: Services, mailbox: Mailbox, filters: Filters, tables: Sequence[str]) -> None:
    """Let the router know of which tables this mailbox wants rows that its owner does not own."""
    custom = filters.custom_tables
    entries = await services.items.entries(WATCHERS, list(tables))
    for table in tables:
        watching = table in entries and mailbox.id in entries[table].mailboxes
        if table in custom and not watching:
            await services.items.join(WATCHERS, table, mailbox.id)
        elif watching and table not in custom:
            await services.items.leave(WATCHERS, table, mailbox.id)


def _encoded(filters: Filters) -> list[dict[str, object]]:
    return [
        {
            "id": each.id,
            "table": each.table,
            "name": each.name,
            "fetch": each.fetch_xml,
            "version": each.version,
            "origin": each.origin.value,
            "usual": each.usual,
        }
        for each in filters.filters
    ]


def _decoded(rows: Sequence[dict[str, object]]) -> Filters:
    return union(
        SyncFilter(
            id=str(row["id"]),
            table=str(row["table"]),
            name=str(row["name"]),
            fetch_xml=str(row["fetch"]),
            version=str(row["version"]),
            origin=FilterOrigin(str(row["origin"])),
            usual=bool(row["usual"]),
        )
        for row in rows
    )
