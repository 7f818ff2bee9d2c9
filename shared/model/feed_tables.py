"""The Dynamics tables whose changes are followed, and which of them a push asks to be read.

What Dynamics does to an appointment it may do in several tables at once (a series made of it), so those are
read together; contacts and each kind of task stand for themselves."""

from __future__ import annotations

from shared.model.appointment import APPOINTMENT, SERIES, SERVICE
from shared.model.personal import PERSONAL_TABLES

CALENDAR_TABLES = (SERIES, APPOINTMENT, SERVICE)
FEED_TABLES = (*CALENDAR_TABLES, *PERSONAL_TABLES)
PUSH = "push"
_GROUPS = {f"{PUSH} calendar": CALENDAR_TABLES, **{f"{PUSH} {table}": (table,) for table in PERSONAL_TABLES}}


def cause_of(table: str) -> str:
    """What a push about a row of this table is called on the queue."""
    return next((cause for cause, tables in _GROUPS.items() if table in tables), PUSH)


def tables_of(cause: str) -> tuple[str, ...]:
    """What is to be read: all, unless a push says what it is about."""
    return _GROUPS.get(cause, FEED_TABLES)
