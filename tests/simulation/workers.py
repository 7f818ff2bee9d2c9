"""Who works on whose behalf: what a worker began ends with it, what the services do for it does not."""

from __future__ import annotations

import asyncio
from contextvars import Context, ContextVar
from typing import Any

_worker: ContextVar[set[asyncio.Task[Any]] | None] = ContextVar("worker", default=None)


def in_worker() -> bool:
    return _worker.get() is not None


def become_worker() -> set[asyncio.Task[Any]]:
    """The task that calls this is a worker from now on; the set holds what it has begun and not ended."""
    own: set[asyncio.Task[Any]] = set()
    _worker.set(own)
    return own


def outside() -> Context:
    """Where nobody's worker is known."""
    return Context()


def task_factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
    task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **options)
    context: Context | None = options.get("context")
    own = _worker.get() if context is None else context.get(_worker)
    if own is not None:
        own.add(task)
        task.add_done_callback(own.discard)
    return task
