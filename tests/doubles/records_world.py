"""Contacts and tasks of a Dynamics organization in memory: everybody may read and write all of them, and
everybody's sync filters are the product's own (own and open rows). Plain methods are what people do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shared.bodies.forms import units
from shared.engine.ports import ChangedRow, ChangePage, FilterOwner, Likeness
from shared.errors import Conflict, CursorExpired, NotFound, Refused
from shared.model.appointment import Absence
from shared.model.party import RecordRef
from shared.model.personal import (
    CONTACT,
    PERSONAL_TABLES,
    TASK,
    CreateRecord,
    DeleteRecord,
    DynamicsRecord,
    Match,
    UpdateRecord,
)
from shared.model.sync_filter import Filters, SyncFilter
from shared.rules import contact_matching, task_status
from shared.rules.contact_names import full_name
from shared.rules.field_table import of_entity
from shared.rules.meeting_time import text_of
from tests.doubles.lost_answers import Line
from tests.doubles.world import MemoryDynamics

Values = dict[str, Any]
_EMPTY: Mapping[str, Any] = {"name": {}, "address": {}, "date": None, "regarding": None, "day": None}
_OF_A_TASK: Values = {"importance": 1, "percent": None, "completed": None}


def blank(table: str) -> Values:
    """A row that says nothing; it is open."""
    values = {row.name: _EMPTY.get(row.kind, "") for row in of_entity(table)}
    if table == CONTACT:
        return {**values, "status": [0, 1]}
    values |= {name: value for name, value in _OF_A_TASK.items() if name in values}
    return {**values, "status": [0, task_status.OPENED[table]]}


@dataclass
class PersonalDynamics(MemoryDynamics):
    """``records_there``: by id. ``accounts``: names of the accounts that contacts can belong to."""

    records_there: dict[str, DynamicsRecord] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    records_log: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.line = Line(self.clock)

    # --- people -----------------------------------------------------------------------------------

    def add_record(self, table: str, row_id: str, owner: str, **values: Any) -> DynamicsRecord:
        self.clock.forward()
        row = DynamicsRecord(table, row_id, "", blank(table), RecordRef("systemuser", owner))
        return self._store(self._written(row, values))

    def edit_record(self, row_id: str, **values: Any) -> DynamicsRecord:
        self.clock.forward()
        return self._store(self._written(self.records_there[row_id], values))

    def assign(self, row_id: str, owner: str) -> None:
        self.clock.forward()
        self._store(replace(self.records_there[row_id], owner=RecordRef("systemuser", owner)))

    def remove_record(self, row_id: str) -> None:
        self.clock.forward()
        self._delete(self.records_there[row_id])

    # --- the store --------------------------------------------------------------------------------

    def _store(self, row: DynamicsRecord) -> DynamicsRecord:
        values = dict(row.values)
        if row.table == CONTACT:
            parent = values.get("regarding") or {}
            values["company"] = self.accounts.get(parent.get("id", ""), "")
        name = full_name(values) if row.table == CONTACT else str(values["subject"] or "")
        etag = f'W/"{self.number()}"'
        stored = replace(row, etag=etag, values=values, name=name, modified=self.clock())
        self.records_there[row.id] = stored
        self.records_log.append((row.table, row.id))
        return stored

    def _delete(self, row: DynamicsRecord) -> None:
        del self.records_there[row.id]
        self.number()
        self.records_log.append((row.table, row.id))

    def _written(self, row: DynamicsRecord, changes: Mapping[str, Any]) -> DynamicsRecord:
        assert "company" not in changes
        for each in of_entity(row.table):
            text = changes.get(each.name)
            if isinstance(text, str) and each.limit is not None and units(text) > each.limit:
                raise Refused(f"{each.name} is too long", code="0x80044331", status=400)
        values: Values = {**row.values, **changes}
        if row.table != CONTACT:
            self._check(row, values)
        return replace(row, values=values)

    def _check(self, row: DynamicsRecord, values: Values) -> None:
        state, reason = values["status"]
        if reason not in task_status.REASONS[row.table][state]:
            raise Refused("a status of another state", code="0x80048408", status=400)
        if values["start"] and values["due"] and str(values["start"]) > str(values["due"]):
            raise Refused("it begins after it is due", code="0x80044330", status=400)
        if state != 0 and row.state == 0 and not values["completed"]:
            values["completed"] = text_of(self.clock().replace(microsecond=0))

    def _current_record(self, row_id: str, etag: str) -> DynamicsRecord:
        row = self.records_there.get(row_id)
        if row is None:
            raise NotFound("0x80040217")
        if etag and row.etag != etag:
            raise Conflict("0x80060882")
        return row

    # --- the port ---------------------------------------------------------------------------------

    async def changes(self, table: str, link: str | None) -> ChangePage:
        if table not in PERSONAL_TABLES:
            return await super().changes(table, link)
        self.line.arrive()
        if link is not None and int(link.split(":")[0]) != self.epoch:
            raise CursorExpired("0x80044352")
        log = self.records_log[int(link.split(":")[1]) if link else 0 :]
        touched = list(dict.fromkeys(row_id for its_table, row_id in log if its_table == table))
        there = self.records_there
        rows = tuple(_changed(there[i]) for i in touched if i in there)
        removed = tuple(i for i in touched if i not in there)
        return ChangePage(rows, removed, f"{self.epoch}:{len(self.records_log)}", complete=True)

    async def records(
        self, table: str, ids: Sequence[str], *, as_user: str
    ) -> Mapping[str, DynamicsRecord | Absence]:
        del as_user
        self.line.arrive()
        found: dict[str, DynamicsRecord | Absence] = {}
        for row_id in ids:
            row = self.records_there.get(row_id)
            found[row_id] = row if row is not None and row.table == table else Absence.PHYSICAL
        return found

    async def create_record(self, write: CreateRecord, *, as_user: str) -> DynamicsRecord:
        def effect() -> DynamicsRecord:
            if write.id in self.records_there:
                raise Conflict("0x80040237")
            owner = RecordRef("systemuser", as_user)
            row = DynamicsRecord(write.table, write.id, "", blank(write.table), owner)
            return self._store(self._written(row, write.values))

        return self.line.carry(f"create {write.table} row", effect)

    async def update_record(self, write: UpdateRecord, *, as_user: str) -> DynamicsRecord:
        del as_user

        def effect() -> DynamicsRecord:
            return self._store(self._written(self._current_record(write.id, write.etag), write.values))

        return self.line.carry(f"update {write.table} row", effect)

    async def delete_record(self, write: DeleteRecord, *, as_user: str) -> None:
        del as_user

        def effect() -> bool:
            self._delete(self._current_record(write.id, write.etag))
            return True

        self.line.carry(f"delete {write.table} row", effect)

    async def contacts_like(self, wanted: Sequence[Likeness], *, as_user: str) -> Sequence[Sequence[Match]]:
        self.line.arrive()
        return [self._like(likeness, as_user) for likeness in wanted]

    def _like(self, likeness: Likeness, as_user: str) -> list[Match]:
        emails = {email.lower() for email in likeness.emails}
        rows = [r for r in self.records_there.values() if r.table == CONTACT and r.state == 0]
        matches = [contact_matching.as_match_of(row, user=as_user) for row in rows]
        named = {row.id for row in rows if likeness.name and row.name == likeness.name}
        return [match for match in matches if emails & match.emails or match.id in named]

    async def sync_filters(self, user_id: str) -> Filters:
        return Filters(
            tuple(
                SyncFilter(f"{user_id}-{table}", table, f"My {table}", "<fetch/>", "1", usual=True)
                for table in sorted((CONTACT, TASK))
            )
        )

    async def system_filters(self) -> Sequence[str]:
        return []

    async def filter_owner(self, filter_id: str) -> FilterOwner | None:
        """Nobody changes one."""
        del filter_id
        return None

    async def matching(
        self, filters: Sequence[SyncFilter], ids: Sequence[str] | None, *, as_user: str
    ) -> Sequence[ChangedRow]:
        self.line.arrive()
        table = filters[0].table
        usual = all(each.usual for each in filters)
        return [
            _changed(row)
            for row in self.records_there.values()
            if row.table == table and (ids is None or row.id in ids)
            if not usual or (row.state == 0 and row.owner is not None and row.owner.id == as_user)
        ]


def _changed(row: DynamicsRecord) -> ChangedRow:
    company = str(row.value("company") or "") if row.table == CONTACT else None
    return ChangedRow(row.id, row.etag, row.owner, company=company)
