"""What the broker reads of a message, and that it returns the rest as it came."""

from __future__ import annotations

import math
from typing import Any

import pytest

from local.service_bus.amqp_decode import DecodeError
from local.service_bus.amqp_encode import encode_described, encode_described_list
from local.service_bus.amqp_types import Long, Symbol, Timestamp, UInt
from local.service_bus.message import (
    ANNOTATIONS,
    APPLICATION_PROPERTIES,
    DATA,
    HEADER,
    PROPERTIES,
    compose,
    decode_sections,
    parse,
    unpack_batch,
)


def message(
    *,
    message_id: Any = "id",
    session_id: str | None = "s",
    header: list[Any] | None = None,
    annotations: dict[Any, Any] | None = None,
    application: dict[str, Any] | None = None,
) -> bytes:
    parts = []
    if header is not None:
        parts.append(encode_described_list(HEADER, header))
    if annotations is not None:
        parts.append(encode_described(ANNOTATIONS, annotations))
    parts.append(encode_described_list(PROPERTIES, [message_id, *[None] * 9, session_id]))
    if application is not None:
        parts.append(encode_described(APPLICATION_PROPERTIES, application))
    return b"".join([*parts, encode_described(DATA, b"body")])


def test_id_session_lifetime_and_schedule_are_read() -> None:
    due = Timestamp(1_700_000_000_500)
    content = parse(
        message(header=[None, None, UInt(1500)], annotations={Symbol("x-opt-scheduled-enqueue-time"): due})
    )
    assert (content.message_id, content.session_id) == ("id", "s")
    assert (content.time_to_live, content.scheduled_at) == (1.5, 1_700_000_000.5)


def test_a_bare_message_has_no_limits() -> None:
    content = parse(encode_described(DATA, b"x"))
    assert (content.message_id, content.session_id, content.scheduled_at) == (None, None, None)
    assert content.time_to_live == math.inf


def test_ids_of_different_types_are_different_ids() -> None:
    assert parse(message(message_id=UInt(1))).message_id != parse(message(message_id="1")).message_id


def test_what_is_composed_carries_our_annotations_and_the_senders_but_not_forged_ones() -> None:
    sent = message(annotations={Symbol("mine"): "kept", Symbol("x-opt-sequence-number"): Long(99)})
    sections = decode_sections(compose(parse(sent), 3, {"x-opt-sequence-number": Long(7)}, {}))
    assert sections[HEADER][4] == 3
    assert sections[ANNOTATIONS] == {"mine": "kept", "x-opt-sequence-number": 7}
    assert sections[DATA] == b"body"


@pytest.mark.parametrize("application", [None, {"k": Long(1), "DeadLetterReason": "old"}])
def test_dead_letter_properties_join_the_application_properties(application: dict[str, Any] | None) -> None:
    content = parse(message(application=application))
    sections = decode_sections(compose(content, 0, {}, {"DeadLetterReason": "new"}))
    kept = {"k": 1} if application else {}
    assert sections[APPLICATION_PROPERTIES] == {**kept, "DeadLetterReason": "new"}
    assert sections[PROPERTIES][0] == "id"


def test_a_batch_holds_whole_messages() -> None:
    inner = [message(message_id="1"), message(message_id="2")]
    envelope = b"".join(encode_described(DATA, one) for one in inner)
    assert unpack_batch(envelope) == inner


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x40",
        encode_described(0x10, []),
        encode_described_list(PROPERTIES, ["no body"]),
        encode_described(DATA, b"x") + encode_described_list(HEADER, []),
        message(annotations={})[:-3],
    ],
)
def test_a_malformed_message_is_a_decode_error(raw: bytes) -> None:
    with pytest.raises(DecodeError):
        parse(raw)
