"""Any AMQP value comes back from the wire with its value and its type, and no bytes break the decoder."""

from __future__ import annotations

import struct
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from local.service_bus.amqp_decode import DecodeError, decode, skip
from local.service_bus.amqp_encode import encode
from local.service_bus.amqp_types import (
    Array,
    Byte,
    Char,
    Described,
    Float32,
    Int,
    Long,
    Short,
    Symbol,
    Timestamp,
    UByte,
    UInt,
    ULong,
    UShort,
)
from local.service_bus.message import parse


def signed(kind: type[int], bits: int) -> st.SearchStrategy[Any]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1).map(kind)


def unsigned(kind: type[int], bits: int) -> st.SearchStrategy[Any]:
    return st.integers(0, 2**bits - 1).map(kind)


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
symbols = st.text(st.characters(max_codepoint=127), max_size=300).map(Symbol)
integers = [
    *(unsigned(kind, bits) for kind, bits in ((UByte, 8), (UShort, 16), (UInt, 32), (ULong, 64))),
    *(signed(kind, bits) for kind, bits in ((Int, 32), (Long, 64), (Timestamp, 64))),
]
array_elements = [*integers, st.booleans(), st.uuids(), st.binary(max_size=300), text, symbols]
scalars = st.one_of(
    st.none(),
    *array_elements,
    signed(Byte, 8),
    signed(Short, 16),
    st.floats(allow_nan=False),
    st.floats(allow_nan=False, width=32).map(Float32),
    st.characters(exclude_categories=["Cs"]).map(Char),
)
arrays = st.one_of(*[st.lists(element, max_size=20).map(Array) for element in array_elements])
values = st.recursive(
    scalars | arrays,
    lambda inner: st.one_of(
        st.lists(inner, max_size=8),
        st.dictionaries(text | symbols, inner, max_size=8),
        st.builds(Described, unsigned(ULong, 64) | symbols, inner),
    ),
    max_leaves=20,
)


def typed(value: Any) -> Any:
    """The value with its types spelled out, for ``UInt(1) == True == 1.0`` in Python."""
    kind = type(value).__name__
    if isinstance(value, Described):
        return kind, typed(value.descriptor), typed(value.value)
    if isinstance(value, dict):
        return kind, [(typed(key), typed(item)) for key, item in value.items()]
    if isinstance(value, list):
        return kind, [typed(item) for item in value]
    return kind, struct.pack(">d", value) if isinstance(value, float) else value


@given(values, st.binary(max_size=8))
def test_what_is_encoded_is_decoded_again(value: Any, behind: bytes) -> None:
    wire = encode(value)
    back, end = decode(wire + behind)
    assert typed(back) == typed(value)
    assert end == skip(wire + behind, 0) == len(wire)


@given(st.binary(max_size=100))
def test_arbitrary_bytes_are_a_value_or_a_decode_error(data: bytes) -> None:
    try:
        _, end = decode(data)
    except DecodeError:
        return
    assert 0 < end <= len(data)


@given(st.binary(max_size=100), st.sampled_from([0x70, 0x72, 0x73, 0x74, 0x75, 0x77]))
def test_arbitrary_sections_are_a_message_or_a_decode_error(data: bytes, section: int) -> None:
    raw = b"\x00\x53" + bytes((section,)) + data
    try:
        content = parse(raw)
    except DecodeError:
        return
    assert content.raw == raw
