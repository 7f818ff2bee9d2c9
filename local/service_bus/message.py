"""What the broker reads of a message and what it rewrites; the rest stays as the bytes that came.

Only header and message annotations are decoded and written anew. Properties, application properties and
body are kept raw, so that no type is lost on the way through.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from local.service_bus.amqp_decode import DESCRIBED, DecodeError, decode, skip
from local.service_bus.amqp_encode import encode, encode_described_list, encode_map_of
from local.service_bus.amqp_types import Symbol, Timestamp, UInt

BATCH_FORMAT = 0x80013700

HEADER, DELIVERY_ANNOTATIONS, ANNOTATIONS = 0x70, 0x71, 0x72
PROPERTIES, APPLICATION_PROPERTIES, DATA, SEQUENCE, VALUE, FOOTER = 0x73, 0x74, 0x75, 0x76, 0x77, 0x78
_BODIES = (DATA, SEQUENCE, VALUE)

SCHEDULED_TIME = "x-opt-scheduled-enqueue-time"
_BROKER_ANNOTATIONS = {
    "x-opt-sequence-number",
    "x-opt-enqueue-sequence-number",
    "x-opt-enqueued-time",
    "x-opt-locked-until",
    "x-opt-lock-token",
    "x-opt-message-state",
    "x-opt-deadletter-source",
}

_MESSAGE_ID, _GROUP_ID = 0, 10
_SECTION_START = 3  # 00 53 code


@dataclass(frozen=True, slots=True)
class Content:
    """One message as a client sent it. ``bare`` runs from the properties to the end of the message."""

    raw: bytes
    durable: bool | None
    priority: int | None
    time_to_live: float
    message_id: str | None
    session_id: str | None
    scheduled_at: float | None
    annotation_pairs: bytes
    annotation_elements: int
    bare: bytes


def parse(raw: bytes) -> Content:
    """Read a whole encoded message."""
    try:
        return _parse(raw)
    except (TypeError, OverflowError) as error:
        raise DecodeError(f"a field of the message has the wrong type: {error}") from error


def _parse(raw: bytes) -> Content:
    sections = _sections(raw)
    header = _fields(raw, sections, HEADER)
    properties = _fields(raw, sections, PROPERTIES)
    pairs, elements, scheduled_at = _foreign_annotations(raw, sections)
    group_id = _field(properties, _GROUP_ID)
    ttl = _field(header, 2)
    return Content(
        raw=raw,
        durable=_field(header, 0),
        priority=_field(header, 1),
        time_to_live=ttl / 1000 if ttl is not None else math.inf,
        message_id=_text_id(_field(properties, _MESSAGE_ID)),
        session_id=None if group_id is None else str(group_id),
        scheduled_at=scheduled_at,
        annotation_pairs=pairs,
        annotation_elements=elements,
        bare=raw[_bare_start(sections) :],
    )


def unpack_batch(envelope: bytes) -> list[bytes]:
    """The encoded messages inside a batch: one in each data section."""
    messages = [decode(envelope, start)[0] for code, start, _ in _section_spans(envelope) if code == DATA]
    if not messages or not all(isinstance(message, bytes) for message in messages):
        raise DecodeError("a batch holds whole messages in its data sections")
    return messages


def decode_sections(raw: bytes) -> dict[int, Any]:
    """Every section decoded, by code (of several data sections the first)."""
    return {code: decode(raw, start)[0] for code, (start, _) in _sections(raw).items()}


def compose(
    content: Content, delivery_count: int, annotations: dict[str, Any], extra: dict[str, str]
) -> bytes:
    """The message as delivered: with the broker's annotations, and ``extra`` application properties."""
    own = b"".join([encode(Symbol(key)) + encode(value) for key, value in annotations.items()])
    pairs = content.annotation_pairs + own
    ttl = None if content.time_to_live == math.inf else UInt(round(content.time_to_live * 1000))
    header = [content.durable, content.priority, ttl, None, UInt(delivery_count)]
    return b"".join(
        (
            encode_described_list(HEADER, header),
            _section_head(ANNOTATIONS),
            encode_map_of(pairs, content.annotation_elements + 2 * len(annotations)),
            with_application_properties(content.bare, extra) if extra else content.bare,
        )
    )


