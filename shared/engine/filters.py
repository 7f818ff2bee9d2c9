"""The sync filters of a mailbox's owner: kept with the mailbox, and asked for anew now and then (FLT-1 to
FLT-6)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from shared.engine.ports import Agenda, ChangedRow, Cursor, HistoryRow
from shared.engine.services import Services
from shared.errors import Refused
from shared.model.decision import ItemRef
from shared.model.mailbox import Mailbox
from shared.model.profile import Profile
from shared.model.sync_filter import FilterOrigin, Filters, SyncFilter, union
from shared.model.values import Side

FEED = "filters"
UNREAD_AGAIN = timedelta(hours=1)
"""How soon filters are asked for again that Dynamics did not show."""
CHANGED = "filters"
"""The kind of the inbox row that says so (``filter_watch``)."""
RULES = ("FLT-6", "FLT-10")
WATCHERS = "userquery"
"""Table of ``items`` under which mailboxes stand that want rows of a table that others own."""


@dataclass(frozen=True, slots=True)
class KnownFilters:
    """``changed``: they, or settings that decide what is merged (``settings_changed``), are not those of the
    last comparison. ``fresh``: Dynamics was asked. ``trouble``: what was noted of filters that cannot be
    read or run, by their ids; ``unread``: why Dynamics did not show them now."""

    filters: Filters
    settings: str
    changed: bool
    settings_changed: bool = False
    fresh: bool = False
    trouble: Mapping[str, str] = field(default_factory=dict)
    unread: str = ""


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
    """As kept, or as Dynamics has them now. Where it refuses to show them the kept ones hold."""
    cursor = agenda.cursors.get(FEED)
    kept = json.loads(cursor.link) if cursor else None
    before = Filters(unread=True) if kept is None else _decoded(kept)
    filters, unread = before, ""
    if kept is None or ask:
        try:
            filters = await services.dynamics.sync_filters(mailbox.user_id)
        except Refused as error:
            unread = f"the sync filters cannot be read: {error}"
    settings = settings_of(profile)
    if kept is None:
        return KnownFilters(filters, settings, changed=True, fresh=True, unread=unread)
    other_settings = kept["settings"] != settings
    other_filters = before.fingerprint != filters.fingerprint
    return KnownFilters(
        filters, settings, other_settings or other_filters, other_settings, ask, kept["trouble"], unread
    )


def is_due(mailbox: Mailbox, profile: Profile, agenda: Agenda, now: datetime) -> bool:
    """Somebody said that they changed, they could not be read, or the profile wants them polled. The daily
    comparison reads them anyway."""
    if any(row.kind == CHANGED for row in agenda.inbox):
        return True
    cursor, read = agenda.cursors.get(FEED), mailbox.filters_read_at
    if cursor is None or read is None:
        return True
    waits = [timedelta(minutes=profile.filter_polling_minutes)] if profile.filter_polling_minutes else []
    known = json.loads(cursor.link)
    waits += [UNREAD_AGAIN] if known["unread"] or FEED in known["trouble"] else []
    return any(now - read >= wait for wait in waits)


def cursor_of(known: KnownFilters, trouble: Mapping[str, str], services: Services) -> Cursor:
    kept = {"filters": _encoded(known.filters), "settings": known.settings, "trouble": dict(trouble)}
    link = json.dumps({**kept, "unread": known.filters.unread})
    return Cursor(FEED, link, complete=True, updated_at=services.now())


async def watch(services: Services, mailbox_id: str, wanted: Collection[str], tables: Sequence[str]) -> None:
    """Let the router know of which of these tables this mailbox wants rows that its owner does not own."""
    entries = await services.items.entries(WATCHERS, list(tables))
    for table in tables:
        watching = table in entries and mailbox_id in entries[table].mailboxes
        if table in wanted and not watching:
            await services.items.join(WATCHERS, table, mailbox_id)
        elif watching and table not in wanted:
            await services.items.leave(WATCHERS, table, mailbox_id)


# --- running them ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Matches:
    """What the filters of one table find. ``broken``: those that Dynamics refuses to run, and why, by their
    ids; ``unknown``: the filters themselves could not be read."""

    rows: Mapping[str, ChangedRow] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)
    unknown: bool = False

    def takes(self, row_id: str) -> bool | None:
        """None: nobody knows, so it neither enters nor leaves."""
        if row_id in self.rows:
            return True
        return None if self.broken or self.unknown else False


async def matches(
    services: Services, user_id: str, filters: Filters, table: str, ids: Sequence[str] | None = None
) -> Matches:
    """Run the filters of a table as that user. One that is refused keeps none of the others from taking
    rows."""
    own = filters.of(table)
    if filters.unread or not own:
        return Matches(unknown=filters.unread)
    try:
        found = await services.dynamics.matching(own, ids, as_user=user_id)
        return Matches({row.id: row for row in found})
    except Refused as error:
        if len(own) == 1:
            return Matches(broken={own[0].id: str(error)})
    each = [await matches(services, user_id, Filters((one,)), table, ids) for one in own]
    rows = {row_id: row for some in each for row_id, row in some.rows.items()}
    return Matches(rows, {name: why for some in each for name, why in some.broken.items()})


def note_rows(before: Mapping[str, str], now: Mapping[str, str], at: datetime) -> Iterable[HistoryRow]:
    """Said once, when it changes."""
    for name in sorted(now.keys() - {name for name in before if before[name] == now.get(name)}):
        reason = f"{now[name]}; it takes nothing to Exchange, and nothing leaves Exchange meanwhile"
        yield _note(reason, "refused", at)
    for name in sorted(before.keys() - now.keys()):
        yield _note(f"over, or no filter any more: {before[name]}", "done", at)


def _note(reason: str, outcome: str, at: datetime) -> HistoryRow:
    return HistoryRow(at, ItemRef("mailbox", None, None), "warn", Side.DYNAMICS.value, RULES, reason, outcome)


# --- keeping them ---------------------------------------------------------------------------------


def everything(table: str) -> SyncFilter:
    """Whatever rows of this table the user may read: for questions about rows that no filter of his finds."""
    fetch = f'<fetch><entity name="{table}"/></fetch>'
    return SyncFilter("", table, "all rows", fetch, "", FilterOrigin.SYSTEM)


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


def _decoded(kept: Mapping[str, Any]) -> Filters:
    filters = union(
        SyncFilter(
            id=str(row["id"]),
            table=str(row["table"]),
            name=str(row["name"]),
            fetch_xml=str(row["fetch"]),
            version=str(row["version"]),
            origin=FilterOrigin(str(row["origin"])),
            usual=bool(row["usual"]),
        )
        for row in kept["filters"]
    )
    return replace(filters, unread=bool(kept["unread"]))
