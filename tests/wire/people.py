"""The engine, its rules and jobs in this process, on its real adapters against both stand-ins, with tables in
memory and requests carried without sockets: for stories about contacts and tasks, told by the hundred."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx

from local.clock import Clock
from local.dataverse.stand_in import DataverseStandIn
from local.exchange.stand_in import ExchangeStandIn
from shared.credentials import DevelopmentCredential
from shared.dynamics.dataverse.system import Dataverse
from shared.engine.ports import HistoryRow, PendingDecision
from shared.engine.questions import explain, preview
from shared.engine.services import Services
from shared.exchange.graph import GraphExchange
from shared.jobs.messages import FeedJob
from shared.mailboxes import feed_jobs
from shared.model.link import Link
from shared.model.mailbox import Mailbox
from shared.model.profile import Profile
from shared.store.decisions import TableDecisionStore
from shared.store.feeds import TableFeedStore
from shared.store.history import TableHistoryStore
from shared.store.items import TableItemIndex
from shared.store.mailbox_store import TableMailboxStore
from shared.store.profiles import TableProfileStore
from shared.store.registry import TableMailboxRegistry
from shared.store.tables import Tables
from tests.doubles import lanes
from tests.doubles.jobs import RecordingJobs
from tests.doubles.tables import (
    MemoryAlertStore,
    MemoryAnswerStore,
    MemoryDeadLetterStore,
    MemoryDecisionStore,
    MemoryFeedStore,
    MemoryHistoryStore,
    MemoryItemIndex,
    MemoryMailboxRegistry,
    MemoryMailboxStore,
    MemoryProfileStore,
    MemorySubscriptionStore,
)
from tests.wire.carried import Carried, Nobody, Place

Json = dict[str, Any]
FEED = "org.example"
EXCHANGE, DATAVERSE = "127.0.0.1:1", "127.0.0.1:2"
CATEGORY = "Tracked to Dynamics 365"
PUBLIC_STRINGS = "{00020329-0000-0000-C000-000000000046}"
STAMPS = (
    "$expand=singleValueExtendedProperties($filter="
    f"id eq 'Double {PUBLIC_STRINGS} Name crmLinkState' or id eq 'String {PUBLIC_STRINGS} Name crmid')"
)
KEPT = 'IdType="ImmutableId", outlook.body-content-type="text"'


class Killed(BaseException):
    """The worker dies here: nothing in the product may catch it."""


@dataclass
class Person:
    """Somebody's mailbox, as Outlook shows it, and the Dynamics user behind it."""

    world: People
    mailbox: str
    user: str
    address: str

    # --- Outlook ----------------------------------------------------------------------------------

    async def graph(self, method: str, path: str, body: Any = None, *, missing: bool = False) -> Any:
        """A request of the mailbox's owner. ``missing``: 404 is an answer, None."""
        headers = {"Authorization": "Bearer somebody", "Prefer": KEPT}
        url = f"{self.world.exchange.url}/users/{self.mailbox}/{path}"
        response = await self.world.http.request(method, url, json=body, headers=headers)
        if missing and response.status_code == 404:
            return None
        assert response.status_code < 300, response.text
        return response.json() if response.content else {}

    async def add_contact(self, *, tracked: bool = True, folder: str = "", **values: Any) -> Json:
        body = {"categories": [CATEGORY] if tracked else [], **values}
        place = f"contactFolders/{folder}/contacts" if folder else "contacts"
        made: Json = await self.graph("POST", place, body)
        return made

    async def contact(self, contact_id: str) -> Json | None:
        found: Json | None = await self.graph("GET", f"contacts/{contact_id}?{STAMPS}", missing=True)
        return found

    async def contacts(self) -> list[Json]:
        return list((await self.graph("GET", "contacts?$top=500"))["value"])

    async def edit_contact(self, contact_id: str, **values: Any) -> None:
        await self.graph("PATCH", f"contacts/{contact_id}", values)

    async def delete_contact(self, contact_id: str) -> None:
        await self.graph("DELETE", f"contacts/{contact_id}")

    async def lists(self) -> list[Json]:
        return list((await self.graph("GET", "todo/lists"))["value"])

    async def default_list(self) -> str:
        return str(next(row["id"] for row in await self.lists() if row["wellknownListName"] == "defaultList"))

    async def add_task(self, title: str, *, tracked: bool = True, place: str = "", **values: Any) -> Json:
        body = {"title": title, "categories": [CATEGORY] if tracked else [], **values}
        made: Json = await self.graph("POST", f"todo/lists/{place or await self.default_list()}/tasks", body)
        return made

    async def tasks(self, place: str = "") -> list[Json]:
        path = f"todo/lists/{place or await self.default_list()}/tasks?$expand=linkedResources&$top=200"
        return list((await self.graph("GET", path))["value"])

    async def task(self, title: str) -> Json | None:
        return next((row for row in await self.tasks() if row["title"] == title), None)

    async def edit_task(self, task_id: str, place: str = "", **values: Any) -> None:
        await self.graph("PATCH", f"todo/lists/{place or await self.default_list()}/tasks/{task_id}", values)

    async def delete_task(self, task_id: str, place: str = "") -> None:
        await self.graph("DELETE", f"todo/lists/{place or await self.default_list()}/tasks/{task_id}")

    # --- Dynamics ---------------------------------------------------------------------------------

    async def web_api(self, method: str, path: str, body: Any = None, *, missing: bool = False) -> Any:
        """A request of this user."""
        return await self.world.web_api(method, path, body, missing=missing, user=self.user)

    async def make(self, entity_set: str, **columns: Any) -> Json:
        """A row that this user owns."""
        body = {**columns, "ownerid@odata.bind": f"/systemusers({self.user})"}
        made: Json = await self.world.web_api("POST", entity_set, body)
        return made

    async def row(self, entity_set: str, row_id: str) -> Json | None:
        found: Json | None = await self.world.web_api("GET", f"{entity_set}({row_id})", missing=True)
        return found

    async def rows(self, entity_set: str, condition: str = "") -> list[Json]:
        query = f"?$filter={condition}" if condition else ""
        return list((await self.world.web_api("GET", f"{entity_set}{query}"))["value"])

    async def edit(self, entity_set: str, row_id: str, **columns: Any) -> None:
        await self.world.web_api("PATCH", f"{entity_set}({row_id})", columns)

    async def delete(self, entity_set: str, row_id: str) -> None:
        await self.world.web_api("DELETE", f"{entity_set}({row_id})")

    # --- the service ------------------------------------------------------------------------------

    async def run_pass(self, cause: str = "test") -> None:
        await lanes.run_pass(self.world.services, self.world.jobs, self.mailbox, cause)

    async def links(self, kind: str) -> list[Link]:
        return [link async for link in self.world.services.store.links(self.mailbox, kind)]

    async def history(self, item_id: str | None = None) -> list[HistoryRow]:
        """Oldest first."""
        rows, _ = await self.world.services.history.of_item(self.mailbox, item_id, limit=500, after=None)
        return list(reversed(rows))

    async def decisions(self) -> list[PendingDecision]:
        return list(await self.world.services.decisions.of_mailbox(self.mailbox))

    async def answer(self, decision: PendingDecision, answer: str) -> None:
        await self.world.services.decisions.put(replace(decision, answer=answer))

    async def preview(self) -> Json:
        return dict(await preview(self.world.services, await self.mailbox_row(), await self._profile()))

    async def explain(self, item_id: str) -> Json:
        return dict(
            await explain(self.world.services, await self.mailbox_row(), await self._profile(), item_id)
        )

    async def mailbox_row(self) -> Mailbox:
        found = await self.world.services.registry.get(self.mailbox)
        assert found is not None
        return found

    async def _profile(self) -> Profile:
        return await self.world.services.profiles.get("default") or Profile()


