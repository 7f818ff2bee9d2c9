"""The function that tells what a user may do with secured columns."""

from __future__ import annotations

from typing import Any

from local.dataverse.call import Call, Reply
from local.dataverse.callers import Callers
from local.dataverse.errors import refuse
from local.dataverse.field_security import ADMINISTRATOR, ALL, FieldSecurity, Permission
from local.dataverse.metadata import column_id
from local.dataverse.parameters import NAMESPACE
from local.dataverse.records import Records
from local.dataverse.schema import Table
from local.dataverse.session import Session
from local.dataverse.tables import TABLES

FUNCTION = "RetrievePrincipalAttributePrivileges"
ALLOWED, NOT_ALLOWED = 4, 0


class AttributePrivileges:
    """Columns of all tables that a profile of the user names, by their metadata ids; of an administrator, all
    that are secured. Who is no administrator asks for nobody else (an assumption)."""

    def __init__(self, records: Records, fields: FieldSecurity, callers: Callers) -> None:
        self._records = records
        self._fields = fields
        self._callers = callers

    @staticmethod
    def is_on_row(table: Table, name: str) -> bool:
        return table.name in ("systemuser", "team") and name == FUNCTION

    def answer(self, call: Call, session: Session, table: Table, row_id: str) -> Reply:
        if call.query:
            raise refuse("UnsupportedQueryOption", option=call.query.partition("=")[0])
        if table.name == "team":
            raise refuse("NotInStandIn", feature="column permissions of teams")
        self._records.get(table, row_id)
        caller = session.caller
        if caller.role != ADMINISTRATOR and caller.user != row_id:
            raise refuse("PrivilegeDenied", user=caller.user, access="read", table=table.name, id=row_id)
        body = {
            "@odata.context": f"{call.base_url}/$metadata#{NAMESPACE}{FUNCTION}Response",
            "AttributePrivileges": self._of(row_id),
        }
        return Reply(200, body)

    def _of(self, user: str) -> list[dict[str, Any]]:
        administrator = user in self._callers.administrators or self._callers.role(user) == ADMINISTRATOR
        found = []
        for table in TABLES.values():
            for column in sorted(self._fields.secured(table)):
                permission = ALL if administrator else self._fields.permission(user, table, column)
                if permission is not None:
                    found.append({"AttributeId": column_id(table, column), **_written(permission)})
        return found


def _written(permission: Permission) -> dict[str, int]:
    rights = {
        "CanCreate": permission.create,
        "CanRead": permission.read,
        "CanReadUnMasked": False,
        "CanUpdate": permission.update,
    }
    return {name: ALLOWED if given else NOT_ALLOWED for name, given in rights.items()}
