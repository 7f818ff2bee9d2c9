"""The operations of ``<entity>/$management``, one function each, and the table that names them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from local.service_bus.amqp_types import Array, Int, Long, Timestamp
from local.service_bus.message import parse, timestamp
from local.service_bus.refusals import bad_argument, not_implemented, session_lock_lost
from local.service_bus.request_links import Reply, Request
from local.service_bus.sessions import SessionLock

if TYPE_CHECKING:
    from local.service_bus.connection import Connection
    from local.service_bus.entity import Outlet

# What the SDK sends for "all sessions": the end of .NET's calendar.
_NO_TIME_FILTER = 253_402_300_800_000
_DELETE = 0

Body = dict[str, Any]


class Management:
    """Management of one queue, or of its dead letters, for one connection."""

    def __init__(self, outlet: Outlet, connection: Connection) -> None:
        self.outlet = outlet
        self._connection = connection

    def answer(self, request: Request) -> Reply:
        operation = _OPERATIONS.get(request.operation.removeprefix("com.microsoft:"))
        if operation is None:
            raise not_implemented(f"The operation '{request.operation}' is not known.")
        if not isinstance(request.body, dict):
            raise bad_argument("The request's body must be a map.")
        return operation(self, request.body)

    def session(self, body: Body) -> SessionLock:
        """The session named in the request, which a link of this very connection must hold."""
        session_id = _required(body, "session-id")
        lock = self.outlet.session(session_id)
        if lock is None or self.outlet.holder_connection(lock) is not self._connection:
            raise session_lock_lost(session_id)
        return lock

    def session_if_any(self, body: Body) -> SessionLock | None:
        """On a session queue messages are only touched under the session's lock."""
        if not self.outlet.requires_session and body.get("session-id") is None:
            return None
        return self.session(body)


def _renew_lock(management: Management, body: Body) -> Reply:
    outlet = management.outlet
    until = [outlet.renew(token) for token in _required(body, "lock-tokens")]
    return Reply(200, {"expirations": Array(timestamp(outlet.real_time(at)) for at in until)})


def _renew_session_lock(management: Management, body: Body) -> Reply:
    outlet = management.outlet
    until = outlet.renew_session(management.session(body))
    return Reply(200, {"expiration": timestamp(outlet.real_time(until))})


def _schedule(management: Management, body: Body) -> Reply:
    contents = [parse(row["message"]) for row in _required(body, "messages")]
    if any(content.scheduled_at is None for content in contents):
        raise bad_argument("A scheduled message needs its scheduled enqueue time.")
    sequences = management.outlet.entity.send(contents)
    return Reply(200, {"sequence-numbers": Array(Long(sequence) for sequence in sequences)})


def _cancel(management: Management, body: Body) -> Reply:
    management.outlet.entity.cancel_scheduled(_required(body, "sequence-numbers"))
    return Reply(200)


def _peek(management: Management, body: Body) -> Reply:
    start, count = int(_required(body, "from-sequence-number")), int(_required(body, "message-count"))
    messages = management.outlet.peek(start, count, body.get("session-id"))
    if not messages:
        return Reply(204, None, "No messages.")
    return Reply(200, {"messages": [{"message": message} for message in messages]})


def _receive_deferred(management: Management, body: Body) -> Reply:
    session = management.session_if_any(body)
    sequences = [int(sequence) for sequence in _required(body, "sequence-numbers")]
    delete = body.get("receiver-settle-mode") == _DELETE
    received = management.outlet.receive_deferred(sequences, session, delete=delete)
    rows = [{"message": message, "lock-token": token} for token, message in received]
    return Reply(200, {"messages": rows})


def _update_disposition(management: Management, body: Body) -> Reply:
    outlet = management.outlet
    management.session_if_any(body)
    tokens: list[UUID] = list(_required(body, "lock-tokens"))
    status = _required(body, "disposition-status")
    settle: dict[str, Callable[[UUID], None]] = {
        "completed": outlet.complete,
        "abandoned": outlet.abandon,
        "defered": outlet.defer,  # spelled so on the wire
        "suspended": lambda token: outlet.dead_letter(
            token, body.get("deadletter-reason") or "", body.get("deadletter-description") or ""
        ),
    }
    if status not in settle:
        raise bad_argument(f"The disposition status '{status}' is not known.")
    for token in tokens:
        outlet.check_held(token)
    for token in tokens:
        settle[status](token)
    return Reply(200)


def _get_session_state(management: Management, body: Body) -> Reply:
    lock = management.session(body)
    return Reply(200, {"session-state": management.outlet.session_state(lock.session_id)})


def _set_session_state(management: Management, body: Body) -> Reply:
    lock = management.session(body)
    management.outlet.set_session_state(lock.session_id, body.get("session-state"))
    return Reply(200)


def _list_sessions(management: Management, body: Body) -> Reply:
    updated: Timestamp = _required(body, "last-updated-time")
    after = None if updated >= _NO_TIME_FILTER else updated / 1000
    skip, top = int(body.get("skip") or 0), int(body.get("top") or 100)
    page = management.outlet.list_sessions(after)[skip : skip + top]
    if not page:
        return Reply(204, None, "No sessions.", "com.microsoft:session-not-found")
    return Reply(200, {"skip": Int(skip + len(page)), "sessions-ids": page})


def _required(body: Body, key: str) -> Any:
    if body.get(key) is None:
        raise bad_argument(f"The request lacks '{key}'.")
    return body[key]


_OPERATIONS: dict[str, Callable[[Management, Body], Reply]] = {
    "renew-lock": _renew_lock,
    "renew-session-lock": _renew_session_lock,
    "schedule-message": _schedule,
    "cancel-scheduled-message": _cancel,
    "peek-message": _peek,
    "receive-by-sequence-number": _receive_deferred,
    "update-disposition": _update_disposition,
    "get-session-state": _get_session_state,
    "set-session-state": _set_session_state,
    "get-message-sessions": _list_sessions,
}
