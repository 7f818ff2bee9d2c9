"""``/_control`` of this stand-in: users, organization settings, missing tables, webhooks, version, dead delta
tokens."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from local.control import BadRequest, ControlRequest, ControlTable, json_answer, json_object
from local.dataverse.errors import Refusal
from local.dataverse.organization import (
    ABSENT_TABLES,
    SETTINGS,
    give_filters,
    insert,
    merge_settings,
    organization,
)
from local.dataverse.payload import Changes, PayloadReader
from local.dataverse.security import ROLES
from local.dataverse.states import on_create
from local.dataverse.store import Row, Store
from local.dataverse.tables import TABLES
from local.dataverse.values import as_guid, stored
from local.dataverse.web_api import WebApi
from local.dataverse.webhooks import Webhooks
from local.wire import WireAnswer
from shared.model.timezones import UnknownTimeZone, zone

USER_KEYS = frozenset(
    {"internalemailaddress", "fullname", "azureactivedirectoryobjectid", "role", "timeZone"}
)
APPROVED, NONE = 1, 2


class ControlRoutes:
    def __init__(self, store: Store, api: WebApi, webhooks: Webhooks) -> None:
        self._store = store
        self._api = api
        self._webhooks = webhooks

    def add_to(self, routes: ControlTable) -> None:
        routes.add("POST", "users", self._post_user)
        routes.add("PUT", "organization", self._put_organization)
        routes.add("PUT", "absent-tables", self._put_absent_tables)
        routes.add("GET", "version", self._get_version)
        routes.add("POST", "expire-delta", self._expire)
        routes.add("GET", "webhooks", self._get_webhooks)
        routes.add("POST", "webhooks", self._post_webhook)

    # --- users ----------------------------------------------------------------------------------

    def _post_user(self, request: ControlRequest) -> WireAnswer:
        body = json_object(request)
        self._check_user(body)
        with self._store.atomic():
            user = self._make_user(body)
        return json_answer({"systemuserid": user}, 201)

    def _check_user(self, body: dict[str, Any]) -> None:
        unknown = body.keys() - USER_KEYS
        if unknown or not body.get("internalemailaddress") or not body.get("fullname"):
            raise BadRequest(f"a user needs internalemailaddress and fullname; unknown: {sorted(unknown)}")
        if body.get("role", "usual") not in ROLES:
            raise BadRequest("role must be usual or restricted")
        object_id = body.get("azureactivedirectoryobjectid")
        if object_id is not None and as_guid(str(object_id)) is None:
            raise BadRequest("azureactivedirectoryobjectid must be a GUID")
        address = str(body["internalemailaddress"]).casefold()
        for user in self._store.rows("systemuser"):
            if (user.get("internalemailaddress") or "").casefold() == address:
                raise BadRequest("a user with this internalemailaddress exists already")
        try:
            zone(str(body.get("timeZone") or "UTC"))
        except UnknownTimeZone as error:
            raise BadRequest(f"unknown time zone {error.name}") from error

    def _make_user(self, body: dict[str, Any]) -> str:
        """An enabled user and the mailbox row that an administrator has approved and enabled."""
        address, name = str(body["internalemailaddress"]), str(body["fullname"])
        first, _, last = name.partition(" ")
        table = TABLES["systemuser"]
        unit = self._store.rows("businessunit")[0]["businessunitid"]
        object_id = str(body.get("azureactivedirectoryobjectid") or uuid4()).lower()
        values: Row = {
            "fullname": name,
            "firstname": first if last else None,
            "lastname": last or name,
            "internalemailaddress": address,
            "domainname": address,
            "azureactivedirectoryobjectid": object_id,
            "emailrouteraccessapproval": APPROVED,
            "businessunitid": ["businessunit", unit],
            "organizationid": organization(self._store)["organizationid"],
        }
        checked = {
            column: value if isinstance(value, list) else stored(table, table.by_name[column], value)
            for column, value in values.items()
        }
        user = insert(self._store, table, checked)
        mailbox = self._make_mailbox(user, name, address)
        self._store.put(table, {**user, "defaultmailbox": ["mailbox", mailbox]})
        give_filters(self._store, user)
        profile = {"role": body.get("role") or "usual", "timeZone": body.get("timeZone") or "UTC"}
        self._store.journal.put("profiles", user["systemuserid"], profile)
        return str(user["systemuserid"])

    def _make_mailbox(self, user: Row, name: str, address: str) -> str:
        table = TABLES["mailbox"]
        reference = ["systemuser", user["systemuserid"]]
        values: Row = {
            "name": name,
            "emailaddress": address,
            "regardingobjectid": reference,
            "ownerid": reference,
            "owninguser": reference,
            "owningbusinessunit": user["businessunitid"],
            "emailrouteraccessapproval": APPROVED,
            "isemailaddressapprovedbyo365admin": True,
            "enabledforact": True,
            "actdeliverymethod": NONE,
            **on_create(table, Changes(), ""),
        }
        return str(insert(self._store, table, values)["mailboxid"])

    # --- the rest -------------------------------------------------------------------------------

    def _put_organization(self, request: ControlRequest) -> WireAnswer:
        """``orgdborgsettings`` merges; any other column of the organization is set as it is."""
        body = json_object(request)
        table, row = TABLES["organization"], organization(self._store)
        settings = body.pop(SETTINGS, {})
        if not isinstance(settings, dict):
            raise BadRequest("orgdborgsettings must be an object of names and values")
        try:
            changes = PayloadReader().read(table, body, creating=False).values
        except Refusal as error:
            raise BadRequest(error.message) from error
        merged = {SETTINGS: merge_settings(row.get(SETTINGS), settings)} if settings else {}
        with self._store.atomic():
            row = self._store.put(table, {**row, **changes, **merged})
        return json_answer({SETTINGS: row.get(SETTINGS)})

    def _put_absent_tables(self, request: ControlRequest) -> WireAnswer:
        """``{"tables": [...]}``: what this organization does not have, as if an app were not installed."""
        tables = (json_object(request)).get("tables")
        if not isinstance(tables, list) or not all(name in TABLES for name in tables):
            raise BadRequest("absent tables need a list of table names")
        with self._store.atomic():
            self._store.journal.put("control", ABSENT_TABLES, sorted(tables))
        return json_answer({"tables": sorted(tables)})

    def _get_version(self, _request: ControlRequest) -> WireAnswer:
        """``expanding``: how many series get further instances by themselves, within seconds."""
        self._api.run_jobs()
        expanding = self._api.records.series.expansion.waiting()
        return json_answer({"version": self._store.version, "expanding": expanding})

    def _expire(self, _request: ControlRequest) -> WireAnswer:
        self._api.tracking.expire_all()
        return WireAnswer(204)

    def _get_webhooks(self, _request: ControlRequest) -> WireAnswer:
        return json_answer({"value": self._webhooks.registrations()})

    def _post_webhook(self, request: ControlRequest) -> WireAnswer:
        body = json_object(request)
        url, key, tables = body.get("url"), body.get("key"), body.get("tables")
        if not isinstance(url, str) or not isinstance(key, str) or not isinstance(tables, list):
            raise BadRequest("a webhook needs url, key and tables")
        unknown = [name for name in tables if name not in TABLES]
        if unknown:
            raise BadRequest(f"there is no table {', '.join(map(str, unknown))}")
        self._webhooks.register(url, key, tables)
        return json_answer({"url": url, "tables": tables}, 201)
