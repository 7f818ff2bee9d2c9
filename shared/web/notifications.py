"""What Graph and Dataverse tell us: a hint each, checked, and queued within milliseconds.

Nothing here calls Graph or Dataverse; a hint that could not be queued is answered 503, so that it comes
again. Unknown subscriptions and wrong client states are answered 202 and dropped: the sender learns nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from shared.engine.ports import Jobs, SubscriptionRow, SubscriptionStore
from shared.errors import SyncError
from shared.mailboxes.change_notifications import CONTACTS, is_ours
from shared.model.feed_tables import cause_of
from shared.model.filter_push import ABOUT_SYSTEM, FILTER_TABLES, SYSTEM_FILTER, from_context
from shared.web.http import Answer, Request, error_answer, parse_json

GRAPH_LIMIT = 1024 * 1024
DATAVERSE_LIMIT = 256 * 1024
NOTIFICATIONS_LIMIT = 1000
TOKEN_LIMIT = 4096
LOOKUPS_AT_ONCE = 16

SUBSCRIPTION_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
LIFECYCLE_CAUSES = {
    "reauthorizationRequired": "reauthorize",
    "subscriptionRemoved": "subscriptions",
    "missed": "missed",
}

log = logging.getLogger("sync.notifications")


class Clock(Protocol):
    def __call__(self) -> datetime: ...


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
    try:
        echo = token.encode()
    except UnicodeEncodeError:
        echo = b""
    if not echo or len(echo) > TOKEN_LIMIT:
        return error_answer(400, "badRequest", "The validation token is missing, too long or no text.")
    headers = {"X-Content-Type-Options": "nosniff"}
    return Answer(200, echo, "text/plain; charset=utf-8", headers)


def _entries(body: bytes) -> list[dict[str, Any]] | None:
    try:
        value = parse_json(body)["value"]
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(value, list) or len(value) > NOTIFICATIONS_LIMIT:
        return None
    return [entry for entry in value if isinstance(entry, dict)]


async def _causes(
    entries: Sequence[Mapping[str, Any]], subscriptions: SubscriptionStore, *, lifecycle: bool
) -> dict[str, set[str]]:
    """Mailboxes by cause. Each subscription is looked up once, however long the burst."""
    known = await _look_up(dict.fromkeys(_subscription_id(entry) for entry in entries), subscriptions)
    causes: dict[str, set[str]] = {}
    for entry in entries:
        row = known.get(_subscription_id(entry))
        if row is not None and is_ours(row, _text(entry, "clientState")):
            causes.setdefault(_cause(entry, row, lifecycle), set()).add(row.mailbox)
    return causes


async def _look_up(ids: Mapping[str, None], store: SubscriptionStore) -> dict[str, SubscriptionRow]:
    """What cannot be an id is not looked up: strangers choose what stands there."""
    wanted = [number for number in ids if SUBSCRIPTION_ID.fullmatch(number)]
    found: dict[str, SubscriptionRow] = {}
    for begin in range(0, len(wanted), LOOKUPS_AT_ONCE):
        some = wanted[begin : begin + LOOKUPS_AT_ONCE]
        rows = await asyncio.gather(*(store.get(number) for number in some))
        found |= {number: row for number, row in zip(some, rows, strict=True) if row is not None}
    return found


def _subscription_id(entry: Mapping[str, Any]) -> str:
    return _text(entry, "subscriptionId")


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def _cause(entry: Mapping[str, Any], row: SubscriptionRow, lifecycle: bool) -> str:
    """What it is about is said by our own row, not by the sender."""
    event = _text(entry, "lifecycleEvent")
    if lifecycle or event:
        return LIFECYCLE_CAUSES.get(event, "missed")
    return "contacts" if row.resource.endswith(CONTACTS) else "notification"


async def _queue(causes: Mapping[str, set[str]], jobs: Jobs, now: Clock) -> None:
    for cause, mailboxes in causes.items():
        await jobs.hint(sorted(mailboxes), cause, now())


async def dynamics(request: Request, key: str, organization: str, jobs: Jobs, now: Clock) -> Answer:
    """Dataverse's web hook: whatever it says means "read the change feed", of the tables that it is about."""
    given = request.header("x-webhook-key") or request.query.get("code", "")
    if not key or not _same(given, key):
        return error_answer(401, "unauthorized", "The web hook's key is wrong or missing.")
    if len(request.body) > DATAVERSE_LIMIT:
        return error_answer(413, "tooLarge", "The message is too large.")
    try:
        about = _about(request)
    except ValueError:
        return error_answer(400, "badRequest", "This is no message of Dataverse about a filter.")
    try:
        await jobs.read_feed(organization, about, now())
    except SyncError as error:
        log.warning("change hint not queued: %s", error.code or type(error).__name__)
        return error_answer(503, "notQueued", "It could not be queued; send it again.")
    return Answer(202)


def _about(request: Request) -> str:
    """What is to be read. Only of filters the message has to say which. Raises ValueError."""
    table = request.header("x-ms-dynamics-entity-name").lower()
    if table not in FILTER_TABLES:
        return cause_of(table)
    if table == SYSTEM_FILTER:
        return ABOUT_SYSTEM
    context = parse_json(request.body)
    if not isinstance(context, Mapping):
        raise ValueError("not an object")
    return from_context(context).cause


def _same(given: str, key: str) -> bool:
    """In constant time, whatever was given and however long it is."""
    digests = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in (given, key)]
    return hmac.compare_digest(*digests)
