"""Which To Do task and which row are the same, where neither names the other (PAIN-6): tasks that Microsoft's
own sync left behind wear the category and nothing else.

Those of one subject and one due day are alike, so any will do, one to one. What is done belongs to what is
done. A completed task takes an open row where no closed one is left, for it was completed since; an open one
never takes a closed row, for then somebody's open task would be completed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from shared.model.personal import DynamicsRecord, ExchangeItem
from shared.model.values import Value
from shared.rules.task_days import day_of, effective_due
from shared.rules.task_status import COMPLETED, is_done

Key = tuple[str, str]
"""Subject and due day."""


def pair_up(
    items: Sequence[ExchangeItem], records: Sequence[DynamicsRecord], zone: ZoneInfo, now: datetime
) -> Mapping[str, str]:
    """The row's id, by the id of the item that is the same."""
    paired: dict[str, str] = {}
    for item_done, row_done in ((False, False), (True, True), (True, False)):
        taken = set(paired.values())
        free: dict[Key, list[DynamicsRecord]] = {}
        for record in sorted(records, key=lambda record: record.id, reverse=True):
            if record.id not in taken and _is_done(record, now) is row_done:
                free.setdefault(_key_of_row(record, zone), []).append(record)
        for item in sorted(items, key=lambda item: item.id):
            same = free.get(_key_of_item(item))
            if same and item.id not in paired and (item.value("status") == COMPLETED) is item_done:
                paired[item.id] = same.pop().id
    return paired


def subjects_of(items: Iterable[ExchangeItem]) -> Sequence[str]:
    """By which rows are asked for."""
    return sorted({subject for item in items if (subject := str(item.value("subject") or "").strip())})


def _is_done(record: DynamicsRecord, now: datetime) -> bool:
    return is_done(record.value("status"), record.value("percent"), record.value("completed"), now)


def _key_of_item(item: ExchangeItem) -> Key:
    return _key(item.value("subject"), effective_due(item.value("start"), item.value("due")))


def _key_of_row(record: DynamicsRecord, zone: ZoneInfo) -> Key:
    return _key(record.name, day_of(effective_due(record.value("start"), record.value("due")), zone))


def _key(subject: Value, day: Value) -> Key:
    return " ".join(str(subject or "").casefold().split()), str(day or "")
