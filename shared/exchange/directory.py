"""Finding a mailbox by any of its addresses, and what Graph says about it."""

from __future__ import annotations

from typing import Any

from shared.engine.ports import MailboxInfo
from shared.errors import MailboxBroken, NotFound
from shared.exchange.channel import Channel
from shared.exchange.client import Json
from shared.exchange.errors import USER_UNKNOWN

_FIELDS = ["id", "mail", "userPrincipalName", "displayName"]


async def mailbox_info(channel: Channel, mailbox_id: str) -> MailboxInfo:
    user = await _user(channel, mailbox_id)
    return await _with_settings(channel, user)


async def find_mailbox(channel: Channel, address: str) -> MailboxInfo:
    """By principal name or id, else by any address that mail may be sent to."""
    try:
        user = await _user(channel, address)
    except (MailboxBroken, NotFound) as error:
        if error.code != USER_UNKNOWN and not isinstance(error, NotFound):
            raise
        user = await _user_with_address(channel, address)
    return await _with_settings(channel, user)


async def _user(channel: Channel, key: str) -> Json:
    builder = channel.client.graph.users.by_user_id(key)
    return (await channel.send(channel.client.get("user", builder, select=_FIELDS))).body


async def _user_with_address(channel: Channel, address: str) -> Json:
    text = address.replace("'", "''")
    condition = f"proxyAddresses/any(p:p eq 'smtp:{text}')"
    request = channel.client.get("user", channel.client.graph.users, filter=condition, select=_FIELDS)
    async for row in channel.rows(request):
        return row
    raise NotFound("nobody has this address", code=USER_UNKNOWN, status=404)


async def _with_settings(channel: Channel, user: Json) -> MailboxInfo:
    """Asking for the settings also tells whether there is a mailbox at all."""
    identifier = str(user["id"])
    builder = channel.client.graph.users.by_user_id(identifier).mailbox_settings
    settings = (await channel.send(channel.client.get("mailbox_settings", builder))).body
    address = user.get("mail") or user.get("userPrincipalName") or ""
    return MailboxInfo(identifier, str(address), str(user.get("displayName") or ""), _zone(settings))


def _zone(settings: Json) -> str:
    name: Any = settings.get("timeZone")
    return name if isinstance(name, str) and name else "UTC"
