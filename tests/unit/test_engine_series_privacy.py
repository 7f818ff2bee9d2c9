"""A private series of which Dynamics shows the time only, on the whole road (APPT-9, APPT-28, APPT-36)."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date

import pytest

from shared.model.profile import PrivateItems
from shared.model.timezones import zone
from shared.rules.occurrence_views import Slots, dynamics_view
from tests.doubles import series_world
from tests.doubles.stories import assert_deaths_change_nothing, history, only
from tests.marks import rule
from tests.unit.test_engine_series import GUEST, GUESTS, add_event, at, instant, weekly

NEUTRAL = "Private appointment"
SECRET = {"subject": "Therapy", "location": "Clinic", "body": "Results", "attendees": GUESTS}
WORDS = ("Therapy", "Clinic", "Results", "Surgery", "fabrikam.example")


@pytest.fixture
async def masking(service, ada):
    await service.profile(private_appointments=PrivateItems.SUBJECT_ONLY)
    return service


def private_series(ada, **changes):
    event = add_event(ada, **{**SECRET, "sensitivity": "private", **changes})
    ada.edit_occurrence(event.id, "2026-03-16", subject="Surgery", time=at("2026-03-16", 14))
    ada.edit_occurrence(event.id, "2026-03-30", subject="Surgery")
    ada.remove_occurrence_of(event.id, "2026-03-23")
    return event


def shown(row):
    return dynamics_view(row, Slots.of(None, row, zone("UTC")))


def leaks(thing):
    text = json.dumps(thing, default=str)
    return [word for word in WORDS if word in text]


async def told(service, box):
    """All that an administrator may see of it."""
    rows = [asdict(row) for row in await history(service, box)]
    links = [asdict(link) async for link in service.services.store.links(box.id)]
    return [rows, links]


@rule("APPT-9", "APPT-28", "APPT-36")
async def test_dynamics_gets_its_times_and_nothing_else(masking, ada):
    private_series(ada)
    mails = list(masking.exchange.mails)
    await masking.settle()
    row = only(masking.dynamics.rows)
    assert (row.value("subject"), row.value("location"), row.value("body")) == (NEUTRAL, "", "")
    assert [party.role for party in row.parties] == [7]
    assert shown(row) == {"2026-03-16": {"time": at("2026-03-16", 14)}, "2026-03-23": "cancelled"}
    assert masking.exchange.mails == mails
    assert not leaks([row, await told(masking, ada)])


@rule("APPT-9", "APPT-22")
async def test_words_written_into_an_instance_stay_in_dynamics_and_its_time_travels(masking, ada):
    event = private_series(ada)
    await masking.settle()
    mails = list(masking.exchange.mails)
    row = only(masking.dynamics.rows)
    masking.dynamics.edit_instance(
        row.id, instant("2026-04-06"), subject="My note", time=at("2026-04-06", 16)
    )
    masking.dynamics.edit_instance(row.id, instant("2026-03-30"), location="Room 9")
    await masking.settle()
    after = ada.items[event.id]
    assert after.exceptions["2026-04-06"].value("time") == at("2026-04-06", 16)
    assert after.exceptions["2026-04-06"].value("subject") == "Therapy"
    assert after.exceptions["2026-03-30"].value("subject") == "Surgery"
    assert after.exceptions["2026-03-30"].value("location") == "Clinic"
    assert masking.exchange.mails == [*mails, ("update", GUEST)]
    reasons = [row.reason for row in await history(masking, ada, event.id) if row.action == "skip"]
    assert any("the item is private" in reason for reason in reasons)
    assert shown(only(masking.dynamics.rows))["2026-04-06"]["subject"] == "My note"


@rule("APPT-9")
async def test_a_series_that_becomes_private_is_emptied_and_comes_back_when_it_is_normal(masking, ada):
    event = private_series(ada, sensitivity="normal")
    ada.edit_occurrence(event.id, "2026-04-06", attendees=[*GUESTS, ["late@fabrikam.example", "required"]])
    await masking.settle()
    row = only(masking.dynamics.rows)
    whole = shown(row)
    assert whole["2026-03-16"]["subject"] == "Surgery"
    assert "attendees" in whole["2026-04-06"]
    ada.edit(event.id, sensitivity="private")
    before = len(await history(masking, ada))
    await masking.settle()
    emptied = only(masking.dynamics.rows)
    assert shown(emptied) == {"2026-03-16": {"time": at("2026-03-16", 14)}, "2026-03-23": "cancelled"}
    rows = await history(masking, ada)
    assert not leaks([emptied, [asdict(row) for row in rows[: len(rows) - before]]])
    ada.edit(event.id, sensitivity="normal")
    await masking.settle()
    back = only(masking.dynamics.rows)
    assert (back.id, back.value("subject"), shown(back)) == (row.id, "Therapy", whole)
    assert ada.items[event.id].exceptions["2026-03-16"].value("subject") == "Surgery"


@rule("APPT-9", "APPT-33")
async def test_no_past_occurrence_comes_back_as_an_event_that_is_not_private(masking, ada):
    await masking.profile(
        private_appointments=PrivateItems.SUBJECT_ONLY, recreate_deleted_past_instances=True
    )
    event = add_event(ada, weekly(first=date(2026, 2, 16), count=10), **{**SECRET, "sensitivity": "private"})
    ada.remove_occurrence_of(event.id, "2026-02-23")
    await masking.settle()
    assert list(ada.items) == [event.id]


async def edited_on_both_sides(service, ada):
    await service.profile(private_appointments=PrivateItems.SUBJECT_ONLY)
    event = private_series(ada)
    await service.settle()
    row = only(service.dynamics.rows)
    service.dynamics.edit_instance(row.id, instant("2026-04-06"), subject="Note", time=at("2026-04-06", 16))
    service.dynamics.edit(row.id, recurrence=series_world.in_columns(weekly(hour=11)))
    ada.edit_occurrence(event.id, "2026-04-13", location="Elsewhere")


async def outcome(service, ada):
    shown_fields = ("subject", "location", "recurrence")
    events = [[e.value(n) for n in shown_fields] for e in ada.items.values()]
    rows = [([r.value(n) for n in shown_fields], shown(r)) for r in service.dynamics.rows.values()]
    return events, rows, sorted(service.exchange.mails)


@rule("APPT-9", "LNK-11")
async def test_killed_between_any_two_steps_a_private_series_ends_the_same():
    await assert_deaths_change_nothing(edited_on_both_sides, outcome)
