"""Pair: bring each touched item together with its link and its counterpart on the other side."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from shared.engine.attachments import with_files
from shared.engine.gather import Touched, may_come_back, version_of
from shared.engine.ports import ExchangeMailbox, ItemEntry
from shared.engine.services import Services
from shared.errors import Refused
from shared.model.appointment import APPOINTMENT, SERIES, SERVICE, Absence, DynamicsAppointment
from shared.model.event import EventType, ExchangeEvent, Stamps
from shared.model.link import Link, LinkState, Role
from shared.model.party import RecordRef
from shared.rules import attendees, privacy, tracking
from shared.rules.intent import BECOMING
from shared.rules.keys import appointment_id, global_object_id
from shared.rules.occurrence_base import versions_of
from shared.rules.service_endings import takes_part
from shared.rules.situation import KIND, AppointmentSituation, Context

STAMPED_LIST_FROM = 20
OF_TABLES = (EventType.SINGLE, EventType.SERIES_MASTER)
T = TypeVar("T")


@dataclass
class Paired:
    """The situations to decide, and how many rows needed no decision."""

    situations: list[AppointmentSituation] = field(default_factory=list)
    echoes: int = 0
    untracked: int = 0


@dataclass
class _Work:
    """What has been found out so far."""

    links: dict[str, Link] = field(default_factory=dict)
    """By Dynamics id."""
    events: dict[str, ExchangeEvent] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    records: dict[str, DynamicsAppointment | Absence] = field(default_factory=dict)
    pairs: list[tuple[str | None, str | None]] = field(default_factory=list)
    """(exchange id, dynamics id)."""
    copies: dict[str, str] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    """Of Dynamics ids: those that are not appointments."""
    successors: dict[str, str] = field(default_factory=dict)
    """What a linked row became: Dynamics id to Dynamics id."""
    parked: set[str] = field(default_factory=set)
    leftovers: set[str] = field(default_factory=set)

    def table_of(self, row_id: str) -> str:
        link = self.links.get(row_id)
        return link.table if link else self.tables.get(row_id, APPOINTMENT)

    def by_table(self, ids: Iterable[str]) -> dict[str, list[str]]:
        sorted_ids: dict[str, list[str]] = {}
        for row_id in sorted(ids):
            sorted_ids.setdefault(self.table_of(row_id), []).append(row_id)
        return sorted_ids


class Pairing:
    """Pairs the touched items of one mailbox. ``everything``: untracked items too (explain)."""

    def __init__(self, services: Services, context: Context, *, everything: bool = False) -> None:
        self._services = services
        self._context = context
        self._mailbox = context.mailbox
        self._box: ExchangeMailbox = services.exchange.mailbox(
            context.mailbox.id, context.mailbox.time_zone, rich=context.rich
        )
        self._everything = everything
        self._stamped: Mapping[str, Stamps] | None = None
        self._broken: dict[str, str] = {}

    async def pair(self, touched: Touched, dropped: frozenset[str] = frozenset()) -> Paired:
        paired, work = Paired(), _Work(tables=dict(touched.tables))
        self._broken = touched.broken
        by_exchange = await self._load_links(touched, work)
        await self._exchange_side(touched, by_exchange, work, paired)
        await self._rows_of_events(work)
        await self._dynamics_side(touched, work)
        await self._find_successors(work)
        await self._find_parked(work)
        situations = await self._situations(work, dropped)
        paired.situations = await with_files(self._services, self._context, self._box, situations)
        return paired

    # --- links ------------------------------------------------------------------------------------

    async def _load_links(self, touched: Touched, work: _Work) -> Mapping[str, Link]:
        store = self._services.store
        exchange_ids = {*touched.rows, *touched.look, *touched.masters}
        by_exchange = await store.links_by_exchange(self._mailbox.id, exchange_ids) if exchange_ids else {}
        work.links.update({link.dynamics_id: link for link in by_exchange.values()})
        await self._links_of(touched.records, work)
        return by_exchange

    async def _links_of(self, dynamics_ids: Iterable[str], work: _Work) -> None:
        missing = [(work.table_of(row_id), row_id) for row_id in dynamics_ids if row_id not in work.links]
        if missing:
            found = await self._services.store.links_by_dynamics(self._mailbox.id, missing)
            work.links.update({key[1]: link for key, link in found.items()})

    # --- the Exchange side ------------------------------------------------------------------------

    async def _exchange_side(
        self, touched: Touched, by_exchange: Mapping[str, Link], work: _Work, paired: Paired
    ) -> None:
        """Which changed rows concern us: linked ones that are no echo, categorised and stamped ones."""
        wanted: dict[str, ExchangeEvent] = {}
        unknown: dict[str, ExchangeEvent] = {}
        for event_id, event in touched.rows.items():
            link = by_exchange.get(event_id)
            if link and link.linked and event.etag == link.exchange_etag:
                paired.echoes += 1
            elif (link and link.linked) or tracking.has_category(event.categories) or self._everything:
                wanted[event_id] = event
            else:
                unknown[event_id] = event
        series = {event_id for event_id, event in wanted.items() if event.is_series} | touched.masters
        singles = {event_id: event for event_id, event in wanted.items() if event_id not in series}
        await self._add_stamps(singles, unknown, touched.full_round, work, paired)
        await self._look(touched.look, by_exchange, work, series)
        await self._read_series(series | self._tracked_series(work), by_exchange, work, paired)
        for event_id in [*work.events, *work.gone]:
            known = by_exchange.get(event_id)
            work.pairs.append((event_id, known.dynamics_id if known else None))

    async def _add_stamps(
        self,
        wanted: Mapping[str, ExchangeEvent],
        unknown: Mapping[str, ExchangeEvent],
        full_round: bool,
        work: _Work,
        paired: Paired,
    ) -> None:
        """The calendar feed shows no stamps. A full round asks once for all stamped events instead."""
        if self._context.rich:
            await self._read_rich(wanted, work)
            wanted = {}
        asked = {**wanted, **unknown}
        if not asked:
            return
        stamps: Mapping[str, Stamps | None]
        if full_round and len(asked) > STAMPED_LIST_FROM:
            stamped = await self._all_stamped()
            stamps = {event_id: stamped.get(event_id, Stamps()) for event_id in asked}
        else:
            stamps = await self._readable(self._box.stamps, list(asked))
        for event_id, event in asked.items():
            found = stamps.get(event_id)
            if found is None:
                if event_id in wanted and event_id in stamps:
                    work.gone.add(event_id)
            elif event_id in wanted or found.tracked:
                work.events[event_id] = _with_stamps(event, found)
            else:
                paired.untracked += 1
        if self._context.rich:
            await self._read_rich({i: e for i, e in unknown.items() if i in work.events}, work)

    async def _read_rich(self, shown: Mapping[str, ExchangeEvent], work: _Work) -> None:
        """The feed shows bodies as text. Events that concern us are read whole instead of asking for their
        stamps only: no request more for those that are known to be tracked (APPT-8). A series is read as a
        whole anyhow."""
        ids = [event_id for event_id, event in shown.items() if not event.is_series]
        for event_id, event in (await self._readable(self._box.events, ids)).items() if ids else ():
            if event is None:
                work.events.pop(event_id, None)
                work.gone.add(event_id)
            else:
                work.events[event_id] = event

    async def _readable(
        self, read: Callable[[Sequence[str]], Awaitable[Mapping[str, T]]], ids: list[str]
    ) -> Mapping[str, T]:
        """What can be read of these; one that Graph refuses is recorded and never blocks its neighbours."""
        try:
            return await read(ids)
        except Refused as error:
            if len(ids) == 1:
                self._broken[ids[0]] = f"{error.code or error.status}: {error}"
                return {}
        found: dict[str, T] = {}
        for event_id in ids:
            found.update(await self._readable(read, [event_id]))
        return found

    async def _all_stamped(self) -> Mapping[str, Stamps]:
        if self._stamped is None:
            self._stamped = await self._box.stamped_events()
        return self._stamped

    @staticmethod
    def _tracked_series(work: _Work) -> set[str]:
        """Series of which only the master was read so far."""
        return {event_id for event_id, event in work.events.items() if event.is_series}

    async def _read_series(
        self, ids: set[str], by_exchange: Mapping[str, Link], work: _Work, paired: Paired
    ) -> None:
        """Series as a whole, with their exceptions (APPT-36)."""
        if not ids:
            return
        for event_id, event in (await self._readable(self._box.series, sorted(ids))).items():
            link = by_exchange.get(event_id)
            live = link is not None and not link.state.ended
            work.events.pop(event_id, None)
            if event is None:
                if live:
                    work.gone.add(event_id)
            elif live or self._everything or self._is_marked(event):
                work.events[event_id] = event
            else:
                paired.untracked += 1

    async def _look(
        self, ids: Iterable[str], by_exchange: Mapping[str, Link], work: _Work, series: set[str]
    ) -> None:
        """A removed row is no proof: ask Graph by id. Ids that nothing is known of were never ours, unless
        they wait in the inbox for another try. An occurrence leads to its series."""
        known = {i for i in ids if (link := by_exchange.get(i)) and link.table == SERIES}
        series |= known
        asked = [i for i in ids if i not in work.events and i not in known]
        if not asked:
            return
        for event_id, event in (await self._readable(self._box.events, asked)).items():
            link = by_exchange.get(event_id)
            live = link is not None and not link.state.ended
            if event is None:
                if live:
                    work.gone.add(event_id)
            elif event.type in (EventType.OCCURRENCE, EventType.EXCEPTION):
                series.update([event.series_master_id] if event.series_master_id else [])
            elif live or self._everything or self._is_marked(event):
                work.events[event_id] = event

    def _is_marked(self, event: ExchangeEvent) -> bool:
        return tracking.is_tracked(event, self._context.organization)

    # --- the rows that tracked events belong to ---------------------------------------------------

    async def _rows_of_events(self, work: _Work) -> None:
        """The Dynamics row of each tracked event without a link: by its stamp, by its meeting (iCalUId) in
        ``items``, by ``globalobjectid`` (design: items shared by mailboxes)."""
        unlinked = [event_id for event_id, row_id in work.pairs if row_id is None and event_id in work.events]
        stamped = {i: crm for i in unlinked if (crm := _crm_id(work.events[i]))}
        for event_id, crm in stamped.items():
            work.tables.setdefault(crm, _stamped_table(work.events[event_id]))
        await self._links_of(stamped.values(), work)
        found: dict[str, str] = {}
        for event_id in unlinked:
            event = work.events[event_id]
            row_id = stamped.get(event_id)
            if row_id and await self._is_copy(event, row_id, work):
                work.copies[event_id] = row_id
            elif row_id:
                found[event_id] = row_id
            elif self._is_marked(event) and event.ical_uid:
                known = await self._services.items.by_ical_uid(event.ical_uid)
                matches = [known] if known else await self._by_global_id(event)
                if matches:
                    found[event_id] = matches[0]
                    work.tables.setdefault(matches[0], tracking.table_of(event))
        await self._links_of(found.values(), work)
        work.pairs = [(event_id, row_id or found.get(event_id or "")) for event_id, row_id in work.pairs]

    async def _by_global_id(self, event: ExchangeEvent) -> list[str]:
        return list(
            await self._services.dynamics.find_by_global_object_id(
                global_object_id(event.ical_uid), tracking.table_of(event)
            )
        )

    async def _is_copy(self, event: ExchangeEvent, row_id: str, work: _Work) -> bool:
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

    # --- the Dynamics side ------------------------------------------------------------------------

    async def _dynamics_side(self, touched: Touched, work: _Work) -> None:
        """Read all rows at once, then the events of those that came from Dynamics."""
        ids = {row_id for _, row_id in work.pairs if row_id} | touched.records
        ids -= {i for i in ids if self._not_worth_reading(i, work)}
        if ids:
            await self._read_rows(ids, work)
            await self._instances_to_series(touched, work)
        paired = {row_id for _, row_id in work.pairs if row_id}
        await self._events_of_rows(sorted(touched.records - paired), touched, work)

    async def _read_rows(self, ids: Iterable[str], work: _Work) -> None:
        user, dynamics = self._mailbox.user_id, self._services.dynamics
        others = {SERIES: dynamics.series, SERVICE: dynamics.service_appointments}
        for table, row_ids in work.by_table(ids).items():
            read = others.get(table, dynamics.appointments)
            work.records.update(await read(row_ids, as_user=user))

    async def _instances_to_series(self, touched: Touched, work: _Work) -> None:
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
            await self._links_of(masters, work)
            await self._read_rows(masters, work)

    async def _find_successors(self, work: _Work) -> None:
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

    async def _successor_by_meeting(self, link: Link, event: ExchangeEvent, work: _Work) -> None:
        """Another mailbox made the new row, which ``items`` knows by the meeting."""
        known = await self._services.items.by_ical_uid(event.ical_uid) if event.ical_uid else None
        if known and known != link.dynamics_id:
            await self._succeed(link, known, tracking.table_of(event), work)

    async def _successor_by_id(self, link: Link, event: ExchangeEvent, work: _Work) -> None:
        """A pass that never committed may have made the new row: its id follows from the old link."""
        table, organization = tracking.table_of(event), self._context.organization.id
        await self._succeed(
            link, appointment_id(organization, event.ical_uid, link.generation + 1, table), table, work
        )

    async def _successor_by_likeness(self, link: Link, work: _Work) -> None:
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

    async def _succeed(self, link: Link, row_id: str, table: str, work: _Work) -> None:
        work.tables[row_id] = table
        if row_id not in work.records:
            await self._read_rows([row_id], work)
        if isinstance(work.records.get(row_id), DynamicsAppointment):
            work.successors.setdefault(link.dynamics_id, row_id)
            work.pairs = [pair for pair in work.pairs if pair != (None, row_id)]

    async def _find_parked(self, work: _Work) -> None:
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

    def _not_worth_reading(self, row_id: str, work: _Work) -> bool:
        """An ended link whose row changed: nothing brings it back from this side (LNK-8)."""
        link = work.links.get(row_id)
        from_exchange = any(row_id == known for _, known in work.pairs)
        return bool(link and link.state.ended and not from_exchange and not may_come_back(link))

    async def _events_of_rows(self, row_ids: list[str], touched: Touched, work: _Work) -> None:
        linked = {
            str(link.exchange_id): row_id
            for row_id in row_ids
            if (link := work.links.get(row_id)) and link.linked and link.exchange_id
        }
        fresh = {
            event_id
            for event_id, row_id in linked.items()
            if row_id in touched.forced or _is_news(work.records.get(row_id), work.links[row_id])
        }
        events = await self._events_by_id({event_id: linked[event_id] for event_id in fresh}, work)
        for event_id in sorted(fresh & set(events)):
            event = events[event_id]
            if event is None:
                work.gone.add(event_id)
            else:
                work.events[event_id] = event
            work.pairs.append((event_id, linked[event_id]))
        for row_id in row_ids:
            if row_id not in linked.values():
                work.pairs.append((await self._counterpart(row_id, touched, work), row_id))

    async def _events_by_id(self, rows: Mapping[str, str], work: _Work) -> Mapping[str, ExchangeEvent | None]:
        """The events of these rows; those of series whole."""
        events: dict[str, ExchangeEvent | None] = {}
        for whole, read in ((False, self._box.events), (True, self._box.series)):
            ids = sorted(i for i, row_id in rows.items() if (work.table_of(row_id) == SERIES) is whole)
            events.update(await self._readable(read, ids) if ids else {})
        series = [i for i, event in events.items() if event and event.is_series]
        again = sorted(i for i in series if work.table_of(rows[i]) != SERIES)
        events.update(await self._readable(self._box.series, again) if again else {})
        return events

    async def _counterpart(self, row_id: str, touched: Touched, work: _Work) -> str | None:
        """An event for a row that this user organizes: one that an earlier, broken pass created (by stamp),
        or the meeting that an attendee tracked first (by iCalUId)."""
        record = work.records.get(row_id)
        if not isinstance(record, DynamicsAppointment):
            return None
        if record.table == SERVICE:
            return await self._service_copy(record, touched, work)
        if record.value("organizer") != self._mailbox.user_id:
            return None
        link = work.links.get(row_id)
        events: list[ExchangeEvent] = []
        if link is not None and link.state is LinkState.CREATING:
            events = list(await self._box.find_by_crm_id(row_id))
        elif link is None and touched.full_round:
            events = await self._stamped_with(row_id)
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

    async def _service_copy(self, record: DynamicsAppointment, touched: Touched, work: _Work) -> str | None:
        """The mailbox's own copy of a service appointment: nothing but its stamp tells it, whether an earlier
        pass died, the links were lost, or the user takes part again."""
        if not takes_part(record, self._mailbox.user_id):
            return None
        if touched.full_round:
            events = await self._stamped_with(record.id)
        else:
            events = list(await self._box.find_by_crm_id(record.id))
        for event in sorted(events, key=lambda event: not self._is_marked(event)):
            if not await self._belongs_elsewhere(event, record, work):
                work.events[event.id] = event
                return event.id
        return None

    async def _belongs_elsewhere(
        self, event: ExchangeEvent, record: DynamicsAppointment, work: _Work
    ) -> bool:
        """The event is linked to another row. This one is then what Dynamics cut off from a series, or what a
        pass of ours had made of the event and did not commit before the event became something else."""
        holder = (await self._services.store.links_by_exchange(self._mailbox.id, [event.id])).get(event.id)
        if holder is None or not holder.linked or holder.dynamics_id == record.id:
            return False
        organization = self._context.organization.id
        generations = (holder.generation, holder.generation + 1)
        if holder.table != SERVICE and record.id in (
            appointment_id(organization, event.ical_uid, number, record.table) for number in generations
        ):
            work.leftovers.add(record.id)
        work.parked.add(record.id)
        return True

    @staticmethod
    def _is_mine(event: ExchangeEvent, link: Link | None) -> bool:
        """The own copy of a meeting that somebody else organizes is not the meeting of this row's organizer
        (APPT-4: who becomes organizer makes a meeting of the own)."""
        return event.is_organizer or link is not None

    async def _stamped_with(self, row_id: str) -> list[ExchangeEvent]:
        """In a full round the links may be lost: the stamps tell which event belongs to the row."""
        stamped = await self._all_stamped()
        ids = [i for i, stamps in stamped.items() if tracking.normal_guid(stamps.crm_id or "") == row_id]
        return [event for event in (await self._box.events(ids)).values() if event] if ids else []

    # --- situations -------------------------------------------------------------------------------

    async def _situations(self, work: _Work, dropped: frozenset[str]) -> list[AppointmentSituation]:
        entries = await self._entries(work)
        organizers = await self._organizers(work)
        mailboxes = await self._services.registry.by_users(
            {*organizers.values(), *self._row_organizers(work)} - {self._mailbox.user_id}
        )
        resolved = await self._resolved(work)
        situations: dict[tuple[str | None, str | None], AppointmentSituation] = {}
        for event_id, row_id in work.pairs:
            event = self._shown(work.events.get(event_id or ""))
            record = work.records.get(row_id or "")
            entry = entries.get(row_id or "")
            organizer = organizers.get(str(event.value("organizer"))) if event else None
            user = organizer or _organizer_user(record)
            theirs = mailboxes.get(user or "")
            owner = entry.owner if entry else None
            situations[(event_id, row_id)] = AppointmentSituation(
                link=work.links.get(row_id or ""),
                successor=self._successor(row_id, work),
                parked=bool(row_id and row_id in work.parked),
                leftover=bool(row_id and row_id in work.leftovers),
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
            )
        return list(situations.values())

    @staticmethod
    def _successor(row_id: str | None, work: _Work) -> DynamicsAppointment | None:
        record = work.records.get(work.successors.get(row_id or "", ""))
        return record if isinstance(record, DynamicsAppointment) else None

    def _shown(self, event: ExchangeEvent | None) -> ExchangeEvent | None:
        """From here on nobody sees more of a private event than the profile allows (APPT-9)."""
        return event and privacy.applied(event, self._context.profile.private_appointments)

    async def _entries(self, work: _Work) -> Mapping[str, ItemEntry]:
        """Who owns what: known from the link where this mailbox owns it as organizer."""
        ids = [
            row_id
            for event_id, row_id in work.pairs
            if row_id and not self._certainly_mine(work.links.get(row_id))
        ]
        found: dict[str, ItemEntry] = {}
        for table, row_ids in work.by_table(set(ids)).items():
            found.update(await self._services.items.entries(table, row_ids))
        return found

    @staticmethod
    def _certainly_mine(link: Link | None) -> bool:
        return bool(
            link and link.linked and link.role is Role.OWNER and link.markers.get("isOrganizer") is True
        )

    async def _organizers(self, work: _Work) -> Mapping[str, str]:
        addresses = {
            str(event.value("organizer"))
            for event in work.events.values()
            if not event.is_organizer and event.value("organizer")
        }
        return await self._services.dynamics.users_by_address(sorted(addresses)) if addresses else {}

    @staticmethod
    def _row_organizers(work: _Work) -> set[str]:
        return {user for record in work.records.values() if (user := _organizer_user(record))}

    async def _resolved(self, work: _Work) -> Mapping[str, RecordRef]:
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


def _with_stamps(event: ExchangeEvent, stamps: Stamps) -> ExchangeEvent:
    """The feed's row with the stamps that were read for it; regarding lives in the stamps."""
    regards: Any = None
    if stamps.regarding_id:
        regards = {
            "type": (stamps.regarding_type or "").lower(),
            "id": tracking.normal_guid(stamps.regarding_id),
        }
    return replace(event, stamps=stamps, values={**event.values, "regarding": regards})


