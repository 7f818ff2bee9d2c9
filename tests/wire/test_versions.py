"""The stand-ins' version moves with every change that a pass could read: ``settle`` relies on that."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.wire.people import People, people


@pytest_asyncio.fixture
async def world() -> AsyncIterator[People]:
    async with people() as made:
        yield made


class Counting:
    """Each look must find another version than the one before."""

    def __init__(self, world: People, part: str) -> None:
        self._world, self._part = world, part
        self._last = -1

    async def moved(self, after: str) -> None:
        version = (await self._world.control(self._part, "GET", "version"))["version"]
        assert version != self._last, after
        self._last = version


async def test_every_change_of_folders_lists_contacts_and_tasks_moves_the_version_of_exchange(
    world: People,
) -> None:
    ada, counting = await world.person("ada"), Counting(world, "exchange")
    folder = (await ada.graph("POST", "contactFolders", {"displayName": "Suppliers"}))["id"]
    await counting.moved("folder made")
    contact = (await ada.add_contact(folder=folder, surname="Jones"))["id"]
    await counting.moved("contact made")
    await ada.edit_contact(contact, jobTitle="CFO")
    await counting.moved("contact changed")
    await ada.delete_contact(contact)
    await counting.moved("contact deleted")
    await ada.graph("DELETE", f"contactFolders/{folder}")
    await counting.moved("folder deleted")
    place = (await ada.graph("POST", "todo/lists", {"displayName": "Errands"}))["id"]
    await counting.moved("list made")
    task = (await ada.add_task("Call", place=place))["id"]
    await counting.moved("task made")
    await ada.edit_task(task, place, status="completed")
    await counting.moved("task changed")
    link = {
        "webUrl": "https://contoso.example/1",
        "applicationName": "Dynamics 365",
        "displayName": "Call",
        "externalId": "1",
    }
    await ada.graph("POST", f"todo/lists/{place}/tasks/{task}/linkedResources", link)
    await counting.moved("link made")
    await ada.delete_task(task, place)
    await counting.moved("task deleted")
    await ada.graph("DELETE", f"todo/lists/{place}")
    await counting.moved("list deleted")


async def test_every_change_of_rows_filters_and_rights_moves_the_version_of_dataverse(world: People) -> None:
    ada, bob = await world.person("ada"), await world.person("bob")
    counting = Counting(world, "dataverse")
    for entity_set, name, key in (
        ("contacts", "lastname", "contactid"),
        ("tasks", "subject", "activityid"),
        ("phonecalls", "subject", "activityid"),
        ("letters", "subject", "activityid"),
        ("faxes", "subject", "activityid"),
    ):
        row = (await ada.make(entity_set, **{name: "New"}))[key]
        await counting.moved(f"{entity_set} made")
        await ada.edit(entity_set, row, **{name: "Changed"})
        await counting.moved(f"{entity_set} changed")
        await ada.edit(entity_set, row, **{"ownerid@odata.bind": f"/systemusers({bob.user})"})
        await counting.moved(f"{entity_set} given away")
        await ada.delete(entity_set, row)
        await counting.moved(f"{entity_set} deleted")
    fetch = '<fetch><entity name="task"><filter></filter></entity></fetch>'
    query = {"name": "All", "returnedtypecode": "task", "querytype": 256, "fetchxml": fetch}
    own = (await ada.make("userqueries", **query))["userqueryid"]
    await counting.moved("filter made")
    await ada.edit("userqueries", own, name="Every one")
    await counting.moved("filter changed")
    await ada.delete("userqueries", own)
    await counting.moved("filter deleted")
    await world.setting(TrackCategorizedItems=False)
    await counting.moved("setting of the organization changed")
