"""``/events`` of a mailbox and of one calendar: create, read, change, delete."""

from __future__ import annotations

from typing import Any

from local.exchange import extended_properties, series
from local.exchange.access import mailbox_of
from local.exchange.attachments import Attachments
from local.exchange.calendars import Calendars
from local.exchange.call import Answer, Call
from local.exchange.directory import Directory
from local.exchange.errors import (
    GraphError,
    access_denied,
    conflict,
    invalid_request,
    item_not_found,
    validation_failed,
)
from local.exchange.event_input import DEFAULTS, parse
from local.exchange.event_view import cancelled_shown, etag, shown
from local.exchange.events import Events
from local.exchange.identifiers import Identifiers
from local.exchange.meetings import Meetings, reschedules, with_statuses
from local.exchange.odata import ITEM_OPTIONS, Options, parse_options, projected
from local.exchange.online_meetings import with_online_meeting
from local.exchange.routing import Router
from local.journaled import JournaledTables

Json = dict[str, Any]

_COLLECTIONS = (
    "users/{user}/events",
    "users/{user}/calendar/events",
    "users/{user}/calendars/{calendar}/events",
)


class EventRoutes:
    """Handlers for single events; lists and windows are in ``view_routes``."""

    def __init__(
        self,
        tables: JournaledTables,
        directory: Directory,
        calendars: Calendars,
        events: Events,
        meetings: Meetings,
        attachments: Attachments,
        identifiers: Identifiers,
    ) -> None:
        self._tables = tables
        self._directory = directory
        self._calendars = calendars
        self._events = events
        self._meetings = meetings
        self._attachments = attachments
        self._identifiers = identifiers

    def add_to(self, router: Router) -> None:
        for collection in _COLLECTIONS:
            router.add("POST", collection, self.create)
            for method, handler in (("GET", self.get), ("PATCH", self.patch), ("DELETE", self.delete)):
                router.add(method, f"{collection}/{{event}}", handler)

    # --- finding --------------------------------------------------------------------------------

    def calendar(self, call: Call, user: Json) -> Json:
        """The calendar that the path names, or the default one."""
        if "calendar" in call.params:
            return self._calendars.get(user, call.params["calendar"])
        return self._calendars.default(user)

    def event(self, call: Call, user: Json) -> Json:
        """The event that the path names, an instance of a series included."""
        event = self._events.get(user["id"], call.params["event"])
        if "calendar" in call.params and event["calendar"] != self.calendar(call, user)["id"]:
            raise item_not_found()
        return event

    def writable_event(self, call: Call) -> tuple[Json, Json]:
        """The mailbox and the event that a write names, unless the calendar or ``If-Match`` forbids it."""
        user = mailbox_of(call, self._directory)
        event = self.event(call, user)
        if not self._calendars.get(user, event["calendar"])["canEdit"]:
            raise access_denied()
        expected = call.headers.get("if-match", "*").strip()
        if expected not in ("*", etag(event)):
            raise conflict()
        return user, event

    # --- handlers -------------------------------------------------------------------------------

    def get(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        options = parse_options(call, ITEM_OPTIONS)
        event = self.event(call, user)
        return self.answer(call, user, event, shown(event, call.preferences), options)

    def create(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        calendar = self.calendar(call, user)
        if not calendar["canEdit"]:
            raise access_denied()
        sent = parse(call.body())
        transaction = sent.pop("transactionId", None)
        self._refuse_repeated(user, transaction)
        stamps = extended_properties.parse(sent.pop("singleValueExtendedProperties", None) or [])
        if not sent.get("start") or not sent.get("end"):
            raise validation_failed()
        props = with_online_meeting({}, {**DEFAULTS, **sent}, self._identifiers)
        event = self._events.create(
            user,
            calendar["id"],
            props,
            transactionId=transaction,
            extended=extended_properties.merged({}, stamps),
        )
        if transaction:
            self._tables.put("transactions", f"{user['id']} {transaction}", event["id"])
        self._meetings.created(event)
        answer = self.answer(call, user, event, shown(event, call.preferences), Options())
        answer.status = 201
        answer.headers["Location"] = f"{call.root}/users/{user['id']}/events/{answer.body['id']}"
        return answer

    def _refuse_repeated(self, user: Json, transaction: str | None) -> None:
        if transaction and self._tables.get("transactions", f"{user['id']} {transaction}"):
            raise GraphError(
                409,
                "ErrorDuplicateTransactionId",
                "Your request can't be completed. The TransactionId specified in the request has already "
                "been used to create a different event.",
            )

    def patch(self, call: Call) -> Answer:
        user, before = self.writable_event(call)
        sent = parse(call.body())
        sent.pop("transactionId", None)
        stamps = extended_properties.parse(sent.pop("singleValueExtendedProperties", None) or [])
        after = before
        if sent or stamps:
            props = self._patched(before, sent)
            extended = extended_properties.merged(before["extended"], stamps)
            after = self._events.change(before, props, extended=extended)
            self._meetings.changed(before, after, set(sent))
            after = self._events.get(user["id"], after["id"])
        return self.answer(call, user, after, shown(after, call.preferences), Options())

    def _patched(self, before: Json, sent: Json) -> Json:
        if "master" in before and sent.get("recurrence"):
            raise invalid_request("An occurrence of a series can't have a recurrence of its own.")
        props = {**before["props"], **sent}
        if props["recurrence"] and "recurrence" not in sent:
            props["recurrence"] = _starting_with(props["recurrence"], props["start"])
        if "recurrence" in sent or "attendees" in sent or {"start", "end", "isAllDay"} & set(sent):
            anew = reschedules(before["props"], props) and before["isOrganizer"]
            props["attendees"] = with_statuses(
                before["props"]["attendees"], props["attendees"], rescheduled=anew
            )
        if "master" in before:
            series.check_place(self._events.get(before["user"], before["master"]["id"]), before, props)
        return with_online_meeting(before["props"], props, self._identifiers)

    def delete(self, call: Call) -> Answer:
        _, event = self.writable_event(call)
        self._meetings.cancelled(event)
        self._events.remove(event)
        return Answer(204)

    # --- answering ------------------------------------------------------------------------------

    def answer(self, call: Call, user: Json, event: Json, row: Json, options: Options) -> Answer:
        """One event with its context; extended properties only where ``$expand`` asked for them."""
        chosen = f"({','.join(options.select)})" if options.select else ""
        context = f"{call.root}/$metadata#users('{user['id']}')/events{chosen}/$entity"
        if series.is_master(event):
            row = {**row, **_of_series(call, event, options)}
        if options.attachments:
            found = [self._attachments.shown(attachment) for attachment in self._attachments.of(event)]
            row = {**row, "attachments": [projected(each, options.attachments.select) for each in found]}
        row = projected(with_extended(row, event, options), options.select)
        return Answer(200, {"@odata.context": context, **row}, applied(call))


def _of_series(call: Call, master: Json, options: Options) -> Json:
    """What only the request for a master by its id shows, and only when asked for it by name."""
    selected = options.select or []
    found: Json = {}
    if "cancelledOccurrences" in selected:
        found["cancelledOccurrences"] = cancelled_shown(master, call.preferences)
    if "exceptionOccurrences" in selected and options.exceptions:
        rows = [shown(row, call.preferences) for row in series.exceptions(master)]
        found["exceptionOccurrences"] = [projected(row, options.exceptions.select) for row in rows]
    return found


def with_extended(row: Json, event: Json, options: Options) -> Json:
    found = extended_properties.shown(event["extended"], options.extended)
    return {**row, "singleValueExtendedProperties": found} if found else row


def applied(call: Call) -> dict[str, str]:
    preferences = call.preferences.applied
    return {"Preference-Applied": ", ".join(preferences)} if preferences else {}


def _starting_with(rule: Json, start: Json) -> Json:
    """A series whose start was moved by itself begins on the new day."""
    return {**rule, "range": {**rule["range"], "startDate": start["dateTime"][:10]}}
