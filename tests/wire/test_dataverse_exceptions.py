"""Exceptions of a series over the wire: changed and deleted instances, and ``CreateException``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from tests.wire.dataverse_org import Json, Org, Person, address, error_code, party
from tests.wire.dataverse_series import (
    APPOINTMENT_TYPE,
    CREATE_EXCEPTION,
    MASTER_TYPE,
    MONDAYS,
    NO_END,
    at,
    exception,
    instances,
    make_series,
    masks,
    master,
    series_organization,
    starts,
)
from tests.wire.test_dataverse_batch import Operation, answers, envelope, send
from tests.wire.test_dataverse_control import listening

MASTERS = "recurringappointmentmasters"
TEN, HALF_PAST_TEN = "2026-03-10T09:00:00Z", "2026-03-10T09:30:00Z"


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    async with series_organization() as running:
        yield running


async def team(org: Org, **columns: Any) -> tuple[Person, str]:
    """A person in Berlin with a series of five Mondays: the person and the series' id."""
    ida = await org.person("Ida", zone="Europe/Berlin")
    return ida, (await make_series(org, ida, **columns))["activityid"]


async def partly_expanded(org: Org) -> tuple[Person, str]:
    """A series of which only the first instance exists, for an hour."""
    settings = {"recurrenceexpansionsynchcreatemax": 1, "recurrenceexpansionjobbatchinterval": 3600}
    await org.control("PUT", "organization", settings)
    return await team(org)


# --- changed and deleted instances ---------------------------------------------------------------


async def test_a_changed_instance_is_an_exception_and_only_its_row_moves(org: Org) -> None:
    ida, key = await team(org)
    before, series = await instances(org, key), await master(org, key)
    changes = {"subject": "Own", "scheduledstart": TEN, "scheduledend": HALF_PAST_TEN}
    await org.change(f"appointments({before[1]['activityid']})", changes, user=ida)
    after = await instances(org, key)
    assert after[1]["instancetypecode"] == 3
    assert after[1]["originalstartdate"] == MONDAYS[1]
    assert after[1]["modifiedfieldsmask"] == "scheduledend,scheduledstart,subject"
    assert after[:1] + after[2:] == before[:1] + before[2:]
    assert await master(org, key) == series


@pytest.mark.parametrize(
    "changes",
    [
        {"statecode": 2, "statuscode": 4},
        {"statuscode": 2},
        {"appointment_activity_parties": [address(5, "own@example.net")]},
    ],
)
async def test_state_and_parties_make_an_exception_too(org: Org, changes: Json) -> None:
    ida, key = await team(org)
    row = (await instances(org, key))[2]
    await org.change(f"appointments({row['activityid']})", changes, user=ida)
    assert (await instances(org, key))[2]["instancetypecode"] == 3


async def test_a_deleted_instance_is_remembered_by_its_master_and_never_comes_back(org: Org) -> None:
    ida, key = await team(org)
    before, series = await instances(org, key), await master(org, key)
    for position in (3, 1):
        path = f"appointments({before[position]['activityid']})"
        assert (await org.call("DELETE", path, user=ida)).status_code == 204
    after = await master(org, key)
    assert after["deletedexceptionslist"] == f"{MONDAYS[1]},{MONDAYS[3]}"
    assert after["@odata.etag"] != series["@odata.etag"]
    await org.change(f"{MASTERS}({key})", {"subject": "Other"}, user=ida)
    assert await starts(org, key) == [MONDAYS[0], MONDAYS[2], MONDAYS[4]]


async def test_a_deleted_instance_does_not_return_with_a_later_batch(org: Org) -> None:
    ida, key = await partly_expanded(org)
    assert (
        await org.call("POST", CREATE_EXCEPTION, exception(key, MONDAYS[2], deleted=True), user=ida)
    ).json()["id"] == "00000000-0000-0000-0000-000000000000"
    await at(org, "2026-03-01T14:00:00Z")
    assert await starts(org, key) == [*MONDAYS[:2], *MONDAYS[3:]]


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        ("2026-03-17T08:00:00Z", "2026-03-17T09:00:00Z", "0x8004e122"),
        (MONDAYS[2], "2026-03-16T08:30:00Z", "0x8004e122"),
        ("2026-03-01T08:00:00Z", "2026-03-01T09:00:00Z", "0x8004e123"),
        ("2026-03-02T08:15:00Z", "2026-03-02T09:00:00Z", "0x8004e108"),
        ("2026-03-16T07:45:00Z", "2026-03-16T08:15:00Z", "0x8004e108"),
    ],
)
async def test_an_instance_stays_between_its_neighbours(org: Org, start: str, end: str, code: str) -> None:
    ida, key = await team(org)
    before = await instances(org, key)
    path = f"appointments({before[1]['activityid']})"
    changes = {"scheduledstart": start, "scheduledend": end}
    assert error_code(await org.call("PATCH", path, changes, user=ida)) == (400, code)
    assert await instances(org, key) == before


