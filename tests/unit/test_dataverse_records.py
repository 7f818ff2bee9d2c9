"""Contacts, tasks and the like as rows and as values; sync filters read, compared and narrowed."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from shared.dynamics.dataverse.fetch_filters import UnreadableFilter, is_usual, limited, narrowed, parse
from shared.dynamics.dataverse.odata import FORMATTED, LOGICAL_NAME
from shared.dynamics.dataverse.records import decode, encode, encode_new, table_of
from shared.errors import Refused
from shared.model.party import RecordRef
from shared.model.personal import (
    CONTACT,
    FAX,
    LETTER,
    PERSONAL_TABLES,
    PHONE_CALL,
    TASK,
    TASK_TABLES,
    CreateRecord,
    UpdateRecord,
)
from shared.model.values import Value
from shared.rules.field_table import of_entity
from tests.marks import rule

ROW = "1b6e5c5f-0d0e-4a51-9d05-0a1c5c0f8b11"
ANNA = "2c7f6d60-1e1f-4b62-8e16-1b2d6d109c22"
ACME = "4e918f82-3031-4d84-a038-3d4f8f32be44"
CALLS = (PHONE_CALL, LETTER, FAX)

Json = dict[str, Any]


def shown(table: str, **columns: Any) -> Json:
    """A row as the Web API answers it: every column asked for, most of them empty."""
    known = table_of(table)
    row: Json = dict.fromkeys(known.columns.split(","))
    state = {"statecode": 0, "statuscode": 2}
    key = {known.key: ROW.upper(), "@odata.etag": 'W/"7"', "modifiedon": "2026-03-01T08:00:01Z"}
    owner = {"_ownerid_value": ANNA, f"_ownerid_value@{LOGICAL_NAME}": "systemuser"}
    return {**row, **key, **owner, "_modifiedby_value": ANNA.upper(), **state, **columns}


def value(table: str, name: str, **columns: Any) -> Value:
    return decode(shown(table, **columns), table_of(table)).value(name)


def change(table: str, present: Json | None = None, **values: Value) -> Json:
    return encode(UpdateRecord(table, ROW, 'W/"7"', values, present or {}))


# --- decoding -------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", PERSONAL_TABLES)
def test_a_row_is_asked_for_with_the_columns_of_the_field_map(table: str) -> None:
    columns = table_of(table).columns.split(",")
    mapped = {column for field in of_entity(table) for column in field.dynamics}
    assert {column.removeprefix("_").removesuffix("_value") for column in columns} >= mapped
    assert len(columns) == len(set(columns))
    assert ("directioncode" in columns) is (table in CALLS)


@pytest.mark.parametrize("table", PERSONAL_TABLES)
def test_an_empty_row_has_every_field_in_its_empty_form(table: str) -> None:
    record = decode(shown(table), table_of(table))
    empty = {
        **dict.fromkeys(("text", "email", "phone", "list", "memo", "company"), ""),
        **dict.fromkeys(("day", "completed", "date", "percent", "regarding"), None),
        **{"name": {}, "address": {}, "importance": 1, "status": [0, 2]},
    }
    assert record.values == {
        **{field.name: empty[field.kind] for field in of_entity(table)},
        "status": [0, 2],
    }
    assert (record.id, record.etag, record.state) == (ROW, 'W/"7"', 0)
    assert record.owner == RecordRef("systemuser", ANNA)
    assert (record.modified_by, record.name, record.outgoing) == (ANNA, "", True)


def test_a_name_is_its_parts() -> None:
    columns = {"salutation": "Dr.", "firstname": "Kim", "lastname": "Berg", "suffix": "jr."}
    record = decode(shown(CONTACT, fullname="Kim Berg", **columns), table_of(CONTACT))
    assert record.name == "Kim Berg"
    assert record.value("name") == {
        "title": "Dr.",
        "givenName": "Kim",
        "surname": "Berg",
        "generation": "jr.",
    }


def test_an_address_has_its_lines_as_one_street() -> None:
    parts = {"address1_line1": "Yard 3", "address1_line3": "Floor 2", "address1_stateorprovince": "BW"}
    where = {"address1_city": "Ulm", "address1_postalcode": "89073", "address1_country": "Germany"}
    assert value(CONTACT, "businessAddress", **parts, **where) == {
        "street": "Yard 3\nFloor 2",
        "city": "Ulm",
        "state": "BW",
        "postalCode": "89073",
        "country": "Germany",
    }


def test_the_company_is_what_the_parent_is_called() -> None:
    parent = {
        "_parentcustomerid_value": ACME.upper(),
        f"_parentcustomerid_value@{LOGICAL_NAME}": "account",
        f"_parentcustomerid_value@{FORMATTED}": "Acme",
    }
    assert value(CONTACT, "company", **parent) == "Acme"
    assert value(CONTACT, "regarding", **parent) == {"table": "account", "id": ACME}


def test_times_are_instants_to_the_second_and_days_of_people_have_none() -> None:
    assert value(TASK, "due", scheduledend="2026-03-02T10:00:00.123+01:00") == "2026-03-02T09:00:00Z"
    assert value(TASK, "completed", actualend="2026-03-02T09:00:00Z") == "2026-03-02T09:00:00Z"
    assert value(CONTACT, "birthday", birthdate="1974-07-22") == "1974-07-22"
    assert value(CONTACT, "anniversary", anniversary="2001-05-05T00:00:00Z") == "2001-05-05"


def test_numbers_texts_and_states() -> None:
    assert value(TASK, "importance", prioritycode=0) == 0
    assert value(TASK, "percent", percentcomplete=0) == 0
    assert value(TASK, "notes", description="One\r\nTwo  \r\n") == "One\nTwo"
    assert value(CONTACT, "children", childrensnames="Bo, Eve") == "Bo, Eve"
    assert value(CONTACT, "status", statecode=1, statuscode=2) == [1, 2]


@pytest.mark.parametrize("table", CALLS)
def test_calls_letters_and_faxes_come_or_go(table: str) -> None:
    for said, outgoing in ((None, True), (True, True), (False, False)):
        assert decode(shown(table, directioncode=said), table_of(table)).outgoing is outgoing


# --- encoding -------------------------------------------------------------------------------------


def test_an_update_writes_the_columns_of_its_fields_and_no_other() -> None:
    assert change(CONTACT, jobTitle="Buyer", notes="") == {"jobtitle": "Buyer", "description": None}
    assert change(CONTACT, birthday="1974-07-22") == {"birthdate": "1974-07-22"}
    assert change(TASK, due=None, percent=50, importance=2) == {
        "scheduledend": None,
        "percentcomplete": 50,
        "prioritycode": 2,
    }


def test_the_columns_of_a_computed_field_move_together() -> None:
    assert change(CONTACT, name={"givenName": "Kim", "surname": "Berg"}) == {
        "salutation": None,
        "firstname": "Kim",
        "middlename": None,
        "lastname": "Berg",
        "suffix": None,
    }
    assert change(CONTACT, homeAddress={"city": "Ulm"}) == {
        **{f"address2_line{number}": None for number in (1, 2, 3)},
        **{"address2_city": "Ulm", "address2_stateorprovince": None},
        **{"address2_postalcode": None, "address2_country": None},
    }


@pytest.mark.parametrize(
    ("street", "lines"),
    [
        ("Yard 3", ["Yard 3", None, None]),
        ("Yard 3\r\nFloor 2\r\n", ["Yard 3", "Floor 2", None]),
        ("One\n\nTwo\nThree", ["One", "Two", "Three"]),
        ("One\nTwo\nThree\nFour", ["One", "Two", "Three, Four"]),
    ],
)
def test_a_street_is_three_lines(street: str, lines: list[str | None]) -> None:
    body = change(CONTACT, businessAddress={"street": street})
    assert [body[f"address1_line{number}"] for number in (1, 2, 3)] == lines


def test_what_is_regarded_is_bound_under_the_name_that_the_table_has_for_it() -> None:
    for table in TASK_TABLES:
        bound = change(table, regarding={"table": "lead", "id": ACME})
        assert bound == {f"regardingobjectid_lead_{table}@odata.bind": f"/leads({ACME})"}
        cleared = change(table, {"regarding": {"table": "lead", "id": ACME}}, regarding=None)
        assert cleared == {f"regardingobjectid_lead_{table}@odata.bind": None}
    parent = change(CONTACT, regarding={"table": "account", "id": ACME})
    assert parent == {"parentcustomerid_account@odata.bind": f"/accounts({ACME})"}
    employed = {"regarding": {"table": "contact", "id": ACME}}
    assert change(CONTACT, employed, regarding=None) == {"parentcustomerid_contact@odata.bind": None}


def test_what_cannot_be_written_is_refused_by_name() -> None:
    with pytest.raises(Refused, match="lead"):
        change(CONTACT, regarding={"table": "lead", "id": ACME})
    with pytest.raises(Refused, match="new_project"):
        change(TASK, regarding={"table": "new_project", "id": ACME})
    with pytest.raises(Refused, match="company"):
        change(CONTACT, company="Acme")
    with pytest.raises(Refused, match="percent"):
        change(FAX, percent=50)


@rule("TASK-9")
@pytest.mark.parametrize("table", TASK_TABLES)
def test_a_row_that_opens_again_is_not_completed_any_more(table: str) -> None:
    opened = {"statecode": 0, "statuscode": 1}
    assert change(table, status=[0, 1]) == {**opened, "actualend": None}
    assert change(table, status=[0, 1], completed=None) == {**opened, "actualend": None}
    kept = change(table, status=[0, 1], completed="2026-03-02T00:00:00Z")
    assert kept == {**opened, "actualend": "2026-03-02T00:00:00Z"}
    assert change(table, status=[1, 2]) == {"statecode": 1, "statuscode": 2}


def test_a_contact_that_is_active_again_has_no_end_to_clear() -> None:
    assert change(CONTACT, status=[0, 1]) == {"statecode": 0, "statuscode": 1}


def test_a_new_row_leaves_out_what_is_empty() -> None:
    values: dict[str, Value] = {"subject": "Call Kim", "notes": "", "due": None, "importance": 0}
    body, state = encode_new(CreateRecord(TASK, ROW, values))
    assert (body, state) == ({"subject": "Call Kim", "prioritycode": 0}, None)


def test_a_new_task_says_when_it_was_begun() -> None:
    body, _ = encode_new(CreateRecord(TASK, ROW, {"subject": "x"}, actual_start="2026-03-02T09:00:00Z"))
    assert body == {"subject": "x", "actualstart": "2026-03-02T09:00:00Z"}


def test_a_new_row_starts_open_and_is_closed_by_a_second_write() -> None:
    done = {"subject": "x", "status": [1, 5], "completed": "2026-03-02T00:00:00Z"}
    assert encode_new(CreateRecord(TASK, ROW, done)) == (
        {"subject": "x", "actualend": "2026-03-02T00:00:00Z"},
        {"statecode": 1, "statuscode": 5},
    )
    waiting = CreateRecord(TASK, ROW, {"subject": "x", "status": [0, 4]})
    assert encode_new(waiting) == ({"subject": "x", "statuscode": 4}, None)


# --- sync filters: reading and comparing ----------------------------------------------------------


MINE = '<condition attribute="ownerid" operator="eq-userid"/>'
OPEN = '<condition attribute="statecode" operator="eq" value="0"/>'
ME = '<condition attribute="partyid" operator="eq-userid"/>'


def fetch(table: str, inner: str, **attributes: str) -> str:
    written = "".join(f' {name}="{text}"' for name, text in attributes.items())
    return f'<fetch{written}><entity name="{table}">{inner}</entity></fetch>'


def parties(*roles: int, more: str = "", alias: str = "aa") -> str:
    values = "".join(f"<value>{role}</value>" for role in roles)
    return (
        f'<link-entity name="activityparty" from="activityid" to="activityid" alias="{alias}"><filter>{ME}'
        f'<condition attribute="participationtypemask" operator="in">{values}</condition>{more}'
        "</filter></link-entity>"
    )


def usual(table: str, inner: str, **attributes: str) -> bool:
    return is_usual(parse(fetch(table, inner, **attributes), table), table)


@rule("FLT-7", "FLT-9")
@pytest.mark.parametrize("table", PERSONAL_TABLES)
def test_mine_and_open_is_usual_however_it_is_written(table: str) -> None:
    assert usual(table, f"<filter>{MINE}{OPEN}</filter>")
    assert usual(table, f'<filter type="and">{OPEN}{MINE}</filter>', version="1.0", distinct="true")
    assert usual(
        table, f'<attribute name="x"/><order attribute="x"/>\n<filter>{MINE}</filter><filter>{OPEN}</filter>'
    )
    assert usual(table, f"<all-attributes/><filter><filter>{MINE}</filter>\n{OPEN}</filter>")
    listed = '<condition attribute="statecode" operator="in"><value>0</value></condition>'
    assert usual(table, f'<filter>{MINE}{listed}</filter><link-entity name="x"/>') is False
    assert usual(table, f"<filter>{MINE}{listed}</filter>")


@pytest.mark.parametrize(
    "inner",
    [
        "",
        f"<filter>{MINE}</filter>",
        f"<filter>{OPEN}</filter>",
        f'<filter type="or">{MINE}{OPEN}</filter>',
        f'<filter>{MINE}{OPEN}<condition attribute="address1_city" operator="eq" value="Ulm"/></filter>',
        f'<filter>{MINE}<condition attribute="statecode" operator="eq" value="1"/></filter>',
        f'<filter>{MINE}<condition attribute="statecode" operator="ne" value="0"/></filter>',
        f'<filter>{MINE}<condition attribute="statecode" operator="in"><value>0</value><value>1</value>'
        "</condition></filter>",
        '<filter><condition attribute="ownerid" operator="eq-useroruserteams"/>' + OPEN + "</filter>",
        f'<filter>{MINE}<condition attribute="statecode" operator="eq" valueof="statuscode"/></filter>',
        f'<filter>{MINE}{OPEN}</filter><link-entity name="account" from="accountid" to="parentcustomerid"/>',
        f'<filter>{MINE}{OPEN}<link-entity name="x" from="y" to="z" link-type="any"/></filter>',
        '<filter><condition entityname="aa" attribute="ownerid" operator="eq-userid"/>' + OPEN + "</filter>",
    ],
)
def test_whatever_says_more_or_less_than_mine_and_open_is_not_usual(inner: str) -> None:
    assert usual(CONTACT, inner) is False


@rule("FLT-8")
def test_appointments_that_one_organizes_or_attends_are_usual() -> None:
    for table in ("appointment", "recurringappointmentmaster"):
        assert usual(table, parties(5, 6, 7), distinct="true")
        assert usual(table, parties(7, 5))
        assert usual(table, parties(5, 6)) is False
        assert usual(table, parties(5, 6, 7, 9)) is False
        assert usual(table, parties(5, 6, 7) + f"<filter>{OPEN}</filter>") is False
        assert usual(table, parties(5, 6, 7, more=OPEN)) is False
        assert usual(table, parties(5, 6, 7) + parties(5, 6, 7, alias="bb")) is False
        outer = parties(7).replace('alias="aa"', 'link-type="outer"')
        assert usual(table, outer) is False
    named = (
        '<link-entity name="activityparty" from="activityid" to="activityid" alias="aa"/><filter>'
        '<condition entityname="aa" attribute="partyid" operator="eq-userid"/>'
        '<condition entityname="aa" attribute="participationtypemask" operator="eq" value="7"/></filter>'
    )
    assert usual("appointment", named)


def test_service_appointments_are_usual_with_everybody_who_takes_part() -> None:
    assert usual("serviceappointment", parties(5, 6, 7, 10))
    assert usual("serviceappointment", parties(5, 6, 7)) is False
    assert usual("serviceappointment", parties(5, 6, 7, 9, 10)) is False


def test_the_first_so_many_are_not_all() -> None:
    assert usual(CONTACT, f"<filter>{MINE}{OPEN}</filter>", top="50") is False


BOMB = (
    '<!DOCTYPE fetch [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
    '<fetch><entity name="contact"><filter><condition attribute="lastname" operator="eq" value="&b;"/>'
    "</filter></entity></fetch>"
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no XML"),
        ("<fetch><entity", "no XML"),
        (BOMB, "document type"),
        ("<savedquery/>", "no query of one table"),
        ("<fetch/>", "no query of one table"),
        ('<fetch><entity name="contact"/><entity name="contact"/></fetch>', "no query of one table"),
        (fetch("account", ""), "another table"),
        (fetch("contact", "", aggregate="true"), "counts or sums"),
    ],
)
def test_what_is_no_filter_says_why(text: str, why: str) -> None:
    with pytest.raises(UnreadableFilter, match=why):
        parse(text, CONTACT)


# --- sync filters: narrowing ----------------------------------------------------------------------


def tree(text: str) -> Any:
    return ElementTree.fromstring(text)


@rule("FLT-4")
def test_ids_are_asked_for_beside_everything_that_was_asked_before() -> None:
    either = f'<filter type="or">{MINE}{OPEN}</filter>'
    asked = narrowed(
        parse(fetch(CONTACT, either + f"<filter>{OPEN}</filter>"), CONTACT), "contactid", [], [ROW]
    )
    (outer,) = tree(asked)[0].findall("filter")
    assert outer.get("type") == "and"
    among, first, second = outer
    assert (among.get("attribute"), among.get("operator")) == ("contactid", "in")
    assert [each.text for each in among] == [ROW]
    assert ElementTree.tostring(first) == ElementTree.tostring(tree(either))
    assert [each.get("attribute") for each in second] == ["statecode"]


def test_nothing_is_shown_but_what_is_needed_and_links_stay() -> None:
    inner = (
        '<attribute name="lastname"/><order attribute="lastname"/><all-attributes/>'
        '<link-entity name="account" from="accountid" to="parentcustomerid" alias="a">'
        '<attribute name="name"/><order attribute="name"/>'
        '<filter><condition attribute="name" operator="like" value="A%"/></filter>'
        "</link-entity>"
    )
    more = {"distinct": "true", "count": "50", "page": "3", "paging-cookie": "x", "version": "1.0"}
    written = tree(
        narrowed(parse(fetch(CONTACT, inner, **more), CONTACT), "contactid", ["contactid", "ownerid"], None)
    )
    assert written.attrib == {"version": "1.0", "count": "5000", "page": "1"}
    (entity,) = written
    assert [(each.tag, each.get("name") or each.get("attribute")) for each in entity] == [
        ("attribute", "contactid"),
        ("attribute", "ownerid"),
        ("link-entity", "account"),
        ("order", "contactid"),
    ]
    assert [each.tag for each in entity.find("link-entity")] == ["filter"]


def test_a_next_page_carries_its_cookie() -> None:
    cookie = '<cookie page="1"><contactid last="{A}" first="{B}"/></cookie>'
    written = tree(narrowed(parse(fetch(CONTACT, ""), CONTACT), "contactid", [], None, 2, cookie))
    assert (written.get("page"), written.get("paging-cookie")) == ("2", cookie)


def test_a_filter_with_a_limit_is_run_as_it_is() -> None:
    inner = '<attribute name="lastname"/><order attribute="createdon" descending="true"/>'
    text = fetch(CONTACT, inner, top="2", distinct="true")
    written = tree(limited(parse(text, CONTACT), "contactid"))
    assert written.attrib == {"top": "2", "distinct": "true"}
    assert [each.get("name") or each.get("attribute") for each in written[0]] == [
        "lastname",
        "createdon",
        "contactid",
    ]


def test_narrowing_leaves_the_filter_itself_alone() -> None:
    parsed = parse(fetch(CONTACT, f'<attribute name="x"/><filter>{OPEN}</filter>', top="3"), CONTACT)
    before = ElementTree.tostring(parsed)
    narrowed(parsed, "contactid", ["contactid"], [ROW])
    limited(parsed, "contactid")
    assert ElementTree.tostring(parsed) == before
