"""Contacts and tasks of the sample tenant: some on both sides already, some on one, one of whom nobody knows
who it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local.tenant.days import When, when
from local.tenant.exchange_side import CATEGORY
from local.tenant.services import Service
from local.tenant.tenant import TenantUser

Json = Mapping[str, Any]
END_OF_WORK = {"from": "16:00", "to": "17:00"}


@dataclass(frozen=True)
class PersonalItems:
    """Everybody's contacts and tasks, as they make them on either side."""

    exchange: Service
    dataverse: Service
    users: Mapping[str, TenantUser]
    now: datetime

    async def add_contact(self, item: Json) -> str:
        """In Outlook."""
        return await self._in_exchange(item, "/contacts", item["contact"])

    async def add_task(self, item: Json) -> str:
        """In To Do's own list."""
        user = self.users[item["mailbox"]]
        day = self._due(item, user).start.date()
        due = {"dateTime": f"{day}T00:00:00", "timeZone": user.time_zone}
        path = f"/todo/lists/{await default_list(self.exchange, user)}/tasks"
        return await self._in_exchange(item, path, {**item["task"], "dueDateTime": due})

    async def add_row(self, item: Json) -> str:
        """A contact of Dynamics without an account."""
        return await self._in_dynamics("contacts", "contactid", item["row"], self.users[item["owner"]])

    async def add_activity(self, item: Json) -> str:
        """A task or another activity of Dynamics, due at the end of its owner's work."""
        owner = self.users[item["owner"]]
        _, end = self._due(item, owner).utc()
        row = {**item["row"], "scheduledend": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
        return await self._in_dynamics(item["table"], "activityid", row, owner)

    def _due(self, item: Json, user: TenantUser) -> When:
        return when({"day": item["due"], **END_OF_WORK}, self.now, user.time_zone)

    async def _in_exchange(self, item: Json, path: str, values: Json) -> str:
        user = self.users[item["mailbox"]]
        body = {**values, "categories": [CATEGORY] if item["tracked"] else []}
        return str((await as_person(self.exchange, user, "POST", path, body))["id"])

    async def _in_dynamics(self, entity_set: str, key: str, row: Json, owner: TenantUser) -> str:
        body = {**row, "ownerid@odata.bind": f"/systemusers({owner.user_id})"}
        headers = {"Prefer": "return=representation"}
        return str((await self.dataverse.ask("POST", f"/{entity_set}", body, headers=headers))[key])


async def default_list(exchange: Service, user: TenantUser) -> str:
    lists = (await as_person(exchange, user, "GET", "/todo/lists"))["value"]
    return next(str(each["id"]) for each in lists if each["wellknownListName"] == "defaultList")


async def as_person(exchange: Service, user: TenantUser, method: str, path: str, body: Any = None) -> Any:
    headers = {"X-Act-As": user.address, "Prefer": 'IdType="ImmutableId"'}
    return await exchange.ask(method, f"/users/{user.exchange_id}{path}", body, headers=headers)
