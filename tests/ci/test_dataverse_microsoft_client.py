"""Microsoft's own Python client for Dataverse, in its async form, works against the stand-in.

It needs requirements-ci.txt, which only CI installs; elsewhere the module is skipped and says so.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.wire.dataverse_org import Org, meeting, organization

pytest.importorskip(
    "PowerPlatform.Dataverse.aio",
    reason="requirements-ci.txt (PowerPlatform-Dataverse-Client) is not installed",
)

from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential
from PowerPlatform.Dataverse.aio import AsyncDataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError


class ServiceCredential(AsyncTokenCredential):
    """The rig's own token."""

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken("app", int(time.time()) + 3600)

    async def close(self) -> None:
        return None

    async def __aexit__(self, *error: object) -> None:
        return None


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    async with organization() as running:
        yield running


@pytest.fixture
async def client(org: Org) -> AsyncIterator[Any]:
    async with AsyncDataverseClient(org.dataverse.host, ServiceCredential()) as connected:
        yield connected


async def test_contacts_are_created_read_changed_listed_and_deleted(client: Any) -> None:
    row = {"firstname": "Anna", "lastname": "Berg", "preferredcontactmethodcode": "Phone"}
    made = await client.records.create("contact", row)
    read = await client.records.retrieve("contact", made, select=["fullname", "preferredcontactmethodcode"])
    assert (read["fullname"], read["preferredcontactmethodcode"]) == ("Anna Berg", 3)
    await client.records.update("contact", made, {"jobtitle": "Buyer"})
    listed = await client.records.list("contact", filter="jobtitle eq 'buyer'", select=["jobtitle"])
    assert [record["jobtitle"] for record in listed] == ["Buyer"]
    await client.records.delete("contact", made)
    assert await client.records.retrieve("contact", made) is None


async def test_an_update_of_nothing_fails_with_the_documented_code(client: Any) -> None:
    with pytest.raises(HttpError) as caught:
        await client.records.update("contact", "00000000-0000-0000-0000-000000000001", {"jobtitle": "x"})
    assert caught.value.status_code == 404


async def test_appointments_with_parties(org: Org, client: Any) -> None:
    ida = await org.person("Ida")
    made = await client.records.create("appointment", meeting(ida))
    read = await client.records.retrieve(
        "appointment", made, select=["subject"], expand=["appointment_activity_parties"]
    )
    masks = sorted(row["participationtypemask"] for row in read["appointment_activity_parties"])
    assert (read["subject"], masks) == ("Planning", [7, 9])
    await client.records.update("appointment", made, {"statecode": 3, "statuscode": 5})
    (listed,) = await client.records.list("appointment", select=["statuscode"], include_annotations="*")
    assert listed["statuscode@OData.Community.Display.V1.FormattedValue"] == "Busy"


async def test_several_rows_pages_and_fetchxml(client: Any) -> None:
    names = [f"Contact {number}" for number in range(7)]
    await client.records.create("contact", [{"lastname": name} for name in names])
    listed = await client.records.list("contact", select=["lastname"], orderby=["lastname"], page_size=3)
    assert [record["lastname"] for record in listed] == names
    query = client.query.fetchxml(
        '<fetch count="3"><entity name="contact"><attribute name="lastname"/>'
        '<order attribute="lastname" descending="true"/></entity></fetch>'
    )
    fetched = await query.execute()
    assert [record["lastname"] for record in fetched] == list(reversed(names))


async def test_a_batch_with_a_change_set(client: Any) -> None:
    batch = client.batch.new()
    async with batch.changeset() as changes:
        changes.records.create("account", {"name": "Nordwind"})
        changes.records.create("contact", {"lastname": "Berg"})
    batch.records.create("contact", {"lastname": "x" * 51})
    result = await batch.execute(continue_on_error=True)
    assert [response.status_code for response in result.responses] == [204, 204, 400]
