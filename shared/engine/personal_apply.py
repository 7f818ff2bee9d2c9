"""Apply: carry out one decision about a contact or task, every write idempotent or conditional."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.engine.closed_kinds import ACCESS_DENIED
from shared.engine.history_rows import refused_rows, rows_of
from shared.engine.ports import Fence, PersonalItems
from shared.engine.services import Services
from shared.engine.trying import Outcome, Trying, reason_of
from shared.errors import FenceLost, MailboxBroken, NotFound, Refused, UnderWay
from shared.model.decision import Action, Decision
from shared.model.link import Link
from shared.model.personal import (
    CONTACT,
    CreateItem,
    CreateRecord,
    DeleteItem,
    DeleteRecord,
    DynamicsRecord,
    ExchangeItem,
    MarkItem,
    UpdateItem,
    UpdateRecord,
)
from shared.rules.merge import same
from shared.rules.personal import decide
from shared.rules.personal_content import base_after
from shared.rules.personal_intent import ANNOUNCED_FOR, under_way
from shared.rules.personal_marks import PLACE, REFUSED
from shared.rules.personal_situation import PersonalSituation
from shared.rules.situation import Context

DUPLICATE = "0x80040333"
"""Dataverse's own duplicate detection found one (CONT-8)."""
LOOKED_FOR_AGAIN = timedelta(minutes=1)
"""After so long at most an item whose creation may be under way is looked for; repeats come ever later."""

PersonalOutcome = Outcome[PersonalSituation]


@dataclass
class _State:
    """The two items as the writes leave them. ``refused``: updates that one side did not take, and why."""

    item: ExchangeItem | None
    record: DynamicsRecord | None
    refused: list[tuple[Action, str]] = field(default_factory=list)


