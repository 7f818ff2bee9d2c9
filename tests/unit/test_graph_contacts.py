"""Graph's contact JSON, decoded and encoded: every field of the map, and what may be wrong with a row."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.exchange import extended_properties
from local.exchange.contact_input import DEFAULTS, parse, settled
from local.exchange.contact_view import shown
from shared.exchange import contact_fields, contact_items
from shared.model.event import Stamps
from shared.model.personal import CreateItem, ExchangeItem, MarkItem, UpdateItem
from shared.model.values import Value, Values
from shared.rules.field_table import of_entity
from tests.marks import rule

Json = dict[str, Any]
ROW = "1b6e5c5f-0d0e-4a51-9d05-0a1c5c0f8b11"
FIELDS = {row.name: row.kind for row in of_entity("contact") if row.kind != "regarding"}
MARKS = Stamps(link_state=2.0, crm_id=ROW)


def stored(body: Json, before: Json | None = None) -> Json:
    """What the service keeps of a body; as the stand-in does it."""
    sent = parse(json.loads(json.dumps(body)))
    marks = extended_properties.parse(sent.pop("singleValueExtendedProperties", None) or [])
    old = before or {"props": DEFAULTS, "extended": {}}
    return {
        **dict.fromkeys(("created", "modified"), "2026-01-05T09:00:00Z"),
        **{"changeKey": "CQAAA", "place": "folder", "seq": 1},
        "props": settled(old["props"], sent),
        "extended": extended_properties.merged(old["extended"], marks),
    }


def answered(kept: Json, *, expanded: bool = True) -> Json:
    asked = [extended_properties.normal_id(identifier) for identifier in contact_fields.TAGS.values()]
    asked += [extended_properties.normal_id(i) for i in contact_items.stamps.PROPERTIES.values()]
    found = extended_properties.shown(kept["extended"], asked) if expanded else []
    return {**shown(kept, "AAMk1"), **({"singleValueExtendedProperties": found} if found else {})}


def read(kept: Json) -> ExchangeItem:
    return contact_items.decode(answered(kept), "folder", whole=True)


def creation(values: Values, **more: Any) -> CreateItem:
    return CreateItem("contact", values, more.pop("stamps", Stamps()), more.pop("categories", ()), **more)


# --- the map --------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).map(str.strip)
MAYBE = st.just("") | TEXT
DATES = st.dates(date(1753, 1, 1), date(2200, 1, 1)).map(date.isoformat) | st.none()
MAIL = st.just("") | st.from_regex(r"[a-z]{1,8}@[a-z]{1,8}\.com", fullmatch=True)


def parts(*names: str) -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries({}, optional={name: TEXT.filter(bool) for name in names})


VALUES_BY_KIND: dict[str, st.SearchStrategy[Any]] = {
    "name": parts("title", "givenName", "middleName", "surname", "generation"),
    "address": parts("street", "city", "state", "postalCode", "country"),
    "date": DATES,
    "email": MAIL,
    "list": st.lists(TEXT.filter(bool), max_size=3, unique=True),
}
SOME = st.fixed_dictionaries(
    {}, optional={name: VALUES_BY_KIND.get(kind, MAYBE) for name, kind in FIELDS.items()}
)
PAIRS = (("businessPhone", "businessPhone2"), ("homePhone", "homePhone2"))


def without_gaps(values: Values) -> dict[str, Value]:
    """Exchange keeps no second number without a first."""
    kept = dict(values)
    for first, second in PAIRS:
        if not kept[first]:
            kept[first], kept[second] = kept[second], ""
    return kept


@given(values=SOME)
def test_what_is_created_is_read_as_it_was_written(values: Values) -> None:
    kept = stored(contact_items.creation(creation(values, stamps=MARKS, categories=("Red",))))
    item = read(kept)
    wanted = without_gaps({**contact_fields.BLANK, **values})
    assert {**item.values} == {**wanted, "regarding": None}
    assert (item.stamps, item.categories) == (MARKS, ("Red",))


@given(before=SOME, changes=SOME)
def test_a_change_touches_what_it_names_and_clears_what_it_empties(before: Values, changes: Values) -> None:
    old = stored(contact_items.creation(creation(before, stamps=MARKS)))
    item = read(old)
    write = UpdateItem(item, changes)
    new = stored(contact_items.update(write), old)
    wanted = without_gaps({**item.values, **changes})
    assert read(new).values == wanted
    assert contact_items.updated(write, answered(new, expanded=False)).values == wanted


@given(changes=SOME)
def test_a_body_holds_only_what_is_to_change(changes: Values) -> None:
    item = read(stored(contact_items.creation(creation({}))))
    body = contact_items.update(UpdateItem(item, changes))
    written = {row["id"] for row in body.get("singleValueExtendedProperties", ())}
    untouched = {name: kind for name, kind in FIELDS.items() if name not in changes}
    for name in untouched:
        assert contact_fields.TAGS.get(name) not in written
        assert contact_fields.EMAILS.get(name) not in body
    assert ("birthday" in body) == ("birthday" in changes)
    assert "displayName" not in body
    assert "emailAddresses" not in body


@rule("FLD-37")
def test_the_fields_that_graph_lacks_are_extended_properties() -> None:
    assert contact_fields.TAGS == {
        "anniversary": "SystemTime 0x3A41",
        "assistantPhone": "String 0x3A2E",
        "businessFax": "String 0x3A24",
        "callback": "String 0x3A02",
        "companyPhone": "String 0x3A57",
        "ftpSite": "String 0x3A4C",
        "governmentId": "String 0x3A07",
        "otherPhone": "String 0x3A1F",
        "pager": "String 0x3A21",
    }
    for identifier in contact_fields.TAGS.values():
        assert f"id eq '{identifier}'" in contact_fields.EXPAND


def test_every_field_of_the_map_has_a_place() -> None:
    filled = {name: example(kind) for name, kind in FIELDS.items()}
    body = contact_items.creation(creation(filled))
    assert read(stored(body)).values == {**filled, "regarding": None}
    assert {name for name in contact_items.FIELDS if name in body} >= set(contact_fields.PROPERTIES)


def example(kind: str) -> Value:
    place: Value = {"street": "Storgatan 1\n2 tr", "city": "Lund", "country": "SE"}
    name: Value = {"title": "Dr.", "givenName": "Eva", "surname": "Nilsson", "middleName": "M"}
    return {
        "name": {**name, "generation": "Jr."},
        "address": place,
        "date": "1974-02-28",
        "email": "eva@contoso.com",
        "list": ["Bo", "Cy"],
    }.get(kind, "text")


# --- dates ----------------------------------------------------------------------------------------


@rule("FLD-27")
@pytest.mark.parametrize(
    "moment",
    [
        "1974-07-22T11:59:00Z",
        "1974-07-22T00:00:00Z",
        "1974-07-22T11:59:00.0000000Z",
        "1974-07-21T22:00:00Z",  # midnight in Berlin in summer
        "1974-07-22T05:00:00Z",  # midnight in Bogota
        "1974-07-21T12:00:00Z",  # midnight in Auckland
        "1974-07-22T11:00:00Z",  # midnight in Samoa
        "1974-07-22T00:00:00+02:00",
    ],
)
@pytest.mark.parametrize("field", ["birthday", "anniversary"])
def test_a_date_is_read_as_it_was_meant_in_whatever_zone_it_was_kept(moment: str, field: str) -> None:
    row = answered(stored({}))
    if field == "birthday":
        row["birthday"] = moment
    else:
        row["singleValueExtendedProperties"] = [{"id": "SystemTime 0x3a41", "value": moment}]
    assert contact_items.decode(row, "folder", whole=True).values[field] == "1974-07-22"


def test_outlooks_way_to_say_no_date_is_none() -> None:
    row = answered(stored({})) | {"birthday": "4501-01-01T00:00:00Z"}
    assert contact_items.decode(row, "folder", whole=True).values["birthday"] is None


def test_a_date_is_written_at_noon_and_for_outlook_without_a_zone() -> None:
    item = read(stored({}))
    body = contact_items.update(UpdateItem(item, {"birthday": "1974-07-22", "anniversary": "2012-06-30"}))
    local = "SystemTime {00062004-0000-0000-C000-000000000046} Id 0x80DF"
    assert body == {
        "birthday": "1974-07-22T11:59:00Z",
        "singleValueExtendedProperties": [
            {"id": "SystemTime 0x3A41", "value": "2012-06-30T11:59:00Z"},
            {"id": local, "value": "2012-06-30T00:00:00Z"},
        ],
    }
    cleared = contact_items.update(UpdateItem(item, {"anniversary": None}))
    assert [row["value"] for row in cleared["singleValueExtendedProperties"]] == [None, None]


# --- slots ----------------------------------------------------------------------------------------


def test_the_name_beside_an_address_stays_until_the_address_changes() -> None:
    mail = {"name": "Eva (work)", "address": "eva@contoso.com"}
    item = read(stored({"primaryEmailAddress": mail, "secondaryEmailAddress": {"address": "e@x.com"}}))
    assert item.email_names == {"email1": "Eva (work)"}
    same = contact_items.update(UpdateItem(item, {"email1": "Eva@Contoso.com"}))
    assert same == {"primaryEmailAddress": {"address": "Eva@Contoso.com", "name": "Eva (work)"}}
    other = contact_items.update(UpdateItem(item, {"email1": "new@contoso.com"}))
    assert other == {"primaryEmailAddress": {"address": "new@contoso.com"}}
    assert contact_items.update(UpdateItem(item, {"email1": ""})) == {"primaryEmailAddress": None}


def test_a_feed_without_slots_tells_addresses_by_their_position() -> None:
    row = {name: value for name, value in answered(stored({})).items() if "EmailAddress" not in name}
    row["emailAddresses"] = [{"address": "a@x.com", "name": "A"}, {"address": "b@x.com"}]
    values = contact_items.decode(row, "folder", whole=False).values
    assert [values[name] for name in ("email1", "email2", "email3")] == ["a@x.com", "b@x.com", ""]


def test_an_answer_without_slots_does_not_move_what_was_written() -> None:
    write = creation({"email2": "b@x.com"})
    answer = answered(stored(contact_items.creation(write)), expanded=False)
    short = {name: value for name, value in answer.items() if not name.endswith("EmailAddress")}
    values = contact_items.created(write, short, "default").values
    assert [values[name] for name in ("email1", "email2")] == ["", "b@x.com"]


@rule("FLD-23")
def test_a_list_of_telephones_keeps_what_is_not_written() -> None:
    item = read(stored({"businessPhones": ["1", "2"], "homePhones": ["3", "4"]}))
    assert contact_items.update(UpdateItem(item, {"businessPhone": "9"})) == {"businessPhones": ["9", "2"]}
    assert contact_items.update(UpdateItem(item, {"businessPhone2": ""})) == {"businessPhones": ["1"]}
    assert contact_items.update(UpdateItem(item, {"homePhone": ""})) == {"homePhones": ["4"]}


def test_telephones_that_are_not_known_are_not_wiped_out() -> None:
    partial = contact_items.decode({"id": "1", "@odata.etag": "2"}, "folder", whole=False)
    with pytest.raises(KeyError):
        contact_items.update(UpdateItem(partial, {"businessPhone": "9"}))


def test_an_address_is_written_with_all_its_parts() -> None:
    item = read(stored({"homeAddress": {"city": "Lund", "postalCode": "22222"}}))
    body = contact_items.update(UpdateItem(item, {"homeAddress": {"city": "Malmö"}}))
    empty = dict.fromkeys(("street", "state", "postalCode", "countryOrRegion"))
    assert body == {"homeAddress": {"city": "Malmö", **empty}}


# --- stamps ---------------------------------------------------------------------------------------


@rule("FLD-21")
def test_regarding_is_written_and_cleared_as_stamps() -> None:
    item = read(stored(contact_items.creation(creation({}, stamps=MARKS))))
    write = UpdateItem(item, {"regarding": {"type": "account", "id": ROW}})
    kept = stored(contact_items.update(write), stored(contact_items.creation(creation({}, stamps=MARKS))))
    now = contact_items.updated(write, answered(kept, expanded=False))
    assert now.values["regarding"] == read(kept).values["regarding"] == {"type": "account", "id": ROW}
    assert now.stamps == read(kept).stamps
    cleared = UpdateItem(now, {"regarding": None})
    kept = stored(contact_items.update(cleared), kept)
    after = contact_items.updated(cleared, answered(kept, expanded=False))
    assert (after.values["regarding"], after.stamps) == (None, read(kept).stamps) == (None, MARKS)


def test_a_mark_writes_nothing_but_categories_and_stamps() -> None:
    item = read(stored(contact_items.creation(creation({"pager": "7"}, stamps=MARKS, categories=("Red",)))))
    assert contact_items.mark(MarkItem(item, None, Stamps())) == {}
    write = MarkItem(item, ("Blue",), Stamps(link_state=0.0))
    body = contact_items.mark(write)
    assert set(body) == {"categories", "singleValueExtendedProperties"}
    assert len(body["singleValueExtendedProperties"]) == 1
    answer = answered(stored({"categories": ["Blue"]}), expanded=False)
    now = contact_items.marked(write, answer)
    assert (now.stamps, now.values["pager"], now.whole) == (Stamps(link_state=0.0, crm_id=ROW), "7", True)


# --- what may be wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": None},
        {"@odata.etag": 5},
        {"birthday": "soon"},
        {"birthday": "1974-13-01T00:00:00Z"},
        {"surname": ["x"]},
        {"homePhones": [5]},
        {"primaryEmailAddress": "eva@contoso.com"},
        {"businessAddress": "Storgatan 1"},
        {"lastModifiedDateTime": "yesterday"},
        {"singleValueExtendedProperties": ["x"]},
    ],
)
def test_what_cannot_be_read_is_said_without_quoting_it(wrong: Json) -> None:
    row = answered(stored({})) | wrong
    with pytest.raises(contact_items.UnreadableContact) as caught:
        contact_items.decode(row, "folder", whole=True)
    assert "eva" not in str(caught.value)
    assert "Storgatan" not in str(caught.value)


def test_what_a_whole_contact_does_not_show_is_empty() -> None:
    row = {"id": "1", "@odata.etag": "2", "surname": "Berg", "emailAddresses": [{"address": "a@x.com"}]}
    item = contact_items.decode(row, "folder", whole=True)
    told = {"name": {"surname": "Berg"}, "email1": "a@x.com", "regarding": None}
    assert item.values == {**contact_fields.BLANK, **told}
    assert item.stamps == Stamps()


def test_a_row_of_a_feed_says_what_it_says_and_no_more() -> None:
    row = answered(stored({"surname": "Berg", "mobilePhone": "5"}), expanded=False)
    item = contact_items.decode(row, "folder", whole=False)
    assert (item.stamps, item.whole, item.values["mobilePhone"]) == (None, False, "5")
    assert not item.values.keys() & {"pager", "anniversary", "regarding"}
    bare = contact_items.decode({"id": "1", "@odata.etag": "2", "surname": "Berg"}, "folder", whole=False)
    assert dict(bare.values) == {}
    assert not contact_items.is_complete({"id": "1", "@odata.etag": "2", "surname": "Berg"})
