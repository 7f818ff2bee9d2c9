"""Series on the whole road: what people make of them on either side, and how they look there afterwards.

They live in the zone of Berlin and begin a week before its clocks change next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.wire.road import Json, Person, Road, address_party, party, stamps_of, text_of

ZONE = "W. Europe Standard Time"
BERLIN = ZoneInfo("Europe/Berlin")
MASTERS = "/recurringappointmentmasters"
MASTER_TYPE = "Microsoft.Dynamics.CRM.recurringappointmentmaster"
MASTER_PARTIES = "recurringappointmentmaster_activity_parties"
DAILY, WEEKLY, MONTHLY, YEARLY = range(4)
NO_END, NUMBERED, END_DATE = 1, 2, 3
DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


def next_change(now: datetime, not_before: int = 21) -> date:
    """The day on which Berlin's clocks change next, so many days from now at least."""
    day = now.date() + timedelta(days=not_before)
    while local(day, 0).utcoffset() == local(day + timedelta(days=1), 0).utcoffset():
        day += timedelta(days=1)
    return day


def local(day: date, hour: float) -> datetime:
    return datetime(day.year, day.month, day.day, int(hour), round(hour % 1 * 60), tzinfo=BERLIN)


def local_times(rows: Sequence[Json]) -> list[str]:
    """When instances begin on Berlin's clocks, whichever side they are of; Graph shows days as they are."""
    return [
        f"{_begin(row).astimezone(UTC if row.get('isAllDay') else BERLIN):%Y-%m-%d %H:%M}" for row in rows
    ]


def _begin(row: Json) -> datetime:
    if "start" in row:
        return datetime.fromisoformat(row["start"]["dateTime"][:19]).replace(tzinfo=UTC)
    return datetime.fromisoformat(row["scheduledstart"])


def at_nine(days: Sequence[date], hour: str = "09:00") -> list[str]:
    return [f"{day} {hour}" for day in days]


@dataclass(frozen=True)
class Team:
    """One person's series on both sides."""

    road: Road
    person: Person

    # --- Exchange -------------------------------------------------------------------------------

    def add(self, recurrence: Json, *guests: str, hour: float = 9, minutes: int = 60, **changes: Any) -> str:
        """A tracked series as Outlook makes it; ``recurrence`` tells its first day."""
        first = date.fromisoformat(recurrence["range"]["startDate"])
        values = {"subject": "Team meeting", **graph_times(first, hour, minutes), **changes}
        return self.road.add_event(self.person, *guests, recurrence=recurrence, **values)

    def occurrences(self, master: str, days: int = 730) -> list[Json]:
        now = self.road.now()
        window = {
            "startDateTime": text_of(now - timedelta(days=120)),
            "endDateTime": text_of(now + timedelta(days=days)),
            "$top": "200",
        }
        rows = self.road.graph(self.person, "GET", f"/events/{master}/instances", params=window)["value"]
        return sorted(rows, key=_begin)

    def occurrence(self, master: str, number: int) -> str:
        return str(self.occurrences(master)[number]["id"])

    def edit(self, event: str, **changes: Any) -> None:
        self.road.edit_event(self.person, event, **changes)

    def cancel(self, event: str) -> None:
        self.road.graph(self.person, "POST", f"/events/{event}/cancel", {"comment": ""})

    def row_of(self, event: str) -> str:
        """The row that an event is marked with."""
        shown = self.road.event(self.person, event)
        assert shown is not None
        stamps = stamps_of(shown)
        assert "crmid" in stamps, self.road.explain(self.person, event)
        return normal(stamps["crmid"])

    def event_of(self, row: str) -> Json:
        """The one event that is marked with a row."""
        (found,) = self.events_of(row)
        return found

    def events_of(self, row: str) -> list[Json]:
        return [e for e in self.road.events(self.person) if normal(stamps_of(e).get("crmid", "")) == row]

    # --- Dynamics -------------------------------------------------------------------------------

    def add_row(self, pattern: Json, *guests: str, **columns: Any) -> str:
        """A series made in Dynamics by that person."""
        row = {
            "subject": "Visit",
            **pattern,
            MASTER_PARTIES: [
                party(7, "systemuser", self.person.user),
                *(address_party(5, guest) for guest in guests),
            ],
            **columns,
        }
        return str(self.ask("POST", MASTERS, row)["activityid"])

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """As that person, in whose zone a series is expanded."""
        headers = {
            "Authorization": "Bearer somebody",
            "Prefer": "return=representation",
            "CallerObjectId": self.person.mailbox,
        }
        url = f"{self.road.endpoints['dataverse']}{path}"
        return self.road.ask(method, url, body, headers=headers, **more)

    def masters(self) -> list[Json]:
        query = {"$filter": f"_ownerid_value eq {self.person.user}", "$orderby": "subject"}
        return list(self.ask("GET", MASTERS, params=query)["value"])

    def master(self, key: str) -> Json | None:
        return next((row for row in self.masters() if row["activityid"] == key), None)

    def instances(self, master: str) -> list[Json]:
        """The rows of a series as they follow each other."""
        query = {"$filter": f"seriesid eq {master}", "$orderby": "originalstartdate"}
        return list(self.ask("GET", "/appointments", params=query)["value"])

    def change_master(self, key: str, **columns: Any) -> None:
        self.ask("PATCH", f"{MASTERS}({key})", columns)

    def change_instance(self, row: Json, **columns: Any) -> None:
        self.ask("PATCH", f"/appointments({row['activityid']})", columns)

    def delete_instance(self, row: Json) -> None:
        self.ask("DELETE", f"/appointments({row['activityid']})")

    def delete_master(self, key: str) -> None:
        self.ask("DELETE", f"{MASTERS}({key})")

    def singles(self) -> list[Json]:
        """Appointments that belong to no series."""
        return [row for row in self.road.appointments(self.person) if not row.get("seriesid")]


