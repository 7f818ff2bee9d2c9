"""Subscribe a mailbox, enable, pause, resume, remove it (MBX-2, MBX-3, MBX-9 to MBX-11)."""

from __future__ import annotations

from dataclasses import replace

from shared.engine.gather import CALENDARS_FEED, INBOX_LIMIT, TABLE
from shared.engine.ports import Changes, DynamicsUser, MailboxInfo
from shared.engine.services import Services
from shared.errors import Conflict, MailboxBroken, NotFound, SyncError
from shared.mailboxes import change_notifications
from shared.model.mailbox import Mailbox, MailboxState

SERVER_SIDE_SYNC = 1
"""``actdeliverymethod`` of a mailbox that Microsoft's own sync handles (MBX-6)."""


class Rejected(SyncError):  # noqa: N818
    """An administrator asked for something that cannot be: ``status`` and ``code`` say why."""


def rejected(status: int, code: str, message: str) -> Rejected:
    return Rejected(message, code=code, status=status)


async def subscribe(
    services: Services, address: str, dynamics_user: str, *, enable: bool, profile: str
) -> tuple[Mailbox, bool]:
    """The mailbox and whether it is new. Idempotent; raises Rejected with a plain reason."""
    if await services.profiles.get(profile) is None:
        raise rejected(400, "unknownProfile", f"There is no profile '{profile}'.")
    info = await _mailbox_info(services, address)
    user = await _dynamics_user(services, dynamics_user)
    known = await services.registry.get(info.id)
    if known is not None:
        return _already_there(known, user), False
    await _refuse_other_sync(services, user)
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
        raise rejected(
            409, "alreadyMapped", "This Dynamics user already has another subscribed mailbox (MBX-3)."
        ) from error
    if enable:
        await services.jobs.again(added.id, "enable")
    return added, True


async def _mailbox_info(services: Services, address: str) -> MailboxInfo:
    try:
        return await services.exchange.find_mailbox(address)
    except NotFound as error:
        raise rejected(404, "mailboxNotFound", "Exchange Online has no user with this address.") from error
    except MailboxBroken as error:
        message = "The user has no mailbox in Exchange Online that this service may use."
        raise rejected(400, "mailboxNotUsable", message) from error


async def _dynamics_user(services: Services, id_or_address: str) -> DynamicsUser:
    try:
        user = await services.dynamics.find_user(id_or_address)
    except NotFound:
        user = None
    if user is None:
        message = "Dynamics 365 has no user with this id or primary e-mail address."
        raise rejected(404, "dynamicsUserNotFound", message)
    if user.disabled:
        raise rejected(400, "dynamicsUserDisabled", "The Dynamics 365 user is disabled.")
    return user


def _already_there(known: Mailbox, user: DynamicsUser) -> Mailbox:
    if known.user_id != user.id:
        message = "This mailbox is already mapped to another Dynamics 365 user (MBX-3). Remove it first."
        raise rejected(409, "alreadyMapped", message)
    return known


async def _refuse_other_sync(services: Services, user: DynamicsUser) -> None:
    """Two services in one mailbox make duplicates of everything (LNK-5, MBX-6)."""
    row = await services.dynamics.mailbox_row(user.id)
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
    if mailbox.state is not target:
        changed = replace(mailbox, state=target, failures=0, last_error="", due_at=services.now())
        mailbox = await services.registry.update(changed)
    if target is MailboxState.ACTIVE:
        await services.jobs.again(mailbox.id, verb)
    return mailbox


async def remove(services: Services, mailbox: Mailbox) -> None:
    """Stop, remove the subscriptions, keep all items on both sides. The links are kept too: a mailbox that
    comes back goes on where it was, and nothing that a person ended comes back with it."""
    await services.registry.remove(mailbox)
    await change_notifications.remove_all(services, mailbox.id)
    async for link in services.store.links(mailbox.id):
        if link.linked:
            await services.items.leave(link.table, link.dynamics_id, mailbox.id)
    await _forget_cursors(services, mailbox.id)


async def _forget_cursors(services: Services, mailbox_id: str) -> None:
    agenda = await services.store.agenda(mailbox_id, inbox_limit=INBOX_LIMIT)
    fence = await services.store.claim(mailbox_id, agenda.fence, deadline=services.now(), lane="mailbox-sync")
    names = [name for name in agenda.cursors if name == CALENDARS_FEED or name.startswith("calendar:")]
    await services.store.commit(fence, Changes(dropped_cursors=names, inbox_removed=agenda.inbox))


async def rejoin(services: Services, mailbox_id: str) -> None:
    """A mailbox that was removed and came back is put into the index of items again."""
    async for link in services.store.links(mailbox_id):
        if link.linked:
            entry = await services.items.entry(TABLE, link.dynamics_id)
            if mailbox_id not in entry.mailboxes:
                await services.items.join(TABLE, link.dynamics_id, mailbox_id)
