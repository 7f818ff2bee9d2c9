"""The users of the tenant and what their mailboxes are set to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from local.exchange.errors import GraphError, bad_request
from local.exchange.identifiers import Identifiers
from local.exchange.preferences import unsupported_time_zone
from local.exchange.validation import checked
from local.exchange.zones import known_zone, seven_decimals
from local.journaled import JournaledTables

Json = dict[str, Any]

_WEEK = ["monday", "tuesday", "wednesday", "thursday", "friday"]


class Directory:
    """Users by id, principal name and address."""

    def __init__(self, tables: JournaledTables, identifiers: Identifiers) -> None:
        self._tables = tables
        self._identifiers = identifiers
        self._by_name: dict[str, str] = {}
        for user in tables.table("users").values():
            self._index(user)

    def create(self, principal_name: str, display_name: str, time_zone: str, *, mailbox: bool = True) -> Json:
        if principal_name.lower() in self._by_name:
            raise GraphError(409, "Request_BadRequest", f"The user '{principal_name}' exists already.")
        if not known_zone(time_zone):
            raise unsupported_time_zone(time_zone)
        given, _, surname = display_name.partition(" ")
        user = {
            "id": self._identifiers.guid(),
            "accountEnabled": True,
            "displayName": display_name,
            "givenName": given,
            "surname": surname,
            "mail": principal_name,
            "userPrincipalName": principal_name,
            "proxyAddresses": [f"SMTP:{principal_name}"],
            "mailbox": mailbox,
            "delegates": [],
            "settings": _default_settings(time_zone),
        }
        self.put(user)
        return user

    def put(self, user: Json) -> None:
        self._tables.put("users", user["id"], user)
        self._index(user)

    def _index(self, user: Json) -> None:
        aliases = [address.partition(":")[2] for address in user["proxyAddresses"]]
        for name in (user["id"], user["userPrincipalName"], user["mail"], *aliases):
            self._by_name[name.lower()] = user["id"]

    def all(self) -> list[Json]:
        return list(self._tables.table("users").values())

    def find(self, key: str) -> Json | None:
        """By id or principal name; ids are GUIDs and compare without case."""
        user = self.by_address(key)
        names = (user["id"].lower(), user["userPrincipalName"].lower()) if user else ()
        return user if key.lower() in names else None

    def by_address(self, address: str) -> Json | None:
        """By any of the addresses that mail to the user may carry."""
        identifier = self._by_name.get(address.lower())
        return self._tables.get("users", identifier) if identifier else None

    def mailbox(self, key: str) -> Json:
        """The user whose mailbox a path names."""
        user = self.find(key)
        if user is None:
            raise GraphError(404, "ErrorInvalidUser", f"The requested user '{key}' is invalid.")
        if not user["mailbox"]:
            raise GraphError(
                404,
                "MailboxNotEnabledForRESTAPI",
                "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
            )
        return user

    def address_of(self, user: Json) -> Json:
        return {"name": user["displayName"], "address": user["mail"]}

    def change_settings(self, user: Json, body: Json) -> Json:
        changes = checked("mailboxSettings", body, ignored=frozenset({"archiveFolder", "userPurpose"}))
        zone = changes.get("timeZone")
        if zone is not None and not known_zone(zone):
            raise unsupported_time_zone(zone)
        settings = dict(user["settings"])
        for name, value in changes.items():
            both_objects = isinstance(value, dict) and isinstance(settings.get(name), dict)
            settings[name] = _merged(settings[name], value) if both_objects else value
        self.put({**user, "settings": settings})
        return {name: settings[name] for name in changes}


def _merged(old: Json, new: Json) -> Json:
    merged = {**old, **new}
    for name, value in merged.items():
        if isinstance(value, dict) and "dateTime" in value:
            merged[name] = {**value, "dateTime": _seven(value["dateTime"])}
    return merged


def _seven(text: str) -> str:
    try:
        return seven_decimals(datetime.fromisoformat(text[:26]))
    except ValueError as error:
        raise bad_request(f"The value '{text}' is not a valid DateTime.", "ErrorInvalidRequest") from error


def _default_settings(time_zone: str) -> Json:
    tomorrow = {"dateTime": "2024-01-01T00:00:00.0000000", "timeZone": "UTC"}
    return {
        "archiveFolder": None,
        "timeZone": time_zone,
        "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
        "dateFormat": "dd/MM/yyyy",
        "timeFormat": "HH:mm",
        "userPurpose": "user",
        "automaticRepliesSetting": {
            "status": "disabled",
            "externalAudience": "all",
            "internalReplyMessage": "",
            "externalReplyMessage": "",
            "scheduledStartDateTime": tomorrow,
            "scheduledEndDateTime": tomorrow,
        },
        "language": {"locale": "en-US", "displayName": "English (United States)"},
        "workingHours": {
            "daysOfWeek": _WEEK,
            "startTime": "08:00:00.0000000",
            "endTime": "17:00:00.0000000",
            "timeZone": {"name": time_zone},
        },
    }
