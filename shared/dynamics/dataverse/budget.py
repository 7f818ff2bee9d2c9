"""What one organization lets this process ask of it: the limits that protect the service, kept by us before
the service has to.

Dataverse counts per user and web server, over five minutes that slide: 6,000 requests and 20 minutes of
execution time, and 52 requests at once. Every answer advises how many at once it would have
(``x-ms-dop-hint``). Whoever is refused is told when to come back, and hammering makes that later: so a
refusal holds everybody, not only who was told. Short waits are waited for; long ones are raised as Throttled,
and the work comes back by schedule.

A pass is let in as a whole, or sent away before it has asked anybody for anything, with a turn of its own
(``line.py``): one that is stopped half-way has asked in vain. Whoever is in may use somewhat more.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.clock import Now
from shared.dynamics.dataverse.in_flight import InFlight
from shared.dynamics.dataverse.line import Line
from shared.errors import OutOfBudget
from shared.lane import Lane, current

SHORT_WAIT = 5.0
BULK_STEPS = 10
PATIENCE = 15.0
"""Seconds to wait for a place; more would bring a write too near the end of its pass."""
CROWDED = "0x80072326"
"""Dataverse's code for too many requests at once."""

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Allowance:
    """Less than what the service allows: other processes of ours, and the organization's own integrations
    with the same user, have a part in it. ``bulk``: the part that first syncs may use up, evenly: in a tenth
    of the window no more than a tenth of it, so that no slice has to wait for minutes. ``to_end``: so much
    of the whole more for passes that have begun."""

    requests: int = 5000
    seconds: float = 1000.0
    window: float = 300.0
    at_once: int = 8
    at_once_at_most: int = 40
    bulk: float = 0.7
    to_end: float = 0.1

    @property
    def of_bulk(self) -> Allowance:
        part = self.bulk / BULK_STEPS
        requests = max(1, round(self.requests * part))
        return replace(self, requests=requests, seconds=self.seconds * part, window=self.window / BULK_STEPS)


@dataclass
class Spending:
    """What was asked within the window, and by how many passes. Times are seconds of any one clock."""

    allowance: Allowance
    _begun: deque[float] = field(default_factory=deque)
    _sent: deque[float] = field(default_factory=deque)
    _took: deque[tuple[float, float]] = field(default_factory=deque)
    _total: float = 0.0

    def begun(self, at: float) -> None:
        """A pass."""
        self._begun.append(at)

    def sent(self, at: float) -> None:
        self._sent.append(at)

    def took(self, at: float, seconds: float) -> None:
        """A request that ended then ran for so long."""
        self._took.append((at, seconds))
        self._total += seconds

    def wait(self, now: float, part: float = 1.0) -> float:
        """Seconds until another request stays within this part of the allowance."""
        self._forget(now - self.allowance.window)
        return max(self._until_fewer(now, part), self._until_less(now, part), 0.0)

    def pace(self, now: float) -> float:
        """Seconds that a pass takes of the allowance, as passes were of late."""
        self._forget(now - self.allowance.window)
        used = max(len(self._sent) / self.allowance.requests, self._total / self.allowance.seconds)
        return used * self.allowance.window / max(1, len(self._begun))

    def _forget(self, before: float) -> None:
        while self._begun and self._begun[0] <= before:
            self._begun.popleft()
        while self._sent and self._sent[0] <= before:
            self._sent.popleft()
        while self._took and self._took[0][0] <= before:
            self._total -= self._took.popleft()[1]

    def _until_fewer(self, now: float, part: float) -> float:
        over = len(self._sent) - max(1, int(self.allowance.requests * part))
        return self._sent[over] + self.allowance.window - now if over >= 0 else 0.0

    def _until_less(self, now: float, part: float) -> float:
        over = self._total - self.allowance.seconds * part
        wait = 0.0
        for at, seconds in self._took:
            if over < 0:
                break
            over -= seconds
            wait = at + self.allowance.window - now
        return wait


