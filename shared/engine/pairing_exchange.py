"""Which changed events concern us, and what they are."""

from __future__ import annotations

from collections.abc import Mapping

from shared.engine.gather import Touched
from shared.engine.pairing_reading import Reading
from shared.engine.pairing_state import Paired, Work, with_stamps
from shared.model.appointment import SERIES
from shared.model.event import EventType, ExchangeEvent, Stamps
from shared.model.link import Link
from shared.rules import tracking

STAMPED_LIST_FROM = 20


class ExchangeSide:
    """The Exchange side of pairing."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._services, self._context = reading.services, reading.context
        self._mailbox, self._box = reading.mailbox, reading.box

    async def pair(
        self, touched: Touched, by_exchange: Mapping[str, Link], work: Work, paired: Paired
    ) -> None:
        """Which changed rows concern us: linked ones that are no echo, categorised and stamped ones."""
        wanted: dict[str, ExchangeEvent] = {}
        unknown: dict[str, ExchangeEvent] = {}
        for event_id, event in touched.rows.items():
            link = by_exchange.get(event_id)
            if link and link.linked and event.etag == link.exchange_etag:
                paired.echoes += 1
            elif (
                (link and link.linked) or tracking.has_category(event.categories) or self._reading.everything
            ):
                wanted[event_id] = event
            else:
                unknown[event_id] = event
        series = {event_id for event_id, event in wanted.items() if event.is_series} | touched.masters
        singles = {event_id: event for event_id, event in wanted.items() if event_id not in series}
        await self._add_stamps(singles, unknown, touched.full_round, work, paired)
        await self._look(touched, by_exchange, work, series)
        await self._read_series(series | self._tracked_series(work), by_exchange, work, paired)
        for event_id in [*work.events, *work.gone]:
            known = by_exchange.get(event_id)
            work.pairs.append((event_id, known.dynamics_id if known else None))

    async def _add_stamps(
        self,
        wanted: Mapping[str, ExchangeEvent],
        unknown: Mapping[str, ExchangeEvent],
        full_round: bool,
        work: Work,
        paired: Paired,
    ) -> None:
        """The calendar feed shows no stamps. A full round asks once for all stamped events instead."""
        if self._context.rich:
            await self._reading.read_rich(wanted, work)
            wanted = {}
        asked = {**wanted, **unknown}
        if not asked:
            return
        stamps: Mapping[str, Stamps | None]
        if full_round and len(asked) > STAMPED_LIST_FROM:
            stamped = await self._reading.all_stamped()
            stamps = {event_id: stamped.get(event_id, Stamps()) for event_id in asked}
        else:
            stamps = await self._reading.readable(self._box.stamps, list(asked))
        for event_id, event in asked.items():
            found = stamps.get(event_id)
            if found is None:
                if event_id in wanted and event_id in stamps:
                    work.gone.add(event_id)
            elif event_id in wanted or found.tracked:
                work.events[event_id] = with_stamps(event, found)
            else:
                paired.untracked += 1
        if self._context.rich:
            await self._reading.read_rich({i: e for i, e in unknown.items() if i in work.events}, work)

    @staticmethod
    def _tracked_series(work: Work) -> set[str]:
        """Series of which only the master was read so far."""
        return {event_id for event_id, event in work.events.items() if event.is_series}

    async def _read_series(
        self, ids: set[str], by_exchange: Mapping[str, Link], work: Work, paired: Paired
    ) -> None:
        """Series as a whole, with their exceptions (APPT-36)."""
        if not ids:
            return
        for event_id, event in (await self._reading.readable(self._box.series, sorted(ids))).items():
            link = by_exchange.get(event_id)
            live = link is not None and not link.state.ended
            work.events.pop(event_id, None)
            if event is None:
                if live:
                    work.gone.add(event_id)
            elif live or self._reading.everything or self._reading.is_marked(event):
                work.events[event_id] = event
            else:
                paired.untracked += 1

    async def _look(
        self, touched: Touched, by_exchange: Mapping[str, Link], work: Work, series: set[str]
    ) -> None:
        """A removed row is no proof: ask Graph by id. Ids that nothing is known of were never ours, unless
        they wait in the inbox for another try. An occurrence leads to its series."""
        ids = touched.look
        known = {i for i in ids if (link := by_exchange.get(i)) and link.table == SERIES}
        series |= known
        asked = [i for i in sorted(ids) if i not in work.events and i not in known]
        if not asked:
            return
        found: dict[str, ExchangeEvent | None] = {i: touched.read[i] for i in asked if i in touched.read}
        unread = [event_id for event_id in asked if event_id not in found]
        found.update(await self._reading.readable(self._box.events, unread) if unread else {})
        for event_id, event in found.items():
            link = by_exchange.get(event_id)
            live = link is not None and not link.state.ended
            if event is None:
                if live:
                    work.gone.add(event_id)
            elif event.type in (EventType.OCCURRENCE, EventType.EXCEPTION):
                series.update([event.series_master_id] if event.series_master_id else [])
            elif live or self._reading.everything or self._reading.is_marked(event):
                work.events[event_id] = event
