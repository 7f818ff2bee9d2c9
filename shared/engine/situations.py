"""Everything that a decision is made from, put together for each pair."""

from __future__ import annotations

from collections.abc import Mapping

from shared.engine.appointment_filters import will_match
from shared.engine.pairing_reading import Reading
from shared.engine.pairing_state import Work, organizer_user
from shared.engine.ports import ItemEntry
from shared.model.appointment import SERVICE, DynamicsAppointment
from shared.model.event import ExchangeEvent
from shared.model.link import Link, Role
from shared.model.party import RecordRef
from shared.rules import attendees
from shared.rules.situation import AppointmentSituation


class Situations:
    """Builds the situations of a pass."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._services, self._context = reading.services, reading.context
        self._mailbox, self._box = reading.mailbox, reading.box

    async def situations(self, work: Work, dropped: frozenset[str]) -> list[AppointmentSituation]:
        entries = await self._entries(work)
        organizers = await self._organizers(work)
        mailboxes = await self._services.registry.by_users(
            {*organizers.values(), *self._row_organizers(work)} - {self._mailbox.user_id}
        )
        resolved, filters = await self._resolved(work), self._reading.filters
        situations: dict[tuple[str | None, str | None], AppointmentSituation] = {}
        for event_id, row_id in work.pairs:
            event = self._reading.shown(work.events.get(event_id or ""))
            record = work.records.get(row_id or "")
            entry = entries.get(row_id or "")
            organizer = organizers.get(str(event.value("organizer"))) if event else None
            user = organizer or organizer_user(record)
            theirs = mailboxes.get(user or "")
            owner = entry.owner if entry else None
            situations[(event_id, row_id)] = AppointmentSituation(
                link=work.links.get(row_id or ""),
                successor=self._successor(row_id, work),
                parked=bool(row_id and row_id in work.parked),
                leftover=bool(row_id and row_id in work.leftovers),
                row_removed=bool(row_id and row_id in work.removed),
                event=event,
                event_gone=event_id in work.gone,
                record=record,
                owner=owner,
                owner_name=theirs.address if theirs else "",
                organizer_mailbox=theirs.id if theirs else None,
                organizer_user=organizer,
                resolved=resolved,
                copy_of=work.copies.get(event_id or ""),
                dropped=bool(row_id and row_id in dropped),
                ended_before=bool(entry and self._mailbox.id in entry.ended),
                in_filter=work.in_filter.get(row_id or "") if record else will_match(filters, event),
            )
        return list(situations.values())

    @staticmethod
    def _successor(row_id: str | None, work: Work) -> DynamicsAppointment | None:
        record = work.records.get(work.successors.get(row_id or "", ""))
        return record if isinstance(record, DynamicsAppointment) else None

    async def _entries(self, work: Work) -> Mapping[str, ItemEntry]:
        """Who owns what: known from the link where this mailbox owns it as organizer."""
        ids = [
            row_id
            for event_id, row_id in work.pairs
            if row_id and not self._certainly_mine(work.links.get(row_id))
        ]
        found = dict(work.entries)
        for table, row_ids in work.by_table(set(ids) - found.keys()).items():
            found.update(await self._services.items.entries(table, row_ids))
        return found

    @staticmethod
    def _certainly_mine(link: Link | None) -> bool:
        return bool(
            link and link.linked and link.role is Role.OWNER and link.markers.get("isOrganizer") is True
        )

    async def _organizers(self, work: Work) -> Mapping[str, str]:
        addresses = {
            str(event.value("organizer"))
            for event in work.events.values()
            if not event.is_organizer and event.value("organizer")
        }
        return await self._services.dynamics.users_by_address(sorted(addresses)) if addresses else {}

    @staticmethod
    def _row_organizers(work: Work) -> set[str]:
        return {user for record in work.records.values() if (user := organizer_user(record))}

    async def _resolved(self, work: Work) -> Mapping[str, RecordRef]:
        """Rows behind attendee addresses that are no parties yet, bounded by what the owner may read."""
        wanted: set[str] = set()
        for event_id, row_id in work.pairs:
            event = work.events.get(event_id or "")
            if event is None or not self._moves_attendees(event, work.links.get(row_id or "")):
                continue
            if work.table_of(row_id or "") == SERVICE:
                continue
            record = work.records.get(row_id or "")
            present = record.parties if isinstance(record, DynamicsAppointment) else ()
            known = {party.address.lower() for party in present if party.address}
            for each in (event, *event.exceptions.values()):
                wanted |= set(attendees.addresses(each.value("attendees"))) - known
        if not wanted:
            return {}
        inactive = self._context.organization.flag("ResolveForInactiveEntities")
        return await self._services.dynamics.resolve(
            sorted(wanted), as_user=self._mailbox.user_id, inactive_too=inactive
        )

    @staticmethod
    def _moves_attendees(event: ExchangeEvent, link: Link | None) -> bool:
        if link is None or not link.linked or event.exceptions:
            return True
        return link.base.exchange.get("attendees") != event.value("attendees")
