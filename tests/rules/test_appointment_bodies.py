"""Bodies as text and as HTML, online meetings, and what is too long (APPT-8, FLD-3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.bodies import forms, rich
from shared.model.decision import CreateAppointment, CreateEvent, UpdateAppointment, UpdateEvent
from shared.model.event import EventType, ExchangeEvent
from shared.model.recurrence import PatternType, RangeType, Recurrence, to_value
from shared.rules import appointment_fields
from shared.rules.appointment_fields import EXCHANGE_BODY_BYTES
from shared.rules.situation import AppointmentSituation
from tests.marks import rule
from tests.rules.build import FUTURE, GUEST, decided, event, linked, row, writes

RICH = {"appointmentricheditorexperience": True}
MEETING = [[GUEST, "required"]]
BOLD = {"html": "<p>Bring <b>coffee</b></p>"}
JOIN = "https://teams.microsoft.com/l/meetup-join/19%3ameeting_X/0"
EDGE = "_" * 80
BLOCK = f"{EDGE}\nMicrosoft Teams\nJoin the meeting now<{JOIN}>\nPasscode: x1\n{EDGE}"


def codes(decision: Any) -> list[str]:
    return [skip.code for skip in decision.skips]


def weekly(**changes: Any) -> ExchangeEvent:
    series = event(type=EventType.SERIES_MASTER, **changes)
    pattern = Recurrence(
        type=PatternType.WEEKLY,
        interval=1,
        days=("wednesday",),
        start_date=FUTURE.date(),
        range_type=RangeType.NUMBERED,
        occurrences=5,
        start_time=FUTURE.time(),
        minutes=60,
        time_zone="UTC",
    )
    return replace(series, values={**series.values, "recurrence": to_value(pattern)})


def online(**changes: Any) -> Any:
    return event(is_online_meeting=True, join_url=JOIN, attendees=MEETING, **changes)


# --- which form travels ---------------------------------------------------------------------------


@rule("APPT-8", "FLD-3")
@pytest.mark.parametrize(("settings", "sent"), [({}, "Bring coffee"), (RICH, BOLD)])
def test_html_crosses_as_html_only_where_the_organization_allows_it(settings, sent):
    (created,) = writes(decided(AppointmentSituation(event=event(body=BOLD)), **settings), CreateAppointment)
    assert created.values["body"] == sent
    (created,) = writes(decided(AppointmentSituation(record=row(body=BOLD)), **settings), CreateEvent)
    assert created.values["body"] == sent


@rule("APPT-8")
@pytest.mark.parametrize(("settings", "sent"), [({}, "a < b\n\nc"), (RICH, {"html": "a &lt; b<br><br>c"})])
def test_a_text_from_dynamics_becomes_html_that_shows_it(settings, sent):
    decision = decided(linked(event(), row(), record=row(body="a < b\n\nc")), **settings)
    assert writes(decision, UpdateEvent)[0].values == {"body": sent}


@rule("APPT-8")
def test_markup_without_an_envelope_is_markup_only_where_dynamics_shows_it_as_such():
    said = "Hello<br>world"
    decision = decided(linked(event(), row(), record=row(body=said)), **RICH)
    assert writes(decision, UpdateEvent)[0].values == {"body": {"html": said}}
    decision = decided(linked(event(), row(), record=row(body=said)))
    assert writes(decision, UpdateEvent)[0].values == {"body": said}


@rule("APPT-8")
def test_a_change_of_markup_alone_travels_both_ways():
    was = {"html": "<p>Bring coffee</p>"}
    to_dynamics = decided(linked(event(body=was), row(body=was), event=event(body=BOLD)), **RICH)
    assert writes(to_dynamics, UpdateAppointment)[0].values == {"body": BOLD}
    to_exchange = decided(linked(event(body=was), row(body=was), record=row(body=BOLD)), **RICH)
    assert writes(to_exchange, UpdateEvent)[0].values == {"body": BOLD}


@rule("APPT-8")
def test_bodies_of_series_are_always_text():
    series = weekly(body=BOLD)
    (created,) = writes(decided(AppointmentSituation(event=series), **RICH), CreateAppointment)
    assert created.values["body"] == "Bring coffee"


# --- switching ------------------------------------------------------------------------------------

TEXT = "Agenda\n\n * one\n * two\nsee<https://contoso.example/a>"
SHOWN = {
    "html": '<p>Agenda</p><ul><li>one</li><li>two</li></ul><a href="https://contoso.example/a">see</a>',
}


@rule("APPT-8")
@pytest.mark.parametrize("settings", [{}, RICH])
@pytest.mark.parametrize(("before", "now"), [(TEXT, SHOWN), (SHOWN, TEXT)])
@pytest.mark.parametrize("in_row", [TEXT, SHOWN])
def test_switching_rich_bodies_on_or_off_edits_nothing_and_mails_nobody(settings, before, now, in_row):
    was = event(body=before, attendees=MEETING)
    there = row(body=in_row, attendees=MEETING)
    decision = decided(linked(was, there, event=event(body=now, attendees=MEETING)), **settings)
    assert not decision.actions
    assert not decision.mails


@rule("APPT-8")
def test_a_text_edited_after_the_switch_travels():
    edited = {"html": SHOWN["html"].replace("two", "three")}
    decision = decided(linked(event(body=TEXT), row(body=TEXT), event=event(body=edited)), **RICH)
    assert writes(decision, UpdateAppointment)[0].values == {"body": edited}


@rule("APPT-8")
def test_markup_left_in_an_old_row_stays_until_somebody_edits_it():
    there = row(body=SHOWN)
    assert not decided(linked(event(body=TEXT), there)).actions
    decision = decided(linked(event(body=TEXT), there, record=row(body={"html": "<p>New</p>"})))
    assert writes(decision, UpdateEvent)[0].values == {"body": "New"}


@rule("APPT-8", "PAIN-2")
def test_linking_items_whose_bodies_differ_only_in_form_writes_no_body():
    pair = AppointmentSituation(event=event(body=SHOWN), record=row(body=TEXT))
    decision = decided(pair, **RICH)
    assert not writes(decision, UpdateAppointment)
    assert not writes(decision, UpdateEvent)


# --- online meetings ------------------------------------------------------------------------------


@rule("APPT-8")
def test_an_edit_of_an_online_meeting_goes_through_and_says_that_it_is_one():
    body = f"Agenda\n{BLOCK}"
    there = row(body=body, attendees=MEETING)
    edited = row(body=f"New agenda\n{BLOCK}", attendees=MEETING)
    (update,) = writes(decided(linked(online(body=body), there, record=edited)), UpdateEvent)
    assert update.values["body"].startswith("New agenda")
    assert update.keeps_meeting


@rule("APPT-8")
@pytest.mark.parametrize("settings", [{}, RICH])
@pytest.mark.parametrize(
    "left", ["Agenda", f"Agenda\n{EDGE}\nMicrosoft Teams", f"Agenda\nJoin the meeting now<{JOIN}>"]
)
def test_deleting_the_copy_of_the_block_in_dynamics_writes_and_mails_nothing(settings, left):
    body = f"Agenda\n{BLOCK}"
    there = row(body=body, attendees=MEETING)
    decision = decided(linked(online(body=body), there, record=row(body=left, attendees=MEETING)), **settings)
    assert not decision.actions
    assert not decision.mails


def test_other_meetings_are_written_as_they_are():
    (update,) = writes(decided(linked(event(), row(), record=row(body="New"))), UpdateEvent)
    assert not update.keeps_meeting
    (update,) = writes(
        decided(linked(online(), row(attendees=MEETING), record=row(subject="New", attendees=MEETING))),
        UpdateEvent,
    )
    assert not update.keeps_meeting


# --- length ---------------------------------------------------------------------------------------


@rule("APPT-8", "FLD-3")
def test_html_too_long_for_dynamics_is_cut_to_html_that_fits_with_a_reason():
    long = forms.of_html("<p><b>" + "x" * 1_048_600 + "</b></p>")
    decision = decided(linked(event(), row(), event=event(body=long)), **RICH)
    sent = writes(decision, UpdateAppointment)[0].values["body"]
    column = forms.to_column(sent)
    assert forms.units(column) == 1_048_576
    assert forms.of_column(column) == sent
    assert codes(decision) == ["cut"]


@rule("APPT-8")
def test_markup_too_long_for_dynamics_is_no_loss_where_only_its_text_travels():
    heavy = forms.of_html("<p>" + "<b>x</b>" * 200_000 + "</p>")
    decision = decided(linked(event(), row(), event=event(body=heavy)))
    assert writes(decision, UpdateAppointment)[0].values == {"body": "x" * 200_000}
    assert codes(decision) == []


@rule("APPT-8")
def test_a_body_too_long_for_a_request_of_graph_is_cut_with_a_reason(monkeypatch):
    """With a thousandth of the limit: a text of megabytes takes seconds to become HTML."""
    limit = EXCHANGE_BODY_BYTES // 1000
    monkeypatch.setattr(appointment_fields, "EXCHANGE_BODY_BYTES", limit)
    long = row(body="<" * 1_000)
    decision = decided(linked(event(), row(), record=long), **RICH)
    sent = writes(decision, UpdateEvent)[0].values["body"]
    assert len(rich.from_text(forms.plain(sent))) <= limit
    assert codes(decision) == ["cut"]


@rule("APPT-7")
def test_an_address_too_long_for_dynamics_stays_in_exchange_with_a_reason():
    long = ["x" * 320 + "@fabrikam.example", "required"]
    meeting = event(attendees=sorted([*MEETING, long]))
    decision = decided(AppointmentSituation(event=meeting))
    (created,) = writes(decision, CreateAppointment)
    assert [party.address for party in created.parties if party.role == 5] == [GUEST]
    assert codes(decision) == ["address too long"]
    there = row(attendees=MEETING)
    other = row(attendees=[["new@fabrikam.example", "required"]])
    (update,) = writes(decided(linked(meeting, there, record=other)), UpdateEvent)
    assert update.values["attendees"] == sorted([["new@fabrikam.example", "required"], long])
