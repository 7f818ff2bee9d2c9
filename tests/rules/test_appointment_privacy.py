"""Private items: skipped, shown by time only, or in full; and the private flag (APPT-9, SET-5)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from shared.engine.history_rows import rows_of, skip_row
from shared.model.decision import CreateAppointment, DeleteAppointment, UpdateAppointment, UpdateEvent
from shared.model.event import EventType, ExchangeEvent
from shared.model.profile import PrivateItems, Profile
from shared.model.values import Values
from shared.rules import privacy
from shared.rules.appointment_content import base_after
from shared.rules.appointments import decide
from shared.rules.link_endings import image_of
from shared.rules.occurrence_views import exchange_view
from shared.rules.situation import AppointmentSituation
from tests.marks import rule
from tests.rules.build import FUTURE, GUEST, NOW, at, context, event, link, linked, row, writes

FLAG = {"SSSSyncAppointmentIsPrivateFromExchange": True}
SECRET = {
    "subject": "Doctor",
    "body": "Results",
    "location": "Clinic",
    "importance": "high",
    "attendees": [[GUEST, "required"]],
}
PRIVATE = ["private", "confidential", "personal"]


def of(sensitivity: str, **changes: Any) -> ExchangeEvent:
    """An event of that sensitivity, with content that is nobody's business."""
    one = event(**{**SECRET, **changes})
    return replace(one, values={**one.values, "sensitivity": sensitivity})


def decision_of(situation: AppointmentSituation, choice: PrivateItems, **settings: Any) -> Any:
    return decide(situation, context(profile=Profile(private_appointments=choice), **settings))


def said(decision: Any) -> str:
    """All that the history, a preview and the link show of a decision."""
    rows = [*rows_of(decision, decision.actions, NOW), *(skip_row(decision, s, NOW) for s in decision.skips)]
    shown = [(r.item.subject, r.reason, dict(r.before), dict(r.after), dict(r.lost)) for r in rows]
    return json.dumps([shown, decision.link.subject if decision.link else ""], default=str)


def leaks(text: str) -> list[str]:
    return [word for word in ("Doctor", "Results", "Clinic", GUEST) if word in text]


def pair(now: ExchangeEvent, was: ExchangeEvent, was_row: Any, **more: Any) -> AppointmentSituation:
    return linked(was, was_row, event=now, **more)


def masked_pair(**more: Any) -> AppointmentSituation:
    """A private event that was taken to Dynamics masked, as both sides show it afterwards."""
    meeting = privacy.applied(of("private"), PrivateItems.SUBJECT_ONLY)
    there = row(subject="Private appointment", body="", location="", importance=1, attendees=[])
    base = base_after(link().base, tuple(meeting.values), meeting, there, ())
    return AppointmentSituation(
        **{"link": link(meeting, there, base=base), "event": meeting, "record": there, **more}
    )


# --- full -----------------------------------------------------------------------------------------


@rule("APPT-9")
@pytest.mark.parametrize("sensitivity", PRIVATE)
def test_by_default_a_private_item_is_taken_like_any_other(sensitivity):
    decision = decision_of(AppointmentSituation(event=of(sensitivity)), PrivateItems.FULL)
    (created,) = writes(decision, CreateAppointment)
    assert created.values["subject"] == "Doctor"
    assert "sensitivity" not in created.values


# --- skip -----------------------------------------------------------------------------------------


@rule("APPT-9")
@pytest.mark.parametrize("sensitivity", PRIVATE)
def test_a_private_item_is_not_taken_to_dynamics_and_nothing_of_it_is_told(sensitivity):
    decision = decision_of(AppointmentSituation(event=of(sensitivity)), PrivateItems.SKIP)
    assert not decision.actions
    assert [(skip.code, skip.rules) for skip in decision.skips] == [("private", ("APPT-9",))]
    assert not leaks(said(decision))


