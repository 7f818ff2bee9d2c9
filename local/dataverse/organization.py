"""What exists from the first start: the organization, its business unit, the service, an administrator."""

from __future__ import annotations

from typing import Any
from uuid import uuid4
from xml.etree.ElementTree import Element, SubElement, tostring

from defusedxml import ElementTree

from local.dataverse.default_filters import TEMPLATES
from local.dataverse.schema import Table
from local.dataverse.store import Row, Store
from local.dataverse.tables import TABLES
from local.dataverse.tables.messages import BULK_MESSAGES, MANY_AT_A_TIME
from local.dataverse.user_filters import OUTLOOK_TEMPLATE, defaults, instance
from local.dataverse.values import as_text

SETTINGS = "orgdborgsettings"
ABSENT_TABLES = "absent tables"


def insert(store: Store, table: Table, values: Row) -> Row:
    """A row made by the system itself: defaults and times, no rights asked."""
    now = as_text(store.clock.now())
    administrator = store.journal.get("meta", "administrator")
    person = ["systemuser", administrator] if administrator else None
    audit = {"createdon": now, "modifiedon": now, "createdby": person, "modifiedby": person}
    defaults = {column.name: column.default for column in table.columns if column.default is not None}
    if "statuscode" in table.by_name:
        defaults["statuscode"] = table.state_defaults[0]
    key = {table.primary_id: str(uuid4())}
    known = {name: value for name, value in audit.items() if name in table.by_name}
    return store.put(table, {**key, **known, **defaults, **values})


def found(store: Store) -> None:
    """Make the organization once; a restart finds it in the journal."""
    if store.rows("organization"):
        return
    with store.atomic():
        organization = insert(store, TABLES["organization"], {"name": "Local"})
        organization_id = organization["organizationid"]
        unit = insert(
            store,
            TABLES["businessunit"],
            {"name": "Local", "organizationid": ["organization", organization_id]},
        )
        common = {
            "businessunitid": ["businessunit", unit["businessunitid"]],
            "organizationid": organization_id,
        }
        administrator = {**common, "fullname": "System Administrator", "accessmode": 0}
        application = {
            **common,
            "fullname": "# exchange-dynamics-sync",
            "accessmode": 4,
            "applicationid": str(uuid4()),
            "azureactivedirectoryobjectid": str(uuid4()),
        }
        for name, values in (("administrator", administrator), ("application", application)):
            user = insert(store, TABLES["systemuser"], values)["systemuserid"]
            store.journal.put("meta", name, user)
            store.journal.put("profiles", user, {"role": "administrator"})
        _add_templates(store)
        _add_messages(store)


def _add_templates(store: Store) -> None:
    for table, (name, fetch) in TEMPLATES.items():
        values = {"name": name, "returnedtypecode": table, "fetchxml": fetch, "isdefault": True}
        insert(store, TABLES["savedquery"], {**values, "querytype": OUTLOOK_TEMPLATE})


def _add_messages(store: Store) -> None:
    for name in BULK_MESSAGES:
        message = insert(store, TABLES["sdkmessage"], {"name": name})
        for table in MANY_AT_A_TIME:
            values = {"primaryobjecttypecode": table, "sdkmessageid": ["sdkmessage", message["sdkmessageid"]]}
            insert(store, TABLES["sdkmessagefilter"], values)


def give_filters(store: Store, user: Row) -> None:
    """A user's first set-up: every default template becomes a filter of the user's own."""
    for template in defaults(store, OUTLOOK_TEMPLATE):
        insert(store, TABLES["userquery"], instance(template, user))


def organization(store: Store) -> Row:
    return store.rows("organization")[0]


def absent_tables(store: Store) -> list[str]:
    """Tables that this organization does not have: they come with apps that are not installed."""
    return list(store.journal.get("control", ABSENT_TABLES) or ())


def merge_settings(text: str | None, changes: dict[str, Any]) -> str:
    """The settings XML with some set and, where the value is ``None``, some taken out."""
    root = ElementTree.fromstring(text) if text else Element("OrgSettings")
    values = {element.tag: element.text or "" for element in root}
    for name, value in changes.items():
        if value is None:
            values.pop(name, None)
        else:
            values[name] = str(value).lower() if isinstance(value, bool) else str(value)
    merged = Element("OrgSettings")
    for name, value in values.items():
        SubElement(merged, name).text = value
    return tostring(merged, encoding="unicode")
