"""The connection to Table Storage: one pooled client, our limits before each write, our errors after it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from azure.core import MatchConditions
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.data.tables import TableEntity, TableTransactionError, UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from shared.errors import Conflict, NotFound
from shared.settings import Settings
from shared.store import limits
from shared.store.errors import translate, translated
from shared.store.parallel import in_parallel

Row = TableEntity
Entity = dict[str, Any]

NAMES = (
    *("state", "items", "mailboxes", "decisions", "profiles", "answers", "feeds", "subscriptions"),
    *("deadletters", "alerts"),
)

_EMULATOR = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey="
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;"
)
"""What ``UseDevelopmentStorage=true`` stands for; the key is the emulator's published one."""


class Write(StrEnum):
    """What an operation does to its row."""

    PUT = "put"
    """Insert or replace, whatever is there."""
    INSERT = "insert"
    REPLACE = "replace"
    """Only the version that was read."""
    MERGE = "merge"
    """Insert, or change the named columns only."""
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a transaction. ``optional``: it is left out when its row changed or is gone."""

    write: Write
    entity: Entity
    etag: str | None = None
    optional: bool = False

    @property
    def row_key(self) -> str:
        return str(self.entity["RowKey"])


class TransactionRefused(Conflict):
    """A transaction of which nothing was done; ``index`` names the operation that was in the way, 0 also
    when storage did not say."""

    def __init__(self, message: str, *, code: str, status: int | None, index: int) -> None:
        super().__init__(message, code=code, status=status)
        self.index = index


def etag_of(row: Row) -> str:
    return str(row.metadata["etag"])


class Table:
    """One table. Every method raises the errors of ``shared.errors`` only."""

    def __init__(self, client: TableClient) -> None:
        self._client = client

    @property
    def name(self) -> str:
        return self._client.table_name

    async def get(self, partition: str, row: str, select: Sequence[str] | None = None) -> Row | None:
        with translated(f"get from {self.name}"):
            try:
                return await self._client.get_entity(partition, row, select=list(select) if select else None)
            except ResourceNotFoundError:
                return None

    async def query(
        self,
        text: str,
        parameters: Mapping[str, Any],
        *,
        select: Sequence[str] | None = None,
        page: int = 1000,
    ) -> AsyncIterator[Row]:
        """Rows in the order of their keys, as many requests as pages are read."""
        with translated(f"query of {self.name}"):
            found = self._client.query_entities(
                text,
                parameters=dict(parameters),
                select=list(select) if select else None,
                results_per_page=min(page, 1000),
            )
            async for row in found:
                yield row

    def keys_between(
        self, partition: str, first: str, end: str, *, select: Sequence[str] | None = None, page: int = 1000
    ) -> AsyncIterator[Row]:
        """Rows of a partition from ``first`` on, before ``end``."""
        text = "PartitionKey eq @partition and RowKey ge @first and RowKey lt @end"
        parameters = {"partition": partition, "first": first, "end": end}
        return self.query(text, parameters, select=select, page=page)

    async def insert(self, entity: Entity) -> str:
        """Raises Conflict when the row is there."""
        limits.check_entity(entity)
        with translated(f"insert into {self.name}"):
            return str((await self._client.create_entity(entity))["etag"])

    async def replace(self, entity: Entity, etag: str) -> str:
        """Raises Conflict when the row changed, NotFound when it is gone."""
        limits.check_entity(entity)
        with translated(f"replace in {self.name}"):
            result = await self._client.update_entity(
                entity, mode=UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified
            )
            return str(result["etag"])

    async def change(self, entity: Entity, etag: str | None = None) -> str:
        """The named columns of a row that exists; conditional when an etag is given."""
        limits.check_entity(entity)
        condition = MatchConditions.IfNotModified if etag else MatchConditions.Unconditionally
        with translated(f"change in {self.name}"):
            result = await self._client.update_entity(
                entity, mode=UpdateMode.MERGE, etag=etag, match_condition=condition
            )
            return str(result["etag"])

    async def put(self, entity: Entity) -> None:
        limits.check_entity(entity)
        with translated(f"put into {self.name}"):
            await self._client.upsert_entity(entity, mode=UpdateMode.REPLACE)

    async def merge(self, entity: Entity) -> None:
        """Insert, or change the named columns."""
        limits.check_entity(entity)
        with translated(f"merge into {self.name}"):
            await self._client.upsert_entity(entity, mode=UpdateMode.MERGE)

    async def delete(self, partition: str, row: str, etag: str | None = None) -> None:
        """A row that is gone already is fine; raises Conflict when it is not the version that was read."""
        condition = MatchConditions.IfNotModified if etag else MatchConditions.Unconditionally
        with translated(f"removal in {self.name}"):
            try:
                await self._client.delete_entity(partition, row, etag=etag, match_condition=condition)
            except ResourceNotFoundError:
                return

    async def submit(self, operations: Sequence[Operation]) -> list[str]:
        """One transaction; the new etags (empty for deletes). Raises TransactionRefused, NotFound (no such
        table) and the rest."""
        for operation in operations:
            limits.check_entity(operation.entity)
        limits.check_transaction([operation.entity for operation in operations])
        try:
            answers = await self._client.submit_transaction([_wire(each) for each in operations])
        except TableTransactionError as error:
            raise _refused(error, self.name) from error
        except AzureError as error:
            raise translate(error, f"transaction in {self.name}") from error
        return [str(answer.get("etag", "")) for answer in answers]


def _wire(operation: Operation) -> tuple[str, Entity, dict[str, Any]]:
    """An operation as the SDK wants it."""
    condition: dict[str, Any] = {}
    if operation.etag is not None:
        condition = {"etag": operation.etag, "match_condition": MatchConditions.IfNotModified}
    match operation.write:
        case Write.PUT:
            return "upsert", operation.entity, {"mode": UpdateMode.REPLACE}
        case Write.MERGE:
            return "upsert", operation.entity, {"mode": UpdateMode.MERGE}
        case Write.INSERT:
            return "create", operation.entity, {}
        case Write.REPLACE:
            return "update", operation.entity, {"mode": UpdateMode.REPLACE, **condition}
        case Write.DELETE:
            return "delete", operation.entity, condition


def _refused(error: TableTransactionError, table: str) -> Exception:
    translation = translate(error, f"transaction in {table}")
    if translation.code == "TableNotFound" or not isinstance(translation, Conflict | NotFound):
        return translation
    return TransactionRefused(
        str(translation), code=translation.code, status=translation.status, index=error.index
    )


class Tables:
    """Table Storage as this process is connected to it. ``requests`` counts what goes over the wire,
    repeats by the SDK included."""

    def __init__(
        self,
        connection_string: str = "",
        *,
        endpoint: str = "",
        credential: AsyncTokenCredential | None = None,
        prefix: str = "",
        service: TableServiceClient | None = None,
    ) -> None:
        """``service`` instead of a connection: a client that tells ``count`` of each request."""
        logging.getLogger("azure").setLevel(logging.WARNING)
        self.requests = 0
        self._prefix = prefix
        self._service = service or self._client(connection_string, endpoint, credential)
        self._tables: dict[str, Table] = {}

    @classmethod
    def from_settings(cls, settings: Settings, credential: AsyncTokenCredential | None) -> Tables:
        """``credential`` is used with the endpoint only."""
        if settings.state_tables:
            return cls(settings.state_tables)
        return cls(endpoint=settings.state_tables_endpoint, credential=credential)

    def _client(
        self, connection_string: str, endpoint: str, credential: AsyncTokenCredential | None
    ) -> TableServiceClient:
        options: dict[str, Any] = {
            "raw_request_hook": self.count,
            "retry_total": 2,
            "retry_backoff_factor": 0.2,
            "retry_backoff_max": 2,
            "connection_timeout": 5,
            "read_timeout": 30,
            # Else aiohttp looks for a .netrc in a thread, twice a request.
            "use_env_settings": False,
        }
        if connection_string.strip().rstrip(";").lower() == "usedevelopmentstorage=true":
            connection_string = _EMULATOR
        if connection_string:
            return TableServiceClient.from_connection_string(connection_string, **options)
        return TableServiceClient(endpoint, credential=credential, **options)

    def count(self, _request: object) -> None:
        self.requests += 1

    def table(self, name: str) -> Table:
        """By its name without prefix; nothing is sent."""
        if name not in self._tables:
            self._tables[name] = Table(self._service.get_table_client(self._prefix + name))
        return self._tables[name]

    async def ensure(self, names: Sequence[str] = NAMES) -> None:
        """Create what is missing; called once at start."""
        await in_parallel(self.create, names)

    async def create(self, name: str) -> None:
        with translated("create table"):
            try:
                await self._service.create_table(self._prefix + name)
            except ResourceExistsError as error:
                if "TableBeingDeleted" in str(error):
                    raise

    async def drop(self, name: str) -> None:
        with translated("delete table"):
            await self._service.delete_table(self._prefix + name)

    async def names(self, first: str, end: str) -> list[str]:
        """Tables from ``first`` on, before ``end``, without prefix."""
        with translated("list tables"):
            found = self._service.query_tables(
                "TableName ge @first and TableName lt @end",
                parameters={"first": self._prefix + first, "end": self._prefix + end},
            )
            return [table.name.removeprefix(self._prefix) async for table in found]

    async def close(self) -> None:
        await self._service.close()

    async def __aenter__(self) -> Tables:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()
