"""Requests about a whole table: queries, FetchXML, saved filters, change tracking, counts."""

from __future__ import annotations

from local.dataverse.call import Call, Reply
from local.dataverse.errors import refuse
from local.dataverse.fetchxml import parse_fetch
from local.dataverse.options import read_options, read_query
from local.dataverse.queries import decode_cookie, page_size
from local.dataverse.records import Records
from local.dataverse.schema import Table
from local.dataverse.security import Security
from local.dataverse.session import Session
from local.dataverse.tables import TABLES
from local.dataverse.tracking import ChangeTracking
from local.dataverse.values import as_guid

SAVED = {"savedQuery": "savedquery", "userQuery": "userquery"}


class SetRoutes:
    def __init__(self, records: Records, security: Security, tracking: ChangeTracking) -> None:
        self._records = records
        self._security = security
        self._tracking = tracking

    def get(self, call: Call, session: Session, table: Table) -> Reply:
        query = read_query(call.query)
        for option, saved in SAVED.items():
            if option in query:
                return self._fetch(call, session, table, self._saved(session, TABLES[saved], query[option]))
        if "fetchXml" in query:
            return self._fetch(call, session, table, query["fetchXml"])
        if self._tracks(call, query):
            return self._changes(call, session, table, query)
        size = page_size(call.preferences)
        body = session.collections.answer(table, None, query, size, call.base_url, table.entity_set)
        return Reply(200, body, _applied(call, "odata.maxpagesize"))

    def count(self, call: Call, session: Session, table: Table) -> Reply:
        query = read_query(call.query)
        if "$deltatoken" in query:
            self._security.require_organization_read(session.caller, table)
            return Reply(200, str(self._tracking.count(table, query["$deltatoken"])))
        options = read_options(table, query)
        chosen = session.collections.select(table, options)
        return Reply(200, str(min(len(chosen), 5000)))

    # --- inside ---------------------------------------------------------------------------------

    @staticmethod
    def _tracks(call: Call, query: dict[str, str]) -> bool:
        if "odata.track-changes" in call.preferences or "$deltatoken" in query:
            return True
        return "$skiptoken" in query and "since" in decode_cookie(query["$skiptoken"])

    def _changes(self, call: Call, session: Session, table: Table, query: dict[str, str]) -> Reply:
        self._tracking.check(table, query)
        self._security.require_organization_read(session.caller, table)
        size = page_size(call.preferences)
        body = self._tracking.answer(table, query, size, call.base_url, session.representation)
        return Reply(200, body, _applied(call, "odata.track-changes", "odata.maxpagesize"))

    @staticmethod
    def _fetch(call: Call, session: Session, table: Table, text: str) -> Reply:
        fetch = parse_fetch(text, session.context)
        if fetch.entity.table is not table:
            message = (
                f"The entity '{fetch.entity.table.name}' of the fetch does not match '{table.entity_set}'."
            )
            raise refuse("InvalidQuery", message=message)
        body = {"@odata.context": f"{call.base_url}/$metadata#{table.entity_set}"}
        return Reply(200, body | session.fetch.answer(fetch))

    def _saved(self, session: Session, table: Table, row_id: str) -> str:
        row = self._records.get(table, as_guid(row_id) or row_id)
        self._security.require("read", session.caller, table, row)
        return str(row.get("fetchxml") or "")


def _applied(call: Call, *names: str) -> dict[str, str]:
    given = call.preferences
    applied = [f"{name}={given[name]}" if given[name] else name for name in names if name in given]
    return {"Preference-Applied": ",".join(applied)} if applied else {}
