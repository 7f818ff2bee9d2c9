"""Encoding of AMQP 1.0 values."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from local.service_bus.amqp_types import (
    Array,
    Byte,
    Char,
    Described,
    Float32,
    Int,
    Long,
    Opaque,
    Short,
    Symbol,
    Timestamp,
    UByte,
    UInt,
    ULong,
    UShort,
)

_ULONG_SMALL = b"\x53"


def encode(value: Any) -> bytes:
    """The value with its constructor."""
    encoder = _ENCODERS.get(type(value))
    if encoder is None:
        raise TypeError(f"{type(value).__name__} has no AMQP type")
    return encoder(value)


def encode_described_list(code: int, fields: Iterable[Any]) -> bytes:
    """A performative or section: a list described by a small ulong, without its trailing nulls."""
    values = list(fields)
    while values and values[-1] is None:
        values.pop()
    return b"\x00" + _ULONG_SMALL + bytes((code,)) + _list(values)


def encode_described(code: int, value: Any) -> bytes:
    return b"\x00" + _ULONG_SMALL + bytes((code,)) + encode(value)


def encode_map_of(pairs: bytes, elements: int) -> bytes:
    """A map whose keys and values are encoded already; ``elements`` counts both."""
    return _sized(0xC1, 0xD1, pairs, elements)


def _sized(short: int, long: int, data: bytes, count: int) -> bytes:
    if len(data) < 255 and count < 256:
        return bytes((short, len(data) + 1, count)) + data
    return bytes((long,)) + struct.pack(">II", len(data) + 4, count) + data


def _variable(short: int, long: int, data: bytes) -> bytes:
    if len(data) < 256:
        return bytes((short, len(data))) + data
    return bytes((long,)) + struct.pack(">I", len(data)) + data


def _list(values: list[Any]) -> bytes:
    if not values:
        return b"\x45"
    return _sized(0xC0, 0xD0, b"".join([encode(value) for value in values]), len(values))


def _map(values: dict[Any, Any]) -> bytes:
    data = b"".join([encode(key) + encode(value) for key, value in values.items()])
    return _sized(0xC1, 0xD1, data, 2 * len(values))


def _array(values: Array) -> bytes:
    if not values:
        return b"\xe0\x02\x00\x40"
    kind = type(values[0])
    if any(type(value) is not kind for value in values):
        raise TypeError("the elements of an array are of one type")
    constructor, element = _ARRAY_ELEMENTS[kind]
    data = bytes((constructor,)) + b"".join([element(value) for value in values])
    return bytes((0xF0,)) + struct.pack(">II", len(data) + 4, len(values)) + data


def _uint(value: int) -> bytes:
    if value == 0:
        return b"\x43"
    return bytes((0x52, value)) if 0 < value < 256 else struct.pack(">BI", 0x70, value)


def _ulong(value: int) -> bytes:
    if value == 0:
        return b"\x44"
    return bytes((0x53, value)) if 0 < value < 256 else struct.pack(">BQ", 0x80, value)


def _signed(short: int, long: int, layout: str) -> Callable[[int], bytes]:
    pack = struct.Struct(layout).pack

    def encode_signed(value: int) -> bytes:
        if -128 <= value < 128:
            return struct.pack(">Bb", short, value)
        return pack(long, value)

    return encode_signed


def _fixed(constructor: int, layout: str) -> Callable[[Any], bytes]:
    pack = struct.Struct(">B" + layout).pack
    return lambda value: pack(constructor, value)


def _packed(layout: str) -> Callable[[Any], bytes]:
    return struct.Struct(layout).pack


def _long_data(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


_ENCODERS: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda _value: b"\x40",
    bool: lambda value: b"\x41" if value else b"\x42",
    UByte: _fixed(0x50, "B"),
    UShort: _fixed(0x60, "H"),
    UInt: _uint,
    ULong: _ulong,
    Byte: _fixed(0x51, "b"),
    Short: _fixed(0x61, "h"),
    Int: _signed(0x54, 0x71, ">Bi"),
    Long: _signed(0x55, 0x81, ">Bq"),
    Float32: _fixed(0x72, "f"),
    float: _fixed(0x82, "d"),
    Opaque: lambda value: bytes((value.constructor,)) + value.data,
    Char: lambda value: struct.pack(">BI", 0x73, ord(value)),
    Timestamp: _fixed(0x83, "q"),
    uuid.UUID: lambda value: b"\x98" + value.bytes,
    bytes: lambda value: _variable(0xA0, 0xB0, value),
    str: lambda value: _variable(0xA1, 0xB1, value.encode()),
    Symbol: lambda value: _variable(0xA3, 0xB3, value.encode("ascii")),
    list: _list,
    dict: _map,
    Array: _array,
    Described: lambda value: b"\x00" + encode(value.descriptor) + encode(value.value),
}

_ARRAY_ELEMENTS: dict[type, tuple[int, Callable[[Any], bytes]]] = {
    bool: (0x56, lambda value: b"\x01" if value else b"\x00"),
    UByte: (0x50, _packed(">B")),
    UShort: (0x60, _packed(">H")),
    UInt: (0x70, _packed(">I")),
    ULong: (0x80, _packed(">Q")),
    Int: (0x71, _packed(">i")),
    Long: (0x81, _packed(">q")),
    Timestamp: (0x83, _packed(">q")),
    uuid.UUID: (0x98, lambda value: bytes(value.bytes)),
    bytes: (0xB0, _long_data),
    str: (0xB1, lambda value: _long_data(value.encode())),
    Symbol: (0xB3, lambda value: _long_data(value.encode("ascii"))),
}