@dataclass
class People:
    """Both services, everybody in them, and ``settle()``."""

    exchange: Place
    dataverse: Place
    clock: Clock
    http: httpx.AsyncClient
    services: Services
    jobs: RecordingJobs
    everybody: list[Person] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    kill_at: int | None = None

    async def on_step(self, name: str) -> None:
        self.steps.append(name)
        if self.kill_at is not None and len(self.steps) == self.kill_at:
            self.kill_at = None
            raise Killed(name)

    async def person(self, name: str, *, zone: str = "UTC", role: str = "usual", on: bool = True) -> Person:
        address = f"{name}@contoso.example"
        body = {"userPrincipalName": address, "displayName": name.title(), "timeZone": zone}
        mailbox = (await self.control("exchange", "POST", "users", body))["id"]
        body = {
            "internalemailaddress": address,
            "fullname": f"{name.title()} Example",
            "azureactivedirectoryobjectid": str(uuid4()),
            "role": role,
            "timeZone": zone,
        }
        user = (await self.control("dataverse", "POST", "users", body))["systemuserid"]
        person = Person(self, mailbox, user, address)
        if on:
            await self.subscribe(person, zone)
        return person

    async def subscribe(self, person: Person, zone: str = "UTC") -> None:
        row = Mailbox(
            id=person.mailbox,
            address=person.address,
            user_id=person.user,
            time_zone=zone,
            created_at=self.clock.now(),
        )
        await self.services.registry.add(row)
        self.everybody.append(person)

    async def profile(self, **changes: Any) -> None:
        known = await self.services.profiles.get("default") or Profile()
        await self.services.profiles.put(replace(known, **changes))

    async def setting(self, **values: Any) -> None:
        """Settings of the Dynamics organization."""
        await self.control("dataverse", "PUT", "organization", {"orgdborgsettings": values})

    async def control(self, part: str, method: str, path: str, body: Any = None) -> Any:
        host = (self.exchange if part == "exchange" else self.dataverse).control_url
        response = await self.http.request(method, f"{host}/{path}", json=body)
        assert response.status_code < 300, response.text
        return response.json() if response.content else {}

    async def fault(self, part: str, do: str, times: int = 1, **match: Any) -> None:
        rule = {"match": match, "times": times, "do": do}
        await self.control(part, "POST", "faults", rule)

    async def web_api(
        self, method: str, path: str, body: Any = None, *, missing: bool = False, user: str | None = None
    ) -> Any:
        """A request of a system administrator, or of a user."""
        headers = {"Authorization": "Bearer somebody", "Prefer": "return=representation"}
        if user:
            headers["MSCRMCallerID"] = user
        url = f"{self.dataverse.url}/{path}"
        response = await self.http.request(method, url, json=body, headers=headers)
        if missing and response.status_code == 404:
            return None
        assert response.status_code < 300, response.text
        return response.json() if response.content else {}

    def forward(self, **time: float) -> None:
        """Time passes for everybody."""
        seconds = time.get("seconds", 0) + 60 * time.get("minutes", 0) + 3600 * time.get("hours", 0)
        self.clock.advance(seconds + 86400 * time.get("days", 0))

    # --- running ----------------------------------------------------------------------------------

    async def read_feed(self) -> None:
        await feed_jobs.run(self.services, FeedJob(FEED, "test"))

    async def counted(self, part: str) -> dict[str, int]:
        """Requests of the service since the last time this was asked."""
        counts: dict[str, int] = (await self.control(part, "GET", "requests"))["byKind"]
        await self.control(part, "DELETE", "requests")
        return counts

    async def settle(self, rounds: int = 12) -> int:
        """Feed readings and passes until nothing changes any more; returns the rounds it took."""
        for number in range(1, rounds + 1):
            before = await self._versions()
            await self.read_feed()
            for person in self.everybody:
                await person.run_pass()
            await self.take_jobs()
            if await self._versions() == before:
                return number
        raise AssertionError(f"still changing after {rounds} rounds")

    async def take_jobs(self) -> None:
        for job in self.jobs.take():
            if job.queue == "dynamics-feed":
                await self.read_feed()
                continue
            if job.at is not None and job.at > self.clock.now():
                self.clock.advance((job.at - self.clock.now()).total_seconds())
            await lanes.work(self.services, job)

    async def _versions(self) -> tuple[int, int]:
        return (
            (await self.control("exchange", "GET", "version"))["version"],
            (await self.control("dataverse", "GET", "version"))["version"],
        )


