"""The event that belongs to a row without a link, if there is one."""

from __future__ import annotations

from collections.abc import Set

from shared.engine.gather import Touched
from shared.engine.pairing_reading import Reading
from shared.engine.pairing_state import Work
from shared.model.appointment import SERVICE, DynamicsAppointment
from shared.model.event import ExchangeEvent
from shared.model.link import Link, LinkState
from shared.rules import filter_marks
from shared.rules.keys import appointment_id
from shared.rules.service_endings import takes_part


class Counterparts:
    """Finds events for rows."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._services, self._context = reading.services, reading.context
        self._mailbox, self._box = reading.mailbox, reading.box

    async def counterpart(
        self, row_id: str, touched: Touched, work: Work, had_an_event: Set[str]
    ) -> str | None:
        """An event for a row that this user organizes: one that an earlier, broken pass created (by stamp),
        or made the row of (by id: it may be gone by now), one whose link is lost (by stamp), or the meeting
        that an attendee tracked first (by iCalUId)."""
        record = work.records.get(row_id)
        if not isinstance(record, DynamicsAppointment):
            return None
        if record.table == SERVICE:
            return await self.service_copy(record, touched, work)
        if record.value("organizer") != self._mailbox.user_id:
            return None
        link = work.links.get(row_id)
        events: list[ExchangeEvent] = []
        if link is not None and link.state is LinkState.CREATING and link.exchange_id:
            event = (await self._box.events([link.exchange_id])).get(link.exchange_id)
            if event is None:
                work.gone.add(link.exchange_id)
                return link.exchange_id
            events = [event]
        elif link is not None and link.state is LinkState.CREATING:
            events = list(await self._box.find_by_crm_id(row_id))
        elif link is not None and link.exchange_id and filter_marks.may_come_back(link):
            events = [e for e in (await self._box.events([link.exchange_id])).values() if e]
        elif link is None and (touched.full_round or touched.round_goes_on):
            events = await self._reading.stamped_with(row_id)
        elif row_id in had_an_event:
            events = list(await self._box.find_by_crm_id(row_id))
        if not events and record.global_object_id:
            events = [e for e in touched.rows.values() if e.ical_uid == record.global_object_id][:1]
            ids = [e.id for e in events]
            events = [e for e in (await self._box.events(ids)).values() if e] if ids else []
            events = events or list(await self._box.find_by_ical_uid(record.global_object_id))
        found = next((event for event in events if self._is_mine(event, link)), None)
        if found is not None and found.is_series:
            found = (await self._box.series([found.id])).get(found.id)
        if found is None or await self._belongs_elsewhere(found, record, work):
            return None
        work.events[found.id] = found
        return found.id

    async def service_copy(self, record: DynamicsAppointment, touched: Touched, work: Work) -> str | None:
        """The mailbox's own copy of a service appointment: nothing but its stamp tells it, whether an earlier
        pass died, the links were lost, or the user takes part again."""
        if not takes_part(record, self._mailbox.user_id):
            return None
        if touched.full_round:
            events = await self._reading.stamped_with(record.id)
        else:
            events = list(await self._box.find_by_crm_id(record.id))
        for event in sorted(events, key=lambda event: not self._reading.is_marked(event)):
            if not await self._belongs_elsewhere(event, record, work):
                work.events[event.id] = event
                return event.id
        return None

    async def _belongs_elsewhere(self, event: ExchangeEvent, record: DynamicsAppointment, work: Work) -> bool:
        """The event is linked to another row. This one is then what Dynamics cut off from a series, or what a
        pass of ours had made of the event and did not commit before the event became something else."""
        holder = (await self._services.store.links_by_exchange(self._mailbox.id, [event.id])).get(event.id)
        if holder is None or not holder.linked or holder.dynamics_id == record.id:
            return False
        if await self._is_ours_alone(event, record, holder):
            work.leftovers.add(record.id)
        work.parked.add(record.id)
        return True

    async def _is_ours_alone(self, event: ExchangeEvent, record: DynamicsAppointment, holder: Link) -> bool:
        """Under an id that our conversions of this event give, and held by no other mailbox: an attendee who
        tracked the meeting before its row was known has a row under such an id too."""
        organization, table = self._context.organization.id, record.table
        generations = (holder.generation, holder.generation + 1)
        ids = {appointment_id(organization, event.ical_uid, number, table) for number in generations}
        if holder.table == SERVICE or record.id not in ids:
            return False
        entry = await self._services.items.entry(table, record.id)
        return set(entry.mailboxes) <= {self._mailbox.id}

    @staticmethod
    def _is_mine(event: ExchangeEvent, link: Link | None) -> bool:
        """The own copy of a meeting that somebody else organizes is not the meeting of this row's organizer
        (APPT-4: who becomes organizer makes a meeting of the own)."""
        return event.is_organizer or link is not None
