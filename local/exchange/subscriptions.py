"""``/subscriptions``: who wants to be told of changes, where, and for how long."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from yarl import URL

from local.clock import Clock
from local.exchange.call import Answer, Call
from local.exchange.contact_folders import WELL_KNOWN, ContactFolders
from local.exchange.directory import Directory
from local.exchange.errors import GraphError, bad_request
from local.exchange.identifiers import Identifiers
from local.exchange.routing import Router
from local.exchange.validation import checked
from local.exchange.zones import utc_text
from local.journaled import JournaledTables
from local.wire import Outgoing, Unreachable

Json = dict[str, Any]

MAX_MINUTES = 10_070  # what the service allows of the 10,080 that the documentation promises
MIN_MINUTES = 45
MAX_PER_MAILBOX = 1000
MAX_CLIENT_STATE = 128
HANDSHAKE_SECONDS = 10.0
APPLICATION_ID = "6a1e2b1c-7d0f-4f6a-9b7e-0c2d6f1a9e44"
SERVICE_PRINCIPAL_ID = "f4c0a1d2-58be-4c39-8a0e-3b1e5f7d9c02"

_MAILBOX = r"^/?users(?:/([^/]+)|\('([^']+)'\))"
_EVENTS = re.compile(rf"{_MAILBOX}/events$", re.IGNORECASE)
_CONTACTS = re.compile(rf"{_MAILBOX}(?:/contactFolders(?:/([^/]+)|\('([^']+)'\)))?/contacts$", re.IGNORECASE)
_TASKS = re.compile(rf"{_MAILBOX}/todo/lists(?:/[^/]+|\('[^']+'\))/tasks$", re.IGNORECASE)
_CHANGES = ("created", "updated", "deleted")
_REQUIRED = ("changeType", "notificationUrl", "resource", "expirationDateTime")
_READ_ONLY = frozenset({"id", "applicationId", "creatorId", "notificationUrlAppId"})


class Subscriptions:
    """Rows of the table ``subscriptions``; an expired one is gone."""

    def __init__(
        self,
        tables: JournaledTables,
        clock: Clock,
        directory: Directory,
        folders: ContactFolders,
        identifiers: Identifiers,
    ) -> None:
        self._folders = folders
        self._tables = tables
        self._clock = clock
        self._directory = directory
        self._identifiers = identifiers
        self._by_user: dict[str, dict[str, None]] = {}
        for row in tables.table("subscriptions").values():
            self._index(row)

    def live(self) -> list[Json]:
        return self._living(self._tables.table("subscriptions").values())

    def of_user(self, user: str) -> list[Json]:
        """The live ones to a mailbox: a tenant has tens of thousands."""
        rows = self._tables.table("subscriptions")
        return self._living([rows[identifier] for identifier in self._by_user.get(user, ())])

    def get(self, identifier: str) -> Json:
        row: Json | None = self._tables.get("subscriptions", identifier.lower())
        if row is None or not self._living([row]):
            raise GraphError(404, "ResourceNotFound", "The object was not found.")
        return row

    def put(self, row: Json) -> None:
        self._tables.put("subscriptions", row["id"], row)
        self._index(row)

    def remove(self, identifier: str) -> None:
        row = self._tables.get("subscriptions", identifier)
        if row is not None:
            del self._by_user[row["user"]][identifier]
            self._tables.delete("subscriptions", identifier)

    def _index(self, row: Json) -> None:
        self._by_user.setdefault(row["user"], {})[row["id"]] = None

    def _living(self, rows: Iterable[Json]) -> list[Json]:
        now = self._clock.now()
        return [row for row in rows if datetime.fromisoformat(row["expirationDateTime"]) > now]

    def new(self, body: Json, *, service: bool, immutable_ids: bool) -> Json:
        """A checked subscription, not stored yet: its endpoints have still to answer."""
        sent = checked("subscription", body, ignored=_READ_ONLY)
        for name in _REQUIRED:
            if not sent.get(name):
                raise bad_request(f"The required property '{name}' is missing.", "InvalidRequest")
        self._check(sent)
        kind, user, folder = self._watched(sent["resource"])
        if len(self.of_user(user["id"])) >= MAX_PER_MAILBOX:
            raise GraphError(403, "ExtensionError", "Subscription limit per mailbox reached.")
        return {
            "id": self._identifiers.guid(),
            "user": user["id"],
            "kind": kind,
            "folder": folder,
            "service": service,
            "immutable": immutable_ids,
            **{name: sent.get(name) for name in ("clientState", "lifecycleNotificationUrl", "resource")},
            "notificationUrl": sent["notificationUrl"],
            "latestSupportedTlsVersion": sent.get("latestSupportedTlsVersion") or "v1_2",
            "changeType": ",".join(_change_types(sent["changeType"])),
            "expirationDateTime": self.expiry(sent["expirationDateTime"]),
        }

    def _check(self, sent: Json) -> None:
        if len(sent.get("clientState") or "") > MAX_CLIENT_STATE:
            raise bad_request(f"clientState has more than {MAX_CLIENT_STATE} characters.", "InvalidRequest")
        for name in ("notificationUrl", "lifecycleNotificationUrl"):
            url = sent.get(name)
            if url and not re.match(r"^(https://|http://(127\.0\.0\.1|localhost)[:/])", url):
                raise bad_request(f"'{name}' must be an https URL.", "InvalidRequest")
        if sent.get("includeResourceData"):
            raise bad_request("Notifications with resource data are not supported here.", "InvalidRequest")

    def _watched(self, resource: str) -> tuple[str, Json, str | None]:
        """What kind of items, whose, and of contacts in which folder: the default one unless named."""
        if match := _EVENTS.match(resource):
            return "event", self._directory.mailbox(match[1] or match[2]), None
        if match := _CONTACTS.match(resource):
            user = self._directory.mailbox(match[1] or match[2])
            folder = self._folders.get(user, match[3] or match[4] or WELL_KNOWN)
            return "contact", user, folder["id"]
        if _TASKS.match(resource):
            raise GraphError(
                403, "ExtensionError", "Application permissions do not allow subscriptions to To Do tasks."
            )
        raise bad_request(f"Resource '{resource}' is not supported for subscription.", "InvalidRequest")

    def expiry(self, text: str) -> str:
        """At least 45 minutes from now; too far is refused, as is the past."""
        now = self._clock.now()
        wanted = datetime.fromisoformat(text)
        wanted = wanted if wanted.tzinfo else wanted.replace(tzinfo=UTC)
        if wanted > now + timedelta(minutes=MAX_MINUTES):
            raise bad_request(
                f"Subscription expiration can only be {MAX_MINUTES} minutes in the future.", "ExtensionError"
            )
        if wanted < now:
            raise bad_request("Subscription expiration must be in the future.", "InvalidRequest")
        return utc_text(max(wanted, now + timedelta(minutes=MIN_MINUTES)))


def _change_types(text: str) -> list[str]:
    names = [name.strip().lower() for name in text.split(",")]
    for name in names:
        if name not in _CHANGES:
            raise bad_request(f"'{name}' is not a valid changeType.", "InvalidRequest")
    return names


class SubscriptionRoutes:
    """A subscription belongs to the application that made it."""

    def __init__(self, subscriptions: Subscriptions, identifiers: Identifiers, outgoing: Outgoing) -> None:
        self._subscriptions = subscriptions
        self._identifiers = identifiers
        self._outgoing = outgoing

    def add_to(self, router: Router) -> None:
        router.add("POST", "subscriptions", self.create)
        router.add("GET", "subscriptions", self.list_own)
        router.add("GET", "subscriptions/{subscription}", self.get)
        router.add("PATCH", "subscriptions/{subscription}", self.patch)
        router.add("DELETE", "subscriptions/{subscription}", self.delete)
        router.add("POST", "subscriptions/{subscription}/reauthorize", self.reauthorize)

    async def create(self, call: Call) -> Answer:
        immutable = call.preferences.immutable_ids
        row = self._subscriptions.new(call.body(), service=call.caller.service, immutable_ids=immutable)
        urls = [row["notificationUrl"], row["lifecycleNotificationUrl"]]
        await asyncio.gather(*(self._handshake(url) for url in urls if url))
        self._subscriptions.put(row)
        return Answer(201, self._shown(call, row))

    async def _handshake(self, url: str) -> None:
        """The endpoint has ten seconds to send the token back as plain text."""
        token = (
            f"Validation: Testing client application reachability for subscription {self._identifiers.guid()}"
        )
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        address = str(URL(url).update_query({"validationToken": token}))
        try:
            received = await self._outgoing.post(address, b"", headers, HANDSHAKE_SECONDS)
        except Unreachable as error:
            raise _handshake_failed() from error
        answered = received.status == 200 and received.content_type == "text/plain" and received.text == token
        if not answered:
            raise _handshake_failed()

    def _own(self, call: Call) -> Json:
        row = self._subscriptions.get(call.params["subscription"])
        if row["service"] != call.caller.service:
            raise GraphError(404, "ResourceNotFound", "The object was not found.")
        return row

    def list_own(self, call: Call) -> Answer:
        rows = [row for row in self._subscriptions.live() if row["service"] == call.caller.service]
        value = [_resource(row) for row in rows]
        return Answer(200, {"@odata.context": f"{call.root}/$metadata#subscriptions", "value": value})

    def get(self, call: Call) -> Answer:
        return Answer(200, self._shown(call, self._own(call)))

    async def patch(self, call: Call) -> Answer:
        row = self._own(call)
        sent = checked("subscription", call.body())
        refused = set(sent) - {"expirationDateTime", "notificationUrl"}
        if refused:
            raise bad_request(f"The property '{min(refused)}' cannot be changed.", "InvalidRequest")
        changed = dict(row)
        if sent.get("expirationDateTime"):
            changed["expirationDateTime"] = self._subscriptions.expiry(sent["expirationDateTime"])
        if sent.get("notificationUrl"):
            await self._handshake(sent["notificationUrl"])
            changed["notificationUrl"] = sent["notificationUrl"]
        self._subscriptions.put(changed)
        return Answer(200, self._shown(call, changed))

    def delete(self, call: Call) -> Answer:
        self._subscriptions.remove(self._own(call)["id"])
        return Answer(204)

    def reauthorize(self, call: Call) -> Answer:
        """Does not extend the life."""
        self._own(call)
        return Answer(202)

    @staticmethod
    def _shown(call: Call, row: Json) -> Json:
        return {"@odata.context": f"{call.root}/$metadata#subscriptions/$entity", **_resource(row)}


def _resource(row: Json) -> Json:
    return {
        "id": row["id"],
        "resource": row["resource"],
        "applicationId": APPLICATION_ID,
        "changeType": row["changeType"],
        "clientState": row["clientState"],
        "notificationUrl": row["notificationUrl"],
        "notificationQueryOptions": None,
        "lifecycleNotificationUrl": row["lifecycleNotificationUrl"],
        "expirationDateTime": row["expirationDateTime"],
        "creatorId": SERVICE_PRINCIPAL_ID,
        "includeResourceData": None,
        "latestSupportedTlsVersion": row["latestSupportedTlsVersion"],
        "encryptionCertificate": None,
        "encryptionCertificateId": None,
        "notificationUrlAppId": None,
    }


def _handshake_failed() -> GraphError:
    return bad_request(
        "Subscription validation request failed. "
        "Notification endpoint must respond with 200 OK to validation request.",
        "InvalidRequest",
    )