async def test_a_neighbour_that_moved_or_does_not_exist_yet_counts_where_it_is(org: Org) -> None:
    ida, key = await partly_expanded(org)
    (first,) = await instances(org, key)
    path = f"appointments({first['activityid']})"
    onto = {"scheduledstart": "2026-03-10T08:00:00Z", "scheduledend": "2026-03-10T08:30:00Z"}
    assert error_code(await org.call("PATCH", path, onto, user=ida)) == (400, "0x8004e122")
    later = exception(
        key, MONDAYS[1], scheduledstart="2026-03-12T08:00:00Z", scheduledend="2026-03-12T09:00:00Z"
    )
    assert (await org.call("POST", CREATE_EXCEPTION, later, user=ida)).status_code == 200
    await org.change(path, onto, user=ida)
    assert (await starts(org, key))[0] == "2026-03-10T08:00:00Z"


# --- CreateException ------------------------------------------------------------------------------


async def test_create_exception_changes_the_instance_that_is_there(org: Org) -> None:
    ida, key = await team(org)
    before = await instances(org, key)
    parties = [party(7, "systemuser", ida.id), address(5, "own@example.net")]
    body = exception(key, MONDAYS[1], subject="Own", appointment_activity_parties=parties)
    response = await org.call("POST", CREATE_EXCEPTION, body, user=ida)
    assert response.status_code == 200, response.text
    assert response.json()["@odata.context"].endswith("#Microsoft.Dynamics.CRM.CreateExceptionResponse")
    assert response.json()["id"] == before[1]["activityid"]
    after = (await instances(org, key))[1]
    assert (after["subject"], after["instancetypecode"], after["location"]) == ("Own", 3, "Room 1")
    assert (5, "own@example.net") in await masks(org, "appointments", after["activityid"])


async def test_create_exception_makes_the_instance_that_is_not_there_yet(org: Org) -> None:
    ida, key = await partly_expanded(org)
    body = exception(key, MONDAYS[3], subject="Own")
    response = await org.call("POST", CREATE_EXCEPTION, body, user=ida)
    rows = await instances(org, key)
    assert [row["activityid"] for row in rows[1:]] == [response.json()["id"]]
    assert (rows[1]["instancetypecode"], rows[1]["scheduledstart"]) == (4, MONDAYS[3])
    await at(org, "2026-03-01T14:00:00Z")
    rows = await instances(org, key)
    assert [row["scheduledstart"] for row in rows] == MONDAYS
    assert (rows[3]["activityid"], rows[3]["instancetypecode"]) == (response.json()["id"], 3)
    assert rows[3]["subject"] == "Own"


async def test_create_exception_deletes(org: Org) -> None:
    ida, key = await team(org)
    before = await instances(org, key)
    response = await org.call("POST", CREATE_EXCEPTION, exception(key, MONDAYS[1], deleted=True), user=ida)
    assert response.json()["id"] == before[1]["activityid"]
    assert (await master(org, key))["deletedexceptionslist"] == MONDAYS[1]
    assert len(await instances(org, key)) == 4


async def test_a_second_exception_for_the_same_start_is_refused(org: Org) -> None:
    ida, key = await team(org)
    bodies = [exception(key, MONDAYS[1], subject="Own"), exception(key, MONDAYS[2], deleted=True)]
    for body in bodies:
        assert (await org.call("POST", CREATE_EXCEPTION, body, user=ida)).status_code == 200
        for again in (body, {**body, "IsDeleted": not body["IsDeleted"]}):
            response = await org.call("POST", CREATE_EXCEPTION, again, user=ida)
            assert error_code(response) == (400, "0x8004e107")


@pytest.mark.parametrize(
    ("start", "code"),
    [
        ("2026-03-10T08:00:00Z", "0x8004e109"),
        ("2026-03-09T09:00:00Z", "0x8004e109"),
        ("2026-04-06T07:00:00Z", "0x8004e109"),
    ],
)
async def test_a_start_that_the_pattern_does_not_have_is_refused(org: Org, start: str, code: str) -> None:
    ida, key = await team(org)
    response = await org.call("POST", CREATE_EXCEPTION, exception(key, start), user=ida)
    assert error_code(response) == (400, code)


