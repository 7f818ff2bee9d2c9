"""Subscribe a mailbox, enable, pause, resume, remove it (MBX-2, MBX-3, MBX-9 to MBX-11)."""

from __future__ import annotations

from collections.abc import Sequence

from shared.engine.filters import watch
from shared.engine.ports import DynamicsUser, MailboxInfo
from shared.engine.services import Services
from shared.errors import Conflict, FenceLost, MailboxBroken, NotFound, SyncError
from shared.lane import Lane
from shared.mailboxes import change_notifications
from shared.model.mailbox import Mailbox, MailboxState
from shared.model.personal import PERSONAL_TABLES

SERVER_SIDE_SYNC = 1
"""``actdeliverymethod`` of a mailbox that Microsoft's own sync handles (MBX-6)."""
FENCE_TRIES = 5
ENTRIES = 100


class Rejected(SyncError):  # noqa: N818
    """An administrator asked for something that cannot be: ``status`` and ``code`` say why."""


def rejected(status: int, code: str, message: str) -> Rejected:
    return Rejected(message, code=code, status=status)


def unknown_profile(profile: str) -> Rejected:
    return rejected(
        400,
        "unknownProfile",
        f"There is no profile '{profile}'; make it with PUT /profiles/{profile}, or leave it out.",
    )


async def subscribe(
    services: Services, address: str, dynamics_user: str, *, enable: bool, profile: str
) -> tuple[Mailbox, bool]:
    """The mailbox and whether it is new. Idempotent; raises Rejected with a plain reason."""
    if await services.profiles.get(profile) is None:
        raise unknown_profile(profile)
    info = await _mailbox_info(services, address)
    user = await _dynamics_user(services, dynamics_user)
    known = await services.registry.get(info.id)
    if known is not None:
        return _already_there(known, user), False
    await refuse_other_sync(services, user.id)
    mailbox = Mailbox(
        id=info.id,
        address=info.address.lower(),
        user_id=user.id,
        state=MailboxState.ACTIVE if enable else MailboxState.DISABLED,
        profile=profile,
        display_name=info.display_name,
        time_zone=info.time_zone,
        due_at=services.now(),
        created_at=services.now(),
    )
    try:
        added = await services.registry.add(mailbox)
    except Conflict as error:
        twin = await services.registry.get(info.id)
        if twin is None:
            message = "This Dynamics user or address already belongs to another subscribed mailbox (MBX-3)."
            raise rejected(409, "alreadyMapped", message) from error
        return _already_there(twin, user), False
    if enable:
        await services.jobs.again(added.id, "enable")
    return added, True


async def _mailbox_info(services: Services, address: str) -> MailboxInfo:
    try:
        return await services.exchange.find_mailbox(address)
    except NotFound as error:
        message = "Exchange Online has no user with this address; check its spelling and the tenant."
        raise rejected(404, "mailboxNotFound", message) from error
    except MailboxBroken as error:
        message = "The user has no mailbox in Exchange Online that this service may use: check its licence."
        raise rejected(400, "mailboxNotUsable", message) from error


async def _dynamics_user(services: Services, id_or_address: str) -> DynamicsUser:
    try:
        user = await services.dynamics.find_user(id_or_address)
    except NotFound:
        user = None
    if user is None:
        message = "Dynamics 365 has no user with this id or primary e-mail address; check it there."
        raise rejected(404, "dynamicsUserNotFound", message)
    if user.disabled:
        raise rejected(
            400, "dynamicsUserDisabled", "The Dynamics 365 user is disabled; enable it or name another."
        )
    return user


def _already_there(known: Mailbox, user: DynamicsUser) -> Mailbox:
    if known.user_id != user.id:
        message = "This mailbox is already mapped to another Dynamics 365 user (MBX-3). Remove it first."
        raise rejected(409, "alreadyMapped", message)
    return known


