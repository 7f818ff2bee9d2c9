"""Rows of one kind of item (contacts, contact folders, To Do lists and tasks), by mailbox and by place.

A row holds its identity (``id`` immutable, ``restId`` normal), its place (``user``, ``place``), its stamps
(``created``, ``modified``, ``changeKey``, ``seq``) and whatever its kind adds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.clock import Clock
from local.exchange.change_log import ChangeLog
from local.exchange.errors import GraphError, item_not_found
from local.exchange.events import Version
from local.exchange.identifiers import Identifiers, legal
from local.exchange.preferences import Preferences
from local.exchange.zones import utc_text
from local.journaled import JournaledTables

Json = dict[str, Any]
Listener = Callable[[str, Json], None]


@dataclass(frozen=True)
class Parts:
    """What every store needs."""

    tables: JournaledTables
    identifiers: Identifiers
    clock: Clock
    version: Version

    def now(self) -> str:
        return utc_text(self.clock.now())


class ItemStore:
    """Create, change, move, remove and find; ``listeners`` hear of every change.

    ``immutable``: whether ``Prefer: IdType="ImmutableId"`` is honoured; where it is not, only the normal id
    is known outside, and it changes with every move.
    """

    def __init__(self, parts: Parts, table: str, *, immutable: bool) -> None:
        self._parts = parts
        self._table = table
        self._immutable = immutable
        self._by_rest_id: dict[str, str] = {}
        self._by_place: dict[str, dict[str, None]] = {}
        self.listeners: list[Listener] = []
        self.log = ChangeLog(parts.tables, table, f"{table}Traces", "place")
        for row in parts.tables.table(table).values():
            self._index(row)

    def _index(self, row: Json) -> None:
        self._by_rest_id[row["restId"]] = row["id"]
        self._by_place.setdefault(row["place"], {})[row["id"]] = None

    def _unindex(self, row: Json) -> None:
        self._by_rest_id.pop(row["restId"], None)
        self._by_place[row["place"]].pop(row["id"], None)

    # --- finding --------------------------------------------------------------------------------

    def get(self, user_id: str, identifier: str) -> Json:
        """By its id as the outside knows it; another mailbox's is as unknown as an invented one."""
        if not legal(identifier):
            raise GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.")
        key = self._by_rest_id.get(identifier, identifier if self._immutable else "")
        row = self.present(key)
        if row is None or row["user"] != user_id:
            raise item_not_found()
        return row

    def present(self, row_id: str) -> Json | None:
        """By immutable id, wherever it is; None when it is gone."""
        return self._parts.tables.get(self._table, row_id)

    def in_place(self, place: str) -> list[Json]:
        rows = self._parts.tables.table(self._table)
        return [rows[key] for key in self._by_place.get(place, {})]

    def shown_id(self, row: Json, preferences: Preferences) -> str:
        return str(row["id"] if self._immutable and preferences.immutable_ids else row["restId"])

    # --- changing -------------------------------------------------------------------------------

    def add(self, user_id: str, place: str, **facts: Any) -> Json:
        identifiers = self._parts.identifiers
        row = {
            "id": identifiers.immutable(),
            "restId": identifiers.normal(place),
            **facts,
            "user": user_id,
            "place": place,
            "created": self._parts.now(),
        }
        return self._put(row, "created")

    def add_folder(self, user_id: str, **facts: Any) -> Json:
        """A folder is in its mailbox and has one id for ever."""
        identifier = self._parts.identifiers.folder()
        return self.add(user_id, user_id, id=identifier, restId=identifier, **facts)

    def change(self, row: Json, **facts: Any) -> Json:
        return self._put({**row, **facts}, "updated")

    def keep(self, row: Json, **facts: Any) -> Json:
        """Store what is no change of the item itself: neither its etag nor a delta shows it."""
        kept = {**row, **facts}
        self._parts.version.next()
        self._parts.tables.put(self._table, row["id"], kept)
        return kept

    def move(self, row: Json, place: str) -> Json:
        """To another place of the mailbox: there it is new, here it is gone."""
        self._leave(row)
        moved = {**row, "place": place, "restId": self._parts.identifiers.normal(place)}
        return self._put(moved, "created")

    def remove(self, row: Json) -> None:
        self._leave(row)
        self._parts.tables.delete(self._table, row["id"])

    def _leave(self, row: Json) -> None:
        self.log.bury(row, self._parts.version.next())
        self._unindex(row)
        self._tell("deleted", row)

    def _put(self, row: Json, change: str) -> Json:
        stamps = {"changeKey": self._parts.identifiers.change_key(), "modified": self._parts.now()}
        stored = {**row, **stamps, "seq": self._parts.version.next()}
        self._parts.tables.put(self._table, stored["id"], stored)
        self._index(stored)
        self.log.record(stored)
        self._tell(change, stored)
        return stored

    def _tell(self, change: str, row: Json) -> None:
        for listener in self.listeners:
            listener(change, row)
