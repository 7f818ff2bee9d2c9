"""One pass of one mailbox: gather → pair → decide → apply → commit. Bounded, and continued by a message."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence, Set
from datetime import datetime, timedelta
from typing import Any

from shared.engine import first_sync
from shared.engine.apply import Applying
from shared.engine.asking import Asking
from shared.engine.coverage import changes_seen, is_covered
from shared.engine.gather import BOUNDS, Touched, gather
from shared.engine.history_rows import unreadable_row
from shared.engine.holding import PASS_LIMIT, Holding
from shared.engine.kinds import (
    AnySituation,
    Decided,
    ReadAgain,
    bring_up,
    look_again,
    noted,
    with_availability,
)
from shared.engine.pass_result import PassResult
from shared.engine.personal_apply import PersonalApplying
from shared.engine.personal_gather import PersonalGathering, Wanted
from shared.engine.personal_touched import ITEM_KINDS
from shared.engine.planning import Answers, held_late, held_under, linked_items, plan
from shared.engine.ports import (
    Agenda,
    Changes,
    InboxRow,
    Question,
)
from shared.engine.saved_cursors import worth_saving
from shared.engine.scheduling import note_row
from shared.engine.services import Services
from shared.engine.trying import Outcome
from shared.engine.waiting import CONTACT_ROW, EVENT, Key, Waiting, forgotten, settle
from shared.errors import Throttled, UnderWay
from shared.lane import Lane
from shared.model.decision import Decision
from shared.model.mailbox import Mailbox
from shared.model.personal import TASK
from shared.model.profile import Profile
from shared.model.sync_filter import Filters
from shared.rules.brake import Braked, apply_brake
from shared.rules.personal_situation import PersonalSituation
from shared.rules.situation import Context

CHUNK = 40
CONCURRENCY = 4
RETRY_AFTER = timedelta(seconds=2)
ALL = Wanted(everything=True)


class MailboxPass:
    """One pass, or one slice of a first sync. Create, run once, throw away."""

    def __init__(
        self, services: Services, mailbox: Mailbox, profile: Profile, lane: Lane = Lane.SYNC
    ) -> None:
        self._services = services
        self._mailbox = mailbox
        self._profile = profile
        self._lane = lane
        self._late = False
        """Something was not tried, for lack of time or patience."""
        self._looks_again_at: datetime | None = None
        """When an item has to be looked for again whose creation may be under way; no other waits for it."""
        self._result = PassResult()
        self._holding = Holding(services, mailbox.id, lane)
        self._asking = Asking(services, mailbox.id, self._holding, self._result)
        self._waiting = Waiting()
        self._filters = Filters()
        self._tracks_tasks = mailbox.tracks_tasks
        self._uncommitted = Changes()
        """What the last chunk leaves to be committed together with the cursors."""
        self._scheduling_note: str | None = None
        """Why Dynamics cannot be asked who is busy; None when it was not asked."""

    async def run(
        self, agenda: Agenda, *, reconcile: bool = False, wanted: Wanted = ALL, retried: bool = False
    ) -> PassResult:
        """Raises FenceLost when another worker took the mailbox, and whatever kept it from beginning.
        ``agenda``: as it is now; ``wanted``: which of the feeds that need not be read each time are read in
        this pass; ``retried``: the last one failed."""
        services, started = self._services, self._services.now()
        bulk = self._lane is Lane.BULK
        wanted = first_sync.widened(wanted, agenda) if bulk else wanted
        bounds = first_sync.slice_bounds(agenda) if bulk else BOUNDS
        deadline = started + (first_sync.SLICE if bulk else PASS_LIMIT)
        self._holding.unclaimed = agenda.fence
        answers = await self._answers(agenda)
        touched = await gather(
            services,
            self._mailbox,
            agenda,
            self._profile,
            reconcile=reconcile,
            calendars=wanted.calendars,
            bounds=bounds,
        )
        await PersonalGathering(services, self._mailbox, agenda, self._profile, touched, wanted).gather()
        if bulk:
            touched.urgent = await first_sync.look_for_newest(
                services, self._mailbox, agenda, touched, retried=retried
            )
        self._filters = touched.filters
        self._result.covered, seen = is_covered(agenda, touched), changes_seen(touched)
        self._apply_held(agenda, answers, touched)
        await services.on_step("gathered")
        if touched.nothing:
            await self._tell(touched)
            await self._holding.commit(
                Changes(
                    cursors=worth_saving(touched, agenda),
                    dropped_cursors=touched.dropped_cursors,
                    inbox_added=self._put_off(touched.overflow),
                    inbox_removed=touched.inbox,
                )
            )
        else:
            await self._work(agenda, touched, answers, deadline=deadline)
        if touched.reconciled:
            await self._asking.withdraw(await self._asking.left_over())
        self._result.untold = max(seen - self._result.echoes, 0)
        await self._finish(touched, started)
        if bulk and not touched.more and not self._late:
            await self._leave_lane()
        fence = self._holding.fence
        self._result.generation = fence.generation if fence else first_sync.generation_of(agenda)
        return self._result

    def _put_off(self, rows: Sequence[InboxRow]) -> list[InboxRow]:
        return first_sync.put_off(rows) if self._lane is Lane.BULK else list(rows)

    async def _leave_lane(self) -> None:
        """All is read, and everything was tried once: what failed comes back in the other lane, so that one
        item that fails for ever keeps no mailbox in this."""
        await self._holding.leave_lane(first_sync.FEED)
        self._result.over = True

    # --- the administrator's answers --------------------------------------------------------------

    async def _answers(self, agenda: Agenda) -> Answers:
        if not agenda.held:
            return Answers()
        decisions = {d.id: d for d in await self._services.decisions.of_mailbox(self._mailbox.id)}
        self._waiting = Waiting.of(agenda.held, decisions)
        brakes = [d for d in decisions.values() if d.kind is Question.BRAKE]
        answered = tuple(d for d in brakes if d.answer)
        return Answers(
            waiting=tuple(d for d in brakes if not d.answer),
            answered=answered,
            go_on=held_under(agenda.held, [d for d in answered if d.answer == "go-on"]),
            drop=held_under(agenda.held, [d for d in answered if d.answer != "go-on"]),
            late=held_late(agenda.held) if len(answered) == len(brakes) else frozenset(),
            items=self._waiting,
        )

    def _apply_held(self, agenda: Agenda, answers: Answers, touched: Touched) -> None:
        """Items that were let go or dropped are looked at in this pass."""
        for key, put in answers.items.to_look_at(self._profile).items():
            bring_up(key, put, touched)
        for row in agenda.held:
            if row.id in answers.freed:
                touched.force(row.kind, row.id)

    # --- the work ---------------------------------------------------------------------------------

    async def _work(self, agenda: Agenda, touched: Touched, answers: Answers, *, deadline: datetime) -> None:
        made = await plan(
            self._services,
            self._mailbox,
            self._profile,
            agenda,
            touched,
            answers,
            shared=not touched.reconciled,
        )
        await self._tell(touched)
        await self._services.on_step("decided")
        self._result.echoes, self._result.untracked = made.echoes, made.untracked
        braked = await self._braked(made.decided, answers)
        await self._asking.hold(braked, agenda, answers)
        going = {id(decision) for decision in braked.go}
        todo = [(s, d) for s, d in made.decided if id(d) in going]
        todo.sort(key=lambda each: not _is_urgent(each[0], touched.urgent))
        unfinished = await self._apply_all(made.context, todo, touched, deadline)
        await self._asking.settle(forgotten(self._waiting, _looked_at(touched), [s for s, _ in made.decided]))
        await self._put_cursors(touched, unfinished, braked, answers, agenda)

    async def _braked(self, decided: Sequence[Decided], answers: Answers) -> Braked:
        decisions, brake = [decision for _, decision in decided], self._profile.brake
        linked = await linked_items(self._services, self._mailbox, brake, decisions)
        return apply_brake(decisions, brake, answers.braked, waiting=bool(answers.waiting), linked=linked)

    async def _apply_all(
        self,
        context: Context,
        todo: Sequence[Decided],
        touched: Touched,
        deadline: datetime,
    ) -> list[AnySituation]:
        """Apply in chunks, each committed before the next begins; what is left over waits in the inbox. The
        first is applied however long the reading took, or a pass that comes back would get no further."""
        unfinished: list[AnySituation] = []
        for begin in range(0, len(todo), CHUNK):
            chunk = todo[begin : begin + CHUNK]
            late = begin > 0 and self._services.now() > deadline
            if self._result.again_at or late:
                self._late = True
                unfinished += [situation for situation, _ in chunk]
                continue
            asked = await with_availability(self._services, context, chunk)
            announced_at = self._services.now()
            chunk = await self._note_intents(asked, announced_at)
            outcomes = await self._apply_chunk(context, chunk, announced_at)
            await self._commit_outcomes(outcomes, touched, last=begin + CHUNK >= len(todo))
            unfinished += [o.situation for o in outcomes if not o.finished]
        if unfinished and self._result.again_at is None:
            patient = None if self._late else self._looks_again_at
            self._result.again_at = patient or self._services.now()
        return unfinished

    async def _note_intents(self, chunk: Sequence[Decided], now: datetime) -> list[Decided]:
        """Take the mailbox, and say on the links what is about to be written, in one transaction."""
        notes = [(noted(situation, decision, now), decision) for situation, decision in chunk]
        links = [link for (_, link), _ in notes if link is not None]
        if self._holding.fence is None:
            await self._holding.claim(links)
        elif links:
            await self._holding.commit(Changes(links=links))
        return [(situation, decision) for (situation, _), decision in notes]

    async def _apply_chunk(
        self, context: Context, chunk: Sequence[Decided], announced_at: datetime
    ) -> list[Outcome[Any]]:
        again = ReadAgain(self._services, context, self._filters)
        meetings = Applying(self._services, context, again.appointment, self._holding.current)
        others = PersonalApplying(
            self._services, context, again.personal, self._holding.current, announced_at
        )
        slots = asyncio.Semaphore(CONCURRENCY)

        async def one(situation: AnySituation, decision: Decision) -> Outcome[Any]:
            async with slots:
                if isinstance(situation, PersonalSituation):
                    return await others.apply(situation, decision)
                return await meetings.apply(situation, decision)

        outcomes = await asyncio.gather(*(one(s, d) for s, d in chunk))
        for outcome in outcomes:
            self._count(outcome)
        return list(outcomes)

    def _count(self, outcome: Outcome[Any]) -> None:
        self._tracks_tasks |= outcome.link is not None and outcome.link.kind == TASK
        self._result.actions += len(outcome.decision.actions) if outcome.finished else 0
        self._result.skipped += len(outcome.decision.skips)
        said = outcome.availability
        if said is not None and (said.everywhere or not said.unchecked):
            self._scheduling_note = said.unchecked or self._scheduling_note or ""
        if outcome.error is None:
            return
        self._result.unfinished += 1
        self._result.errors.append(f"{type(outcome.error).__name__} {outcome.error.code}".strip())
        wait = outcome.error.retry_after if isinstance(outcome.error, Throttled) else None
        later = self._services.now() + (timedelta(seconds=wait) if wait else RETRY_AFTER)
        if isinstance(outcome.error, UnderWay):
            self._result.under_way += 1
            self._looks_again_at = later
            return
        self._result.again_at = max(self._result.again_at or later, later)

    # --- committing -------------------------------------------------------------------------------

    async def _commit_outcomes(
        self, outcomes: Sequence[Outcome[Any]], touched: Touched, *, last: bool
    ) -> None:
        """Those of the last chunk go into one transaction with the cursors, unless somebody waits for
        them."""
        await self._services.on_step("applied")
        history = [row for outcome in outcomes for row in outcome.history]
        if history:
            await self._services.history.add(self._mailbox.id, history)
        await self._services.on_step("history written")
        links = [o.link for o in outcomes if o.link is not None and o.link != o.situation.link]
        links += [o.replaced for o in outcomes if o.replaced is not None]
        done = _inbox_rows_of((o.situation for o in outcomes if o.finished), touched.inbox)
        finished = [(o.situation, o.decision) for o in outcomes if o.finished]
        settled = settle(finished, self._waiting, self._mailbox.id, self._services.now())
        changes = Changes(links=links, inbox_removed=done)
        touched.inbox = [row for row in touched.inbox if row not in done]
        if last and settled.nothing and not any(outcome.left_to for outcome in outcomes):
            self._uncommitted = changes
            return
        await self._asking.settle(settled, changes)
        await self._wake_others(outcomes)

    async def _wake_others(self, outcomes: Iterable[Outcome[Any]]) -> None:
        """Ownership moved: the other mailboxes look at the row again."""
        for outcome in outcomes:
            if outcome.link is None:
                continue
            for other in outcome.left_to:
                moved = outcome.replaced or outcome.link
                await self._services.store.add_inbox(
                    other, [InboxRow(moved.table, moved.dynamics_id, "owner")]
                )
            if outcome.left_to:
                await self._services.jobs.hint(outcome.left_to, "owner", self._services.now())

    async def _put_cursors(
        self,
        touched: Touched,
        unfinished: Sequence[AnySituation],
        braked: Braked,
        answers: Answers,
        agenda: Agenda,
    ) -> None:
        """The cursors move once everything read is either committed, held, or waits in the inbox. An answer
        holds until all is done that it is about."""
        waiting = self._put_off([*touched.overflow, *look_again(unfinished)])
        kept = set(_inbox_rows_of(unfinished, touched.inbox))
        open_ids = {d.item.dynamics for d in braked.held} | {s.ref().dynamics for s in unfinished}
        settled = [row for row in agenda.held if row.id in answers.freed and row.id not in open_ids]
        done = self._uncommitted
        await self._holding.commit(
            Changes(
                links=done.links,
                cursors=touched.cursors,
                dropped_cursors=touched.dropped_cursors,
                inbox_added=waiting,
                inbox_removed=[*done.inbox_removed, *(row for row in touched.inbox if row not in kept)],
                held_removed=settled,
            )
        )
        if not unfinished:
            for decision in answers.answered:
                await self._services.decisions.remove(decision)
        await self._record_broken(touched)

    async def _tell(self, touched: Touched) -> None:
        """What is new about the mailbox itself, before the cursors say that it was told."""
        if touched.news:
            await self._services.history.add(self._mailbox.id, touched.news)

    async def _record_broken(self, touched: Touched) -> None:
        """An item that cannot be read is recorded with its reason and never blocks its neighbours."""
        now = self._services.now()
        rows = [unreadable_row(event_id, reason, now) for event_id, reason in touched.broken.items()]
        rows += [unreadable_row(item, why, now, kind) for kind, item, why in touched.personal.broken()]
        if rows:
            await self._services.history.add(self._mailbox.id, rows)

    async def _note_unchecked(self) -> None:
        """Said once, when it changes (APPT-29)."""
        note, known = self._scheduling_note, self._mailbox.scheduling_note
        if note is None or note == known:
            return
        await self._services.history.add(self._mailbox.id, [note_row(note, self._services.now())])
        await self._services.registry.patch(self._mailbox.id, scheduling_note=note)

    # --- the end ----------------------------------------------------------------------------------

    async def _finish(self, touched: Touched, started: datetime) -> None:
        now = self._services.now()
        await self._note_unchecked()
        if touched.more and self._result.again_at is None:
            self._result.again_at = now
        changes: dict[str, datetime | bool] = {}
        if touched.reconciled:
            changes["reconciled_at"] = started
        if touched.personal.asked_tasks:
            changes["tasks_read_at"] = started
        if touched.personal.read_filters:
            changes["filters_read_at"] = started
        if self._tracks_tasks and not self._mailbox.tracks_tasks:
            changes["tracks_tasks"] = True
        self._result.tasks_read_at = started if touched.personal.asked_tasks else self._mailbox.tasks_read_at
        self._result.tracks_tasks = self._tracks_tasks
        self._result.noted = changes


def _looked_at(touched: Touched) -> set[Key]:
    """What was read in this pass, as it would wait."""
    keys: set[Key] = {(EVENT, event) for event in {*touched.look, *touched.rows} - set(touched.broken)}
    for some in touched.personal.both:
        kind = ITEM_KINDS[some.kind]
        keys |= {(kind, item) for item in {*some.look, *some.rows} - set(some.broken)}
        keys |= {(CONTACT_ROW, row_id) for row_id in some.records}
    return keys


def _is_urgent(situation: AnySituation, urgent: Set[str]) -> bool:
    item = situation.ref()
    return item.exchange in urgent or item.dynamics in urgent


def _inbox_rows_of(situations: Iterable[AnySituation], inbox: Sequence[InboxRow]) -> list[InboxRow]:
    ids: set[str | None] = set()
    for situation in situations:
        item = situation.ref()
        ids |= {item.exchange, item.dynamics}
    return [row for row in inbox if row.id in ids]
