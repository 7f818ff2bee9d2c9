"""Two colleagues with one of each: meetings born on either side, a meeting that both track, series with
exceptions, service appointments, contacts and tasks. For stories in which the service forgets them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared.engine.ports import Changes
from shared.engine.verify import verify
from shared.engine.verify_progress import Report, to_json
from shared.model.link import Link
from shared.model.profile import Profile
from tests.doubles.tables import MemoryItemIndex, MemoryMailboxStore
from tests.wire.dataverse_org import address, party
from tests.wire.people import CATEGORY, Json, People, Person
from tests.wire.todo import all_tasks

GUEST = "guest@fabrikam.example"
MASTERS = "recurringappointmentmasters"
ROWS = ("appointments", MASTERS, "serviceappointments", "contacts", "tasks", "phonecalls")
WEEK = timedelta(days=7)


def at(world: People, days: float, hour: int = 9) -> datetime:
    return (world.clock.now() + timedelta(days=days)).replace(hour=hour, minute=0, second=0, microsecond=0)


def graph_times(start: datetime) -> Json:
    end = start + timedelta(hours=1)
    return {
        name: {"dateTime": f"{each:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}
        for name, each in (("start", start), ("end", end))
    }


def row_times(start: datetime) -> Json:
    end = start + timedelta(hours=1)
    return {"scheduledstart": f"{start:%Y-%m-%dT%H:%M:%SZ}", "scheduledend": f"{end:%Y-%m-%dT%H:%M:%SZ}"}


async def add_event(person: Person, subject: str, *guests: str, days: float = 4, **values: Any) -> Json:
    people = [{"emailAddress": {"address": guest}, "type": "required"} for guest in guests]
    body = {
        "subject": subject,
        "categories": [CATEGORY],
        "attendees": people,
        **graph_times(at(person.world, days)),
        **values,
    }
    return dict(await person.graph("POST", "events", body))


async def add_appointment(person: Person, subject: str, *parties: Json, days: float = 5, **more: Any) -> Json:
    columns = {"subject": subject, **row_times(at(person.world, days)), **more}
    everyone = [party(7, "systemuser", person.user), *parties]
    return await person.make("appointments", appointment_activity_parties=everyone, **columns)


async def add_series(person: Person, subject: str) -> None:
    """Weekly, six times: the second is renamed, the third deleted."""
    start = at(person.world, 6)
    pattern = {
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": [f"{start:%A}".lower()]},
        "range": {"type": "numbered", "startDate": f"{start:%Y-%m-%d}", "numberOfOccurrences": 6},
    }
    body = {"subject": subject, "categories": [CATEGORY], "recurrence": pattern, **graph_times(start)}
    series = await person.graph("POST", "events", body)
    window = f"startDateTime={start:%Y-%m-%dT00:00:00Z}&endDateTime={start + 9 * WEEK:%Y-%m-%dT00:00:00Z}"
    rows = (await person.graph("GET", f"events/{series['id']}/instances?{window}&$top=50"))["value"]
    rows.sort(key=lambda row: str(row["start"]["dateTime"]))
    await person.graph("PATCH", f"events/{rows[1]['id']}", {"subject": f"{subject}, renamed"})
    await person.graph("DELETE", f"events/{rows[2]['id']}")


async def add_series_row(person: Person, subject: str, *parties: Json) -> None:
    """The same from Dynamics."""
    start = at(person.world, 6, 14)
    columns = {
        "recurrencepatterntype": 1,
        "interval": 1,
        "daysofweekmask": 1 << start.isoweekday() % 7,
        "patternendtype": 2,
        "occurrences": 6,
        "patternstartdate": f"{start:%Y-%m-%dT00:00:00Z}",
        "starttime": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "endtime": f"{start + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
    }
    everyone = [party(7, "systemuser", person.user), *parties]
    made = await person.make(
        MASTERS, subject=subject, recurringappointmentmaster_activity_parties=everyone, **columns
    )
    query = f"appointments?$filter=seriesid eq {made['activityid']}&$orderby=originalstartdate"
    rows = (await person.world.web_api("GET", query))["value"]
    await person.edit("appointments", rows[1]["activityid"], subject=f"{subject}, renamed")
    await person.delete("appointments", rows[2]["activityid"])


@dataclass
class Everything:
    world: People
    ada: Person
    bob: Person


async def everything(world: People) -> Everything:
    """All in step, and the outbox empty."""
    ada, bob = await world.person("ada"), await world.person("bob")
    await world.settle()
    await add_event(ada, "Alone, from Outlook")
    await add_event(ada, "With a guest, from Outlook", GUEST)
    shared = await add_event(ada, "Shared", bob.address, GUEST)
    await add_appointment(ada, "Alone, from Dynamics")
    await add_appointment(ada, "With a guest, from Dynamics", address(5, GUEST))
    await add_appointment(bob, "His, with her", party(5, "systemuser", ada.user))
    await add_series(ada, "Weekly from Outlook")
    await add_series_row(ada, "Weekly from Dynamics", address(5, GUEST))
    await ada.make(
        "serviceappointments",
        subject="Service",
        **row_times(at(world, 7)),
        serviceappointment_activity_parties=[party(10, "systemuser", p.user) for p in (ada, bob)],
    )
    await ada.add_contact(givenName="Maria", surname="Jones", jobTitle="CTO")
    await ada.make("contacts", firstname="Jim", lastname="Glynn", emailaddress1="jim@fabrikam.example")
    await ada.add_task("Call Jim", importance="high")
    await ada.make("tasks", subject="Write to Maria", percentcomplete=20)
    await ada.make("phonecalls", subject="Ring Maria")
    await world.settle()
    for event in (await bob.graph("GET", "events?$top=100"))["value"]:
        if event["subject"] == shared["subject"]:
            await bob.graph("PATCH", f"events/{event['id']}", {"categories": [CATEGORY]})
    await world.settle()
    await outbox(world)
    return Everything(world, ada, bob)


async def outbox(world: People) -> list[tuple[str, list[str]]]:
    """What Exchange mailed since the last look."""
    rows = (await world.control("exchange", "GET", "outbox"))["value"]
    await world.control("exchange", "DELETE", "outbox")
    return [(row["kind"], sorted(row["to"])) for row in rows]


# --- what people see ------------------------------------------------------------------------------


async def seen(world: People) -> dict[str, Any]:
    """The items of everybody, by what people know them by: doubles show, whatever their ids."""
    shown: dict[str, Any] = {}
    for person in world.everybody:
        events = (await person.graph("GET", "events?$top=200"))["value"]
        shown[person.address] = {
            "events": sorted((e["subject"], e["start"]["dateTime"], e["type"]) for e in events),
            "contacts": sorted(str(c["displayName"]) for c in await person.contacts()),
            "tasks": sorted((t["title"], t["status"]) for t in await all_tasks(person)),
        }
    for entity_set in ROWS:
        rows = (await world.web_api("GET", entity_set))["value"]
        shown[entity_set] = sorted(str(row.get("subject") or row.get("fullname")) for row in rows)
    return shown


async def pairs(person: Person) -> set[tuple[str, str | None, str]]:
    links = [link async for link in person.world.services.store.links(person.mailbox)]
    return {(link.dynamics_id, link.exchange_id, link.state.value) for link in links}


# --- what the service forgets ---------------------------------------------------------------------


def forget(world: People, *what: str) -> None:
    """``state`` (links, cursors, inboxes of all mailboxes), ``items``, or both."""
    if "state" in what:
        world.services = replace(world.services, store=MemoryMailboxStore())
    if "items" in what:
        world.services = replace(world.services, items=MemoryItemIndex())


async def lose_links(person: Person, only: Link | None = None) -> None:
    """Rows of the link table, while cursors and all else stand."""
    store = person.world.services.store
    links = [only] if only else [link async for link in store.links(person.mailbox)]
    agenda = await store.agenda(person.mailbox, inbox_limit=1)
    fence = await store.claim(person.mailbox, agenda.fence, deadline=person.world.clock.now(), lane="test")
    await store.commit(fence, Changes(dropped_links=links))


async def verified(person: Person, *, mend: bool = False) -> Json:
    """The whole report, slice after slice."""
    world, report = person.world, Report(mend=mend)
    profile = await world.services.profiles.get("default") or Profile()
    while not report.complete:
        await verify(world.services, await person.mailbox_row(), profile, report)
    return to_json(report)


async def write_links(person: Person, *links: Link) -> None:
    """As if an earlier version, or a restored table, had left them so."""
    store = person.world.services.store
    agenda = await store.agenda(person.mailbox, inbox_limit=1)
    fence = await store.claim(person.mailbox, agenda.fence, deadline=person.world.clock.now(), lane="test")
    await store.commit(fence, Changes(links=links))
