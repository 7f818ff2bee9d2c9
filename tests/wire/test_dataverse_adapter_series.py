"""Series through the Dataverse adapter against the stand-in: masters, exceptions and deleted instances.

It is noon UTC on Sunday, 1 March 2026, and people live in Berlin.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from shared.engine.ports import ChangedRow, Window
from shared.errors import Conflict, NotFound, Refused, UnknownResult
from shared.model.appointment import SERIES, Absence, DynamicsAppointment
from shared.model.decision import (
    CreateAppointment,
    DeleteAppointment,
    PutException,
    RemoveInstance,
    RowVersion,
    UpdateAppointment,
)
from shared.model.party import Party, RecordRef
from tests.marks import rule
from tests.wire.dataverse_adapter import MARCH, Connected, connected, organizer_party
from tests.wire.dataverse_org import Person
from tests.wire.dataverse_series import MONDAYS, NOON, at, instances

MASTERS = "recurringappointmentmasters"
PATTERN: dict[str, Any] = {
    "patternType": 1,
    "interval": 1,
    "daysMask": 2,
    "dayOfMonth": None,
    "month": None,
    "instance": None,
    "nthMonthly": False,
    "nthYearly": False,
    "weekdayPattern": False,
    "endType": 2,
    "occurrences": 5,
    "startDate": "2026-03-01T23:00:00Z",
    "endDate": None,
    "start": MONDAYS[0],
    "minutes": 30,
    "allDay": False,
    "firstDay": 1,
}
EXPAND_ONE = {"recurrenceexpansionsynchcreatemax": 1, "recurrenceexpansionjobbatchinterval": 3600}
READ = {"POST /$batch": 1, f"GET /{MASTERS}({{id}})": 1, "GET /appointments": 1}
ACTION = f"POST /{MASTERS}/Microsoft.Dynamics.CRM.CreateException"


@pytest.fixture
async def here() -> AsyncIterator[Connected]:
    async with connected() as running:
        await at(running.org, NOON)
        yield running


@pytest.fixture
async def anna(here: Connected) -> Person:
    return await here.org.person("Anna", zone="Europe/Berlin")


async def made(here: Connected, organizer: Person, *parties: Party, **values: Any) -> DynamicsAppointment:
    write = CreateAppointment(
        str(uuid4()),
        {"subject": "Team", "showAs": [3, 5], "recurrence": PATTERN, **values},
        (organizer_party(organizer), *parties),
        RecordRef("systemuser", organizer.id),
        True,
        f"0400{uuid4().hex}",
        SERIES,
    )
    return await here.adapter.create_appointment(write, as_user=organizer.id)


async def whole(here: Connected, row_id: str, as_user: Person) -> DynamicsAppointment:
    found = (await here.adapter.series([row_id], as_user=as_user.id))[row_id]
    assert isinstance(found, DynamicsAppointment)
    return found


def time(day: str, hour: int, minutes: int = 30) -> dict[str, Any]:
    return {"allDay": False, "start": f"{day}T{hour:02}:00:00Z", "end": f"{day}T{hour:02}:{minutes}:00Z"}


def put(
    series: DynamicsAppointment,
    slot: str,
    exception: DynamicsAppointment | None = None,
    parties: tuple[Party, ...] | None = None,
    **values: Any,
) -> PutException:
    known = RowVersion(exception.id, exception.etag) if exception else None
    return PutException(series.id, slot, values, parties, known)


def removal(
    series: DynamicsAppointment, slot: str, exception: DynamicsAppointment | None = None
) -> RemoveInstance:
    known = RowVersion(exception.id, exception.etag) if exception else None
    return RemoveInstance(series.id, slot, known)


# --- masters --------------------------------------------------------------------------------------


@rule("APPT-28")
async def test_a_series_is_created_under_its_id_with_all_that_it_was_given(
    here: Connected, anna: Person
) -> None:
    account = await here.org.make("accounts", {"name": "Contoso"})
    regarding = {"table": "account", "id": account["accountid"]}
    series = await made(here, anna, Party(5, "who@example.org", None), body="One", regarding=regarding)
    assert (series.table, series.is_series, series.group_id) == (SERIES, True, series.id)
    assert series.values == {
        "time": {"allDay": False, "start": MONDAYS[0], "end": "2026-03-02T08:30:00Z"},
        "subject": "Team",
        "location": "",
        "body": "One",
        "importance": 1,
        "sensitivity": False,
        "showAs": [3, 5],
        "attendees": [["who@example.org", "required"]],
        "organizer": anna.id,
        "regarding": regarding,
        "recurrence": PATTERN,
    }
    assert series == await whole(here, series.id, anna)
    rows = await instances(here.org, series.id)
    assert [row["scheduledstart"] for row in rows] == MONDAYS
    assert {(row["statecode"], row["statuscode"]) for row in rows} == {(3, 5)}


async def test_a_series_is_never_created_over_another(here: Connected, anna: Person) -> None:
    series = await made(here, anna)
    write = CreateAppointment(
        series.id, {"recurrence": PATTERN}, (organizer_party(anna),), None, True, "", SERIES
    )
    with pytest.raises(Conflict):
        await here.adapter.create_appointment(write, as_user=anna.id)


async def test_a_master_is_changed_as_it_was_read_and_its_instances_follow(
    here: Connected, anna: Person
) -> None:
    series = await made(here, anna)
    write = UpdateAppointment(series.id, series.etag, {"subject": "New"}, table=SERIES)
    changed = await here.adapter.update_appointment(write, as_user=anna.id, known=series)
    assert (changed.table, changed.values["subject"]) == (SERIES, "New")
    assert changed.values["organizer"] == anna.id
    assert {row["subject"] for row in await instances(here.org, series.id)} == {"New"}
    with pytest.raises(Conflict):
        await here.adapter.update_appointment(write, as_user=anna.id)


@rule("APPT-28")
async def test_a_new_pattern_makes_new_instances(here: Connected, anna: Person) -> None:
    series = await made(here, anna)
    shorter = {**PATTERN, "occurrences": 2, "minutes": 60}
    write = UpdateAppointment(series.id, series.etag, {"recurrence": shorter}, table=SERIES)
    changed = await here.adapter.update_appointment(write, as_user=anna.id)
    assert changed.values["recurrence"] == shorter
    rows = await instances(here.org, series.id)
    assert [row["scheduledend"] for row in rows] == ["2026-03-02T09:00:00Z", "2026-03-09T09:00:00Z"]


async def test_parties_of_a_master_are_replaced_as_a_whole(here: Connected, anna: Person) -> None:
    series = await made(here, anna, Party(5, "who@example.org", None))
    parties = (organizer_party(anna), Party(6, "else@example.org", None))
    write = UpdateAppointment(series.id, series.etag, {}, parties, SERIES)
    changed = await here.adapter.update_appointment(write, as_user=anna.id, known=series)
    assert changed.values["attendees"] == [["else@example.org", "optional"]]


async def test_a_series_is_deleted_with_its_instances_and_only_as_it_was_read(
    here: Connected, anna: Person
) -> None:
    series = await made(here, anna)
    with pytest.raises(Conflict):
        await here.adapter.delete_appointment(DeleteAppointment(series.id, 'W/"1"', SERIES), as_user=anna.id)
    await here.adapter.delete_appointment(DeleteAppointment(series.id, series.etag, SERIES), as_user=anna.id)
    assert await here.adapter.series([series.id], as_user=anna.id) == {series.id: Absence.PHYSICAL}
    assert await instances(here.org, series.id) == []


# --- reading --------------------------------------------------------------------------------------


@rule("APPT-35")
async def test_a_series_with_three_exceptions_is_one_batch(here: Connected, anna: Person) -> None:
    series = await made(here, anna, Party(5, "who@example.org", None))
    moved = await here.adapter.put_exception(
        put(series, MONDAYS[1], time=time("2026-03-10", 14)), as_user=anna.id
    )
    await here.adapter.put_exception(put(series, MONDAYS[2], subject="Other"), as_user=anna.id)
    await here.adapter.put_exception(put(series, MONDAYS[4], location="Room 2"), as_user=anna.id)
    await here.adapter.remove_instance(removal(series, MONDAYS[3]), as_user=anna.id)

    await here.sent()
    read = await whole(here, series.id, anna)
    assert await here.sent() == READ
    assert sorted(read.exceptions) == [MONDAYS[1], MONDAYS[2], MONDAYS[4]]
    assert read.exceptions[MONDAYS[1]] == moved
    assert read.exceptions[MONDAYS[1]].values["time"] == time("2026-03-10", 14)
    assert read.exceptions[MONDAYS[2]].values["subject"] == "Other"
    assert read.exceptions[MONDAYS[2]].values["attendees"] == [["who@example.org", "required"]]
    assert read.exceptions[MONDAYS[4]].values["location"] == "Room 2"
    assert {row.series_id for row in read.exceptions.values()} == {series.id}
    assert read.cancelled == {MONDAYS[3]}


async def test_several_series_are_one_batch_and_absences_one_more(here: Connected, anna: Person) -> None:
    ids = [(await made(here, anna)).id for _ in range(2)]
    gone = str(uuid4())
    await here.sent()
    found = await here.adapter.series([*ids, gone, "no guid"], as_user=anna.id)
    assert (found[gone], found["no guid"]) == (Absence.PHYSICAL, Absence.PHYSICAL)
    assert all(isinstance(found[row_id], DynamicsAppointment) for row_id in ids)
    assert (await here.sent())["POST /$batch"] == 2


@rule("FLT-10")
async def test_a_series_that_its_reader_may_not_see_is_not_gone(here: Connected, anna: Person) -> None:
    series = await made(here, anna)
    stranger = await here.org.person("Stefan", role="restricted")
    found = await here.adapter.series([series.id], as_user=stranger.id)
    assert found == {series.id: Absence.ACCESS}


# --- one instance ---------------------------------------------------------------------------------


@rule("APPT-35")
async def test_an_exception_is_made_by_the_action_and_answered_in_the_same_batch(
    here: Connected, anna: Person
) -> None:
    series = await made(here, anna)
    parties = (organizer_party(anna), Party(5, "who@example.org", None))
    account = await here.org.make("accounts", {"name": "Contoso"})
    regarding = {"table": "account", "id": account["accountid"]}
    write = put(
        series,
        MONDAYS[4],
        parties=parties,
        time=time("2026-03-31", 7),
        subject="Other",
        body="One",
        importance=2,
        showAs=[3, 5],
        regarding=regarding,
    )
    await here.sent()
    row = await here.adapter.put_exception(write, as_user=anna.id)
    assert await here.sent() == {"POST /$batch": 1, ACTION: 1, "GET /appointments": 1}
    assert (row.original_start, row.series_id, row.instance_type) == (MONDAYS[4], series.id, 3)
    assert {name: row.values[name] for name in write.values} == write.values
    assert row.values["attendees"] == [["who@example.org", "required"]]
    assert row.modified_by == anna.id


@pytest.mark.parametrize("state", [[1, 3], [2, 4], [3, 6]])
async def test_an_exception_gets_a_state_of_its_own(here: Connected, anna: Person, state: list[int]) -> None:
    series = await made(here, anna)
    row = await here.adapter.put_exception(put(series, MONDAYS[1], showAs=state), as_user=anna.id)
    assert row.values["showAs"] == state
    assert (await whole(here, series.id, anna)).exceptions == {MONDAYS[1]: row}


async def test_values_are_emptied_in_an_exception_too(here: Connected, anna: Person) -> None:
    series = await made(here, anna, location="Room 1", body="One")
    write = put(series, MONDAYS[1], location="", body="", regarding=None)
    row = await here.adapter.put_exception(write, as_user=anna.id)
    assert (row.values["location"], row.values["body"], row.values["regarding"]) == ("", "", None)


@rule("APPT-35")
async def test_a_slot_that_dynamics_has_not_expanded_yet_becomes_an_exception(
    here: Connected, anna: Person
) -> None:
    await here.org.control("PUT", "organization", EXPAND_ONE)
    series = await made(here, anna)
    assert len(await instances(here.org, series.id)) == 1
    row = await here.adapter.put_exception(put(series, MONDAYS[3], subject="Other"), as_user=anna.id)
    assert (row.original_start, row.values["subject"], row.instance_type) == (MONDAYS[3], "Other", 4)
    assert list((await whole(here, series.id, anna)).exceptions) == [MONDAYS[3]]


@rule("APPT-35")
async def test_a_known_exception_is_patched_in_the_version_that_was_read(
    here: Connected, anna: Person
) -> None:
    series = await made(here, anna)
    first = await here.adapter.put_exception(put(series, MONDAYS[1], subject="Other"), as_user=anna.id)
    await here.sent()
    again = await here.adapter.put_exception(put(series, MONDAYS[1], first, subject="Third"), as_user=anna.id)
    assert await here.sent() == {
        "POST /$batch": 1,
        "PATCH /appointments({id})": 1,
        "GET /appointments({id})": 1,
    }
    assert (again.id, again.values["subject"]) == (first.id, "Third")
    with pytest.raises(Conflict):
        await here.adapter.put_exception(put(series, MONDAYS[1], first, subject="4"), as_user=anna.id)


async def test_a_slot_that_a_person_changed_meanwhile_is_not_overwritten(
    here: Connected, anna: Person
) -> None:
    series = await made(here, anna)
    theirs = (await instances(here.org, series.id))[1]["activityid"]
    await here.edit(theirs, {"subject": "Theirs"})
    with pytest.raises(Conflict):
        await here.adapter.put_exception(put(series, MONDAYS[1], subject="Ours"), as_user=anna.id)
    assert (await whole(here, series.id, anna)).exceptions[MONDAYS[1]].values["subject"] == "Theirs"


async def test_a_slot_that_the_series_does_not_have_is_not_found(here: Connected, anna: Person) -> None:
    series = await made(here, anna)
    with pytest.raises(NotFound):
        await here.adapter.put_exception(
            put(series, "2026-03-03T08:00:00Z", subject="Other"), as_user=anna.id
        )
    with pytest.raises(NotFound):
        await here.adapter.remove_instance(removal(series, "2026-03-03T08:00:00Z"), as_user=anna.id)


async def test_a_series_that_is_gone_is_not_found(here: Connected, anna: Person) -> None:
    series = await made(here, anna)
    await here.adapter.delete_appointment(DeleteAppointment(series.id, "", SERIES), as_user=anna.id)
    with pytest.raises(NotFound):
        await here.adapter.put_exception(put(series, MONDAYS[1], subject="Other"), as_user=anna.id)
    with pytest.raises(NotFound):
        await here.adapter.remove_instance(removal(series, MONDAYS[1]), as_user=anna.id)


async def test_a_party_that_is_gone_is_not_taken_for_a_missing_instance(
    here: Connected, anna: Person
) -> None:
    series = await made(here, anna)
    parties = (organizer_party(anna), Party(5, "who@example.org", RecordRef("contact", str(uuid4()))))
    with pytest.raises(Refused) as refused:
        await here.adapter.put_exception(put(series, MONDAYS[1], parties=parties), as_user=anna.id)
    assert type(refused.value) is Refused


async def test_an_instance_does_not_pass_its_neighbour(here: Connected, anna: Person) -> None:
    series = await made(here, anna)
    with pytest.raises(Refused, match="skip over a later one"):
        await here.adapter.put_exception(put(series, MONDAYS[1], time=time("2026-03-17", 9)), as_user=anna.id)
    assert (await whole(here, series.id, anna)).exceptions == {}


async def test_an_answer_that_is_lost_is_unknown_and_the_action_is_not_repeated(
    here: Connected, anna: Person
) -> None:
    series = await made(here, anna)
    await here.fault("drop-after", method="POST", path="$batch")
    with pytest.raises(UnknownResult):
        await here.adapter.put_exception(put(series, MONDAYS[1], subject="Other"), as_user=anna.id)
    await here.fault("drop-after", method="POST", path="CreateException")
    with pytest.raises(UnknownResult):
        await here.adapter.remove_instance(removal(series, MONDAYS[2]), as_user=anna.id)
    read = await whole(here, series.id, anna)
    assert (list(read.exceptions), read.cancelled) == ([MONDAYS[1]], {MONDAYS[2]})


@rule("APPT-35")
@pytest.mark.parametrize("known", [True, False], ids=["an exception", "a plain instance"])
async def test_a_deleted_instance_is_remembered_by_its_master(
    here: Connected, anna: Person, known: bool
) -> None:
    series = await made(here, anna)
    write = put(series, MONDAYS[1], subject="Other")
    row = await here.adapter.put_exception(write, as_user=anna.id) if known else None
    await here.adapter.remove_instance(removal(series, MONDAYS[1], row), as_user=anna.id)
    read = await whole(here, series.id, anna)
    assert (read.exceptions, read.cancelled) == ({}, {MONDAYS[1]})
    assert len(await instances(here.org, series.id)) == 4


async def test_what_is_deleted_already_is_said_to_be_so(here: Connected, anna: Person) -> None:
    series = await made(here, anna)
    row = await here.adapter.put_exception(put(series, MONDAYS[1], subject="Other"), as_user=anna.id)
    await here.adapter.remove_instance(removal(series, MONDAYS[1], row), as_user=anna.id)
    with pytest.raises(NotFound):
        await here.adapter.remove_instance(removal(series, MONDAYS[1], row), as_user=anna.id)
    with pytest.raises(Conflict):
        await here.adapter.remove_instance(removal(series, MONDAYS[1]), as_user=anna.id)


# --- finding --------------------------------------------------------------------------------------


@rule("APPT-35")
async def test_the_feeds_tell_masters_and_of_instances_their_series(here: Connected, anna: Person) -> None:
    feeds = (SERIES, "appointment")
    links = [(await here.adapter.changes(table, None)).link for table in feeds]
    series = await made(here, anna)
    row = await here.adapter.put_exception(put(series, MONDAYS[1], subject="Other"), as_user=anna.id)
    masters, appointments = [
        await here.adapter.changes(table, link) for table, link in zip(feeds, links, strict=True)
    ]
    assert [(changed.id, changed.owner) for changed in masters.rows] == [
        (series.id, RecordRef("systemuser", anna.id))
    ]
    assert {changed.series for changed in appointments.rows} == {series.id}
    assert {changed.instance_type for changed in appointments.rows if changed.id == row.id} == {3}
    assert [changed.instance_type for changed in appointments.rows].count(2) == 4


@rule("APPT-35")
async def test_series_of_an_organizer_that_reach_into_a_window(here: Connected, anna: Person) -> None:
    series = await made(here, anna)
    bob = await here.org.person("Bob", zone="Europe/Berlin")
    await made(here, bob)
    row = await here.adapter.put_exception(put(series, MONDAYS[1], subject="Other"), as_user=anna.id)
    await here.row(anna)  # a single appointment

    async def found(*window: datetime) -> dict[str, ChangedRow]:
        rows = await here.adapter.series_organized_by(anna.id, Window(*window), as_user=anna.id)
        return {changed.id: changed for changed in rows}

    in_march = await found(*MARCH)
    assert list(in_march) == [series.id, row.id]
    read = await whole(here, series.id, anna)
    assert (in_march[series.id].version, in_march[series.id].series) == (read.etag, None)
    assert (in_march[row.id].series, in_march[row.id].instance_type) == (series.id, 3)
    assert await found(datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 28, tzinfo=UTC)) == {}
    assert await found(datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)) == {}


async def test_a_series_without_an_end_reaches_into_every_later_window(here: Connected, anna: Person) -> None:
    series = await made(here, anna, recurrence={**PATTERN, "endType": 1, "occurrences": None})
    window = Window(datetime(2036, 6, 1, tzinfo=UTC), datetime(2036, 7, 1, tzinfo=UTC))
    rows = await here.adapter.series_organized_by(anna.id, window, as_user=anna.id)
    assert [changed.id for changed in rows] == [series.id]


async def test_what_an_appointment_became_is_found_by_organizer_subject_and_start(
    here: Connected, anna: Person
) -> None:
    series = await made(here, anna, subject='Team & "friends"')
    await made(here, anna, subject='team & "friends"')
    await made(here, await here.org.person("Bob", zone="Europe/Berlin"), subject='Team & "friends"')
    like = here.adapter.series_like
    assert await like(anna.id, 'Team & "friends"', MONDAYS[0]) == [series.id]
    assert await like(anna.id, 'Team & "friends"', MONDAYS[1]) == []
    assert await like(anna.id, "Team", MONDAYS[0]) == []


async def test_a_series_is_found_by_its_global_object_id(here: Connected, anna: Person) -> None:
    series = await made(here, anna)
    assert series.global_object_id
    found = here.adapter.find_by_global_object_id
    assert await found(series.global_object_id, SERIES) == [series.id]
    assert await found("0400", SERIES) == []
