"""Sync filters over the wire: templates, what users have of them, who sees and resets which."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from tests.wire.dataverse_org import Json, Org, Person, error_code, meeting, organization, party

FILTER, TEMPLATE = 256, 131072
TABLES = {
    *("contact", "appointment", "recurringappointmentmaster", "serviceappointment"),
    *("task", "phonecall", "letter", "fax"),
}
SETS = {"task": "tasks", "phonecall": "phonecalls", "letter": "letters", "fax": "faxes"}
IN_OSLO = (
    '<fetch><entity name="contact"><filter><condition attribute="address1_city" operator="eq" value="Oslo"/>'
    "</filter></entity></fetch>"
)


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    async with organization() as running:
        yield running


async def filters(org: Org, user: Person, kind: int = FILTER) -> dict[str, Json]:
    """A user's active filters by table, as that user reads them."""
    chosen = quote(f"querytype eq {kind} and statecode eq 0")
    rows = await org.values(f"userqueries?$filter={chosen}", user=user)
    return {row["returnedtypecode"]: row for row in rows}


async def found(org: Org, user: Person, entity_set: str, view: Json) -> set[str]:
    """The ids that a user's filter finds, run as that user."""
    rows = await org.values(f"{entity_set}?fetchXml={quote(view['fetchxml'])}", user=user)
    return {row.get("activityid") or row["contactid"] for row in rows}


def view(text: str = IN_OSLO, **columns: object) -> Json:
    return {"name": "Oslo", "returnedtypecode": "contact", "querytype": FILTER, "fetchxml": text, **columns}


async def test_one_default_template_for_each_table_becomes_a_new_users_filter(org: Org) -> None:
    templates = await org.values(f"savedqueries?$filter=querytype eq {TEMPLATE} and isdefault eq true")
    assert {row["returnedtypecode"] for row in templates} == TABLES
    assert len(templates) == len(TABLES)
    own = await filters(org, await org.person("Ida"))
    assert own.keys() == TABLES
    by_id = {row["savedqueryid"]: row for row in templates}
    for row in own.values():
        template = by_id[row["_parentqueryid_value"]]
        assert (row["name"], row["fetchxml"]) == (template["name"], template["fetchxml"])


async def test_the_default_filter_of_contacts_is_mine_and_active(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    mine = await org.make("contacts", {"lastname": "Mine"}, user=ida)
    closed = await org.make("contacts", {"lastname": "Closed"}, user=ida)
    await org.change(f"contacts({closed['contactid']})", {"statecode": 1}, user=ida)
    await org.make("contacts", {"lastname": "His"}, user=bo)
    contacts = (await filters(org, ida))["contact"]
    assert contacts["name"] == "My Outlook Contacts"
    assert await found(org, ida, "contacts", contacts) == {mine["contactid"]}


async def test_the_default_filter_of_appointments_asks_for_parties_not_for_owners(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    organized = await org.make("appointments", meeting(ida))
    required = await org.make("appointments", meeting(bo, party(5, "systemuser", ida.id)))
    await org.make("appointments", {"subject": "owned", "ownerid@odata.bind": f"/systemusers({ida.id})"})
    appointments = (await filters(org, ida))["appointment"]
    assert await found(org, ida, "appointments", appointments) == {
        organized["activityid"],
        required["activityid"],
    }


@pytest.mark.parametrize("table", SETS)
async def test_the_default_filters_of_tasks_and_the_like_are_mine_and_open(org: Org, table: str) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    mine = await org.make(SETS[table], {"subject": "mine"}, user=ida)
    done = await org.make(SETS[table], {"subject": "done"}, user=ida)
    await org.change(f"{SETS[table]}({done['activityid']})", {"statecode": 1}, user=ida)
    await org.make(SETS[table], {"subject": "his"}, user=bo)
    assert await found(org, ida, SETS[table], (await filters(org, ida))[table]) == {mine["activityid"]}


async def test_nobody_sees_the_filters_of_others(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    made = await org.make("userqueries", view(), user=ida)
    path = f"userqueries({made['userqueryid']})"
    assert (await org.get(path, user=ida))["name"] == "Oslo"
    assert error_code(await org.call("GET", path, user=bo)) == (403, "0x80040220")
    assert made["userqueryid"] not in {row["userqueryid"] for row in await org.values("userqueries", user=bo)}
    assert await org.values("userqueries", token="administrator") == []


async def test_an_administrator_lists_them_by_one_question_only(org: Org) -> None:
    ida = await org.person("Ida")
    exact = f"querytype eq {FILTER} and _ownerid_value eq {ida.id}"
    assert len(await org.values(f"userqueries?$filter={quote(exact)}")) == len(TABLES)
    conditions = (
        f'<condition attribute="ownerid" operator="eq" value="{ida.id}"/>'
        f'<condition attribute="querytype" operator="eq" value="{FILTER}"/>'
    )
    text = f'<fetch><entity name="userquery"><filter>{conditions}</filter></entity></fetch>'
    assert len(await org.values(f"userqueries?fetchXml={quote(text)}")) == len(TABLES)
    for other in (
        f"{exact} and statecode eq 0",
        f"_ownerid_value eq {ida.id}",
        f"querytype eq 0 and _ownerid_value eq {ida.id}",
        f"querytype eq {FILTER} or _ownerid_value eq {ida.id}",
    ):
        assert await org.values(f"userqueries?$filter={quote(other)}") == []
    bo = await org.person("Bo")
    assert await org.values(f"userqueries?$filter={quote(exact)}", user=bo) == []


async def test_a_filter_is_switched_off_changed_and_deleted_by_its_owner(org: Org) -> None:
    ida = await org.person("Ida")
    made = await org.make("userqueries", view(), user=ida)
    path = f"userqueries({made['userqueryid']})"
    await org.change(path, {"statecode": 1}, user=ida)
    assert made["userqueryid"] not in {row["userqueryid"] for row in (await filters(org, ida)).values()}
    await org.change(path, {"statecode": 0, "fetchxml": IN_OSLO.replace("Oslo", "Bergen")}, user=ida)
    assert "Bergen" in (await org.get(path, user=ida))["fetchxml"]
    assert (await org.call("DELETE", path, user=ida)).status_code == 204


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"fetchxml": "<fetch"}, "0x80060888"),
        ({"fetchxml": '<fetch><entity name="contact"><attribute name="no"/></entity></fetch>'}, "0x80041103"),
        ({"fetchxml": IN_OSLO.replace('"eq"', '"resembles"')}, "0x80041120"),
        ({"fetchxml": '<fetch><entity name="account"/></fetch>'}, "0x80040203"),
        ({"fetchxml": None}, "0x80040203"),
        ({"name": ""}, "0x80040203"),
        ({"querytype": None}, "0x80040203"),
    ],
)
async def test_a_view_that_cannot_be_run_is_not_saved(org: Org, columns: Json, code: str) -> None:
    for entity_set in ("userqueries", "savedqueries"):
        assert error_code(await org.call("POST", entity_set, view(**columns))) == (400, code)
    made = await org.make("savedqueries", view())
    changed = await org.call("PATCH", f"savedqueries({made['savedqueryid']})", columns)
    assert error_code(changed) == (400, code)


