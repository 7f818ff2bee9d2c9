"""Contacts, with addresses, in folders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tests.simulation.items import DYNAMICS, EXCHANGE, Item
from tests.simulation.kinds.kind import Fields, Json, Kind
from tests.wire.people import CATEGORY, Person


class Contacts(Kind):
    fields: ClassVar[Fields] = {
        "words": (("surname",), "lastname"),
        "job": (("jobTitle",), "jobtitle"),
        "city": (("businessAddress", "city"), "address1_city"),
        "mail": (("emailAddresses",), "emailaddress1"),
        "mobile": (("mobilePhone",), "mobilephone"),
    }
    entity_set, id_column = "contacts", "contactid"

    async def rows_here(self, person: Person) -> list[Json]:
        found = await person.contacts()
        for folder in (await person.graph("GET", "contactFolders"))["value"]:
            path = f"contactFolders/{folder['id']}/contacts?$top=500"
            found += (await person.graph("GET", path))["value"]
        return found

    async def row_here(self, item: Item) -> Json | None:
        return await item.owner.contact(item.ids[EXCHANGE])

    def path(self, item: Item) -> str:
        return f"contacts/{item.ids[EXCHANGE]}"

    def value(self, side: str, row: Json, name: str) -> str:
        if name == "mail" and side == EXCHANGE:
            return str(next((each["address"] for each in row["emailAddresses"]), ""))
        return super().value(side, row, name)

    def here(self, name: str, value: str) -> Json:
        if name == "mail":
            return {"emailAddresses": [{"address": value, "name": value}]}
        return super().here(name, value)

    async def make(self, item: Item, side: str, values: Mapping[str, str]) -> None:
        if side == DYNAMICS:
            columns = {"firstname": "Kim", **self.texts_there(values)}
            item.ids[side] = (await item.owner.make(self.entity_set, **columns))[self.id_column]
        else:
            body = {"givenName": "Kim", "categories": [] if item.private else [CATEGORY]}
            made = await item.owner.graph("POST", "contacts", {**body, **self.texts_here(values)})
            item.ids[side] = made["id"]

    async def move(self, item: Item, folder: str) -> None:
        body = {
            "user": item.owner.mailbox,
            "kind": "contact",
            "id": item.ids[EXCHANGE],
            "folder": folder,
        }
        item.ids[EXCHANGE] = (await item.owner.world.control("exchange", "POST", "move", body))["id"]
