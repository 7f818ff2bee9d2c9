"""Tasks in lists, and the activities of Dynamics that are tasks in Exchange: phone calls, letters, faxes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from tests.simulation.items import CLOSED, DYNAMICS, EXCHANGE, NOT_CLOSED, Item
from tests.simulation.kinds.kind import Fields, Json, Kind, moment_there
from tests.wire.people import CATEGORY, Person

OPEN, COMPLETED = (0, 2), (1, 5)


class Tasks(Kind):
    fields: ClassVar[Fields] = {
        "words": (("title",), "subject"),
        "text": (("body", "content"), "description"),
    }
    entity_set, id_column = "tasks", "activityid"

    async def rows_here(self, person: Person) -> list[Json]:
        found = []
        for row in await person.lists():
            found += [{**task, "_list": row["id"]} for task in await person.tasks(row["id"])]
        return found

    async def row_here(self, item: Item) -> Json | None:
        found: Json | None = await item.owner.graph("GET", self.path(item), missing=True)
        return found

    async def seen(self, item: Item, side: str) -> Json | None:
        row = await super().seen(item, side)
        if row is not None and "_list" in row:
            item.place = str(row["_list"])
        return row

    def path(self, item: Item) -> str:
        return f"todo/lists/{item.place}/tasks/{item.ids[EXCHANGE]}"

    def here(self, name: str, value: str) -> Json:
        body = super().here(name, value)
        if name == "text":
            body["body"]["contentType"] = "text"
        return body

    def facts(self, side: str, row: Json) -> Mapping[str, str]:
        if side == DYNAMICS:
            closed, due = row["statecode"] != 0, str(row["scheduledend"] or "")
        else:
            closed, due = row["status"] == "completed", (row.get("dueDateTime") or {}).get("dateTime", "")
        return {"state": CLOSED if closed else NOT_CLOSED, "due": due[:10]}

    async def make(self, item: Item, side: str, values: Mapping[str, str]) -> None:
        if side == DYNAMICS:
            columns = {**self.texts_there(values), "scheduledend": moment_there(item.start)}
            item.ids[side] = (await item.owner.make(self.entity_set, **columns))[self.id_column]
            return
        item.place = await item.owner.default_list()
        body = {"categories": [] if item.private else [CATEGORY], **self.texts_here(values)}
        item.ids[side] = (await item.owner.graph("POST", f"todo/lists/{item.place}/tasks", body))["id"]

    async def close(self, item: Item, side: str, *, closed: bool) -> None:
        if side == EXCHANGE:
            await self.change(item, side, {"status": "completed" if closed else "notStarted"})
        else:
            state, status = self.states(closed)
            ended = {} if closed else {"actualend": None}  # whoever opens a row again clears it (TASK-9)
            await self.change(item, side, {"statecode": state, "statuscode": status, **ended})

    def states(self, closed: bool) -> tuple[int, int]:
        return COMPLETED if closed else OPEN

    async def set_due(self, item: Item, side: str, due: datetime) -> None:
        if side == EXCHANGE:
            day = {"dateTime": f"{due:%Y-%m-%d}T00:00:00", "timeZone": "UTC"}
            await self.change(item, side, {"dueDateTime": day})
        else:
            await self.change(item, side, {"scheduledend": moment_there(due)})

    async def move(self, item: Item, target: str) -> None:
        """What dragging a task to another list does: it gets a new id."""
        body = {"user": item.owner.mailbox, "kind": "task", "id": item.ids[EXCHANGE], "list": target}
        moved = await item.owner.world.control("exchange", "POST", "move", body)
        item.ids[EXCHANGE], item.place = moved["id"], target


class Activities(Tasks):
    """Of another table; people make them in Dynamics."""

    born = ("dynamics",)
    _states: Mapping[str, tuple[tuple[int, int], tuple[int, int]]] = {
        "phonecall": ((0, 1), (1, 2)),
        "letter": ((0, 1), (1, 4)),
        "fax": ((0, 1), (1, 2)),
    }

    def __init__(self, table: str, entity_set: str) -> None:
        self.table = table
        self.entity_set = entity_set

    def states(self, closed: bool) -> tuple[int, int]:
        return self._states[self.table][int(closed)]
