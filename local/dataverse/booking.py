"""``Book``, ``Reschedule`` and ``Validate``: saving an activity only when those it needs are free."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from local.dataverse.errors import refuse
from local.dataverse.exceptions import NO_ID
from local.dataverse.instances import MASTER
from local.dataverse.parameters import Entity, row_id
from local.dataverse.payload import Changes, PayloadReader
from local.dataverse.records import Records
from local.dataverse.schema import Table
from local.dataverse.security import Caller
from local.dataverse.store import Row, Store
from local.dataverse.tables import TABLES

SCHEDULED = 3
NEEDED = frozenset({5, 6, 7, 10})  # required, optional, organizer, resource
BOOKED_TABLES = frozenset({"appointment", "serviceappointment"})
BUSY = "ResourceBusy"  # what a busy user's error is called is an assumption
Json = dict[str, Any]


@dataclass
class _ConflictError(Exception):
    """Not saved after all: ``busy`` are the users and equipment that are needed elsewhere."""

    busy: list[list[str]]


class Booking:
    """Other activities count when they are scheduled and at the same time."""

    def __init__(self, store: Store, records: Records) -> None:
        self._store = store
        self._records = records

    def book(self, entity: Entity, reader: PayloadReader, caller: Caller) -> Json:
        """Create or change an activity, which then is scheduled; a conflict saves nothing."""
        table, target = entity
        before = self._store.get(table.name, row_id(table, target) or "")
        changes = reader.read(table, target, creating=before is None)
        _check_times(table, changes)
        return self._saved(table, before, changes, caller)

    def reschedule(self, entity: Entity, reader: PayloadReader, caller: Caller) -> Json:
        table, target = entity
        before = self._records.get(table, row_id(table, target) or "")
        changes = reader.read(table, target, creating=False)
        _check_times(table, changes)
        return self._saved(table, before, changes, caller)

    def validate(self, entity: Entity, reader: PayloadReader, caller: Caller) -> Json:
        """What ``book`` would say; nothing is saved."""
        table, target = entity
        if table.name == MASTER:
            raise refuse("ValidateRecurring")
        before = self._store.get(table.name, row_id(table, target) or "")
        changes = reader.read(table, target, creating=before is None)
        if before is None:
            _check_times(table, changes)
        return self._saved(table, before, changes, caller, keep=False)

    # --- inside ---------------------------------------------------------------------------------

    def _saved(
        self, table: Table, before: Row | None, changes: Changes, caller: Caller, *, keep: bool = True
    ) -> Json:
        mark = len(self._records.events)
        try:
            with self._store.atomic():
                row = self._save(table, before, changes, caller)
                busy = self._busy(table, row)
                if busy or not keep:
                    raise _ConflictError(busy)
        except _ConflictError as conflict:
            del self._records.events[mark:]
            there = before[table.primary_id] if before else NO_ID
            return self._result(there, conflict.busy)
        return self._result(row[table.primary_id], [])

    def _save(self, table: Table, before: Row | None, changes: Changes, caller: Caller) -> Row:
        """Booked is scheduled, unless the target says otherwise."""
        if before is not None:
            opened = before["statecode"] == 0 and changes.state is None
            changes = replace(changes, state=SCHEDULED) if opened else changes
            return self._records.update(table, before, changes, caller)
        state = SCHEDULED if changes.state is None else changes.state
        if table.by_name["statecode"].create:
            return self._records.create(table, replace(changes, state=state), caller)
        status = {name: value for name, value in changes.values.items() if name == "statuscode"}
        rest = {name: value for name, value in changes.values.items() if name != "statuscode"}
        made = self._records.create(table, Changes(rest, changes.parties), caller)
        return self._records.update(table, made, Changes(status, None, state), caller)

    def _busy(self, table: Table, row: Row) -> list[list[str]]:
        """Whoever is needed elsewhere; of a series at the time of any of its instances."""
        if table.name == MASTER:
            rows = self._records.series.instances.rows(row["activityid"])
            found = [who for instance in rows for who in self._busy(TABLES["appointment"], instance)]
            return [list(who) for who in dict.fromkeys(map(tuple, found))]
        needed = [
            party["partyid"]
            for party in self._records.parties.of(row["activityid"])
            if party["participationtypemask"] in NEEDED and party.get("partyid")
        ]
        people = dict.fromkeys(tuple(who) for who in needed if who[0] in ("systemuser", "equipment"))
        return [list(who) for who in people if self._is_needed_elsewhere(who[1], row)]

    def _is_needed_elsewhere(self, who: str, row: Row) -> bool:
        parties = self._store.referring("activityparty", "partyid", who)
        return any(
            self._clashes(party["activityid"], row)
            for party in parties
            if party["participationtypemask"] in NEEDED
        )

    def _clashes(self, activity: list[str], row: Row) -> bool:
        table, key = activity
        other = self._store.get(table, key) if table in BOOKED_TABLES else None
        if other is None or key == row["activityid"] or other["statecode"] != SCHEDULED:
            return False
        if not other.get("scheduledstart") or not other.get("scheduledend"):
            return False
        starts_before: bool = other["scheduledstart"] < row["scheduledend"]
        ends_after: bool = row["scheduledstart"] < other["scheduledend"]
        return starts_before and ends_after

    def _result(self, activity_id: str, busy: list[list[str]]) -> Json:
        errors = [{"ErrorCode": BUSY, "ResourceList": [self._resource(*who) for who in busy]}]
        return {
            "ValidationSuccess": not busy,
            "ActivityId": activity_id,
            "TraceInfo": {"ErrorInfoList": errors if busy else []},
        }

    def _resource(self, table: str, key: str) -> Json:
        row = self._store.get(table, key) or {}
        return {"Id": key, "DisplayName": row.get(TABLES[table].primary_name), "EntityName": table}


def _check_times(table: Table, changes: Changes) -> None:
    """An id alone books nothing: the times have to come along."""
    if table.name != MASTER:
        for name in ("scheduledstart", "scheduledend"):
            if not changes.values.get(name):
                raise refuse("InvalidBooking", message=f"{name} is required.")
