"""Requests about one row: read, create under a chosen id, update, delete, and its properties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.dataverse.call import Call, Reply
from local.dataverse.duplicates import Duplicates
from local.dataverse.errors import Refusal, refuse
from local.dataverse.options import read_options, read_query
from local.dataverse.payload import PayloadReader
from local.dataverse.queries import context, page_size
from local.dataverse.records import Records
from local.dataverse.representation import etag
from local.dataverse.schema import Table
from local.dataverse.security import Security
from local.dataverse.session import Session
from local.dataverse.store import Row, Store
from local.dataverse.tables import TABLES


class RowRoutes:
    def __init__(self, store: Store, records: Records, security: Security, duplicates: Duplicates) -> None:
        self._store = store
        self._records = records
        self._security = security
        self._duplicates = duplicates

    # --- the row itself -------------------------------------------------------------------------

    def get(self, call: Call, session: Session, table: Table, row_id: str) -> Reply:
        query = read_query(call.query)
        row = self._readable(session, table, row_id)
        plain = "$expand" not in query and "odata.include-annotations" not in call.preferences
        if plain and call.headers.get("If-None-Match") == etag(row):
            return Reply(304, None, {"ETag": etag(row)})
        return self._represented(call, session, table, row, 200)

    def post(self, call: Call, session: Session, table: Table) -> Reply:
        """Create under an id from the body or a new one."""
        changes = PayloadReader(call.references).read(table, call.json_object(), creating=True)
        self._duplicates.check(call, table, changes)
        row = self._records.create(table, changes, session.caller)
        return self._written(call, session, table, row, created=True)

    def patch(self, call: Call, session: Session, table: Table, row_id: str) -> Reply:
        """Update, or create when the row is not there and no header forbids it."""
        body = call.json_object()
        row = self._store.get(table.name, row_id)
        self._check_match(call, table, row_id, row)
        if row is not None and call.headers.get("If-None-Match") == "*":
            raise refuse("DuplicateKey")
        changes = PayloadReader(call.references).read(table, body, creating=row is None)
        self._duplicates.check(call, table, changes, row)
        if row is None:
            created = self._records.create(table, changes, session.caller, row_id)
            return self._written(call, session, table, created, created=True)
        updated = self._records.update(table, row, changes, session.caller)
        return self._written(call, session, table, updated, created=False)

    def delete(self, call: Call, session: Session, table: Table, row_id: str) -> Reply:
        row = self._store.get(table.name, row_id)
        self._check_match(call, table, row_id, row)
        self._records.delete(table, self._records.get(table, row_id), session.caller)
        return Reply(204)

    # --- what hangs on it -----------------------------------------------------------------------

    def property(self, call: Call, session: Session, table: Table, row_id: str, name: str) -> Reply:
        """``/set(id)/name``: a navigation property or a single column."""
        if name in table.collection_navigation and call.method == "GET":
            return self._collection(call, session, table, row_id, name)
        if name in table.single_navigation and call.method == "GET":
            found = session.navigation.single(table, self._readable(session, table, row_id), name)
            return self._represented(call, session, *found, 200) if found else Reply(204)
        if name not in table.by_property:
            raise refuse("UnknownSegment", segment=name)
        if call.method == "GET":
            return self._value(call, session, table, row_id, name)
        if call.method == "PUT":
            return self._update(call, session, table, row_id, {name: call.json_object().get("value")})
        if call.method == "DELETE":
            return self._update(call, session, table, row_id, {name: None})
        raise refuse("MethodNotAllowed", method=call.method)

    def reference(self, call: Call, session: Session, table: Table, row_id: str, name: str) -> Reply:
        """``/set(id)/navigation/$ref`` sets or clears a look-up."""
        if name not in table.single_navigation:
            raise refuse("InvalidQuery", message="$ref is only supported on lookup type navigation property")
        if call.method == "DELETE":
            return self._update(call, session, table, row_id, {f"{name}@odata.bind": None})
        if call.method == "PUT":
            target = call.json_object().get("@odata.id")
            return self._update(call, session, table, row_id, {f"{name}@odata.bind": target})
        raise refuse("MethodNotAllowed", method=call.method)

    # --- inside ---------------------------------------------------------------------------------

    def _update(
        self, call: Call, session: Session, table: Table, row_id: str, body: Mapping[str, Any]
    ) -> Reply:
        row = self._records.get(table, row_id)
        changes = PayloadReader(call.references).read(table, body, creating=False)
        self._records.update(table, row, changes, session.caller)
        return Reply(204)

    def _collection(self, call: Call, session: Session, table: Table, row_id: str, name: str) -> Reply:
        row = self._readable(session, table, row_id)
        child, rows = session.navigation.collection(table.collection_navigation[name], table, row)
        path = f"{table.entity_set}({row_id})/{name}"
        query = read_query(call.query)
        size = page_size(call.preferences)
        body = session.collections.answer(child, rows, query, size, call.base_url, path)
        return Reply(200, body)

    def _value(self, call: Call, session: Session, table: Table, row_id: str, name: str) -> Reply:
        column = table.by_property[name]
        written = session.representation.column(
            column, self._readable(session, table, row_id).get(column.name)
        )
        if written[name] is None:
            return Reply(204)
        where = f"{call.base_url}/$metadata#{table.entity_set}({row_id})/{name}"
        return Reply(200, {"@odata.context": where, "value": written[name]})

    def _readable(self, session: Session, table: Table, row_id: str) -> Row:
        row = self._records.get(table, row_id)
        self._security.require("read", session.caller, table, row)
        return self._security.fields.masked(session.caller, table, row)

    def _written(self, call: Call, session: Session, table: Table, row: Row, *, created: bool) -> Reply:
        if call.preferences.get("return") == "representation":
            reply = self._represented(call, session, table, row, 201 if created else 200)
            reply.headers["Preference-Applied"] = "return=representation"
        else:
            reply = Reply(204)
        url = f"{call.base_url}/{table.entity_set}({row[table.primary_id]})"
        reply.headers["OData-EntityId"] = url
        if created:
            reply.headers["Location"] = url
        return reply

    def _represented(self, call: Call, session: Session, table: Table, row: Row, status: int) -> Reply:
        query = read_query(call.query)
        for option in ("$filter", "$orderby", "$top", "$count"):
            if option in query:
                message = f"The query option '{option}' is not allowed for a single row."
                raise refuse("InvalidQuery", message=message)
        options = read_options(table, query)
        body = {"@odata.context": context(call.base_url, table, options, "/$entity")}
        body |= session.representation.row(table, row, options)
        return Reply(status, body, {"ETag": etag(row)})

    def _check_match(self, call: Call, table: Table, row_id: str, row: Row | None) -> None:
        wanted = call.headers.get("If-Match")
        if wanted is None:
            return
        if row is None:
            raise _absent(table, row_id)
        if wanted == "*":
            return
        if not table.optimistic_concurrency:
            raise refuse("ConcurrencyNotEnabled", table=table.name)
        if wanted != etag(row):
            raise refuse("VersionMismatch")


def _absent(table: Table, row_id: str) -> Refusal:
    return refuse("NotFound", table=TABLES[table.name].name, id=row_id)
