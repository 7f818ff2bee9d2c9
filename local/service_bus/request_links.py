"""Request and response over a pair of links: ``$cbs`` and ``<entity>/$management``."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from local.service_bus.amqp_encode import encode_described, encode_described_list
from local.service_bus.amqp_types import Int, Symbol
from local.service_bus.links import IncomingLink, Link
from local.service_bus.message import (
    APPLICATION_PROPERTIES,
    PROPERTIES,
    VALUE,
    decode_sections,
)
from local.service_bus.performatives import Attach, Flow, Transfer
from local.service_bus.refusals import RefusalError, bad_argument

if TYPE_CHECKING:
    from local.service_bus.channel import Channel

_CORRELATION_ID_FIELD = 5


class Request(NamedTuple):
    """A request as decoded; ``message_id`` in its own AMQP type."""

    message_id: Any
    operation: str
    properties: dict[str, Any]
    body: Any


class Reply(NamedTuple):
    status: int
    body: Any = None
    description: str = "OK"
    condition: str | None = None


Answer = Callable[[Request], Reply]


class ReplyLink(Link):
    """The client's receiver for replies; they wait here for its credit."""

    def __init__(self, channel: Channel, attach: Attach, address: str) -> None:
        super().__init__(channel, attach)
        self._address = address
        self._credit = 0
        self._delivery_count = 0
        self._replies: deque[bytes] = deque()

    def opened(self) -> None:
        self.channel.reply_links[self._address] = self
        self.reply()

    def dropped(self, *, lost: bool) -> None:  # noqa: ARG002
        self.channel.reply_links.pop(self._address, None)

    def put(self, message: bytes) -> None:
        self._replies.append(message)
        self.resume()

    def on_flow(self, flow: Flow) -> None:
        self._credit = int(flow.delivery_count or 0) + int(flow.link_credit or 0) - self._delivery_count
        self.resume()

    def resume(self) -> None:
        while self._replies and self._credit > 0 and self.channel.window > 0:
            self._credit -= 1
            self._delivery_count += 1
            self.channel.deliver(self.handle, uuid.uuid4().bytes, self._replies.popleft(), None)


class RequestLink(IncomingLink):
    """The client's sender of requests; ``answer`` is what the address does."""

    def __init__(
        self, channel: Channel, attach: Attach, address: str, answer: Answer, keys: tuple[str, str, str]
    ) -> None:
        super().__init__(channel, attach)
        self._address = address
        self._answer = answer
        self._keys = keys

    def received(self, transfer: Transfer, message: bytes) -> None:
        request = _request(message)
        try:
            reply = self._answer(request)
        except RefusalError as refusal:
            reply = Reply(refusal.status, None, refusal.description, refusal.condition)
        link = self.channel.reply_links.get(self._address)
        if link is None:
            self.accept(transfer, bad_argument("There is no link for the reply."))
            return
        self.accept(transfer)
        link.put(_encode_reply(request, reply, self._keys))


def _request(message: bytes) -> Request:
    sections = decode_sections(message)
    fields = sections.get(PROPERTIES) or [None]
    properties = sections.get(APPLICATION_PROPERTIES) or {}
    operation = properties.get("operation")
    return Request(fields[0], str(operation or ""), properties, sections.get(VALUE))


def _encode_reply(request: Request, reply: Reply, keys: tuple[str, str, str]) -> bytes:
    status, description, condition = keys
    properties: dict[str, Any] = {status: Int(reply.status), description: reply.description}
    if reply.condition is not None:
        properties[condition] = Symbol(reply.condition)
    correlation = [None] * _CORRELATION_ID_FIELD + [request.message_id]
    return b"".join(
        (
            encode_described_list(PROPERTIES, correlation),
            encode_described(APPLICATION_PROPERTIES, properties),
            encode_described(VALUE, reply.body),
        )
    )
