"""Reads what pairing asks for; what cannot be read is recorded and blocks nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from shared.engine.pairing_state import Work
from shared.engine.ports import ExchangeMailbox, ItemEntry
from shared.engine.services import Services
from shared.errors import Refused
from shared.model.appointment import SERIES, SERVICE, DynamicsAppointment
from shared.model.event import ExchangeEvent, Stamps
from shared.model.sync_filter import Filters
from shared.rules import last_seen, privacy, tracking
from shared.rules.situation import Context

T = TypeVar("T")


class Reading:
    """Reads for one mailbox's pass. ``everything``: untracked items count too (explain). ``broken``: events
    that Graph refuses, with the reason."""

    def __init__(self, services: Services, context: Context, filters: Filters, *, everything: bool) -> None:
        self.services = self._services = services
        self.context = self._context = context
        self.mailbox = self._mailbox = context.mailbox
        self.filters = filters
        self.everything = everything
        self.box: ExchangeMailbox = services.exchange.mailbox(
            context.mailbox.id, context.mailbox.time_zone, rich=context.rich
        )
        self._stamped: Mapping[str, Stamps] | None = None
        self.broken: dict[str, str] = {}

    async def readable(
        self, read: Callable[[Sequence[str]], Awaitable[Mapping[str, T]]], ids: list[str]
    ) -> Mapping[str, T]:
        """What can be read of these; one that Graph refuses is recorded and never blocks its neighbours."""
        try:
            return await read(ids)
        except Refused as error:
            if len(ids) == 1:
                self.broken[ids[0]] = f"{error.code or error.status}: {error}"
                return {}
        found: dict[str, T] = {}
        for event_id in ids:
            found.update(await self.readable(read, [event_id]))
        return found

    async def all_stamped(self) -> Mapping[str, Stamps]:
        if self._stamped is None:
            self._stamped = await self.box.stamped_events()
        return self._stamped

    async def links_of(self, dynamics_ids: Iterable[str], work: Work) -> None:
        missing = [(work.table_of(row_id), row_id) for row_id in dynamics_ids if row_id not in work.links]
        if missing:
            found = await self._services.store.links_by_dynamics(self._mailbox.id, missing)
            work.links.update({key[1]: link for key, link in found.items()})

    def remembered(self, row_id: str, work: Work) -> DynamicsAppointment | None:
        """The row as its link remembers it, unless it must be seen as it is now."""
        link = work.links.get(row_id)
        if link is None or self.everything or self._context.profile.synchronize_attachments:
            return None
        return last_seen.row_of(link)

    async def held_before(self, row_ids: Sequence[str], work: Work) -> frozenset[str]:
        """Rows of which the index of items says that this mailbox holds them, or held them, and whose link is
        lost: before an event is made of one, the event that carries its stamp is looked for (LNK-3)."""
        unlinked = [row_id for row_id in row_ids if row_id not in work.links]
        for table, ids in work.by_table(unlinked).items():
            found = await self._services.items.entries(table, ids)
            work.entries.update({row_id: found.get(row_id, ItemEntry(None)) for row_id in ids})
        entries = {row_id: work.entries[row_id] for row_id in unlinked}
        mine = self._mailbox.id
        return frozenset(i for i, entry in entries.items() if mine in (*entry.mailboxes, *entry.ended))

    async def read_rows(self, ids: Iterable[str], work: Work) -> None:
        user, dynamics = self._mailbox.user_id, self._services.dynamics
        others = {SERIES: dynamics.series, SERVICE: dynamics.service_appointments}
        for table, row_ids in work.by_table(ids).items():
            read = others.get(table, dynamics.appointments)
            work.records.update(await read(row_ids, as_user=user))

    def is_marked(self, event: ExchangeEvent) -> bool:
        return tracking.is_tracked(event, self._context.organization)

    async def events_by_id(self, rows: Mapping[str, str], work: Work) -> Mapping[str, ExchangeEvent | None]:
        """The events of these rows; those of series whole."""
        events: dict[str, ExchangeEvent | None] = {}
        for whole, read in ((False, self.box.events), (True, self.box.series)):
            ids = sorted(i for i, row_id in rows.items() if (work.table_of(row_id) == SERIES) is whole)
            events.update(await self.readable(read, ids) if ids else {})
        series = [i for i, event in events.items() if event and event.is_series]
        again = sorted(i for i in series if work.table_of(rows[i]) != SERIES)
        events.update(await self.readable(self.box.series, again) if again else {})
        return events

    def shown(self, event: ExchangeEvent | None) -> ExchangeEvent | None:
        """From here on nobody sees more of a private event than the profile allows (APPT-9)."""
        return event and privacy.applied(event, self._context.profile.private_appointments)

    async def read_rich(self, shown: Mapping[str, ExchangeEvent], work: Work) -> None:
        """The feed shows bodies as text. Events that concern us are read whole instead of asking for their
        stamps only: no request more for those that are known to be tracked (APPT-8). A series is read as a
        whole anyhow."""
        ids = [event_id for event_id, event in shown.items() if not event.is_series]
        for event_id, event in (await self.readable(self.box.events, ids)).items() if ids else ():
            if event is None:
                work.events.pop(event_id, None)
                work.gone.add(event_id)
            else:
                work.events[event_id] = event

    async def stamped_with(self, row_id: str) -> list[ExchangeEvent]:
        """In a full round the links may be lost: the stamps tell which event belongs to the row."""
        stamped = await self.all_stamped()
        ids = [i for i, stamps in stamped.items() if tracking.normal_guid(stamps.crm_id or "") == row_id]
        return [event for event in (await self.box.events(ids)).values() if event] if ids else []
