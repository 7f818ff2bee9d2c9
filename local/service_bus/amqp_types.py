"""Python types for the AMQP 1.0 primitives that Python's own types do not tell apart.

``None``, ``bool``, ``str``, ``bytes``, ``uuid.UUID``, ``float`` (double), ``list`` and ``dict`` stand for
themselves. A plain ``int`` has no AMQP type and is refused by the encoder, so that no width is guessed.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Symbol(str):
    __slots__ = ()


class UByte(int):
    __slots__ = ()


class UShort(int):
    __slots__ = ()


class UInt(int):
    __slots__ = ()


class ULong(int):
    __slots__ = ()


class Byte(int):
    __slots__ = ()


class Short(int):
    __slots__ = ()


class Int(int):
    __slots__ = ()


class Long(int):
    __slots__ = ()


class Timestamp(int):
    """Milliseconds since the epoch."""

    __slots__ = ()


class Float32(float):
    __slots__ = ()


class Char(str):
    __slots__ = ()


class Array(list[Any]):
    """Elements of one AMQP type, encoded with a single constructor."""


class Opaque(NamedTuple):
    """A value kept as it came (the decimals, which nobody here computes with): constructor and bytes."""

    constructor: int
    data: bytes


class Described(NamedTuple):
    descriptor: Any
    value: Any
