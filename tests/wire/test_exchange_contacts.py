"""Contacts and contact folders: create, read, change, delete, list, filter, as Graph does it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.wire.exchange_graph import IMMUTABLE, Graph, part, running, stamp

Json = dict[str, Any]

USER = "/users/anna@contoso.com"
CONTACTS = f"{USER}/contacts"
FOLDERS = f"{USER}/contactFolders"
CRM = "String {1a417774-4779-47c1-9851-e42057495fca} Name crmid"
# What Graph's contact has no property for, by its MAPI tag.
TAGGED = {
    "SystemTime 0x3A41": "2012-06-30T00:00:00Z",
    "String 0x3A2E": "+49 30 1",
    "String 0x3A24": "+49 30 2",
    "String 0x3A02": "+49 30 3",
    "String 0x3A57": "+49 30 4",
    "String 0x3A4C": "ftp://contoso.com",
    "String 0x3A07": "DE-123",
    "String 0x3A1F": "+49 30 5",
    "String 0x3A21": "+49 30 6",
}


@pytest.fixture
async def graph() -> AsyncIterator[Graph]:
    async with running() as graph:
        await graph.user("anna", timeZone="W. Europe Standard Time")
        yield graph


async def made(graph: Graph, path: str = CONTACTS, **props: Any) -> Json:
    reply = await graph("POST", path, {"givenName": "Eva", "surname": "Nilsson", **props}, prefer=IMMUTABLE)
    assert reply.status == 201, reply.body
    contact: Json = reply.body
    return contact


async def patched(graph: Graph, contact: Json, **props: Any) -> Json:
    reply = await graph("PATCH", f"{CONTACTS}/{contact['id']}", props, prefer=IMMUTABLE)
    assert reply.status == 200, reply.body
    changed: Json = reply.body
    return changed


async def names(graph: Graph, query: str, path: str = CONTACTS) -> list[str]:
    reply = await graph("GET", f"{path}?{query}")
    assert reply.status == 200, reply.body
    return [row["displayName"] for row in reply.rows]


async def test_every_property_is_kept_and_what_is_absent_is_null_or_empty(graph: Graph) -> None:
    address = {
        "street": "Storgatan 1\r\n2 tr",
        "city": "Lund",
        "state": "Skåne",
        "postalCode": "22222",
        "countryOrRegion": "SE",
    }
    texts = dict.fromkeys(
        [
            *("assistantName", "businessHomePage", "companyName", "department", "displayName", "fileAs"),
            *("generation", "initials", "jobTitle", "manager", "middleName", "mobilePhone", "nickName"),
            *("officeLocation", "personalNotes", "profession", "spouseName", "title"),
            *("yomiCompanyName", "yomiGivenName", "yomiSurname"),
        ],
        "Ärtsoppa 🥣",
    )
    lists = {"children": ["A", "B", "C", "D"], "imAddresses": ["sip:eva"], "categories": ["Red", "Blue"]}
    places = dict.fromkeys(["homeAddress", "businessAddress", "otherAddress"], address)
    whole = await made(graph, **texts, **lists, **places)
    for name, value in {**texts, **lists, **places}.items():
        assert whole[name] == value, name
    bare = await made(graph)
    assert (bare["companyName"], bare["birthday"], bare["homeAddress"]) == (None, None, {})
    assert (bare["emailAddresses"], bare["businessPhones"], bare["children"]) == ([], [], [])
    read = await graph("GET", f"{CONTACTS}/{whole['id']}", prefer=IMMUTABLE)
    assert {**read.body, "@odata.context": ""} == {**whole, "@odata.context": ""}
    assert whole["@odata.etag"] == f'W/"{whole["changeKey"]}"'


@pytest.mark.parametrize(
    ("props", "code"),
    [
        ({"fax": "1"}, "RequestBodyRead"),
        ({"gender": "female"}, "RequestBodyRead"),
        ({"categories": "Red"}, "RequestBodyRead"),
        ({"birthday": "1974-07-22"}, "RequestBodyRead"),
        ({"birthday": "1500-01-01T00:00:00Z"}, "ErrorPropertyValidationFailure"),
        ({"homeAddress": {"zip": "1"}}, "RequestBodyRead"),
        ({"emailAddresses": [{"address": f"e{n}@x.com"} for n in range(4)]}, "ErrorInvalidProperty"),
        ({"businessPhones": ["1", "2", "3"]}, "ErrorInvalidProperty"),
        ({"homePhones": ["1", "2", "3"]}, "ErrorInvalidProperty"),
        ({"singleValueExtendedProperties": stamp("1", "String 0x3A41")}, "ErrorInvalidProperty"),
        ({"singleValueExtendedProperties": stamp("soon", "SystemTime 0x3A41")}, "ErrorInvalidProperty"),
    ],
)
async def test_what_graph_refuses_is_refused_and_leaves_nothing(graph: Graph, props: Json, code: str) -> None:
    reply = await graph("POST", CONTACTS, {"givenName": "Eva", **props})
    assert (reply.status, reply.code) == (400, code)
    assert await names(graph, "$top=5") == []


async def test_three_addresses_fill_three_slots_and_each_can_be_emptied_alone(graph: Graph) -> None:
    addresses = [{"address": f"e{n}@x.com", "name": f"E{n}"} for n in (1, 2, 3)]
    contact = await made(graph, emailAddresses=addresses)
    assert contact["emailAddresses"] == addresses
    assert contact["tertiaryEmailAddress"] == addresses[2]
    changed = await patched(graph, contact, secondaryEmailAddress=None)
    assert changed["emailAddresses"] == [addresses[0], addresses[2]]
    assert (changed["secondaryEmailAddress"], changed["tertiaryEmailAddress"]) == (None, addresses[2])
    again = await patched(graph, contact, emailAddresses=[{"address": "new@x.com"}])
    assert again["emailAddresses"] == [{"name": "new@x.com", "address": "new@x.com"}]
    assert again["tertiaryEmailAddress"] is None


async def test_two_business_and_two_home_telephones_and_one_mobile(graph: Graph) -> None:
    contact = await made(graph, businessPhones=["1", "2"], homePhones=["3", "4"], mobilePhone="5")
    assert (contact["businessPhones"], contact["homePhones"]) == (["1", "2"], ["3", "4"])
    reply = await graph("PATCH", f"{CONTACTS}/{contact['id']}", {"businessPhones": ["1", "2", "9"]})
    assert reply.status == 400
    assert "BusinessPhones has 3 entries" in reply.body["error"]["message"]
    assert (await patched(graph, contact, businessPhones=["9"]))["businessPhones"] == ["9"]


async def test_the_display_name_is_made_anew_with_the_name_unless_it_is_sent_too(graph: Graph) -> None:
    contact = await made(graph, title="Dr.", middleName="Maria")
    assert (contact["displayName"], contact["fileAs"]) == ("Dr. Eva Maria Nilsson", "Nilsson, Eva Maria")
    own = await patched(graph, contact, displayName="Evis")
    assert (await patched(graph, own, jobTitle="Boss"))["displayName"] == "Evis"
    assert (await patched(graph, own, surname="Berg"))["displayName"] == "Dr. Eva Maria Berg"
    kept = await patched(graph, own, surname="Holm", displayName="Evis")
    assert (kept["displayName"], kept["fileAs"]) == ("Evis", "Holm, Eva Maria")


@pytest.mark.parametrize("sent", ["1974-07-22T00:00:00Z", "1974-07-22T23:59:00Z", "1974-07-22T11:59:00Z"])
async def test_a_birthday_is_a_date_whatever_the_time_sent(graph: Graph, sent: str) -> None:
    contact = await made(graph, birthday=sent)
    assert contact["birthday"] == "1974-07-22T11:59:00Z"
    assert (await patched(graph, contact, birthday=None))["birthday"] is None


async def test_a_birthday_with_an_offset_is_its_date_in_utc(graph: Graph) -> None:
    contact = await made(graph, birthday="1974-07-22T00:00:00+02:00")
    assert contact["birthday"] == "1974-07-21T11:59:00Z"


async def test_the_parts_of_an_address_are_replaced_one_by_one_and_null_clears_it(graph: Graph) -> None:
    contact = await made(graph, homeAddress={"city": "Lund", "street": "A"})
    changed = await patched(graph, contact, homeAddress={"city": "Malmö"})
    assert changed["homeAddress"] == {"city": "Malmö", "street": "A"}
    assert (await patched(graph, contact, homeAddress={"street": None}))["homeAddress"] == {"city": "Malmö"}
    assert (await patched(graph, contact, homeAddress=None))["homeAddress"] == {}


async def test_what_graph_lacks_is_written_and_read_as_mapi_properties(graph: Graph) -> None:
    stamps = [{"id": identifier, "value": value} for identifier, value in TAGGED.items()]
    contact = await made(graph, singleValueExtendedProperties=stamps)
    assert "singleValueExtendedProperties" not in contact
    wanted = " or ".join(f"id eq '{identifier}'" for identifier in TAGGED)
    expand = f"$expand=singleValueExtendedProperties($filter={wanted})"
    for query in (f"/{contact['id']}?{expand}", f"?{expand}"):
        body = (await graph("GET", f"{CONTACTS}{query}")).body
        row = body["value"][0] if "value" in body else body
        read = {each["id"]: each["value"] for each in row["singleValueExtendedProperties"]}
        assert read == {
            identifier[:-6] + identifier[-6:].lower(): value for identifier, value in TAGGED.items()
        }
    await patched(graph, contact, singleValueExtendedProperties=[{"id": "String 0x3A21", "value": None}])
    read = (await graph("GET", f"{CONTACTS}/{contact['id']}?{expand}")).body["singleValueExtendedProperties"]
    assert len(read) == len(TAGGED) - 1


async def test_contacts_are_found_by_stamp_category_address_and_name(graph: Graph) -> None:
    await made(
        graph,
        emailAddresses=[{"address": "Eva@Fabrikam.com"}],
        categories=["Tracked to Dynamics 365"],
        singleValueExtendedProperties=stamp("{AB}", CRM),
    )
    await made(graph, givenName="Bo")
    queries = [
        f"$filter=singleValueExtendedProperties/Any(ep: ep/id eq '{CRM}' and ep/value eq '{{ab}}')",
        f"$filter=singleValueExtendedProperties/Any(ep: ep/id eq '{CRM}' and ep/value ne null)",
        "$filter=categories/any(c:c eq 'tracked to dynamics 365')",
        "$filter=emailAddresses/any(a:a/address eq 'eva@fabrikam.com')",
        "$filter=startswith(displayName,'Ev') and surname eq 'Nilsson'",
    ]
    for query in queries:
        assert await names(graph, query) == ["Eva Nilsson"], query
    for refused in (
        "$filter=emailAddresses/any(a:startswith(a/address,'eva'))",
        "$filter=personalNotes eq 'x'",
        "$filter=birthday eq 1974-07-22T00:00:00Z",
    ):
        reply = await graph("GET", f"{CONTACTS}?{refused}")
        assert (reply.status, reply.code) == (400, "ErrorInvalidUrlQueryFilter"), refused
    unknown = await graph("GET", f"{CONTACTS}?$filter=subject eq 'x'")
    assert unknown.status == 400


async def test_lists_are_sorted_selected_and_paged(graph: Graph) -> None:
    for number in range(12):
        await made(graph, givenName=f"{number:02}")
    assert len(await names(graph, "")) == 10
    first = await graph("GET", f"{CONTACTS}?$orderby=displayName desc&$top=8&$select=displayName&$count=true")
    assert first.body["@odata.count"] == 12
    assert set(first.rows[0]) == {"@odata.etag", "id", "displayName"}
    second = await graph("GET", first.body["@odata.nextLink"])
    told = [row["displayName"] for row in [*first.rows, *second.rows]]
    assert told == [f"{number:02} Nilsson" for number in reversed(range(12))]
    assert (await graph("GET", f"{CONTACTS}?$orderby=birthday")).status == 400
    assert (await graph("GET", f"{CONTACTS}?$select=fax")).status == 400


async def test_a_change_needs_the_present_etag_when_one_is_sent(graph: Graph) -> None:
    contact = await made(graph)
    path, old = f"{CONTACTS}/{contact['id']}", contact["@odata.etag"]
    changed = await graph("PATCH", path, {"jobTitle": "Boss"}, If_Match=old)
    assert (changed.status, changed.body["jobTitle"]) == (200, "Boss")
    for method in ("PATCH", "DELETE"):
        stale = await graph(method, path, {"jobTitle": "x"} if method == "PATCH" else None, If_Match=old)
        assert (stale.status, stale.code) == (412, "ErrorIrresolvableConflict")
    assert (await graph("DELETE", path, If_Match=changed.body["@odata.etag"])).status == 204
    assert (await graph("GET", path)).code == "ErrorItemNotFound"


async def test_what_only_repeats_read_only_properties_changes_nothing(graph: Graph) -> None:
    contact = await made(graph)
    read = await patched(graph, contact, id="x", parentFolderId="y", changeKey="z")
    assert read["@odata.etag"] == contact["@odata.etag"]


async def test_ids_have_two_forms_and_belong_to_one_mailbox(graph: Graph) -> None:
    contact = await made(graph)
    await graph.user("ben")
    normal = (await graph("GET", f"{CONTACTS}/{contact['id']}")).body["id"]
    assert normal != contact["id"]
    assert (await graph("GET", f"/users/ben@contoso.com/contacts/{contact['id']}")).status == 404
    assert (await graph("GET", f"{CONTACTS}/not%20an%20id")).code == "ErrorInvalidIdMalformed"
    body = {"inputIds": [normal], "sourceIdType": "restId", "targetIdType": "restImmutableEntryId"}
    translated = await graph("POST", f"{USER}/translateExchangeIds", body)
    assert translated.rows == [{"sourceId": normal, "targetId": contact["id"]}]


async def test_folders_are_made_below_the_default_one_renamed_and_deleted(graph: Graph) -> None:
    default = (await graph("GET", f"{FOLDERS}/contacts")).body
    assert (await graph("GET", FOLDERS)).rows == []
    team = (await graph("POST", FOLDERS, {"displayName": "Team"})).body
    inner = (await graph("POST", f"{FOLDERS}/{team['id']}/childFolders", {"displayName": "Inner"})).body
    assert (team["parentFolderId"], inner["parentFolderId"]) == (default["id"], team["id"])
    assert await names(graph, "", FOLDERS) == ["Team"]
    assert await names(graph, "", f"{FOLDERS}/{team['id']}/childFolders") == ["Inner"]
    taken = await graph("POST", FOLDERS, {"displayName": "team"})
    assert (taken.status, taken.code) == (409, "ErrorFolderExists")
    renamed = await graph("PATCH", f"{FOLDERS}/{team['id']}", {"displayName": "Sales"})
    assert (renamed.status, renamed.body["displayName"]) == (200, "Sales")
    contact = await made(graph, f"{FOLDERS}/{inner['id']}/contacts")
    assert contact["parentFolderId"] == inner["id"]
    assert (await graph("DELETE", f"{FOLDERS}/{team['id']}")).status == 204
    assert (await graph("GET", f"{FOLDERS}/{inner['id']}")).status == 404
    assert (await graph("GET", f"{CONTACTS}/{contact['id']}")).status == 404
    for method, body in (("DELETE", None), ("PATCH", {"displayName": "Mine"})):
        refused = await graph(method, f"{FOLDERS}/{default['id']}", body)
        assert (refused.status, refused.code) == (400, "ErrorDeleteDistinguishedFolder")


async def test_the_list_is_of_one_folder_and_a_single_contact_is_found_from_anywhere(graph: Graph) -> None:
    team = (await graph("POST", FOLDERS, {"displayName": "Team"})).body["id"]
    await made(graph, givenName="Here")
    there = await made(graph, f"{FOLDERS}/{team}/contacts", givenName="There")
    assert await names(graph, "") == ["Here Nilsson"]
    assert await names(graph, "", f"{FOLDERS}/contacts/contacts") == ["Here Nilsson"]
    assert await names(graph, "", f"{FOLDERS}/{team}/contacts") == ["There Nilsson"]
    assert (await graph("GET", f"{CONTACTS}/{there['id']}")).status == 200
    assert (await graph("GET", f"{FOLDERS}/{team}/contacts/{there['id']}")).status == 200
    assert (await graph("GET", f"{FOLDERS}/contacts/contacts/{there['id']}")).status == 404


async def test_outlook_copies_and_moves_a_contact(graph: Graph) -> None:
    team = (await graph("POST", FOLDERS, {"displayName": "Team"})).body["id"]
    contact = await made(graph, categories=["Red"], singleValueExtendedProperties=stamp("{AB}", CRM))
    wish = {"user": "anna@contoso.com", "kind": "contact", "id": contact["id"]}
    copied = await graph("POST", "/_control/copy", wish)
    assert (copied.status, copied.body["id"] == contact["id"]) == (201, False)
    query = f"$expand=singleValueExtendedProperties($filter=id eq '{CRM}')"
    copy = (await graph("GET", f"{CONTACTS}/{copied.body['id']}?{query}")).body
    assert (copy["displayName"], copy["categories"]) == ("Eva Nilsson", ["Red"])
    assert copy["singleValueExtendedProperties"] == [{"id": CRM, "value": "{AB}"}]
    normal = (await graph("GET", f"{CONTACTS}/{contact['id']}")).body["id"]
    assert (await graph("POST", "/_control/move", {**wish, "folder": team})).body["id"] == contact["id"]
    moved = (await graph("GET", f"{CONTACTS}/{contact['id']}")).body
    assert (moved["parentFolderId"], moved["id"] == normal) == (team, False)
    assert (await graph("GET", f"{CONTACTS}/{normal}")).status == 404
    assert (await graph("POST", "/_control/move", {**wish, "folder": "nowhere"})).status == 400


async def test_contacts_share_the_mailbox_budget_counts_and_faults_with_events(graph: Graph) -> None:
    parts = [part(n, "POST", CONTACTS, {"givenName": f"n{n}"}) for n in range(20)]
    await graph("DELETE", "/_control/requests")
    reply = await graph("POST", "/$batch", {"requests": parts})
    assert [row["status"] for row in reply.body["responses"]] == [201] * 20
    counted = (await graph("GET", "/_control/requests")).body["byKind"]
    assert counted == {"POST /$batch": 1, "POST /users/{id}/contacts": 20}
    fault = {"match": {"pathContains": "/contacts"}, "times": 1, "do": "status:429", "retryAfter": 7}
    await graph("POST", "/_control/faults", fault)
    refused = await graph("GET", CONTACTS)
    assert (refused.status, refused.headers["Retry-After"]) == (429, "7")
    assert (await graph("GET", CONTACTS)).status == 200


async def test_contacts_belong_to_the_owner_and_delegates(graph: Graph) -> None:
    await graph.user("ben")
    stranger = {"token": "ben", "X_Act_As": "ben@contoso.com"}
    assert (await graph("GET", CONTACTS, **stranger)).code == "ErrorAccessDenied"
    assert (await graph("GET", CONTACTS, token="anna")).status == 200
    assert (await graph("GET", CONTACTS, token=None)).status == 401


async def test_contacts_survive_the_end_of_the_process(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    async with running(journal=journal) as graph:
        await graph.user("anna")
        team = (await graph("POST", FOLDERS, {"displayName": "Team"})).body["id"]
        await made(graph, f"{FOLDERS}/{team}/contacts")
    async with running(journal=journal) as graph:
        assert await names(graph, "", FOLDERS) == ["Team"]
        assert await names(graph, "", f"{FOLDERS}/{team}/contacts") == ["Eva Nilsson"]
        await made(graph, givenName="New")
