"""Loads the sample tenant into both stand-ins and leaves their outbox and counters empty."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import aiohttp

from local.tenant.dynamics_side import (
    add_account,
    add_appointment,
    add_contact,
    add_user,
    organization_id,
)
from local.tenant.exchange_side import Calendars, add_mailbox
from local.tenant.personal_items import PersonalItems
from local.tenant.services import Service
from local.tenant.tenant import Tenant, TenantUser


async def load(endpoints: Mapping[str, Any], now: datetime | None = None) -> Tenant:
    """Fill empty stand-ins; ``endpoints`` as in ``.local/endpoints.json``, days counted from ``now``."""
    async with aiohttp.ClientSession() as http:
        exchange = Service(http, endpoints["graph"], endpoints["graph_control"])
        dataverse = Service(http, endpoints["dataverse"], endpoints["dataverse_control"])
        tenant = await _fill(exchange, dataverse, now or datetime.now(UTC))
        await exchange.set_up("DELETE", "/outbox")
        for service in (exchange, dataverse):
            await service.set_up("DELETE", "/requests")
    return tenant


async def _fill(exchange: Service, dataverse: Service, now: datetime) -> Tenant:
    people = _data("people.json")
    users = {person["key"]: await _add_user(exchange, dataverse, person) for person in people["users"]}
    rows = await _add_customers(dataverse, people, users)
    rows["user"] = {key: user.user_id for key, user in users.items() if user.user_id}
    rows["appointment"] = {
        item["key"]: await add_appointment(dataverse, item, rows, users[_owner(item)], now)
        for item in _data("appointments.json")
    }
    calendars = Calendars(exchange, users, _addresses(people), rows, await organization_id(dataverse), now)
    events = {item["key"]: await calendars.add(item) for item in _data("events.json")}
    personal, items = _data("personal.json"), PersonalItems(exchange, dataverse, users, now)
    unclear = {item["key"]: await items.add_row(item) for item in personal["rows"]}
    return Tenant(
        tuple(users.values()),
        rows["account"],
        {**rows["contact"], **unclear},
        rows["appointment"],
        events,
        outlook_contacts={item["key"]: await items.add_contact(item) for item in personal["contacts"]},
        todo_tasks={item["key"]: await items.add_task(item) for item in personal["tasks"]},
        activities={item["key"]: await items.add_activity(item) for item in personal["activities"]},
    )


async def _add_user(exchange: Service, dataverse: Service, person: Mapping[str, Any]) -> TenantUser:
    exchange_id = await add_mailbox(exchange, person)
    user_id = await add_user(dataverse, person, exchange_id) if person["dynamics"] else None
    return TenantUser(
        person["key"], person["address"], person["name"], person["timeZone"], exchange_id, user_id
    )


async def _add_customers(
    dataverse: Service, people: Mapping[str, Any], users: Mapping[str, TenantUser]
) -> dict[str, dict[str, str]]:
    accounts = {
        account["key"]: await add_account(dataverse, account, users[account["owner"]])
        for account in people["accounts"]
    }
    contacts = {
        contact["key"]: await add_contact(
            dataverse, contact, users[contact["owner"]], accounts[contact["account"]]
        )
        for contact in people["contacts"]
    }
    return {"account": accounts, "contact": contacts}


def _addresses(people: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Name and address of everybody, by short name."""
    inside = {user["key"]: (user["name"], user["address"]) for user in people["users"]}
    outside = {
        contact["key"]: (
            f"{contact['row']['firstname']} {contact['row']['lastname']}",
            contact["row"]["emailaddress1"],
        )
        for contact in people["contacts"]
    }
    return {**inside, **outside}


def _owner(item: Mapping[str, Any]) -> str:
    return str(item.get("organizer") or item["owner"])


def _data(name: str) -> Any:
    return json.loads(files("local.tenant").joinpath("data", name).read_text(encoding="utf-8"))
