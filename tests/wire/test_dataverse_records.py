"""Contacts, tasks, phone calls, letters and faxes through the adapter, over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.credentials import DevelopmentCredential
from shared.dynamics.dataverse import Dataverse
from shared.engine.ports import Likeness
from shared.errors import Conflict, NotFound, ProfileBroken, Refused, UnknownResult
from shared.model.appointment import APPOINTMENT, Absence
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
    DeleteRecord,
    DynamicsRecord,
    FieldRights,
    UpdateRecord,
)
from shared.model.values import Side, Value
from shared.rules.field_table import FieldRow, of_entity
from tests.marks import rule
from tests.wire.dataverse_adapter import Connected, connected
from tests.wire.dataverse_org import Json, Person

SETS = {
    **{CONTACT: "contacts", TASK: "tasks", PHONE_CALL: "phonecalls"},
    **{LETTER: "letters", FAX: "faxes"},
}
DONE = {TASK: [1, 5], PHONE_CALL: [1, 2], LETTER: [1, 4], FAX: [1, 2], CONTACT: [1, 2]}
OPEN = {TASK: [0, 3], PHONE_CALL: [0, 1], LETTER: [0, 2], FAX: [0, 1], CONTACT: [0, 1]}
ADDRESS = ("street", "city", "state", "postalCode", "country")
NAME = ("title", "givenName", "middleName", "surname", "generation")
BATCH = "POST /$batch"
PRIVILEGES = "GET /systemusers({id})/Microsoft.Dynamics.CRM.RetrievePrincipalAttributePrivileges"
SECURED = "GET /EntityDefinitions({id})/Attributes"


@pytest.fixture
async def here() -> AsyncIterator[Connected]:
    async with connected(page_size=3) as running:
        yield running


@pytest.fixture
async def ida(here: Connected) -> Person:
    return await here.person("Ida")


def read(table: str) -> str:
    return f"GET /{SETS[table]}({{id}})"


def patch(table: str) -> str:
    return f"PATCH /{SETS[table]}({{id}})"


async def made(here: Connected, person: Person, table: str = TASK, **values: Value) -> DynamicsRecord:
    values = values or ({"name": {"surname": "Berg"}} if table == CONTACT else {"subject": "Call"})
    write = CreateRecord(table, str(uuid4()), values)
    return await here.adapter.create_record(write, as_user=person.id)


async def row_of(here: Connected, record: DynamicsRecord, person: Person) -> DynamicsRecord:
    found = (await here.adapter.records(record.table, [record.id], as_user=person.id))[record.id]
    assert isinstance(found, DynamicsRecord)
    return found


async def changed(here: Connected, record: DynamicsRecord, person: Person, **values: Value) -> DynamicsRecord:
    write = UpdateRecord(record.table, record.id, record.etag, values, record.values)
    return await here.adapter.update_record(write, as_user=person.id)


def sample(field: FieldRow, table: str, account: str) -> Value:
    """A value of its own for every field, and for every part of one."""
    samples: dict[str, Any] = {
        **{"text": field.name, "phone": f"+49 {field.name}", "list": "Bo, Eve", "memo": "One\nTwo"},
        **{"email": f"{field.name}@example.org".lower(), "importance": 2, "percent": 40},
        **{"day": {"start": "2026-03-02T00:00:00Z"}.get(field.name, "2026-03-05T00:00:00Z")},
        **{"completed": "2026-03-04T10:00:00Z", "status": OPEN[table]},
        **{"date": {"birthday": "1974-07-22"}.get(field.name, "2001-05-05")},
        **{"regarding": {"table": "account", "id": account}},
        **{"name": dict(zip(NAME, ("Dr.", "Kim", "M.", "Berg", "jr."), strict=True))},
        **{"address": {part: f"{field.name[:4]} {part}" for part in ADDRESS} | {"street": "1\n2\n3"}},
    }
    return samples[field.kind]


# --- every column ---------------------------------------------------------------------------------


@pytest.mark.parametrize("table", PERSONAL_TABLES)
async def test_every_field_of_the_map_is_written_read_and_cleared(
    here: Connected, ida: Person, table: str
) -> None:
    account = (await here.org.make("accounts", {"name": "Acme"}))["accountid"]
    fields = [field for field in of_entity(table) if field.kind != "company"]
    values = {field.name: sample(field, table, account) for field in fields}
    row = await made(here, ida, table, **values)
    expected = values | {"status": OPEN[table]} | ({"company": "Acme"} if table == CONTACT else {})
    assert row.values == expected
    assert row.name == ("Kim Berg" if table == CONTACT else "subject")
    assert row == await row_of(here, row, ida)
    empty = {field.name: EMPTY.get(field.kind, "") for field in fields if field.kind not in KEPT}
    cleared = await changed(here, row, ida, **empty)
    shown = {**expected, **empty, **({"company": ""} if table == CONTACT else {})}
    assert cleared.values == shown
    again = {name: value for name, value in values.items() if name in empty}
    assert (await changed(here, cleared, ida, **again)).values == expected


EMPTY: dict[str, Any] = {
    **dict.fromkeys(("day", "completed", "date", "percent", "regarding")),
    **{"name": {}, "address": {}},
}
KEPT = frozenset({"status", "importance"})
"""A row is never without a status; no importance is the normal one."""


async def test_an_importance_that_nobody_chose_is_normal(here: Connected, ida: Person) -> None:
    row = await made(here, ida)
    await here.org.change(f"tasks({row.id})", {"prioritycode": None}, token="somebody")
    assert (await row_of(here, row, ida)).value("importance") == 1


async def test_who_owns_and_who_changed_a_row(here: Connected, ida: Person) -> None:
    row = await made(here, ida)
    assert (row.owner, row.modified_by) == (RecordRef("systemuser", ida.id), ida.id)
    call = await here.org.make("phonecalls", {"subject": "They called", "directioncode": False}, user=ida)
    found = await here.adapter.records(PHONE_CALL, [call["activityid"]], as_user=ida.id)
    assert [getattr(each, "outgoing", None) for each in found.values()] == [False]


@pytest.mark.parametrize("parent", ["accounts", "contacts"])
async def test_a_contact_is_connected_to_its_parent_and_taken_off(
    here: Connected, ida: Person, parent: str
) -> None:
    body, key = (
        ({"name": "Acme"}, "accountid") if parent == "accounts" else ({"lastname": "Acme"}, "contactid")
    )
    employer = (await here.org.make(parent, body))[key]
    row = await made(here, ida, CONTACT)
    bound = await changed(here, row, ida, regarding={"table": parent[:-1], "id": employer})
    assert bound.value("regarding") == {"table": parent[:-1], "id": employer}
    assert bound.value("company") == "Acme"
    freed = await changed(here, bound, ida, regarding=None)
    assert (freed.value("regarding"), freed.value("company")) == (None, "")


# --- creating -------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", PERSONAL_TABLES)
async def test_a_row_is_made_under_the_chosen_id_in_one_request(
    here: Connected, ida: Person, table: str
) -> None:
    await here.sent()
    row = await made(here, ida, table)
    assert await here.sent() == {patch(table): 1}
    assert row == await row_of(here, row, ida)
    with pytest.raises(Conflict):
        await here.adapter.create_record(CreateRecord(table, row.id, {}), as_user=ida.id)


@pytest.mark.parametrize("table", PERSONAL_TABLES)
async def test_what_is_closed_is_made_and_closed_in_one_change_set(
    here: Connected, ida: Person, table: str
) -> None:
    await here.sent()
    row = await made(here, ida, table, status=DONE[table])
    assert await here.sent() == {BATCH: 1, patch(table): 2, read(table): 1}
    assert (row.value("status"), row.state) == (DONE[table], 1)


async def test_a_closed_row_that_cannot_be_closed_is_not_made_at_all(here: Connected, ida: Person) -> None:
    write = CreateRecord(TASK, str(uuid4()), {"subject": "x", "status": [1, 2]})
    with pytest.raises(Refused, match="status"):
        await here.adapter.create_record(write, as_user=ida.id)
    assert await here.adapter.records(TASK, [write.id], as_user=ida.id) == {write.id: Absence.PHYSICAL}


async def test_a_row_that_was_made_and_not_shown_is_read_back(here: Connected, ida: Person) -> None:
    await here.fault("status:403", method="GET", path="tasks(")
    row = await made(here, ida, subject="x", status=[1, 5])
    assert row == await row_of(here, row, ida)


async def test_when_a_task_was_begun_is_in_its_row(here: Connected, ida: Person) -> None:
    write = CreateRecord(TASK, str(uuid4()), {"subject": "x"}, actual_start="2026-03-02T09:00:00Z")
    await here.adapter.create_record(write, as_user=ida.id)
    assert (await here.org.get(f"tasks({write.id})"))["actualstart"] == "2026-03-02T09:00:00Z"


@rule("CONT-8")
@pytest.mark.parametrize("status", [None, [1, 2]])
async def test_duplicates_are_detected_only_where_that_is_wanted(
    here: Connected, ida: Person, status: Value
) -> None:
    await here.org.control("PUT", "duplicate-rules", {"table": CONTACT, "columns": ["emailaddress1"]})
    values: dict[str, Value] = {"name": {"surname": "Berg"}, "email1": "kim@example.org"}
    values |= {"status": status} if status else {}
    await made(here, ida, CONTACT, **values)
    asked = CreateRecord(CONTACT, str(uuid4()), values, detect_duplicates=True)
    with pytest.raises(Refused) as refusal:
        await here.adapter.create_record(asked, as_user=ida.id)
    assert refusal.value.code == "0x80040333"
    assert await here.adapter.records(CONTACT, [asked.id], as_user=ida.id) == {asked.id: Absence.PHYSICAL}
    await made(here, ida, CONTACT, **values)


@pytest.mark.parametrize("status", [None, [1, 5]])
async def test_a_create_whose_answer_is_lost_is_unknown_and_never_repeated(
    here: Connected, ida: Person, status: Value
) -> None:
    values: dict[str, Value] = {"subject": "x", **({"status": status} if status else {})}
    write = CreateRecord(TASK, str(uuid4()), values)
    await here.fault("drop-after", method="PATCH", path="tasks(")
    await here.sent()
    with pytest.raises(UnknownResult):
        await here.adapter.create_record(write, as_user=ida.id)
    assert (await here.sent())[patch(TASK)] == (2 if status else 1)
    found = (await here.adapter.records(TASK, [write.id], as_user=ida.id))[write.id]
    assert isinstance(found, DynamicsRecord)


# --- changing and deleting ------------------------------------------------------------------------


@pytest.mark.parametrize("table", PERSONAL_TABLES)
async def test_an_update_is_one_conditional_request_that_answers_with_the_row(
    here: Connected, ida: Person, table: str
) -> None:
    row = await made(here, ida, table)
    await here.sent()
    after = await changed(here, row, ida, notes="Changed")
    assert await here.sent() == {patch(table): 1}
    assert after == await row_of(here, row, ida)
    assert after.value("notes") == "Changed"
    assert after.etag != row.etag
    with pytest.raises(Conflict):
        await changed(here, row, ida, notes="Late")
    assert (await row_of(here, row, ida)).value("notes") == "Changed"


@rule("TASK-9")
@pytest.mark.parametrize("table", TASK_TABLES)
async def test_a_row_that_opens_again_has_no_end(here: Connected, ida: Person, table: str) -> None:
    row = await made(here, ida, table, subject="x", status=DONE[table])
    assert row.value("completed") is not None
    opened = await changed(here, row, ida, status=OPEN[table])
    assert (opened.value("status"), opened.value("completed")) == (OPEN[table], None)


async def test_an_update_whose_answer_is_lost_is_unknown(here: Connected, ida: Person) -> None:
    row = await made(here, ida)
    await here.fault("drop-after", method="PATCH", path="tasks(")
    with pytest.raises(UnknownResult):
        await changed(here, row, ida, notes="Changed")
    assert (await row_of(here, row, ida)).value("notes") == "Changed"


@pytest.mark.parametrize("table", PERSONAL_TABLES)
async def test_a_delete_is_conditional_too(here: Connected, ida: Person, table: str) -> None:
    row = await made(here, ida, table)
    later = await changed(here, row, ida, notes="Changed")
    with pytest.raises(Conflict):
        await here.adapter.delete_record(DeleteRecord(table, row.id, row.etag), as_user=ida.id)
    await here.sent()
    await here.adapter.delete_record(DeleteRecord(table, row.id, later.etag), as_user=ida.id)
    assert await here.sent() == {f"DELETE /{SETS[table]}({{id}})": 1}
    with pytest.raises(NotFound):
        await here.adapter.delete_record(DeleteRecord(table, row.id, later.etag), as_user=ida.id)


async def test_nobody_writes_what_the_user_may_not(here: Connected, ida: Person) -> None:
    bob = await here.person("Bob")
    row = await made(here, ida, CONTACT)
    seen = await row_of(here, row, bob)
    with pytest.raises(Refused):
        await changed(here, seen, bob, notes="Mine now")
    with pytest.raises(Refused):
        await here.adapter.delete_record(DeleteRecord(CONTACT, row.id, row.etag), as_user=bob.id)
    assert await row_of(here, row, ida) == row


# --- reading --------------------------------------------------------------------------------------


@rule("FLT-10")
@pytest.mark.parametrize("table", PERSONAL_TABLES)
@pytest.mark.parametrize("several", [False, True])
async def test_gone_is_told_from_not_to_be_read(
    here: Connected, ida: Person, table: str, several: bool
) -> None:
    eve = await here.person("Eve", "restricted")
    row, gone = (await made(here, ida, table)).id, str(uuid4())
    expected = {row: Absence.ACCESS, gone: Absence.PHYSICAL, "no guid": Absence.PHYSICAL}
    for ids in ([row, gone, "no guid"],) if several else ([row], [gone], ["no guid"]):
        found = await here.adapter.records(table, ids, as_user=eve.id)
        assert found == {i: expected[i] for i in ids}


async def test_several_rows_are_one_batch_and_absences_one_more(here: Connected, ida: Person) -> None:
    rows = [await made(here, ida, LETTER) for _ in range(3)]
    await here.sent()
    found = await here.adapter.records(LETTER, [row.id.upper() for row in rows], as_user=ida.id)
    assert await here.sent() == {BATCH: 1, read(LETTER): 3}
    assert found == {row.id.upper(): row for row in rows}
    await here.adapter.records(LETTER, [rows[0].id, str(uuid4()), str(uuid4())], as_user=ida.id)
    assert await here.sent() == {BATCH: 2, read(LETTER): 5}


# --- who may be the same --------------------------------------------------------------------------


async def contact(here: Connected, person: Person, surname: str, *emails: str, **columns: Any) -> str:
    addresses = {f"emailaddress{number}": text for number, text in enumerate(emails, start=1)}
    body: Json = {"firstname": "Kim", "lastname": surname, **addresses, **columns}
    return str((await here.org.make("contacts", body, user=person))["contactid"])


@rule("CONT-9")
async def test_contacts_are_found_by_any_of_three_addresses_or_by_name(here: Connected, ida: Person) -> None:
    bob = await here.person("Bob")
    account = (await here.org.make("accounts", {"name": "Acme"}))["accountid"]
    employed = {
        "parentcustomerid_account@odata.bind": f"/accounts({account})",
        "overriddencreatedon": "2020-01-01T00:00:00Z",
    }
    first = await contact(here, ida, "Berg", "a@example.org", "x@example.org", "Kim@Example.org", **employed)
    second = await contact(here, bob, "O'Hara", "kim@example.org")
    closed = await contact(here, ida, "Berg", "kim@example.org")
    await here.org.change(f"contacts({closed})", {"statecode": 1}, user=ida)
    wanted = [
        Likeness(("KIM@example.org", "none@example.org")),
        Likeness((), "kim o'hara"),
        Likeness(()),
        Likeness(("nobody@example.org",), "Kim Berg"),
        Likeness(("nobody@example.org",)),
    ]
    await here.sent()
    found = await here.adapter.contacts_like(wanted, as_user=ida.id)
    assert await here.sent() == {BATCH: 1, "GET /contacts": 1}
    assert [[match.id for match in matches] for matches in found] == [
        [first, second],
        [second],
        [],
        [first],
        [],
    ]
    (mine, his) = found[0]
    assert (mine.side, mine.name, mine.company, mine.owned) == (Side.DYNAMICS, "Kim Berg", "Acme", True)
    assert mine.emails == {"a@example.org", "x@example.org", "kim@example.org"}
    assert mine.label == "Kim Berg (Acme, a@example.org)"
    assert (his.owned, his.company, his.label) == (False, "", "Kim O'Hara (kim@example.org)")


@rule("CONT-9")
async def test_who_may_not_be_read_is_like_nobody(here: Connected, ida: Person) -> None:
    eve = await here.person("Eve", "restricted")
    await contact(here, ida, "Berg", "kim@example.org")
    assert await here.adapter.contacts_like([Likeness(("kim@example.org",))], as_user=eve.id) == [[]]
    assert await here.adapter.contacts_like([], as_user=eve.id) == []


async def test_nobody_is_asked_to_choose_from_hundreds(here: Connected, ida: Person) -> None:
    for _ in range(52):
        await contact(here, ida, "Berg")
    (matches,) = await here.adapter.contacts_like([Likeness((), "Kim Berg")], as_user=ida.id)
    assert len(matches) == 50


@rule("PAIN-6")
async def test_a_users_own_tasks_are_found_by_their_subject_open_or_closed(
    here: Connected, ida: Person
) -> None:
    bob = await here.person("Bob")
    wanted = {}
    for table in TASK_TABLES:
        wanted[table] = (await made(here, ida, table, subject="Kim's call")).id
    await made(here, bob, TASK, subject="Kim's call")
    await made(here, ida, TASK, subject="Kim's second call")
    await here.org.change(f"tasks({wanted[TASK]})", {"statecode": 1, "statuscode": 5})
    await here.sent()
    found = await here.adapter.tasks_called(["KIM'S CALL", *map(str, range(30))], as_user=ida.id)
    assert {record.table: record.id for record in found} == wanted
    assert sorted(record.state for record in found) == [0, 0, 0, 1]
    assert (await here.sent())[BATCH] == 1
    assert await here.adapter.tasks_called([], as_user=ida.id) == []


# --- field-level security -------------------------------------------------------------------------


async def secure(here: Connected, column: str, table: str = CONTACT, **options: Any) -> None:
    await here.org.control("PUT", "secured-columns", {"table": table, "column": column, **options})


@rule("FLD-35")
async def test_where_no_synchronized_column_is_secured_nothing_is_asked_about_the_user(
    here: Connected, ida: Person
) -> None:
    await secure(here, "creditlimit")
    await here.sent()
    for _ in range(2):
        assert await here.adapter.field_rights(CONTACT, as_user=ida.id) == FieldRights()
    assert await here.sent() == {SECURED: 1}


@rule("FLD-35")
async def test_what_profiles_do_not_allow_is_closed_to_that_user_alone(here: Connected, ida: Person) -> None:
    bob, admin = await here.person("Bob"), await here.person("Ada", "administrator")
    await secure(here, "governmentid")
    await secure(here, "jobtitle", allow={ida.id: ["read"]})
    await secure(here, "telephone1", allow={ida.id: ["read", "create", "update"], bob.id: ["update"]})
    await secure(here, "percentcomplete", TASK)
    rights = await here.adapter.field_rights(CONTACT, as_user=ida.id)
    closed = frozenset({"governmentid", "jobtitle"})
    assert rights == FieldRights(frozenset({"governmentid"}), closed, closed)
    both = closed | {"telephone1"}
    assert await here.adapter.field_rights(CONTACT, as_user=bob.id) == FieldRights(both, both, closed)
    assert await here.adapter.field_rights(CONTACT, as_user=admin.id) == FieldRights()
    task = frozenset({"percentcomplete"})
    assert await here.adapter.field_rights(TASK, as_user=ida.id) == FieldRights(task, task, task)


@rule("FLD-35")
async def test_the_rights_say_what_dataverse_then_does(here: Connected, ida: Person) -> None:
    row = await made(here, ida, CONTACT, name={"surname": "Berg"}, jobTitle="Buyer", nickName="Nils")
    await secure(here, "jobtitle")
    rights = await here.adapter.field_rights(CONTACT, as_user=ida.id)
    assert rights.unreadable == rights.not_updatable == rights.not_creatable == {"jobtitle"}
    seen = await row_of(here, row, ida)
    assert (seen.value("jobTitle"), seen.value("nickName")) == ("", "Nils")
    with pytest.raises(Refused):
        await changed(here, seen, ida, jobTitle="Seller")
    with pytest.raises(Refused):
        await made(here, ida, CONTACT, jobTitle="Seller")
    assert (await changed(here, seen, ida, nickName="Nick")).value("nickName") == "Nick"


async def test_rights_are_remembered_for_an_hour(here: Connected, ida: Person) -> None:
    now = [datetime(2026, 3, 2, tzinfo=UTC)]
    adapter = Dataverse(here.org.dataverse.host, DevelopmentCredential("app"), lambda: now[0])
    await secure(here, "jobtitle")
    await secure(here, "percentcomplete", TASK)
    await here.sent()
    try:
        for table in (CONTACT, TASK, CONTACT):
            assert (await adapter.field_rights(table, as_user=ida.id)).unreadable
        assert await here.sent() == {SECURED: 2, PRIVILEGES: 1}
        await secure(here, "jobtitle", secured=False)
        assert (await adapter.field_rights(CONTACT, as_user=ida.id)).unreadable
        now[0] += timedelta(hours=1)
        assert await adapter.field_rights(CONTACT, as_user=ida.id) == FieldRights()
        assert await here.sent() == {SECURED: 1}
    finally:
        await adapter.close()


# --- the change feed ------------------------------------------------------------------------------


@pytest.mark.parametrize("table", PERSONAL_TABLES)
async def test_changes_are_followed(here: Connected, ida: Person, table: str) -> None:
    first = await here.adapter.changes(table, None)
    assert (first.rows, first.complete) == ((), True)
    kept, gone = await made(here, ida, table), await made(here, ida, table)
    await here.adapter.delete_record(DeleteRecord(table, gone.id, gone.etag), as_user=ida.id)
    page = await here.adapter.changes(table, first.link)
    assert [(row.id, row.version, row.owner) for row in page.rows] == [(kept.id, kept.etag, kept.owner)]
    assert page.removed == (gone.id,)


@pytest.mark.parametrize("table", PERSONAL_TABLES)
async def test_an_organization_without_the_table_offers_no_feed_and_is_asked_again_in_a_day(
    here: Connected, table: str
) -> None:
    now = [datetime(2026, 3, 2, tzinfo=UTC)]
    adapter = Dataverse(here.org.dataverse.host, DevelopmentCredential("app"), lambda: now[0])
    await here.org.control("PUT", "absent-tables", {"tables": [table]})
    await here.sent()
    try:
        for _ in range(2):
            page = await adapter.changes(table, None)
            assert (page.rows, page.link, page.complete) == ((), "", True)
        assert await here.sent() == {f"GET /{SETS[table]}": 1}
        others = [each for each in PERSONAL_TABLES if each != table]
        assert all([(await adapter.changes(each, None)).link for each in others])
        await here.org.control("PUT", "absent-tables", {"tables": []})
        assert not (await adapter.changes(table, None)).link
        now[0] += timedelta(days=1)
        assert (await adapter.changes(table, None)).link
    finally:
        await adapter.close()


async def test_without_the_feed_of_appointments_there_is_no_service(here: Connected) -> None:
    await here.fault("status:403", method="GET", path="appointments")
    with pytest.raises(ProfileBroken):
        await here.adapter.changes(APPOINTMENT, None)
    await here.fault("status:403", method="GET", path="contacts")
    assert not (await here.adapter.changes(CONTACT, None)).link


async def test_the_organization_says_where_its_rows_are_opened(here: Connected) -> None:
    assert (await here.adapter.organization()).url == here.org.dataverse.host.rstrip("/")
