"""Table Storage in memory, as azure-data-tables shows it: ``Tables(service=TableService())`` is then the real
connection, with its limits and errors, and every store over it the real store.

It passes the contract that Azurite passes (tests/contracts/tables.py). What ``shared.store.limits`` refuses
never comes here, as it never comes to the service; so sizes are not looked at again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from itertools import count
from typing import Any, TypeVar
from uuid import UUID

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.data.tables import (
    EdmType,
    EntityProperty,
    TableEntity,
    TableErrorCode,
    TableTransactionError,
    UpdateMode,
)

from tests.doubles.table_filters import parsed
from tests.doubles.table_rows import Key, Rows, Stored

T = TypeVar("T")
Act = Callable[[], Any]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{2,62}")
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class TableRequest:
    """What goes to storage: ``kind`` is the client's verb."""

    table: str
    kind: str
    writes: bool


Wire = Callable[[TableRequest, Act], Awaitable[Any]]
"""Between client and service: calls ``act`` and returns its answer, unless something is wrong with it."""


async def at_once(_request: TableRequest, act: Act) -> Any:
    return act()


class TableService:
    """The service and a client of it. ``requests`` counts by table and kind, ``operations`` those within
    transactions by table. ``through`` gives a client of the same tables over another wire."""

    def __init__(self, wire: Wire = at_once) -> None:
        self.requests: Counter[tuple[str, str]] = Counter()
        self.operations: Counter[str] = Counter()
        self.on_request: Callable[[object], None] = lambda _request: None
        self._wire = wire
        self._tables: dict[str, Rows] = {}
        self._numbers = count(1)

    def through(self, wire: Wire) -> TableService:
        other = TableService(wire)
        other._tables, other._numbers = self._tables, self._numbers
        return other

    async def send(self, table: str, kind: str, act: Callable[[], T], *, writes: bool = True) -> T:
        request = TableRequest(table, kind, writes)
        self.requests[table, kind] += 1
        self.on_request(request)
        answer: T = await self._wire(request, act)
        return answer

    def rows(self, name: str) -> Rows:
        found = self._tables.get(name)
        if found is None:
            raise _error(ResourceNotFoundError, 404, TableErrorCode.TABLE_NOT_FOUND)
        return found

    # --- as TableServiceClient --------------------------------------------------------------------

    def get_table_client(self, table_name: str) -> TableOfService:
        return TableOfService(self, table_name)

    async def create_table(self, table_name: str) -> None:
        if not _NAME.fullmatch(table_name):
            raise ValueError("Storage table names must be alphanumeric and 3 to 63 characters long")

        def act() -> None:
            if table_name in self._tables:
                raise _error(ResourceExistsError, 409, TableErrorCode.TABLE_ALREADY_EXISTS)
            self._tables[table_name] = Rows(self._etag)

        await self.send(table_name, "create table", act)

    async def delete_table(self, table_name: str) -> None:
        await self.send(table_name, "delete table", lambda: self._tables.pop(table_name, None) and None)

    async def query_tables(self, text: str, *, parameters: Mapping[str, Any]) -> AsyncIterator[Any]:
        wanted = parsed(text.replace("TableName", "RowKey"), parameters).rows
        names = await self.send(
            "", "list tables", lambda: sorted(name for name in self._tables if name in wanted), writes=False
        )
        for name in names:
            yield _TableItem(name)

    async def close(self) -> None:
        """Nothing is open."""

    def _etag(self) -> str:
        return f"W/\"datetime'{next(self._numbers):016d}'\""


@dataclass(frozen=True, slots=True)
class _TableItem:
    name: str


