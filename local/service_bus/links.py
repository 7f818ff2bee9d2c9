"""What all links have in common, and the link on which a client sends messages to a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.service_bus.amqp_decode import DecodeError
from local.service_bus.amqp_types import UInt, ULong
from local.service_bus.definitions import MAX_MESSAGE_BYTES
from local.service_bus.message import BATCH_FORMAT, parse, unpack_batch
from local.service_bus.performatives import (
    Attach,
    Detach,
    Disposition,
    Flow,
    Outcome,
    Transfer,
    error,
    outcome,
    rejected,
)
from local.service_bus.refusals import RefusalError, message_too_large

if TYPE_CHECKING:
    from local.service_bus.channel import Channel
    from local.service_bus.entity import Entity

CREDIT = 500
CREDIT_LOW = 250


class Link:
    """A link as the broker sees it. ``attach`` is what the client asked for."""

    def __init__(self, channel: Channel, attach: Attach) -> None:
        self.channel = channel
        self.attach = attach
        self.handle = int(attach.handle)

    def opened(self) -> None:
        """The link is known to its channel: answer the attach."""
        raise NotImplementedError

    def on_flow(self, flow: Flow) -> None:
        """The client moved its window; of interest to links on which the broker sends."""

    def on_transfer(self, transfer: Transfer, payload: bytes) -> None:  # noqa: ARG002
        raise DecodeError("a transfer on a link on which the broker sends")

    def resume(self) -> None:
        """There is room to write again."""

    def dropped(self, *, lost: bool) -> None:
        """The link is gone; ``lost`` when the client vanished without a detach."""

    def reply(self, **fields: Any) -> None:
        """Answer the attach: everything echoed, the role inverted."""
        wanted = self.attach
        reply = Attach(
            name=wanted.name,
            handle=UInt(self.handle),
            role=not wanted.role,
            snd_settle_mode=wanted.snd_settle_mode,
            rcv_settle_mode=wanted.rcv_settle_mode,
            source=wanted.source,
            target=wanted.target,
            initial_delivery_count=UInt(0) if wanted.role else None,
            max_message_size=ULong(MAX_MESSAGE_BYTES),
        )
        self.channel.send(reply._replace(**fields))

    def detach(self, refusal: RefusalError) -> None:
        """Close the link from the broker's side."""
        self.channel.forget(self)
        self.channel.send(Detach(UInt(self.handle), True, error(refusal.condition, refusal.description)))


class IncomingLink(Link):
    """A link on which the client sends: puts messages together and keeps the credit up."""

    def __init__(self, channel: Channel, attach: Attach) -> None:
        super().__init__(channel, attach)
        self._delivery_count = int(attach.initial_delivery_count or 0)
        self._credit = 0
        self._first: Transfer | None = None
        self._parts: list[bytes] = []
        self._size = 0

    def opened(self) -> None:
        self.reply()
        self._grant()

    def _grant(self) -> None:
        self._credit = CREDIT
        self.channel.send_flow(
            Flow(
                handle=UInt(self.handle), delivery_count=UInt(self._delivery_count), link_credit=UInt(CREDIT)
            )
        )

    def on_transfer(self, transfer: Transfer, payload: bytes) -> None:
        if self._first is None:
            self._first = transfer
        self._size += len(payload)
        if self._size > MAX_MESSAGE_BYTES:
            self._parts.clear()
        else:
            self._parts.append(payload)
        if not transfer.more:
            self._complete(self._first, aborted=bool(transfer.aborted))

    def _complete(self, first: Transfer, *, aborted: bool) -> None:
        message, size = b"".join(self._parts), self._size
        self._first, self._parts, self._size = None, [], 0
        self._delivery_count += 1
        self._credit -= 1
        if size > MAX_MESSAGE_BYTES:
            self.accept(first, message_too_large(size, MAX_MESSAGE_BYTES))
        elif not aborted:
            self.received(first, message)
        if self._credit < CREDIT_LOW:
            self._grant()

    def received(self, transfer: Transfer, message: bytes) -> None:
        """A whole message came in."""
        raise NotImplementedError

    def accept(self, transfer: Transfer, refusal: RefusalError | None = None) -> None:
        """Settle what the client sent."""
        if transfer.settled:
            return
        state = outcome(Outcome.ACCEPTED)
        if refusal is not None:
            state = rejected(refusal.condition, refusal.description)
        delivery_id = UInt(transfer.delivery_id)
        self.channel.send(Disposition(True, delivery_id, delivery_id, True, state))


class QueueSenderLink(IncomingLink):
    """A client's sender on a queue."""

    def __init__(self, channel: Channel, attach: Attach, entity: Entity) -> None:
        super().__init__(channel, attach)
        self._entity = entity

    def received(self, transfer: Transfer, message: bytes) -> None:
        raw = unpack_batch(message) if transfer.message_format == BATCH_FORMAT else [message]
        try:
            self._entity.send([parse(one) for one in raw])
        except RefusalError as refusal:
            self.accept(transfer, refusal)
        else:
            self.accept(transfer)
