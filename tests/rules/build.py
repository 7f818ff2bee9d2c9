"""Builders: an appointment's two sides, its link and its surroundings, with one thing changed at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.model.appointment import DynamicsAppointment
from shared.model.event import EventType, ExchangeEvent, Stamps
from shared.model.link import Base, Link, Role
from shared.model.mailbox import Mailbox
from shared.model.organization import Organization
from shared.model.party import Party, RecordRef
from shared.model.profile import Profile
from shared.rules.appointments import decide
from shared.rules.situation import AppointmentSituation, Context

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ORGANIZATION = "11111111-1111-1111-1111-111111111111"
ME = "22222222-2222-2222-2222-222222222222"
MY_USER = "33333333-3333-3333-3333-333333333333"
OTHER_USER = "44444444-4444-4444-4444-444444444444"
OTHER_MAILBOX = "55555555-5555-5555-5555-555555555555"
ROW = "66666666-6666-6666-6666-666666666666"
MY_ADDRESS = "me@contoso.example"
GUEST = "guest@fabrikam.example"
CATEGORY = "Tracked to Dynamics 365"
FUTURE = NOW + timedelta(days=2)
PAST = NOW - timedelta(days=2)


def at(start: datetime = FUTURE, hours: float = 1) -> dict[str, Any]:
    return {"allDay": False, "start": z(start), "end": z(start + timedelta(hours=hours))}


def z(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def event(**changes: Any) -> ExchangeEvent:
    """A tracked single event of mine, in the future, without attendees. Keyword arguments that name a field
    change its value; others change the event."""
    values: dict[str, Any] = {
        "time": at(),
        "subject": "Review",
        "body": "Agenda",
        "location": "Room 1",
        "importance": "normal",
        "showAs": "busy",
        "attendees": [],
        "organizer": MY_ADDRESS,
        "regarding": None,
    }
    fields = {name: changes.pop(name) for name in list(changes) if name in values}
    base = ExchangeEvent(
        id="event-1",
        etag='W/"e1"',
        type=EventType.SINGLE,
        ical_uid="ical-1",
        is_organizer=True,
        modified=NOW - timedelta(minutes=5),
        values={**values, **fields},
        categories=(CATEGORY,),
        stamps=Stamps(),
    )
    return replace(base, **changes)


def attendee_copy(**changes: Any) -> ExchangeEvent:
    """A tracked meeting that somebody else organizes."""
    return event(
        **{
            "organizer": "boss@contoso.example",
            "is_organizer": False,
            "attendees": [[MY_ADDRESS, "required"]],
            **changes,
        }
    )


def row(**changes: Any) -> DynamicsAppointment:
    """The appointment that says the same as ``event()``."""
    values: dict[str, Any] = {
        "time": at(),
        "subject": "Review",
        "body": "Agenda",
        "location": "Room 1",
        "importance": 1,
        "showAs": [3, 5],
        "attendees": [],
        "organizer": MY_USER,
        "regarding": None,
    }
    fields = {name: changes.pop(name) for name in list(changes) if name in values}
    values |= fields
    parties = tuple(
        Party(5 if role == "required" else 6, address, None) for address, role in values["attendees"]
    )
    organizer = values["organizer"]
    if organizer:
        parties = (Party(7, MY_ADDRESS, RecordRef("systemuser", organizer)), *parties)
    base = DynamicsAppointment(
        id=ROW, etag='W/"100"', modified=NOW - timedelta(minutes=5), values=values, parties=parties
    )
    return replace(base, **changes)


def link(
    of_event: ExchangeEvent | None = None, of_row: DynamicsAppointment | None = None, **changes: Any
) -> Link:
    """A link whose base is what the two given items show."""
    exchange, dynamics = of_event or event(), of_row or row()
    base = Link(
        kind="appointment",
        table="appointment",
        dynamics_id=ROW,
        exchange_id="event-1",
        exchange_etag=exchange.etag,
        dynamics_etag=dynamics.etag,
        ical_uid="ical-1",
        role=Role.OWNER,
        base=Base(dict(exchange.values), dict(dynamics.values)),
        markers={"category": True, "stamp": 2.0, "isOrganizer": exchange.is_organizer},
        subject="Review",
    )
    return replace(base, **changes)


def context(
    *, now: datetime = NOW, profile: Profile | None = None, zone: str = "UTC", **settings: Any
) -> Context:
    """My mailbox's pass; keyword arguments are organization settings."""
    mailbox = Mailbox(id=ME, address=MY_ADDRESS, user_id=MY_USER, time_zone=zone)
    return Context(
        mailbox,
        Organization(ORGANIZATION, settings),
        profile or Profile(),
        now,
        NOW - timedelta(days=30),
        NOW + timedelta(days=548),
    )


def decided(situation: AppointmentSituation, **settings: Any) -> Any:
    return decide(situation, context(**settings))


def linked(was_event: ExchangeEvent, was_row: DynamicsAppointment, **now: Any) -> AppointmentSituation:
    """A linked pair that was as given and is now as ``event=`` and ``record=`` say."""
    of = {"event": was_event, "record": was_row, **now}
    return AppointmentSituation(link=link(was_event, was_row), **of)


def writes(decision: Any, kind: type) -> list[Any]:
    return [a.write for a in decision.actions if isinstance(a.write, kind)]
