"""Apply: carry out one decision about an appointment or series, every write idempotent and conditional."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from shared.engine import scheduling
from shared.engine.attachment_writes import Copied, FileWriting
from shared.engine.history_rows import refused_rows, rows_of
from shared.engine.ports import ExchangeMailbox, Fence, HistoryRow
from shared.engine.services import Services
from shared.engine.trying import Outcome, Trying
from shared.errors import (
    Conflict,
    FenceLost,
    NotFound,
    Refused,
    SyncError,
)
from shared.model.appointment import SERVICE, DynamicsAppointment
from shared.model.decision import (
    Action,
    AddAttachment,
    CancelEvent,
    CreateAppointment,
    CreateEvent,
    Decision,
    DeleteAppointment,
    DeleteEvent,
    MarkEvent,
    PutException,
    RemoveAttachment,
    RemoveInstance,
    RemoveOccurrence,
    UpdateAppointment,
    UpdateEvent,
    UpdateOccurrence,
)
from shared.model.event import ExchangeEvent
from shared.model.link import Link, LinkState, Role
from shared.model.values import Side
from shared.rules import last_seen, occurrence_base, privacy
from shared.rules.appointment_content import base_after
from shared.rules.appointments import decide
from shared.rules.occurrence_views import Slots
from shared.rules.occurrences import WHOLE
from shared.rules.situation import AppointmentSituation, Context

DUPLICATE = "ErrorDuplicateTransactionId"

ReadAgain = Callable[[AppointmentSituation], Awaitable[AppointmentSituation]]
AppointmentOutcome = Outcome[AppointmentSituation]


@dataclass
class _State:
    """The two items as the writes leave them."""

    event: ExchangeEvent | None
    row: DynamicsAppointment | None
    files: Copied


class Applying(Trying[AppointmentSituation]):
    """Carries out decisions about appointments and series."""

    def __init__(
        self, services: Services, context: Context, read_again: ReadAgain, fence: Callable[[], Fence]
    ) -> None:
        super().__init__(services, context, read_again, fence)
        self._box: ExchangeMailbox = services.exchange.mailbox(
            context.mailbox.id, context.mailbox.time_zone, rich=context.rich
        )
        self._files = FileWriting(services, context, self._box, lambda: services.store.still_mine(fence()))

    def _decide(self, situation: AppointmentSituation) -> Decision:
        return decide(situation, self._context)

    def _reads_instead(self, outcome: AppointmentOutcome) -> bool:
        row = outcome.situation.row
        return row is not None and row.remembered

    def _given_up(self, outcome: AppointmentOutcome) -> None:
        if outcome.error is not None and outcome.error.code == DUPLICATE:
            self._deleted_before_seen(outcome)

    def _deleted_before_seen(self, outcome: AppointmentOutcome) -> None:
        """The event was created (its key is used up) and is nowhere: a person deleted it before its link was
        written. The row stays; nothing is created again."""
        link = outcome.decision.link
        if link is None:
            return
        reason = "the event was deleted in Exchange right after it was created"
        outcome.link = link.ended(LinkState.DELETED_IN_EXCHANGE, reason, ("APPT-30", "LNK-8"))
        outcome.error = None

    # --- one try ----------------------------------------------------------------------------------

    async def _carry_out(self, outcome: AppointmentOutcome) -> None:
        decision = await self._own(outcome)
        situation = outcome.situation
        outcome.availability = situation.availability
        if decision.asks is not None:
            outcome.link = situation.link  # untouched: its versions still say that there is something to do
            return
        await self._note_losses(outcome, decision)
        state = _State(situation.event, _row_of(situation, decision), self._files.begin(situation))
        at = self._services.now()
        done: list[Action] = []
        try:
            for action in decision.actions:
                if isinstance(action.write, AddAttachment | RemoveAttachment):
                    done += await self._files.carry_out(action, state, state.files)
                    continue
                await self._services.on_step(f"before {action.kind} {action.side}")
                try:
                    await self._write(action, situation, decision, state)
                except (Refused, NotFound) as error:
                    if not action.occurrence:
                        raise
                    decision = self._occurrence_refused(outcome, decision, action, error, at)
                    continue
                await self._services.on_step(f"after {action.kind} {action.side}")
                done.append(action)
        finally:
            outcome.history += rows_of(_named(decision, state), done, at)
            outcome.history += refused_rows(_named(decision, state), state.files.refused, at)
            outcome.history += self._conflicts(outcome, _named(decision, state), state, at)
        await self._files.read_back(state, state.files)
        outcome.decision = state.files.noted(outcome.decision)
        await self._read_series_again(decision, done, state)
        outcome.link = self._closed_link(decision, state)
        outcome.replaced = decision.replaced
        await self._index(outcome, state)
        self._note_skips(outcome, at)

    def _conflicts(
        self, outcome: AppointmentOutcome, decision: Decision, state: _State, at: datetime
    ) -> list[HistoryRow]:
        """What Dynamics said to a write that asked who is busy."""
        said = state.row.availability if state.row else None
        outcome.availability = said or outcome.availability
        return scheduling.warnings(decision, said, self._context.zone, at)

    def _occurrence_refused(
        self, outcome: AppointmentOutcome, decision: Decision, action: Action, error: SyncError, at: datetime
    ) -> Decision:
        """One occurrence that cannot be written is recorded with its reason and blocks neither its series nor
        the other occurrences; it is tried again when the series is next looked at."""
        reason = f"{error.code or error.status or type(error).__name__}: {error}"
        outcome.history += refused_rows(decision, [(action, reason)], at)
        plan = decision.occurrences
        if plan is None:
            return decision
        kept = plan.kept | {(action.occurrence, WHOLE)}
        return replace(decision, occurrences=replace(plan, kept=kept))

    async def _read_series_again(self, decision: Decision, done: list[Action], state: _State) -> None:
        """Writing a series moves the versions of its exceptions, and writing those moves the series': what
        both are now is asked once, when all is written."""
        plan = decision.occurrences
        if plan is None or state.event is None or state.row is None:
            return
        sides = {action.side for action in done if _writes_content(action)}
        if Side.EXCHANGE in sides and (plan.written[Side.EXCHANGE] or plan.before[Side.EXCHANGE]):
            found = (await self._box.series([state.event.id])).get(state.event.id)
            state.event = _as_seen(state.event, found) if found else state.event
        if Side.DYNAMICS in sides and (plan.written[Side.DYNAMICS] or plan.before[Side.DYNAMICS]):
            row_id = state.row.id
            record = (
                await self._services.dynamics.series([row_id], as_user=self._context.mailbox.user_id)
            ).get(row_id)
            if isinstance(record, DynamicsAppointment):
                state.row = _as_seen(state.row, record)

    async def _own(self, outcome: AppointmentOutcome) -> Decision:
        """Index the row under this mailbox and settle who owns its content, before anything is written."""
        decision, link = outcome.decision, outcome.decision.link
        if link is None or not link.linked or not (decision.actions or outcome.situation.link):
            return decision
        me, owner = self._context.mailbox.id, outcome.situation.owner
        if decision.replaced is not None:
            owner = None  # that of the old row; nobody owns the new one yet
        if outcome.situation.link is None or not outcome.situation.link.linked or decision.replaced:
            await self._services.items.join(link.table, link.dynamics_id, me)
        if link.table == SERVICE:
            return decision  # an own copy each: nobody owns the content for others (APPT-37)
        wanted = me if link.role is Role.OWNER else outcome.situation.organizer_mailbox
        if wanted is None or self._owns_already(outcome, wanted, owner):
            return decision
        stands = await self._services.items.own(link.table, link.dynamics_id, wanted, instead_of=owner)
        if owner and owner != stands:
            outcome.left_to = (owner,)
        if wanted == me and stands != me:
            outcome.situation = replace(outcome.situation, owner=stands)
            outcome.decision = decide(outcome.situation, self._context)
        return outcome.decision

    @staticmethod
    def _owns_already(outcome: AppointmentOutcome, wanted: str, owner: str | None) -> bool:
        link = outcome.situation.link if outcome.decision.replaced is None else None
        certain = bool(link and link.linked and link.role is Role.OWNER and link.markers.get("isOrganizer"))
        return owner == wanted or certain

    async def _write(
        self, action: Action, situation: AppointmentSituation, decision: Decision, state: _State
    ) -> None:
        write = action.write
        if isinstance(write, CreateAppointment):
            state.row = await self._create_row(write)
        elif isinstance(write, UpdateAppointment):
            state.row = await self._update_row(write, state)
        elif isinstance(write, DeleteAppointment):
            await self._delete_row(write)
            if state.row is not None and state.row.id == write.id:
                state.row = None
        elif isinstance(write, PutException | RemoveInstance):
            await self._write_instance(write, state)
        elif isinstance(write, CreateEvent) and action.occurrence:
            with suppress(Conflict):  # its transaction id says that it was made before
                await self._box.create_event(write)
        elif isinstance(write, CreateEvent):
            await self._announce(situation, decision)
            state.event = await self._box.create_event(write)
        elif isinstance(write, UpdateEvent):
            state.event = self._keep_marks(
                await self._box.update_event(_addressed(write, state)), state.event
            )
        elif isinstance(write, UpdateOccurrence | RemoveOccurrence):
            await self._write_occurrence(write, state)
        elif isinstance(write, MarkEvent):
            state.event = await self._mark(_addressed(write, state), state)
        elif isinstance(write, CancelEvent | DeleteEvent):
            await self._remove_event(write)
            state.event = None

    async def _create_row(self, write: CreateAppointment) -> DynamicsAppointment:
        """As the user if the decision says so. A user may lack the right to make a row that is another's (the
        organizer of a series that an attendee tracks); then it is made as its owner, in whose zone Dynamics
        expands it, or the one is met that another mailbox has just made."""
        user = self._context.mailbox.user_id if write.as_user else None
        try:
            return await self._services.dynamics.create_appointment(write, as_user=user)
        except Refused as error:
            owner = write.owner.id if write.owner else user
            if user is None or error.status != 403 or owner == user:
                raise
        return await self._services.dynamics.create_appointment(write, as_user=owner)

    async def _write_instance(self, write: PutException | RemoveInstance, state: _State) -> None:
        user = self._context.mailbox.user_id
        if state.row is not None and not write.series_id:
            write = replace(write, series_id=state.row.id)
        if isinstance(write, PutException):
            await self._services.dynamics.put_exception(write, as_user=user)
            return
        with suppress(NotFound):  # gone already is as good
            await self._services.dynamics.remove_instance(write, as_user=user)

    async def _write_occurrence(self, write: UpdateOccurrence | RemoveOccurrence, state: _State) -> None:
        if state.event is not None and not write.series_id:
            write = replace(write, series_id=state.event.id)
        if isinstance(write, UpdateOccurrence):
            await self._box.update_occurrence(write)
        else:
            with suppress(NotFound):
                await self._box.remove_occurrence(write)
        if state.event is not None:  # its exceptions are parts of a series: its version moved
            state.event = replace(state.event, etag="")

    async def _update_row(self, write: UpdateAppointment, state: _State) -> DynamicsAppointment:
        known = state.row if state.row and state.row.id == write.id else None
        etag = known.etag if known else write.etag
        return await self._services.dynamics.update_appointment(
            replace(write, etag=etag), as_user=self._context.mailbox.user_id, known=known
        )

    async def _delete_row(self, write: DeleteAppointment) -> None:
        try:
            await self._services.dynamics.delete_appointment(write, as_user=self._context.mailbox.user_id)
        except NotFound:
            return

    async def _announce(self, situation: AppointmentSituation, decision: Decision) -> None:
        """Make sure that it is on record that an event is about to be created, and that the mailbox is still
        ours; a crash is then resolved by the stamp in the create body (design: the fence)."""
        link, known = decision.link, situation.link
        fence = self._fence()
        if link is not None and (known is None or known.state is not LinkState.CREATING):
            creating = replace(link, state=LinkState.CREATING, attempt_at=self._services.now())
            await self._services.store.announce(fence, creating)
        elif not await self._services.store.still_mine(fence):
            raise FenceLost("another worker has this mailbox")
        await self._services.on_step("announced")

    async def _mark(self, write: MarkEvent, state: _State) -> ExchangeEvent | None:
        before = state.event
        try:
            marked = await self._marked(write, before)
        except NotFound:
            return before
        if before is None:
            return marked
        regards, regards_known = before.values.get("regarding"), "regarding" in before.values
        if write.stamps.regarding_id is not None:
            named = {"type": write.stamps.regarding_type or "", "id": write.stamps.regarding_id}
            regards = named if write.stamps.regarding_id else None
        seen = replace(
            before, values={**before.values, "regarding": regards} if regards_known else before.values
        )
        kept = _as_seen(seen, marked)
        return replace(kept, stamps=write.stamps, exceptions=before.exceptions, cancelled=before.cancelled)

    async def _marked(self, write: MarkEvent, before: ExchangeEvent | None) -> ExchangeEvent:
        """The answer for a series does not tell what became of its occurrences since they were read. So it is
        marked in the version that was read; any other is not noted as known, and its feed brings it up."""
        if before is None or not before.is_series:
            return await self._box.mark_event(write)
        if before.etag:
            with suppress(Conflict):
                return await self._box.mark_event(replace(write, etag=before.etag))
        return replace(await self._box.mark_event(write), etag="")

    @staticmethod
    def _keep_marks(event: ExchangeEvent, before: ExchangeEvent | None) -> ExchangeEvent:
        """Graph's answers do not echo stamps; what was read before still holds."""
        if before is None:
            return event
        values = dict(event.values)
        if "regarding" in before.values:
            values["regarding"] = before.values["regarding"]
        return replace(
            event,
            stamps=before.stamps,
            values=values,
            exceptions=before.exceptions,
            cancelled=before.cancelled,
        )

    async def _remove_event(self, write: CancelEvent | DeleteEvent) -> None:
        try:
            if isinstance(write, CancelEvent):
                await self._box.cancel_event(write)
            else:
                await self._box.delete_event(write)
        except NotFound:
            return

    # --- afterwards -------------------------------------------------------------------------------

    def _closed_link(self, decision: Decision, state: _State) -> Link | None:
        """The decision's link with what each side returned."""
        link = decision.link
        if link is None or not link.linked:
            return link
        event, row = state.event, state.row
        if event is None or row is None:
            return link
        event = privacy.applied(event, self._context.profile.private_appointments)
        base = base_after(link.base, decision.absorb, event, row, link.withheld)
        link, event, row = self._with_occurrences(link, decision, event, row)
        closed = replace(
            state.files.after(link),
            exchange_id=event.id,
            ical_uid=event.ical_uid or link.ical_uid,
            exchange_etag=event.etag,
            dynamics_etag=row.etag,
            base=base,
            intent={},
            attempt_at=None,
        )
        return last_seen.with_row(closed, row)

    def _with_occurrences(
        self, link: Link, decision: Decision, event: ExchangeEvent, row: DynamicsAppointment
    ) -> tuple[Link, ExchangeEvent, DynamicsAppointment]:
        """What both showed at the slots of a series; a side on which something happened meanwhile keeps no
        version, so that its own feed brings it up again."""
        plan = decision.occurrences
        if row.group_id:
            link = replace(link, markers={**link.markers, "group": row.group_id})
        if plan is None:
            return link, event, row
        slots = Slots.of(event, row, self._context.zone)
        new = occurrence_base.base_after(link, plan, event, row, slots)
        if Side.EXCHANGE in new.raced:
            event = replace(event, etag="")
        if Side.DYNAMICS in new.raced:
            row = replace(row, etag="")
        return replace(link, occurrences=new.occurrences), event, row

    async def _index(self, outcome: AppointmentOutcome, state: _State) -> None:
        link, before = outcome.link, outcome.situation.link
        if link is None:
            return
        new = before is None or not before.linked or outcome.replaced is not None
        if link.linked and link.ical_uid and state.event and new and link.table != SERVICE:
            await self._services.items.put_ical_uid(link.ical_uid, link.dynamics_id)
        if link.state.ended and before is not None and before.linked:
            await self._leave(outcome, link)
        if outcome.replaced is not None:
            await self._leave(outcome, outcome.replaced)

    async def _leave(self, outcome: AppointmentOutcome, link: Link) -> None:
        await self._services.items.end(link.table, link.dynamics_id, self._context.mailbox.id)
        if link.table == SERVICE:
            return
        entry = await self._services.items.entry(link.table, link.dynamics_id)
        outcome.left_to = tuple(m for m in entry.mailboxes if m != self._context.mailbox.id)