async def refuse_other_sync(services: Services, user_id: str) -> None:
    """Two services in one mailbox make duplicates of everything (LNK-5, MBX-6)."""
    row = await services.dynamics.mailbox_row(user_id)
    if row and row.active and row.act_delivery_method == SERVER_SIDE_SYNC and row.enabled_for_act:
        raise rejected(
            409,
            "handledByServerSideSync",
            "Server-side synchronization still handles appointments, contacts and tasks of this mailbox. "
            "Set that to None in its mailbox record first (LNK-5).",
        )


# --- states ---------------------------------------------------------------------------------------

_ALLOWED = {
    "enable": (MailboxState.DISABLED, MailboxState.BROKEN, MailboxState.ACTIVE),
    "pause": (MailboxState.ACTIVE, MailboxState.PAUSED),
    "resume": (MailboxState.PAUSED, MailboxState.ACTIVE),
}


async def change_state(services: Services, mailbox: Mailbox, verb: str) -> Mailbox:
    """``enable``, ``pause`` or ``resume``; repeating one is harmless."""
    if mailbox.state not in _ALLOWED[verb]:
        raise rejected(409, "wrongState", f"A mailbox that is {mailbox.state} cannot be told to {verb}.")
    target = MailboxState.PAUSED if verb == "pause" else MailboxState.ACTIVE
    if target is MailboxState.ACTIVE and mailbox.state is not target:
        await refuse_other_sync(services, mailbox.user_id)
    if mailbox.state is not target:
        await services.registry.patch(
            mailbox.id,
            state=target.value,
            failures=0,
            last_error="",
            retry_at=None,
            due_at=services.now(),
        )
        mailbox = await services.registry.get(mailbox.id) or mailbox
    if target is MailboxState.ACTIVE:
        await services.jobs.again(mailbox.id, verb)
    return mailbox


async def remove(services: Services, mailbox: Mailbox) -> None:
    """Stop, remove the subscriptions, keep all items on both sides. Links, cursors and waiting decisions are
    kept too: a mailbox that comes back goes on where it was, and nothing that a person ended comes back
    with it. The registry's row goes last, so that a removal cut off in between can be asked for again."""
    await services.registry.patch(mailbox.id, state=MailboxState.DISABLED.value)
    await _stop_pass(services, mailbox.id)
    await change_notifications.remove_all(services, mailbox.id)
    async for link in services.store.links(mailbox.id):
        if link.linked:
            await services.items.leave(link.table, link.dynamics_id, mailbox.id)
    await watch(services, mailbox.id, (), PERSONAL_TABLES)
    await services.registry.remove(mailbox)


async def _stop_pass(services: Services, mailbox_id: str) -> None:
    """Take the fence from a pass that is under way: it ends at its next write without a key, or commit. Where
    the first sync is not over, the mailbox stays in its lane, should it come back."""
    for _ in range(FENCE_TRIES):
        agenda = await services.store.agenda(mailbox_id, inbox_limit=1)
        lane = agenda.fence.lane if agenda.fence else Lane.SYNC.value
        try:
            await services.store.claim(mailbox_id, agenda.fence, deadline=services.now(), lane=lane)
        except FenceLost:
            continue
        return
    raise Conflict("the mailbox's pass could not be stopped")


async def rejoin(services: Services, mailbox_id: str) -> None:
    """A mailbox that was removed and came back is put into the index of items again."""
    linked: dict[str, list[str]] = {}
    async for link in services.store.links(mailbox_id):
        if link.linked:
            linked.setdefault(link.table, []).append(link.dynamics_id)
    for table, ids in linked.items():
        for begin in range(0, len(ids), ENTRIES):
            await _rejoin(services, mailbox_id, table, ids[begin : begin + ENTRIES])


async def _rejoin(services: Services, mailbox_id: str, table: str, ids: Sequence[str]) -> None:
    entries = await services.items.entries(table, ids)
    for dynamics_id in ids:
        if dynamics_id not in entries or mailbox_id not in entries[dynamics_id].mailboxes:
            await services.items.join(table, dynamics_id, mailbox_id)
