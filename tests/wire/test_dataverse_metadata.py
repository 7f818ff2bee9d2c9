"""Set-up checks through ``EntityDefinitions``, and addresses that are too long."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from tests.wire.dataverse_org import Org, error_code, organization

APPOINTMENT = "EntityDefinitions(LogicalName='appointment')"


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    async with organization() as running:
        yield running


async def test_a_table_tells_whether_changes_are_tracked_and_its_columns(org: Org) -> None:
    body = await org.get(
        f"{APPOINTMENT}?$select=EntitySetName,ChangeTrackingEnabled,IsOptimisticConcurrencyEnabled,ObjectTypeCode"
        "&$expand=Attributes($select=LogicalName,AttributeType,IsValidForCreate,IsValidForUpdate),"
        "Keys($select=KeyAttributes)"
    )
    assert (body["EntitySetName"], body["ObjectTypeCode"]) == ("appointments", 4201)
    assert body["ChangeTrackingEnabled"] is True
    assert body["IsOptimisticConcurrencyEnabled"] is True
    assert body["Keys"] == []
    state = next(item for item in body["Attributes"] if item["LogicalName"] == "statecode")
    assert (state["AttributeType"], state["IsValidForCreate"], state["IsValidForUpdate"]) == (
        "State",
        False,
        True,
    )
    assert "SchemaName" not in state


async def test_lengths_and_options_are_read_through_casts(org: Org) -> None:
    texts = await org.values(
        f"{APPOINTMENT}/Attributes/Microsoft.Dynamics.CRM.StringAttributeMetadata?$select=LogicalName,MaxLength"
    )
    assert {item["LogicalName"]: item["MaxLength"] for item in texts}["globalobjectid"] == 300
    status = await org.get(
        f"{APPOINTMENT}/Attributes(LogicalName='statuscode')"
        "/Microsoft.Dynamics.CRM.StatusAttributeMetadata?$select=LogicalName&$expand=OptionSet"
    )
    busy = next(option for option in status["OptionSet"]["Options"] if option["Value"] == 5)
    assert (busy["Label"]["UserLocalizedLabel"]["Label"], busy["State"]) == ("Busy", 3)


async def test_tables_are_found_by_name_and_unknown_ones_are_not(org: Org) -> None:
    query = "EntityDefinitions?$select=LogicalName,EntitySetName&$filter=LogicalName eq 'contact'"
    (found,) = await org.values(query)
    assert found["EntitySetName"] == "contacts"
    assert (await org.call("GET", "EntityDefinitions(LogicalName='lead')")).status_code == 404
    wrong = await org.call("GET", f"{APPOINTMENT}?$select=Nothing")
    assert error_code(wrong) == (400, "0x80060888")


@pytest.mark.parametrize(
    ("table", "entity_set", "code", "open_reasons"),
    [
        ("task", "tasks", 4212, {2, 3, 4, 7}),
        ("phonecall", "phonecalls", 4210, {1}),
        ("letter", "letters", 4207, {1, 2}),
        ("fax", "faxes", 4204, {1}),
        ("contact", "contacts", 2, {1}),
        ("userquery", "userqueries", 4230, {1, 3}),
        ("savedquery", "savedqueries", 1039, {1}),
    ],
)
async def test_what_contacts_tasks_and_filters_need_can_be_checked(
    org: Org, table: str, entity_set: str, code: int, open_reasons: set[int]
) -> None:
    path = f"EntityDefinitions(LogicalName='{table}')"
    body = await org.get(f"{path}?$select=EntitySetName,ObjectTypeCode,ChangeTrackingEnabled,IsActivity")
    assert (body["EntitySetName"], body["ObjectTypeCode"]) == (entity_set, code)
    assert body["ChangeTrackingEnabled"] is not table.endswith("query")
    assert body["IsActivity"] is (table in ("task", "phonecall", "letter", "fax"))
    status = await org.get(
        f"{path}/Attributes(LogicalName='statuscode')/Microsoft.Dynamics.CRM.StatusAttributeMetadata"
        "?$expand=OptionSet"
    )
    options = status["OptionSet"]["Options"]
    assert {option["Value"] for option in options if option["State"] == 0} == open_reasons


async def test_relationships_name_the_navigation_properties(org: Org) -> None:
    relations = await org.values(f"{APPOINTMENT}/ManyToOneRelationships")
    names = {item["ReferencingEntityNavigationPropertyName"] for item in relations}
    assert "regardingobjectid_contact_appointment" in names


async def test_an_address_may_have_32_kilobytes(org: Org) -> None:
    ids = ",".join(f"'{uuid4()}'" for _ in range(1000))
    filter_ = f"Microsoft.Dynamics.CRM.In(PropertyName='contactid',PropertyValues=[{ids}])"
    response = await org.call("GET", f"contacts?$filter={filter_}")
    assert error_code(response) == (414, "0x80060888")
    fewer = ",".join(f"'{uuid4()}'" for _ in range(500))
    filter_ = f"Microsoft.Dynamics.CRM.In(PropertyName='contactid',PropertyValues=[{fewer}])"
    assert await org.values(f"contacts?$filter={filter_}") == []
