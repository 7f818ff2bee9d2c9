"""Pairs what a verification has read, lets the rules decide, and tells what is amiss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from shared.engine.gather import ANEW, Touched
from shared.engine.kinds import AnySituation, amiss, decide, look_again
from shared.engine.pair import Pairing
from shared.engine.personal_pairing import PersonalPairing
from shared.engine.personal_touched import PersonalTouched
from shared.engine.ports import HeldRow, InboxRow
from shared.engine.services import Services
from shared.engine.verify_progress import Report
from shared.engine.waiting import Waiting, key_of
from shared.model.decision import ItemRef
from shared.model.event import ExchangeEvent
from shared.model.link import Link
from shared.model.personal import ExchangeItem
from shared.model.sync_filter import Filters
from shared.model.values import Side
from shared.rules.drift import Drift, Finding
from shared.rules.personal_marks import PLACE
from shared.rules.situation import KIND, Context


class Pairs:
    """Of one slice. ``held``: what the brake stopped, and what waits for a word of its own."""

    def __init__(
        self,
        services: Services,
        context: Context,
        filters: Filters,
        waiting: Waiting,
        held: Iterable[HeldRow],
        report: Report,
    ) -> None:
        self._services = services
        self._context = context
        self._filters = filters
        self._waiting = waiting
        self._held = {(row.kind, row.id) for row in held}
        self._report = report

    async def meetings(
        self,
        events: Sequence[ExchangeEvent] = (),
        rows: Mapping[str, str] | None = None,
        links: Sequence[Link] = (),
    ) -> None:
        """``events``: read just now; ``rows``: Dynamics ids with their tables."""
        read = {event.id: event for event in events}
        touched = Touched(read=read, look=set(read))
        for row_id, table in (rows or {}).items():
            touched.record(table, row_id)
        for link in links:
            touched.force(link.table, link.dynamics_id)
            touched.look.update([link.exchange_id] if link.exchange_id else [])
        paired = await Pairing(self._services, self._context, self._filters).pair(touched)
        self._report.unreadable += len(touched.broken)
        await self._judge([self._waiting.told(situation) for situation in paired.situations], KIND)

    async def personal(
        self,
        kind: str,
        items: Sequence[ExchangeItem] = (),
        rows: Mapping[str, str] | None = None,
        links: Sequence[Link] = (),
    ) -> None:
        """``rows`` match a filter of the owner's."""
        touched = PersonalTouched(kind, read={item.id: item for item in items})
        touched.look |= {item.id: item.place for item in items}
        for row_id, table in (rows or {}).items():
            touched.force(table, row_id)
            touched.matching[row_id] = True
        for link in links:
            touched.force(link.table, link.dynamics_id)
            if link.exchange_id:
                touched.look[link.exchange_id] = str(link.markers.get(PLACE) or "")
        pairing = PersonalPairing(self._services, self._context, self._filters, kind)
        paired = await pairing.pair(touched, self._waiting.answers(), named=self._waiting.named())
        self._report.unreadable += len(touched.broken)
        await self._judge(paired.situations, kind)

    def two_rows(self, link: Link) -> None:
        """The item of this link was met with another row."""
        item = ItemRef(link.kind, link.exchange_id, link.dynamics_id, link.subject)
        reason = "its item belongs to another row, too; only a person can say which of the two rows is right"
        self._report.find(
            item, Finding(Drift.TWO_ROWS, Side.DYNAMICS, reason, ("LNK-7", "PAIN-6"), mends=False)
        )

    async def _judge(self, situations: Sequence[AnySituation], kind: str) -> None:
        self._report.met(situations)
        mended: list[InboxRow] = []
        for situation in situations:
            decision = decide(situation, self._context)
            if decision.asks is not None or self._waits(situation):
                self._report.count(kind, "waiting")
                continue
            finding = amiss(situation, decision, self._context)
            if finding is not None:
                self._report.find(situation.ref(), finding)
                mended += self._to_mend(situation, finding)
            else:
                linked = situation.link is not None and situation.link.linked
                self._report.count(kind, "inStep" if linked else "leftAlone")
        if mended:
            await self._services.store.add_inbox(self._context.mailbox.id, mended)

    def _waits(self, situation: AnySituation) -> bool:
        """For an administrator: its own question, or the brake's."""
        put = self._waiting.questions.get(key_of(situation))
        own = put is not None and not put.answer
        return own or (situation.table, situation.ref().dynamics or "") in self._held

    def _to_mend(self, situation: AnySituation, finding: Finding) -> Sequence[InboxRow]:
        """What brings it before an ordinary pass: a linked pair by its row, so that both sides are read."""
        if not (self._report.mend and finding.mends):
            return ()
        self._report.mending += 1
        link = situation.link
        if link is not None and not link.state.ended:
            return [InboxRow(link.table, link.dynamics_id, ANEW)]
        return look_again([situation])
