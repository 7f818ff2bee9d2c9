"""One client's TCP connection: handshake, frames in and out, and the channels begun on it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from local.service_bus.amqp_decode import DecodeError, decode
from local.service_bus.amqp_types import Array, Symbol, UByte, UInt, UShort
from local.service_bus.channel import Channel
from local.service_bus.frames import (
    AMQP_HEADER,
    KEEP_ALIVE,
    MAX_FRAME_SIZE,
    MIN_FRAME_SIZE,
    SASL_FRAME,
    SASL_HEADER,
    Frame,
    FrameReader,
    frame,
)
from local.service_bus.performatives import (
    Attach,
    Begin,
    Close,
    Detach,
    Disposition,
    End,
    Flow,
    Open,
    Performative,
    SaslInit,
    SaslMechanisms,
    SaslOutcome,
    Transfer,
    encode_performative,
    error,
    performative_of,
)

if TYPE_CHECKING:
    from local.service_bus.broker import Broker

log = logging.getLogger(__name__)

CHANNEL_MAX = 255
IDLE_TIMEOUT_MS = 240_000
KEEP_ALIVE_SECONDS = 30.0


class Connection(asyncio.Protocol):
    """Speaks AMQP 1.0 after SASL. ``authorized`` once a token was put on ``$cbs`` (any token will do)."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.authorized = False
        self.paused = False
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = FrameReader()
        self._channels: dict[int, Channel] = {}
        self._out: list[bytes] = []
        self._max_frame_size = MIN_FRAME_SIZE
        self._sasl_done = False
        self._closing = False
        self._keep_alive: asyncio.TimerHandle | None = None

    # --- the transport --------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.broker.connections.add(self)

    def data_received(self, data: bytes) -> None:
        try:
            for unit in self._reader.feed(data):
                if self._closing:
                    return
                if isinstance(unit, Frame):
                    self._on_frame(unit)
                else:
                    self._on_header(unit)
        except DecodeError as fault:
            self.close("amqp:decode-error", str(fault))

    def connection_lost(self, _fault: Exception | None) -> None:
        """Without a close from the client this is a crash of its process: see ``Channel.drop``."""
        self._closing = True
        if self._keep_alive is not None:
            self._keep_alive.cancel()
        for channel in self._channels.values():
            channel.drop(lost=True)
        self._channels.clear()
        self.broker.connections.discard(self)

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        for channel in self._channels.values():
            channel.resume()

    # --- writing --------------------------------------------------------------------------------

    def send(self, performative: Performative, channel: int = 0, payload: bytes = b"") -> None:
        kind = SASL_FRAME if isinstance(performative, SaslMechanisms | SaslOutcome) else 0
        self._write(frame(encode_performative(performative) + payload, channel, kind))

    def send_transfer(self, transfer: Transfer, channel: int, payload: bytes) -> int:
        """Send a message in as many frames as the client's frame size asks for; says how many."""
        frames = 0
        while True:
            head = encode_performative(transfer._replace(more=True))
            room = self._max_frame_size - 8 - len(head)
            chunk, payload = payload[:room], payload[room:]
            frames += 1
            if not payload:
                self._write(frame(encode_performative(transfer) + chunk, channel))
                return frames
            self._write(frame(head + chunk, channel))
            transfer = Transfer(handle=transfer.handle)

    def _write(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(data)

    def _flush(self) -> None:
        """The one place where bytes leave: what they acknowledge is in the journal first."""
        self.broker.journal.flush()
        if self._transport is not None and self._out:
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def close(self, condition: str | None = None, description: str = "") -> None:
        """End the connection from the broker's side."""
        if self._transport is None or self._closing:
            return
        self._closing = True
        for channel in self._channels.values():
            channel.drop(lost=False)
        self._channels.clear()
        if self._sasl_done:
            self.send(Close(error(condition, description) if condition else None))
        self._flush()
        self._transport.close()

    # --- handshake ------------------------------------------------------------------------------

    def _on_header(self, header: bytes) -> None:
        if header == SASL_HEADER and not self._sasl_done:
            self._write(SASL_HEADER)
            self.send(SaslMechanisms(Array([Symbol("ANONYMOUS"), Symbol("MSSBCBS"), Symbol("PLAIN")])))
        elif header == AMQP_HEADER and self._sasl_done:
            self._write(AMQP_HEADER)
        else:
            # As the specification says: answer with the header that is expected here, and hang up.
            self._write(AMQP_HEADER if self._sasl_done else SASL_HEADER)
            self._sasl_done = False
            self.close()

    def _on_frame(self, incoming: Frame) -> None:
        if not incoming.body:
            return
        value, end = decode(incoming.body)
        performative = performative_of(value)
        if performative is None:
            raise DecodeError("the frame holds no performative")
        if isinstance(performative, SaslInit):
            self._sasl_done = True
            self.send(SaslOutcome(UByte(0)))
        elif not self._sasl_done:
            raise DecodeError("a frame before the SASL exchange was over")
        else:
            self._dispatch(performative, incoming.channel, incoming.body[end:])

    def _dispatch(self, performative: Performative, number: int, payload: bytes) -> None:
        if isinstance(performative, Open):
            self._on_open(performative)
        elif isinstance(performative, Close):
            self.close()
        elif isinstance(performative, Begin):
            self._on_begin(performative, number)
        else:
            channel = self._channels.get(number)
            if channel is None:
                raise DecodeError(f"channel {number} has not begun")
            self._on_channel(channel, performative, payload)

    def _on_channel(self, channel: Channel, performative: Performative, payload: bytes) -> None:
        match performative:
            case Transfer():
                channel.on_transfer(performative, payload)
            case Disposition():
                channel.on_disposition(performative)
            case Flow():
                channel.on_flow(performative)
            case Attach():
                channel.on_attach(performative)
            case Detach():
                channel.on_detach(performative)
            case End():
                del self._channels[channel.number]
                channel.drop(lost=False)
                self.send(End(), channel.number)
            case _:
                raise DecodeError(f"{type(performative).__name__} is not expected here")

    def _on_open(self, opening: Open) -> None:
        self._max_frame_size = max(
            MIN_FRAME_SIZE, min(opening.max_frame_size or MAX_FRAME_SIZE, MAX_FRAME_SIZE)
        )
        self.send(
            Open(
                container_id=self.broker.container_id,
                max_frame_size=UInt(MAX_FRAME_SIZE),
                channel_max=UShort(CHANNEL_MAX),
                idle_time_out=UInt(IDLE_TIMEOUT_MS),
            )
        )
        client_seconds = (opening.idle_time_out or 2 * KEEP_ALIVE_SECONDS * 1000) / 2000
        self._stay_alive(min(KEEP_ALIVE_SECONDS, client_seconds))

    def _stay_alive(self, seconds: float) -> None:
        """Empty frames, from the open on (before it the SDK takes one for a broken header)."""
        if self._keep_alive is not None:
            self._write(KEEP_ALIVE)
        self._keep_alive = self._loop.call_later(seconds, self._stay_alive, seconds)

    def _on_begin(self, begin: Begin, number: int) -> None:
        channel = Channel(self, number, begin)
        self._channels[number] = channel
        self.send(channel.reply(), number)
