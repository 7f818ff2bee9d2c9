"""``CreateMultiple`` and ``UpdateMultiple``: many rows of one table, all or none."""

from __future__ import annotations

from typing import Any

from local.dataverse.call import Call, Reply
from local.dataverse.duplicates import Duplicates
from local.dataverse.errors import refuse
from local.dataverse.payload import PayloadReader
from local.dataverse.records import Records
from local.dataverse.schema import Table
from local.dataverse.session import Session
from local.dataverse.tables.messages import BULK_MESSAGES, MANY_AT_A_TIME
from local.dataverse.values import as_guid


class BulkMessages:
    def __init__(self, records: Records, duplicates: Duplicates) -> None:
        self._records = records
        self._duplicates = duplicates

    def answer(self, call: Call, session: Session, table: Table, message: str) -> Reply:
        if message not in BULK_MESSAGES:
            raise refuse("UnknownSegment", segment=f"Microsoft.Dynamics.CRM.{message}")
        if table.name not in MANY_AT_A_TIME:
            raise refuse("MessageNotSupported", message=message, table=table.name)
        targets = self._targets(call, table)
        reader = PayloadReader(call.references)
        if message == "UpdateMultiple":
            for target in targets:
                row = self._records.get(table, as_guid(str(target.get(table.primary_id, ""))) or "")
                changes = reader.read(table, target, creating=False)
                self._duplicates.check(call, table, changes, row)
                self._records.update(table, row, changes, session.caller)
            return Reply(204)
        ids = []
        for target in targets:
            changes = reader.read(table, target, creating=True)
            self._duplicates.check(call, table, changes)
            ids.append(self._records.create(table, changes, session.caller)[table.primary_id])
        where = f"{call.base_url}/$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse"
        return Reply(200, {"@odata.context": where, "Ids": ids})

    @staticmethod
    def _targets(call: Call, table: Table) -> list[dict[str, Any]]:
        targets = call.json_object().get("Targets")
        if not isinstance(targets, list) or not targets:
            raise refuse("InvalidArgument", message="Targets must be a list of at least one row.")
        for target in targets:
            kind = f"Microsoft.Dynamics.CRM.{table.name}"
            if not isinstance(target, dict) or target.get("@odata.type") not in (kind, f"#{kind}"):
                raise refuse("InvalidArgument", message=f"Every target needs the @odata.type {kind}.")
        return targets
