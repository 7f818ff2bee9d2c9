"""All checks, one after the other. A check that cannot be made is a finding as well."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.doctor import dynamics, edge, exchange, queues, running, storage
from shared.doctor.finding import Finding, failed, ok
from shared.doctor.patient import Patient
from shared.engine.services import Services
from shared.errors import SyncError
from shared.plain_words import sentence
from shared.settings import Settings

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

Check = Callable[[Patient], Awaitable[list[Finding]]]


@dataclass(frozen=True, slots=True)
class Row:
    """``fix``: what to do when the check itself comes to no end."""

    name: str
    check: Check
    fix: str


TABLE: tuple[Row, ...] = (
    Row("tables", storage.check, storage.FIX),
    Row("queues", queues.check, queues.FIX_ROLE),
    Row("exchange", exchange.check, exchange.FIX_PERMISSIONS),
    Row("edge", edge.check, edge.FIX_ADDRESS),
    Row("notifications", exchange.check_round_trip, exchange.FIX_PERMISSIONS),
    Row("dynamics", dynamics.check, dynamics.FIX_USER),
    Row("push", dynamics.check_push, dynamics.FIX_PUSH),
    Row("clock", running.check_clock, running.FIX_CLOCK),
    Row("feed", running.check_feed, running.FIX_WORKER),
    Row("subscriptions", running.check_subscriptions, running.FIX_RENEW),
    Row("mailboxes", running.check_mailboxes, running.FIX_WORKER),
)


async def examine(settings: Settings, services: Services, credential: AsyncTokenCredential) -> list[Finding]:
    """Reads much, writes next to nothing: one row, and messages and a subscription that are called off."""
    from shared.dynamics.dataverse.client import Client

    found = [ok("settings", "The app settings are complete.")]
    client = Client(settings.dataverse_url, credential, services.now)
    try:
        mailboxes = [mailbox async for mailbox in services.registry.all()]
    except SyncError as error:
        return [*found, failed("tables", sentence(error), storage.FIX)]
    try:
        patient = Patient(settings, services, credential, client, mailboxes)
        for row in TABLE:
            found += await _one(row, patient)
    finally:
        await client.close()
    return found


async def _one(row: Row, patient: Patient) -> Sequence[Finding]:
    try:
        return await row.check(patient)
    except SyncError as error:
        return [failed(row.name, sentence(error), row.fix)]
