"""One run of the demonstration on a rig that is up: load, subscribe, settle, edit, settle, report."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp

from local.demo import report
from local.demo.admin import Admin, HistoryRow
from local.demo.edits import Desk, Edit
from local.demo.personal_edits import PersonalDesk
from local.rig.directory import RigDirectory
from local.rig.endpoints import read_endpoints
from local.rig.settle import settle
from local.tenant import Tenant, load
from local.tenant.services import Service

SETTLE_SECONDS = 120.0
# Future appointments that Dynamics has with attendees and Exchange has not.
INVITED_FROM_DYNAMICS = ("Let's go brunch", "Visit Fabrikam")
CHOSEN = "Jane Healy"
Say = Callable[[str], None]


class DemoFailed(Exception):  # noqa: N818
    """The demonstration did not show what it is there to show."""


@dataclass
class Phases:
    """How long each phase took."""

    seconds: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.seconds.append((name, time.monotonic() - started))


@dataclass
class Show:
    """``mailboxes``: the subscribed mailboxes' ids by their owners' names."""

    directory: RigDirectory
    say: Say
    phases: Phases
    exchange: Service
    dataverse: Service
    admin: Admin
    mailboxes: dict[str, str] = field(default_factory=dict)

    async def open(self) -> Tenant:
        """The sample tenant, its mailboxes subscribed."""
        with self.phases.timed("sample tenant loaded"):
            tenant = await load(read_endpoints(self.directory))
        with self.phases.timed("mailboxes subscribed"):
            for user in tenant.synchronized:
                self.mailboxes[user.name] = await self.admin.subscribe(user.address)
        names = ", ".join(f"{user.name} ({user.time_zone})" for user in tenant.synchronized)
        self.say(f"\nsubscribed: {names}")
        return tenant

    async def run(self) -> None:
        tenant = await self.open()
        first = await self._settled("first synchronization")
        self.say(
            report.section("First synchronization: what was synced, and by which rule", report.synced(first))
        )
        self.say(report.section("Counted by kind", report.counted(first)))
        check_first_mail(await self._tell_cost())

        now = datetime.now(UTC)
        answer = await self._answer_question()
        desk = Desk(self.exchange, self.dataverse, tenant, pairs(first), now)
        with self.phases.timed("edits on both sides"):
            edits = await desk.edit_everything()
            edits += await PersonalDesk(desk, answer).edit_everything()
        rows = await self._settled("edits synchronized", since=now)
        results = [(edit, await edit.wrong()) for edit in edits]
        self.say(
            report.section("Edits that people then made, and whether they arrived", report.arrived(results))
        )
        self.say(report.section("What was synced, and by which rule", report.synced(rows)))
        self.say(report.section("Counted by kind", report.counted(rows)))
        await self._tell_cost()
        await self._conclude(results)

    async def _answer_question(self) -> str:
        """Alex's J. Healy may be one of two people in Dynamics: an administrator says who. The answer."""
        waiting = await self.admin.decisions()
        self.say(report.section("What waits for an administrator", report.asked(waiting)))
        for question in waiting:
            for candidate in question.get("candidates", ()):
                if question["item"]["exchange"] and candidate["label"].startswith(CHOSEN):
                    await self.admin.answer(question, candidate["id"])
                    return str(candidate["label"])
        raise DemoFailed("nobody was asked who J. Healy is")

    async def _settled(self, name: str, since: datetime | None = None) -> list[HistoryRow]:
        """Settle; then everything in the histories since a moment, oldest first."""
        with self.phases.timed(name):
            warnings: list[str] = []  # messages that were given up; there should be none
            pending = await settle(self.directory, SETTLE_SECONDS, warnings.append)
        if pending or warnings:
            raise DemoFailed("it did not settle: " + "; ".join([*pending, *warnings]))
        rows = [
            row for who, mailbox in self.mailboxes.items() for row in await self.admin.history(who, mailbox)
        ]
        return sorted((row for row in rows if since is None or row.at >= since), key=lambda row: row.at)

    async def _tell_cost(self) -> list[Mapping[str, Any]]:
        """Mail and requests since the last time, and start counting anew; the mail."""
        messages: list[Mapping[str, Any]] = (await self.exchange.set_up("GET", "/outbox"))["value"]
        self.say(report.section("Mail that Exchange sent", report.mailed(messages)))
        counts: dict[str, Mapping[str, Any]] = {
            "exchange": await self.exchange.set_up("GET", "/requests"),
            "dynamics": await self.dataverse.set_up("GET", "/requests"),
        }
        self.say(report.section("Requests that the service used", report.requests(counts)))
        await self.exchange.set_up("DELETE", "/outbox")
        for service in (self.exchange, self.dataverse):
            await service.set_up("DELETE", "/requests")
        return messages

    async def _conclude(self, results: list[tuple[Edit, str]]) -> None:
        waiting = await self.admin.decisions()
        missed = [edit.text for edit, wrong in results if wrong]
        if missed:
            raise DemoFailed("these edits did not arrive: " + "; ".join(missed))
        if waiting:
            raise DemoFailed(f"{len(waiting)} decisions wait for an administrator, and none should")


def check_first_mail(messages: Sequence[Mapping[str, Any]]) -> None:
    """A first synchronization invites to what Dynamics alone had, and mails nobody else (PAIN-2)."""
    sent = sorted((message["kind"], message["subject"]) for message in messages)
    if sent != [("invitation", subject) for subject in INVITED_FROM_DYNAMICS]:
        raise DemoFailed(
            f"the first synchronization mailed what it should not have, or not what it should: {sent}"
        )


def pairs(rows: list[HistoryRow]) -> dict[str, str]:
    """The other side's id of each linked item, by the id of either side."""
    found: dict[str, str] = {}
    for row in rows:
        exchange, dynamics = row.row["item"]["exchange"], row.row["item"]["dynamics"]
        if exchange and dynamics:
            found[exchange], found[dynamics] = dynamics, exchange
    return found


@asynccontextmanager
async def shown(directory: RigDirectory, say: Say, phases: Phases) -> AsyncIterator[Show]:
    """A show on a rig that is up, with its connections."""
    endpoints = read_endpoints(directory)
    async with aiohttp.ClientSession() as http:
        exchange = Service(http, endpoints["graph"], endpoints["graph_control"])
        dataverse = Service(http, endpoints["dataverse"], endpoints["dataverse_control"])
        yield Show(directory, say, phases, exchange, dataverse, Admin(http, endpoints["admin"]))
