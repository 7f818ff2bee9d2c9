"""Verify: a mailbox compared with Dynamics without deltas (LNK-8, PAIN-6).

All that is linked or marked on either side is read as it is now, page by page, paired with the links, and
decided by the rules of a pass; what they would do is drift. Nothing is written to either side. To mend means
to put what drifted into the inbox: an ordinary pass, under the brake, does the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from shared.engine import closed_kinds
from shared.engine.filters import known_filters, matches
from shared.engine.personal_found import of_kind
from shared.engine.personal_gather import is_on
from shared.engine.planning import context_of
from shared.engine.ports import Agenda, CalendarRef, ChangedRow, PersonalItems, Window
from shared.engine.services import Services
from shared.engine.verify_pairs import Pairs
from shared.engine.verify_progress import Report, Stage, fingerprint
from shared.engine.waiting import waiting_of
from shared.errors import CursorExpired, NotFound
from shared.model.appointment import APPOINTMENT, SERIES, SERVICE
from shared.model.feed_tables import CALENDAR_TABLES
from shared.model.link import Link
from shared.model.mailbox import Mailbox
from shared.model.personal import CONTACT, PERSONAL_TABLES, TASK, kind_of
from shared.model.profile import Profile
from shared.model.sync_filter import Filters
from shared.rules.situation import KIND, Context

CHUNK = 100
SLICE_ITEMS = 2000
SLICE_TIME = timedelta(seconds=90)
"""A slice ends with the step that exceeds one of these; the mailbox's session goes to others in between."""


async def verify(services: Services, mailbox: Mailbox, profile: Profile, report: Report) -> None:
    """One slice: until the report is complete, or enough was done."""
    agenda = await services.store.agenda(mailbox.id, inbox_limit=0)
    context = await context_of(services, mailbox, profile, agenda)
    known = await known_filters(services, mailbox, profile, agenda, ask=not report.begun)
    waiting = await waiting_of(services, mailbox, agenda.held)
    pairs = Pairs(services, context, known.filters, waiting, agenda.held, report)
    reading = _Reading(services, context, known.filters, pairs, report)
    if not report.begun:
        await reading.begin(agenda)
    until, enough = services.now() + SLICE_TIME, report.number_met + SLICE_ITEMS
    while not report.complete:
        await reading.step()
        if services.now() >= until or report.number_met >= enough:
            return


