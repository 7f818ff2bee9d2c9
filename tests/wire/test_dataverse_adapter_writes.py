"""Creating, changing and deleting appointments through the adapter, over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from shared.dynamics.dataverse import WRITE_TAG
from shared.errors import (
    Conflict,
    MailboxBroken,
    NotFound,
    Refused,
    Throttled,
    Transient,
    UnknownResult,
)
from shared.model.appointment import Absence
from shared.model.decision import DeleteAppointment
from shared.model.party import Party, RecordRef
from tests.wire.dataverse_adapter import TIME, Connected, change, connected, new, organizer_party
from tests.wire.dataverse_org import Json, Person

ROW = "/appointments("
PATCHES = "PATCH /appointments({id})"
READS = "GET /appointments({id})"


@pytest.fixture
async def here() -> AsyncIterator[Connected]:
    async with connected() as running:
        yield running


@pytest.fixture
async def anna(here: Connected) -> Person:
    return await here.person("Anna")


# --- creating -------------------------------------------------------------------------------------


async def test_a_create_shows_all_it_was_given(here: Connected, anna: Person) -> None:
    carl = await here.org.contact("Carl", emailaddress1="carl@example.org")
    account = await here.org.make("accounts", {"name": "Contoso"})
    regarding = {"table": "account", "id": account["accountid"]}
    write = new(
        anna,
        Party(5, "Carl@Example.org", RecordRef("contact", carl["contactid"])),
        Party(6, "who@example.org", None),
        body="One\nTwo",
        location="Room 1",
        importance=2,
        showAs=[3, 5],
        regarding=regarding,
    )
    made = await here.adapter.create_appointment(write, as_user=anna.id)
    assert made.id == write.id
    assert made.values == {
        "time": TIME,
        "subject": "Planning",
        "body": "One\nTwo",
        "location": "Room 1",
        "importance": 2,
        "sensitivity": False,
        "showAs": [3, 5],
        "attendees": [["carl@example.org", "required"], ["who@example.org", "optional"]],
        "organizer": anna.id,
        "regarding": regarding,
    }
    assert made.owner == RecordRef("systemuser", anna.id)
    assert made.global_object_id == write.global_object_id
    assert made.modified_by == anna.id
    assert [party.address for party in made.parties if party.role == 5] == ["Carl@Example.org"]
    assert made == await here.read(made.id, anna)


@pytest.mark.parametrize("show_as", [[0, 1], [0, 2], [1, 3], [2, 4], [3, 5], [3, 6]])
async def test_every_status_can_be_created_in_one_round_trip(
    here: Connected, anna: Person, show_as: list[int]
) -> None:
    await here.sent()
    made = await here.row(anna, showAs=show_as)
    assert made.values["showAs"] == show_as
    writes = 1 if show_as[0] == 0 else 2
    assert await here.sent() == {"POST /$batch": 1, PATCHES: writes, READS: 1}


async def test_a_second_create_under_the_same_id_is_a_conflict_and_changes_nothing(
    here: Connected, anna: Person
) -> None:
    made = await here.row(anna)
    again = new(anna, row_id=made.id, subject="Again", showAs=[3, 5])
    with pytest.raises(Conflict):
        await here.adapter.create_appointment(again, as_user=anna.id)
    assert await here.read(made.id, anna) == made


@pytest.mark.rule("MBX-23", "APPT-5")
async def test_the_application_creates_for_an_owner_who_is_not_the_tracker(
    here: Connected, anna: Person
) -> None:
    made = await here.adapter.create_appointment(new(anna, as_user=False), as_user=None)
    assert made.owner == RecordRef("systemuser", anna.id)
    assert made.modified_by not in (None, anna.id)


async def test_a_user_may_not_create_for_somebody_else(here: Connected, anna: Person) -> None:
    bob = await here.person("Bob")
    write = new(bob)
    with pytest.raises(Refused) as refused:
        await here.adapter.create_appointment(write, as_user=anna.id)
    assert (refused.value.status, type(refused.value)) == (403, Refused)
    assert await here.adapter.appointments([write.id], as_user=bob.id) == {write.id: Absence.PHYSICAL}


async def test_a_party_that_does_not_exist_is_refused_and_not_taken_for_a_missing_row(
    here: Connected, anna: Person
) -> None:
    ghost = Party(5, "ghost@example.org", RecordRef("contact", str(uuid4())))
    with pytest.raises(Refused) as refused:
        await here.adapter.create_appointment(new(anna, ghost), as_user=anna.id)
    assert not isinstance(refused.value, NotFound)


async def test_a_value_longer_than_its_column_is_refused_and_never_quoted(
    here: Connected, anna: Person
) -> None:
    with pytest.raises(Refused) as refused:
        await here.row(anna, subject="Secret " * 40)
    assert refused.value.code == "0x80044331"
    assert "Secret" not in str(refused.value)


async def test_any_script_and_emoji_arrive_as_they_were(here: Connected, anna: Person) -> None:
    made = await here.row(anna, subject="Party 🎉", body="é ü 漢字")
    assert (made.value("subject"), made.value("body")) == ("Party 🎉", "é ü 漢字")


@pytest.mark.parametrize("show_as", [[0, 1], [3, 5]])
async def test_a_create_whose_answer_is_lost_is_unknown_and_found_by_reading_back(
    here: Connected, anna: Person, show_as: list[int]
) -> None:
    write = new(anna, showAs=show_as)
    await here.fault("drop-after", method="PATCH", path=ROW)
    await here.sent()
    with pytest.raises(UnknownResult):
        await here.adapter.create_appointment(write, as_user=anna.id)
    assert (await here.sent())["POST /$batch"] == 1
    assert (await here.read(write.id, anna)).values["showAs"] == show_as


async def test_a_create_that_never_arrived_is_unknown_too_and_leaves_nothing(
    here: Connected, anna: Person
) -> None:
    write = new(anna, showAs=[3, 5])
    await here.fault("drop-before", method="PATCH", path=ROW)
    with pytest.raises(UnknownResult):
        await here.adapter.create_appointment(write, as_user=anna.id)
    assert await here.adapter.appointments([write.id], as_user=anna.id) == {write.id: Absence.PHYSICAL}


async def test_a_failed_state_change_takes_the_create_back(here: Connected, anna: Person) -> None:
    write = new(anna, showAs=[3, 4])
    with pytest.raises(Refused) as refused:
        await here.adapter.create_appointment(write, as_user=anna.id)
    assert refused.value.code == "0x80048408"
    assert await here.adapter.appointments([write.id], as_user=anna.id) == {write.id: Absence.PHYSICAL}


async def test_a_create_whose_reading_fails_is_read_once_more(here: Connected, anna: Person) -> None:
    await here.fault("status:503", method="GET", path=ROW)
    write = new(anna)
    made = await here.adapter.create_appointment(write, as_user=anna.id)
    assert made == await here.read(write.id, anna)


async def test_a_create_that_cannot_be_read_is_unknown_and_not_failed(here: Connected, anna: Person) -> None:
    await here.fault("status:503", method="GET", path=ROW, times=9)
    write = new(anna)
    with pytest.raises(UnknownResult):
        await here.adapter.create_appointment(write, as_user=anna.id)
    await here.org.control("DELETE", "faults")
    assert (await here.read(write.id, anna)).id == write.id


# --- changing -------------------------------------------------------------------------------------


async def test_an_update_without_parties_is_one_request(here: Connected, anna: Person) -> None:
    carl = await here.org.contact("Carl", emailaddress1="carl@example.org")
    write = new(anna, Party(5, "carl@example.org", RecordRef("contact", carl["contactid"])))
    row = await here.adapter.create_appointment(write, as_user=anna.id)
    await here.sent()
    changed = await here.adapter.update_appointment(
        change(row, subject="Moved", location="", showAs=[3, 6]), as_user=anna.id, known=row
    )
    assert await here.sent() == {PATCHES: 1}
    assert changed.values == {**row.values, "subject": "Moved", "showAs": [3, 6]}
    assert changed.etag != row.etag
    assert changed == await here.read(row.id, anna)


async def test_an_update_of_a_row_that_is_not_known_reads_it_in_the_same_round_trip(
    here: Connected, anna: Person
) -> None:
    row = await here.row(anna)
    await here.sent()
    changed = await here.adapter.update_appointment(change(row, importance=0), as_user=anna.id)
    assert await here.sent() == {"POST /$batch": 1, PATCHES: 1, READS: 1}
    assert changed == await here.read(row.id, anna)


@pytest.mark.rule("FLD-6")
async def test_written_parties_replace_the_whole_list(here: Connected, anna: Person) -> None:
    carl = await here.org.contact("Carl", emailaddress1="carl@example.org")
    known = Party(5, "carl@example.org", RecordRef("contact", carl["contactid"]))
    row = await here.adapter.create_appointment(
        new(anna, known, Party(6, "old@example.org", None)), as_user=anna.id
    )
    parties = (organizer_party(anna), replace(known, role=6), Party(5, "new@example.org", None))
    changed = await here.adapter.update_appointment(
        change(row, parties, subject="Moved"), as_user=anna.id, known=row
    )
    assert changed.value("attendees") == [["carl@example.org", "optional"], ["new@example.org", "required"]]
    assert changed.value("organizer") == anna.id
    assert changed.value("subject") == "Moved"
    assert changed == await here.read(row.id, anna)


@pytest.mark.rule("FLD-8")
async def test_a_regarding_is_set_and_cleared(here: Connected, anna: Person) -> None:
    carl = await here.org.contact("Carl")
    regarding = {"table": "contact", "id": carl["contactid"]}
    row = await here.row(anna)
    row = await here.adapter.update_appointment(change(row, regarding=regarding), as_user=anna.id, known=row)
    assert row.value("regarding") == regarding
    row = await here.adapter.update_appointment(change(row, regarding=None), as_user=anna.id, known=row)
    assert row.value("regarding") is None


async def test_a_row_changed_meanwhile_is_a_conflict(here: Connected, anna: Person) -> None:
    row = await here.row(anna)
    await here.edit(row.id, {"subject": "Theirs"})
    with pytest.raises(Conflict):
        await here.adapter.update_appointment(change(row, subject="Ours"), as_user=anna.id, known=row)
    with pytest.raises(Conflict):
        await here.adapter.update_appointment(
            change(row, (organizer_party(anna),), subject="Ours"), as_user=anna.id
        )
    assert (await here.read(row.id, anna)).value("subject") == "Theirs"


async def test_an_update_never_brings_a_deleted_row_back(here: Connected, anna: Person) -> None:
    row = await here.row(anna)
    await here.delete(row.id)
    for known in (row, None):
        with pytest.raises(NotFound):
            await here.adapter.update_appointment(change(row, subject="Again"), as_user=anna.id, known=known)
    assert await here.adapter.appointments([row.id], as_user=anna.id) == {row.id: Absence.PHYSICAL}


async def test_a_user_may_not_change_what_only_its_owner_may(here: Connected, anna: Person) -> None:
    bob = await here.person("Bob")
    write = new(anna, Party(5, bob.address, RecordRef("systemuser", bob.id)))
    row = await here.adapter.create_appointment(write, as_user=anna.id)
    with pytest.raises(Refused) as refused:
        await here.adapter.update_appointment(change(row, subject="Mine"), as_user=bob.id, known=row)
    assert (refused.value.status, type(refused.value)) == (403, Refused)


@pytest.mark.parametrize("do", ["drop-after", "drop-before", "status:504", "status:500"])
async def test_an_update_that_may_have_happened_is_unknown_and_sent_once(
    here: Connected, anna: Person, do: str
) -> None:
    row = await here.row(anna)
    await here.fault(do, method="PATCH", path=ROW)
    await here.sent()
    with pytest.raises(UnknownResult):
        await here.adapter.update_appointment(change(row, subject="Ours"), as_user=anna.id, known=row)
    assert await here.sent() == {PATCHES: 1}
    subject = (await here.read(row.id, anna)).value("subject")
    assert subject == ("Ours" if do == "drop-after" else "Planning")


async def test_our_writes_carry_the_tag_that_our_push_steps_look_for(here: Connected, anna: Person) -> None:
    told: asyncio.Queue[Json] = asyncio.Queue()

    async def receive(request: web.Request) -> web.Response:
        told.put_nowait(await request.json())
        return web.Response(status=202)

    app = web.Application()
    app.router.add_post("/changes", receive)
    async with TestServer(app, host="127.0.0.1") as server:
        hook = {"url": str(server.make_url("/changes")), "key": "k", "tables": ["appointment"]}
        await here.org.control("POST", "webhooks", hook)
        row = await here.row(anna, showAs=[3, 5])
        row = await here.adapter.update_appointment(change(row, subject="x"), as_user=anna.id, known=row)
        await here.adapter.delete_appointment(DeleteAppointment(row.id, row.etag), as_user=anna.id)
        messages = [await asyncio.wait_for(told.get(), 5) for _ in range(4)]
    assert [message["MessageName"] for message in messages] == ["Create", "Update", "Update", "Delete"]
    tag = {"key": "tag", "value": WRITE_TAG}
    assert all(tag in message["SharedVariables"] for message in messages)


# --- throttling -----------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False])
async def test_a_short_pause_is_waited_for_once(here: Connected, anna: Person, known: bool) -> None:
    row = await here.row(anna)
    await here.fault("status:429", method="PATCH", path=ROW, retryAfter=3)
    changed = await here.adapter.update_appointment(
        change(row, subject="Ours"), as_user=anna.id, known=row if known else None
    )
    assert (changed.value("subject"), here.slept) == ("Ours", [3.0])


async def test_a_long_or_repeated_pause_is_the_engines_business(here: Connected, anna: Person) -> None:
    row = await here.row(anna)
    for times, wait, slept in ((1, 60, []), (2, 2, [2.0])):
        await here.fault("status:429", method="PATCH", path=ROW, times=times, retryAfter=wait)
        with pytest.raises(Throttled) as throttled:
            await here.adapter.update_appointment(change(row, subject="Ours"), as_user=anna.id, known=row)
        assert (throttled.value.retry_after, here.slept) == (wait, slept)
        here.clock.advance(wait)
    assert (await here.read(row.id, anna)).value("subject") == "Planning"


async def test_a_throttled_change_set_waits_as_a_whole(here: Connected, anna: Person) -> None:
    await here.fault("status:429", method="PATCH", path=ROW, retryAfter=1)
    made = await here.row(anna, showAs=[3, 5])
    assert (made.values["showAs"], here.slept) == ([3, 5], [1.0])


# --- deleting -------------------------------------------------------------------------------------


async def test_a_delete_is_conditional_and_a_second_one_finds_nothing(here: Connected, anna: Person) -> None:
    row = await here.row(anna)
    await here.edit(row.id, {"subject": "Theirs"})
    with pytest.raises(Conflict):
        await here.adapter.delete_appointment(DeleteAppointment(row.id, row.etag), as_user=anna.id)
    row = await here.read(row.id, anna)
    await here.adapter.delete_appointment(DeleteAppointment(row.id, row.etag), as_user=anna.id)
    with pytest.raises(NotFound):
        await here.adapter.delete_appointment(DeleteAppointment(row.id, row.etag), as_user=anna.id)


async def test_a_delete_whose_answer_is_lost_is_unknown(here: Connected, anna: Person) -> None:
    row = await here.row(anna)
    await here.fault("drop-after", method="DELETE", path=ROW)
    with pytest.raises(UnknownResult):
        await here.adapter.delete_appointment(DeleteAppointment(row.id, row.etag), as_user=anna.id)
    assert await here.adapter.appointments([row.id], as_user=anna.id) == {row.id: Absence.PHYSICAL}


# --- who we act for -------------------------------------------------------------------------------


@pytest.mark.rule("MBX-16")
async def test_a_disabled_or_unknown_user_breaks_the_mailbox_and_not_the_item(
    here: Connected, anna: Person
) -> None:
    row = await here.row(anna)
    await here.org.change(f"systemusers({anna.id})", {"isdisabled": True}, token="somebody")
    for user in (anna.id, str(uuid4())):
        with pytest.raises(MailboxBroken):
            await here.adapter.update_appointment(change(row, subject="x"), as_user=user, known=row)
        with pytest.raises(MailboxBroken):
            await here.adapter.appointments([row.id], as_user=user)
        with pytest.raises(MailboxBroken):
            await here.adapter.appointments([row.id, str(uuid4())], as_user=user)


async def test_nobody_listening_is_an_outage_and_no_unknown_write(here: Connected, anna: Person) -> None:
    row = await here.row(anna)
    await here.org.dataverse.stop()
    with pytest.raises(Transient):
        await here.adapter.update_appointment(change(row, subject="x"), as_user=anna.id, known=row)
    with pytest.raises(Transient):
        await here.adapter.create_appointment(new(anna), as_user=anna.id)
    with pytest.raises(Transient):
        await here.adapter.appointments([row.id], as_user=anna.id)
