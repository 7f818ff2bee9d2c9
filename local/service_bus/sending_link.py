"""The link on which a client receives messages from a queue, its dead letters or one of its sessions."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

from local.service_bus.amqp_types import Described, Long, Symbol, UInt
from local.service_bus.links import Link
from local.service_bus.performatives import Attach, Flow, Outcome, outcome, rejected
from local.service_bus.refusals import (
    RefusalError,
    bad_argument,
    no_session_in_time,
    session_cannot_be_locked,
    session_lock_lost,
)
from local.service_bus.sessions import SessionLock

if TYPE_CHECKING:
    from local.service_bus.channel import Channel
    from local.service_bus.entity import Outlet

SESSION_FILTER = "com.microsoft:session-filter"
SESSION_LOCKED_UNTIL = "com.microsoft:locked-until-utc"
OPERATION_TIMEOUT = "com.microsoft:timeout"
DEFAULT_ACCEPT_SECONDS = 65.0
SETTLED = 1
_FILTER_FIELD = 7
_TICKS_PER_SECOND = 10_000_000
_EPOCH_TICKS = 621_355_968_000_000_000
_SERIAL = 2**32


class SendingLink(Link):
    """Delivers while it has credit. On a session queue it first has to be given a session."""

    def __init__(self, channel: Channel, attach: Attach, outlet: Outlet, wanted: str | None) -> None:
        super().__init__(channel, attach)
        self.outlet = outlet
        self.session: SessionLock | None = None
        self.drain = False
        self._wanted_session = wanted
        self._settled = attach.snd_settle_mode == SETTLED
        self._delivery_count = 0
        self._credit = 0
        self._waiting: asyncio.TimerHandle | None = None

    # --- opening --------------------------------------------------------------------------------

    def opened(self) -> None:
        if not self.outlet.requires_session:
            self.reply()
            self.outlet.add(self)
        elif self._wanted_session is not None:
            self._accept_named(self._wanted_session)
        else:
            self._wait_for_session()

    def _accept_named(self, session_id: str) -> None:
        try:
            lock = self.outlet.accept(session_id, self)
        except RefusalError as refusal:
            self.refuse(refusal)
            return
        if lock is None:
            self.refuse(session_cannot_be_locked(session_id))
        else:
            self.session_accepted(lock)

    def _wait_for_session(self) -> None:
        """The reply is held back until a session is free; the client says how long it waits."""
        milliseconds = (self.attach.properties or {}).get(OPERATION_TIMEOUT)
        seconds = DEFAULT_ACCEPT_SECONDS if milliseconds is None else int(milliseconds) / 1000
        loop = asyncio.get_running_loop()
        self._waiting = loop.call_later(seconds, self._no_session)
        self.outlet.wait(self)

    def _no_session(self) -> None:
        self.outlet.remove(self)
        self.refuse(no_session_in_time())

    def session_accepted(self, lock: SessionLock) -> None:
        self._stop_waiting()
        self.session = lock
        until = self.outlet.real_time(lock.locked_until)
        ticks = Long(round(until * _TICKS_PER_SECOND) + _EPOCH_TICKS)
        self.reply(
            source=self._source_with_session(lock.session_id),
            properties={Symbol(SESSION_LOCKED_UNTIL): ticks},
        )
        self.outlet.add(self)

    def _source_with_session(self, session_id: str) -> Described:
        fields = list(self.attach.source.value)
        fields[_FILTER_FIELD] = {Symbol(SESSION_FILTER): session_id}
        return Described(self.attach.source.descriptor, fields)

    def refuse(self, refusal: RefusalError) -> None:
        """Answered with the source echoed, then closed: the shape on which the SDK raises at once."""
        self._stop_waiting()
        self.reply()
        self.detach(refusal)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    # --- closing --------------------------------------------------------------------------------

    def dropped(self, *, lost: bool) -> None:
        """A session and its messages are free at once; other messages stay locked until their locks end."""
        if self._waiting is not None and not lost:
            self.reply()  # an attach is answered before the detach that follows
        self._stop_waiting()
        self.outlet.remove(self)
        if self.session is not None:
            self.outlet.leave(self.session, failed=lost)
            self.session = None

    def session_lost(self, lock: SessionLock) -> None:
        """The lock ran out and the session was taken away."""
        self.session = None
        self.outlet.remove(self)
        self.detach(session_lock_lost(lock.session_id))

    # --- delivering -----------------------------------------------------------------------------

    def on_flow(self, flow: Flow) -> None:
        client_count = int(flow.delivery_count or 0)
        self._credit = (client_count + int(flow.link_credit or 0) - self._delivery_count) % _SERIAL
        if self._credit > _SERIAL // 2:
            self._credit = 0  # the client takes credit back that was used meanwhile
        self.drain = bool(flow.drain)
        self.outlet.changed()

    def resume(self) -> None:
        self.outlet.changed()

    def can_deliver(self) -> bool:
        channel = self.channel
        return self._credit > 0 and channel.window > 0 and not channel.connection.paused

    def deliver_next(self) -> bool:
        """Send the next message, if there is one."""
        if self._settled:
            payload = self.outlet.receive_and_delete(self.session)
            token, lock = uuid.uuid4(), None
        else:
            locked = self.outlet.receive(self.session)
            payload = None
            if locked is not None:
                token, payload = locked
                lock = (self, token)
        if payload is None:
            return False
        self._delivery_count = (self._delivery_count + 1) % _SERIAL
        self._credit -= 1
        self.channel.deliver(self.handle, token.bytes_le, payload, lock)
        return True

    def finish_drain(self) -> None:
        """Nothing is left to send: use the credit up and say so."""
        self.drain = False
        self._delivery_count = (self._delivery_count + self._credit) % _SERIAL
        self._credit = 0
        count = UInt(self._delivery_count)
        self.channel.send_flow(
            Flow(handle=UInt(self.handle), delivery_count=count, link_credit=UInt(0), drain=True)
        )

    # --- settling -------------------------------------------------------------------------------

    def settle(self, token: uuid.UUID, state: Any) -> Described:
        """Apply the client's outcome and echo its kind; a failure is ``rejected`` with an error."""
        try:
            return self._apply(token, state)
        except RefusalError as refusal:
            return rejected(refusal.condition, refusal.description)

    def _apply(self, token: uuid.UUID, state: Any) -> Described:
        code = state.descriptor if isinstance(state, Described) else None
        if code == Outcome.ACCEPTED:
            self.outlet.complete(token)
        elif code == Outcome.RELEASED:
            self.outlet.release(token)
        elif code == Outcome.MODIFIED:
            undeliverable_here = len(state.value) > 1 and state.value[1]
            (self.outlet.defer if undeliverable_here else self.outlet.abandon)(token)
        elif code == Outcome.REJECTED:
            self.outlet.dead_letter(token, *_dead_letter_reason(state))
        else:
            raise bad_argument("A disposition needs an outcome.")
        return outcome(int(code))


def _dead_letter_reason(state: Described) -> tuple[str, str]:
    fault = state.value[0] if state.value else None
    if not isinstance(fault, Described):
        return "", ""
    fields = [*fault.value, None, None, None]
    info = fields[2] or {}
    reason = info.get("DeadLetterReason", fields[0])
    description = info.get("DeadLetterErrorDescription", fields[1])
    return str(reason or ""), str(description or "")