@rule("APPT-9")
def test_a_linked_item_that_becomes_private_stays_as_it_is_until_it_is_normal_again():
    was, there = of("normal"), row(subject="Doctor")
    hidden = of("private", subject="Surgeon")
    decision = decision_of(pair(hidden, was, there), PrivateItems.SKIP)
    assert not decision.actions
    assert decision.link.linked
    assert decision.link.base.exchange["subject"] == "Doctor"
    assert [skip.code for skip in decision.skips] == ["private"]
    back = decision_of(pair(of("normal", subject="Surgeon"), was, there), PrivateItems.SKIP)
    assert writes(back, UpdateAppointment)[0].values["subject"] == "Surgeon"


@rule("APPT-9")
def test_other_items_are_not_skipped():
    decision = decision_of(AppointmentSituation(event=of("normal")), PrivateItems.SKIP)
    assert writes(decision, CreateAppointment)


# --- subject only ---------------------------------------------------------------------------------


@rule("APPT-9")
@pytest.mark.parametrize("sensitivity", PRIVATE)
def test_of_a_private_item_dynamics_gets_a_neutral_subject_and_its_time(sensitivity):
    decision = decision_of(AppointmentSituation(event=of(sensitivity)), PrivateItems.SUBJECT_ONLY)
    (created,) = writes(decision, CreateAppointment)
    assert created.values == {
        "time": at(),
        "subject": "Private appointment",
        "body": "",
        "location": "",
        "importance": 1,
        "showAs": [3, 5],
    }
    assert [party.role for party in created.parties] == [7]
    assert not leaks(said(decision))


@rule("APPT-9")
def test_a_linked_item_that_becomes_private_is_emptied_and_its_history_tells_nothing():
    there = row(**{**SECRET, "importance": 2})
    decision = decision_of(pair(of("private"), of("normal"), there), PrivateItems.SUBJECT_ONLY)
    (update,) = writes(decision, UpdateAppointment)
    assert update.values == {"subject": "Private appointment", "body": "", "location": "", "importance": 1}
    assert [party.role for party in update.parties or ()] == [7]
    assert not writes(decision, UpdateEvent)
    assert not writes(decision, DeleteAppointment)
    assert not leaks(said(decision))


@rule("APPT-9")
def test_masking_is_never_written_back():
    decision = decision_of(masked_pair(), PrivateItems.SUBJECT_ONLY)
    assert not decision.actions
    assert decision.skips == ()


@rule("APPT-9")
def test_a_private_item_made_normal_brings_its_content():
    decision = decision_of(masked_pair(event=of("normal")), PrivateItems.SUBJECT_ONLY)
    (update,) = writes(decision, UpdateAppointment)
    assert update.values == {"subject": "Doctor", "body": "Results", "location": "Clinic", "importance": 2}
    assert [party.address for party in update.parties or () if party.role == 5] == [GUEST]


@rule("APPT-9", "APPT-22")
def test_what_is_written_into_the_masked_fields_stays_in_dynamics_and_its_time_travels():
    written = row(subject="My note", body="x", location="y", importance=2, attendees=[], time=at(FUTURE, 3))
    decision = decision_of(masked_pair(record=written), PrivateItems.SUBJECT_ONLY)
    (update,) = writes(decision, UpdateEvent)
    assert set(update.values) == {"time"}
    assert decision.mails == {GUEST}
    assert {(skip.code, skip.fields) for skip in decision.skips} == {
        ("private content", (name,)) for name in ("subject", "body", "location", "importance")
    }
    assert not leaks(said(decision).replace("My note", ""))


@rule("APPT-9")
def test_an_attendee_added_to_the_masked_row_uninvites_nobody():
    written = row(
        subject="Private appointment", body="", location="", attendees=[["new@x.example", "required"]]
    )
    decision = decision_of(masked_pair(record=written), PrivateItems.SUBJECT_ONLY)
    assert not writes(decision, UpdateEvent)
    assert not decision.mails


@rule("APPT-9")
def test_values_are_masked_the_same_whatever_they_belong_to():
    shown: Values = {"subject": "Doctor", "time": at(), "recurrence": {"type": "daily"}}
    assert privacy.masked_values(shown) == {**shown, "subject": "Private appointment"}
    assert privacy.masked_values(privacy.masked_values(shown)) == privacy.masked_values(shown)


@rule("APPT-9")
def test_a_private_series_is_skipped_as_a_whole():
    series = replace(of("private"), type=EventType.SERIES_MASTER)
    decision = decision_of(AppointmentSituation(event=series), PrivateItems.SKIP)
    assert not decision.actions
    assert [skip.code for skip in decision.skips] == ["private"]
    assert not leaks(said(decision))


