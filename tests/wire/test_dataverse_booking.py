"""``Book``, ``Reschedule`` and ``Validate`` over the wire: a conflict is an answer, not an error."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from tests.wire.dataverse_org import HALF_PAST, NINE, Json, Org, Person, address, error_code, meeting, party
from tests.wire.dataverse_series import (
    APPOINTMENT_TYPE,
    MASTER_TYPE,
    MONDAYS,
    instances,
    make_series,
    series_organization,
    weekly,
)
from tests.wire.test_dataverse_batch import Operation, answers, envelope, send
from tests.wire.test_dataverse_control import listening

NO_ID = "00000000-0000-0000-0000-000000000000"
TEN, HALF_PAST_TEN = "2026-03-02T10:00:00Z", "2026-03-02T10:30:00Z"
SERVICE_TYPE = "Microsoft.Dynamics.CRM.serviceappointment"


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    async with series_organization() as running:
        yield running


async def busy_at_nine(org: Org, person: Person, **columns: Any) -> Json:
    """A scheduled meeting from nine to half past nine."""
    made = await org.make("appointments", meeting(person, **columns))
    await org.change(f"appointments({made['activityid']})", {"statecode": 3, "statuscode": 5})
    return made


def booking(person: Person, *parties: Json, **columns: Any) -> Json:
    return {"Target": {"@odata.type": APPOINTMENT_TYPE, **meeting(person, *parties, **columns)}}


async def result(org: Org, action: str, body: Json, **options: Any) -> Json:
    response = await org.call("POST", action, body, **options)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["@odata.context"].endswith(f"$metadata#Microsoft.Dynamics.CRM.{action}Response")
    assert answer["Notifications"] == []
    found: Json = answer["ValidationResult"]
    return found


async def test_booking_makes_a_scheduled_appointment(org: Org) -> None:
    ida = await org.person("Ida")
    booked = await result(org, "Book", booking(ida, address(5, "out@example.net")), user=ida)
    assert booked["ValidationSuccess"] is True
    assert booked["TraceInfo"] == {"ErrorInfoList": []}
    row = await org.get(f"appointments({booked['ActivityId']})?$expand=appointment_activity_parties")
    assert (row["statecode"], row["statuscode"], row["subject"]) == (3, 5, "Planning")
    assert {party["participationtypemask"] for party in row["appointment_activity_parties"]} == {5, 7, 9}


async def test_the_state_asked_for_is_the_one_it_gets_and_so_is_the_id(org: Org) -> None:
    ida = await org.person("Ida")
    key = str(uuid4())
    booked = await result(org, "Book", booking(ida, activityid=key, statecode=0, statuscode=2))
    assert booked["ActivityId"] == key
    row = await org.get(f"appointments({key})")
    assert (row["statecode"], row["statuscode"]) == (0, 2)


async def test_a_conflict_is_answered_and_saves_nothing(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    await busy_at_nine(org, bo)
    version = (await org.control("GET", "version")).json()["version"]
    refused = await result(org, "Book", booking(ida, party(5, "systemuser", bo.id)), user=ida)
    assert refused == {
        "ValidationSuccess": False,
        "ActivityId": NO_ID,
        "TraceInfo": {
            "ErrorInfoList": [
                {
                    "ErrorCode": "ResourceBusy",
                    "ResourceList": [{"Id": bo.id, "DisplayName": "Bo Example", "EntityName": "systemuser"}],
                }
            ]
        },
    }
    assert len(await org.values("appointments")) == 1
    assert (await org.control("GET", "version")).json()["version"] == version


async def test_nobody_hears_of_what_was_not_saved(org: Org) -> None:
    ida = await org.person("Ida")
    await busy_at_nine(org, ida)
    async with listening() as listener:
        hook = {"url": listener.url, "key": "k", "tables": ["appointment"]}
        await org.control("POST", "webhooks", hook)
        assert (await result(org, "Book", booking(ida)))["ValidationSuccess"] is False
        await org.make("appointments", meeting(ida, subject="Saved"))
        assert "Saved" in str((await listener.next())[1])


@pytest.mark.parametrize(
    "columns",
    [
        {"scheduledstart": HALF_PAST, "scheduledend": TEN},
        {"scheduledstart": "2026-03-02T08:30:00Z", "scheduledend": NINE},
    ],
)
async def test_what_only_touches_is_no_conflict(org: Org, columns: Json) -> None:
    ida = await org.person("Ida")
    await busy_at_nine(org, ida)
    assert (await result(org, "Book", booking(ida, **columns)))["ValidationSuccess"] is True


async def test_open_and_canceled_appointments_and_contacts_block_nothing(org: Org) -> None:
    ida = await org.person("Ida")
    kim = (await org.contact("Kim"))["contactid"]
    await org.make("appointments", meeting(ida))
    gone = await org.make("appointments", meeting(ida, party(5, "contact", kim)))
    await org.change(f"appointments({gone['activityid']})", {"statecode": 2})
    bo = await org.person("Bo")
    await busy_at_nine(org, bo, subject="With Kim")
    body = booking(ida, party(5, "contact", kim))
    assert (await result(org, "Book", body))["ValidationSuccess"] is True


async def test_plain_writes_ask_for_no_conflicts(org: Org) -> None:
    ida = await org.person("Ida")
    await busy_at_nine(org, ida)
    await busy_at_nine(org, ida)
    assert len(await org.values("appointments?$filter=statecode eq 3")) == 2


@pytest.mark.parametrize("action", ["Book", "Reschedule"])
async def test_times_have_to_come_along(org: Org, action: str) -> None:
    ida = await org.person("Ida")
    made = await org.make("appointments", meeting(ida))
    body = {"Target": {"@odata.type": APPOINTMENT_TYPE, "activityid": made["activityid"]}}
    assert error_code(await org.call("POST", action, body)) == (400, "0x80060914")


async def test_rescheduling_moves_or_explains_why_not(org: Org) -> None:
    ida = await org.person("Ida")
    await busy_at_nine(org, ida)
    body = booking(ida, scheduledstart=TEN, scheduledend=HALF_PAST_TEN)
    key = (await result(org, "Book", body))["ActivityId"]
    target = {"@odata.type": APPOINTMENT_TYPE, "activityid": key}
    onto = {"Target": {**target, "scheduledstart": NINE, "scheduledend": HALF_PAST}}
    refused = await result(org, "Reschedule", onto)
    assert (refused["ValidationSuccess"], refused["ActivityId"]) == (False, key)
    assert (await org.get(f"appointments({key})"))["scheduledstart"] == TEN
    away = {"Target": {**target, "scheduledstart": HALF_PAST, "scheduledend": TEN}}
    assert (await result(org, "Reschedule", away))["ValidationSuccess"] is True
    assert (await org.get(f"appointments({key})"))["scheduledstart"] == HALF_PAST


async def test_only_what_exists_is_rescheduled(org: Org) -> None:
    ida = await org.person("Ida")
    response = await org.call("POST", "Reschedule", booking(ida, activityid=str(uuid4())))
    assert error_code(response) == (404, "0x80040217")


async def test_a_series_is_booked_whole_or_not_at_all(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    blocked = {"scheduledstart": MONDAYS[3], "scheduledend": "2026-03-23T09:00:00Z"}
    await busy_at_nine(org, ida, **blocked)
    body = {"Target": {"@odata.type": MASTER_TYPE, **weekly(ida)}}
    assert (await result(org, "Book", body, user=ida))["ValidationSuccess"] is False
    assert await org.values("recurringappointmentmasters") == []
    body["Target"]["occurrences"] = 3
    booked = await result(org, "Book", body, user=ida)
    rows = await instances(org, booked["ActivityId"])
    assert [row["statecode"] for row in rows] == [3, 3, 3]


async def test_an_instance_is_rescheduled_as_an_exception_and_blocks_others(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    made = await make_series(org, ida, statecode=3)
    row = (await instances(org, made["activityid"]))[0]
    target = {"@odata.type": APPOINTMENT_TYPE, "activityid": row["activityid"]}
    moved = {**target, "scheduledstart": NINE, "scheduledend": HALF_PAST}
    assert (await result(org, "Reschedule", {"Target": moved}))["ValidationSuccess"] is True
    assert (await instances(org, made["activityid"]))[0]["instancetypecode"] == 3
    assert (await result(org, "Book", booking(ida)))["ValidationSuccess"] is False


async def test_a_service_activity_books_its_resources(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    van = await org.make("equipments", {"name": "Van"}, token="admin")
    body: Json = {
        "@odata.type": SERVICE_TYPE,
        "subject": "Repair",
        "scheduledstart": NINE,
        "scheduledend": HALF_PAST,
        "serviceappointment_activity_parties": [
            party(10, "systemuser", ida.id),
            {
                "participationtypemask": 10,
                "partyid_equipment@odata.bind": f"/equipments({van['equipmentid']})",
            },
        ],
    }
    assert (await result(org, "Book", {"Target": body}))["ValidationSuccess"] is True
    assert (await result(org, "Book", booking(ida)))["ValidationSuccess"] is False
    refused = await result(org, "Book", {"Target": body})
    (error,) = refused["TraceInfo"]["ErrorInfoList"]
    names = [each["DisplayName"] for each in error["ResourceList"]]
    assert names == ["Ida Example", "Van"]
    assert (await result(org, "Book", booking(bo)))["ValidationSuccess"] is True


async def test_validating_saves_nothing_and_answers_each(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    await busy_at_nine(org, ida)
    opened = await org.make("appointments", meeting(bo))
    activities = [
        booking(ida)["Target"],
        booking(bo)["Target"],
        {"@odata.type": APPOINTMENT_TYPE, "activityid": opened["activityid"]},
    ]
    before = await org.values("appointments")
    response = await org.call("POST", "Validate", {"Activities": activities})
    assert response.status_code == 200, response.text
    assert [each["ValidationSuccess"] for each in response.json()["Result"]] == [False, True, True]
    assert response.json()["Result"][2]["ActivityId"] == opened["activityid"]
    assert await org.values("appointments") == before


async def test_series_cannot_be_validated(org: Org) -> None:
    ida = await org.person("Ida")
    body = {"Activities": [{"@odata.type": MASTER_TYPE, **weekly(ida)}]}
    assert error_code(await org.call("POST", "Validate", body)) == (400, "0x8004e10a")


async def test_rights_and_rules_hold_for_booking_too(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    response = await org.call("POST", "Book", booking(ida), user=bo)
    assert error_code(response) == (403, "0x80040220")
    response = await org.call("POST", "Book", booking(ida, {"participationtypemask": 5}))
    assert error_code(response) == (400, "0x80043504")
    no_type = {"Target": meeting(ida)}
    assert error_code(await org.call("POST", "Book", no_type)) == (400, "0x80048d19")
    assert await org.values("appointments") == []


async def test_a_conflict_in_a_change_set_lets_the_rest_happen(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    await busy_at_nine(org, ida)
    operations = [
        Operation("POST", "contacts", {"lastname": "Before"}),
        Operation("POST", "Book", booking(ida)),
        Operation("POST", "Book", booking(bo)),
    ]
    ((contact, conflict, booked),) = answers(await send(org, envelope(operations)))
    assert (contact[0], conflict[0], booked[0]) == (204, 200, 200)
    assert conflict[1]["ValidationResult"]["ValidationSuccess"] is False
    assert booked[1]["ValidationResult"]["ValidationSuccess"] is True
    assert len(await org.values("contacts")) == 1
    assert len(await org.values("appointments")) == 2
