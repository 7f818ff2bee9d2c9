"""The connection itself: what is counted, what an outage looks like, what Azurite lets pass and we do not."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import pytest

from shared.errors import Conflict, FenceLost, NotFound, Transient
from shared.store.limits import LimitExceeded
from shared.store.mailbox_store import TableMailboxStore
from shared.store.tables import NAMES, Operation, Tables, TransactionRefused, Write
from tests.contracts.mailbox_store import DEADLINE
from tests.wire.conftest import free_port

UNREACHABLE = (
    "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;TableEndpoint=http://127.0.0.1:{}/a;"
)


def entity(row: str = "r", **columns: Any) -> dict[str, Any]:
    return {"PartitionKey": "p", "RowKey": row, **columns}


async def test_all_tables_are_made_once_and_again(tables: Tables) -> None:
    await tables.ensure()
    assert tables.requests == len(NAMES)
    assert set(NAMES) <= set(await tables.names("a", "z"))


async def test_a_row_that_is_there_or_not(tables: Tables) -> None:
    table = tables.table("state")
    assert await table.get("p", "r") is None
    await table.insert(entity(a=1))
    for call in (table.insert(entity()), table.replace(entity(), "W/\"datetime'2020'\"")):
        with pytest.raises(Conflict):
            await call
    await table.delete("p", "r")
    await table.delete("p", "r")
    with pytest.raises(NotFound):
        await table.change(entity())


async def test_a_refused_transaction_names_the_operation_and_does_nothing(tables: Tables) -> None:
    table = tables.table("state")
    etag = await table.insert(entity("b"))
    await table.change(entity("b", changed=True))
    operations = [Operation(Write.PUT, entity("a")), Operation(Write.DELETE, entity("b"), etag)]
    with pytest.raises(TransactionRefused) as caught:
        await table.submit(operations)
    assert (caught.value.index, caught.value.status) == (1, 412)
    assert await table.get("p", "a") is None


async def test_a_transaction_in_a_table_that_is_not_there(tables: Tables) -> None:
    with pytest.raises(NotFound) as caught:
        await tables.table("nothing").submit([Operation(Write.PUT, entity())])
    assert caught.value.code == "TableNotFound"


async def test_what_azurite_lets_pass_stops_here(tables: Tables) -> None:
    table = tables.table("state")
    many = entity(**{f"c{n}": n for n in range(253)})
    for wrong in (many, entity(**{f"c{n}": "x" * 32_000 for n in range(17)}), entity("a/b")):
        for call in (table.put(wrong), table.insert(wrong), table.submit([Operation(Write.PUT, wrong)])):
            with pytest.raises(LimitExceeded):
                await call
    with pytest.raises(LimitExceeded):
        await table.submit([Operation(Write.PUT, entity(str(n))) for n in range(101)])
    assert tables.requests == 0


async def test_what_is_just_within_the_limits_is_really_taken(tables: Tables) -> None:
    table = tables.table("state")
    await table.put(entity("wide", **{f"c{n}": n for n in range(252)}))
    await table.put(entity("long", text="x" * 32_768))
    await table.put(entity("k" * 512))
    await table.submit([Operation(Write.PUT, entity(str(n))) for n in range(100)])
    big = [Operation(Write.PUT, entity(f"b{n}", d=b"x" * 64_000)) for n in range(45)]
    await table.submit(big)
    assert await table.get("p", "k" * 512) is not None


async def test_pages_are_requests(tables: Tables) -> None:
    table = tables.table("state")
    for start in (0, 100):
        await table.submit([Operation(Write.PUT, entity(f"{start + n:03d}")) for n in range(100)])
    before = tables.requests
    rows = [row["RowKey"] async for row in table.keys_between("p", "010", "190", page=100)]
    assert (len(rows), rows[0], rows[-1]) == (180, "010", "189")
    assert tables.requests - before == 2


async def test_storage_that_cannot_be_reached_is_transient_and_soon() -> None:
    began = time.monotonic()
    async with Tables(UNREACHABLE.format(free_port())) as tables:
        store = TableMailboxStore(tables)
        calls = (
            lambda: store.agenda("m", inbox_limit=1),
            lambda: store.claim("m", None, deadline=DEADLINE, lane="sync"),
            lambda: store.links_by_exchange("m", ["e"]),
            lambda: tables.ensure(),
        )
        for call in calls:
            with pytest.raises(Transient):
                await call()
    assert time.monotonic() - began < 30


async def test_an_answer_that_is_lost_is_no_lost_fence(azurite: str, tables: Tables) -> None:
    """The connection is cut after storage did its work: the token tells that the claim is ours."""
    async with _AnswerEater(azurite) as relay, Tables(relay.connection_string, prefix=tables._prefix) as cut:
        store = TableMailboxStore(cut)
        relay.eat_next = True
        fence = await store.claim("m", None, deadline=DEADLINE, lane="sync")
        assert relay.eaten == 1
        relay.eat_next = True
        again = await store.claim("m", fence, deadline=DEADLINE, lane="sync")
        assert (relay.eaten, again.generation) == (2, 2)
        with pytest.raises(FenceLost):
            await store.claim("m", fence, deadline=DEADLINE, lane="sync")


async def test_the_sdk_is_quiet(tables: Tables, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        await tables.table("state").get("p", "r")
    assert not [record for record in caplog.records if record.name.startswith("azure")]


class _AnswerEater:
    """A relay to Azurite that can forward a request, swallow its answer and cut the connection."""

    def __init__(self, connection_string: str) -> None:
        self._target = int(connection_string.split("127.0.0.1:")[1].split("/")[0])
        self._port = free_port()
        self.connection_string = connection_string.replace(f":{self._target}/", f":{self._port}/")
        self.eat_next = False
        self.eaten = 0

    async def __aenter__(self) -> _AnswerEater:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.wait(
            [
                asyncio.create_task(self._copy(reader, forth, answers=False)),
                asyncio.create_task(self._copy(back, writer, answers=True)),
            ],
            return_when=asyncio.FIRST_COMPLETED,
        )
        writer.close()
        forth.close()

    async def _copy(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        while data := await source.read(65_536):
            if answers and self.eat_next:
                self.eat_next = False
                self.eaten += 1
                return
            target.write(data)
            await target.drain()
