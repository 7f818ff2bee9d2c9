"""``/attachments`` of an event: list, read, add, remove, and begin an upload in pieces."""

from __future__ import annotations

from typing import Any

from local.exchange.access import mailbox_of
from local.exchange.attachment_input import parse, parse_upload
from local.exchange.attachments import Attachments, references_of
from local.exchange.call import Answer, Call
from local.exchange.directory import Directory
from local.exchange.errors import GraphError, bad_request
from local.exchange.event_routes import EventRoutes
from local.exchange.event_view import event_id
from local.exchange.events import Events
from local.exchange.odata import projected, selected
from local.exchange.routing import Router
from local.exchange.uploads import Uploads

Json = dict[str, Any]

_ITEM = "microsoft.graph.itemattachment/item"
_CALENDARS = ("users/{user}", "users/{user}/calendar", "users/{user}/calendars/{calendar}")


class AttachmentRoutes:
    """Adding or removing one changes the event and mails nobody: the organizer's next update carries it."""

    def __init__(
        self,
        directory: Directory,
        events: Events,
        attachments: Attachments,
        uploads: Uploads,
        event_routes: EventRoutes,
    ) -> None:
        self._directory = directory
        self._events = events
        self._attachments = attachments
        self._uploads = uploads
        self._one = event_routes

    def add_to(self, router: Router) -> None:
        for calendar in _CALENDARS:
            collection = f"{calendar}/events/{{event}}/attachments"
            router.add("GET", collection, self.list_all)
            router.add("POST", collection, self.create)
            router.add("POST", f"{collection}/createUploadSession", self.create_session)
            router.add("GET", f"{collection}/{{attachment}}", self.get)
            router.add("DELETE", f"{collection}/{{attachment}}", self.delete)
            router.add("GET", f"{collection}/{{attachment}}/$value", self.value)

    def _found(self, call: Call) -> tuple[Json, Json]:
        event = self._one.event(call, mailbox_of(call, self._directory))
        return event, self._attachments.get(event, call.params["attachment"])

    def list_all(self, call: Call) -> Answer:
        event = self._one.event(call, mailbox_of(call, self._directory))
        rows = [self._shown(call, row) for row in self._attachments.of(event)]
        return Answer(200, {"@odata.context": _context(call, event, ""), "value": rows})

    def get(self, call: Call) -> Answer:
        event, row = self._found(call)
        return Answer(200, {"@odata.context": _context(call, event, "/$entity"), **self._shown(call, row)})

    def _shown(self, call: Call, row: Json) -> Json:
        """``$select`` knows the properties that every kind has, so it also leaves the content out."""
        given = {name.lower(): value for name, value in call.query.items() if name.startswith("$")}
        unknown = set(given) - {"$select", "$expand"}
        if unknown or given.get("$expand", _ITEM).lower().strip(" /") != _ITEM:
            raise bad_request("The query specified in the URI is not valid for attachments.")
        select = [*selected(given["$select"], "attachment"), "item"] if given.get("$select") else None
        return projected(self._attachments.shown(row, item="$expand" in given), select)

    def value(self, call: Call) -> Answer:
        """The raw content of a file."""
        _, row = self._found(call)
        if row["kind"] == "reference":
            raise GraphError(405, "ErrorInvalidRequest", "A reference attachment has no content.")
        if row["kind"] == "item":
            raise GraphError(501, "NotImplemented", "Attached items are not written as MIME here.")
        return Answer(200, self._attachments.content(row), {"Content-Type": row["contentType"]})

    def create(self, call: Call) -> Answer:
        _, event = self._one.writable_event(call)
        facts, content = parse(call.body())
        self._attachments.check_room(event, len(content))
        reference = self._attachments.new(facts, content)
        self._events.change(event, event["props"], attachments=[*event["attachments"], reference])
        row = self._attachments.shown(self._attachments.of({"attachments": [reference]})[0])
        place = f"{call.root}/users/{event['user']}/events/{event_id(event, call.preferences)}"
        headers = {"Location": f"{place}/attachments/{reference['id']}"}
        return Answer(201, {"@odata.context": _context(call, event, "/$entity"), **row}, headers)

    def delete(self, call: Call) -> Answer:
        _, event = self._one.writable_event(call)
        row = self._attachments.get(event, call.params["attachment"])
        rest = [reference for reference in event["attachments"] if reference["id"] != row["id"]]
        after = self._events.change(event, event["props"], attachments=rest)
        whole = self._events.get(event["user"], (after.get("master") or after)["id"])
        gone = [reference for reference in event["attachments"] if reference["id"] == row["id"]]
        self._attachments.forget(gone, kept=references_of(whole))
        return Answer(204)

    def create_session(self, call: Call) -> Answer:
        _, event = self._one.writable_event(call)
        session = self._uploads.begin(event, parse_upload(call.body()), call)
        context = f"{call.root}/$metadata#microsoft.graph.uploadSession"
        return Answer(201, {"@odata.context": context, **session})


def _context(call: Call, event: Json, end: str) -> str:
    identifier = event_id(event, call.preferences)
    return f"{call.root}/$metadata#users('{event['user']}')/events('{identifier}')/attachments{end}"
