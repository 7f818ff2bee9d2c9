"""What an attach asks for, and the link it becomes: by address, role and session filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from local.service_bus.amqp_decode import DecodeError
from local.service_bus.amqp_types import Described, UInt
from local.service_bus.links import Link, QueueSenderLink
from local.service_bus.management import Management
from local.service_bus.performatives import Attach, Detach, error
from local.service_bus.refusals import RefusalError, bad_argument, not_allowed, not_found, unauthorized
from local.service_bus.request_links import Reply, ReplyLink, Request, RequestLink
from local.service_bus.sending_link import SESSION_FILTER, SendingLink

if TYPE_CHECKING:
    from local.service_bus.channel import Channel
    from local.service_bus.connection import Connection
    from local.service_bus.entity import Entity, Outlet

CBS = "$cbs"
MANAGEMENT = "/$management"
DEAD_LETTERS = "/$deadletterqueue"
_FILTER_FIELD = 7
_CBS_KEYS = ("status-code", "status-description", "error-condition")
_MANAGEMENT_KEYS = ("statusCode", "statusDescription", "errorCondition")
_NO_FILTER = object()


def open_link(channel: Channel, attach: Attach) -> Link | None:
    """The link for this attach; None when it was refused (and the client told so)."""
    receiving = bool(attach.role)
    address = _address(attach.source if receiving else attach.target)
    try:
        return _receiver(channel, attach, address) if receiving else _sender(channel, attach, address)
    except RefusalError as refusal:
        _refuse(channel, attach, refusal)
        return None


def _sender(channel: Channel, attach: Attach, address: str) -> Link:
    """The client wants to send."""
    if address == CBS:
        return RequestLink(channel, attach, address, _put_token(channel.connection), _CBS_KEYS)
    _require_token(channel)
    if address.endswith(MANAGEMENT):
        management = Management(_outlet(channel, address.removesuffix(MANAGEMENT)), channel.connection)
        return RequestLink(channel, attach, address, management.answer, _MANAGEMENT_KEYS)
    if address.endswith(DEAD_LETTERS):
        raise not_allowed("Messages cannot be sent to a dead-letter queue.")
    return QueueSenderLink(channel, attach, _entity(channel, address))


def _receiver(channel: Channel, attach: Attach, address: str) -> Link:
    """The client wants to receive."""
    if address == CBS:
        return ReplyLink(channel, attach, address)
    _require_token(channel)
    if address.endswith(MANAGEMENT):
        _outlet(channel, address.removesuffix(MANAGEMENT))
        return ReplyLink(channel, attach, address)
    outlet = _outlet(channel, address)
    wanted = _session_filter(attach.source)
    if outlet.requires_session and wanted is _NO_FILTER:
        raise not_allowed("An entity that requires sessions has no receivers without a session.")
    if not outlet.requires_session and wanted is not _NO_FILTER:
        raise not_allowed("A session receiver cannot be created on an entity that does not require sessions.")
    return SendingLink(channel, attach, outlet, None if wanted is _NO_FILTER else wanted)


def _refuse(channel: Channel, attach: Attach, refusal: RefusalError) -> None:
    """A sender is refused with a null target, a receiver with its source echoed, then the link is closed.

    The SDK understands these two shapes best: with the other ones it retries or hides the reason.
    """
    link = Link(channel, attach)
    link.reply(**({} if attach.role else {"target": None}))
    fault = error(refusal.condition, refusal.description)
    channel.send(Detach(UInt(attach.handle), True, fault))


def _address(terminus: Any) -> str:
    """The entity's path in lower case, without scheme and host (which come as ``amqps`` even without TLS)."""
    address = terminus.value[0] if isinstance(terminus, Described) and terminus.value else None
    if not isinstance(address, str):
        raise DecodeError("an attach without an address")
    path = urlsplit(address).path if "://" in address else address
    return path.strip("/").lower()


def _entity(channel: Channel, path: str) -> Entity:
    entity = channel.connection.broker.entities.get(path)
    if entity is None:
        raise not_found(path)
    return entity


def _outlet(channel: Channel, path: str) -> Outlet:
    if path.endswith(DEAD_LETTERS):
        return _entity(channel, path.removesuffix(DEAD_LETTERS)).dead
    return _entity(channel, path).main


def _session_filter(source: Described) -> Any:
    """The session asked for, None for the next one available, or no filter at all."""
    filters = source.value[_FILTER_FIELD] if len(source.value) > _FILTER_FIELD else None
    if not filters or SESSION_FILTER not in filters:
        return _NO_FILTER
    wanted = filters[SESSION_FILTER]
    return wanted.value if isinstance(wanted, Described) else wanted


def _require_token(channel: Channel) -> None:
    if not channel.connection.authorized:
        raise unauthorized("No token was put for this entity on $cbs.")


def _put_token(connection: Connection) -> Any:
    """Any token is good on loopback, but one there must be, as in the service."""

    def put_token(request: Request) -> Reply:
        if request.operation != "put-token" or not request.body:
            raise bad_argument("$cbs takes put-token with a token.")
        connection.authorized = True
        return Reply(202, None, "Accepted")

    return put_token
