"""Change-notification subscriptions: made, extended, ended, listed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from shared.engine.ports import Subscription
from shared.errors import NotFound, Refused, UnknownResult
from shared.exchange.channel import Channel
from shared.exchange.client import Json
from shared.exchange.errors import UNREADABLE

CHANGES = "created,updated,deleted"
NOTIFICATIONS_PATH = "/api/graph/notifications"
LIFECYCLE_PATH = "/api/graph/lifecycle"
_MAILBOX = re.compile(r"^/?users(?:/([^/]+)|\('([^']+)'\))/", re.IGNORECASE)


class Subscriptions:
    """``public_base_url``: where Graph reaches our functions. It calls back before its answer to a create
    comes, so that the notification functions must be up by then."""

    def __init__(self, channel: Channel, public_base_url: str) -> None:
        self._channel = channel
        self._client = channel.client
        self._base = public_base_url.rstrip("/")

    async def create(self, resource: str, client_state: str, expires_at: datetime) -> Subscription:
        body = {
            "resource": resource,
            "changeType": CHANGES,
            "notificationUrl": self._base + NOTIFICATIONS_PATH,
            "lifecycleNotificationUrl": self._base + LIFECYCLE_PATH,
            "clientState": client_state,
            "expirationDateTime": _text(expires_at),
            "latestSupportedTlsVersion": "v1_2",
        }
        builder = self._client.graph.subscriptions
        reply = await self._channel.send(self._client.write("subscribe", "POST", builder, body))
        return _written(reply.body)

    async def renew(self, subscription_id: str, expires_at: datetime) -> Subscription:
        """A PATCH extends and reauthorizes in one."""
        body = {"expirationDateTime": _text(expires_at)}
        request = self._client.write("renew", "PATCH", self._one(subscription_id), body)
        try:
            return _written((await self._channel.send(request)).body)
        except Refused as error:
            raise _not_found(error) from error

    async def delete(self, subscription_id: str) -> None:
        """One that is gone already is deleted."""
        try:
            await self._channel.send(self._client.delete("unsubscribe", self._one(subscription_id)))
        except Refused as error:
            if error.status != 404:
                raise

    async def all(self) -> Sequence[Subscription]:
        request = self._client.get("subscriptions", self._client.graph.subscriptions)
        return [_subscription(row) async for row in self._channel.rows(request)]

    def _one(self, subscription_id: str) -> Any:
        return self._client.graph.subscriptions.by_subscription_id(subscription_id)


def _not_found(error: Refused) -> Refused:
    """Here any 404 says that there is no such subscription, whatever its code."""
    if error.status == 404 and not isinstance(error, NotFound):
        return NotFound(str(error), code=error.code, status=404)
    return error


def _written(row: Json) -> Subscription:
    try:
        return _subscription(row)
    except (KeyError, ValueError) as error:
        raise UnknownResult("the answer cannot be read", code=UNREADABLE) from error


def _subscription(row: Json) -> Subscription:
    resource = str(row["resource"])
    match = _MAILBOX.match(resource)
    mailbox = (match[1] or match[2]) if match else ""
    return Subscription(str(row["id"]), mailbox, resource, _moment(str(row["expirationDateTime"])))


def _moment(text: str) -> datetime:
    """Graph prints up to seven decimals."""
    return datetime.fromisoformat(re.sub(r"(\.\d{1,6})\d*", r"\1", text).replace("Z", "+00:00"))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
