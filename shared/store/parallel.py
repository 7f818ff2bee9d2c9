"""Several requests side by side, a bounded number at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

WIDTH = 16


async def in_parallel(function: Callable[[T], Awaitable[R]], items: Iterable[T]) -> list[R]:
    """Results in the order of the items. All are awaited, then the first error is raised."""
    gate = asyncio.Semaphore(WIDTH)

    async def one(item: T) -> R:
        async with gate:
            return await function(item)

    results = await asyncio.gather(*map(one, items), return_exceptions=True)
    found: list[R] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        found.append(result)
    return found
