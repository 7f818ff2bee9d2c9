"""Pair: bring each touched item together with its link and its counterpart on the other side."""

from __future__ import annotations

from collections.abc import Mapping

from shared.engine.attachments import with_files
from shared.engine.gather import Touched
from shared.engine.pairing_counterparts import Counterparts
from shared.engine.pairing_dynamics import DynamicsSide
from shared.engine.pairing_exchange import ExchangeSide
from shared.engine.pairing_reading import Reading
from shared.engine.pairing_state import Paired, Work
from shared.engine.pairing_successors import Successors
from shared.engine.ports import REMOVED
from shared.engine.services import Services
from shared.engine.situations import Situations
from shared.model.link import Link
from shared.model.sync_filter import Filters
from shared.rules.situation import Context

__all__ = ["Paired", "Pairing"]


class Pairing:
    """Pairs the touched items of one mailbox. ``everything``: untracked items too (explain)."""

    def __init__(
        self, services: Services, context: Context, filters: Filters, *, everything: bool = False
    ) -> None:
        self._services = services
        self._context = context
        self._reading = Reading(services, context, filters, everything=everything)

    async def pair(self, touched: Touched, dropped: frozenset[str] = frozenset()) -> Paired:
        paired, work, reading = Paired(), Work(tables=dict(touched.tables)), self._reading
        work.removed.update(row.id for row in touched.inbox if row.version == REMOVED)
        reading.broken = touched.broken
        dynamics, successors = DynamicsSide(reading, Counterparts(reading)), Successors(reading)
        by_exchange = await self._load_links(touched, work)
        await ExchangeSide(reading).pair(touched, by_exchange, work, paired)
        await dynamics.rows_of_events(work)
        await dynamics.pair(touched, work)
        await successors.find_successors(work)
        await successors.find_parked(work)
        situations = await Situations(reading).situations(work, dropped)
        paired.situations = await with_files(self._services, self._context, reading.box, situations)
        return paired

    async def _load_links(self, touched: Touched, work: Work) -> Mapping[str, Link]:
        store, mailbox = self._services.store, self._context.mailbox.id
        exchange_ids = {*touched.rows, *touched.look, *touched.masters}
        by_exchange = await store.links_by_exchange(mailbox, exchange_ids) if exchange_ids else {}
        work.links.update({link.dynamics_id: link for link in by_exchange.values()})
        await self._reading.links_of(touched.records, work)
        return by_exchange
