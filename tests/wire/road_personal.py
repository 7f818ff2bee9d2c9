"""Contacts and tasks on the whole road: what people make of them on either side, and how they look there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.wire.road import CATEGORY, Json, Person, Road


@dataclass(frozen=True)
class Desk:
    """One person's contacts and tasks on both sides."""

    road: Road
    person: Person

    # --- Exchange ---------------------------------------------------------------------------------

    def add_contact(self, *, tracked: bool = True, folder: str = "", **values: Any) -> str:
        body = {"categories": [CATEGORY] if tracked else [], **values}
        place = f"/contactFolders/{folder}/contacts" if folder else "/contacts"
        return str(self.road.graph(self.person, "POST", place, body)["id"])

    def edit_contact(self, contact_id: str, **values: Any) -> None:
        self.road.graph(self.person, "PATCH", f"/contacts/{contact_id}", values)

    def delete_contact(self, contact_id: str) -> None:
        self.road.graph(self.person, "DELETE", f"/contacts/{contact_id}")

    def contacts(self, folder: str = "") -> list[Json]:
        place = f"/contactFolders/{folder}/contacts" if folder else "/contacts"
        return list(self.road.graph(self.person, "GET", place, params={"$top": "500"})["value"])

    def contact(self, contact_id: str) -> Json:
        return dict(self.road.graph(self.person, "GET", f"/contacts/{contact_id}"))

    def add_folder(self, name: str) -> str:
        return str(self.road.graph(self.person, "POST", "/contactFolders", {"displayName": name})["id"])

    def lists(self) -> list[Json]:
        return list(self.road.graph(self.person, "GET", "/todo/lists")["value"])

    def default_list(self) -> str:
        return next(str(row["id"]) for row in self.lists() if row["wellknownListName"] == "defaultList")

    def add_list(self, name: str) -> str:
        return str(self.road.graph(self.person, "POST", "/todo/lists", {"displayName": name})["id"])

    def add_task(self, title: str, *, tracked: bool = True, place: str = "", **values: Any) -> str:
        body = {"title": title, "categories": [CATEGORY] if tracked else [], **values}
        path = f"/todo/lists/{place or self.default_list()}/tasks"
        return str(self.road.graph(self.person, "POST", path, body)["id"])

    def edit_task(self, task_id: str, *, place: str = "", **values: Any) -> None:
        path = f"/todo/lists/{place or self.default_list()}/tasks/{task_id}"
        self.road.graph(self.person, "PATCH", path, values)

    def tasks(self, place: str = "") -> list[Json]:
        path = f"/todo/lists/{place or self.default_list()}/tasks"
        query = {"$expand": "linkedResources", "$top": "200"}
        return list(self.road.graph(self.person, "GET", path, params=query)["value"])

    def titles(self) -> list[str]:
        return sorted(task["title"] for task in self.tasks())

    # --- Dynamics ---------------------------------------------------------------------------------

    def make(self, entity_set: str, **columns: Any) -> Json:
        """A row that this person owns."""
        body = {**columns, "ownerid@odata.bind": f"/systemusers({self.person.user})"}
        return dict(self.road.dataverse("POST", f"/{entity_set}", body))

    def edit(self, entity_set: str, row_id: str, **columns: Any) -> None:
        self.road.dataverse("PATCH", f"/{entity_set}({row_id})", columns)

    def delete(self, entity_set: str, row_id: str) -> None:
        self.road.dataverse("DELETE", f"/{entity_set}({row_id})")

    def rows(self, entity_set: str) -> list[Json]:
        """Those that this person owns."""
        query = {"$filter": f"_ownerid_value eq {self.person.user}"}
        return list(self.road.dataverse("GET", f"/{entity_set}", params=query)["value"])

    def row(self, entity_set: str, row_id: str) -> Json:
        return dict(self.road.dataverse("GET", f"/{entity_set}({row_id})"))

    def only_row(self, entity_set: str) -> Json:
        (row,) = self.rows(entity_set)
        return row


def address(mail: str) -> list[Json]:
    """The addresses of a contact with one."""
    return [{"address": mail, "name": mail}]
