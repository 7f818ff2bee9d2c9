"""The whole road from outside: a rig of its own, people's hands on both sides, and the admin API.

Only public interfaces are used: the rig's commands, Graph and Dataverse as a person, ``/_control`` and the
admin API. The timers never fire by themselves here, so that what arrives without ``settle`` was pushed.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import httpx

from local.rig.directory import RigDirectory
from local.rig.settle import settle
from shared.dynamics.dataverse.organization import SHARED

Json = dict[str, Any]
T = TypeVar("T")

ROOT = Path(__file__).parents[2]
CATEGORY = "Tracked to Dynamics 365"
PUBLIC_STRINGS = "{00020329-0000-0000-C000-000000000046}"
IMMUTABLE = 'IdType="ImmutableId", outlook.body-content-type="text"'
STAMPS = {
    "crmLinkState": "Double",
    "crmid": "String",
    "crmorgid": "String",
    "crmRegardingObjectId": "String",
    "crmRegardingObjectTypeCode": "String",
}
PARTIES = "appointment_activity_parties($select=participationtypemask,addressused,_partyid_value)"
TIMERS = ("DUE_MAILBOXES", "DYNAMICS_FEED", "RENEW_SUBSCRIPTIONS", "WATCH")
ARRIVES_WITHIN = 30.0
LOOK_EVERY = 0.02


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a mailbox and, mostly, a user in Dynamics."""

    address: str
    mailbox: str
    user: str = ""