@rule("APPT-9")
def test_a_private_exception_of_a_series_shows_its_time_only():
    series = event(type=EventType.SERIES_MASTER, subject="Team meeting")
    moved = of("private", time=at(FUTURE, 2))
    series = replace(series, exceptions={"2026-03-04": moved})
    shown = privacy.applied(series, PrivateItems.SUBJECT_ONLY)
    assert exchange_view(shown) == {"2026-03-04": {"time": at(FUTURE, 2)}}
    assert exchange_view(privacy.applied(series, PrivateItems.FULL))["2026-03-04"] == {
        "time": at(FUTURE, 2),
        **SECRET,
    }
    assert privacy.applied(shown, PrivateItems.SUBJECT_ONLY) == shown
    assert privacy.applied(shown, PrivateItems.FULL) == series


@rule("APPT-9", "APPT-28")
def test_of_a_private_series_every_exception_is_private_and_people_are_those_of_the_event():
    usual = of("normal", time=at(FUTURE, 2))
    series = replace(of("private"), type=EventType.SERIES_MASTER, exceptions={"2026-03-04": usual})
    shown = privacy.applied(series, PrivateItems.SUBJECT_ONLY)
    assert exchange_view(shown) == {"2026-03-04": {"time": at(FUTURE, 2)}}
    assert shown.exceptions["2026-03-04"].value("attendees") == SECRET["attendees"]


@rule("APPT-9")
def test_the_last_image_of_a_private_event_says_no_more_than_dynamics_had():
    series = replace(of("private"), type=EventType.SERIES_MASTER, exceptions={"2026-03-04": of("normal")})
    image = image_of(privacy.applied(series, PrivateItems.SUBJECT_ONLY))
    assert set(image["exceptions"]) == {"2026-03-04"}
    assert not leaks(json.dumps(image))
    assert leaks(json.dumps(image_of(privacy.applied(series, PrivateItems.FULL))))


# --- the private flag -----------------------------------------------------------------------------


@rule("APPT-9", "SET-5")
@pytest.mark.parametrize(("sensitivity", "flag"), [("normal", False), *((s, True) for s in PRIVATE)])
def test_the_private_flag_goes_to_a_new_row_where_the_organization_wants_it(sensitivity, flag):
    decision = decision_of(AppointmentSituation(event=of(sensitivity)), PrivateItems.FULL, **FLAG)
    assert writes(decision, CreateAppointment)[0].values["sensitivity"] is flag


def flagged(value: bool, **changes: Any) -> Any:
    there = row(**{**SECRET, "importance": 2, **changes})
    return replace(there, values={**there.values, "sensitivity": value})


@rule("APPT-9", "SET-5")
def test_the_private_flag_follows_exchange_and_never_the_other_way():
    was, there = of("normal"), flagged(False)
    decision = decision_of(pair(of("private"), was, there), PrivateItems.FULL, **FLAG)
    assert writes(decision, UpdateAppointment)[0].values == {"sensitivity": True}
    set_in_dynamics = decision_of(pair(was, was, there, record=flagged(True)), PrivateItems.FULL, **FLAG)
    assert not set_in_dynamics.actions
    assert [skip.code for skip in set_in_dynamics.skips] == ["field direction"]


@rule("SET-5")
def test_without_the_setting_the_private_flag_is_never_written_and_turning_it_on_brings_it():
    was, there = of("normal"), flagged(False)
    now = of("private")
    decision = decision_of(pair(now, was, there), PrivateItems.FULL)
    assert not decision.actions
    assert "sensitivity" not in decision.absorb
    untold = link(was, there)
    base = type(untold.base)(
        {k: v for k, v in untold.base.exchange.items() if k != "sensitivity"},
        {k: v for k, v in untold.base.dynamics.items() if k != "sensitivity"},
    )
    later = AppointmentSituation(link=link(was, there, base=base), event=now, record=there)
    switched = decision_of(later, PrivateItems.FULL, **FLAG)
    assert writes(switched, UpdateAppointment)[0].values == {"sensitivity": True}