async def test_an_exception_outside_of_the_window_is_refused(org: Org) -> None:
    ida, key = await team(org, patternendtype=NO_END, occurrences=None)
    far = exception(key, "2027-06-07T07:00:00Z", subject="Own")
    assert error_code(await org.call("POST", CREATE_EXCEPTION, far, user=ida)) == (400, "0x8004e115")
    moved = exception(key, "2027-02-22T08:00:00Z", scheduledstart="2027-03-02T08:00:00Z")
    moved["Target"]["scheduledend"] = "2027-03-02T09:00:00Z"
    assert error_code(await org.call("POST", CREATE_EXCEPTION, moved, user=ida)) == (400, "0x8004e121")


async def test_the_series_has_to_be_named(org: Org) -> None:
    ida, key = await team(org)
    for series in (None, str(uuid4())):
        body = exception(key, MONDAYS[1])
        body["Target"] = {"@odata.type": APPOINTMENT_TYPE, "seriesid": series}
        response = await org.call("POST", CREATE_EXCEPTION, body, user=ida)
        assert error_code(response) == (400, "0x8004e105")
    row = (await instances(org, key))[1]
    body["Target"] = {"@odata.type": APPOINTMENT_TYPE, "activityid": row["activityid"], "subject": "Own"}
    assert (await org.call("POST", CREATE_EXCEPTION, body, user=ida)).json()["id"] == row["activityid"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"OriginalStartDate": None},
        {"IsDeleted": None},
        {"IsDeleted": "no"},
        {"Target": None},
        {"Target": {"@odata.type": MASTER_TYPE}},
        {"Other": 1},
    ],
)
async def test_parameters_are_checked(org: Org, wrong: Json) -> None:
    ida, key = await team(org)
    body = {**exception(key, MONDAYS[1]), **wrong}
    response = await org.call("POST", CREATE_EXCEPTION, body, user=ida)
    assert error_code(response) == (400, "0x80048d19")


async def test_the_action_is_bound_to_the_set_of_series_only(org: Org) -> None:
    ida, key = await team(org)
    body = exception(key, MONDAYS[1])
    for path in (
        "CreateException",
        "appointments/Microsoft.Dynamics.CRM.CreateException",
        f"{MASTERS}({key})/Microsoft.Dynamics.CRM.CreateException",
        f"{MASTERS}/CreateException",
    ):
        assert (await org.call("POST", path, body, user=ida)).status_code == 404


async def test_who_may_not_write_the_series_makes_no_exceptions(org: Org) -> None:
    _, key = await team(org)
    bo = await org.person("Bo")
    response = await org.call("POST", CREATE_EXCEPTION, exception(key, MONDAYS[1]), user=bo)
    assert error_code(response) == (403, "0x80040220")


async def test_exceptions_are_made_in_a_change_set_all_or_none(org: Org) -> None:
    ida, key = await team(org)
    good = Operation("POST", CREATE_EXCEPTION, exception(key, MONDAYS[1], subject="Own"))
    gone = Operation("POST", CREATE_EXCEPTION, exception(key, MONDAYS[2], deleted=True))
    bad = Operation("POST", CREATE_EXCEPTION, exception(key, "2026-03-10T08:00:00Z"))
    before = await instances(org, key)
    assert (await send(org, envelope([good, gone, bad]), ida)).status_code == 400
    assert await instances(org, key) == before
    response = await send(org, envelope([good, gone]), ida)
    ((first, second),) = answers(response)
    assert (first[0], second[0]) == (200, 200)
    assert len(await instances(org, key)) == 4


async def test_a_webhook_hears_of_a_deleted_instance_and_of_its_series(org: Org) -> None:
    ida, key = await team(org)
    rows = await instances(org, key)
    async with listening() as listener:
        hook = {"url": listener.url, "key": "k", "tables": ["appointment", "recurringappointmentmaster"]}
        await org.control("POST", "webhooks", hook)
        await org.call("DELETE", f"appointments({rows[0]['activityid']})", user=ida)
        messages = [(await listener.next())[1] for _ in range(2)]
    assert {
        (each["MessageName"], each["PrimaryEntityName"], each["PrimaryEntityId"]) for each in messages
    } == {
        ("Delete", "appointment", rows[0]["activityid"]),
        ("Update", "recurringappointmentmaster", key),
    }


