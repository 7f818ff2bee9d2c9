"""The mailbox in the hands of one pass: claimed when something is written for the first time, and each write
under its fence (design: the fence)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import timedelta

from shared.engine.ports import Changes, Fence
from shared.engine.services import Services
from shared.errors import FenceLost
from shared.lane import Lane
from shared.model.link import Link

PASS_LIMIT = timedelta(minutes=2)
FENCE_GRACE = timedelta(minutes=1)


class Holding:
    """``unclaimed``: the fence as the pass found it; ``fence``: its own, once it has claimed the mailbox."""

    def __init__(self, services: Services, mailbox_id: str, lane: Lane) -> None:
        self.unclaimed: Fence | None = None
        self.fence: Fence | None = None
        self._services = services
        self._mailbox_id = mailbox_id
        self._lane = lane

    def current(self) -> Fence:
        if self.fence is None:
            raise FenceLost("no fence was claimed")
        return self.fence

    async def claim(self, links: Sequence[Link] = ()) -> None:
        """At once with links that say what is about to be written. Raises FenceLost."""
        deadline = self._services.now() + PASS_LIMIT + FENCE_GRACE
        self.fence = await self._services.store.claim(
            self._mailbox_id, self.unclaimed, deadline=deadline, lane=self._lane.value, links=links
        )
        await self._services.on_step("claimed")

    async def commit(self, changes: Changes) -> None:
        """Nothing changed, nothing written. Raises FenceLost."""
        if not any(getattr(changes, part.name) for part in fields(changes)):
            return
        if self.fence is None:
            await self.claim()
        self.fence = await self._services.store.commit(self.current(), changes)
        await self._services.on_step("committed")

    async def leave_lane(self, cursor: str) -> None:
        """From now on the mailbox is in the usual lane; ``cursor``: what was kept for the other."""
        if self.fence is None:
            await self.claim()
        left = replace(self.current(), lane=Lane.SYNC.value)
        self.fence = await self._services.store.commit(left, Changes(dropped_cursors=[cursor]))
        await self._services.on_step("lane left")
