"""Sync filters as people have them in Dynamics: written, changed, switched off over the wire."""

from __future__ import annotations

from typing import Any

from tests.wire.people import Json, People, Person

FILTER, TEMPLATE = 256, 131072
MINE = '<condition attribute="ownerid" operator="eq-userid"/>'


def fetch(inner: str, table: str = "contact", **attributes: str) -> str:
    written = "".join(f' {name}="{text}"' for name, text in attributes.items())
    return f'<fetch{written}><entity name="{table}">{inner}</entity></fetch>'


def where(attribute: str, operator: str, value: str | None = None) -> str:
    given = f' value="{value}"' if value is not None else ""
    return f'<filter><condition attribute="{attribute}" operator="{operator}"{given}/></filter>'


def in_city(name: str) -> str:
    return fetch(where("address1_city", "eq", name))


async def add_filter(
    person: Person, text: str, name: str = "Own", table: str = "contact", **columns: Any
) -> str:
    """A filter of the person's own; its id."""
    body = {"name": name, "returnedtypecode": table, "querytype": FILTER, "fetchxml": text, **columns}
    return str((await person.web_api("POST", "userqueries", body))["userqueryid"])


async def system_filter(world: People, text: str, name: str = "Everybody's", table: str = "contact") -> str:
    body = {"name": name, "returnedtypecode": table, "querytype": FILTER, "fetchxml": text}
    return str((await _administrator(world, "POST", "savedqueries", body))["savedqueryid"])


async def change_template(world: People, table: str, text: str) -> None:
    """What the default template of a table says from now on."""
    condition = f"querytype eq {TEMPLATE} and isdefault eq true and returnedtypecode eq '{table}'"
    (row,) = (await world.web_api("GET", f"savedqueries?$filter={condition}"))["value"]
    await _administrator(world, "PATCH", f"savedqueries({row['savedqueryid']})", {"fetchxml": text})


async def _administrator(world: People, method: str, path: str, body: Json) -> Json:
    headers = {"Authorization": "Bearer administrator", "Prefer": "return=representation"}
    url = f"{world.dataverse.url}/{path}"
    response = await world.http.request(method, url, json=body, headers=headers)
    assert response.status_code < 300, response.text
    return dict(response.json())


async def change_filter(person: Person, filter_id: str, **columns: Any) -> None:
    await person.web_api("PATCH", f"userqueries({filter_id})", columns)


async def delete_filter(person: Person, filter_id: str) -> None:
    await person.web_api("DELETE", f"userqueries({filter_id})")


async def filters_of(person: Person, table: str = "contact") -> list[Json]:
    """The active ones."""
    query = f"userqueries?$filter=querytype eq {FILTER} and statecode eq 0"
    rows = (await person.web_api("GET", query))["value"]
    return [row for row in rows if row["returnedtypecode"] == table]


async def switch_off(person: Person, table: str = "contact") -> None:
    """All of the table."""
    for row in await filters_of(person, table):
        await change_filter(person, row["userqueryid"], statecode=1)


async def only(person: Person, text: str, name: str = "Own", table: str = "contact") -> str:
    """This filter of the table and no other."""
    await switch_off(person, table)
    return await add_filter(person, text, name, table)


async def names(person: Person) -> set[str]:
    """Of the contacts that the person sees in Outlook."""
    return {row["displayName"] for row in await person.contacts()}


async def titles(person: Person) -> set[str]:
    return {row["title"] for row in await person.tasks()}
