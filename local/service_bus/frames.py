"""Cutting a byte stream into protocol headers and frames, and building frames."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from local.service_bus.amqp_decode import DecodeError

AMQP_FRAME, SASL_FRAME = 0, 1
AMQP_HEADER = b"AMQP\x00\x01\x00\x00"
SASL_HEADER = b"AMQP\x03\x01\x00\x00"
MAX_FRAME_SIZE = 65536
MIN_FRAME_SIZE = 512

_FRAME_HEAD = struct.Struct(">IBBH")
_SMALLEST = _FRAME_HEAD.size


class Frame(NamedTuple):
    kind: int
    channel: int
    body: bytes


class FrameReader:
    """Bytes in, protocol headers and frames out."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes | Frame]:
        self._buffer += data
        while len(self._buffer) >= _SMALLEST:
            if self._buffer.startswith(b"AMQP"):
                yield self._take(_SMALLEST)
                continue
            size, offset, kind, channel = _FRAME_HEAD.unpack_from(self._buffer)
            if not _SMALLEST <= size <= MAX_FRAME_SIZE or not 2 <= offset <= size // 4:
                raise DecodeError(f"a frame of {size} bytes with data offset {offset}")
            if len(self._buffer) < size:
                return
            yield Frame(kind, channel, self._take(size)[offset * 4 :])

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken


def frame(body: bytes, channel: int = 0, kind: int = AMQP_FRAME) -> bytes:
    return _FRAME_HEAD.pack(_SMALLEST + len(body), 2, kind, channel) + body


KEEP_ALIVE = frame(b"")