async def test_a_webhook_hears_of_what_the_job_makes_without_anybody_asking(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    settings = {"recurrenceexpansionsynchcreatemax": 1, "recurrenceexpansionjobbatchinterval": 0}
    await org.control("PUT", "organization", settings)
    async with listening() as listener:
        hook = {"url": listener.url, "key": "k", "tables": ["appointment"]}
        await org.control("POST", "webhooks", hook)
        await make_series(org, ida)
        messages = [(await listener.next())[1] for _ in range(5)]
    assert {each["MessageName"] for each in messages} == {"Create"}
    on_behalf = {each["PrimaryEntityId"]: each["InitiatingUserId"] == ida.id for each in messages}
    assert sorted(on_behalf.values()) == [False, True, True, True, True]


# --- AddRecurrence, CreateInstance, DeleteOpenInstances -------------------------------------------


def recurrence(**columns: Any) -> Json:
    target = {
        "@odata.type": MASTER_TYPE,
        "recurrencepatterntype": 1,
        "interval": 1,
        "daysofweekmask": 2,
        "patternendtype": 2,
        "occurrences": 5,
        "patternstartdate": "2026-03-01T23:00:00Z",
    }
    return {"Target": {**target, **columns}}


async def single(org: Org, ida: Person) -> str:
    body = {
        "subject": "Once",
        "location": "Room 2",
        "scheduledstart": MONDAYS[0],
        "scheduledend": "2026-03-02T09:00:00Z",
        "appointment_activity_parties": [party(7, "systemuser", ida.id), address(5, "out@example.net")],
    }
    return str((await org.make("appointments", body, user=ida))["activityid"])


async def test_an_appointment_becomes_a_series_and_is_gone(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    once = await single(org, ida)
    path = f"appointments({once})/Microsoft.Dynamics.CRM.AddRecurrence"
    response = await org.call("POST", path, recurrence(subject="Often"), user=ida)
    assert response.status_code == 200, response.text
    made = response.json()
    assert made["@odata.context"].endswith("#recurringappointmentmasters/$entity")
    assert (made["subject"], made["location"], made["duration"]) == ("Often", "Room 2", 60)
    assert (await org.call("GET", f"appointments({once})")).status_code == 404
    assert await starts(org, made["activityid"]) == MONDAYS
    assert (5, "out@example.net") in await masks(org, MASTERS, made["activityid"])


async def test_a_refused_recurrence_keeps_the_appointment(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    once = await single(org, ida)
    path = f"appointments({once})/Microsoft.Dynamics.CRM.AddRecurrence"
    wrong = await org.call("POST", path, recurrence(occurrences=None), user=ida)
    assert error_code(wrong) == (400, "0x8004e100")
    assert (await org.call("GET", f"appointments({once})")).status_code == 200
    assert await org.values(MASTERS) == []


async def test_an_instance_takes_no_recurrence_of_its_own(org: Org) -> None:
    ida, key = await team(org)
    row = (await instances(org, key))[0]
    path = f"appointments({row['activityid']})/Microsoft.Dynamics.CRM.AddRecurrence"
    assert error_code(await org.call("POST", path, recurrence(), user=ida)) == (400, "0x8004e107")


def ending(key: str, state: int = 1) -> Json:
    target = {"@odata.type": MASTER_TYPE, "activityid": key}
    return {"Target": target, "SeriesEndDate": "2026-03-20T00:00:00Z", "StateOfPastInstances": state}


async def test_a_series_ends_early(org: Org) -> None:
    ida, key = await team(org)
    rows = await instances(org, key)
    canceled = {"statecode": 2, "statuscode": 4}
    await org.change(f"appointments({rows[4]['activityid']})", canceled, user=ida)
    response = await org.call("POST", "DeleteOpenInstances", ending(key), user=ida)
    assert response.status_code == 204, response.text
    after = await instances(org, key)
    assert [(row["originalstartdate"], row["statecode"], row["statuscode"]) for row in after] == [
        (MONDAYS[0], 1, 3),
        (MONDAYS[1], 1, 3),
        (MONDAYS[2], 1, 3),
        (MONDAYS[4], 2, 4),
    ]
    series = await master(org, key)
    assert (series["statecode"], series["statuscode"]) == (2, 4)
    assert (series["patternendtype"], series["patternenddate"]) == (3, "2026-03-15T23:00:00Z")
    wrong = await org.call("POST", "DeleteOpenInstances", ending(key, state=9), user=ida)
    assert error_code(wrong) == (400, "0x8004431a")


async def test_more_instances_come_on_demand_up_to_the_end(org: Org) -> None:
    ida, key = await partly_expanded(org)
    target = {"@odata.type": MASTER_TYPE, "activityid": key}
    response = await org.call("POST", "CreateInstance", {"Target": target, "Count": 2}, user=ida)
    assert response.json()["SeriesCanBeExpanded"] is True
    assert await starts(org, key) == MONDAYS[:3]
    response = await org.call("POST", "CreateInstance", {"Target": target, "Count": 9}, user=ida)
    assert response.json()["SeriesCanBeExpanded"] is False
    assert await starts(org, key) == MONDAYS
    again = await org.call("POST", "CreateInstance", {"Target": target, "Count": 1}, user=ida)
    assert error_code(again) == (400, "0x8004e10b")
    nothing = await org.call("POST", "CreateInstance", {"Target": target, "Count": 0}, user=ida)
    assert nothing.status_code == 400
