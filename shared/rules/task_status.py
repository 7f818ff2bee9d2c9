"""The status of a To Do task, and the state and status reason of its row (TASK-2 to TASK-4, TASK-9).

A row counts as done once it is closed, once it is 100 % complete (TASK-4; in Outlook these are one) and once
its actual end is past (TASK-9): Exchange shows it as completed though it may still be open.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from shared.model.personal import FAX, LETTER, PHONE_CALL, TASK
from shared.model.values import Value
from shared.rules.meeting_time import instant
from shared.rules.status import status_pair

OPEN, CLOSED, CANCELED = 0, 1, 2

NOT_STARTED = "notStarted"
IN_PROGRESS = "inProgress"
WAITING = "waitingOnOthers"
DEFERRED = "deferred"
COMPLETED = "completed"

# TASK-2: the status reasons of each state.
REASONS: Mapping[str, Mapping[int, tuple[int, ...]]] = {
    TASK: {OPEN: (2, 3, 4, 7), CLOSED: (5,), CANCELED: (6,)},
    PHONE_CALL: {OPEN: (1,), CLOSED: (2, 4), CANCELED: (3,)},
    LETTER: {OPEN: (1, 2), CLOSED: (3, 4), CANCELED: (5,)},
    FAX: {OPEN: (1,), CLOSED: (2, 3, 4), CANCELED: (5,)},
}

# Only a task says in its open state how far it is.
OPEN_REASONS: Mapping[str, int] = {NOT_STARTED: 2, IN_PROGRESS: 3, WAITING: 4, DEFERRED: 7}
_SAID_BY_REASON = {reason: status for status, reason in OPEN_REASONS.items()}

# What a row gets that is opened, or opened again.
OPENED: Mapping[str, int] = {TASK: 2, PHONE_CALL: 1, LETTER: 1, FAX: 1}

# What a row gets that is completed: when it went out (Made, Sent), and when it came in (Received).
FINISHED: Mapping[str, tuple[int, int]] = {TASK: (5, 5), PHONE_CALL: (2, 4), LETTER: (4, 3), FAX: (3, 4)}


def is_done(status: Value, percent: Value, completed: Value, now: datetime) -> bool:
    """Whether Exchange shows the row as completed. ``status`` None: of a row that says nothing, open."""
    if status is not None and status_pair(status)[0] != OPEN:
        return True
    return percent == 100 or (bool(completed) and instant(str(completed)) <= now)


def to_exchange(table: str, status: Value, percent: Value, completed: Value, now: datetime) -> str:
    """``status`` is ``[statecode, statuscode]``, ``completed`` the actual end.

    Waiting and Deferred are said by their reason alone, whatever has been done so far; of the others some
    per cent mean that it is under way (TASK-3). Open phone calls, letters and faxes, and a customer's own
    status reasons, say no more than that."""
    if is_done(status, percent, completed, now):
        return COMPLETED
    reason = status_pair(status)[1] if status is not None else OPENED[table]
    said = _SAID_BY_REASON.get(reason, NOT_STARTED) if table == TASK else NOT_STARTED
    under_way = table == TASK and isinstance(percent, int | float) and 0 < percent < 100
    return IN_PROGRESS if said == NOT_STARTED and under_way else said


def to_dynamics(table: str, exchange_status: Value, present: Value, outgoing: bool = True) -> list[Value]:
    """The state and reason for a row that has ``present`` now (None: it is to be made). What says the same
    already stays: a canceled row is as done as Exchange can say, and Exchange's open statuses say nothing
    about a phone call, letter or fax, or about a customer's own reason."""
    state, reason = status_pair(present) if present is not None else (None, None)
    if exchange_status == COMPLETED:
        done = state in (CLOSED, CANCELED)
        return [state, reason] if done else [CLOSED, FINISHED[table][0 if outgoing else 1]]
    if state == OPEN and (table != TASK or _says(reason, exchange_status)):
        return [state, reason]
    return [OPEN, OPEN_REASONS.get(str(exchange_status), OPENED[table]) if table == TASK else OPENED[table]]


def _says(reason: Value, exchange_status: Value) -> bool:
    """A status that Graph may invent one day tells an open row nothing."""
    said = _SAID_BY_REASON.get(reason, NOT_STARTED) if isinstance(reason, int) else NOT_STARTED
    return said == exchange_status or str(exchange_status) not in OPEN_REASONS


def alike(table: str, exchange_status: Value, reading: str) -> bool:
    """Exchange's status says what the row reads as; open is open where the row cannot say more."""
    if exchange_status == reading:
        return True
    return table != TASK and COMPLETED not in (exchange_status, reading)
