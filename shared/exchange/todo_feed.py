"""What the rows of a page of tasks turn out to be: changed ones, removed ones, and those nobody can read."""

from __future__ import annotations

from typing import Any

from shared.engine.ports import ItemPage
from shared.exchange import todo_fields
from shared.model.personal import ExchangeItem


class FeedPage:
    """One page of one list. The tasks are as the page shows them: linked resources, and extensions only where
    these were asked for too (``whole``)."""

    def __init__(self, place: str, time_zone: str, *, whole: bool = False) -> None:
        self.items: list[ExchangeItem] = []
        self._removed: list[str] = []
        self._broken: dict[str, str] = {}
        self._place = place
        self._time_zone = time_zone
        self._whole = whole

    def take(self, number: int, row: Any) -> None:
        task_id = row.get("id") if isinstance(row, dict) else None
        if not isinstance(task_id, str) or not task_id:
            self._broken[f"row {number}"] = "no id"
        elif "@removed" in row:
            self._removed.append(task_id)
        else:
            self._decode(task_id, row)

    def _decode(self, task_id: str, row: todo_fields.Json) -> None:
        try:
            self.items.append(todo_fields.decode(row, self._place, self._time_zone, whole=self._whole))
        except todo_fields.UnreadableTask as error:
            self._broken[task_id] = str(error)

    def done(self, link: str, *, complete: bool) -> ItemPage:
        return ItemPage(tuple(self.items), tuple(self._removed), link, complete, broken=self._broken)
