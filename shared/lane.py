"""In which lane work is done: changes as they come, or the first sync of a mailbox, which gives way to them.

A lane is a queue. What is asked of a service that all mailboxes share asks here whose turn it is, so that
nothing in between needs to hand it down.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum


class Lane(StrEnum):
    SYNC = "mailbox-sync"
    BULK = "mailbox-bulk"


_current: ContextVar[Lane] = ContextVar("lane", default=Lane.SYNC)


def current() -> Lane:
    return _current.get()


@contextmanager
def working_in(lane: Lane) -> Iterator[None]:
    """Everything inside, tasks that it begins included, is work of that lane."""
    token = _current.set(lane)
    try:
        yield
    finally:
        _current.reset(token)
