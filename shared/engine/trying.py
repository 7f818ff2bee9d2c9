"""Carrying out a decision: tried until both sides agree on what was there before (412: read again, decide
again).

A conflict (412, "is there already", "is gone") means: read again, decide again. A write whose answer is lost
is unknown: it is resolved the same way, by reading back, never by repeating blindly. What would be graver
then than what the brake has weighed is left to the next pass, which weighs it with all else.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from shared.engine.history_rows import losses_of, rows_of, skip_row
from shared.engine.ports import Fence, HistoryRow
from shared.engine.services import Services
from shared.errors import Conflict, NotFound, Refused, Throttled, Transient, UnknownResult
from shared.model.decision import Action, Decision, ItemRef
from shared.model.link import Link
from shared.model.scheduling import Availability
from shared.rules.brake import is_graver
from shared.rules.situation import Context

ATTEMPTS = 4


def reason_of(error: Refused) -> str:
    """As history and links tell it."""
    return f"{error.code or error.status or 'refused'}: {error}"


class Situation(Protocol):
    """What every kind of item has."""

    @property
    def link(self) -> Link | None: ...
    @property
    def table(self) -> str: ...
    def ref(self) -> ItemRef: ...


S = TypeVar("S", bound=Situation)


@dataclass
class Outcome(Generic[S]):
    """What became of one item. ``error`` names why it is unfinished; it stays to be looked at again."""

    situation: S
    decision: Decision
    link: Link | None = None
    replaced: Link | None = None
    """The link of the row whose place another one took; it is committed with the new one."""
    history: list[HistoryRow] = field(default_factory=list)
    error: Throttled | Transient | UnknownResult | Conflict | None = None
    left_to: tuple[str, ...] = ()
    """Mailboxes that have to look at the row because its ownership moved."""
    availability: Availability | None = None
    """Who is busy at the item's time, as far as Dynamics was asked (APPT-29)."""
    writing: Action | None = None
    """What was written last, or tried."""

    told: set[str] = field(default_factory=set)
    """Losses that are in the history already."""

    @property
    def finished(self) -> bool:
        return self.error is None


class Trying(ABC, Generic[S]):
    """Carries out decisions of one pass of one mailbox, about one kind of items."""

    def __init__(
        self,
        services: Services,
        context: Context,
        read_again: Callable[[S], Awaitable[S]],
        fence: Callable[[], Fence],
    ) -> None:
        self._services = services
        self._context = context
        self._read_again = read_again
        self._fence = fence

    @abstractmethod
    def _decide(self, situation: S) -> Decision: ...

    @abstractmethod
    async def _carry_out(self, outcome: Outcome[S]) -> None:
        """One try."""

    async def apply(self, situation: S, decision: Decision) -> Outcome[S]:
        outcome = Outcome(situation, decision)
        for _ in range(ATTEMPTS):
            try:
                await self._carry_out(outcome)
            except (Conflict, NotFound, UnknownResult) as error:
                outcome.error = error if not isinstance(error, NotFound) else Conflict(str(error))
                await self._begin_again(outcome)
                if is_graver(outcome.decision, decision):
                    return outcome
                continue
            except (Throttled, Transient) as error:
                outcome.error = error
                return outcome
            except Refused as error:
                if self._reads_instead(outcome):
                    await self._begin_again(outcome)
                    if is_graver(outcome.decision, decision):
                        outcome.error = Conflict(reason_of(error))
                        return outcome
                    continue
                if self._asks_instead(outcome, error):
                    continue
                self._refused(outcome, error)
            outcome.error = None
            return outcome
        self._given_up(outcome)
        return outcome

    async def _begin_again(self, outcome: Outcome[S]) -> None:
        outcome.situation = await self._read_again(outcome.situation)
        outcome.decision = self._decide(outcome.situation)

    def _reads_instead(self, outcome: Outcome[S]) -> bool:
        """Whether a refusal may be due to what was not read: rights, for example, that were taken away."""
        del outcome
        return False

    def _asks_instead(self, outcome: Outcome[S], error: Refused) -> bool:
        """Whether the refusal is a question: then the outcome's decision asks it."""
        del outcome, error
        return False

    def _given_up(self, outcome: Outcome[S]) -> None:
        """After the last try."""

    async def _note_losses(self, outcome: Outcome[S], decision: Decision) -> None:
        """What is about to be overwritten is in the history before."""
        told = outcome.told
        rows = [row for row in losses_of(decision, self._services.now()) if _what(row) not in told]
        if rows:
            await self._services.history.add(self._context.mailbox.id, rows)
            told.update(_what(row) for row in rows)

    def _note_skips(self, outcome: Outcome[S], at: datetime) -> None:
        """A skip goes into the history only when its reason changes."""
        link, skips = outcome.link, outcome.decision.skips
        noted = "; ".join(sorted({f"{skip.code} {','.join(skip.fields)}".strip() for skip in skips}))
        if link is not None and noted != link.noted:
            outcome.history += [skip_row(outcome.decision, skip, at) for skip in skips]
            outcome.link = replace(link, noted=noted)

    def _refused(self, outcome: Outcome[S], error: Refused) -> None:
        """Permanent for this item: recorded with its reason; the others go on."""
        reason = reason_of(error)
        first = outcome.decision.actions[:1]
        tried = [outcome.writing] if outcome.writing else list(first)
        rows = rows_of(replace(outcome.decision, lost={}), tried, self._services.now())
        outcome.history += [replace(row, outcome="refused", reason=reason) for row in rows]
        link = outcome.situation.link
        outcome.link = replace(link, reason=reason) if link else None


def _what(row: HistoryRow) -> str:
    return json.dumps([row.side, row.lost], sort_keys=True, default=str)
