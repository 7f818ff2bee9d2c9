"""Dataverse: are we let in, may we act for people, is change tracking on, is nobody else synchronizing?"""

from __future__ import annotations

from shared.doctor.finding import Finding, failed, note, ok
from shared.doctor.patient import Patient
from shared.dynamics.dataverse.changes import changes
from shared.dynamics.dataverse.closed_tables import OPTIONAL
from shared.dynamics.dataverse.odata import address, literal
from shared.dynamics.dataverse.tables import FEEDS
from shared.engine.closed_kinds import NAMES
from shared.engine.personal_gather import is_on
from shared.errors import MailboxBroken, ProfileBroken, Refused, SyncError
from shared.mailboxes.life_cycle import SERVER_SIDE_SYNC
from shared.model.mailbox import Mailbox
from shared.model.profile import Profile

NAME = "dynamics"
FIX_USER = "Let a Dynamics administrator run infra/scripts/dataverse_user.py; it is safe to run again."
FIX_KINDS = (
    "Give the user a role that may read them, and let a Dynamics administrator run "
    "infra/scripts/dataverse_user.py again; or switch that kind off in the profile."
)
FIX_TRACKING = (
    "In the maker portal open the table's properties, tick 'Track changes', save and publish; that cannot be "
    "taken back."
)
FIX_TWO_SERVICES = (
    "Set appointments, contacts and tasks to None in the user's mailbox record in Dynamics 365 (LNK-5); two "
    "services in one mailbox make duplicates."
)
NO_PUSH = (
    "No push from Dataverse: changes are found within half a minute, changed sync filters of users once a "
    "day (or as often as the profile's filterPollingMinutes says)."
)
FIX_PUSH = "To hear at once, set DATAVERSE_WEBHOOK_KEY and run infra/scripts/dataverse_push.py."


async def check(patient: Patient) -> list[Finding]:
    try:
        await patient.dataverse.read("WhoAmI", as_user=None, organization_wide=True)
    except SyncError as error:
        return [failed(NAME, f"Dataverse does not let us in ({_why(error)}).", FIX_USER)]
    found = [
        *await _tracking(patient),
        *await _settings(patient),
        *await _system_filters(patient),
        *await _people(patient),
    ]
    return found or [ok(NAME, "Dataverse lets us in, for the organization and for its users.")]


async def _system_filters(patient: Patient) -> list[Finding]:
    """Looked at for the whole organization, so that each mailbox need not ask."""
    try:
        await patient.services.dynamics.system_filters()
    except (ProfileBroken, Refused) as error:
        text = f"The system's sync filters cannot be read ({_why(error)}): changed ones are seen once a day."
        return [failed(NAME, text, FIX_USER)]
    return []


async def _tracking(patient: Patient) -> list[Finding]:
    """The flag first, then one row of the feed: it needs the right to read the whole organization."""
    found = []
    for table in FEEDS:
        path = address(
            "EntityDefinitions",
            select="LogicalName,ChangeTrackingEnabled",
            filter=f"LogicalName eq {literal(table)}",
        )
        rows = await patient.dataverse.rows(path, as_user=None, organization_wide=True)
        if not rows or not rows[0].get("ChangeTrackingEnabled"):
            seen = "its changes are found once a day only" if table in OPTIONAL else "no change is seen"
            text = f"Change tracking of the table {table} is off: {seen}."
            found.append(failed(NAME, text, FIX_TRACKING))
            continue
        try:
            await changes(patient.dataverse, table, None, page_size=1)
        except SyncError as error:
            text = f"The change feed of {table} cannot be read ({_why(error)})."
            found.append(failed(NAME, text, FIX_USER))
    return found


async def _settings(patient: Patient) -> list[Finding]:
    try:
        await patient.services.dynamics.organization()
    except SyncError as error:
        text = f"The organization's synchronization settings cannot be read ({_why(error)})."
        return [failed(NAME, text, FIX_USER)]
    return []


async def _people(patient: Patient) -> list[Finding]:
    """As each sample's owner: reading one row proves that we may act for that person."""
    found = []
    for mailbox in patient.samples:
        path = address("appointments", select="activityid", top="1")
        try:
            await patient.dataverse.read(path, as_user=mailbox.user_id)
            row = await patient.services.dynamics.mailbox_row(mailbox.user_id)
        except (MailboxBroken, ProfileBroken, Refused) as error:
            text = f"We may not act for the user of mailbox {mailbox.id} ({_why(error)})."
            found.append(failed(NAME, text, f"Check that the user is enabled and licensed. {FIX_USER}"))
            continue
        found += await _personal(patient, mailbox)
        if row and row.active and row.act_delivery_method == SERVER_SIDE_SYNC and row.enabled_for_act:
            text = f"Server-side synchronization handles mailbox {mailbox.id} too."
            found.append(failed(NAME, text, FIX_TWO_SERVICES))
    return found


async def _personal(patient: Patient, mailbox: Mailbox) -> list[Finding]:
    """Contacts and tasks as the owner may see them, and the filters that choose among them."""
    dynamics, client, user = patient.services.dynamics, patient.dataverse, mailbox.user_id
    profile = await patient.services.profiles.get(mailbox.profile) or Profile()
    found = []
    for kind, what in (*NAMES.items(), (None, "sync filters")):
        if kind is not None and not is_on(kind, profile):
            continue
        try:
            if kind is None:
                await dynamics.sync_filters(user)
            else:
                feed = FEEDS[kind]
                await client.read(address(feed.entity_set, select=feed.key, top="1"), as_user=user)
        except (ProfileBroken, Refused) as error:
            text = (
                f"The {what} of the user of mailbox {mailbox.id} cannot be read ({_why(error)}): "
                "they are left out, all else goes on."
            )
            found.append(failed(NAME, text, FIX_KINDS))
    return found


async def check_push(patient: Patient) -> list[Finding]:
    """The worker cannot see the registration, and need not: without a push the net finds every change."""
    if patient.settings.role == "all" and not patient.settings.dataverse_webhook_key:
        return [note("push", NO_PUSH, FIX_PUSH)]
    return []


def _why(error: SyncError) -> str:
    return " ".join(str(part) for part in (error.status, error.code or type(error).__name__) if part)