@dataclass
class Road:
    """One rig. Everything is synchronous: people are slow, too."""

    directory: Path
    http: httpx.Client
    endpoints: Json = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    # --- the rig ----------------------------------------------------------------------------------

    def local(self, *arguments: str, expected: int = 0) -> str:
        """One of the rig's commands; its output."""
        shown = subprocess.run(
            [sys.executable, "-m", "local", "--directory", str(self.directory), *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=200,
            check=False,
        )
        log = self.directory / "logs" / "functions.log"
        tail = log.read_text(errors="replace")[-3000:] if log.exists() else ""
        assert shown.returncode == expected, f"{arguments}: {shown.returncode}\n{shown.stdout}\n{tail}"
        return shown.stdout

    def up(self, *settings: str) -> None:
        yearly = [f"{name}_SCHEDULE=0 0 0 1 1 *" for name in TIMERS]
        options = [part for setting in (*yearly, *settings) for part in ("--env", setting)]
        self.local("up", "--empty", *options)
        self.endpoints = json.loads((self.directory / "endpoints.json").read_text())

    def settle(self, timeout: float = 60) -> None:
        """As the command does, without a new process each time."""
        warnings: list[str] = []
        pending = asyncio.run(settle(RigDirectory(self.directory), timeout, warnings.append))
        assert not pending, f"not settled: {pending} {warnings}"

    def now(self) -> datetime:
        """The clock of all parts."""
        file = self.directory / "clock"
        offset = float(file.read_text() or 0) if file.exists() else 0.0
        return datetime.now(UTC) + timedelta(seconds=offset)

    def noon(self, days: int = 3) -> datetime:
        """Noon (UTC) so many days from now."""
        return (self.now() + timedelta(days=days)).replace(hour=12, minute=0, second=0, microsecond=0)

    # --- requests ---------------------------------------------------------------------------------

    def ask(self, method: str, url: str, body: Any = None, *, ok: Sequence[int] = (), **more: Any) -> Any:
        """The decoded answer; any other status than 2xx (or ``ok``) fails."""
        answer = self.http.request(method, url, json=body, **more)
        fine = answer.status_code in ok if ok else answer.is_success
        assert fine, f"{method} {url}: {answer.status_code} {answer.text[:800]}"
        return answer.json() if answer.content else None

    def graph(self, person: Person, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """As that person, in their own mailbox."""
        headers = {"Authorization": "Bearer somebody", "Prefer": IMMUTABLE, "X-Act-As": person.address}
        url = f"{self.endpoints['graph']}/users/{person.mailbox}{path}"
        return self.ask(method, url, body, headers=headers, **more)

    def dataverse(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """As a system administrator."""
        headers = {"Authorization": "Bearer somebody", "Prefer": "return=representation"}
        return self.ask(method, f"{self.endpoints['dataverse']}{path}", body, headers=headers, **more)

    def control(self, part: str, method: str, path: str, body: Any = None) -> Any:
        """``part``: graph or dataverse."""
        return self.ask(method, f"{self.endpoints[f'{part}_control']}{path}", body)

    def organization(self, **columns: Any) -> None:
        """Settings of the organization, no others of which are known to any worker any more."""
        self.control("dataverse", "PUT", "/organization", columns)
        self.local("advance", str(SHARED.total_seconds()))

    def admin(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        return self.ask(method, f"{self.endpoints['admin']}{path}", body, **more)

    # --- people -----------------------------------------------------------------------------------

    def outsider(self, name: str = "guest") -> str:
        return f"{name}{next(self._numbers)}@fabrikam.example"

    def mailbox(self, name: str = "ann", zone: str = "UTC") -> Person:
        """A mailbox without a user in Dynamics."""
        address = f"{name}{next(self._numbers)}@contoso.example"
        user = {"userPrincipalName": address, "displayName": name.title(), "timeZone": zone}
        return Person(address, self.control("graph", "POST", "/users", user)["id"])

    def person(self, name: str = "ann", zone: str = "UTC", *, subscribed: bool = True, **more: Any) -> Person:
        """A mailbox and its user, subscribed and past its first pass unless told otherwise."""
        box = self.mailbox(name, zone)
        user = {
            "internalemailaddress": box.address,
            "fullname": name.title(),
            "azureactivedirectoryobjectid": box.mailbox,
            "timeZone": zone,
            **more,
        }
        person = Person(
            box.address, box.mailbox, self.control("dataverse", "POST", "/users", user)["systemuserid"]
        )
        if subscribed:
            self.subscribe(person)
        return person

    def people(self, *names: str) -> list[Person]:
        """Several subscribed ones at once."""
        found = [self.person(name, subscribed=False) for name in names]
        self.subscribe(*found)
        return found

    def subscribe(self, *people: Person) -> None:
        """And wait for their first passes."""
        for person in people:
            body = {"address": person.address, "dynamicsUser": person.user}
            self.admin("POST", "/mailboxes", body, ok=(201,))
        for person in people:
            path = f"/mailboxes/{person.mailbox}"
            self.eventually(lambda path=path: self.admin("GET", path)["lastPassAt"], within=30)

    def contact(self, person: Person, name: str = "guest") -> tuple[str, str]:
        """A contact of that person's; id and address."""
        address = self.outsider(name)
        row = {
            "firstname": name,
            "lastname": "Contact",
            "emailaddress1": address,
            "ownerid@odata.bind": f"/systemusers({person.user})",
        }
        return self.dataverse("POST", "/contacts", row)["contactid"], address

    # --- Exchange ---------------------------------------------------------------------------------

    def add_event(self, person: Person, *guests: str, tracked: bool = True, **changes: Any) -> str:
        """An event as Outlook makes it; its immutable id."""
        stamps = changes.pop("stamps", None)
        body = {
            "subject": "Review",
            **self.times(self.noon()),
            "attendees": [{"type": "required", "emailAddress": {"address": a}} for a in guests],
            "categories": [CATEGORY] if tracked else [],
            **changes,
        }
        if stamps:
            body["singleValueExtendedProperties"] = [
                {"id": _stamp_id(name), "value": value} for name, value in stamps.items()
            ]
        return str(self.graph(person, "POST", "/events", body)["id"])

    @staticmethod
    def times(start: datetime, hours: float = 1) -> Json:
        end = start + timedelta(hours=hours)
        return {
            name: {"dateTime": f"{moment:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}
            for name, moment in (("start", start), ("end", end))
        }

    def edit_event(self, person: Person, event_id: str, **changes: Any) -> None:
        self.graph(person, "PATCH", f"/events/{event_id}", changes)

    def delete_event(self, person: Person, event_id: str) -> None:
        self.graph(person, "DELETE", f"/events/{event_id}")

    def events(self, person: Person) -> list[Json]:
        """All of them, with their stamps."""
        wanted = " or ".join(f"id eq '{_stamp_id(name)}'" for name in STAMPS)
        query = {"$top": "500", "$expand": f"singleValueExtendedProperties($filter={wanted})"}
        return list(self.graph(person, "GET", "/events", params=query)["value"])

    def event(self, person: Person, event_id: str) -> Json | None:
        return next((event for event in self.events(person) if event["id"] == event_id), None)

    def only_event(self, person: Person) -> Json:
        (event,) = self.events(person)
        return event

    def deliver(self, organizer: str, *people: Person, **changes: Any) -> list[str]:
        """An invitation from outside; the id of each copy, in order."""
        meeting = {
            "subject": "From outside",
            **self.times(self.noon()),
            "organizer": {"emailAddress": {"address": organizer, "name": organizer}},
            **changes,
        }
        body = {"to": [person.address for person in people], "meeting": meeting}
        self.control("graph", "POST", "/deliver", body)
        return [next(e["id"] for e in self.events(p) if e["subject"] == meeting["subject"]) for p in people]

    def outbox(self) -> list[tuple[str, list[str]]]:
        """What Exchange mailed since the last look."""
        rows = self.control("graph", "GET", "/outbox")["value"]
        self.control("graph", "DELETE", "/outbox")
        return [(row["kind"], sorted(row["to"])) for row in rows]

    # --- Dynamics ---------------------------------------------------------------------------------

    def add_appointment(self, organizer: Person, *parties: Json, **columns: Any) -> str:
        start = self.noon()
        row = {
            "subject": "Visit",
            "scheduledstart": text_of(start),
            "scheduledend": text_of(start + timedelta(hours=1)),
            "ownerid@odata.bind": f"/systemusers({organizer.user})",
            "appointment_activity_parties": [party(7, "systemuser", organizer.user), *parties],
            **columns,
        }
        return str(self.dataverse("POST", "/appointments", row)["activityid"])

    def edit_appointment(self, row_id: str, **columns: Any) -> None:
        self.dataverse("PATCH", f"/appointments({row_id})", columns)

    def delete_appointment(self, row_id: str) -> None:
        self.dataverse("DELETE", f"/appointments({row_id})")

    def appointments(self, person: Person) -> list[Json]:
        """Those that person owns, with their parties."""
        query = {"$filter": f"_ownerid_value eq {person.user}", "$expand": PARTIES}
        return list(self.dataverse("GET", "/appointments", params=query)["value"])

    def appointment(self, row_id: str) -> Json | None:
        query = {"$filter": f"activityid eq {row_id}", "$expand": PARTIES}
        rows = self.dataverse("GET", "/appointments", params=query)["value"]
        return dict(rows[0]) if rows else None

    def only_appointment(self, person: Person) -> Json:
        (row,) = self.appointments(person)
        return row

    # --- what the service says --------------------------------------------------------------------

    def history(self, person: Person, item: str = "") -> list[Json]:
        """Newest first."""
        rows: list[Json] = []
        url = f"{self.endpoints['admin']}/mailboxes/{person.mailbox}/history"
        query = {"item": item} if item else None
        while url:
            page = self.ask("GET", url, params=query)
            rows, url, query = rows + page["value"], page.get("nextLink"), None
        return rows

    def explain(self, person: Person, item: str) -> Json:
        return dict(
            self.admin("GET", f"/mailboxes/{person.mailbox}/explain", params={"item": item}, ok=(200,))
        )

    def preview(self, person: Person) -> Json:
        return dict(self.admin("POST", f"/mailboxes/{person.mailbox}/preview", ok=(200,)))

    @contextmanager
    def paused(self, person: Person) -> Iterator[None]:
        """What happens here, one pass sees all at once, however long it takes."""
        where = f"/mailboxes/{person.mailbox}"
        self.admin("POST", f"{where}/pause")
        yield
        self.admin("POST", f"{where}/resume")

    def decisions(self, person: Person) -> list[Json]:
        return list(self.admin("GET", "/decisions", params={"mailbox": person.mailbox})["value"])

    def eventually(self, look: Callable[[], T], within: float = ARRIVES_WITHIN) -> tuple[T, float]:
        """What ``look`` finds as soon as it finds something, and after how many seconds."""
        started = time.monotonic()
        while True:
            found = look()
            passed = time.monotonic() - started
            if found:
                return found, passed
            assert passed < within, f"nothing came within {within:g} s"
            time.sleep(LOOK_EVERY)


def party(mask: int, table: str, row_id: str) -> Json:
    """5 required, 6 optional, 7 organizer."""
    return {"participationtypemask": mask, f"partyid_{table}@odata.bind": f"/{table}s({row_id})"}


def address_party(mask: int, address: str) -> Json:
    return {"participationtypemask": mask, "addressused": address}


def stamps_of(event: Json) -> dict[str, str]:
    """Stamps by name."""
    return {
        row["id"].rsplit(" ", 1)[-1]: row["value"] for row in event.get("singleValueExtendedProperties") or ()
    }


def guests_of(event: Json) -> list[str]:
    return sorted(person["emailAddress"]["address"] for person in event["attendees"])


def parties_of(row: Json) -> set[tuple[int, str | None, str | None]]:
    """Organizer, required and optional ones: role, address, row."""
    return {
        (p["participationtypemask"], p.get("addressused"), p.get("_partyid_value"))
        for p in row["appointment_activity_parties"]
        if p["participationtypemask"] in (5, 6, 7)
    }


def text_of(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _stamp_id(name: str) -> str:
    return f"{STAMPS[name]} {PUBLIC_STRINGS} Name {name}"


@contextmanager
def running_road(directory: Path, *settings: str) -> Iterator[Road]:
    """A rig of its own, down at the end whatever happens."""
    with httpx.Client(timeout=60, trust_env=False) as http:
        road = Road(directory, http)
        try:
            road.up(*settings)
            yield road
        finally:
            road.local("down")
