"""What a pass asks an administrator, and what it holds until he answers: the brake's questions, and those
about single items (``waiting``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shared.engine.history_rows import rows_of
from shared.engine.holding import Holding
from shared.engine.pass_result import PassResult
from shared.engine.planning import LATE, Answers
from shared.engine.ports import Agenda, Changes, HeldRow, HistoryRow, PendingDecision, Question
from shared.engine.services import Services
from shared.engine.waiting import Settled
from shared.model.appointment import APPOINTMENT
from shared.model.decision import Decision
from shared.rules.brake import Braked


class Asking:
    """The questions of one pass of one mailbox; ``result`` counts what is held."""

    def __init__(self, services: Services, mailbox_id: str, holding: Holding, result: PassResult) -> None:
        self._services = services
        self._mailbox_id = mailbox_id
        self._holding = holding
        self._result = result

    async def hold(self, braked: Braked, agenda: Agenda, answers: Answers) -> None:
        """Park what the brake stopped, and ask the administrator once. While a question is open, what is
        grave waits until it is answered, and is weighed then: the answer is about what was asked."""
        if not braked.held:
            return
        self._result.held = len(braked.held)
        now = self._services.now()
        known = {row.id for row in agenda.held} - answers.freed
        fresh = [d for d in braked.held if str(d.item.dynamics) not in known]
        if self._holding.fence is None:
            await self._holding.claim()
        question = _open(agenda, answers) or await self._ask(braked.question)
        rows = [HeldRow(_table_of(d), str(d.item.dynamics), question) for d in fresh]
        history: list[HistoryRow] = []
        for decision in fresh:
            history += [replace(row, outcome="waiting") for row in rows_of(decision, decision.actions, now)]
        if history:
            await self._services.history.add(self._mailbox_id, history)
        if rows:
            await self._holding.commit(Changes(held_added=rows))

    async def _ask(self, question: str) -> str:
        """The id of the question. A pass that died before its rows were held may have put one already."""
        found = await self._services.decisions.of_mailbox(self._mailbox_id)
        left = [d.id for d in found if d.kind is Question.BRAKE and not d.answer]
        number = self._holding.current().generation
        asked = left[0] if left else f"{self._mailbox_id}-{number}"
        put = PendingDecision(asked, self._mailbox_id, Question.BRAKE, question, self._services.now())
        await self._services.decisions.put(put)
        await self._services.on_step("asked")
        return asked

    async def settle(self, settled: Settled, changes: Changes | None = None) -> None:
        """A question stands before its row waits for it, and goes when all is done, but before its row: so
        that no step between leaves a row or an answer behind that a later pass would not find."""
        self._result.held += len(settled.held)
        for question in settled.put:
            await self._put(question)
        if settled.history:
            await self._services.history.add(self._mailbox_id, settled.history)
        await self.withdraw(settled.superseded)
        await self._holding.commit(replace(changes or Changes(), held_added=settled.held))
        await self.withdraw(settled.withdrawn)
        await self._holding.commit(Changes(held_removed=settled.freed))

    async def left_over(self) -> list[PendingDecision]:
        """Questions for whose answer nothing waits: a pass that died before it held anything asked them, or
        one that died, or heard nothing from storage, after all was done that they were about."""
        questions = await self._services.decisions.of_mailbox(self._mailbox_id)
        if not questions:
            return []
        held = (await self._services.store.agenda(self._mailbox_id, inbox_limit=0)).held
        named = {row.decision for row in held}
        return [question for question in questions if question.id not in named]

    async def withdraw(self, questions: Sequence[PendingDecision]) -> None:
        """Whatever was answered meanwhile."""
        for question in questions:
            await self._services.decisions.remove(replace(question, etag=None))
            await self._services.on_step("withdrawn")

    async def _put(self, question: PendingDecision) -> None:
        """A pass that died here may have put it before, and an answer may have come since."""
        await self._services.decisions.put(question)
        await self._services.on_step("asked")
        known = await self._services.decisions.get(question.id)
        if known is not None and known.answer:
            self._result.again_at = self._result.again_at or self._services.now()


def _open(agenda: Agenda, answers: Answers) -> str:
    """Under what to wait for the question that is open, if one is. Of the pass that asked it, which died
    before it held anything, it still is the question."""
    if not answers.waiting:
        return ""
    asked = answers.waiting[0].id
    return LATE if any(row.decision == asked for row in agenda.held) else asked


def _table_of(decision: Decision) -> str:
    return decision.link.table if decision.link else APPOINTMENT
