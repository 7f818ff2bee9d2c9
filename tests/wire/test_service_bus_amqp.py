"""The broker's manners towards clients that are not the SDK: frames by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from local.service_bus import Broker, QueueDefinition
from local.service_bus.amqp_decode import decode
from local.service_bus.amqp_types import Described, Symbol, UInt, ULong, UShort
from local.service_bus.frames import AMQP_HEADER, SASL_HEADER, Frame, FrameReader, frame
from local.service_bus.performatives import (
    Attach,
    Begin,
    Close,
    Detach,
    Flow,
    Open,
    Performative,
    SaslInit,
    encode_performative,
    performative_of,
)


class RawClient:
    """Sends performatives and reads the broker's."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._frames = FrameReader()
        self._read: list[bytes | Frame] = []

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    def send(self, performative: Performative, kind: int = 0, channel: int = 0) -> None:
        self.write(frame(encode_performative(performative), channel, kind))

    async def header(self) -> bytes:
        unit = await self._next()
        assert isinstance(unit, bytes)
        return unit

    async def receive(self) -> Any:
        unit = await self._next()
        assert isinstance(unit, Frame)
        return performative_of(decode(unit.body)[0])

    async def _next(self) -> bytes | Frame:
        async with asyncio.timeout(5):
            while not self._read:
                data = await self._reader.read(65536)
                assert data, "the broker hung up"
                self._read += self._frames.feed(data)
        return self._read.pop(0)

    async def hung_up(self) -> bool:
        async with asyncio.timeout(5):
            return await self._reader.read(1) == b""

    async def open(self) -> None:
        """Through the handshake, to one begun channel."""
        self.write(SASL_HEADER)
        assert await self.header() == SASL_HEADER
        await self.receive()
        self.send(SaslInit(Symbol("ANONYMOUS")), kind=1)
        await self.receive()
        self.write(AMQP_HEADER)
        assert await self.header() == AMQP_HEADER
        self.send(Open("test", None, UInt(65536), UShort(10)))
        self.send(Begin(None, UInt(0), UInt(100), UInt(100)))
        assert isinstance(await self.receive(), Open)
        assert isinstance(await self.receive(), Begin)

    def attach(self, address: str, *, receiving: bool) -> None:
        source, target = Described(ULong(0x28), [address]), Described(ULong(0x29), [address])
        self.send(
            Attach("link", UInt(0), receiving, None, None, source, target, initial_delivery_count=UInt(0))
        )

    async def close(self) -> None:
        self._writer.close()


@pytest.fixture
async def client() -> AsyncIterator[RawClient]:
    async with Broker([QueueDefinition("q")]) as broker:
        raw = RawClient(*await asyncio.open_connection("127.0.0.1", broker.port))
        yield raw
        await raw.close()


async def test_a_client_without_sasl_is_shown_the_right_header_and_sent_away(client: RawClient) -> None:
    client.write(AMQP_HEADER)
    assert await client.header() == SASL_HEADER
    assert await client.hung_up()


async def test_no_link_without_a_token(client: RawClient) -> None:
    await client.open()
    client.attach("q", receiving=False)
    attach = await client.receive()
    assert isinstance(attach, Attach)
    assert attach.target is None
    detach = await client.receive()
    assert isinstance(detach, Detach)
    assert detach.error.value[0] == "amqp:unauthorized-access"


async def test_broken_bytes_close_the_connection_with_a_reason(client: RawClient) -> None:
    await client.open()
    client.write(frame(b"\x00\x53\x12\x3f"))
    close = await client.receive()
    assert isinstance(close, Close)
    assert close.error.value[0] == "amqp:decode-error"
    assert await client.hung_up()


async def test_a_frame_larger_than_agreed_closes_the_connection(client: RawClient) -> None:
    await client.open()
    client.write(b"\x7f\xff\xff\xff\x02\x00\x00\x00")
    close = await client.receive()
    assert close.error.value[0] == "amqp:decode-error"


async def test_an_echo_is_answered(client: RawClient) -> None:
    await client.open()
    client.send(Flow(UInt(0), UInt(100), UInt(0), UInt(100), echo=True))
    assert isinstance(await client.receive(), Flow)


async def test_a_close_is_answered(client: RawClient) -> None:
    await client.open()
    client.send(Close())
    assert await client.receive() == Close()
    assert await client.hung_up()
