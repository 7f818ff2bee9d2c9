"""Queries over the wire: filters, order, pages, expansions, FetchXML."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from tests.wire.dataverse_org import Org, Person, address, error_code, meeting, organization, party

EVERYONE = ["Anna", "bjørn", "Carl", "DORA"]
MINE = (
    '<fetch distinct="true"><entity name="appointment"><attribute name="activityid"/>'
    '<link-entity name="activityparty" from="activityid" to="activityid"><filter>'
    '<condition attribute="partyid" operator="eq-userid"/>'
    '<condition attribute="participationtypemask" operator="in"><value>5</value><value>6</value>'
    "<value>7</value></condition></filter></link-entity></entity></fetch>"
)


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    async with organization() as running:
        yield running


async def people(org: Org) -> None:
    """Four contacts with different names, towns and phones."""
    rows = [
        ("Anna", "Oslo", "1", 2),
        ("bjørn", "Bergen", None, None),
        ("Carl", None, "3", 0),
        ("DORA", "Oslo", "4", 5),
    ]
    for first, city, phone, children in rows:
        await org.make(
            "contacts",
            {
                "firstname": first,
                "address1_city": city,
                "telephone1": phone,
                "numberofchildren": children,
            },
        )


@pytest.mark.parametrize(
    ("filter_", "names"),
    [
        ("firstname eq 'anna'", ["Anna"]),
        ("firstname eq 'BJØRN'", ["bjørn"]),
        ("contains(firstname,'R')", ["bjørn", "Carl", "DORA"]),
        ("startswith(firstname,'d') or endswith(firstname,'l')", ["Carl", "DORA"]),
        ("not contains(firstname,'r')", ["Anna"]),
        ("address1_city ne 'Oslo'", ["bjørn", "Carl"]),
        ("not (address1_city eq 'Oslo')", ["bjørn", "Carl"]),
        ("address1_city eq null", ["Carl"]),
        ("address1_city ne null and telephone1 ne null", ["Anna", "DORA"]),
        ("numberofchildren gt 1", ["Anna", "DORA"]),
        ("not (numberofchildren gt 1)", ["Carl"]),
        ("numberofchildren ge 0 and numberofchildren le 2", ["Anna", "Carl"]),
        (
            "Microsoft.Dynamics.CRM.In(PropertyName='firstname',PropertyValues=['anna','carl'])",
            ["Anna", "Carl"],
        ),
        (
            "Microsoft.Dynamics.CRM.Between(PropertyName='numberofchildren',PropertyValues=['1','3'])",
            ["Anna"],
        ),
        ("Microsoft.Dynamics.CRM.Today(PropertyName='createdon') and firstname eq 'Carl'", ["Carl"]),
        ("owninguser/accessmode eq 4 and firstname eq 'Carl'", ["Carl"]),
        ("createdon gt 2020-01-01T00:00:00Z and firstname eq 'Anna'", ["Anna"]),
    ],
)
async def test_filters_choose_as_the_database_would(org: Org, filter_: str, names: list[str]) -> None:
    await people(org)
    rows = await org.values(f"contacts?$select=firstname&$orderby=firstname&$filter={quote(filter_)}")
    assert [row["firstname"] for row in rows] == names


@pytest.mark.parametrize(
    "query",
    [
        "$filter=nocolumn eq 1",
        "$filter=firstname eq anna",
        "$filter=firstname eq 5",
        "$filter=contactid eq 'x'",
        "$filter=firstname like 'a'",
        "$filter=length(firstname) gt 2",
        "$filter=(firstname eq 'a'",
        "$filter=Microsoft.Dynamics.CRM.Nothing(PropertyName='firstname')",
        "$select=FirstName",
        "$select=ownerid",
        "$expand=nothing",
        "$orderby=firstname sideways",
        "$top=many",
        "$skip=5",
        "$search=anna",
        "%24levels=2",
        "limit=5",
        "$select=firstname&$select=lastname",
        "$count=yes",
    ],
)
async def test_a_query_that_is_not_understood_is_refused(org: Org, query: str) -> None:
    response = await org.call("GET", f"contacts?{query}")
    assert error_code(response) == (400, "0x80060888")


async def test_order_top_and_count(org: Org) -> None:
    await people(org)
    body = await org.get("contacts?$orderby=address1_city desc,firstname&$top=2&$count=true")
    assert [row["firstname"] for row in body["value"]] == ["Anna", "DORA"]
    assert body["@odata.count"] == 4
    assert (await org.call("GET", "contacts/$count")).text == "4"


async def test_pages_follow_links_that_are_used_as_they_are(org: Org) -> None:
    await people(org)
    wants = {"Prefer": "odata.maxpagesize=3"}
    first = await org.call("GET", "contacts?$select=firstname&$orderby=firstname", headers=wants)
    assert first.headers["Preference-Applied"] == "odata.maxpagesize=3"
    second = await org.get(first.json()["@odata.nextLink"], headers=wants)
    names = [row["firstname"] for row in first.json()["value"] + second["value"]]
    assert names == EVERYONE
    assert "@odata.nextLink" not in second


async def test_lambdas_look_into_the_parties(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    await org.make("appointments", meeting(ida, subject="ida's"))
    await org.make("appointments", meeting(bo, party(5, "systemuser", ida.id), subject="bo's"))
    filter_ = (
        f"appointment_activity_parties/any(p:p/participationtypemask eq 7 and p/_partyid_value eq {ida.id})"
    )
    every = "appointment_activity_parties/all(p:p/participationtypemask ne 5)"
    for text in (filter_, every):
        rows = await org.values(f"appointments?$select=subject&$filter={quote(text)}")
        assert [row["subject"] for row in rows] == ["ida's"]


async def test_expansions_nest_select_and_filter(org: Org) -> None:
    ida = await org.person("Ida")
    made = await org.make("appointments", meeting(ida, address(5, "a@example.net")))
    expand = (
        "appointment_activity_parties($select=addressused;$filter=participationtypemask eq 7;"
        "$expand=partyid_systemuser($select=fullname)),ownerid($select=fullname)"
    )
    body = await org.get(f"appointments({made['activityid']})?$select=subject&$expand={expand}")
    (organizer,) = body["appointment_activity_parties"]
    assert organizer["partyid_systemuser"]["fullname"] == "Ida Example"
    assert body["ownerid"]["fullname"] == "Ida Example"
    link = body["appointment_activity_parties@odata.nextLink"]
    assert len(await org.values(link)) == 3


async def test_navigation_properties_and_columns_can_be_read_by_themselves(org: Org) -> None:
    ida = await org.person("Ida")
    made = await org.make("appointments", meeting(ida))
    path = f"appointments({made['activityid']})"
    assert (await org.get(f"{path}/owninguser?$select=fullname"))["fullname"] == "Ida Example"
    assert (await org.get(f"{path}/subject"))["value"] == "Planning"
    assert (await org.call("GET", f"{path}/location")).status_code == 204
    assert (await org.call("GET", f"{path}/regardingobjectid_contact_appointment")).status_code == 204


# --- FetchXML ------------------------------------------------------------------------------------


async def fetch(org: Org, entity_set: str, text: str, user: Person | None = None) -> list[dict[str, object]]:
    return await org.values(f"{entity_set}?fetchXml={quote(text)}", user=user)


async def test_the_appointment_filter_finds_meetings_where_i_am_a_party(org: Org) -> None:
    ida, bo, eve = await org.person("Ida"), await org.person("Bo"), await org.person("Eve")
    both = await org.make("appointments", meeting(bo, party(5, "systemuser", ida.id)))
    owned = await org.make("appointments", {"ownerid@odata.bind": f"/systemusers({ida.id})"})
    assert [row["activityid"] for row in await fetch(org, "appointments", MINE, ida)] == [both["activityid"]]
    assert await fetch(org, "appointments", MINE, eve) == []
    assert owned["activityid"] in {row["activityid"] for row in await org.values("appointments", user=ida)}


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ('attribute="firstname" operator="eq" value="anna"', ["Anna"]),
        ('attribute="firstname" operator="ne" value="anna"', ["bjørn", "Carl", "DORA"]),
        ('attribute="firstname" operator="like" value="%r%"', ["bjørn", "Carl", "DORA"]),
        ('attribute="firstname" operator="like" value="_a%"', ["Carl"]),
        ('attribute="firstname" operator="not-like" value="%r%"', ["Anna"]),
        ('attribute="address1_city" operator="null"', ["Carl"]),
        ('attribute="address1_city" operator="not-null"', ["Anna", "bjørn", "DORA"]),
        ('attribute="address1_city" operator="ne" value="Oslo"', ["bjørn", "Carl"]),
        ('attribute="numberofchildren" operator="ge" value="2"', ["Anna", "DORA"]),
        ('attribute="createdon" operator="today"', EVERYONE),
        ('attribute="createdon" operator="last-x-days" value="2"', EVERYONE),
        ('attribute="createdon" operator="next-x-days" value="2"', []),
        ('attribute="createdon" operator="on-or-before" value="2020-01-01"', []),
        (
            'attribute="createdon" operator="on-or-after" value="2020-01-01"',
            EVERYONE,
        ),
        ('attribute="ownerid" operator="eq-userid"', EVERYONE),
        ('attribute="ownerid" operator="ne-userid"', []),
        ('attribute="statecode" operator="eq" value="0"', EVERYONE),
    ],
)
async def test_fetch_conditions(org: Org, condition: str, names: list[str]) -> None:
    await people(org)
    text = (
        '<fetch><entity name="contact"><attribute name="firstname"/><order attribute="firstname"/>'
        f"<filter><condition {condition}/></filter></entity></fetch>"
    )
    assert [row["firstname"] for row in await fetch(org, "contacts", text)] == names


async def test_fetch_nests_filters_and_takes_value_lists(org: Org) -> None:
    await people(org)
    text = (
        '<fetch><entity name="contact"><attribute name="firstname"/><order attribute="firstname"/>'
        '<filter type="or"><condition attribute="firstname" operator="in"><value>carl</value></condition>'
        '<filter><condition attribute="address1_city" operator="eq" value="oslo"/>'
        '<condition attribute="numberofchildren" operator="between"><value>1</value><value>3</value>'
        "</condition></filter></filter></entity></fetch>"
    )
    assert [row["firstname"] for row in await fetch(org, "contacts", text)] == ["Anna", "Carl"]


async def test_an_outer_link_keeps_rows_without_a_match_and_names_linked_columns(org: Org) -> None:
    account = await org.make("accounts", {"name": "Nordwind"})
    bind = {"parentcustomerid_account@odata.bind": f"/accounts({account['accountid']})"}
    await org.contact("Anna", **bind)
    await org.contact("Carl")
    text = (
        '<fetch><entity name="contact"><attribute name="firstname"/><order attribute="firstname"/>'
        '<link-entity name="account" from="accountid" to="parentcustomerid" link-type="{kind}" alias="a">'
        '<attribute name="name"/></link-entity></entity></fetch>'
    )
    outer = await fetch(org, "contacts", text.format(kind="outer"))
    inner = await fetch(org, "contacts", text.format(kind="inner"))
    assert [(row["firstname"], row.get("a.name")) for row in outer] == [("Anna", "Nordwind"), ("Carl", None)]
    assert [row["firstname"] for row in inner] == ["Anna"]


async def test_fetch_pages(org: Org) -> None:
    await people(org)
    text = (
        '<fetch count="3" page="{page}"><entity name="contact"><attribute name="firstname"/>'
        '<order attribute="firstname" descending="true"/></entity></fetch>'
    )
    wants = {"Prefer": 'odata.include-annotations="*"'}
    first = await org.get(f"contacts?fetchXml={quote(text.format(page=1))}", headers=wants)
    second = await org.get(f"contacts?fetchXml={quote(text.format(page=2))}", headers=wants)
    assert [row["firstname"] for row in first["value"]] == ["DORA", "Carl", "bjørn"]
    assert [row["firstname"] for row in second["value"]] == ["Anna"]
    assert first["@Microsoft.Dynamics.CRM.morerecords"] is True
    assert "pagenumber" in first["@Microsoft.Dynamics.CRM.fetchxmlpagingcookie"]
    assert second["@Microsoft.Dynamics.CRM.morerecords"] is False


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (
            '<entity name="contact"><filter><condition attribute="firstname" operator="resembles" value="x"/>'
            "</filter></entity>",
            "0x80041120",
        ),
        (
            '<entity name="contact"><filter><condition attribute="nothing" operator="null"/></filter>'
            "</entity>",
            "0x80041103",
        ),
        (
            '<entity name="contact"><filter><condition attribute="firstname" operator="eq"/></filter>'
            "</entity>",
            "0x80060888",
        ),
        ('<entity name="contact"><attribute name="nothing"/></entity>', "0x80041103"),
        ('<entity name="nothing"/>', "0x80041102"),
        ('<entity name="account"/>', "0x80060888"),
        (
            '<entity name="contact"><link-entity name="account" from="x" to="parentcustomerid"/></entity>',
            "0x80041103",
        ),
        (
            '<entity name="contact"><link-entity name="account" from="accountid" to="parentcustomerid" '
            'link-type="sideways"/></entity>',
            "0x80041121",
        ),
        ('<entity name="contact"><filter type="nor"/></entity>', "0x80041122"),
        (
            '<entity name="contact"><filter><condition attribute="contactid" operator="eq" value="x"/>'
            "</filter></entity>",
            "0x80060888",
        ),
        ("<entity", "0x80060888"),
    ],
)
async def test_fetch_that_is_not_understood_is_refused(org: Org, body: str, code: str) -> None:
    text = body if body == "<entity" else f"<fetch>{body}</fetch>"
    response = await org.call("GET", f"contacts?fetchXml={quote(text)}")
    assert error_code(response) == (400, code)


async def test_a_saved_filter_runs_as_the_user_who_asks(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    made = await org.make("appointments", meeting(ida))
    view = {"name": "Mine", "returnedtypecode": "appointment", "querytype": 256, "fetchxml": MINE}
    owned = await org.make("userqueries", view, user=ida)
    system = await org.make("savedqueries", view)
    path = f"appointments?userQuery={owned['userqueryid']}"
    assert [row["activityid"] for row in await org.values(path, user=ida)] == [made["activityid"]]
    assert (await org.call("GET", path, user=bo)).status_code == 403
    assert await org.values(f"appointments?savedQuery={system['savedqueryid']}", user=bo) == []
