"""What people do to their contacts and tasks in the demonstration, and how to see that each arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.demo.edits import Desk, Edit, differences
from local.tenant.personal_items import default_list

COMPLETED = (1, 5)
PHONE, TITLE = "+1 918 555 0199", "Head of Web Marketing"


@dataclass(frozen=True)
class PersonalDesk:
    """The same hands, with contacts and tasks. ``answer``: what the administrator said about J. Healy."""

    desk: Desk
    answer: str

    async def edit_everything(self) -> list[Edit]:
        return [
            await self.change_contact(),
            self.answer_about_contact(),
            await self.complete_in_to_do(),
            await self.complete_in_dynamics(),
        ]

    async def change_contact(self) -> Edit:
        megan, item = self.desk.tenant.user("megan"), self.desk.tenant.outlook_contacts["garth"]
        row = self.desk.partner(item)
        await self.desk.as_user(megan, "PATCH", f"/contacts/{item}", {"businessPhones": [PHONE]})
        await self.desk.dataverse.ask("PATCH", f"/contacts({row})", {"jobtitle": TITLE})

        async def wrong() -> str:
            shown = await self.desk.as_user(megan, "GET", f"/contacts/{item}")
            stored = await self._row("contacts", row)
            return differences(
                shown["businessPhones"] == [stored["telephone1"]] == [PHONE],
                shown["jobTitle"] == stored["jobtitle"] == TITLE,
            )

        return Edit("'Garth Fort': phone changed in Outlook, job title in Dynamics", wrong)

    def answer_about_contact(self) -> Edit:
        alex = self.desk.tenant.user("alex")

        async def wrong() -> str:
            contacts = (await self.desk.as_user(alex, "GET", "/contacts", query={"$top": "100"}))["value"]
            named = [each["displayName"] for each in contacts if each["surname"] == "Healy"]
            rows = await self.desk.dataverse.ask(
                "GET", "/contacts", query={"$filter": "lastname eq 'Healy'", "$select": "fullname"}
            )
            both = sorted(each["fullname"] for each in rows["value"])
            return differences(sorted(named) == both == ["Jane Healy", "Joe Healy"])

        return Edit(f"'J. Healy': an administrator was asked who that is, and said {self.answer}", wrong)

    async def complete_in_to_do(self) -> Edit:
        alex, row = self.desk.tenant.user("alex"), self.desk.tenant.activities["offer"]
        path = f"/todo/lists/{await default_list(self.desk.exchange, alex)}/tasks/{self.desk.partner(row)}"
        await self.desk.as_user(alex, "PATCH", path, {"status": "completed"})

        async def wrong() -> str:
            stored = await self._row("tasks", row)
            return differences((stored["statecode"], stored["statuscode"]) == COMPLETED)

        return Edit("'Prepare the offer for Fabrikam': completed in To Do", wrong)

    async def complete_in_dynamics(self) -> Edit:
        adele, task = self.desk.tenant.user("adele"), self.desk.tenant.todo_tasks["flowers"]
        row, (state, status) = self.desk.partner(task), COMPLETED
        await self.desk.dataverse.ask("PATCH", f"/tasks({row})", {"statecode": state, "statuscode": status})

        async def wrong() -> str:
            path = f"/todo/lists/{await default_list(self.desk.exchange, adele)}/tasks/{task}"
            return differences((await self.desk.as_user(adele, "GET", path))["status"] == "completed")

        return Edit("'Order flowers for the open day': completed in Dynamics", wrong)

    async def _row(self, entity_set: str, row_id: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = await self.desk.dataverse.ask("GET", f"/{entity_set}({row_id})")
        return found
