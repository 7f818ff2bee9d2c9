"""The stores in memory, as storage is on a bad day: late, refusing, or losing the answer to what it did."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from shared.errors import Transient
from tests.simulation.faults import Chance


class Disturbed:
    """Any store; each of its methods may fail before or after it did its work. ``calm``: the store itself,
    for whoever only looks on."""

    def __init__(self, store: Any, chance: Chance) -> None:
        self._store = self.calm = store
        self._chance = chance

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if inspect.isasyncgenfunction(method):
            made = self._rows(name, method)
        elif inspect.iscoroutinefunction(method):
            made = self._answer(name, method)
        else:
            return method
        setattr(self, name, made)
        return made

    def _answer(self, name: str, method: Any) -> Any:
        async def answer(*args: Any, **options: Any) -> Any:
            await self._before(name)
            found = await method(*args, **options)
            if self._chance.of_hundred("storage's answer lost", self._chance.rates.storage / 2):
                raise Transient(f"table storage: {name}: no answer", code="ServiceResponseError")
            return found

        return answer

    def _rows(self, name: str, method: Any) -> Any:
        async def rows(*args: Any, **options: Any) -> Any:
            await self._before(name)
            async for row in method(*args, **options):
                yield row

        return rows

    async def _before(self, name: str) -> None:
        await asyncio.sleep(self._chance.seconds("storage", 0.001, 0.01))
        if self._chance.of_hundred("storage refuses", self._chance.rates.storage / 2):
            raise Transient(f"table storage: {name}: 503 ServerBusy", code="ServerBusy", status=503)