def normal(guid: str) -> str:
    return guid.strip("{}").lower()


# --- patterns ---------------------------------------------------------------------------------------


def weekly(first: date, count: int = 4, **changes: Any) -> Json:
    """As Graph says it: on the weekday of the first day."""
    return {
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": [weekday(first)], **changes},
        "range": {"type": "numbered", "startDate": str(first), "numberOfOccurrences": count},
    }


def numbered(first: date, count: int, **pattern: Any) -> Json:
    return {
        "pattern": {"interval": 1, **pattern},
        "range": {"type": "numbered", "startDate": str(first), "numberOfOccurrences": count},
    }


def weekday(day: date) -> str:
    return DAYS[day.isoweekday() % 7]


def mask(day: date) -> int:
    return 1 << day.isoweekday() % 7


def weekly_columns(first: date, count: int = 4, hour: float = 9, minutes: int = 60, **columns: Any) -> Json:
    """As Dataverse says it."""
    return columns_of(
        first, count, hour, minutes, recurrencepatterntype=WEEKLY, daysofweekmask=mask(first)
    ) | (columns)


def columns_of(first: date, count: int, hour: float = 9, minutes: int = 60, **columns: Any) -> Json:
    begin = local(first, hour)
    return {
        "interval": 1,
        "patternendtype": NUMBERED,
        "occurrences": count,
        "patternstartdate": text_of(local(first, 0)),
        "starttime": text_of(begin),
        "endtime": text_of(begin + timedelta(minutes=minutes)),
        **columns,
    }


def all_day_columns(first: date, count: int, **columns: Any) -> Json:
    days = {"starttime": text_of(local(first, 0)), "endtime": text_of(local(first + timedelta(days=1), 0))}
    return columns_of(first, count, 0, 0, isalldayevent=True, **days, **columns)


def graph_times(day: date, hour: float, minutes: int = 60) -> Json:
    """The times of an event in the zone of Berlin."""
    begin = local(day, hour).replace(tzinfo=None)
    return {
        name: {"dateTime": moment.isoformat(), "timeZone": ZONE}
        for name, moment in (("start", begin), ("end", begin + timedelta(minutes=minutes)))
    }


def graph_days(day: date) -> Json:
    """An all-day one."""
    return {
        "isAllDay": True,
        "start": {"dateTime": f"{day}T00:00:00", "timeZone": ZONE},
        "end": {"dateTime": f"{day + timedelta(days=1)}T00:00:00", "timeZone": ZONE},
    }


def row_times(day: date, hour: float, minutes: int = 60) -> Json:
    """The times of an instance."""
    begin = local(day, hour)
    return {"scheduledstart": text_of(begin), "scheduledend": text_of(begin + timedelta(minutes=minutes))}


def last_friday(day: date) -> date:
    """Of that day's month."""
    following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    last = following - timedelta(days=1)
    return last - timedelta(days=(last.weekday() - 4) % 7)


def months_after(day: date, months: int) -> date:
    """The first of a later month."""
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)
