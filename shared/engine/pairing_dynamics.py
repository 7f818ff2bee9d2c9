"""The rows that events belong to, and the events of rows that came from Dynamics."""

from __future__ import annotations

from shared.engine.appointment_filters import matched
from shared.engine.gather import Touched, may_come_back
from shared.engine.pairing_counterparts import Counterparts
from shared.engine.pairing_reading import Reading
from shared.engine.pairing_state import Work, crm_id, is_news, stamped_table
from shared.model.appointment import SERIES, DynamicsAppointment
from shared.model.event import ExchangeEvent
from shared.rules import filter_marks, tracking
from shared.rules.keys import global_object_id


class DynamicsSide:
    """The Dynamics side of pairing."""

    def __init__(self, reading: Reading, counterparts: Counterparts) -> None:
        self._reading = reading
        self._services, self._context = reading.services, reading.context
        self._mailbox, self._box = reading.mailbox, reading.box
        self._counterparts = counterparts

    async def rows_of_events(self, work: Work) -> None:
        """The Dynamics row of each tracked event without a link: by its stamp, by its meeting (iCalUId) in
        ``items``, by ``globalobjectid`` (design: items shared by mailboxes)."""
        unlinked = [event_id for event_id, row_id in work.pairs if row_id is None and event_id in work.events]
        stamped = {i: crm for i in unlinked if (crm := crm_id(work.events[i]))}
        for event_id, crm in stamped.items():
            work.tables.setdefault(crm, stamped_table(work.events[event_id]))
        await self._reading.links_of(stamped.values(), work)
        found: dict[str, str] = {}
        for event_id in unlinked:
            event = work.events[event_id]
            row_id = stamped.get(event_id)
            if row_id and await self._is_copy(event, row_id, work):
                work.copies[event_id] = row_id
            elif row_id:
                found[event_id] = row_id
            elif self._reading.is_marked(event) and event.ical_uid:
                known = await self._services.items.by_ical_uid(event.ical_uid)
                matches = [known] if known else await self._by_global_id(event)
                if matches:
                    found[event_id] = matches[0]
                    work.tables.setdefault(matches[0], tracking.table_of(event))
        await self._reading.links_of(found.values(), work)
        work.pairs = [(event_id, row_id or found.get(event_id or "")) for event_id, row_id in work.pairs]

    async def _by_global_id(self, event: ExchangeEvent) -> list[str]:
        return list(
            await self._services.dynamics.find_by_global_object_id(
                global_object_id(event.ical_uid), tracking.table_of(event)
            )
        )

    async def _is_copy(self, event: ExchangeEvent, row_id: str, work: Work) -> bool:
        """LNK-7: the stamped row is linked to another event that is still there."""
        link = work.links.get(row_id)
        if link is None or not link.linked or link.exchange_id in (None, event.id):
            return False
        other = str(link.exchange_id)
        if other in work.gone:
            return False
        if other not in work.events:
            alive = (await self._box.events([other])).get(other)
            if alive is None:
                return False
        return True

    async def pair(self, touched: Touched, work: Work) -> None:
        """Read all rows at once, then the events of those that came from Dynamics."""
        ids = {row_id for _, row_id in work.pairs if row_id} | touched.records
        ids -= {i for i in ids if self._not_worth_reading(i, work)}
        if ids:
            if not touched.read:  # a verification wants to see both sides as they are now
                ids -= self._remember(ids - touched.records, work)
            await self._reading.read_rows(ids, work)
            await self._instances_to_series(touched, work)
            work.in_filter.update(
                await matched(
                    self._services, self._mailbox, self._reading.filters, work.records, touched.matching
                )
            )
        paired = {row_id for _, row_id in work.pairs if row_id}
        await self._events_of_rows(sorted(touched.records - paired), touched, work)

    def _remember(self, ids: set[str], work: Work) -> set[str]:
        """Rows of which nothing new was heard, of events that are there: the link knows them."""
        there = {row_id for event_id, row_id in work.pairs if event_id in work.events}
        found = {row_id: self._reading.remembered(row_id, work) for row_id in ids & there}
        work.records.update({row_id: row for row_id, row in found.items() if row is not None})
        return {row_id for row_id, row in found.items() if row is not None}

    async def _instances_to_series(self, touched: Touched, work: Work) -> None:
        """An instance's id leads to its series."""
        masters: set[str] = set()
        for row_id in sorted(touched.records):
            record = work.records.get(row_id)
            if isinstance(record, DynamicsAppointment) and record.series_id and not record.is_series:
                touched.records.discard(row_id)
                touched.force(SERIES, record.series_id)
                masters.add(record.series_id)
        if masters:
            work.tables.update(dict.fromkeys(masters, SERIES))
            await self._reading.links_of(masters, work)
            await self._reading.read_rows(masters, work)

    def _not_worth_reading(self, row_id: str, work: Work) -> bool:
        """An ended link whose row changed: nothing brings it back from this side (LNK-8)."""
        link = work.links.get(row_id)
        from_exchange = any(row_id == known for _, known in work.pairs)
        return bool(link and link.state.ended and not from_exchange and not may_come_back(link))

    async def _events_of_rows(self, row_ids: list[str], touched: Touched, work: Work) -> None:
        linked = {
            str(link.exchange_id): row_id
            for row_id in row_ids
            if (link := work.links.get(row_id)) and link.linked and link.exchange_id
        }
        fresh = {
            event_id
            for event_id, row_id in linked.items()
            if row_id in touched.forced
            or is_news(work.records.get(row_id), work.links[row_id])
            or filter_marks.leaves(work.links[row_id], work.in_filter.get(row_id))
        }
        events = await self._reading.events_by_id({event_id: linked[event_id] for event_id in fresh}, work)
        for event_id in sorted(fresh & set(events)):
            event = events[event_id]
            if event is None:
                work.gone.add(event_id)
            else:
                work.events[event_id] = event
            work.pairs.append((event_id, linked[event_id]))
        alone = [row_id for row_id in row_ids if row_id not in linked.values()]
        had_an_event = await self._reading.held_before(alone, work)
        for row_id in alone:
            counterpart = await self._counterparts.counterpart(row_id, touched, work, had_an_event)
            work.pairs.append((counterpart, row_id))
