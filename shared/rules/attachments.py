"""Attachments of single appointments (APPT-11, FLD-2): which files travel, which are taken away, which stay.

Attaching mails nobody, and nothing else is written to make Exchange distribute the files (PAIN-2): attendees
get them with the organizer's next update. How files are compared is in ``attachment_merge``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shared.model.appointment import APPOINTMENT, InstanceType
from shared.model.attachment import Attachment, FileKind, Files, LinkedFile, Seen
from shared.model.decision import Action, Decision, RemoveAttachment
from shared.model.event import EventType
from shared.model.link import Link, Role
from shared.model.profile import Profile
from shared.model.values import Direction, Side
from shared.rules import privacy, tracking
from shared.rules.attachment_merge import FIELD, Plan, left_out
from shared.rules.situation import AppointmentSituation, Context
from shared.rules.skips import Reason
from shared.rules.tracking_marks import role_of


def direction_of(profile: Profile) -> Direction:
    """FLD-2 is computed: both ways when attachments are switched on, else not at all."""
    return Direction.BOTH if profile.synchronize_attachments else Direction.NONE


# --- what is read ---------------------------------------------------------------------------------


def concerns(situation: AppointmentSituation, context: Context) -> bool:
    """Whether the files of this item are to be looked at: the mailbox owns the content of a single
    appointment that is linked or about to be."""
    if direction_of(context.profile) is Direction.NONE or not _is_single(situation):
        return False
    link, event, row = situation.link, situation.event, situation.row
    if role_of(situation, context) is not Role.OWNER:
        return False
    if link is not None and link.linked:
        return event is not None and row is not None
    if link is not None and link.state.ended:
        return event is not None and tracking.is_tracked_anew(event, link, context.organization)
    if event is not None:
        return row is not None or tracking.is_tracked(event, context.organization)
    return row is not None and row.value("organizer") == context.mailbox.user_id


def _is_single(situation: AppointmentSituation) -> bool:
    event, row, link = situation.event, situation.row, situation.link
    if link is not None and link.table != APPOINTMENT:
        return False
    if row is not None and (row.table != APPOINTMENT or row.instance_type != InstanceType.NONE):
        return False
    return event is None or event.type is EventType.SINGLE


def is_due(link: Link, profile: Profile) -> bool:
    """Whether a reconciling pass has to look at an item although nothing changed: attachments were switched
    on after it was linked, or it changed while they were off."""
    on = direction_of(profile) is not Direction.NONE
    mine = link.linked and link.role is Role.OWNER and link.table == APPOINTMENT
    return on and mine and not link.files_compared


def has_files(situation: AppointmentSituation, side: Side, context: Context) -> bool:
    """Whether a side's list has to be asked for; an event that does not say may have some. A private event
    shows no file (APPT-9)."""
    event = situation.event
    if side is Side.EXCHANGE:
        if event is None or event.has_attachments is False:
            return False
        return not privacy.applied(event, context.profile.private_appointments).masked
    return situation.row is not None and situation.row.attachment_count > 0


def recalled(listed: tuple[Attachment, ...], side: Side, link: Link | None) -> tuple[Attachment, ...]:
    """The list with the hashes that are known from before: same id, same version."""
    known = {(seen.id, seen.version): each.sha256 for each, seen in _remembered(side, link)}
    return tuple(replace(file, sha256=known.get((file.id, file.version), "")) for file in listed)


def to_be_read(files: Files, side: Side, link: Link | None) -> tuple[Attachment, ...]:
    """Files whose content must be known for the decision: those that may be one that is known already or
    that the other side has too. All others are new, and are read when they are copied."""
    mine = [seen for _, seen in _remembered(side, link)]
    known, ids = {(seen.id, seen.version) for seen in mine}, {seen.id for seen in mine}
    names = {file.name for file in files.of(side.other)} | {seen.name for seen in mine}
    names |= {seen.name for _, seen in _remembered(side.other, link)}
    return tuple(
        file
        for file in files.of(side)
        if file.kind is FileKind.FILE
        and (file.id, file.version) not in known
        and (file.name in names or file.id in ids)
    )


def _remembered(side: Side, link: Link | None) -> Iterator[tuple[LinkedFile, Seen]]:
    for each in link.attachments if link else ():
        seen = each.of(side)
        if seen is not None:
            yield each, seen


# --- the decision ---------------------------------------------------------------------------------


def included(decision: Decision, situation: AppointmentSituation, context: Context) -> Decision:
    """The decision with what is to be done about files, where content moves at all."""
    link = decision.link
    if link is None or not decision.absorb:
        return decision
    if direction_of(context.profile) is Direction.NONE:
        forgetful = replace(link, files_compared=False)
        return replace(decision, link=forgetful) if link.files_compared else decision
    if link.table != APPOINTMENT:
        return _left_alone(decision, situation)
    if situation.files is None or decision.replaced is not None:
        return decision
    if situation.files.unreadable:
        skip = Reason.ATTACHMENT_UNREADABLE.skip(detail=situation.files.unreadable, fields=(FIELD,))
        return replace(decision, skips=(*decision.skips, skip))
    plan = Plan(situation, context, link.dynamics_id)
    plan.decide(link.attachments)
    if plan.is_private and situation.event is not None and situation.event.has_attachments:
        plan.skips.append(Reason.PRIVATE_CONTENT.skip(fields=(FIELD,)))
    return replace(
        decision,
        actions=(*decision.actions, *plan.adds, *plan.removes),
        skips=(*decision.skips, *plan.skips),
        link=replace(link, attachments=tuple(plan.kept), files_compared=True),
    )


def _left_alone(decision: Decision, situation: AppointmentSituation) -> Decision:
    items = (situation.event, *(situation.event.exceptions.values() if situation.event else ()))
    rows = (situation.row, *(situation.row.exceptions.values() if situation.row else ()))
    some = any(item and item.has_attachments for item in items)
    if not some and not any(row and row.attachment_count for row in rows):
        return decision
    return replace(decision, skips=(*decision.skips, Reason.ATTACHMENTS_OF_SERIES.skip(fields=(FIELD,))))


def without_removals(decision: Decision) -> Decision:
    """An administrator said no: the files stay where they are, and that is remembered."""
    removals = [action for action in decision.actions if isinstance(action.write, RemoveAttachment)]
    if not removals or decision.link is None:
        return decision
    left = [_kept_here(action) for action in removals]
    return replace(
        decision,
        actions=tuple(action for action in decision.actions if action not in removals),
        skips=(*decision.skips, Reason.DROPPED.skip(fields=(FIELD,))),
        link=replace(decision.link, attachments=(*decision.link.attachments, *left)),
    )


def _kept_here(action: Action) -> LinkedFile:
    assert isinstance(action.write, RemoveAttachment)
    return left_out(action.side, action.write.file, "an administrator kept it on this side")