class Budget:
    """Shared by all who ask this organization in this process."""

    def __init__(self, now: Now, sleep: Sleep = asyncio.sleep, allowance: Allowance | None = None) -> None:
        self.allowance = allowance or Allowance()
        self._now = now
        self._sleep = sleep
        self._spending = Spending(self.allowance)
        self._spending_of_bulk = Spending(self.allowance.of_bulk)
        self._in_flight = InFlight(self.allowance.at_once)
        self._lines = {lane: Line() for lane in Lane}
        self._held_until: datetime | None = None
        self._holds = 0
        self._crowded_until: datetime | None = None

    @property
    def places(self) -> int:
        """How many requests may be under way at once."""
        return self._in_flight.places

    async def admit(self) -> None:
        """Whether a pass may begin now. Raises OutOfBudget when its turn is too far off to wait for."""
        lane, waited = current(), 0.0
        moment = self._now()
        while (wait := self._wait(lane, moment)) > 0:
            turn = self._lines[lane].turn(moment.timestamp(), wait, self._of(lane).pace(moment.timestamp()))
            waited += turn
            if waited > SHORT_WAIT:
                raise OutOfBudget("Dataverse: others are first", retry_after=turn, code="waiting")
            moment = await self._slept(turn, moment)
        for spending in self._counted(lane):
            spending.begun(moment.timestamp())

    @asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        """Around one request, for as long as it is under way. Raises OutOfBudget when that is too far off to
        wait for: nothing was sent."""
        lane = current()
        await self._enter(lane)
        clock = asyncio.get_running_loop().time
        began, counted = clock(), self._counted(lane)
        for spending in counted:
            spending.sent(self._now().timestamp())
        try:
            yield
        finally:
            for spending in counted:
                spending.took(self._now().timestamp(), clock() - began)
            self._in_flight.leave(lane)

    def _of(self, lane: Lane) -> Spending:
        return self._spending_of_bulk if lane is Lane.BULK else self._spending

    def _counted(self, lane: Lane) -> tuple[Spending, ...]:
        return (self._spending, self._spending_of_bulk) if lane is Lane.BULK else (self._spending,)

    async def _enter(self, lane: Lane) -> None:
        """Everybody may have been told to wait while this one waited for a place."""
        while True:
            await self._until_allowed(lane)
            holds = self._holds
            try:
                await self._in_flight.enter(lane, PATIENCE)
            except TimeoutError:
                raise OutOfBudget(
                    "Dataverse: no place became free", retry_after=SHORT_WAIT, code="busy"
                ) from None
            if holds == self._holds:
                return
            self._in_flight.leave(lane)

    async def _until_allowed(self, lane: Lane) -> None:
        moment, waited = self._now(), 0.0
        while (wait := self._wait(lane, moment, self.allowance.to_end)) > 0:
            waited += wait
            if waited > SHORT_WAIT:
                raise OutOfBudget("Dataverse: the budget is used up", retry_after=wait, code="waiting")
            moment = await self._slept(wait, moment)

    async def _slept(self, seconds: float, moment: datetime) -> datetime:
        """What time it is then: at least so much later, however coarse the clock."""
        await self._sleep(seconds)
        return max(self._now(), moment + timedelta(seconds=seconds))

    def _wait(self, lane: Lane, now: datetime, more: float = 0.0) -> float:
        """``more``: so much of the whole, in either lane, than is there for passes that would begin."""
        moment = now.timestamp()
        held = (self._held_until - now).total_seconds() if self._held_until else 0.0
        if lane is Lane.SYNC:
            return max(held, self._spending.wait(moment, 1 + more))
        evenly = self._spending_of_bulk.wait(moment, 1 + more * BULK_STEPS / self.allowance.bulk)
        return max(held, evenly, self._spending.wait(moment, self.allowance.bulk + more))

    # --- what the service says --------------------------------------------------------------------

    def hold(self, seconds: float) -> None:
        """Nothing is sent for so long."""
        until = self._now() + timedelta(seconds=seconds)
        if self._held_until is None or until > self._held_until:
            self._held_until = until
        self._holds += 1

    def crowded(self) -> None:
        """The service had too many at once, ours and others': half as many for the length of a window."""
        self._crowded_until = self._now() + timedelta(seconds=self.allowance.window)
        self._in_flight.resize(max(1, self._in_flight.places // 2))

    def advise(self, hint: str | None) -> None:
        """``x-ms-dop-hint``: how many at once the service advises now."""
        if hint is None or not hint.strip().isdecimal():
            return
        advised = min(max(1, int(hint)), self.allowance.at_once_at_most)
        if self._crowded_until is not None and self._crowded_until > self._now():
            advised = min(advised, self._in_flight.places)
        if advised != self._in_flight.places:
            self._in_flight.resize(advised)