class PersonalApplying(Trying[PersonalSituation]):
    """Carries out decisions about contacts and tasks."""

    def __init__(
        self,
        services: Services,
        context: Context,
        read_again: Callable[[PersonalSituation], Awaitable[PersonalSituation]],
        fence: Callable[[], Fence],
        announced_at: datetime,
    ) -> None:
        """``announced_at``: when it was put on record what is about to be created."""
        super().__init__(services, context, read_again, fence)
        self._announced_at = announced_at
        self._box = services.exchange.mailbox(context.mailbox.id, context.mailbox.time_zone)

    def _decide(self, situation: PersonalSituation) -> Decision:
        return decide(situation, self._context)

    def _source(self, kind: str) -> PersonalItems:
        return self._box.contacts if kind == CONTACT else self._box.tasks

    def _asks_instead(self, outcome: PersonalOutcome, error: Refused) -> bool:
        """What Dataverse's duplicate detection refuses waits for an administrator."""
        if error.code != DUPLICATE or outcome.situation.duplicate:
            return False
        outcome.situation = replace(outcome.situation, duplicate=True)
        outcome.decision = decide(outcome.situation, self._context)
        return outcome.decision.asks is not None

    # --- one try ----------------------------------------------------------------------------------

    async def _carry_out(self, outcome: PersonalOutcome) -> None:
        decision, situation = outcome.decision, outcome.situation
        if decision.asks is not None:
            outcome.link = situation.link
            return
        await self._index_first(situation, decision)
        await self._note_losses(outcome, decision)
        state = _State(situation.item, situation.row)
        at = self._services.now()
        done: list[Action] = []
        try:
            for action in decision.actions:
                outcome.writing = action
                await self._services.on_step(f"before {action.kind} {action.side}")
                try:
                    await self._write(action, situation, state)
                except Refused as error:
                    if not isinstance(action.write, UpdateItem | UpdateRecord):
                        raise
                    state.refused.append((action, reason_of(error)))
                    continue
                await self._services.on_step(f"after {action.kind} {action.side}")
                done.append(action)
        finally:
            outcome.history += rows_of(_named(decision, state), done, at)
        outcome.link = self._closed_link(situation, decision, state)
        self._note_refused(outcome, state, at)
        await self._index_last(outcome)
        outcome.decision = _named(decision, state)
        self._note_skips(outcome, at)

    async def _index_first(self, situation: PersonalSituation, decision: Decision) -> None:
        """The router finds the mailbox by this row from now on; a stale one is harmless."""
        link = decision.link
        known = situation.link is not None and situation.link.linked
        if link is not None and link.linked and decision.actions and not known:
            await self._services.items.join(link.table, link.dynamics_id, self._context.mailbox.id)

    async def _index_last(self, outcome: PersonalOutcome) -> None:
        link, before = outcome.link, outcome.situation.link
        if link is not None and link.state.ended and (before is None or not before.state.ended):
            await self._services.items.end(link.table, link.dynamics_id, self._context.mailbox.id)

    async def _write(self, action: Action, situation: PersonalSituation, state: _State) -> None:
        """Without the right to write here the item is refused; the mailbox goes on."""
        try:
            await self._send(action, situation, state)
        except MailboxBroken as error:
            if error.code != ACCESS_DENIED:
                raise
            raise Refused(str(error), code=error.code, status=error.status) from error

    async def _send(self, action: Action, situation: PersonalSituation, state: _State) -> None:
        write, user = action.write, self._context.mailbox.user_id
        dynamics, source = self._services.dynamics, self._source(situation.kind)
        if isinstance(write, CreateRecord):
            state.record = await dynamics.create_record(write, as_user=user)
        elif isinstance(write, UpdateRecord):
            state.record = await dynamics.update_record(
                replace(write, etag=_etag(state.record, write.etag)), as_user=user
            )
        elif isinstance(write, DeleteRecord):
            await _unless_gone(dynamics.delete_record(write, as_user=user))
            state.record = None
        elif isinstance(write, CreateItem):
            await self._make_sure(situation)
            state.item = await source.create(write)
        elif isinstance(write, UpdateItem):
            state.item = await source.update(replace(write, item=state.item or write.item))
        elif isinstance(write, MarkItem):
            await self._mark(source, write, state)
        elif isinstance(write, DeleteItem):
            await _unless_gone(source.delete(replace(write, item=state.item or write.item)))
            state.item = None

    async def _mark(self, source: PersonalItems, write: MarkItem, state: _State) -> None:
        try:
            state.item = await source.mark(replace(write, item=state.item or write.item))
        except NotFound:
            return  # gone meanwhile: its own feed says so next

    async def _make_sure(self, situation: PersonalSituation) -> None:
        """Before an item is created, for which there is no idempotency key: no earlier creation may still
        take effect (it is found by its stamp then), others can tell by the announcement until when this one
        may, and the mailbox is still ours."""
        left = under_way(situation.link, self._announced_at)
        if left > timedelta():
            wait = min(left, LOOKED_FOR_AGAIN).total_seconds()
            raise UnderWay("an earlier creation may still be under way", retry_after=wait, code="creating")
        if self._services.now() - self._announced_at > ANNOUNCED_FOR:
            wait = LOOKED_FOR_AGAIN.total_seconds()
            raise UnderWay("it was announced too long ago to be begun now", retry_after=wait, code="creating")
        if not await self._services.store.still_mine(self._fence()):
            raise FenceLost("another worker has this mailbox")
        await self._services.on_step("announced")

    # --- afterwards -------------------------------------------------------------------------------

    def _closed_link(self, situation: PersonalSituation, decision: Decision, state: _State) -> Link | None:
        """The decision's link with what each side returned. What a write changed besides in Dynamics (the
        name of a new parent, a plug-in) is news: it is no part of the base, and the version is not ours."""
        link = decision.link
        item, record = state.item, state.record
        if link is None or not link.linked or item is None or record is None:
            return link
        besides = _changed_besides(situation, decision, state)
        kept = {*besides, *(name for action, _ in state.refused for name in action.fields)}
        absorb = tuple(name for name in decision.absorb if name not in kept)
        before = situation.row.etag if situation.row else ""
        return replace(
            link,
            exchange_id=item.id,
            exchange_etag=item.etag,
            dynamics_etag=before if besides else record.etag,
            base=base_after(link.base, absorb, item, record),
            markers={**link.markers, PLACE: item.place},
            intent={},
            attempt_at=None,
        )

    def _note_refused(self, outcome: PersonalOutcome, state: _State, at: datetime) -> None:
        """What one side does not take keeps nothing else of the item back. It is tried again with the next
        change, and said again when something else is refused."""
        link, before = outcome.link, outcome.situation.link
        if not state.refused or link is None:
            return
        said = "; ".join(
            f"{why.partition(':')[0]} {','.join(action.fields)}" for action, why in state.refused
        )
        if before is None or before.markers.get(REFUSED) != said:
            outcome.history += refused_rows(_named(outcome.decision, state), state.refused, at)
        reason = "; ".join(dict.fromkeys(why for _, why in state.refused))
        outcome.link = replace(link, reason=reason, markers={**link.markers, REFUSED: said})


def _changed_besides(situation: PersonalSituation, decision: Decision, state: _State) -> set[str]:
    """Fields of the row that its update changed though they were not written."""
    before, after = situation.row, state.record
    if before is None or after is None:
        return set()
    written = {n for a in decision.actions if isinstance(a.write, UpdateRecord) for n in a.write.values}
    return {
        name
        for name in decision.absorb
        if name not in written and not same(before.value(name), after.value(name))
    }


def _etag(record: DynamicsRecord | None, known: str) -> str:
    return record.etag if record is not None else known


async def _unless_gone(deletion: Awaitable[None]) -> None:
    """Gone already is as good."""
    try:
        await deletion
    except NotFound:
        return


def _named(decision: Decision, state: _State) -> Decision:
    """The decision with the ids that its creates brought."""
    item = decision.item
    exchange = state.item.id if state.item else item.exchange
    dynamics = state.record.id if state.record else item.dynamics
    if dynamics is None and decision.link is not None:
        dynamics = decision.link.dynamics_id
    return replace(decision, item=replace(item, exchange=exchange, dynamics=dynamics))