@asynccontextmanager
async def people(tables: Tables | None = None) -> AsyncIterator[People]:
    """An organization and its mailboxes, with nobody in them yet. ``tables``: where the state of mailboxes,
    items and history is kept, where requests to them are to be counted."""
    clock, credential, jobs = Clock(), DevelopmentCredential("app"), RecordingJobs()
    exchange = ExchangeStandIn(clock, Nobody(), latency=0)
    dataverse = DataverseStandIn(clock, Nobody())
    carrier = Carried({EXCHANGE: exchange, DATAVERSE: dataverse})
    graph = GraphExchange(
        f"http://{EXCHANGE}/v1.0", credential, "http://127.0.0.1:9", clock.now, transport=carrier
    )
    dynamics = Dataverse(
        f"http://{DATAVERSE}",
        credential,
        clock.now,
        transport=carrier,
        settings_shared_for=timedelta(),
    )

    async def on_step(name: str) -> None:
        await world.on_step(name)

    services = Services(
        exchange=graph,
        dynamics=dynamics,
        store=TableMailboxStore(tables) if tables else MemoryMailboxStore(),
        items=TableItemIndex(tables) if tables else MemoryItemIndex(),
        history=TableHistoryStore(tables) if tables else MemoryHistoryStore(),
        decisions=TableDecisionStore(tables) if tables else MemoryDecisionStore(),
        registry=TableMailboxRegistry(tables) if tables else MemoryMailboxRegistry(),
        profiles=TableProfileStore(tables) if tables else MemoryProfileStore(),
        answers=MemoryAnswerStore(clock.now),
        feeds=TableFeedStore(tables) if tables else MemoryFeedStore(),
        subscriptions=MemorySubscriptionStore(),
        dead_letters=MemoryDeadLetterStore(),
        alerts=MemoryAlertStore(),
        jobs=jobs,
        now=clock.now,
        feed=FEED,
        on_step=on_step,
    )
    async with httpx.AsyncClient(transport=carrier) as http:
        world = People(
            Place(f"http://{EXCHANGE}/v1.0", f"http://{EXCHANGE}/_control"),
            Place(f"http://{DATAVERSE}/api/data/v9.2", f"http://{DATAVERSE}/_control"),
            clock,
            http,
            services,
            jobs,
        )
        try:
            yield world
        finally:
            await graph.close()
            await dynamics.close()
            await dataverse.close()
            exchange.close()
