"""The sample tenant's data: names that fit together, and the variety it is there to show."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from importlib.resources import files
from typing import Any

import pytest

from local.tenant import repeats as repeats_in
from local.tenant.days import when

NOW = datetime(2026, 3, 10, 6, tzinfo=UTC)  # still the 9th on the Pacific coast


def data(name: str) -> Any:
    return json.loads(files("local.tenant").joinpath("data", name).read_text())


PEOPLE, EVENTS, APPOINTMENTS = data("people.json"), data("events.json"), data("appointments.json")
PERSONAL = data("personal.json")
SERIES = [event for event in EVENTS if "repeats" in event]
USERS = {user["key"]: user for user in PEOPLE["users"]}
CONTACTS = {contact["key"] for contact in PEOPLE["contacts"]}
ACCOUNTS = {account["key"] for account in PEOPLE["accounts"]}


def test_everybody_named_by_an_event_is_there() -> None:
    for event in EVENTS:
        named = [
            event.get("mailbox"),
            event.get("from"),
            *event.get("required", []),
            *event.get("optional", []),
        ]
        assert {name for name in named if name} <= set(USERS) | CONTACTS
        assert {*event.get("to", []), *event.get("alsoTrackedBy", [])} <= set(USERS)


def test_everybody_named_by_an_appointment_is_there() -> None:
    known = {"user": set(USERS), "contact": CONTACTS, "account": ACCOUNTS}
    for appointment in APPOINTMENTS:
        parties = [*appointment.get("required", []), *appointment.get("optional", [])]
        for party in [*parties, appointment.get("regarding", {})]:
            assert all(key in known[kind] for kind, key in party.items() if kind != "address")


def test_all_addresses_are_examples() -> None:
    text = json.dumps([PEOPLE, EVENTS, APPOINTMENTS])
    assert {domain.rpartition(".")[2] for domain in re.findall(r"@([\w.]+)", text)} == {"example"}


def test_the_users_are_enough_and_not_all_alike() -> None:
    both = [user for user in USERS.values() if user["dynamics"]]
    assert len(both) >= 3
    assert len({user["timeZone"] for user in both}) == 2


@pytest.mark.parametrize(
    ("what", "found"),
    [
        ("tracked by category", [e for e in EVENTS if e.get("tracking", {}).get("category")]),
        ("tracked by an attendee", [e for e in EVENTS if "alsoTrackedBy" in e]),
        ("stamped with regarding", [e for e in EVENTS if "regarding" in e.get("tracking", {})]),
        (
            "linked by Microsoft's own sync before",
            [e for e in EVENTS if "appointment" in e.get("tracking", {})],
        ),
        ("untracked", [e for e in EVENTS if "tracking" not in e and "alsoTrackedBy" not in e]),
        ("from outside", [e for e in EVENTS if "from" in e]),
        ("between users here", [e for e in EVENTS if {"dana", "alex"} & set(e.get("required", []))]),
        ("all-day", [e for e in EVENTS if "days" in e["when"]]),
        ("private", [e for e in EVENTS if e["event"].get("sensitivity") == "private"]),
        ("past", [e for e in EVENTS if e["when"].get("day", 0) < 0]),
        ("weekly over a change of clocks", [e for e in SERIES if e["when"].get("clocksChange", 0) < 0]),
        ("moved in its series", [x for e in SERIES for x in e.get("exceptions", []) if "from" in x]),
        ("cancelled in its series", [x for e in SERIES for x in e.get("exceptions", []) if "cancelled" in x]),
        ("monthly, on the last Friday", [e for e in SERIES if e["repeats"]["every"] == "last friday"]),
        ("an all-day series", [e for e in SERIES if "days" in e["when"]]),
        ("a yearly series in Dynamics", [a for a in APPOINTMENTS if "repeats" in a]),
        ("future in Dynamics", [a for a in APPOINTMENTS if a["when"]["day"] > 0 and "required" in a]),
        ("past in Dynamics", [a for a in APPOINTMENTS if a["when"]["day"] < 0 and a["status"] == [3, 5]]),
        ("completed in Dynamics", [a for a in APPOINTMENTS if a["status"] == [1, 3]]),
        ("without organizer", [a for a in APPOINTMENTS if "organizer" not in a]),
    ],
)
def test_there_is_something(what: str, found: list[Any]) -> None:
    assert found, f"nothing is {what}"


def test_days_are_counted_on_the_organizers_calendar() -> None:
    lunch = {"day": 2, "from": "12:00", "to": "14:00"}
    pacific = when(lunch, NOW, "Pacific Standard Time")
    berlin = when(lunch, NOW, "W. Europe Standard Time")
    assert pacific.start.date() == date(2026, 3, 11)
    assert berlin.start.date() == date(2026, 3, 12)
    assert pacific.for_dataverse() == {
        "scheduledstart": "2026-03-11T19:00:00Z",
        "scheduledend": "2026-03-11T21:00:00Z",
        "isalldayevent": False,
    }


def test_all_day_runs_from_midnight_to_the_midnight_after_the_last_day() -> None:
    days = when({"day": 1, "days": 2}, NOW, "W. Europe Standard Time")
    assert days.for_graph() == {
        "start": {"dateTime": "2026-03-11T00:00:00", "timeZone": "W. Europe Standard Time"},
        "end": {"dateTime": "2026-03-13T00:00:00", "timeZone": "W. Europe Standard Time"},
        "isAllDay": True,
    }
    assert days.for_dataverse()["scheduledstart"] == "2026-03-10T23:00:00Z"


def test_a_named_zone_goes_before_the_organizers() -> None:
    described = {"day": 0, "from": "10:00", "to": "12:00", "timeZone": "Pacific Standard Time"}
    assert when(described, NOW, "UTC").time_zone == "Pacific Standard Time"


def test_a_series_may_begin_before_the_next_change_of_clocks_or_on_a_last_friday() -> None:
    around = when({"clocksChange": -4, "from": "09:00", "to": "10:00"}, NOW, "W. Europe Standard Time")
    assert around.start == datetime(2026, 3, 25, 9)  # four days before the 29th
    friday = when({"lastFriday": 1, "from": "15:00", "to": "16:00"}, NOW, "Pacific Standard Time")
    assert friday.start == datetime(2026, 4, 24, 15)


def test_contacts_and_tasks_belong_to_people_who_are_there_and_show_what_may_happen() -> None:
    in_exchange = [*PERSONAL["contacts"], *PERSONAL["tasks"]]
    assert {item["mailbox"] for item in in_exchange} <= set(USERS)
    assert {item["owner"] for item in [*PERSONAL["rows"], *PERSONAL["activities"]]} <= set(USERS)
    assert {item["tracked"] for item in PERSONAL["contacts"]} == {True, False}
    assert {item["table"] for item in PERSONAL["activities"]} == {"tasks", "phonecalls"}
    known = [row["row"]["emailaddress1"] for row in [*PEOPLE["contacts"], *PERSONAL["rows"]]]
    found = {
        item["key"]: sum(known.count(each["address"]) for each in item["contact"].get("emailAddresses", ()))
        for item in PERSONAL["contacts"]
    }
    assert found == {"garth": 1, "pavel": 1, "healy": 2, "nancy": 0, "dentist": 0}


@pytest.mark.parametrize(
    ("every", "pattern", "columns"),
    [
        ("day", {"type": "daily"}, {"recurrencepatterntype": 0}),
        (
            "week",
            {"type": "weekly", "daysOfWeek": ["friday"]},
            {"recurrencepatterntype": 1, "daysofweekmask": 32},
        ),
        (
            "last friday",
            {"type": "relativeMonthly", "daysOfWeek": ["friday"], "index": "last"},
            {"recurrencepatterntype": 2, "isnthmonthly": True, "instance": 5, "daysofweekmask": 32},
        ),
        (
            "year",
            {"type": "absoluteYearly", "month": 4, "dayOfMonth": 24},
            {"recurrencepatterntype": 3, "monthofyear": 4, "dayofmonth": 24},
        ),
    ],
)
def test_both_services_are_told_the_same_pattern(every: str, pattern: Any, columns: Any) -> None:
    first = when({"lastFriday": 1, "from": "15:00", "to": "16:00"}, NOW, "W. Europe Standard Time")
    repeats = {"every": every, "times": 6}
    told = repeats_in.for_graph(repeats, first)["recurrence"]
    assert told["pattern"] == {"interval": 1, **pattern}
    assert told["range"] == {"type": "numbered", "startDate": "2026-04-24", "numberOfOccurrences": 6}
    assert repeats_in.for_dataverse(repeats, first) == {
        "interval": 1,
        **columns,
        "patternendtype": 2,
        "occurrences": 6,
        "patternstartdate": "2026-04-23T22:00:00Z",
        "starttime": "2026-04-24T13:00:00Z",
        "endtime": "2026-04-24T14:00:00Z",
        "isalldayevent": False,
    }