async def test_system_filters_are_read_by_all_and_written_by_administrators(org: Org) -> None:
    ida = await org.person("Ida")
    made = await org.make("savedqueries", view())
    path = f"savedqueries({made['savedqueryid']})"
    assert (await org.get(path, user=ida))["querytype"] == FILTER
    assert error_code(await org.call("PATCH", path, {"name": "x"}, user=ida)) == (403, "0x80040220")
    assert error_code(await org.call("POST", "savedqueries", view(), user=ida)) == (403, "0x80040220")


async def test_only_templates_are_defaults_and_only_one_of_a_table(org: Org) -> None:
    refused = (400, "0x80040203")
    assert error_code(await org.call("POST", "savedqueries", view(isdefault=True))) == refused
    second = view(querytype=TEMPLATE, isdefault=True)
    assert error_code(await org.call("POST", "savedqueries", second)) == refused
    chosen = quote(f"querytype eq {TEMPLATE} and returnedtypecode eq 'contact'")
    (first,) = await org.values(f"savedqueries?$filter={chosen}")
    await org.change(f"savedqueries({first['savedqueryid']})", {"isdefault": False})
    await org.make("savedqueries", second)


async def new_default(org: Org, text: str) -> str:
    """The template of contacts says something else from now on."""
    chosen = quote(f"querytype eq {TEMPLATE} and returnedtypecode eq 'contact'")
    (template,) = await org.values(f"savedqueries?$filter={chosen}")
    await org.change(f"savedqueries({template['savedqueryid']})", {"fetchxml": text})
    return str(template["savedqueryid"])


async def test_a_changed_template_reaches_new_users_only(org: Org) -> None:
    ida = await org.person("Ida")
    await new_default(org, IN_OSLO)
    bo = await org.person("Bo")
    assert "Oslo" not in (await filters(org, ida))["contact"]["fetchxml"]
    assert (await filters(org, bo))["contact"]["fetchxml"] == IN_OSLO


async def test_resetting_brings_back_the_defaults_and_nothing_else(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    await org.make("userqueries", view(name="Own"), user=ida)
    offline = await org.make("userqueries", view(querytype=16), user=ida)
    await new_default(org, IN_OSLO)
    response = await org.call("POST", "ResetUserFilters", {"QueryType": FILTER}, user=ida)
    assert response.status_code == 204
    own = await filters(org, ida)
    assert own.keys() == TABLES
    assert own["contact"]["fetchxml"] == IN_OSLO
    assert "Own" not in {row["name"] for row in await org.values("userqueries", user=ida)}
    assert (await filters(org, ida, 16))["contact"]["userqueryid"] == offline["userqueryid"]
    assert "Oslo" not in (await filters(org, bo))["contact"]["fetchxml"]
    wrong = await org.call("POST", "ResetUserFilters", {"QueryType": 0}, user=ida)
    assert error_code(wrong) == (400, "0x80040203")


async def test_instantiating_gives_a_user_a_template_or_makes_the_filter_as_the_template_again(
    org: Org,
) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    before = (await filters(org, ida))["contact"]
    await org.change(f"userqueries({before['userqueryid']})", {"statecode": 1}, user=ida)
    template = await new_default(org, IN_OSLO)
    kind = {"@odata.type": "Microsoft.Dynamics.CRM.savedquery", "savedqueryid": template}
    path = f"systemusers({ida.id})/Microsoft.Dynamics.CRM.InstantiateFilters"
    assert (await org.call("POST", path, {"TemplateCollection": [kind]}, user=bo)).status_code == 403
    assert (await org.call("POST", path, {"TemplateCollection": [kind]})).status_code == 204
    after = (await filters(org, ida))["contact"]
    assert (after["userqueryid"], after["fetchxml"]) == (before["userqueryid"], IN_OSLO)
    await org.call("DELETE", f"userqueries({after['userqueryid']})", user=ida)
    assert (await org.call("POST", path, {"TemplateCollection": [kind]})).status_code == 204
    again = (await filters(org, ida))["contact"]
    assert (again["fetchxml"], again["_ownerid_value"]) == (IN_OSLO, ida.id)
