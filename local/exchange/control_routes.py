"""What the rig may do to the stand-in beyond Graph: ``/_control``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local.control import BadRequest, ControlRequest, ControlTable, json_answer, json_object
from local.exchange.attachment_input import kind_of
from local.exchange.attachment_input import parse as parse_attachment
from local.exchange.attachments import Attachments
from local.exchange.calendars import Calendars
from local.exchange.delta import DeltaTokens
from local.exchange.directory import Directory
from local.exchange.errors import GraphError
from local.exchange.event_input import DEFAULTS, parse, settled
from local.exchange.events import Events, Version
from local.exchange.identifiers import Identifiers
from local.exchange.meetings import Meetings
from local.exchange.notifier import MODES, Notifier
from local.exchange.outbox import Outbox
from local.exchange.personal_items import PersonalItems
from local.exchange.schema import ENUMS
from local.exchange.subscriptions import Subscriptions
from local.journaled import JournaledTables
from local.wire import WireAnswer

Json = dict[str, Any]


PERSONAL_KINDS = {"contact": "folder", "task": "list"}  # and the name of the place they move to
_NOT_PROPERTIES = ("transactionId", "attachments")


@contextmanager
def _refusals() -> Iterator[None]:
    """What Graph would refuse is a bad request of the rig."""
    try:
        yield
    except GraphError as error:
        raise BadRequest(error.message) from error


class ControlRoutes:
    """Counts, faults and the clock are in ``local.control``; the rest is here."""

    def __init__(
        self,
        tables: JournaledTables,
        directory: Directory,
        calendars: Calendars,
        events: Events,
        meetings: Meetings,
        attachments: Attachments,
        personal: PersonalItems,
        outbox: Outbox,
        notifier: Notifier,
        subscriptions: Subscriptions,
        tokens: DeltaTokens,
        version: Version,
        identifiers: Identifiers,
    ) -> None:
        self._tables = tables
        self._directory = directory
        self._calendars = calendars
        self._events = events
        self._meetings = meetings
        self._attachments = attachments
        self._personal = personal
        self._outbox = outbox
        self._notifier = notifier
        self._subscriptions = subscriptions
        self._tokens = tokens
        self._version = version
        self._identifiers = identifiers

    def add_to(self, routes: ControlTable) -> None:
        routes.add("POST", "users", self._post_user)
        routes.add("GET", "outbox", self._get_outbox)
        routes.add("DELETE", "outbox", self._delete_outbox)
        routes.add("POST", "deliver", self._post_deliver)
        routes.add("POST", "copy", self._post_copy)
        routes.add("POST", "move", self._post_move)
        routes.add("POST", "notifications", self._post_notifications)
        routes.add("POST", "lifecycle", self._post_lifecycle)
        routes.add("POST", "forget-subscriptions", self._post_forget_subscriptions)
        routes.add("POST", "expire-delta", self._post_expire_delta)
        routes.add("GET", "version", self._get_version)

    # --- people ---------------------------------------------------------------------------------

    def _post_user(self, request: ControlRequest) -> WireAnswer:
        """Optional: ``delegates`` (names), ``aliases`` (addresses), ``mailbox: false`` (no licence)."""
        body = json_object(request)
        name = str(body.get("userPrincipalName") or "")
        if "@" not in name:
            raise BadRequest("'userPrincipalName' is missing")
        delegates = [self._user(str(key))["id"] for key in body.get("delegates") or []]
        with self._tables.transaction():
            user = self._created_user(name, body, delegates)
        return json_answer({"id": user["id"]}, 201)

    def _created_user(self, name: str, body: Json, delegates: list[str]) -> Json:
        try:
            user = self._directory.create(
                name,
                str(body.get("displayName") or name),
                str(body.get("timeZone") or "UTC"),
                mailbox=body.get("mailbox", True) is not False,
            )
        except GraphError as error:
            raise BadRequest(error.message) from error
        aliases = [f"smtp:{address}" for address in body.get("aliases") or []]
        addresses = [*user["proxyAddresses"], *aliases]
        self._directory.put({**user, "delegates": delegates, "proxyAddresses": addresses})
        self._calendars.equip(user)
        self._personal.equip(user)
        self._version.next()
        return user

    def _user(self, key: str) -> Json:
        user = self._directory.find(key)
        if user is None:
            raise BadRequest(f"no user '{key}'")
        return user

    # --- mail -----------------------------------------------------------------------------------

    def _get_outbox(self, _request: ControlRequest) -> WireAnswer:
        return json_answer({"value": self._outbox.rows()})

    def _delete_outbox(self, _request: ControlRequest) -> WireAnswer:
        self._outbox.empty()
        return WireAnswer(204)

    def _post_deliver(self, request: ControlRequest) -> WireAnswer:
        """From outside; the same ``iCalUId`` again is its update or, if ``isCancelled``, its end."""
        body = json_object(request)
        sent, addresses = body.get("meeting"), body.get("to")
        if not isinstance(sent, dict) or not isinstance(addresses, list) or not addresses:
            raise BadRequest("'to' (a list of addresses) and 'meeting' are needed")
        try:
            meeting = self._outside_meeting(sent, [str(address) for address in addresses])
        except GraphError as error:
            raise BadRequest(error.message) from error
        with self._tables.transaction():
            copies = [self._arrive(str(address), meeting) for address in addresses]
            self._attachments.forget(meeting["attachments"])
        found = [{"user": copy["user"], "id": copy["id"]} for copy in copies if copy]
        if not found:
            raise BadRequest("none of the addresses is local")
        return json_answer({"iCalUId": meeting["iCalUId"], "value": found}, 201)

    def _outside_meeting(self, sent: Json, addresses: list[str]) -> Json:
        organizer = (sent.get("organizer") or {}).get("emailAddress") or {}
        if not organizer.get("address"):
            raise BadRequest("the meeting has no organizer")
        props = {
            **DEFAULTS,
            **parse({name: value for name, value in sent.items() if name not in _NOT_PROPERTIES}),
        }
        props.pop("singleValueExtendedProperties", None)
        if not props["attendees"]:
            props |= parse({"attendees": [{"emailAddress": {"address": address}} for address in addresses]})
        address = {"name": organizer.get("name") or organizer["address"], "address": organizer["address"]}
        return {
            "props": settled(props),
            "organizer": address,
            "iCalUId": sent.get("iCalUId") or self._identifiers.ical_uid(),
            "isCancelled": bool(sent.get("isCancelled")),
            "attachments": [self._attached(row) for row in sent.get("attachments") or []],
        }

    def _attached(self, sent: Json) -> Json:
        """As in a POST to ``/attachments``; from outside also a reference to a file elsewhere."""
        if kind_of(sent) == "reference":
            return self._attachments.new({"kind": "reference", "name": str(sent.get("name") or "")}, b"")
        return self._attachments.new(*parse_attachment(sent))

    def _arrive(self, address: str, meeting: Json) -> Json | None:
        if meeting["isCancelled"]:
            return self._meetings.withdraw(address, meeting["iCalUId"])
        return self._meetings.deliver(address, meeting)

    # --- items ----------------------------------------------------------------------------------

    def _event(self, body: Json) -> tuple[Json, Json]:
        user = self._user(str(body.get("user") or ""))
        try:
            return user, self._events.get(user["id"], str(body.get("id") or ""))
        except GraphError as error:
            raise BadRequest(error.message) from error

    def _post_copy(self, request: ControlRequest) -> WireAnswer:
        body = json_object(request)
        if body.get("kind") in PERSONAL_KINDS:
            return json_answer({"id": self._copied_personal(body)}, 201)
        if body.get("kind") != "event":
            raise BadRequest("only 'event', 'contact' and 'task' can be copied")
        user, event = self._event(body)
        names = ("extended", "isOrganizer", "organizer", "responseStatus", "cancelled")
        facts = {name: event[name] for name in names}
        with self._tables.transaction():
            facts["attachments"] = self._attachments.copied(event)
            facts["exceptions"] = self._attachments.copied_exceptions(event)
            copy = self._events.create(user, event["calendar"], event["props"], **facts)
        return json_answer({"id": copy["id"]}, 201)

    def _copied_personal(self, body: Json) -> str:
        user = self._user(str(body.get("user") or ""))
        with self._tables.transaction(), _refusals():
            return self._personal.copy(user, body["kind"], str(body.get("id") or ""))

    def _post_move(self, request: ControlRequest) -> WireAnswer:
        """What dragging an item to another calendar, folder or list does in Outlook; Graph has no request for
        it. ``kind`` is ``event`` unless said otherwise; where to: ``calendar``, ``folder`` or ``list``."""
        body = json_object(request)
        if body.get("kind") in PERSONAL_KINDS:
            return json_answer({"id": self._moved_personal(body)})
        user, event = self._event(body)
        if "master" in event:
            raise BadRequest("an occurrence is where its series is")
        try:
            calendar = self._calendars.get(user, str(body.get("calendar") or ""))
        except GraphError as error:
            raise BadRequest(error.message) from error
        with self._tables.transaction():
            moved = self._events.move(event, calendar["id"])
        return json_answer({"id": moved["id"]})

    def _moved_personal(self, body: Json) -> str:
        user, target = self._user(str(body.get("user") or "")), body.get(PERSONAL_KINDS[body["kind"]])
        with self._tables.transaction(), _refusals():
            return self._personal.move(user, body["kind"], str(body.get("id") or ""), str(target or ""))

    # --- notifications and tokens ---------------------------------------------------------------

    def _post_notifications(self, request: ControlRequest) -> WireAnswer:
        body = json_object(request)
        if body.get("mode") not in MODES:
            raise BadRequest(f"'mode' must be one of {', '.join(MODES)}")
        self._notifier.set_mode(str(body["mode"]), float(body.get("seconds") or 0))
        return WireAnswer(204)

    def _post_lifecycle(self, request: ControlRequest) -> WireAnswer:
        body = json_object(request)
        if body.get("event") not in ENUMS["lifecycleEventType"]:
            raise BadRequest("'event' must be reauthorizationRequired, subscriptionRemoved or missed")
        wanted = body.get("subscriptionId")
        rows = [row for row in self._subscriptions.live() if wanted in (None, row["id"])]
        for row in rows:
            self._notifier.lifecycle(str(body["event"]), row)
        return json_answer({"subscriptions": [row["id"] for row in rows]})

    def _post_forget_subscriptions(self, _request: ControlRequest) -> WireAnswer:
        """All are gone, and nobody is told."""
        rows = self._subscriptions.live()
        for row in rows:
            self._subscriptions.remove(row["id"])
        return json_answer({"subscriptions": [row["id"] for row in rows]})

    def _post_expire_delta(self, _request: ControlRequest) -> WireAnswer:
        self._tokens.expire_all()
        return WireAnswer(204)

    def _get_version(self, _request: ControlRequest) -> WireAnswer:
        return json_answer({"version": self._version.value})
