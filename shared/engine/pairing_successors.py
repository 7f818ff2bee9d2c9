"""What the row of a linked item became, and which rows are halves or leftovers of linked ones."""

from __future__ import annotations

from collections.abc import Mapping

from shared.engine.pairing_reading import Reading
from shared.engine.pairing_state import Work
from shared.model.appointment import APPOINTMENT, SERIES, SERVICE, Absence, DynamicsAppointment
from shared.model.event import EventType, ExchangeEvent
from shared.model.link import Link, Role
from shared.rules import tracking
from shared.rules.intent import BECOMING
from shared.rules.keys import appointment_id
from shared.rules.situation import KIND

OF_TABLES = (EventType.SINGLE, EventType.SERIES_MASTER)


class Successors:
    """Follows items whose row was replaced."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._services, self._context = reading.services, reading.context
        self._mailbox, self._box = reading.mailbox, reading.box

    async def find_successors(self, work: Work) -> None:
        """What the row of a linked item became (``rules.conversions``)."""
        for event_id, row_id in list(work.pairs):
            link, event = work.links.get(row_id or ""), work.events.get(event_id or "")
            if link is None or not link.linked or event is None or link.table == SERVICE:
                continue
            gone = work.records.get(link.dynamics_id) is Absence.PHYSICAL
            if tracking.table_of(event) != link.table or (gone and BECOMING in link.intent):
                await self._successor_by_meeting(link, event, work)
                if link.dynamics_id in work.successors or event.type not in OF_TABLES:
                    continue
                await self._successor_by_id(link, event, work)
                if gone:
                    await self._successor_by_likeness(link, work)
            elif link.table == APPOINTMENT and gone:
                await self._successor_by_likeness(link, work)

    async def _successor_by_meeting(self, link: Link, event: ExchangeEvent, work: Work) -> None:
        """Another mailbox made the new row, which ``items`` knows by the meeting."""
        known = await self._services.items.by_ical_uid(event.ical_uid) if event.ical_uid else None
        if known and known != link.dynamics_id:
            await self._succeed(link, known, tracking.table_of(event), work)

    async def _successor_by_id(self, link: Link, event: ExchangeEvent, work: Work) -> None:
        """A pass that never committed may have made the new row: its id follows from the old link."""
        table, organization = tracking.table_of(event), self._context.organization.id
        await self._succeed(
            link, appointment_id(organization, event.ical_uid, link.generation + 1, table), table, work
        )

    async def _successor_by_likeness(self, link: Link, work: Work) -> None:
        """AddRecurrence deletes the appointment and leaves a series with its subject, organizer and start."""
        time = link.base.dynamics.get("time")
        if (
            link.role is not Role.OWNER
            or not link.markers.get("isOrganizer")
            or not isinstance(time, Mapping)
        ):
            return None
        subject = str(link.base.dynamics.get("subject") or link.subject)
        found = await self._services.dynamics.series_like(self._mailbox.user_id, subject, str(time["start"]))
        known = await self._services.store.links_by_dynamics(self._mailbox.id, [(SERIES, i) for i in found])
        for row_id in found:
            if (SERIES, row_id) not in known:
                return await self._succeed(link, row_id, SERIES, work)
        return None

    async def _succeed(self, link: Link, row_id: str, table: str, work: Work) -> None:
        work.tables[row_id] = table
        if row_id not in work.records:
            await self._reading.read_rows([row_id], work)
        if isinstance(work.records.get(row_id), DynamicsAppointment):
            work.successors.setdefault(link.dynamics_id, row_id)
            work.pairs = [pair for pair in work.pairs if pair != (None, row_id)]

    async def find_parked(self, work: Work) -> None:
        """Series that hold the history of a linked one: over, unlinked, and of its group."""
        suspects = {
            row_id: record.group_id
            for _, row_id in work.pairs
            if row_id and row_id not in work.links
            if isinstance(record := work.records.get(row_id), DynamicsAppointment) and record.group_id
        }
        if not suspects:
            return
        groups = {
            record.group_id
            for row_id, record in work.records.items()
            if isinstance(record, DynamicsAppointment) and row_id in work.links
        }
        async for link in self._services.store.links(self._mailbox.id, KIND):
            groups.add(str(link.markers.get("group") or ""))
        work.parked |= {row_id for row_id, group in suspects.items() if group in groups}