class TableOfService:
    """As TableClient."""

    def __init__(self, service: TableService, name: str) -> None:
        self._service = service
        self.table_name = name

    def _rows(self) -> Rows:
        return self._service.rows(self.table_name)

    async def _send(self, kind: str, act: Callable[[], T], *, writes: bool = True) -> T:
        return await self._service.send(self.table_name, kind, act, writes=writes)

    async def get_entity(
        self, partition_key: str, row_key: str, *, select: Sequence[str] | None = None
    ) -> TableEntity:
        def act() -> TableEntity:
            found = self._rows().get(partition_key, row_key)
            if found is None:
                raise _error(ResourceNotFoundError, 404, TableErrorCode.RESOURCE_NOT_FOUND)
            return _shown(found, select)

        return await self._send("get", act, writes=False)

    async def query_entities(
        self,
        query_filter: str,
        *,
        parameters: Mapping[str, Any],
        select: Sequence[str] | None = None,
        results_per_page: int = _PAGE,
    ) -> AsyncIterator[TableEntity]:
        wanted = parsed(query_filter, parameters)
        begin: Key | None = None

        def act() -> tuple[list[TableEntity], Key | None]:
            found, following = self._rows().page(wanted, begin, results_per_page)
            return [_shown(each, select) for each in found], following

        while True:
            page, begin = await self._send("query", act, writes=False)
            for row in page:
                yield row
            if begin is None:
                return

    async def create_entity(self, entity: Mapping[str, Any]) -> dict[str, Any]:
        """As the real client: of a refusal it tells the status, and no code."""
        try:
            return await self._one("insert", _Change("create", _taken(entity)))
        except (ResourceExistsError, ResourceNotFoundError) as error:
            error.error_code = None  # type: ignore[attr-defined]
            raise

    async def update_entity(
        self,
        entity: Mapping[str, Any],
        *,
        mode: UpdateMode,
        etag: str | None = None,
        match_condition: MatchConditions = MatchConditions.Unconditionally,
    ) -> dict[str, Any]:
        kind = "merge" if mode == UpdateMode.MERGE else "replace"
        return await self._one(
            kind, _Change("update", _taken(entity), mode, _condition(etag, match_condition))
        )

    async def upsert_entity(self, entity: Mapping[str, Any], *, mode: UpdateMode) -> dict[str, Any]:
        kind = "merge" if mode == UpdateMode.MERGE else "put"
        return await self._one(kind, _Change("upsert", _taken(entity), mode))

    async def delete_entity(
        self,
        partition_key: str,
        row_key: str,
        *,
        etag: str | None = None,
        match_condition: MatchConditions = MatchConditions.Unconditionally,
    ) -> None:
        """As the real client: what is not there is no error, not even the table."""
        key = {"PartitionKey": partition_key, "RowKey": row_key}
        try:
            await self._one("delete", _Change("delete", key, etag=_condition(etag, match_condition)))
        except ResourceNotFoundError:
            return

    async def submit_transaction(
        self, operations: Sequence[tuple[str, Mapping[str, Any], Mapping[str, Any]]]
    ) -> list[dict[str, Any]]:
        changes = [
            _Change(verb, _taken(entity), options.get("mode", UpdateMode.MERGE), options.get("etag"))
            for verb, entity, options in operations
        ]
        self._service.operations[self.table_name] += len(changes)
        return await self._send("transaction", lambda: self._together(changes))

    async def _one(self, kind: str, change: _Change) -> dict[str, Any]:
        def act() -> dict[str, Any]:
            rows = self._rows()
            refusal = change.refused(rows)
            if refusal is not None:
                raise _error(*refusal)
            return change.done(rows)

        return await self._send(kind, act)

    def _together(self, changes: Sequence[_Change]) -> list[dict[str, Any]]:
        """All or nothing; each row comes once, so that none depends on another's outcome."""
        if self.table_name not in self._service._tables:
            raise _error(TableTransactionError, 404, TableErrorCode.TABLE_NOT_FOUND)
        rows = self._rows()
        for index, change in enumerate(changes):
            refusal = change.refused(rows)
            if refusal is not None:
                raise _error(TableTransactionError, *refusal[1:], index=index)
        return [change.done(rows) for change in changes]


Refusal = tuple[type[HttpResponseError], int, TableErrorCode]


@dataclass(frozen=True, slots=True)
class _Change:
    """One write; ``verb`` as in a transaction of the client, ``etag`` None: whatever is there."""

    verb: str
    columns: Mapping[str, Any]
    mode: UpdateMode = UpdateMode.REPLACE
    etag: str | None = None

    def refused(self, rows: Rows) -> Refusal | None:
        if self.verb == "upsert":
            return None
        present = rows.get(self.columns["PartitionKey"], self.columns["RowKey"])
        if self.verb == "create":
            exists = ResourceExistsError, 409, TableErrorCode.ENTITY_ALREADY_EXISTS
            return exists if present is not None else None
        if present is None:
            return ResourceNotFoundError, 404, TableErrorCode.RESOURCE_NOT_FOUND
        if self.etag not in (None, present.etag):
            return ResourceModifiedError, 412, TableErrorCode.UPDATE_CONDITION_NOT_SATISFIED
        return None

    def done(self, rows: Rows) -> dict[str, Any]:
        if self.verb == "delete":
            rows.remove(self.columns["PartitionKey"], self.columns["RowKey"])
            return {}
        merge = self.verb != "create" and self.mode == UpdateMode.MERGE
        return {"etag": rows.put(self.columns, merge=merge)}


def _condition(etag: str | None, condition: MatchConditions) -> str | None:
    if condition is MatchConditions.IfNotModified and not etag:
        raise ValueError("IfNotModified must be specified with etag.")
    return etag if condition is MatchConditions.IfNotModified else None


def _error(
    kind: type[HttpResponseError], status: int, code: TableErrorCode, **options: Any
) -> HttpResponseError:
    error = kind(message=f"{code.value}\nErrorCode:{code.value}", **options)
    error.status_code = status
    error.error_code = code  # type: ignore[attr-defined]
    return error


def _shown(stored: Stored, select: Sequence[str] | None) -> TableEntity:
    """Read anew each time: what a reader does with its copy changes no row."""
    columns = stored.columns
    if select:
        columns = {name: columns[name] for name in select if name in columns}
    shown = TableEntity(columns)
    shown._metadata = {"etag": stored.etag, "timestamp": None}
    return shown


_AS_IT_IS = (str, bool, bytes, float)


def _taken(entity: Mapping[str, Any]) -> dict[str, Any]:
    """The columns as they come back; raises TypeError for what the client cannot send."""
    return {
        name: value if type(value) in _AS_IT_IS else _value(value)
        for name, value in entity.items()
        if value is not None and name != "Timestamp"
    }


def _value(value: Any) -> Any:
    if isinstance(value, Enum):
        return str(value)
    if type(value) is int:
        if not -(2**31) <= value < 2**31:
            raise TypeError(f"{value} is too large to be cast to type {EdmType.INT32}.")
        return value
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)
    if type(value) is UUID or (isinstance(value, EntityProperty) and value.edm_type == EdmType.INT64):
        return value
    raise TypeError(f"Type not supported when sending data to the service: {type(value)}.")