class _Reading:
    """Reads both sides for one slice."""

    def __init__(
        self, services: Services, context: Context, filters: Filters, pairs: Pairs, report: Report
    ) -> None:
        self._services = services
        self._context = context
        self._mailbox = context.mailbox
        self._filters = filters
        self._pairs = pairs
        self._report = report
        self._box = services.exchange.mailbox(self._mailbox.id, self._mailbox.time_zone, rich=context.rich)
        self._calendars: dict[str, CalendarRef] = {}

    # --- the stages -------------------------------------------------------------------------------

    async def begin(self, agenda: Agenda) -> None:
        report = self._report
        report.stages = [Stage("exchange", KIND, calendar) for calendar in await self._own_calendars()]
        kinds = [kind for kind in (CONTACT, TASK) if self._takes_part(kind, agenda)]
        for kind in kinds:
            places = [place for place in await self._source(kind).places() if place.own]
            report.stages += [Stage("exchange", kind, place.id) for place in places]
        tables = [*CALENDAR_TABLES, *(table for kind in kinds for table in of_kind(kind))]
        report.stages += [Stage("dynamics", _kind(table), table) for table in tables]
        report.stages += [Stage("links", kind, kind) for kind in (KIND, *kinds)]
        report.begun = True

    def _takes_part(self, kind: str, agenda: Agenda) -> bool:
        notes = closed_kinds.notes_of(agenda)
        if not is_on(kind, self._context.profile):
            self._report.left_out[kind] = "switched off in the profile"
        elif kind in notes:
            self._report.left_out[kind] = notes[kind]
        return kind not in self._report.left_out

    async def _own_calendars(self) -> dict[str, CalendarRef]:
        self._calendars = self._calendars or {each.id: each for each in await self._box.calendars()}
        return self._calendars

    def _source(self, kind: str) -> PersonalItems:
        return self._box.contacts if kind == CONTACT else self._box.tasks

    async def step(self) -> None:
        """One page, or one chunk of rows or links."""
        stage = self._report.stage
        if stage.what == "exchange":
            await self._marked_items(stage)
        elif stage.what == "dynamics":
            await self._wanted_rows(stage)
        else:
            await self._other_links(stage)

    # --- what carries a mark in Exchange ----------------------------------------------------------

    async def _marked_items(self, stage: Stage) -> None:
        """A place that is gone, or a page that cannot be continued, ends the stage: what is linked in it is
        looked for by its link."""
        try:
            link = await (self._events(stage) if stage.kind == KIND else self._items(stage))
        except (NotFound, CursorExpired):
            link = ""
        if link:
            self._report.link = link
        else:
            self._report.next_stage()

    async def _events(self, stage: Stage) -> str:
        calendar = (await self._own_calendars()).get(stage.name)
        if calendar is None:
            return ""
        page = await self._box.tracked_events(calendar, self._report.link)
        self._report.read(KIND, len(page.events), len(page.broken))
        await self._pairs.meetings(page.events)
        return page.link

    async def _items(self, stage: Stage) -> str:
        page = await self._source(stage.kind).tracked(stage.name, self._report.link)
        self._report.read(stage.kind, len(page.items), len(page.broken))
        await self._pairs.personal(stage.kind, page.items)
        return page.link

    # --- what should be in Exchange ---------------------------------------------------------------

    async def _wanted_rows(self, stage: Stage) -> None:
        """Those that no marked item was met for; linked ones have their own stage."""
        report = self._report
        found = await self._ids(stage.name)
        if not report.link:
            report.count(stage.kind, "inDynamics", len(found))
        unmet = [
            row_id for row_id in found if row_id > report.link and fingerprint(row_id) not in report.rows
        ]
        chunk = await self._not_linked(stage.name, unmet[:CHUNK])
        if stage.kind == KIND:
            await self._pairs.meetings(rows=chunk)
        else:
            await self._pairs.personal(stage.kind, rows=chunk)
        if len(unmet) <= CHUNK:
            report.next_stage()
        else:
            report.link = unmet[CHUNK - 1]

    async def _ids(self, table: str) -> list[str]:
        user, dynamics = self._mailbox.user_id, self._services.dynamics
        window = Window(self._context.window_start, self._context.window_end)
        rows: Iterable[ChangedRow]
        if table == APPOINTMENT:
            rows = await dynamics.appointments_organized_by(user, window, as_user=user)
        elif table == SERIES:
            rows = await dynamics.series_organized_by(user, window, as_user=user)
        elif table == SERVICE:
            rows = await dynamics.service_appointments_of(user, window, as_user=user)
        else:
            rows = (await matches(self._services, user, self._filters, table)).rows.values()
        return sorted({row.series or row.id for row in rows})

    async def _not_linked(self, table: str, ids: Sequence[str]) -> dict[str, str]:
        keys = [(table, row_id) for row_id in ids]
        links = await self._services.store.links_by_dynamics(self._mailbox.id, keys) if keys else {}
        live = {link.dynamics_id for link in links.values() if not link.state.ended}
        return {row_id: table for row_id in ids if row_id not in live}

    # --- what is linked, and was not met ----------------------------------------------------------

    async def _other_links(self, stage: Stage) -> None:
        """Their items carry no mark, are in another place, or gone."""
        report, unmet = self._report, list[Link]()
        async for link in self._services.store.links(self._mailbox.id, stage.kind):
            if not report.link:
                report.count(stage.kind, "ended" if link.state.ended else "linked")
            if not link.state.ended and fingerprint(link.dynamics_id) not in report.rows:
                unmet.append(link)
        report.link = "counted"
        chunk = unmet[:CHUNK]
        doubles = [
            each for each in chunk if each.exchange_id and fingerprint(each.exchange_id) in report.items
        ]
        for link in doubles:
            self._pairs.two_rows(link)
        others = [link for link in chunk if link not in doubles]
        if stage.kind == KIND:
            await self._pairs.meetings(links=others)
        else:
            await self._pairs.personal(stage.kind, links=others)
        report.rows |= {fingerprint(link.dynamics_id) for link in chunk}
        if len(unmet) <= CHUNK:
            report.next_stage()


def _kind(table: str) -> str:
    return kind_of(table) if table in PERSONAL_TABLES else KIND