def timestamp(seconds: float) -> Timestamp:
    """Times on the wire are milliseconds since the epoch."""
    return Timestamp(round(seconds * 1000))


def with_application_properties(bare: bytes, extra: dict[str, str]) -> bytes:
    """The bare message with these application properties set; the others keep their raw bytes."""
    sections = {code: (start, end) for code, start, end in _section_spans(bare)}
    span = sections.get(APPLICATION_PROPERTIES)
    pairs, elements = (b"", 0) if span is None else _pairs_without(bare, span[0], set(extra))[:2]
    pairs += b"".join([encode(key) + encode(value) for key, value in extra.items()])
    section = _section_head(APPLICATION_PROPERTIES) + encode_map_of(pairs, elements + 2 * len(extra))
    if span is not None:
        return bare[: span[0] - _SECTION_START] + section + bare[span[1] :]
    after = sections[PROPERTIES][1] if PROPERTIES in sections else 0
    return bare[:after] + section + bare[after:]


def _section_head(code: int) -> bytes:
    return b"\x00\x53" + bytes((code,))


def _section_spans(raw: bytes) -> list[tuple[int, int, int]]:
    """(code, start of the value, end) of each section."""
    spans = []
    position = 0
    while position < len(raw):
        if raw[position] != DESCRIBED:
            raise DecodeError("a message section must be a described value")
        code, start = decode(raw, position + 1)
        if not isinstance(code, int) or not HEADER <= code <= FOOTER:
            raise DecodeError(f"unknown message section {code!r}")
        position = skip(raw, start)
        spans.append((int(code), start, position))
    return spans


def _sections(raw: bytes) -> dict[int, tuple[int, int]]:
    spans = _section_spans(raw)
    codes = [code for code, _, _ in spans]
    if sorted(codes) != codes:
        raise DecodeError("message sections are out of order")
    if not any(code in _BODIES for code in codes):
        raise DecodeError("the message has no body")
    return {code: (start, end) for code, start, end in reversed(spans)}


def _bare_start(sections: dict[int, tuple[int, int]]) -> int:
    before = [end for code, (_, end) in sections.items() if code < PROPERTIES]
    return max(before, default=0)


def _fields(raw: bytes, sections: dict[int, tuple[int, int]], code: int) -> list[Any]:
    if code not in sections:
        return []
    value, _ = decode(raw, sections[code][0])
    if not isinstance(value, list):
        raise DecodeError("header and properties are lists")
    return value


def _field(values: list[Any], index: int) -> Any:
    return values[index] if index < len(values) else None


def _text_id(value: Any) -> str | None:
    """Message ids of different AMQP types are different ids."""
    if value is None or isinstance(value, str):
        return value
    return f"{type(value).__name__}:{value}"


def _foreign_annotations(raw: bytes, sections: dict[int, tuple[int, int]]) -> tuple[bytes, int, float | None]:
    if ANNOTATIONS not in sections:
        return b"", 0, None
    pairs, elements, dropped = _pairs_without(raw, sections[ANNOTATIONS][0], _BROKER_ANNOTATIONS)
    scheduled = dropped.get(SCHEDULED_TIME)
    return pairs, elements, None if scheduled is None else int(scheduled) / 1000


def _pairs_without(raw: bytes, start: int, unwanted: set[str]) -> tuple[bytes, int, dict[str, Any]]:
    """A map's raw pairs but for the unwanted keys, how many elements that is, and the scheduled time."""
    position, count = _map_head(raw, start)
    kept, elements, noted = [], 0, {}
    for _ in range(count // 2):
        key, value_start = decode(raw, position)
        end = skip(raw, value_start)
        if key == SCHEDULED_TIME:
            noted[key] = decode(raw, value_start)[0]
        if key not in unwanted:
            kept.append(raw[position:end])
            elements += 2
        position = end
    return b"".join(kept), elements, noted


def _map_head(raw: bytes, start: int) -> tuple[int, int]:
    constructor = raw[start]
    if constructor == 0xC1:
        return start + 3, raw[start + 2]
    if constructor == 0xD1:
        return start + 9, int.from_bytes(raw[start + 5 : start + 9], "big")
    raise DecodeError("annotations and application properties are maps")
