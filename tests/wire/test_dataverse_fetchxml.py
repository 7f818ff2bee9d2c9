"""FetchXML as people write it in sync filters: joins, nested filters, people, teams, days."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from local.clock import Clock, write_offset
from tests.wire.dataverse_org import Json, Org, Person, error_code, meeting, organization, party

ACCOUNT_LINK = 'name="account" from="accountid" to="parentcustomerid"'
TASK_LINK = 'name="task" from="regardingobjectid" to="contactid"'
OSLO = '<condition attribute="address1_city" operator="eq" value="Oslo"/>'


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    async with organization() as running:
        yield running


async def names(org: Org, inside: str, fetch: str = "", user: Person | None = None) -> list[Any]:
    """The first names of the contacts a query finds."""
    text = (
        f'<fetch {fetch}><entity name="contact"><attribute name="firstname"/>'
        f'<order attribute="firstname"/>{inside}</entity></fetch>'
    )
    rows = await org.values(f"contacts?fetchXml={quote(text)}", user=user)
    return [row["firstname"] for row in rows]


async def company(org: Org) -> None:
    """Anna and Bo work for Nordwind in Oslo, Carl for Sydland in Bergen, Dora for nobody."""
    for name, city, people in (("Nordwind", "Oslo", ("Anna", "Bo")), ("Sydland", "Bergen", ("Carl",))):
        account = await org.make("accounts", {"name": name, "address1_city": city})
        bind = {"parentcustomerid_account@odata.bind": f"/accounts({account['accountid']})"}
        for first in people:
            await org.contact(first, address1_city=city, **bind)
    await org.contact("Dora", address1_city="Oslo")


async def test_a_filter_of_a_link_goes_with_the_join_and_one_by_name_after_it(org: Org) -> None:
    await company(org)
    inner = f"<link-entity {ACCOUNT_LINK}><filter>{OSLO}</filter></link-entity>"
    assert await names(org, inner) == ["Anna", "Bo"]
    outer = f'<link-entity {ACCOUNT_LINK} link-type="outer" alias="a"><filter>{OSLO}</filter></link-entity>'
    assert await names(org, outer) == ["Anna", "Bo", "Carl", "Dora"]
    unmatched = '<filter><condition entityname="a" attribute="accountid" operator="null"/></filter>'
    assert await names(org, outer + unmatched) == ["Carl", "Dora"]
    assert await names(org, unmatched + outer) == ["Carl", "Dora"]


async def test_a_link_without_alias_is_known_by_its_table(org: Org) -> None:
    await company(org)
    link = f'<link-entity {ACCOUNT_LINK} link-type="outer"/>'
    either = (
        '<filter type="or">'
        '<condition entityname="account" attribute="name" operator="begins-with" value="S"/>'
        '<condition attribute="firstname" operator="eq" value="dora"/></filter>'
    )
    assert await names(org, link + either) == ["Carl", "Dora"]
    wrong = '<filter><condition entityname="b" attribute="name" operator="null"/></filter>'
    text = f'<fetch><entity name="contact">{link}{wrong}</entity></fetch>'
    assert error_code(await org.call("GET", f"contacts?fetchXml={quote(text)}")) == (400, "0x80060888")


async def test_a_look_up_is_compared_by_the_name_of_what_it_points_to(org: Org) -> None:
    await company(org)
    condition = '<filter><condition attribute="parentcustomeridname" operator="{}" value="{}"/></filter>'
    assert await names(org, condition.format("like", "nord%")) == ["Anna", "Bo"]
    assert await names(org, condition.format("ne", "Nordwind")) == ["Carl", "Dora"]
    unknown = condition.format("eq", "x").replace("parent", "grand")
    text = f'<fetch><entity name="contact">{unknown}</entity></fetch>'
    assert error_code(await org.call("GET", f"contacts?fetchXml={quote(text)}")) == (400, "0x80041103")


async def test_links_nest_and_distinct_leaves_one_row_of_many(org: Org) -> None:
    await company(org)
    nested = (
        '<link-entity name="account" from="accountid" to="parentcustomerid">'
        '<link-entity name="contact" from="parentcustomerid" to="accountid" alias="colleague">'
        '<filter><condition attribute="firstname" operator="not-null"/></filter></link-entity></link-entity>'
    )
    assert await names(org, nested) == ["Anna", "Anna", "Bo", "Bo", "Carl"]
    assert await names(org, nested, 'distinct="true"') == ["Anna", "Bo", "Carl"]


async def test_any_and_not_any_ask_for_related_rows_inside_a_filter(org: Org) -> None:
    await company(org)
    (anna,) = await org.values("contacts?$filter=firstname eq 'Anna'")
    bind = {"regardingobjectid_contact_task@odata.bind": f"/contacts({anna['contactid']})"}
    for subject in ("Call", "Write"):
        await org.make("tasks", {"subject": subject, **bind})
    open_task = '<filter><condition attribute="statecode" operator="eq" value="0"/></filter>'
    link = f'<link-entity {TASK_LINK} link-type="{{}}">{open_task}</link-entity>'
    assert await names(org, f"<filter>{link.format('any')}</filter>") == ["Anna"]
    assert await names(org, f"<filter>{link.format('not any')}</filter>") == ["Bo", "Carl", "Dora"]
    either = f'<filter type="or">{link.format("any")}{OSLO}</filter>'
    assert await names(org, either) == ["Anna", "Bo", "Dora"]
    assert await names(org, link.format("exists")) == ["Anna"]
    refused = f'<fetch><entity name="contact">{link.format("any")}</entity></fetch>'
    response = await org.call("GET", f"contacts?fetchXml={quote(refused)}")
    assert error_code(response) == (400, "0x80041121")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('attribute="firstname" operator="eq" valueof="nickname"', ["Anna"]),
        ('attribute="firstname" operator="ne" valueof="nickname"', ["Bo"]),
        ('attribute="address1_city" operator="eq" valueof="a.address1_city"', ["Bo"]),
    ],
)
async def test_columns_are_compared_with_each_other(org: Org, condition: str, expected: list[str]) -> None:
    account = await org.make("accounts", {"name": "Nordwind", "address1_city": "Oslo"})
    bind = {"parentcustomerid_account@odata.bind": f"/accounts({account['accountid']})"}
    await org.contact("Anna", nickname="anna", address1_city="Bergen", **bind)
    await org.contact("Bo", nickname="Bobo", address1_city="OSLO", **bind)
    await org.contact("Carl")
    link = f'<link-entity {ACCOUNT_LINK} link-type="outer" alias="a"/>'
    assert await names(org, f"{link}<filter><condition {condition}/></filter>") == expected


async def test_people_and_their_teams(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    team = await org.make("teams", {"name": "Sales"})
    await members(org, team, "AddMembersTeam", ida)
    owners = {"Mine": f"/systemusers({ida.id})", "Ours": f"/teams({team['teamid']})"}
    owners["His"] = f"/systemusers({bo.id})"
    for first, owner in owners.items():
        await org.contact(first, **{"ownerid@odata.bind": owner})
    expected = {
        "eq-userid": ["Mine"],
        "eq-userteams": ["Ours"],
        "eq-useroruserteams": ["Mine", "Ours"],
        "ne-userid": ["His", "Ours"],
    }
    for operator, found in expected.items():
        condition = f'<filter><condition attribute="ownerid" operator="{operator}"/></filter>'
        assert await names(org, condition, user=ida) == found, operator
    filter_ = "Microsoft.Dynamics.CRM.EqualUserOrUserTeams(PropertyName='_ownerid_value')"
    rows = await org.values(f"contacts?$orderby=firstname&$filter={filter_}", user=ida)
    assert [row["firstname"] for row in rows] == ["Mine", "Ours"]
    wrong = '<filter><condition attribute="firstname" operator="eq-userid"/></filter>'
    text = f'<fetch><entity name="contact">{wrong}</entity></fetch>'
    assert (await org.call("GET", f"contacts?fetchXml={quote(text)}")).status_code == 400


async def members(org: Org, team: Json, action: str, *people: Person) -> None:
    kind = {"@odata.type": "Microsoft.Dynamics.CRM.systemuser"}
    body = {"Members": [{**kind, "systemuserid": person.id} for person in people]}
    path = f"teams({team['teamid']})/Microsoft.Dynamics.CRM.{action}"
    response = await org.call("POST", path, body, token="administrator")
    assert response.status_code == 204, response.text


async def test_joins_through_the_members_of_teams(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    team = await org.make("teams", {"name": "Sales"})
    await members(org, team, "AddMembersTeam", ida, bo)
    await members(org, team, "AddMembersTeam", ida)
    await members(org, team, "RemoveMembersTeam", bo)
    text = (
        '<fetch><entity name="systemuser"><attribute name="fullname"/>'
        '<link-entity name="teammembership" from="systemuserid" to="systemuserid" intersect="true">'
        '<link-entity name="team" from="teamid" to="teamid" alias="t"><attribute name="name"/></link-entity>'
        "</link-entity></entity></fetch>"
    )
    (row,) = await org.values(f"systemusers?fetchXml={quote(text)}")
    assert (row["fullname"], row["t.name"]) == ("Ida Example", "Sales")


async def test_a_fetch_runs_with_the_rights_and_in_the_day_of_the_user(tmp_path: Path) -> None:
    moment = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
    write_offset(tmp_path / "offset", (moment - datetime.now(UTC)).total_seconds())
    async with organization(clock=Clock(tmp_path / "offset")) as here:
        ida = await here.person("Ida", role="restricted", zone="Europe/Oslo")
        kari = await here.person("Kari", zone="Pacific/Auckland")
        # In Oslo it is half past eleven in the evening of the second, in Auckland noon of the third.
        for owner in (ida, kari):
            bind = {"ownerid@odata.bind": f"/systemusers({owner.id})"}
            due = {"scheduledend": "2026-03-02T10:00:00Z"}
            await here.make("tasks", {"subject": "due", **due, **bind})
        condition = '<condition attribute="scheduledend" operator="{}"/>'
        text = '<fetch><entity name="task"><attribute name="subject"/><filter>{}</filter></entity></fetch>'
        today, yesterday = (
            f"tasks?fetchXml={quote(text.format(condition.format(day)))}" for day in ("today", "yesterday")
        )
        assert len(await here.values(today, user=ida)) == 1
        assert len(await here.values(today, user=kari)) == 0
        assert len(await here.values(yesterday, user=kari)) == 1
        assert len(await here.values(today)) == 2


@pytest.mark.parametrize(
    ("operator", "value", "column", "status"),
    [
        ("olderthan-x-minutes", "5", "createdon", 200),
        ("olderthan-x-years", "1", "birthdate", 200),
        ("last-x-days", "2", "birthdate", 200),
        ("last-x-hours", "2", "birthdate", 400),
        ("olderthan-x-hours", "2", "birthdate", 400),
        ("last-x-days", "0", "createdon", 400),
        ("last-x-days", "2", "firstname", 400),
        ("like", "a%", "numberofchildren", 400),
        ("eq-userlanguage", None, "firstname", 400),
        ("in-fiscal-year", "2026", "createdon", 400),
        ("contains", "a", "firstname", 400),
        ("above", "x", "parentcustomerid", 400),
    ],
)
async def test_operators_fit_their_columns_or_are_refused(
    org: Org, operator: str, value: str | None, column: str, status: int
) -> None:
    given = "" if value is None else f' value="{value}"'
    condition = f'<condition attribute="{column}" operator="{operator}"{given}/>'
    text = f'<fetch><entity name="contact"><filter>{condition}</filter></entity></fetch>'
    response = await org.call("GET", f"contacts?fetchXml={quote(text)}")
    assert response.status_code == status, response.text


@pytest.mark.parametrize(
    ("fetch", "inside", "status", "code"),
    [
        ('top="5" page="2"', "", 400, "0x80060888"),
        ('top="5001"', "", 400, "0x80060888"),
        ('aggregate="true"', "", 501, "0x80040800"),
        ("", '<attribute name="firstname" aggregate="count" alias="n"/>', 501, "0x80040800"),
        ("", f"<link-entity {ACCOUNT_LINK}/>" * 16, 400, "0x8004430d"),
        ("", f'<filter><link-entity {TASK_LINK} link-type="all"/></filter>', 501, "0x80040800"),
        (
            "",
            f'<filter><link-entity {TASK_LINK} link-type="any"><attribute name="subject"/></link-entity>'
            "</filter>",
            400,
            "0x80060888",
        ),
        (
            "",
            '<filter><condition attribute="firstname" operator="like" valueof="lastname"/></filter>',
            400,
            "0x80041120",
        ),
        (
            "",
            '<filter><condition attribute="firstname" operator="eq" valueof="birthdate"/></filter>',
            400,
            "0x80060888",
        ),
    ],
)
async def test_what_goes_beyond_the_language_is_refused(
    org: Org, fetch: str, inside: str, status: int, code: str
) -> None:
    text = f'<fetch {fetch}><entity name="contact">{inside}</entity></fetch>'
    assert error_code(await org.call("GET", f"contacts?fetchXml={quote(text)}")) == (status, code)


async def test_parties_are_joined_with_the_caller_in_mind(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    await org.make("appointments", meeting(bo, party(6, "systemuser", ida.id), subject="optional"))
    await org.make("appointments", meeting(ida, subject="organizer"))
    await org.make("appointments", meeting(bo, subject="not mine"))
    text = (
        '<fetch distinct="true"><entity name="appointment"><attribute name="subject"/>'
        '<order attribute="subject"/><filter type="or">'
        '<link-entity name="activityparty" from="activityid" to="activityid" link-type="any"><filter>'
        '<condition attribute="partyid" operator="eq-userid"/>'
        '<condition attribute="participationtypemask" operator="in"><value>6</value><value>7</value>'
        "</condition></filter></link-entity></filter></entity></fetch>"
    )
    rows = await org.values(f"appointments?fetchXml={quote(text)}", user=ida)
    assert [row["subject"] for row in rows] == ["optional", "organizer"]


async def test_a_paging_cookie_is_that_of_the_page_before_and_not_encoded_any_more(org: Org) -> None:
    await company(org)
    cookie = "&lt;cookie page='1'&gt;&lt;contactid last='{A}' first='{B}'/&gt;&lt;/cookie&gt;"
    second = f'count="2" page="2" paging-cookie="{cookie}"'
    assert await names(org, "", second) == ["Carl", "Dora"]
    third = second.replace('page="2"', 'page="3"')
    for wrong in (third, second.replace(cookie, quote(cookie)), second.replace(cookie, "")):
        text = f'<fetch {wrong}><entity name="contact"/></fetch>'
        response = await org.call("GET", f"contacts?fetchXml={quote(text)}")
        assert error_code(response) == (400, "0x80060888")
