"""Who works on whose behalf: what a worker began ends with it, what the services do for it does not. Each
worker has a clock of its own, which may be off."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextvars import Context, ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from local.clock import Clock


@dataclass
class Worker:
    """``begun``: what it has begun and not ended; ``session``: whom it serves; ``skew``: of its clock;
    ``deleted``: what it asked either service to delete."""

    session: str
    skew: float = 0.0
    begun: set[asyncio.Task[Any]] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)


_worker: ContextVar[Worker | None] = ContextVar("worker", default=None)


def in_worker() -> bool:
    return _worker.get() is not None


def served() -> str:
    """The session that the worker who calls this serves; empty for anybody else."""
    worker = _worker.get()
    return worker.session if worker else ""


def noted_deletions(targets: Iterable[str]) -> None:
    """The worker who calls this is about to ask for them."""
    worker = _worker.get()
    if worker is not None:
        worker.deleted.update(targets)


def become_worker(session: str, skew: float = 0.0) -> Worker:
    """The task that calls this is a worker from now on."""
    worker = Worker(session, skew)
    _worker.set(worker)
    return worker


@dataclass(frozen=True)
class OwnTime:
    """What the time is to whoever asks."""

    clock: Clock

    def __call__(self) -> datetime:
        worker = _worker.get()
        return self.clock.now() + timedelta(seconds=worker.skew if worker else 0.0)


def outside() -> Context:
    """Where nobody's worker is known."""
    return Context()


_asked_by_service: ContextVar[bool] = ContextVar("asked by service", default=False)


def at_the_service_of_ours() -> Context:
    """Where the services do what our service asked for, whatever becomes of who asked."""
    context = Context()
    context.run(_asked_by_service.set, True)
    return context


def asked_by_service() -> bool:
    return _asked_by_service.get()


def task_factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
    task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **options)
    context: Context | None = options.get("context")
    worker = _worker.get() if context is None else context.get(_worker)
    if worker is not None:
        worker.begun.add(task)
        task.add_done_callback(worker.begun.discard)
    return task
