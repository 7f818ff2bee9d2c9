"""A promise that was not kept, by the design's own words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.simulation.items import Item

CONVERGES = "1 converges"
NO_DUPLICATES = "2 no duplicates, nothing ended comes back"
NO_EDIT_LOST = "3 no edit is lost"
NO_SURPRISE_MAIL = "4 no surprise mail"
NO_SURPRISE_DELETION = "5 no surprise deletion"
NO_LEAK = "6 no leak"
EXPLAINS_ITSELF = "7 explains itself"
HEALS = "everybody is served again"
"""Not one of the seven, but what they all stand on: nothing stays broken, given up or unlooked at."""


@dataclass(frozen=True)
class Named:
    """How an item is told of."""

    kind: str
    mark: str


@dataclass(frozen=True)
class Broken:
    """``item``: by which it shows."""

    promise: str
    what: str
    item: Item | Named | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Told by one process to another: of the item its name, for its owner holds connections."""
        item = Named(self.item.kind, self.item.mark) if self.item else None
        return Broken, (self.promise, self.what, item)

    def __str__(self) -> str:
        where = f"{self.item.kind} {self.item.mark}: " if self.item else ""
        return f"{self.promise}: {where}{self.what}"
