"""AMQP values on the wire: known encodings, and what is refused."""

from __future__ import annotations

import struct
import uuid
from typing import Any

import pytest

from local.service_bus.amqp_decode import DecodeError, decode, skip
from local.service_bus.amqp_encode import encode, encode_described_list
from local.service_bus.amqp_types import (
    Array,
    Described,
    Int,
    Long,
    Opaque,
    Symbol,
    Timestamp,
    UByte,
    UInt,
    ULong,
)

TOKEN = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")

KNOWN = [
    (None, "40"),
    (True, "41"),
    (UByte(5), "5005"),
    (UInt(0), "43"),
    (UInt(200), "52c8"),
    (UInt(65536), "7000010000"),
    (ULong(0x24), "5324"),
    (Int(-1), "54ff"),
    (Int(202), "71000000ca"),
    (Long(7), "5507"),
    (Timestamp(1), "830000000000000001"),
    (TOKEN, "9800112233445566778899aabbccddeeff"),
    (b"ab", "a0026162"),
    ("é", "a102c3a9"),
    (Symbol("q"), "a30171"),
    ([], "45"),
    ([None, True], "c003024041"),
    ({Symbol("a"): UByte(1)}, "c10602a301615001"),
    (Array([Symbol("a")]), "f00000000a00000001b30000000161"),
]


@pytest.mark.parametrize(("value", "wire"), KNOWN)
def test_values_have_the_encodings_of_the_specification(value: Any, wire: str) -> None:
    assert encode(value).hex() == wire
    back, end = decode(bytes.fromhex(wire))
    assert (back, type(back), end) == (value, type(value), len(wire) // 2)


def test_trailing_nulls_of_a_performative_are_left_out() -> None:
    assert encode_described_list(0x10, ["c", None, None]).hex() == "005310c00401a10163"


def test_both_widths_of_a_boolean_are_read() -> None:
    assert [decode(bytes.fromhex(wire))[0] for wire in ("41", "42", "5601", "5600")] == [
        True,
        False,
        True,
        False,
    ]


def test_a_decimal_passes_through_untouched() -> None:
    wire = b"\x94" + bytes(range(16))
    value, end = decode(wire)
    assert (value, end) == (Opaque(0x94, bytes(range(16))), 17)
    assert encode(value) == wire


def test_a_plain_int_is_refused_for_it_has_no_width() -> None:
    with pytest.raises(TypeError, match="int has no AMQP type"):
        encode(5)


@pytest.mark.parametrize(
    "wire",
    [
        "",
        "70",
        "a105",
        "a1ff41",
        "c00501",
        "c1030140",
        "3f",
        "00",
        "e0034098",
        "a101ff",
        "d0ffffffff00000001",
    ],
)
def test_broken_bytes_are_a_decode_error(wire: str) -> None:
    with pytest.raises(DecodeError):
        decode(bytes.fromhex(wire))


def test_a_list_must_fill_its_size() -> None:
    with pytest.raises(DecodeError, match="fill its size"):
        decode(bytes.fromhex("c0040140") + b"\x40\x40")


def test_skipping_lands_behind_the_value() -> None:
    value = Described(ULong(0x77), {"k": [Long(1), "x" * 300]})
    data = encode(value) + b"\x40"
    assert skip(data, 0) == len(data) - 1


def test_skipping_over_the_end_is_a_decode_error() -> None:
    with pytest.raises(DecodeError):
        skip(b"\xb0" + struct.pack(">I", 9) + b"short", 0)