def _row_of(situation: AppointmentSituation, decision: Decision) -> DynamicsAppointment | None:
    """The row that the decision's link is about: the one that took the other's place, if one did."""
    link, successor = decision.link, situation.successor
    if link is not None and successor is not None and successor.id == link.dynamics_id:
        return successor
    return situation.row


I = TypeVar("I", ExchangeEvent, DynamicsAppointment)  # noqa: E741 - an item


def _as_seen(before: I, now: I) -> I:
    """The item after a write that did not touch its content, or read again: what somebody changed meanwhile
    is no part of what both sides agree on, and its version is not noted, so that its own feed brings it
    up."""
    same = all(now.values[name] == value for name, value in before.values.items() if name in now.values)
    values = {**now.values, **before.values}
    return replace(now, values=values, etag=now.etag if same else "")


def _writes_content(action: Action) -> bool:
    return action.write is not None and not isinstance(action.write, MarkEvent)


W = TypeVar("W", UpdateEvent, MarkEvent)


def _addressed(write: W, state: _State) -> W:
    """A write to the event that this decision created, or writes a second time."""
    if state.event is None:
        return write
    if not write.id:
        return replace(write, id=state.event.id)
    return replace(write, etag=state.event.etag) if isinstance(write, UpdateEvent) else write


def _named(decision: Decision, state: _State) -> Decision:
    """The decision with the ids that its creates brought."""
    item = decision.item
    exchange = state.event.id if state.event else item.exchange
    dynamics = state.row.id if state.row else (decision.link.dynamics_id if decision.link else item.dynamics)
    return replace(decision, item=replace(item, exchange=exchange, dynamics=dynamics))
