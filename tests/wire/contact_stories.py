"""What stories about contacts need: what Outlook does by hand, and what both sides then hold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from shared.model.link import Link
from shared.model.personal import PlacedId
from tests.wire.people import CATEGORY, PUBLIC_STRINGS, People, Person, people

Json = dict[str, Any]
MARY: Json = {
    "givenName": "Mary",
    "surname": "Jones",
    "jobTitle": "CFO",
    "emailAddresses": [{"address": "mary@fabrikam.example"}],
}
BOB: Json = {"firstname": "Bob", "lastname": "Ray", "emailaddress1": "bob@fabrikam.example"}
STATE = f"Double {PUBLIC_STRINGS} Name crmLinkState"
CRM_ID = f"String {PUBLIC_STRINGS} Name crmid"
ORG_ID = f"String {PUBLIC_STRINGS} Name crmorgid"
REGARDING = {
    "regarding": f"String {PUBLIC_STRINGS} Name crmRegardingObjectId",
    "regarding_type": f"String {PUBLIC_STRINGS} Name crmRegardingObjectTypeCode",
}


@asynccontextmanager
async def ada_alone() -> AsyncIterator[tuple[People, Person]]:
    """One person, whose first pass is over."""
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        yield world, ada


async def link_of(person: Person) -> Link:
    """The only one."""
    (link,) = await person.links("contact")
    return link


async def tracked(world: People, person: Person, **values: Any) -> tuple[str, str]:
    """A contact made in Outlook and tracked: its ids on both sides."""
    made = await person.add_contact(**(values or MARY))
    await world.settle()
    link = next(link for link in await person.links("contact") if link.exchange_id == made["id"])
    return str(made["id"]), link.dynamics_id


async def arrived(world: People, person: Person, **columns: Any) -> tuple[str, str]:
    """A row of the person's own that came to Outlook: its ids on both sides."""
    row_id = (await person.make("contacts", **(columns or BOB)))["contactid"]
    await world.settle()
    link = next(link for link in await person.links("contact") if link.dynamics_id == row_id)
    assert link.exchange_id is not None
    return link.exchange_id, row_id


async def folder(person: Person, name: str, parent: str = "") -> str:
    path = f"contactFolders/{parent}/childFolders" if parent else "contactFolders"
    return str((await person.graph("POST", path, {"displayName": name}))["id"])


async def move(person: Person, contact_id: str, target: str) -> None:
    body = {"kind": "contact", "user": person.mailbox, "id": contact_id, "folder": target}
    await person.world.control("exchange", "POST", "move", body)


async def copy(person: Person, contact_id: str) -> str:
    body = {"kind": "contact", "user": person.mailbox, "id": contact_id}
    return str((await person.world.control("exchange", "POST", "copy", body))["id"])


async def stamp(person: Person, contact_id: str, **marks: Any) -> None:
    """As Microsoft's app or its sync stamps a contact: ``state``, ``row``, ``organization``, ``regarding``
    and ``regarding_type``."""
    named = {"state": STATE, "row": CRM_ID, "organization": ORG_ID, **REGARDING}
    rows = [{"id": named[name], "value": str(value)} for name, value in marks.items()]
    await person.edit_contact(contact_id, singleValueExtendedProperties=rows)


async def stamps(person: Person, contact_id: str) -> dict[str, str]:
    found = await shown(person, contact_id)
    rows = {row["id"].lower(): row["value"] for row in found.get("singleValueExtendedProperties") or ()}
    named = {"state": STATE.lower(), "row": CRM_ID.lower()}
    return {name: str(rows[key]).strip("{}").lower() for name, key in named.items() if key in rows}


async def shown(person: Person, contact_id: str) -> Json:
    """The contact in Outlook, which is there."""
    found = await person.contact(contact_id)
    assert found is not None
    return found


async def held(person: Person, row_id: str) -> Json:
    """The row in Dynamics, which is there."""
    found = await person.row("contacts", row_id)
    assert found is not None
    return found


async def values_of(person: Person, contact_id: str) -> dict[str, Any]:
    """Every field of the field map, as the adapter reads the contact."""
    source = person.world.services.exchange.mailbox(person.mailbox).contacts
    item = (await source.items([PlacedId(contact_id, "")]))[contact_id]
    assert item is not None
    return {name: value for name, value in item.values.items() if name != "regarding"}


async def sentence(person: Person, item_id: str) -> str:
    """What explain says."""
    return str((await person.explain(item_id))["sentence"])


async def untrack(person: Person, contact_id: str) -> None:
    """The category is taken off in Outlook."""
    await person.edit_contact(contact_id, categories=[])


async def track(person: Person, contact_id: str) -> None:
    await person.edit_contact(contact_id, categories=[CATEGORY])


async def names(person: Person) -> tuple[list[str], list[str]]:
    """What everybody is called, in Outlook's default folder and in Dynamics."""
    outlook = sorted(str(each["displayName"]) for each in await person.contacts())
    return outlook, sorted(str(row["fullname"]) for row in await person.rows("contacts"))


async def before_images(person: Person, action: str) -> list[Json]:
    """What the history keeps of what was deleted or overwritten."""
    return [dict(row.before) for row in await person.history() if row.action == action]
