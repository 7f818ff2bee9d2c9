"""What becomes of a task whose counterpart is deleted (TASK-10, TASK-11), which tasks stay out (TASK-12), and
when one that arrives began (TASK-8)."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum

from shared.model.decision import Skip
from shared.model.personal import DynamicsRecord, ExchangeItem, Place
from shared.rules.meeting_time import instant, text_of
from shared.rules.skips import Reason
from shared.rules.task_status import COMPLETED, is_done


class TaskDeletion(IntEnum):
    """``SSSTaskDeletionSyncBehaviorFromExchange`` (SET-4)."""

    DELETE = 0
    UNLESS_COMPLETED = 1
    NEVER = 2


DELETED_IN_DYNAMICS_RULES = ("TASK-10",)
DELETED_IN_EXCHANGE_RULES = ("TASK-11", "SET-4")


def deletes_in_exchange(item: ExchangeItem) -> bool:
    """The row was deleted: the task goes with it, but one that is completed stays as a record (TASK-10)."""
    return item.value("status") != COMPLETED


def deletes_in_dynamics(record: DynamicsRecord, setting: int, now: datetime) -> bool:
    """The task was deleted in Exchange: so is the row, as SET-4 has it. Completed is what Exchange showed as
    completed, canceled rows too. A setting that nobody knows deletes nothing."""
    if setting == TaskDeletion.UNLESS_COMPLETED:
        return not is_done(record.value("status"), record.value("percent"), record.value("completed"), now)
    return setting == TaskDeletion.DELETE


def is_left_alone(item: ExchangeItem, place: Place | None) -> Skip | None:
    """Why a task stays out, or None (TASK-12). ``place`` None: a list that is not known objects to nothing.

    Graph shows nothing of assigning; what somebody else owns is in a list that is not the mailbox's own. Only
    that is held back: what people make for themselves in To Do or Outlook is not (X-5)."""
    if item.recurring:
        return Reason.TASK_RECURS.skip()
    if place is not None and not place.own:
        return Reason.TASK_OF_OTHERS.skip(detail=place.name)
    return None


def actual_start(item: ExchangeItem, completed: str | None, now: datetime) -> str:
    """An Exchange-made task begins when it arrives (TASK-8), or when it was done, if that was before.
    ``completed``: the row's actual end."""
    done = instant(completed) if completed and item.value("status") == COMPLETED else now
    return text_of(min(done, now))
