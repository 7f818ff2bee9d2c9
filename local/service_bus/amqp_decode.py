"""Decoding of AMQP 1.0 values, and skipping over them without decoding."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable
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

Decoder = Callable[[bytes, int], tuple[Any, int]]

DESCRIBED = 0x00
_NULL = 0x40

# The high nibble of a constructor says how wide its value is: fixed, or prefixed by a size.
_FIXED_WIDTH = {0x4: 0, 0x5: 1, 0x6: 2, 0x7: 4, 0x8: 8, 0x9: 16}
_SIZE_PREFIX = {0xA: 1, 0xB: 4, 0xC: 1, 0xD: 4, 0xE: 1, 0xF: 4}


class DecodeError(ValueError):
    """The bytes are not well-formed AMQP 1.0."""


def decode(buffer: bytes, position: int = 0) -> tuple[Any, int]:
    """The value that starts at ``position``, and where the next one starts."""
    try:
        return _decode(buffer, position)
    except DecodeError:
        raise
    except (IndexError, struct.error, ValueError, TypeError, RecursionError) as error:
        raise DecodeError(f"malformed AMQP value: {error}") from error


def skip(buffer: bytes, position: int) -> int:
    """Where the value that starts at ``position`` ends."""
    try:
        if buffer[position] == DESCRIBED:
            return skip(buffer, skip(buffer, position + 1))
        return _skip_data(buffer, position + 1, buffer[position])
    except (IndexError, struct.error, RecursionError) as error:
        raise DecodeError(f"malformed AMQP value: {error}") from error


def _skip_data(buffer: bytes, position: int, constructor: int) -> int:
    nibble = constructor >> 4
    if nibble in _FIXED_WIDTH:
        end = position + _FIXED_WIDTH[nibble]
    elif _SIZE_PREFIX.get(nibble) == 1:
        end = position + 1 + buffer[position]
    elif nibble in _SIZE_PREFIX:
        end = position + 4 + int(struct.unpack_from(">I", buffer, position)[0])
    else:
        raise DecodeError(f"unknown constructor 0x{constructor:02x}")
    if end > len(buffer):
        raise DecodeError("value runs over the end of its buffer")
    return end


def _decode(buffer: bytes, position: int) -> tuple[Any, int]:
    constructor = buffer[position]
    if constructor == DESCRIBED:
        descriptor, position = _decode(buffer, position + 1)
        value, position = _decode(buffer, position)
        return Described(descriptor, value), position
    return _decoder(constructor)(buffer, position + 1)


def _decoder(constructor: int) -> Decoder:
    decoder = _DECODERS.get(constructor)
    if decoder is None:
        raise DecodeError(f"unknown constructor 0x{constructor:02x}")
    return decoder


def _constant(value: Any) -> Decoder:
    return lambda _buffer, position: (value, position)


def _number(layout: str, convert: Callable[[Any], Any]) -> Decoder:
    unpack_from = struct.Struct(layout).unpack_from
    width = struct.calcsize(layout)

    def decode_number(buffer: bytes, position: int) -> tuple[Any, int]:
        return convert(unpack_from(buffer, position)[0]), position + width

    return decode_number


def _variable(width: int, convert: Callable[[bytes], Any]) -> Decoder:
    def decode_variable(buffer: bytes, position: int) -> tuple[Any, int]:
        start = position + width
        end = start + int.from_bytes(buffer[position:start], "big")
        if end > len(buffer):
            raise DecodeError("value runs over the end of its buffer")
        return convert(buffer[start:end]), end

    return decode_variable


def _compound(width: int, build: Callable[[bytes, int, int, int], Any]) -> Decoder:
    """Lists and maps: size and count, then the elements, which must fill the size exactly."""

    def decode_compound(buffer: bytes, position: int) -> tuple[Any, int]:
        start = position + width
        end = start + int.from_bytes(buffer[position:start], "big")
        if end > len(buffer):
            raise DecodeError("value runs over the end of its buffer")
        count = int.from_bytes(buffer[start : start + width], "big")
        return build(buffer, start + width, count, end), end

    return decode_compound


def _build_list(buffer: bytes, position: int, count: int, end: int) -> list[Any]:
    items: list[Any] = []
    for _ in range(count):
        item, position = _decode(buffer, position)
        items.append(item)
    _expect_end(position, end)
    return items


def _build_map(buffer: bytes, position: int, count: int, end: int) -> dict[Any, Any]:
    items = _build_list(buffer, position, count, end)
    if len(items) % 2:
        raise DecodeError("a map with an odd number of elements")
    return dict(zip(items[::2], items[1::2], strict=True))


def _build_array(buffer: bytes, position: int, count: int, end: int) -> Array:
    constructor = buffer[position]
    if constructor == DESCRIBED:
        raise DecodeError("arrays of described types are not supported")
    decoder = _decoder(constructor)
    position += 1
    if constructor >> 4 == _NULL >> 4 and count:
        raise DecodeError("arrays of zero-width elements are not supported")
    items = Array()
    for _ in range(count):
        item, position = decoder(buffer, position)
        items.append(item)
    _expect_end(position, end)
    return items


def _expect_end(position: int, end: int) -> None:
    if position != end:
        raise DecodeError("a compound value does not fill its size")


def _opaque(constructor: int) -> Decoder:
    width = _FIXED_WIDTH[constructor >> 4]
    return lambda buffer, position: (
        Opaque(constructor, buffer[position : position + width]),
        _skip_data(buffer, position, constructor),
    )


def _decode_uuid(buffer: bytes, position: int) -> tuple[uuid.UUID, int]:
    end = _skip_data(buffer, position, 0x98)
    return uuid.UUID(bytes=buffer[position:end]), end


def _text(kind: type[str]) -> Callable[[bytes], str]:
    return lambda data: kind(data, "utf-8")


def _symbol(data: bytes) -> Symbol:
    return Symbol(data, "ascii")


_DECODERS: dict[int, Decoder] = {
    0x40: _constant(None),
    0x41: _constant(True),
    0x42: _constant(False),
    0x56: _number(">B", bool),
    0x50: _number(">B", UByte),
    0x60: _number(">H", UShort),
    0x43: _constant(UInt(0)),
    0x52: _number(">B", UInt),
    0x70: _number(">I", UInt),
    0x44: _constant(ULong(0)),
    0x53: _number(">B", ULong),
    0x80: _number(">Q", ULong),
    0x51: _number(">b", Byte),
    0x61: _number(">h", Short),
    0x54: _number(">b", Int),
    0x71: _number(">i", Int),
    0x55: _number(">b", Long),
    0x81: _number(">q", Long),
    0x72: _number(">f", Float32),
    0x82: _number(">d", float),
    0x74: _opaque(0x74),
    0x84: _opaque(0x84),
    0x94: _opaque(0x94),
    0x73: _number(">I", lambda code: Char(chr(code))),
    0x83: _number(">q", Timestamp),
    0x98: _decode_uuid,
    0xA0: _variable(1, bytes),
    0xB0: _variable(4, bytes),
    0xA1: _variable(1, _text(str)),
    0xB1: _variable(4, _text(str)),
    0xA3: _variable(1, _symbol),
    0xB3: _variable(4, _symbol),
    0x45: lambda _buffer, position: ([], position),
    0xC0: _compound(1, _build_list),
    0xD0: _compound(4, _build_list),
    0xC1: _compound(1, _build_map),
    0xD1: _compound(4, _build_map),
    0xE0: _compound(1, _build_array),
    0xF0: _compound(4, _build_array),
}
