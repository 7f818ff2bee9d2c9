"""Create, update and delete of rows: defaults, rights, state, parties, audit columns, cascades."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

from local.dataverse import states
from local.dataverse.attachments import ATTACHMENT, Attachments
from local.dataverse.computed import computed
from local.dataverse.errors import refuse
from local.dataverse.instances import MASTER, is_instance
from local.dataverse.parties import Parties
from local.dataverse.payload import Changes
from local.dataverse.schema import Table
from local.dataverse.security import Caller, Security
from local.dataverse.series import Series
from local.dataverse.store import Row, Store
from local.dataverse.tables import TABLES
from local.dataverse.user_filters import QUERIES, check_query
from local.dataverse.values import as_text

Message = Literal["Create", "Update", "Delete"]
# Pointing to these rows through a look-up needs the right to read them (AppendTo).
CHECKED_KINDS = frozenset({"activity", "customer", "personal"})


@dataclass(frozen=True)
class Event:
    """A change as the event pipeline tells it: for an update only the changed columns."""

    message: Message
    table: Table
    row: Row
    changed: Row
    caller: Caller


class Records:
    """Writes single rows. ``events`` collects what happened, for whoever publishes it after the commit."""

    def __init__(self, store: Store, security: Security) -> None:
        self._store = store
        self._security = security
        self.parties = Parties(store)
        self.series = Series(store, self)
        self.attachments = Attachments(store)
        self.events: list[Event] = []

    def get(self, table: Table, row_id: str) -> Row:
        row = self._store.get(table.name, row_id)
        if row is None:
            raise refuse("NotFound", table=table.name, id=row_id)
        return row

    def create(self, table: Table, changes: Changes, caller: Caller, row_id: str | None = None) -> Row:
        _allow("Create", table)
        key = row_id or changes.values.get(table.primary_id) or str(uuid4())
        if self._store.get(table.name, key) is not None:
            raise refuse("DuplicateKey")
        row = {**_defaults(table), **changes.values, table.primary_id: key}
        row |= states.on_create(table, changes, key)
        if table.owned and not row.get("ownerid"):
            row["ownerid"] = ["systemuser", caller.user]
        self._check_references(changes.values, caller)
        self._security.fields.require_create(caller, table, changes.values)
        row |= self.attachments.checked(row) if table.name == ATTACHMENT else {}
        if table.name in QUERIES:
            check_query(self._store, table, row, caller)
        with self._store.atomic():
            row |= self.series.new_master(row, caller) if table.name == MASTER else {}
            self._security.require("write", caller, table, row)
            stored = self.insert(table, row, changes.parties, caller)
            if table.name == MASTER:
                return self.series.master_created(stored, caller)
        return stored

    def update(self, table: Table, before: Row, changes: Changes, caller: Caller) -> Row:
        _allow("Update", table)
        self._security.require("write", caller, table, before)
        self._check_references(changes.values, caller)
        self._security.fields.require_update(caller, table, changes.values)
        if changes.empty:
            return before
        if "ownerid" in changes.values and changes.values["ownerid"] is None:
            raise refuse("InvalidArgument", message="The owner cannot be cleared.")
        values = {**changes.values, **states.on_update(table, changes, before)}
        values |= states.on_closing(table, values, before, as_text(self._store.clock.now()))
        if table.name in QUERIES:
            check_query(self._store, table, {**before, **values}, caller)
        with self._store.atomic():
            if table.name == MASTER:
                return self.series.change_master(before, values, changes, caller)
            if is_instance(table, before):
                values |= self.series.exceptions.becomes(before, {**before, **values}, changes)
            if table.name == ATTACHMENT:
                values |= self.attachments.checked({**before, **values})
            stored = self.rewrite(table, before, values, changes.parties, caller)
            self._assign_along(table, before, stored, caller)
            return stored

    def delete(self, table: Table, row: Row, caller: Caller) -> None:
        _allow("Delete", table)
        self._security.require("delete", caller, table, row)
        with self._store.atomic():
            self._delete(table, row, caller)

    # --- without asking for rights: what the server does of its own accord ------------------------

    def add(self, table: Table, values: Row, caller: Caller) -> Row:
        """A new active row with an id of its own."""
        row = {**values, table.primary_id: str(uuid4()), **states.on_create(table, Changes(), "")}
        return self.insert(table, row, None, caller)

    def insert(self, table: Table, row: Row, parties: list[Row] | None, caller: Caller) -> Row:
        """A new row with its parties; ``row`` may hold read-only columns."""
        row = {**_defaults(table), **row, **self._creation_audit(table, row, caller)}
        row |= computed(table, row, self._store)
        with self._store.atomic():
            stored = self._store.put(table, row)
            self._write_parties(table, stored, parties)
            self._count_attachments(table, stored)
        given = {name: value for name, value in stored.items() if value is not None}
        self.events.append(Event("Create", table, stored, given, caller))
        return stored

    def rewrite(
        self, table: Table, before: Row, values: Row, parties: list[Row] | None, caller: Caller
    ) -> Row:
        """A row with other values and, where given, other parties."""
        row = {**before, **values}
        row |= computed(table, row, self._store) | self._change_audit(table, caller)
        with self._store.atomic():
            stored = self._store.put(table, row)
            self._write_parties(table, stored, parties)
        changed = {name: value for name, value in stored.items() if before.get(name) != value}
        changed |= {name: stored.get(name) for name in values}
        self.events.append(Event("Update", table, stored, changed, caller))
        return stored

    def erase(self, table: Table, row: Row, caller: Caller) -> None:
        """A row, what belongs to it, and what regards it."""
        row_id = row[table.primary_id]
        if table.parties is not None:
            self.parties.remove_all(row_id)
        self._store.remove(table, row_id)
        self._security.shares.forget(table, row_id)
        self.events.append(Event("Delete", table, row, {}, caller))
        self._count_attachments(table, row)
        if table.name == MASTER:
            self.series.master_deleted(row, caller)
        if table.kind == "customer":
            self.parties.target_deleted(row_id)
        self._let_go(table, row_id, caller)

    # --- inside ---------------------------------------------------------------------------------

    def _delete(self, table: Table, row: Row, caller: Caller) -> None:
        self.erase(table, row, caller)
        if is_instance(table, row):
            self.series.exceptions.deleted(row, caller)

    def _assign_along(self, table: Table, before: Row, after: Row, caller: Caller) -> None:
        """What belongs to a customer goes to its new owner too: activities regarding it, contacts below."""
        owner = after.get("ownerid")
        if table.kind != "customer" or before.get("ownerid") == owner:
            return
        for other in TABLES.values():
            for column in other.columns:
                if not (column.cascade_delete and other.owned and table.name in column.targets):
                    continue
                for row in self._store.referring(other.name, column.name, after[table.primary_id]):
                    if row.get("ownerid") != owner:
                        stored = self.rewrite(other, row, {"ownerid": owner}, None, caller)
                        self._assign_along(other, row, stored, caller)

    def _let_go(self, table: Table, row_id: str, caller: Caller) -> None:
        """Rows regarding the deleted one go with it; other look-ups to it are cleared, quietly."""
        for other in TABLES.values():
            for column in other.columns:
                if table.name not in column.targets or other.kind == "party" or not column.indexed:
                    continue
                for row in self._store.referring(other.name, column.name, row_id):
                    if self._store.get(other.name, row[other.primary_id]) is None:
                        continue  # an instance that went with its series
                    if column.cascade_delete:
                        self._delete(other, row, caller)
                    else:
                        self._store.put(other, {**row, column.name: None})

    def _count_attachments(self, table: Table, attachment: Row) -> None:
        if table.name == ATTACHMENT:
            self.attachments.count(attachment)

    def _write_parties(self, table: Table, stored: Row, parties: list[Row] | None) -> None:
        if parties is not None:
            self.parties.check(table, parties)
            self.parties.replace(table, stored, parties)
        self.parties.follow(table, stored)

    def _check_references(self, values: Row, caller: Caller) -> None:
        for value in values.values():
            if not isinstance(value, list):
                continue
            target = TABLES[value[0]]
            row = self.get(target, value[1])
            if target.kind in CHECKED_KINDS:
                self._security.require("read", caller, target, row)

    def _creation_audit(self, table: Table, row: Row, caller: Caller) -> Row:
        now = as_text(self._store.clock.now())
        person, behind = _people(caller)
        audit: dict[str, Any] = {
            "createdon": row.get("overriddencreatedon") or now,
            "createdby": person,
            "createdonbehalfby": behind,
            **self._change_audit(table, caller),
        }
        if row.get("overriddencreatedon"):
            audit["overriddencreatedon"] = now
        return {name: value for name, value in audit.items() if name in table.by_name}

    def _change_audit(self, table: Table, caller: Caller) -> Row:
        person, behind = _people(caller)
        audit = {
            "modifiedon": as_text(self._store.clock.now()),
            "modifiedby": person,
            "modifiedonbehalfby": behind,
        }
        return {name: value for name, value in audit.items() if name in table.by_name}


def _defaults(table: Table) -> Row:
    return {column.name: column.default for column in table.columns if column.default is not None}


def _people(caller: Caller) -> tuple[list[str], list[str] | None]:
    behind = ["systemuser", caller.behind] if caller.behind else None
    return ["systemuser", caller.user], behind


def _allow(message: Message, table: Table) -> None:
    if message in table.refused:
        raise refuse("MessageNotSupported", message=message, table=table.name)
