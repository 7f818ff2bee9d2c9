"""One kind of item in people's hands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from tests.simulation.items import DYNAMICS, Item
from tests.wire.people import CATEGORY, Person

Json = dict[str, Any]
Fields = Mapping[str, tuple[tuple[str, ...], str]]


class Kind:
    """``fields``: our name of a text, what holds it in Exchange (a path) and in Dynamics. ``words`` holds the
    mark. ``born``: where people make them."""

    fields: ClassVar[Fields]
    entity_set: str
    id_column: str
    born: tuple[str, ...] = ("exchange", "dynamics")

    # --- looking ----------------------------------------------------------------------------------

    async def rows_here(self, person: Person) -> list[Json]:
        """All that Exchange shows of this kind."""
        raise NotImplementedError

    async def row_here(self, item: Item) -> Json | None:
        """The one whose id is known."""
        raise NotImplementedError

    async def found(self, item: Item, side: str) -> list[Json]:
        """Everything with this item's mark on that side."""
        path, column = self.fields["words"]
        if side == DYNAMICS:
            rows = await item.owner.rows(self.entity_set, f"contains({column},'{item.mark}')")
            return [row for row in rows if item.mark in str(row.get(column)) and self.is_own(row)]
        return [row for row in await self.rows_here(item.owner) if item.mark in str(row.get(path[0]))]

    def is_own(self, row: Json) -> bool:
        """Of a row of the table: an item of this kind."""
        return True

    async def seen(self, item: Item, side: str) -> Json | None:
        """What somebody who looks for it finds; None: it has not come here yet, or is gone."""
        if side in item.ids:
            known = await self._known(item, side)
            if known is not None and item.mark in self.value(side, known, "words"):
                return known
        there = await self.found(item, side)
        if not there:
            return None
        item.ids[side] = self.id_of(side, there[0])
        return there[0]

    async def _known(self, item: Item, side: str) -> Json | None:
        if side == DYNAMICS:
            return await item.owner.row(self.entity_set, item.ids[side])
        return await self.row_here(item)

    def id_of(self, side: str, row: Json) -> str:
        return str(row[self.id_column] if side == DYNAMICS else row["id"])

    def value(self, side: str, row: Json, name: str) -> str:
        path, column = self.fields[name]
        if side == DYNAMICS:
            return str(row.get(column) or "").strip()
        found: Any = row
        for step in path:
            found = (found or {}).get(step)
        return str(found or "").strip()

    def facts(self, side: str, row: Json) -> Mapping[str, str]:
        """What both sides must agree on besides the texts."""
        return {}

    # --- doing ------------------------------------------------------------------------------------

    async def make(self, item: Item, side: str, values: Mapping[str, str]) -> None:
        raise NotImplementedError

    async def write(self, item: Item, side: str, name: str, value: str) -> None:
        if side == DYNAMICS:
            await self.change(item, side, {self.fields[name][1]: value})
        else:
            await self.change(item, side, self.here(name, value))

    async def change(self, item: Item, side: str, values: Json) -> None:
        """In the words of that side."""
        if side == DYNAMICS:
            await item.owner.edit(self.entity_set, item.ids[side], **values)
        else:
            await item.owner.graph("PATCH", self.path(item), values)

    async def delete(self, item: Item, side: str) -> None:
        if side == DYNAMICS:
            await item.owner.delete(self.entity_set, item.ids[side])
        else:
            await item.owner.graph("DELETE", self.path(item))

    async def track(self, item: Item, *, tracked: bool) -> None:
        """By the category, in Outlook."""
        await self.change(item, "exchange", {"categories": [CATEGORY] if tracked else []})

    def path(self, item: Item) -> str:
        """In Exchange, of the item whose id is known."""
        raise NotImplementedError

    def here(self, name: str, value: str) -> Json:
        inner: Any = value
        for step in reversed(self.fields[name][0]):
            inner = {step: inner}
        return dict(inner)

    def texts_here(self, values: Mapping[str, str]) -> Json:
        body: Json = {}
        for name, value in values.items():
            body |= self.here(name, value)
        return body

    def texts_there(self, values: Mapping[str, str]) -> Json:
        return {self.fields[name][1]: value for name, value in values.items()}


def moment_here(moment: datetime) -> Json:
    return {"dateTime": f"{moment:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}


def moment_there(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def begin_of(side: str, row: Json) -> str:
    """Of an event or row with a time, to the minute."""
    if side == DYNAMICS:
        return str(row["scheduledstart"])[:16]
    return str(row["start"]["dateTime"])[:16]
