"""Users, mailbox settings, calendars, categories, and the translation of ids."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import available_timezones

from local.exchange.access import mailbox_of, refuse_strangers
from local.exchange.calendars import Calendars, shown
from local.exchange.call import Answer, Call
from local.exchange.directory import Directory
from local.exchange.errors import GraphError, bad_request, item_not_found, unknown_segment
from local.exchange.event_routes import EventRoutes
from local.exchange.events import Events, Version
from local.exchange.identifiers import Identifiers
from local.exchange.item_store import ItemStore
from local.exchange.odata import number, parse_options, projected, selected
from local.exchange.routing import Router
from local.exchange.validation import checked, enum_value
from local.exchange.windows_zones import IANA_BY_WINDOWS
from local.journaled import JournaledTables

Json = dict[str, Any]

_USER_DEFAULT = ["displayName", "givenName", "surname", "mail", "userPrincipalName", "id"]
_USER_FILTERS = (
    (re.compile(r"^mail eq '([^']+)'$", re.IGNORECASE), "mail"),
    (re.compile(r"^userPrincipalName eq '([^']+)'$", re.IGNORECASE), "userPrincipalName"),
    (re.compile(r"^proxyAddresses/any\((\w+):\s*\1 eq 'smtp:([^']+)'\)$", re.IGNORECASE), "proxyAddresses"),
)
_ID_FORMS = {"restId": "restId", "restImmutableEntryId": "id"}
_LIST = frozenset({"$select", "$top", "$skip", "$count"})


class MailboxRoutes:
    """Everything about a mailbox that is not an event."""

    def __init__(
        self,
        tables: JournaledTables,
        directory: Directory,
        calendars: Calendars,
        events: Events,
        contacts: ItemStore,
        event_routes: EventRoutes,
        identifiers: Identifiers,
        version: Version,
    ) -> None:
        self._tables = tables
        self._directory = directory
        self._calendars = calendars
        self._events = events
        self._contacts = contacts
        self._one = event_routes
        self._identifiers = identifiers
        self._version = version

    def add_to(self, router: Router) -> None:
        user = "users/{user}"
        router.add("GET", "users", self.users)
        router.add("GET", user, self.user)
        router.add("GET", f"{user}/mailboxSettings", self.settings)
        router.add("PATCH", f"{user}/mailboxSettings", self.change_settings)
        router.add("GET", f"{user}/mailboxSettings/{{setting}}", self.one_setting)
        router.add("GET", f"{user}/calendars", self.calendars)
        router.add("POST", f"{user}/calendars", self.create_calendar)
        for calendar in (f"{user}/calendar", f"{user}/calendars/{{calendar}}"):
            router.add("GET", calendar, self.calendar)
            router.add("PATCH", calendar, self.change_calendar)
        router.add("DELETE", f"{user}/calendars/{{calendar}}", self.delete_calendar)
        router.add("GET", f"{user}/events/{{event}}/calendar", self.calendar_of_event)
        router.add("GET", f"{user}/outlook/masterCategories", self.categories)
        router.add("POST", f"{user}/outlook/masterCategories", self.create_category)
        router.add("GET", f"{user}/outlook/supportedTimeZones", self.zones)
        router.add("GET", f"{user}/outlook/supportedTimeZones/{{standard}}", self.zones)
        router.add("POST", f"{user}/translateExchangeIds", self.translate)

    # --- users ----------------------------------------------------------------------------------

    def users(self, call: Call) -> Answer:
        names = self._user_selection(call)
        rows = [_user_row(user, names) for user in self._filtered(call.query.get("$filter", "").strip())]
        top = number("$top", call.query.get("$top", "100"), 1, 999)
        return Answer(200, {"@odata.context": f"{call.root}/$metadata#users", "value": rows[:top]})

    def _filtered(self, text: str) -> list[Json]:
        if not text:
            return self._directory.all()
        for pattern, name in _USER_FILTERS:
            if match := pattern.match(text):
                user = self._directory.by_address(match[match.lastindex or 1])
                names = [] if user is None else [user[name]] if isinstance(user[name], str) else user[name]
                wanted = match[match.lastindex or 1].lower()
                hit = any(value.lower().removeprefix("smtp:") == wanted for value in names)
                return [user] if user and hit else []
        raise GraphError(400, "Request_UnsupportedQuery", "Unsupported Query.")

    @staticmethod
    def _user_selection(call: Call) -> list[str]:
        text = call.query.get("$select")
        return selected(text, "user") if text else _USER_DEFAULT

    def user(self, call: Call) -> Answer:
        user = self._directory.find(call.params["user"])
        if user is None:
            raise GraphError(
                404,
                "Request_ResourceNotFound",
                f"Resource '{call.params['user']}' does not exist or one of its queried reference-property "
                "objects are not present.",
            )
        refuse_strangers(call, user, self._directory)
        row = _user_row(user, self._user_selection(call))
        return Answer(200, {"@odata.context": f"{call.root}/$metadata#users/$entity", **row})

    # --- settings -------------------------------------------------------------------------------

    def settings(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        row = user["settings"]
        if call.query.get("$select"):
            row = {name: row[name] for name in selected(call.query["$select"], "mailboxSettings")}
        context = f"{call.root}/$metadata#users('{user['id']}')/mailboxSettings"
        return Answer(200, {"@odata.context": context, **row})

    def change_settings(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        changed = self._directory.change_settings(user, call.body())
        self._version.next()
        context = f"{call.root}/$metadata#users('{user['id']}')/mailboxSettings"
        return Answer(200, {"@odata.context": context, **changed})

    def one_setting(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        name = call.params["setting"]
        if name not in user["settings"]:
            raise unknown_segment(name)
        value = user["settings"][name]
        context = f"{call.root}/$metadata#users('{user['id']}')/mailboxSettings/{name}"
        row = value if isinstance(value, dict) else {"value": value}
        return Answer(200, {"@odata.context": context, **row})

    # --- calendars ------------------------------------------------------------------------------

    def calendars(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        options = parse_options(call, _LIST, "calendar")
        rows = [projected(shown(calendar), options.select) for calendar in self._calendars.of(user)]
        size = options.top if "$top" in call.query else len(rows)
        context = f"{call.root}/$metadata#users('{user['id']}')/calendars"
        return Answer(200, {"@odata.context": context, "value": rows[options.skip : options.skip + size]})

    def calendar(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        options = parse_options(call, frozenset({"$select"}), "calendar")
        row = projected(shown(self._one.calendar(call, user)), options.select)
        return self._calendar_answer(call, user, row)

    def calendar_of_event(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        calendar = self._calendars.get(user, self._one.event(call, user)["calendar"])
        return self._calendar_answer(call, user, shown(calendar))

    def create_calendar(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        calendar = self._calendars.create(user, call.body())
        self._version.next()
        answer = self._calendar_answer(call, user, shown(calendar))
        answer.status = 201
        return answer

    def change_calendar(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        changed = self._calendars.rename(user, self._one.calendar(call, user), call.body())
        self._version.next()
        return self._calendar_answer(call, user, shown(changed))

    def delete_calendar(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        calendar = self._one.calendar(call, user)
        events = self._events.in_calendar(calendar["id"])
        self._calendars.delete(user, calendar)
        self._version.next()
        for event in events:
            self._events.remove(event)
        return Answer(204)

    @staticmethod
    def _calendar_answer(call: Call, user: Json, row: Json) -> Answer:
        context = f"{call.root}/$metadata#users('{user['id']}')/calendars/$entity"
        return Answer(200, {"@odata.context": context, **row})

    # --- categories, zones, ids -----------------------------------------------------------------

    def categories(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        context = f"{call.root}/$metadata#users('{user['id']}')/outlook/masterCategories"
        return Answer(200, {"@odata.context": context, "value": self._categories(user)})

    def _categories(self, user: Json) -> list[Json]:
        rows: list[Json] = self._tables.get("categories", user["id"]) or []
        return rows

    def create_category(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        sent = checked("outlookCategory", call.body(), ignored=frozenset({"id"}))
        name, rows = (sent.get("displayName") or "").strip(), self._categories(user)
        if not name:
            raise bad_request("The display name of a category is missing.", "ErrorInvalidRequest")
        if any(row["displayName"].lower() == name.lower() for row in rows):
            raise GraphError(409, "CategoryNameAlreadyExists", "The category name already exists.")
        row = {"id": self._identifiers.guid(), "displayName": name, "color": sent.get("color") or "none"}
        self._tables.put("categories", user["id"], [*rows, row])
        self._version.next()
        context = f"{call.root}/$metadata#users('{user['id']}')/outlook/masterCategories/$entity"
        return Answer(201, {"@odata.context": context, **row})

    def zones(self, call: Call) -> Answer:
        """Windows names, or IANA names with the function's argument."""
        mailbox_of(call, self._directory)
        standard = enum_value("timeZoneStandard", call.params.get("standard", "windows"))
        names = available_timezones() if standard == "iana" else set(IANA_BY_WINDOWS)
        return self._zones_answer(call, [{"alias": name, "displayName": name} for name in sorted(names)])

    @staticmethod
    def _zones_answer(call: Call, rows: list[Json]) -> Answer:
        context = f"{call.root}/$metadata#Collection(microsoft.graph.timeZoneInformation)"
        return Answer(200, {"@odata.context": context, "value": rows})

    def translate(self, call: Call) -> Answer:
        """Between the normal and the immutable form; the older forms are not known here."""
        user = mailbox_of(call, self._directory)
        body = call.body()
        source = enum_value("exchangeIdFormat", body.get("sourceIdType"))
        target = enum_value("exchangeIdFormat", body.get("targetIdType"))
        if source not in _ID_FORMS or target not in _ID_FORMS:
            raise bad_request(
                "Only restId and restImmutableEntryId can be translated here.", "ErrorInvalidRequest"
            )
        inputs = body.get("inputIds")
        if not isinstance(inputs, list) or not 0 < len(inputs) <= 1000:
            raise bad_request("inputIds must hold 1 to 1000 ids.", "ErrorInvalidRequest")
        rows = [self._translated(user, str(identifier), source, target) for identifier in inputs]
        context = f"{call.root}/$metadata#Collection(microsoft.graph.convertIdResult)"
        return Answer(200, {"@odata.context": context, "value": rows})

    def _translated(self, user: Json, identifier: str, source: str, target: str) -> Json:
        item = self._item(user, identifier)
        if item[_ID_FORMS[source]] != identifier:
            raise item_not_found()
        return {"sourceId": identifier, "targetId": item[_ID_FORMS[target]]}

    def _item(self, user: Json, identifier: str) -> Json:
        """An event or a contact; tasks have one form of id only."""
        try:
            return self._events.get(user["id"], identifier)
        except GraphError as error:
            if error.status != 404:
                raise
            return self._contacts.get(user["id"], identifier)


def _user_row(user: Json, names: list[str]) -> Json:
    values = {**user, "mailboxSettings": user["settings"]}
    return {name: values[name] for name in dict.fromkeys([*names, "id"])}
