"""How many requests are under way at once, and whose turn it is when one ends.

Work of the lane ``mailbox-sync`` goes first, in the order in which it came. First syncs have at most half of
the places, and none while other work waits; but one place is theirs whatever comes, so that they end.
"""

from __future__ import annotations

import asyncio
from collections import deque

from shared.lane import Lane

Turn = asyncio.Future[None]


class InFlight:
    """``places``: how many requests at once; it may change at any time."""

    def __init__(self, places: int) -> None:
        self.places = places
        self._running = dict.fromkeys(Lane, 0)
        self._waiting: dict[Lane, deque[Turn]] = {lane: deque() for lane in Lane}

    @property
    def running(self) -> int:
        return sum(self._running.values())

    def running_in(self, lane: Lane) -> int:
        return self._running[lane]

    def resize(self, places: int) -> None:
        self.places = places
        self._wake()

    async def enter(self, lane: Lane, patience: float) -> None:
        """Raises TimeoutError when no place became free within ``patience`` seconds."""
        if not self._waiting[lane] and self._has_place_for(lane):
            self._running[lane] += 1
            return
        turn: Turn = asyncio.get_running_loop().create_future()
        self._waiting[lane].append(turn)
        try:
            async with asyncio.timeout(patience):
                await turn
        except BaseException:
            self._give_up(lane, turn)
            raise

    def leave(self, lane: Lane) -> None:
        self._running[lane] -= 1
        self._wake()

    def _give_up(self, lane: Lane, turn: Turn) -> None:
        """The turn may have come at the very moment in which nobody waited for it any more."""
        if turn in self._waiting[lane]:
            self._waiting[lane].remove(turn)
            self._wake()
        elif turn.done() and not turn.cancelled():
            self.leave(lane)

    def _has_place_for(self, lane: Lane) -> bool:
        if self.running >= self.places:
            return False
        if lane is Lane.SYNC:
            return True
        mine = self._running[Lane.BULK]
        return not mine or (mine < self.places // 2 and not self._waiting[Lane.SYNC])

    def _wake(self) -> None:
        while (lane := self._next()) is not None:
            turn = self._waiting[lane].popleft()
            if not turn.done():
                self._running[lane] += 1
                turn.set_result(None)

    def _next(self) -> Lane | None:
        """A first sync that has no place at all is first, then other work, then first syncs."""
        order = (Lane.SYNC, Lane.BULK) if self._running[Lane.BULK] else (Lane.BULK, Lane.SYNC)
        return next((lane for lane in order if self._waiting[lane] and self._has_place_for(lane)), None)
