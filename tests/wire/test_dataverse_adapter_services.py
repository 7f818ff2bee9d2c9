"""Service appointments through the adapter, over a real socket; and organizations that have none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from shared.credentials import DevelopmentCredential
from shared.dynamics.dataverse import Dataverse
from shared.engine.ports import Window
from shared.errors import Throttled
from shared.model.appointment import SERVICE, Absence, DynamicsAppointment
from tests.marks import rule
from tests.wire.dataverse_adapter import MARCH, Connected, connected
from tests.wire.dataverse_org import HALF_PAST, NINE, Json, Person, address, party

SETS = "serviceappointments"
READ = "GET /serviceappointments({id})"
QUERY = "GET /serviceappointments"
PARTIES = "GET /activityparties"
FIELDS = ("time", "subject", "location", "body", "importance", "showAs", "regarding")
MARCH_WINDOW = Window(*MARCH)


@pytest.fixture
async def here() -> AsyncIterator[Connected]:
    async with connected(page_size=3) as running:
        yield running


@pytest.fixture
async def ida(here: Connected) -> Person:
    return await here.person("Ida")


async def planned(here: Connected, owner: Person, *parties: Json, **columns: object) -> str:
    row = {
        "subject": "Repair",
        "location": "Their place",
        "description": "Bring the part\r\n",
        "scheduledstart": NINE,
        "scheduledend": HALF_PAST,
        "ownerid@odata.bind": f"/systemusers({owner.id})",
        "serviceappointment_activity_parties": list(parties),
        **columns,
    }
    return str((await here.org.make(SETS, row, token="somebody"))["activityid"])


def takes(person: Person, mask: int = 10) -> Json:
    return party(mask, "systemuser", person.id)


async def without_service_scheduling(here: Connected, *tables: str) -> None:
    await here.org.control("PUT", "absent-tables", {"tables": list(tables)})
    await here.sent()


# --- reading --------------------------------------------------------------------------------------


@rule("APPT-37", "FLD-12")
async def test_a_row_shows_its_fields_and_its_parties(here: Connected, ida: Person) -> None:
    kim = (await here.org.contact("Kim", emailaddress1="kim@example.org"))["contactid"]
    guests = (address(5, "out@example.net"), party(11, "contact", kim))
    row_id = await planned(here, ida, takes(ida), *guests, prioritycode=2)
    await here.org.change(f"{SETS}({row_id})", {"statecode": 3, "statuscode": 4}, token="somebody")
    await here.sent()
    row = (await here.adapter.service_appointments([row_id], as_user=ida.id))[row_id]
    assert await here.sent() == {READ: 1}
    assert isinstance(row, DynamicsAppointment)
    assert row.table == SERVICE
    assert {name: row.values[name] for name in (*FIELDS, "attendees", "organizer")} == {
        "time": {"allDay": False, "start": NINE, "end": HALF_PAST},
        "subject": "Repair",
        "location": "Their place",
        "body": "Bring the part",
        "importance": 2,
        "showAs": [3, 4],
        "attendees": [["out@example.net", "required"]],
        "organizer": None,
        "regarding": None,
    }
    assert {(p.role, p.ref.table if p.ref else None) for p in row.parties} == {
        (10, "systemuser"),
        (5, None),
        (11, "contact"),
    }


@rule("FLT-10")
@pytest.mark.parametrize("several", [False, True])
async def test_gone_is_told_from_not_to_be_read(here: Connected, ida: Person, several: bool) -> None:
    eve = await here.person("Eve", "restricted")
    row_id, gone = await planned(here, ida, takes(ida)), str(uuid4())
    expected = {row_id: Absence.ACCESS, gone: Absence.PHYSICAL}
    for ids in ([row_id, gone],) if several else ([row_id], [gone]):
        found = await here.adapter.service_appointments(ids, as_user=eve.id)
        assert found == {i: expected[i] for i in ids}


@rule("APPT-37", "FLT-8")
async def test_those_of_a_user_are_those_that_he_takes_part_in(here: Connected, ida: Person) -> None:
    bob = await here.person("Bob")
    mine = [await planned(here, ida, takes(bob, mask)) for mask in (5, 6, 7, 10)]
    twice = await planned(here, ida, takes(bob, 7), takes(bob, 10))
    later = {"scheduledstart": "2026-05-02T09:00:00Z", "scheduledend": "2026-05-02T10:00:00Z"}
    await planned(here, ida, takes(bob), **later)
    await planned(here, bob, takes(ida))
    await here.sent()
    found = await here.adapter.service_appointments_of(bob.id, MARCH_WINDOW, as_user=bob.id)
    assert sorted(row.id for row in found) == sorted([*mine, twice])
    assert await here.sent() == {QUERY: 1}


@rule("APPT-37")
async def test_users_who_take_part_are_found_in_one_request(here: Connected, ida: Person) -> None:
    bob = await here.person("Bob")
    first = await planned(here, ida, takes(bob), takes(ida, 7), address(5, "out@example.net"))
    second = await planned(here, ida)
    await here.sent()
    found = await here.adapter.service_parties([first, second])
    assert {row_id: set(users) for row_id, users in found.items()} == {first: {bob.id, ida.id}, second: set()}
    assert await here.sent() == {PARTIES: 1}


async def test_changes_and_removals_are_in_the_feed_one_request_when_idle(
    here: Connected, ida: Person
) -> None:
    page = await here.adapter.changes(SERVICE, None)
    row_id = await planned(here, ida, takes(ida))
    page = await here.adapter.changes(SERVICE, page.link)
    assert [row.id for row in page.rows] == [row_id]
    await here.org.call("DELETE", f"{SETS}({row_id})", token="somebody")
    page = await here.adapter.changes(SERVICE, page.link)
    assert page.removed == (row_id,)
    await here.sent()
    page = await here.adapter.changes(SERVICE, page.link)
    assert (page.rows, page.removed, page.complete) == ((), (), True)
    assert await here.sent() == {QUERY: 1}


# --- organizations without service scheduling -----------------------------------------------------


async def test_a_missing_table_is_asked_for_once_a_day(here: Connected, ida: Person) -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    adapter = Dataverse(here.org.dataverse.host, DevelopmentCredential("app"), lambda: now)
    await without_service_scheduling(here, SERVICE)
    for _ in range(3):
        page = await adapter.changes(SERVICE, None)
        assert (page.rows, page.removed, page.link, page.complete) == ((), (), "", True)
        assert await adapter.service_appointments_of(ida.id, MARCH_WINDOW, as_user=ida.id) == []
        assert await adapter.service_appointments([str(uuid4())], as_user=ida.id) == {}
    assert await here.sent() == {QUERY: 2}
    now += timedelta(days=1, seconds=1)
    await without_service_scheduling(here)
    row_id = await planned(here, ida, takes(ida))
    await here.sent()
    assert (await adapter.changes(SERVICE, None)).rows[0].id == row_id
    found = await adapter.service_appointments_of(ida.id, MARCH_WINDOW, as_user=ida.id)
    assert [row.id for row in found] == [row_id]
    await adapter.close()


async def test_a_table_that_vanished_says_nothing_about_its_rows(here: Connected, ida: Person) -> None:
    row_id = await planned(here, ida, takes(ida))
    await without_service_scheduling(here, SERVICE)
    for ids in ([row_id], [row_id, str(uuid4())]):
        assert await here.adapter.service_appointments(ids, as_user=ida.id) == {}


async def test_other_tables_are_as_ever_and_other_faults_are_told(here: Connected, ida: Person) -> None:
    await without_service_scheduling(here, SERVICE)
    await here.adapter.changes(SERVICE, None)
    assert (await here.adapter.changes("appointment", None)).link
    await without_service_scheduling(here)
    await here.fault("status:429", method="GET", path=SETS, times=2, retryAfter=60)
    with pytest.raises(Throttled):
        await here.adapter.service_appointments_of(ida.id, MARCH_WINDOW, as_user=ida.id)
