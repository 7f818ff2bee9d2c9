"""Asking Dynamics who is busy, alone and along with the write, over a real socket (APPT-29)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest

from shared.errors import Conflict, Refused, Throttled, UnknownResult
from shared.model.appointment import APPOINTMENT, Absence
from shared.model.decision import CreateAppointment
from shared.model.party import Party, RecordRef
from shared.model.scheduling import Availability, Busy, Claim
from tests.marks import rule
from tests.wire.dataverse_adapter import TIME, Connected, change, connected, new
from tests.wire.dataverse_org import Person

BATCH, VALIDATE = "POST /$batch", "POST /Validate"
PATCH, GET = "PATCH /appointments({id})", "GET /appointments({id})"
SCHEDULED = [3, 5]
TEN = {"allDay": False, "start": "2026-03-02T10:00:00Z", "end": "2026-03-02T10:30:00Z"}


@pytest.fixture
async def here() -> AsyncIterator[Connected]:
    async with connected() as running:
        yield running


@pytest.fixture
async def ida(here: Connected) -> Person:
    return await here.person("Ida")


@pytest.fixture
async def bo(here: Connected) -> Person:
    """Busy from nine to half past."""
    person = await here.person("Bo")
    await here.row(person, showAs=SCHEDULED)
    await here.sent()
    here.adapter.requests.clear()
    return person


def with_guest(ida: Person, bo: Person, **values: object) -> CreateAppointment:
    write = new(ida, Party(5, bo.address, RecordRef("systemuser", bo.id)), showAs=SCHEDULED, **values)
    return replace(write, claim=Claim(write.id, write.values["time"], write.parties))


def is_busy(bo: Person) -> Availability:
    return Availability((Busy("Bo Example", "systemuser", bo.id),))


@rule("APPT-29")
async def test_a_create_asks_along_the_way_and_saves_all_the_same(
    here: Connected, ida: Person, bo: Person
) -> None:
    write = with_guest(ida, bo)
    made = await here.adapter.create_appointment(write, as_user=ida.id)
    assert made.availability == is_busy(bo)
    assert await here.read(write.id, ida) == replace(made, availability=None)
    assert here.adapter.requests[BATCH] == 1
    assert (await here.sent())[VALIDATE] == 1


@rule("APPT-29")
async def test_where_everybody_is_free_nothing_is_said(here: Connected, ida: Person, bo: Person) -> None:
    made = await here.adapter.create_appointment(with_guest(ida, bo, time=TEN), as_user=ida.id)
    assert made.availability == Availability()


@rule("APPT-29")
async def test_a_new_time_is_asked_about_in_the_request_that_writes_it(
    here: Connected, ida: Person, bo: Person
) -> None:
    row = await here.adapter.create_appointment(with_guest(ida, bo, time=TEN), as_user=ida.id)
    here.adapter.requests.clear()
    write = replace(change(row, time=TIME), claim=Claim(row.id, TIME, row.parties))
    moved = await here.adapter.update_appointment(write, as_user=ida.id, known=row)
    assert moved.value("time") == TIME
    assert moved.availability == is_busy(bo)
    assert sum(n for kind, n in here.adapter.requests.items() if kind == BATCH) == 1
    assert {kind: n for kind, n in here.adapter.requests.items() if kind != BATCH} == {
        VALIDATE: 1,
        PATCH: 1,
        GET: 1,
    }


@rule("APPT-29")
async def test_an_appointment_is_not_in_its_own_way(here: Connected, ida: Person, bo: Person) -> None:
    row = await here.adapter.create_appointment(with_guest(ida, bo, time=TEN), as_user=ida.id)
    later = {**TEN, "end": "2026-03-02T11:00:00Z"}
    write = replace(change(row, time=later), claim=Claim(row.id, later, row.parties))
    assert (await here.adapter.update_appointment(write, as_user=ida.id, known=row)).availability == (
        Availability()
    )


@rule("APPT-29")
async def test_asking_alone_saves_nothing_and_many_claims_share_a_request(
    here: Connected, ida: Person, bo: Person
) -> None:
    claims = [with_guest(ida, bo, time=time).claim for time in (TIME, TEN) * 15]
    said = await here.adapter.availability([claim for claim in claims if claim], as_user=ida.id)
    assert list(said) == [is_busy(bo), Availability()] * 15
    assert here.adapter.requests[BATCH] == 2
    assert len(await here.org.values("appointments")) == 1


async def test_the_application_asks_where_it_writes(here: Connected, ida: Person, bo: Person) -> None:
    claim = with_guest(ida, bo).claim
    assert claim is not None
    assert list(await here.adapter.availability([claim], as_user=None)) == [is_busy(bo)]


@rule("APPT-29")
@pytest.mark.parametrize(
    ("do", "everywhere"),
    [("status:403", True), ("status:501", True), ("status:400", False), ("status:503", False)],
)
async def test_an_organization_that_does_not_say_hinders_no_write(
    here: Connected, ida: Person, bo: Person, do: str, everywhere: bool
) -> None:
    await here.fault(do, method="POST", path="/Validate")
    write = with_guest(ida, bo)
    made = await here.adapter.create_appointment(write, as_user=ida.id)
    assert made.availability is not None
    assert "Dynamics did not say" in made.availability.unchecked
    assert made.availability.everywhere is everywhere
    assert (await here.read(write.id, ida)).value("showAs") == SCHEDULED
    assert here.adapter.requests[BATCH] == 1


async def test_asked_alone_trouble_is_raised_and_patience_shown(
    here: Connected, ida: Person, bo: Person
) -> None:
    claim = with_guest(ida, bo).claim
    assert claim is not None
    await here.fault("status:429", method="POST", path="/Validate", retryAfter=2)
    assert list(await here.adapter.availability([claim], as_user=ida.id)) == [is_busy(bo)]
    assert here.slept == [2]
    await here.fault("status:429", method="POST", path="/Validate", retryAfter=90)
    with pytest.raises(Throttled):
        await here.adapter.availability([claim], as_user=ida.id)


async def test_a_taken_id_and_a_changed_row_are_conflicts_with_a_question_before_them_too(
    here: Connected, ida: Person, bo: Person
) -> None:
    write = with_guest(ida, bo)
    row = await here.adapter.create_appointment(write, as_user=ida.id)
    with pytest.raises(Conflict):
        await here.adapter.create_appointment(write, as_user=ida.id)
    await here.edit(row.id, {"location": "Room 7"})
    stale = replace(change(row, time=TEN), claim=Claim(row.id, TEN, row.parties))
    with pytest.raises(Conflict):
        await here.adapter.update_appointment(stale, as_user=ida.id, known=row)
    assert (await here.read(row.id, ida)).value("time") == TIME


async def test_a_create_is_whole_or_not_at_all_with_a_question_before_it_too(
    here: Connected, ida: Person, bo: Person
) -> None:
    """The status does not fit the state, which is refused: the row must not be there without it."""
    write = with_guest(ida, bo)
    write = replace(write, values={**write.values, "showAs": [3, 1]})
    with pytest.raises(Refused):
        await here.adapter.create_appointment(write, as_user=ida.id)
    found = await here.adapter.appointments([write.id], as_user=ida.id)
    assert found[write.id] is Absence.PHYSICAL


async def test_a_lost_answer_is_unknown_and_the_row_is_there(
    here: Connected, ida: Person, bo: Person
) -> None:
    write = with_guest(ida, bo)
    await here.fault("drop-after", method="PATCH", path=f"/appointments({write.id})")
    with pytest.raises(UnknownResult):
        await here.adapter.create_appointment(write, as_user=ida.id)
    assert (await here.read(write.id, ida)).table == APPOINTMENT


async def test_a_throttled_write_is_tried_once_more_with_its_question(
    here: Connected, ida: Person, bo: Person
) -> None:
    write = with_guest(ida, bo)
    await here.fault("status:429", method="PATCH", path=f"/appointments({write.id})", retryAfter=1)
    made = await here.adapter.create_appointment(write, as_user=ida.id)
    assert made.availability == is_busy(bo)
    assert here.slept == [1]


async def test_a_party_that_is_not_there_makes_one_claim_unanswerable(here: Connected, ida: Person) -> None:
    """The write is refused for the same reason, and says so."""
    write = new(ida, Party(5, "gone@example.com", RecordRef("contact", str(uuid4()))), showAs=SCHEDULED)
    claim = Claim(write.id, write.values["time"], write.parties)
    (said,) = await here.adapter.availability([claim], as_user=ida.id)
    assert said.unchecked
    assert not said.everywhere
