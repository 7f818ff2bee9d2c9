"""Series on real adapters in this process: what people do to them, for the counting and the crash tests.

In UTC, on the weekday of ``crash_steps.START``; of each series the second occurrence is moved, the third
renamed and the fourth deleted.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.wire.crash_steps import CATEGORY, GUEST, START, Person, times

Json = dict[str, Any]
WEEK = timedelta(days=7)
MASTERS = "recurringappointmentmasters"
PARTIES = "recurringappointmentmaster_activity_parties"
EXCEPTIONS = 3
WINDOW = "startDateTime={:%Y-%m-%dT00:00:00Z}&endDateTime={:%Y-%m-%dT00:00:00Z}&$top=100"


def weekly(count: int, first: datetime = START) -> Json:
    return {
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": [f"{first:%A}".lower()]},
        "range": {"type": "numbered", "startDate": f"{first:%Y-%m-%d}", "numberOfOccurrences": count},
    }


def columns(count: int, first: datetime = START) -> Json:
    return {
        "recurrencepatterntype": 1,
        "interval": 1,
        "daysofweekmask": 1 << first.isoweekday() % 7,
        "patternendtype": 2,
        "occurrences": count,
        "patternstartdate": f"{first:%Y-%m-%dT00:00:00Z}",
        "starttime": f"{first:%Y-%m-%dT%H:%M:%SZ}",
        "endtime": f"{first + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
    }


# --- making them ------------------------------------------------------------------------------------


async def from_exchange(person: Person, count: int = 6) -> None:
    body = {"subject": "Weekly", "categories": [CATEGORY], **times(), "recurrence": weekly(count)}
    series = await person.graph("POST", "/events", body)
    rows = await occurrences(person, series["id"])
    moved = moment(2 * WEEK - 5 * timedelta(days=1), "dateTime")
    await person.graph("PATCH", f"/events/{rows[1]['id']}", moved)
    await person.graph("PATCH", f"/events/{rows[2]['id']}", {"subject": "With the board"})
    await person.graph("DELETE", f"/events/{rows[3]['id']}")


async def from_dynamics(person: Person, count: int = 6) -> None:
    user = person.box.user_id
    row = {
        "subject": "Weekly",
        **columns(count),
        "ownerid@odata.bind": f"/systemusers({user})",
        PARTIES: [
            {"participationtypemask": 7, "partyid_systemuser@odata.bind": f"/systemusers({user})"},
            {"participationtypemask": 5, "addressused": GUEST},
        ],
    }
    made = await dataverse(person, "POST", f"/{MASTERS}", row)
    rows = await instances(person, made["activityid"])
    await person.rows("PATCH", f"({rows[1]['activityid']})", moment(2 * WEEK - 5 * timedelta(days=1)))
    await person.rows("PATCH", f"({rows[2]['activityid']})", {"subject": "With the board"})
    await person.rows("DELETE", f"({rows[3]['activityid']})")


async def pattern_changed(person: Person) -> None:
    """In Exchange, while somebody changes an instance in Dynamics."""
    await from_exchange(person)
    await person.quiet()
    series, row = await master(person), await master_row(person)
    later = START + timedelta(days=1)
    rows = await instances(person, row["activityid"])
    await person.rows("PATCH", f"({rows[-1]['activityid']})", {"location": "Room 9"})
    body = {"recurrence": weekly(8, later), **moment(timedelta(days=1), "dateTime")}
    await person.graph("PATCH", f"/events/{series['id']}", body)


def moment(after: timedelta, form: str = "") -> Json:
    """Times so much later than the first occurrence, for Graph or for an instance row."""
    begin, end = START + after, START + after + timedelta(hours=1)
    if form:
        return {
            name: {form: f"{each:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}
            for name, each in (("start", begin), ("end", end))
        }
    return {"scheduledstart": f"{begin:%Y-%m-%dT%H:%M:%SZ}", "scheduledend": f"{end:%Y-%m-%dT%H:%M:%SZ}"}


# --- looking ----------------------------------------------------------------------------------------


async def dataverse(person: Person, method: str, path: str, body: Any = None) -> Any:
    url = f"{person.world.dataverse.url}{path}"
    return await person.world.call(method, url, body, Prefer="return=representation")


async def master(person: Person) -> Json:
    events: list[Json] = (await person.graph("GET", "/events"))["value"]
    (found,) = [event for event in events if event["type"] == "seriesMaster"]
    return found


async def master_row(person: Person) -> Json:
    found: Json = await dataverse(person, "GET", f"/{MASTERS}?$filter=_ownerid_value eq {person.box.user_id}")
    (row,) = found["value"]
    return dict(row)


async def occurrences(person: Person, series: str) -> list[Json]:
    window = WINDOW.format(START - 2 * WEEK, START + 60 * WEEK)
    rows: list[Json] = (await person.graph("GET", f"/events/{series}/instances?{window}"))["value"]
    return sorted(rows, key=lambda row: str(row["start"]["dateTime"]))


async def instances(person: Person, row_id: str) -> list[Json]:
    query = f"?$filter=seriesid eq {row_id}&$orderby=originalstartdate"
    return list((await person.rows("GET", query))["value"])


async def outcome(person: Person) -> Any:
    """What people see in the end: every occurrence on both sides and every mail."""
    events = (await person.graph("GET", "/events"))["value"]
    shown = [
        (row["subject"], row["start"]["dateTime"][:16], row["location"]["displayName"])
        for event in events
        for row in await occurrences(person, event["id"])
    ]
    masters = f"/{MASTERS}?$filter=_ownerid_value eq {person.box.user_id}"
    kept = [
        (row["subject"], row["scheduledstart"][:16], row.get("location") or "")
        for each in (await dataverse(person, "GET", masters))["value"]
        for row in await instances(person, each["activityid"])
    ]
    mails = (await person.world.call("GET", f"{person.world.exchange.control_url}/outbox"))["value"]
    return len(events), shown, kept, sorted(m["kind"] for m in mails if m["from"] == person.box.address)
