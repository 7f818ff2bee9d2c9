"""One AMQP session (here *channel*, for a Service Bus session is another thing): its links and deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from local.service_bus.amqp_types import UInt, UShort
from local.service_bus.attach import open_link
from local.service_bus.performatives import (
    Attach,
    Begin,
    Detach,
    Disposition,
    Flow,
    Performative,
    Transfer,
)
from local.service_bus.request_links import ReplyLink
from local.service_bus.sending_link import SendingLink

if TYPE_CHECKING:
    from local.service_bus.connection import Connection
    from local.service_bus.links import Link

WINDOW = 2**30
_SERIAL = 2**32


class Channel:
    """Links by the client's handle (the broker answers under the same number), and the unsettled."""

    def __init__(self, connection: Connection, number: int, begin: Begin) -> None:
        self.connection = connection
        self.number = number
        self.window = int(begin.incoming_window or 0)
        self.reply_links: dict[str, ReplyLink] = {}
        self._links: dict[int, Link] = {}
        self._next_incoming_id = int(begin.next_outgoing_id or 0)
        self._next_outgoing_id = 0
        self._next_delivery_id = 0
        self._unsettled: dict[int, tuple[SendingLink, UUID]] = {}

    def reply(self) -> Begin:
        return Begin(UShort(self.number), UInt(0), UInt(WINDOW), UInt(WINDOW), UInt(255))

    def send(self, performative: Performative) -> None:
        self.connection.send(performative, self.number)

    def drop(self, *, lost: bool) -> None:
        """The channel is over; ``lost``: its client vanished without saying so."""
        links = list(self._links.values())
        self._links.clear()
        self._unsettled.clear()
        for link in links:
            link.dropped(lost=lost)

    def resume(self) -> None:
        """There is room to write again."""
        for link in self._links.values():
            link.resume()

    # --- links ----------------------------------------------------------------------------------

    def on_attach(self, attach: Attach) -> None:
        link = open_link(self, attach)
        if link is not None:
            self._links[attach.handle] = link
            link.opened()

    def on_detach(self, detach: Detach) -> None:
        """A detach for an unknown handle is the client's answer to the broker's own."""
        link = self._links.get(detach.handle)
        if link is not None:
            self.forget(link)
            link.dropped(lost=False)
            self.send(Detach(UInt(detach.handle), True))

    def forget(self, link: Link) -> None:
        """The link is closed: nothing more goes through it."""
        self._links.pop(link.handle, None)
        for delivery_id in [key for key, (owner, _) in self._unsettled.items() if owner is link]:
            del self._unsettled[delivery_id]

    def on_flow(self, flow: Flow) -> None:
        next_incoming = int(flow.next_incoming_id or 0)
        self.window = (next_incoming + int(flow.incoming_window or 0) - self._next_outgoing_id) % _SERIAL
        link = None if flow.handle is None else self._links.get(flow.handle)
        if link is not None:
            link.on_flow(flow)
        elif flow.handle is None:
            self.resume()
        if flow.echo:
            self.send_flow(Flow())

    def send_flow(self, flow: Flow) -> None:
        """A flow with the channel's own numbers filled in."""
        self.send(
            flow._replace(
                next_incoming_id=UInt(self._next_incoming_id),
                incoming_window=UInt(WINDOW),
                next_outgoing_id=UInt(self._next_outgoing_id),
                outgoing_window=UInt(WINDOW),
            )
        )

    # --- transfers ------------------------------------------------------------------------------

    def on_transfer(self, transfer: Transfer, payload: bytes) -> None:
        self._next_incoming_id = (self._next_incoming_id + 1) % _SERIAL
        link = self._links.get(transfer.handle)
        if link is not None:
            link.on_transfer(transfer, payload)

    def deliver(self, handle: int, tag: bytes, payload: bytes, lock: tuple[SendingLink, UUID] | None) -> None:
        """Send one message; without a lock to settle it goes out settled."""
        delivery_id = self._next_delivery_id
        self._next_delivery_id = (delivery_id + 1) % _SERIAL
        if lock is not None:
            self._unsettled[delivery_id] = lock
        transfer = Transfer(UInt(handle), UInt(delivery_id), tag, UInt(0), lock is None)
        frames = self.connection.send_transfer(transfer, self.number, payload)
        self._next_outgoing_id = (self._next_outgoing_id + frames) % _SERIAL
        self.window -= frames

    def on_disposition(self, disposition: Disposition) -> None:
        """Outcomes of what the broker sent. Each is answered with what became of it."""
        if not disposition.role:
            return
        for delivery_id in self._range(disposition):
            link, token = self._unsettled.pop(delivery_id)
            answer = link.settle(token, disposition.state)
            if not disposition.settled:
                number = UInt(delivery_id)
                self.send(Disposition(False, number, number, True, answer))

    def _range(self, disposition: Disposition) -> list[int]:
        first = int(disposition.first)
        last = first if disposition.last is None else int(disposition.last)
        if first == last:
            return [first] if first in self._unsettled else []
        return [delivery_id for delivery_id in self._unsettled if first <= delivery_id <= last]
