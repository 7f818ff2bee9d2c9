"""What Graph and Dataverse tell us: a hint each, checked, and queued within milliseconds.

Nothing here calls Graph or Dataverse; a hint that could not be queued is answered 503, so that it comes
again. Unknown subscriptions and wrong client states are answered 202 and dropped: the sender learns nothing.
"""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Mapping
from typing import Any, Protocol

from shared.engine.ports import Jobs, SubscriptionStore
from shared.errors import SyncError
from shared.mailboxes.change_notifications import is_ours
from shared.web.http import Answer, Request, error_answer

GRAPH_LIMIT = 1024 * 1024
DATAVERSE_LIMIT = 256 * 1024
NOTIFICATIONS_LIMIT = 1000
TOKEN_LIMIT = 4096

LIFECYCLE_CAUSES = {
    "reauthorizationRequired": "reauthorize",
    "subscriptionRemoved": "subscriptions",
    "missed": "missed",
}

log = logging.getLogger("sync.notifications")


class Clock(Protocol):
    def __call__(self) -> Any: ...


async def graph(
    request: Request, subscriptions: SubscriptionStore, jobs: Jobs, now: Clock, *, lifecycle: bool
) -> Answer:
    """A change notification or a lifecycle event of Graph, or the handshake of a new subscription."""
    token = request.query.get("validationToken")
    if token is not None:
        return _handshake(token)
    if len(request.body) > GRAPH_LIMIT:
        return error_answer(413, "tooLarge", "The notification is too large.")
    entries = _entries(request.body)
    if entries is None:
        return error_answer(400, "badRequest", "This is no notification of Microsoft Graph.")
    try:
        causes = await _causes(entries, subscriptions, lifecycle=lifecycle)
        await _queue(causes, jobs, now)
    except SyncError as error:
        log.warning("notification not queued: %s", error.code or type(error).__name__)
        return error_answer(503, "notQueued", "It could not be queued; send it again.")
    return Answer(202)


def _handshake(token: str) -> Answer:
    """Graph wants its token back as plain text; nobody's browser shall read it as anything else."""
    if not token or len(token) > TOKEN_LIMIT:
        return error_answer(400, "badRequest", "The validation token is missing or too long.")
    headers = {"X-Content-Type-Options": "nosniff"}
    return Answer(200, token.encode(), "text/plain; charset=utf-8", headers)


def _entries(body: bytes) -> list[dict[str, Any]] | None:
    try:
        value = json.loads(body)["value"]
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(value, list) or len(value) > NOTIFICATIONS_LIMIT:
        return None
    return [entry for entry in value if isinstance(entry, dict)]


async def _causes(
    entries: list[dict[str, Any]], subscriptions: SubscriptionStore, *, lifecycle: bool
) -> dict[str, set[str]]:
    """Mailboxes by cause. Each subscription is looked up once, however long the burst."""
    known: dict[str, Any] = {}
    causes: dict[str, set[str]] = {}
    for entry in entries:
        number = str(entry.get("subscriptionId") or "")
        if number not in known:
            known[number] = await subscriptions.get(number) if 0 < len(number) <= 128 else None
        row = known[number]
        if row is None or not is_ours(row, str(entry.get("clientState") or "")):
            continue
        causes.setdefault(_cause(entry, lifecycle), set()).add(row.mailbox)
    return causes


def _cause(entry: Mapping[str, Any], lifecycle: bool) -> str:
    event = entry.get("lifecycleEvent")
    if lifecycle or event:
        return LIFECYCLE_CAUSES.get(str(event), "missed")
    return "notification"


async def _queue(causes: dict[str, set[str]], jobs: Jobs, now: Clock) -> None:
    for cause, mailboxes in causes.items():
        await jobs.hint(sorted(mailboxes), cause, now())


async def dynamics(request: Request, key: str, organization: str, jobs: Jobs, now: Clock) -> Answer:
    """Dataverse's web hook: whatever it says means "read the change feed"."""
    given = request.header("x-webhook-key") or request.query.get("code", "")
    if not key or not hmac.compare_digest(given.encode(), key.encode()):
        return error_answer(401, "unauthorized", "The web hook's key is wrong or missing.")
    if len(request.body) > DATAVERSE_LIMIT:
        return error_answer(413, "tooLarge", "The message is too large.")
    try:
        await jobs.read_feed(organization, "push", now())
    except SyncError as error:
        log.warning("change hint not queued: %s", error.code or type(error).__name__)
        return error_answer(503, "notQueued", "It could not be queued; send it again.")
    return Answer(202)
