"""The connection itself: what is counted, what an outage looks like, what Azurite lets pass and we do not."""

from __future__ import annotations

import asyncio
import logging

import aiohttp
import httpx
import pytest

from shared.errors import FenceLost, Transient
from shared.store.mailbox_store import TableMailboxStore
from shared.store.tables import Tables
from tests.contracts import tables as tables_contract
from tests.contracts.mailbox_store import DEADLINE
from tests.wire.conftest import free_port

table = tables_contract.table

UNREACHABLE = (
    "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;TableEndpoint=http://127.0.0.1:{}/a;"
)


class TestAzurite(tables_contract.TablesContract):
    """Against Azurite."""


async def test_an_idle_connection_is_kept_longer_by_azurite_than_by_the_sdk(azurite: str) -> None:
    """As with the real service: else who was busy for five seconds writes to what is just being closed."""
    endpoint = azurite.partition("TableEndpoint=")[2].rstrip(";")
    async with httpx.AsyncClient() as client, aiohttp.TCPConnector() as pool:
        told = (await client.get(f"{endpoint}/Tables")).headers["keep-alive"]
        assert int(told.removeprefix("timeout=")) > pool._keepalive_timeout


async def test_storage_that_cannot_be_reached_is_transient_and_soon() -> None:
    async with asyncio.timeout(120), Tables(UNREACHABLE.format(free_port())) as tables:
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
