"""Exchange Online as a whole, reached through Microsoft Graph."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.clock import Now
from shared.engine.ports import MailboxInfo, Subscription
from shared.exchange import directory
from shared.exchange.channel import Channel
from shared.exchange.client import GraphClient
from shared.exchange.mailbox import GraphMailbox
from shared.exchange.subscriptions import Subscriptions
from shared.exchange.throttle import MailboxThrottle, Sleep

if TYPE_CHECKING:
    import httpx


class GraphExchange:
    """Implements the engine's ``Exchange``. Building it loads msgraph-sdk (about 0.1 s): do it at start.

    ``credential``: ``async get_token(*scopes, **options)`` returning an ``azure.core`` ``AccessToken``.
    ``transport``: what carries requests instead of sockets.
    """

    def __init__(
        self,
        base_url: str,
        credential: Any,
        public_base_url: str,
        clock: Now,
        *,
        sleep: Sleep = asyncio.sleep,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._client = GraphClient(base_url, credential, transport)
        self._now = clock
        self._sleep = sleep
        self._throttles: dict[str, MailboxThrottle] = {}
        # Users and subscriptions are no mailbox's business; they have a budget of their own.
        self._tenant = Channel(self._client, MailboxThrottle(clock, sleep))
        self._subscriptions = Subscriptions(self._tenant, public_base_url)

    async def close(self) -> None:
        await self._client.close()

    @property
    def requests(self) -> Counter[str]:
        """Requests that belong to no mailbox, by kind."""
        return self._tenant.requests

    def mailbox(self, mailbox_id: str, time_zone: str = "UTC", *, rich: bool = False) -> GraphMailbox:
        """A new view of the mailbox, with counts of its own; its budget is shared by all views."""
        client = self._client.asking_for("html") if rich else self._client
        throttle = self._throttles.setdefault(mailbox_id, MailboxThrottle(self._now, self._sleep))
        return GraphMailbox(Channel(client, throttle), mailbox_id, time_zone)

    async def find_mailbox(self, address: str) -> MailboxInfo:
        return await directory.find_mailbox(self._tenant, address)

    async def subscribe(
        self, mailbox_id: str, *, resource: str, client_state: str, expires_at: datetime
    ) -> Subscription:
        made = await self._subscriptions.create(resource, client_state, expires_at)
        return Subscription(made.id, mailbox_id, made.resource, made.expires_at)

    async def renew_subscription(self, subscription_id: str, expires_at: datetime) -> Subscription:
        return await self._subscriptions.renew(subscription_id, expires_at)

    async def delete_subscription(self, subscription_id: str) -> None:
        await self._subscriptions.delete(subscription_id)

    async def subscriptions(self) -> Sequence[Subscription]:
        return await self._subscriptions.all()