def _crm_id(event: ExchangeEvent) -> str | None:
    stamp = event.stamps.crm_id if event.stamps else None
    guid = tracking.normal_guid(stamp) if stamp else ""
    return guid if len(guid) == 36 else None


def _stamped_table(event: ExchangeEvent) -> str:
    """The table that the item's stamps name; without a word, the one that it belongs in."""
    return tracking.stamped_table(event) or tracking.table_of(event)


def _is_news(record: DynamicsAppointment | Absence | None, link: Link) -> bool:
    """The row, or an exception of the series, is in another version than the link holds."""
    if version_of(_etag(record)) != version_of(link.dynamics_etag):
        return True
    if not isinstance(record, DynamicsAppointment) or not record.is_series:
        return False
    versions = {version_of(exception.etag) for exception in record.exceptions.values()}
    return versions != versions_of(link)


def _etag(record: DynamicsAppointment | Absence | None) -> str | None:
    return record.etag if isinstance(record, DynamicsAppointment) else None


def _organizer_user(record: DynamicsAppointment | Absence | None) -> str | None:
    """Nobody organizes a service appointment for others (APPT-37)."""
    if not isinstance(record, DynamicsAppointment) or record.table == SERVICE:
        return None
    organizer = record.value("organizer")
    return str(organizer) if organizer else None
