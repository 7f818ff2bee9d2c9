"""Actions that give a user filters made of templates, or the default ones again."""

from __future__ import annotations

from typing import ClassVar

from local.dataverse.call import Call, Reply
from local.dataverse.errors import refuse
from local.dataverse.parameters import Parameters, row_id
from local.dataverse.records import Records
from local.dataverse.schema import Table
from local.dataverse.session import Session
from local.dataverse.store import Row, Store
from local.dataverse.tables import TABLES
from local.dataverse.user_filters import BECOMES, FILTERS, SAVED_QUERY, USER_QUERY, defaults, instance


class FilterActions:
    UNBOUND: ClassVar[frozenset[str]] = frozenset({"ResetUserFilters"})

    def __init__(self, store: Store, records: Records) -> None:
        self._store = store
        self._records = records

    @staticmethod
    def is_on_row(table: Table, name: str) -> bool:
        return table.name == "systemuser" and name == "InstantiateFilters"

    def reset(self, call: Call, session: Session, name: str) -> Reply:
        """The caller's filters of one kind go, and the default templates take their place."""
        kind = Parameters(call, name, ("QueryType",)).number("QueryType")
        if kind not in FILTERS:
            raise refuse("InvalidArgument", message=f"{kind} is not a type of filter.")
        user = self._records.get(TABLES["systemuser"], session.caller.user)
        for row in self._of(user):
            if row["querytype"] == kind:
                self._records.erase(TABLES[USER_QUERY], row, session.caller)
        template_type = next(template for template, becomes in BECOMES.items() if becomes == kind)
        for template in defaults(self._store, template_type):
            self._instantiate(session, user, template)
        return Reply(204)

    def instantiate(self, call: Call, session: Session, key: str, name: str) -> Reply:
        """One filter for each template; one made of it before is as the template again."""
        user = self._records.get(TABLES["systemuser"], key)
        if session.caller.role != "administrator" and session.caller.user != key:
            raise refuse(
                "PrivilegeDenied", user=session.caller.user, access="prvAdminFilter", table=USER_QUERY, id=key
            )
        collection = Parameters(call, name, ("TemplateCollection",))
        for table, target in collection.entities("TemplateCollection", SAVED_QUERY):
            template = self._records.get(table, row_id(table, target) or "")
            if template["querytype"] not in BECOMES and template["querytype"] not in FILTERS:
                raise refuse("InvalidArgument", message=f"{template['name']} is not a filter template.")
            self._instantiate(session, user, template)
        return Reply(204)

    def _instantiate(self, session: Session, user: Row, template: Row) -> None:
        table, values = TABLES[USER_QUERY], instance(template, user)
        for row in self._of(user):
            if row.get("parentqueryid") == values["parentqueryid"]:
                active = {"statecode": 0, "statuscode": table.state_defaults[0]}
                self._records.rewrite(table, row, {**values, **active}, None, session.caller)
                return
        self._records.add(table, values, session.caller)

    def _of(self, user: Row) -> list[Row]:
        return self._store.referring(USER_QUERY, "ownerid", user["systemuserid"])
