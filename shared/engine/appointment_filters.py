"""Appointments and the sync filters of their mailbox's owner (FLT-1, FLT-8, FLT-10): compared as a whole when
the filters changed or it is time, asked about where rows are met one by one.

Only rows that would go to Exchange without a filter are asked about: what the owner organizes, and service
appointments in which the owner takes part. The product's own filter takes all of these.
"""

from __future__ import annotations

from collections.abc import Mapping

from shared.engine.filters import KnownFilters, matches
from shared.engine.gather import TABLES, Touched, bound, compare_rows, current_window
from shared.engine.ports import Agenda
from shared.engine.services import Services
from shared.model.appointment import SERVICE, Absence, DynamicsAppointment
from shared.model.event import ExchangeEvent
from shared.model.link import Link
from shared.model.mailbox import Mailbox
from shared.model.profile import Profile
from shared.model.sync_filter import Filters
from shared.rules import filter_marks
from shared.rules.service_endings import takes_part
from shared.rules.situation import KIND
from shared.rules.tracking import table_of


def takes_all(filters: Filters, table: str) -> bool:
    """The product's own filter is among them."""
    return any(each.usual for each in filters.of(table))


async def compare(
    services: Services,
    mailbox: Mailbox,
    profile: Profile,
    agenda: Agenda,
    touched: Touched,
    known: KnownFilters,
) -> Mapping[str, str]:
    """Look at what enters and leaves. Returns why filters cannot be run, by their ids."""
    if not touched.reconciled:
        await compare_rows(
            services, mailbox, profile, current_window(agenda, profile, services.now()), touched
        )
    trouble: dict[str, str] = {}
    links: dict[str, Link] = {}
    tables = [table for table in TABLES if not takes_all(known.filters, table)]
    if tables and not known.filters.unread:
        links = {link.dynamics_id: link async for link in services.store.links(mailbox.id, KIND)}
        for table in tables:
            trouble |= await _compare_table(services, mailbox, table, touched, known.filters, links)
    bound(touched)
    return trouble


async def _compare_table(
    services: Services,
    mailbox: Mailbox,
    table: str,
    touched: Touched,
    filters: Filters,
    links: Mapping[str, Link],
) -> Mapping[str, str]:
    found = await matches(services, mailbox.user_id, filters, table)
    for row_id in [each for each in touched.records if touched.table_of(each) == table]:
        link = links.get(row_id)
        takes = touched.matching[row_id] = found.takes(row_id)
        if takes is False and row_id not in touched.forced and (link is None or not link.linked):
            touched.records.discard(row_id)
    for link in links.values():
        if link.linked and link.table == table and filter_marks.leaves(link, found.takes(link.dynamics_id)):
            touched.force(table, link.dynamics_id)
    return found.broken


async def matched(
    services: Services,
    mailbox: Mailbox,
    filters: Filters,
    records: Mapping[str, DynamicsAppointment | Absence],
    known: Mapping[str, bool | None],
) -> Mapping[str, bool | None]:
    """Whether these rows match, by their ids, as far as that matters."""
    found: dict[str, bool | None] = {}
    unasked: dict[str, list[str]] = {}
    for row_id, record in records.items():
        if filters.unread or not isinstance(record, DynamicsAppointment) or not _is_own(record, mailbox):
            continue
        if takes_all(filters, record.table):
            found[row_id] = True
        elif row_id in known:
            found[row_id] = known[row_id]
        else:
            unasked.setdefault(record.table, []).append(row_id)
    for table, ids in sorted(unasked.items()):
        answer = await matches(services, mailbox.user_id, filters, table, ids)
        found.update({row_id: answer.takes(row_id) for row_id in ids})
    return found


def _is_own(record: DynamicsAppointment, mailbox: Mailbox) -> bool:
    if record.table == SERVICE:
        return takes_part(record, mailbox.user_id)
    return bool(record.value("organizer") == mailbox.user_id)


def will_match(filters: Filters, event: ExchangeEvent | None) -> bool | None:
    """Of a row that is to be made of this event."""
    if event is None or not event.is_organizer:
        return None
    return True if takes_all(filters, table_of(event)) else None
