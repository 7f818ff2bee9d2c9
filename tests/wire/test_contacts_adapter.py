"""The contacts of a mailbox through the adapter, against the stand-in over sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from shared.engine.ports import ItemPage, PersonalItems
from shared.errors import Conflict, MailboxBroken, NotFound, Refused, Throttled, UnknownResult
from shared.model.event import Stamps
from shared.model.personal import (
    CreateItem,
    DeleteItem,
    ExchangeItem,
    MarkItem,
    PlacedId,
    UpdateItem,
)
from shared.model.values import Value, Values
from shared.rules.field_table import of_entity
from tests.marks import rule
from tests.wire.graph_adapter import ROW, TRACKED, Connected, connected

Json = dict[str, Any]

USER = "/users/anna@contoso.com"
MARKS = Stamps(link_state=2.0, crm_id=ROW)
NAME: Value = {"givenName": "Eva", "surname": "Nilsson"}
ADDRESS: Value = {
    "street": "Storgatan 1\r\n2 tr",
    "city": "Lund",
    "state": "Skåne",
    "postalCode": "22222",
    "country": "SE",
}
NAMES: Value = {
    "title": "Dr.",
    "givenName": "Eva",
    "middleName": "Maria",
    "surname": "Nilsson",
    "generation": "Jr.",
}


@pytest.fixture
async def rig() -> AsyncIterator[Connected]:
    async with connected() as running:
        yield running


async def contacts_of(rig: Connected, zone: str = "W. Europe Standard Time") -> PersonalItems:
    return rig.graph.mailbox(await rig.user("anna", timeZone=zone), zone).contacts


def creation(values: Values | None = None, **more: Any) -> CreateItem:
    marks, categories = more.pop("stamps", MARKS), more.pop("categories", TRACKED)
    return CreateItem("contact", {"name": NAME, **(values or {})}, marks, categories, **more)


async def read(contacts: PersonalItems, item: ExchangeItem) -> ExchangeItem:
    found = (await contacts.items([PlacedId(item.id, item.place)]))[item.id]
    assert found is not None
    return found


async def folder(rig: Connected, name: str, below: str = "") -> str:
    path = f"{USER}/contactFolders" + (f"/{below}/childFolders" if below else "")
    return str((await rig.graph_as_person("POST", path, {"displayName": name}))["id"])


async def person_makes(rig: Connected, place: str = "", **props: Any) -> str:
    path = f"{USER}/contactFolders/{place}/contacts" if place else f"{USER}/contacts"
    return str((await rig.graph_as_person("POST", path, {"surname": "Berg", **props}))["id"])


async def whole_round(contacts: PersonalItems, links: Mapping[str, str | None]) -> dict[str, list[ItemPage]]:
    """All pages of a round of each place."""
    pages: dict[str, list[ItemPage]] = {place: [] for place in links}
    open_links = dict(links)
    while open_links:
        found = await contacts.changes(open_links)
        for place, page in found.items():
            pages[place].append(page)
        open_links = {place: page.link for place, page in found.items() if not page.complete}
    return pages


def ids(pages: list[ItemPage]) -> set[str]:
    return {item.id for page in pages for item in page.items}


# --- every field ----------------------------------------------------------------------------------

TEXT = "Ärtsoppa 🥣"
EVERY: dict[str, tuple[Value, Value]] = {
    "name": (NAMES, {"surname": "Berg"}),
    "company": ("Contoso", "Fabrikam"),
    "email1": ("eva@contoso.com", "eva@fabrikam.com"),
    "email2": ("e2@contoso.com", "E2@Fabrikam.com"),
    "email3": ("e3@contoso.com", "e3@fabrikam.com"),
    "birthday": ("1974-02-28", "1604-02-29"),
    "anniversary": ("2012-06-30", "2000-02-29"),
    "children": (["Bo", "Cy", "Di", "Ed"], ["Bo"]),
    "businessAddress": (ADDRESS, {"city": "Malmö"}),
    "homeAddress": (ADDRESS, {"street": "A"}),
    "otherAddress": (ADDRESS, {"country": "DE"}),
}
FIELDS = {row.name: row for row in of_entity("contact") if row.kind != "regarding"}
BLANK_BY_KIND: dict[str, Value] = {"name": {}, "address": {}, "list": [], "date": None}


def value_of(name: str, turn: int) -> Value:
    """Of a text: 0 the first one, 1 another one."""
    return EVERY[name][turn] if name in EVERY else (TEXT, f"+49 30 {len(name)}")[turn]


@rule(*sorted({f"FLD-{number}" for number in range(20, 33)}), "FLD-37")
@pytest.mark.parametrize("name", FIELDS)
async def test_a_field_is_set_changed_and_cleared_on_the_wire(rig: Connected, name: str) -> None:
    contacts = await contacts_of(rig)
    partner = {"businessPhone2": {"businessPhone": "1"}, "homePhone2": {"homePhone": "1"}}.get(name, {})
    values = {**partner, name: value_of(name, 0)}
    item = await contacts.create(creation(values))
    assert item.values[name] == value_of(name, 0)
    assert await read(contacts, item) == item
    for value in (value_of(name, 1), BLANK_BY_KIND.get(FIELDS[name].kind, ""), value_of(name, 0)):
        item = await contacts.update(UpdateItem(item, {name: value}))
        assert item.values[name] == value
        assert await read(contacts, item) == item
    assert (item.stamps, item.categories, item.whole) == (MARKS, TRACKED, True)


@rule("FLD-37")
async def test_what_graph_lacks_is_where_outlook_looks_for_it(rig: Connected) -> None:
    contacts = await contacts_of(rig)
    tags = {row.name: row.exchange for row in FIELDS.values() if " 0x" in row.exchange}
    item = await contacts.create(creation({name: value_of(name, 0) for name in tags}))
    wanted = " or ".join(f"id eq '{identifier}'" for identifier in tags.values())
    path = f"{USER}/contacts/{item.id}?$expand=singleValueExtendedProperties($filter={wanted})"
    rows = (await rig.graph_as_person("GET", path))["singleValueExtendedProperties"]
    found = {row["id"].lower(): row["value"] for row in rows}
    assert found == {
        tags[name].lower(): "2012-06-30T11:59:00Z" if name == "anniversary" else TEXT for name in tags
    }


async def test_a_contact_with_everything_is_one_request(rig: Connected) -> None:
    contacts = await contacts_of(rig)
    await contacts.places()
    await rig.control("DELETE", "/requests")
    item = await contacts.create(creation({name: value_of(name, 0) for name in FIELDS}))
    assert await rig.counted() == {"POST /users/{id}/contacts": 1}
    assert await read(contacts, item) == item
    assert {name: item.values[name] for name in FIELDS} == {name: value_of(name, 0) for name in FIELDS}


# --- names, addresses, numbers, dates -------------------------------------------------------------


@rule("FLD-20")
async def test_a_name_is_made_anew_unless_it_is_sent_with_its_parts(rig: Connected) -> None:
    contacts = await contacts_of(rig)
    item = await contacts.create(creation(display_name="Evis"))
    assert item.display_name == "Evis"
    other: Value = {"givenName": "Eva", "surname": "Berg"}
    kept = await contacts.update(UpdateItem(item, {"name": other}, display_name="Evis"))
    assert (kept.display_name, kept.values["name"]) == ("Evis", other)
    anew = await contacts.update(UpdateItem(kept, {"name": NAME}))
    assert anew.display_name == "Eva Nilsson"


@rule("FLD-22")
async def test_each_address_has_a_slot_of_its_own_and_keeps_its_name(rig: Connected) -> None:
    contacts = await contacts_of(rig)
    await person_makes(
        rig, emailAddresses=[{"address": f"e{n}@x.com", "name": f"Eva {n}"} for n in (1, 2, 3)]
    )
    (item,) = await contacts.search(["e2@x.com"], "")
    item = await read(contacts, item)
    item = await contacts.update(UpdateItem(item, {"email2": ""}))
    assert [item.values[f"email{n}"] for n in (1, 2, 3)] == ["e1@x.com", "", "e3@x.com"]
    item = await contacts.update(UpdateItem(item, {"email1": "E1@x.com", "email3": "other@x.com"}))
    assert item.email_names == {"email1": "Eva 1"}
    assert await read(contacts, item) == item


@rule("FLD-23")
async def test_two_numbers_have_no_gap_and_the_other_one_stays(rig: Connected) -> None:
    contacts = await contacts_of(rig)
    values = {"businessPhone": "1", "businessPhone2": "2", "homePhone": "3", "homePhone2": "4"}
    item = await contacts.create(creation({**values, "mobilePhone": "5"}))
    item = await contacts.update(UpdateItem(item, {"businessPhone2": "9"}))
    item = await contacts.update(UpdateItem(item, {"homePhone": ""}))
    wanted = {"businessPhone": "1", "businessPhone2": "9", "homePhone": "4", "homePhone2": ""}
    assert {name: item.values[name] for name in wanted} == wanted
    assert await read(contacts, item) == item


@rule("FLD-27")
@pytest.mark.parametrize("zone", ["UTC", "New Zealand Standard Time", "Hawaiian Standard Time"])
async def test_a_day_is_the_same_in_every_zone(rig: Connected, zone: str) -> None:
    contacts = await contacts_of(rig, zone)
    days = {"birthday": "1974-12-31", "anniversary": "2000-01-01"}
    item = await contacts.create(creation(days))
    assert {name: item.values[name] for name in days} == days
    found = await read(contacts, item)
    assert {name: found.values[name] for name in days} == days


async def test_outlooks_midnight_is_the_day_that_was_meant(rig: Connected) -> None:
    contacts = await contacts_of(rig)
    midnight = [{"id": "SystemTime 0x3A41", "value": "2012-06-29T22:00:00Z"}]
    made = await person_makes(rig, singleValueExtendedProperties=midnight)
    found = (await contacts.items([PlacedId(made, "")]))[made]
    assert found is not None
    assert found.values["anniversary"] == "2012-06-30"


# --- writing --------------------------------------------------------------------------------------


async def test_a_stale_version_is_a_conflict_and_what_is_gone_is_not_found(rig: Connected) -> None:
    contacts = await contacts_of(rig)
    old = await contacts.create(creation())
    new = await contacts.update(UpdateItem(old, {"jobTitle": "Boss"}))
    for stale in (
        contacts.update(UpdateItem(old, {"jobTitle": "x"})),
        contacts.mark(MarkItem(old, (), Stamps())),
        contacts.delete(DeleteItem(old)),
    ):
        with pytest.raises(Conflict):
            await stale
    await contacts.delete(DeleteItem(new))
    assert await contacts.items([PlacedId(new.id, new.place)]) == {new.id: None}
    with pytest.raises(NotFound):
        await contacts.delete(DeleteItem(new))
    with pytest.raises(NotFound):
        await contacts.update(UpdateItem(new, {"jobTitle": "x"}))


async def test_a_mark_changes_categories_and_stamps_only(rig: Connected) -> None:
    contacts = await contacts_of(rig)
    item = await contacts.create(creation({"pager": "7", "email2": "e@x.com"}))
    marked = await contacts.mark(MarkItem(item, (), Stamps(link_state=0.0)))
    assert (marked.categories, marked.stamps) == ((), Stamps(link_state=0.0, crm_id=ROW))
    assert marked.values == item.values
    assert await read(contacts, marked) == marked
    again = await contacts.mark(MarkItem(marked, None, Stamps(link_state=2.0)))
    assert (again.categories, again.stamps) == ((), MARKS)


@rule("FLD-21")
async def test_regarding_travels_as_stamps(rig: Connected) -> None:
    contacts = await contacts_of(rig)
    about: Value = {"type": "account", "id": ROW}
    item = await contacts.create(creation())
    assert item.values["regarding"] is None
    item = await contacts.update(UpdateItem(item, {"regarding": about}))
    assert (item.values["regarding"], await read(contacts, item)) == (about, item)
    item = await contacts.update(UpdateItem(item, {"regarding": None}))
    assert (item.values["regarding"], await read(contacts, item)) == (None, item)


@pytest.mark.parametrize("do", ["drop-after", "status:504"])
async def test_a_create_whose_answer_is_lost_is_unknown_and_not_repeated(rig: Connected, do: str) -> None:
    contacts = await contacts_of(rig)
    await rig.fault(do, method="POST", pathContains="/contacts")
    with pytest.raises(UnknownResult):
        await contacts.create(creation({"pager": "7"}))
    found = await contacts.find_by_crm_id(ROW)
    assert [item.values["pager"] for item in found] == (["7"] if do == "drop-after" else [])


async def test_what_graph_refuses_is_refused(rig: Connected) -> None:
    contacts = await contacts_of(rig)
    with pytest.raises(Refused):
        await contacts.create(creation({"birthday": "1500-01-01"}))


# --- folders and their feeds ----------------------------------------------------------------------


@rule("CONT-7")
async def test_all_folders_however_deep_are_places(rig: Connected) -> None:
    contacts = await contacts_of(rig)
    assert [(place.name, place.is_default, place.own) for place in await contacts.places()] == [
        ("Contacts", True, True)
    ]
    team = await folder(rig, "Team")
    inner = await folder(rig, "Inner", team)
    core = await folder(rig, "Core", inner)
    await rig.control("DELETE", "/requests")
    places = await contacts.places()
    assert {place.id: place.name for place in places if not place.is_default} == {
        team: "Team",
        inner: "Inner",
        core: "Core",
    }
    assert (await rig.counted()).get("POST /$batch") == 1
    assert sum((await rig.counted()).values()) == 1 + 2 + 3


async def test_long_lists_of_folders_are_read_to_the_end(rig: Connected) -> None:
    contacts = await contacts_of(rig)
    made = {await folder(rig, f"Folder {number}") for number in range(105)}
    assert {place.id for place in await contacts.places() if not place.is_default} == made


@rule("CONT-7")
async def test_each_folder_has_its_own_feed_and_all_are_one_request(rig: Connected) -> None:
    contacts = await contacts_of(rig)
    team = await folder(rig, "Team")
    inner = await folder(rig, "Inner", team)
    places = [place.id for place in await contacts.places()]
    default = next(place for place in places if place not in (team, inner))
    made = {place: await person_makes(rig, place) for place in (team, inner)}
    made[default] = await person_makes(rig, categories=["Red"])
    await rig.control("DELETE", "/requests")
    pages = await contacts.changes(dict.fromkeys(places))
    counted = await rig.counted()
    assert counted.pop("POST /$batch") == 1
    assert sum(counted.values()) == 3
    pages_of = await whole_round(contacts, dict.fromkeys(places))
    assert {place: ids(pages_of[place]) for place in places} == {place: {made[place]} for place in places}
    assert set(pages) == set(places)
    (item,) = [item for page in pages_of[default] for item in page.items]
    assert (item.place, item.categories, item.whole, item.stamps) == (default, ("Red",), False, None)
    links = {place: pages_of[place][-1].link for place in places}
    await rig.graph_as_person("PATCH", f"{USER}/contacts/{made[inner]}", {"jobTitle": "Boss"})
    await rig.graph_as_person("DELETE", f"{USER}/contacts/{made[team]}")
    following = await contacts.changes(links)
    assert [(item.id, item.values["jobTitle"]) for item in following[inner].items] == [(made[inner], "Boss")]
    assert following[team].removed == (made[team],)
    assert following[default] == ItemPage((), (), following[default].link)


async def test_the_feed_of_one_folder_is_a_single_request(rig: Connected) -> None:
    contacts = await contacts_of(rig)
    await person_makes(rig)
    await rig.control("DELETE", "/requests")
    (place,) = await contacts.places()
    assert await rig.counted() == {
        "POST /$batch": 1,
        "GET /users/{id}/contacts": 1,
        "GET /users/{id}/contactFolders": 1,
    }
    await rig.control("DELETE", "/requests")
    await contacts.changes({place.id: None})
    assert sum((await rig.counted()).values()) == 1
    assert await contacts.changes({}) == {}


@pytest.mark.parametrize("dead", ["default", "team"])
@pytest.mark.parametrize("how", ["status:410", "foreign"])
async def test_a_dead_token_of_one_folder_is_nothing_to_the_others(
    rig: Connected, dead: str, how: str
) -> None:
    contacts = await contacts_of(rig)
    team = await folder(rig, "Team")
    default = next(place.id for place in await contacts.places() if place.is_default)
    rounds = await whole_round(contacts, {default: None, team: None})
    links: dict[str, str | None] = {place: pages[-1].link for place, pages in rounds.items()}
    made = {default: await person_makes(rig), team: await person_makes(rig, team)}
    gone, alive = (default, team) if dead == "default" else (team, default)
    if how == "foreign":
        links[gone] = "https://graph.example.com/v1.0/users/x/contacts/delta?$deltatoken=1"
    else:
        where = f"contactFolders/{team}" if dead == "team" else "/contacts/delta"
        await rig.fault(how, method="GET", pathContains=where)
    found = await contacts.changes(links)
    assert (found[gone].expired, ids([found[gone]])) == (True, set())
    assert (found[alive].expired, ids([found[alive]])) == (False, {made[alive]})
    assert ids((await whole_round(contacts, {gone: None}))[gone]) == {made[gone]}


async def test_all_tokens_may_die_at_once(rig: Connected) -> None:
    contacts = await contacts_of(rig)
    (place,) = await contacts.places()
    link = (await whole_round(contacts, {place.id: None}))[place.id][-1].link
    await rig.control("POST", "/expire-delta")
    assert (await contacts.changes({place.id: link}))[place.id].expired


async def test_a_folder_that_is_gone_is_nothing_to_the_others(rig: Connected) -> None:
    contacts = await contacts_of(rig)
    team = await folder(rig, "Team")
    default = next(place.id for place in await contacts.places() if place.is_default)
    rounds = await whole_round(contacts, {default: None, team: None})
    links = {place: pages[-1].link for place, pages in rounds.items()}
    await rig.graph_as_person("DELETE", f"{USER}/contactFolders/{team}")
    found = await contacts.changes(links)
    assert (found[team].gone, found[default].gone) == (True, False)
    assert (await contacts.changes({team: None}))[team].gone
    assert [place.id for place in await contacts.places()] == [default]


async def test_a_feed_that_is_throttled_for_long_ends_the_reading(rig: Connected) -> None:
    contacts = await contacts_of(rig)
    team = await folder(rig, "Team")
    await rig.fault("status:429", times=4, method="GET", pathContains="/contacts/delta", retry_after=3)
    with pytest.raises(Throttled):
        await contacts.changes({"default": None, team: None})


# --- finding --------------------------------------------------------------------------------------


async def test_several_contacts_are_read_in_batches_with_their_places(rig: Connected) -> None:
    contacts = await contacts_of(rig)
    team = await folder(rig, "Team")
    await contacts.places()
    made = [await contacts.create(creation(place=place)) for place in ["", team] * 11]
    missing = made[0].id[:-8] + "AAAAAAA="
    await contacts.places()
    await rig.control("DELETE", "/requests")
    found = await contacts.items([PlacedId(item, "") for item in (*(each.id for each in made), missing)])
    assert found == {**{item.id: item for item in made}, missing: None}
    assert await rig.counted() == {"GET /users/{id}/contacts/{id}": 23, "POST /$batch": 2}
    assert await contacts.items([]) == {}


async def test_a_contact_in_deleted_items_is_gone_though_it_can_be_read(rig: Connected) -> None:
    contacts = await contacts_of(rig)
    item = await contacts.create(creation())
    order = {"user": "anna@contoso.com", "kind": "contact", "id": item.id, "folder": "deleteditems"}
    await rig.control("POST", "/move", order)
    assert (await rig.graph_as_person("GET", f"{USER}/contacts/{item.id}"))["id"] == item.id
    assert await contacts.items([PlacedId(item.id, item.place)]) == {item.id: None}
    assert await contacts.find_by_crm_id(ROW) == []
    await rig.control("POST", "/move", {**order, "folder": "contacts"})
    assert (await read(contacts, item)).values == item.values


async def test_a_contact_is_read_where_it_is_now_even_in_a_new_folder(rig: Connected) -> None:
    contacts = await contacts_of(rig)
    item = await contacts.create(creation())
    await contacts.places()
    team = await folder(rig, "Team")
    order = {"user": "anna@contoso.com", "kind": "contact", "id": item.id, "folder": team}
    await rig.control("POST", "/move", order)
    assert (await read(contacts, item)).place == team


async def test_a_row_is_found_in_every_folder_whatever_form_its_stamp_has(rig: Connected) -> None:
    contacts = await contacts_of(rig)
    team = await folder(rig, "Team")
    inner = await folder(rig, "Inner", team)
    stamp = {"id": "String {00020329-0000-0000-C000-000000000046} Name crmid", "value": ROW.upper()}
    foreign = await person_makes(rig, team, singleValueExtendedProperties=[stamp])
    ours = await contacts.create(creation({"pager": "7"}, place=inner))
    await contacts.create(creation(stamps=Stamps()))
    await contacts.places()
    await rig.control("DELETE", "/requests")
    found = {item.id: item for item in await contacts.find_by_crm_id(ROW)}
    assert found[ours.id] == ours
    assert (found[foreign].place, found[foreign].whole, len(found)) == (team, True, 2)
    counted = await rig.counted()
    assert (counted.pop("POST /$batch"), sum(counted.values())) == (1, 3)
    assert await contacts.find_by_crm_id("00000000-0000-0000-0000-000000000009") == []


async def test_contacts_with_an_address_or_a_name_are_found_in_every_folder(rig: Connected) -> None:
    contacts = await contacts_of(rig)
    team = await folder(rig, "Team")
    odd = "O'Brien & Söhne + Co #1 100%?"
    third = await contacts.create(creation({"email3": "Third.One@x.com"}, place=team))
    named = await contacts.create(creation(display_name=odd))
    both = await contacts.create(creation({"email1": "first@x.com"}, display_name=odd))
    await person_makes(rig)
    await contacts.places()
    await rig.control("DELETE", "/requests")
    found = await contacts.search(["third.one@X.com", "First@x.com", "", "first@x.com"], odd)
    assert sorted(item.id for item in found) == sorted([third.id, named.id, both.id])
    assert {item.id: item.place for item in found}[third.id] == team
    assert not any(item.whole for item in found)
    counted = await rig.counted()
    assert (counted.pop("POST /$batch"), sum(counted.values())) == (1, 6)
    assert [item.id for item in await contacts.search([], odd.upper())] == [named.id, both.id]
    assert await contacts.search([], " ") == []


async def test_long_lists_of_finds_are_read_to_the_end(rig: Connected) -> None:
    contacts = await contacts_of(rig)
    for number in range(105):
        await person_makes(rig, givenName=f"{number}", displayName="Same")
    assert len(await contacts.search([], "Same")) == 105


async def test_a_mailbox_that_is_gone_is_broken_and_its_contacts_are_not_deleted(rig: Connected) -> None:
    contacts = rig.graph.mailbox("00000000-0000-0000-0000-000000000001").contacts
    for question in (
        contacts.places(),
        contacts.changes({"default": None}),
        contacts.items([PlacedId("AAMkAGI1AAAt9AHjAAA=", "")]),
        contacts.find_by_crm_id(ROW),
    ):
        with pytest.raises(MailboxBroken):
            await question
