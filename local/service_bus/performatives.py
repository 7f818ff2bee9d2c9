"""The AMQP performatives and outcomes as tuples of their fields, in the order of the specification."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from local.service_bus.amqp_encode import encode_described_list
from local.service_bus.amqp_types import Described, Symbol, ULong


class Open(NamedTuple):
    container_id: Any = None
    hostname: Any = None
    max_frame_size: Any = None
    channel_max: Any = None
    idle_time_out: Any = None
    outgoing_locales: Any = None
    incoming_locales: Any = None
    offered_capabilities: Any = None
    desired_capabilities: Any = None
    properties: Any = None


class Begin(NamedTuple):
    remote_channel: Any = None
    next_outgoing_id: Any = None
    incoming_window: Any = None
    outgoing_window: Any = None
    handle_max: Any = None
    offered_capabilities: Any = None
    desired_capabilities: Any = None
    properties: Any = None


class Attach(NamedTuple):
    name: Any = None
    handle: Any = None
    role: Any = None
    snd_settle_mode: Any = None
    rcv_settle_mode: Any = None
    source: Any = None
    target: Any = None
    unsettled: Any = None
    incomplete_unsettled: Any = None
    initial_delivery_count: Any = None
    max_message_size: Any = None
    offered_capabilities: Any = None
    desired_capabilities: Any = None
    properties: Any = None


class Flow(NamedTuple):
    next_incoming_id: Any = None
    incoming_window: Any = None
    next_outgoing_id: Any = None
    outgoing_window: Any = None
    handle: Any = None
    delivery_count: Any = None
    link_credit: Any = None
    available: Any = None
    drain: Any = None
    echo: Any = None
    properties: Any = None


class Transfer(NamedTuple):
    handle: Any = None
    delivery_id: Any = None
    delivery_tag: Any = None
    message_format: Any = None
    settled: Any = None
    more: Any = None
    rcv_settle_mode: Any = None
    state: Any = None
    resume: Any = None
    aborted: Any = None
    batchable: Any = None


class Disposition(NamedTuple):
    role: Any = None
    first: Any = None
    last: Any = None
    settled: Any = None
    state: Any = None
    batchable: Any = None


class Detach(NamedTuple):
    handle: Any = None
    closed: Any = None
    error: Any = None


class End(NamedTuple):
    error: Any = None


class Close(NamedTuple):
    error: Any = None


class SaslMechanisms(NamedTuple):
    mechanisms: Any = None


class SaslInit(NamedTuple):
    mechanism: Any = None
    initial_response: Any = None
    hostname: Any = None


class SaslOutcome(NamedTuple):
    code: Any = None
    additional_data: Any = None


Performative = (
    Open | Begin | Attach | Flow | Transfer | Disposition | Detach | End | Close
    | SaslMechanisms | SaslInit | SaslOutcome
)  # fmt: skip

CODES: dict[type, int] = {
    Open: 0x10, Begin: 0x11, Attach: 0x12, Flow: 0x13, Transfer: 0x14, Disposition: 0x15,
    Detach: 0x16, End: 0x17, Close: 0x18,
    SaslMechanisms: 0x40, SaslInit: 0x41, SaslOutcome: 0x44,
}  # fmt: skip
_BY_CODE: dict[int, Any] = {code: kind for kind, code in CODES.items()}


class Outcome:
    """Codes of the delivery states."""

    RECEIVED: ClassVar[int] = 0x23
    ACCEPTED: ClassVar[int] = 0x24
    REJECTED: ClassVar[int] = 0x25
    RELEASED: ClassVar[int] = 0x26
    MODIFIED: ClassVar[int] = 0x27


def encode_performative(performative: Performative) -> bytes:
    return encode_described_list(CODES[type(performative)], performative)


def performative_of(value: Any) -> Performative | None:
    """The decoded value as a performative; None when it is none that a client may send."""
    if not isinstance(value, Described) or not isinstance(value.value, list):
        return None
    kind = _BY_CODE.get(value.descriptor)
    if kind is None or len(value.value) > len(kind._fields):
        return None
    performative: Performative = kind(*value.value)
    return performative


def error(condition: str, description: str) -> Described:
    """An AMQP error; all three fields, for the SDK stumbles over a shorter list."""
    return Described(ULong(0x1D), [Symbol(condition), description, {}])


def rejected(condition: str, description: str) -> Described:
    return Described(ULong(Outcome.REJECTED), [error(condition, description)])


def outcome(code: int) -> Described:
    """The plain outcome of this code, without fields."""
    return Described(ULong(code), [])
