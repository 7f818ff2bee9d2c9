"""Microsoft Graph: are we let in, may we read the mailboxes, and does a subscription reach our edge?"""

from __future__ import annotations

import secrets
from datetime import timedelta

from shared.doctor.finding import Finding, failed, note, ok
from shared.doctor.patient import Patient
from shared.engine.closed_kinds import NAMES, NEEDED, SWITCHES
from shared.engine.personal_gather import is_on
from shared.engine.ports import ExchangeMailbox
from shared.errors import SyncError
from shared.model.mailbox import Mailbox
from shared.model.personal import CONTACT, TASK
from shared.model.profile import Profile

NAME = "exchange"
FIX_PERMISSIONS = (
    "Let an Entra administrator run infra/scripts/graph_permissions.py (and an Exchange administrator "
    "exchange_scope.ps1, if mailboxes are scoped); new permissions take up to two hours."
)
FIX_TASKS = (
    "Let an Entra administrator run infra/scripts/graph_permissions.py --kinds tasks: Exchange has no role "
    "for To Do, so the permission holds for all mailboxes."
)
FIX_MAILBOX = "Check that it has a licence, is in the scope of exchange_scope.ps1, and still exists."
FIX_ROUND_TRIP = (
    "Graph must reach PUBLIC_BASE_URL from the internet: check that the edge runs "
    "(GET {url}/api/health), that no access restriction is set, and that its address is right."
)
SHORT_LIFE = timedelta(hours=1)


async def check(patient: Patient) -> list[Finding]:
    """Permissions show by using them: grants of Exchange do not stand in the token."""
    try:
        await patient.services.exchange.subscriptions()
    except SyncError as error:
        return [failed(NAME, f"Microsoft Graph does not let us in ({_why(error)}).", FIX_PERMISSIONS)]
    if not patient.samples:
        text = "Microsoft Graph lets us in. No mailbox is active yet, so the permissions were not tried."
        return [note(NAME, text, "Subscribe one mailbox and run the doctor again.")]
    found = [finding for mailbox in patient.samples for finding in await _mailbox(patient, mailbox)]
    return found or [ok(NAME, f"{len(patient.samples)} mailboxes can be read.")]


async def _mailbox(patient: Patient, mailbox: Mailbox) -> list[Finding]:
    """By its id: an address is somebody's data."""
    box = patient.services.exchange.mailbox(mailbox.id)
    for what, read, permission in (
        ("settings", box.info, "User.Read.All and MailboxSettings.Read"),
        ("calendars", box.calendars, "Calendars.ReadWrite"),
    ):
        try:
            await read()
        except SyncError as error:
            text = (
                f"The {what} of mailbox {mailbox.id} cannot be read ({_why(error)}); it needs {permission}."
            )
            return [failed(NAME, text, f"{FIX_MAILBOX} {FIX_PERMISSIONS}")]
    return [finding for kind in NAMES for finding in await _kind(patient, mailbox, box, kind)]


async def _kind(patient: Patient, mailbox: Mailbox, box: ExchangeMailbox, kind: str) -> list[Finding]:
    """Contacts or tasks, where the profile wants them: without the right the rest goes on."""
    profile = await patient.services.profiles.get(mailbox.profile) or Profile()
    if not is_on(kind, profile):
        return []
    try:
        await (box.contacts if kind == CONTACT else box.tasks).places()
    except SyncError as error:
        text = (
            f"The {NAMES[kind]} of mailbox {mailbox.id} cannot be read ({_why(error)}); it needs "
            f"{NEEDED[kind]}. They are left out until then, all else goes on."
        )
        scope = FIX_TASKS if kind == TASK else FIX_PERMISSIONS
        switch = f"Or set {SWITCHES[kind]} to false in the profile '{mailbox.profile}'."
        return [failed(NAME, text, f"{scope} {switch}")]
    return []


async def check_round_trip(patient: Patient) -> list[Finding]:
    """Graph calls the edge before it answers: a subscription that can be made proves the way there."""
    name = "notifications"
    if not patient.samples:
        return [note(name, "Not tried: no mailbox is active yet.")]
    exchange, mailbox = patient.services.exchange, patient.samples[0]
    try:
        made = await exchange.subscribe(
            mailbox.id,
            resource=f"/users/{mailbox.id}/events",
            client_state=secrets.token_urlsafe(32),
            expires_at=patient.services.now() + SHORT_LIFE,
        )
    except SyncError as error:
        fix = FIX_ROUND_TRIP.format(url=patient.settings.public_base_url)
        return [failed(name, f"Graph cannot subscribe us to a mailbox ({_why(error)}).", fix)]
    await exchange.delete_subscription(made.id)
    return [ok(name, "Graph reached the edge and made a subscription (removed again).")]


def _why(error: SyncError) -> str:
    return " ".join(str(part) for part in (error.status, error.code or type(error).__name__) if part)
