"""Carrying out what was decided about attachments: one content at a time, read back where it was written.

A copy to Dynamics has an id of its own, so that a repeated one meets the first. Exchange has no such key: a
copy whose answer was lost is looked for in the list before anything is decided anew (``engine.apply``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Protocol

from shared.engine.attachments import FilesOfItem, sha256
from shared.engine.ports import ExchangeMailbox
from shared.engine.services import Services
from shared.errors import FenceLost, NotFound, Refused
from shared.model.appointment import DynamicsAppointment
from shared.model.attachment import Attachment, Files, LinkedFile, NewFile
from shared.model.decision import Action, AddAttachment, Decision, RemoveAttachment, Skip
from shared.model.event import ExchangeEvent
from shared.model.link import Link
from shared.model.values import Side
from shared.rules import attachment_merge
from shared.rules.situation import AppointmentSituation, Context
from shared.rules.skips import Reason


class Items(Protocol):
    """The two items as the writes leave them."""

    event: ExchangeEvent | None
    row: DynamicsAppointment | None


@dataclass
class Copied:
    """What became of the files of one item so far. ``refused``: actions that came to nothing, and why."""

    before: Files
    added: list[tuple[Action, str]] = field(default_factory=list)
    """With the content's hash."""
    removed: list[tuple[Side, str]] = field(default_factory=list)
    refused: list[tuple[Action, str]] = field(default_factory=list)
    linked: list[LinkedFile] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)

    def sides(self) -> set[Side]:
        """Where the item got a new version by its files."""
        return {action.side for action, _ in self.added} | {side for side, _ in self.removed}

    def stayed(self, side: Side) -> set[str]:
        """Ids of the attachments that were there before and were not taken away."""
        return {file.id for file in self.before.of(side)} - {gone for _, gone in self.removed}

    def left_out(self, side: Side, file: Attachment, why: str) -> None:
        self.linked.append(attachment_merge.left_out(side, file, why))
        self.skips.append(attachment_merge.why_left(file, why))

    def noted(self, decision: Decision) -> Decision:
        """The decision with what was left alone while it was carried out."""
        return replace(decision, skips=(*decision.skips, *self.skips)) if self.skips else decision

    def after(self, link: Link) -> Link:
        """The link with the files that were brought over, and those that could not be."""
        if not self.linked:
            return link
        return replace(link, attachments=(*link.attachments, *self.linked))


class FileWriting:
    """Files of all items of one pass of one mailbox."""

    def __init__(
        self,
        services: Services,
        context: Context,
        box: ExchangeMailbox,
        still_mine: Callable[[], Awaitable[bool]],
    ) -> None:
        self._services = services
        self._context = context
        self._box = box
        self._still_mine = still_mine
        self._source = FilesOfItem(services, context, box)
        self._one_content = asyncio.Lock()

    @staticmethod
    def begin(situation: AppointmentSituation) -> Copied:
        return Copied(situation.files or Files())

    async def carry_out(self, action: Action, items: Items, copied: Copied) -> list[Action]:
        """The action as it was done. One that is refused is recorded and blocks neither the other files nor
        the item."""
        await self._services.on_step(f"before {action.kind} {action.side}")
        try:
            if isinstance(action.write, AddAttachment):
                action = await self._add(action, action.write.source, items, copied)
            elif isinstance(action.write, RemoveAttachment):
                await self._remove(action, action.write.file, items, copied)
        except NotFound:
            raise
        except Refused as error:
            self._refused(action, f"{error.code or error.status or 'refused'}: {error}", copied)
            return []
        await self._services.on_step(f"after {action.kind} {action.side}")
        return [action]

    async def _add(self, action: Action, file: Attachment, items: Items, copied: Copied) -> Action:
        async with self._one_content:
            content = await self._source.content(action.side.other, _id_on(action.side.other, items), file)
            digest = sha256(content)
            await self._send(action, NewFile(file.name, file.content_type, content), items)
            read = replace(file, size=len(content), sha256=digest)
        done = replace(action, after={attachment_merge.FIELD: attachment_merge.image(read)})
        copied.added.append((done, digest))
        return done

    async def _send(self, action: Action, new: NewFile, items: Items) -> None:
        assert isinstance(action.write, AddAttachment)
        target = _id_on(action.side, items)
        if action.side is Side.EXCHANGE:
            if not await self._still_mine():
                raise FenceLost("another worker has this mailbox")
            await self._box.add_attachment(target, new)
            return
        if attachment_merge.is_too_large(len(new.content), self._context.organization.files):
            raise Refused(Reason.ATTACHMENT_TOO_LARGE.sentence, code="tooLarge")
        user = self._context.mailbox.user_id
        await self._services.dynamics.add_attachment(target, new, action.write.key, as_user=user)

    async def _remove(self, action: Action, file: Attachment, items: Items, copied: Copied) -> None:
        with suppress(NotFound):
            if action.side is Side.EXCHANGE:
                await self._box.remove_attachment(_id_on(action.side, items), file.id)
            else:
                user = self._context.mailbox.user_id
                await self._services.dynamics.remove_attachment(file.id, as_user=user)
        copied.removed.append((action.side, file.id))

    @staticmethod
    def _refused(action: Action, why: str, copied: Copied) -> None:
        """Remembered where the file is, so that it is not tried in every pass."""
        copied.refused.append((action, why))
        write = action.write
        if isinstance(write, AddAttachment):
            copied.left_out(action.side.other, write.source, why)
        elif isinstance(write, RemoveAttachment):
            copied.left_out(action.side, write.file, why)

    # --- afterwards -------------------------------------------------------------------------------

    async def read_back(self, items: Items, copied: Copied) -> None:
        """The versions that the items and the new attachments have now. Where somebody else changed something
        meanwhile, no version is kept, so that the side's own feed brings it up again."""
        for side in sorted(copied.sides()):
            quiet = await self._reread(side, items)
            listed = list(await self._source.listed(side, _id_on(side, items)))
            stayed = copied.stayed(side)
            fresh = [file for file in listed if file.id not in stayed]
            mine = self._link(side, fresh, copied)
            if not quiet or len(fresh) != mine or len(listed) != len(stayed) + mine:
                _forget_version(side, items)

    @staticmethod
    def _link(side: Side, fresh: list[Attachment], copied: Copied) -> int:
        """Take the new attachments for our copies, by id or by name; how many were found."""
        left, found = list(fresh), 0
        for action, digest in copied.added:
            write = action.write
            if action.side is not side or not isinstance(write, AddAttachment):
                continue
            target = next((f for f in left if _is_the_copy(f, write)), None)
            if target is None:
                continue
            left.remove(target)
            found += 1
            pair = {side: target, side.other: write.source}
            copied.linked.append(attachment_merge.linked(pair[Side.EXCHANGE], pair[Side.DYNAMICS], digest))
        return found

    async def _reread(self, side: Side, items: Items) -> bool:
        """Put in the item's new version; whether nothing else of it changed."""
        if side is Side.EXCHANGE:
            before = items.event
            assert before is not None
            event = (await self._box.events([before.id])).get(before.id)
            if event is None:
                return False
            items.event = replace(before, etag=event.etag, has_attachments=event.has_attachments)
            return _same_event(before, event)
        known = items.row
        assert known is not None
        user = self._context.mailbox.user_id
        row = (await self._services.dynamics.appointments([known.id], as_user=user)).get(known.id)
        if not isinstance(row, DynamicsAppointment):
            return False
        items.row = replace(known, etag=row.etag, attachment_count=row.attachment_count)
        return row.values == known.values and row.is_draft == known.is_draft


def _is_the_copy(file: Attachment, write: AddAttachment) -> bool:
    """Exchange's answer to an upload names no id that lists could be compared with."""
    return file.id == write.key if write.key else file.name == write.source.name


def _same_event(before: ExchangeEvent, now: ExchangeEvent) -> bool:
    shared = before.values.keys() & now.values.keys()
    tracked = (before.stamps is None) or (
        now.stamps is not None and before.stamps.tracked == now.stamps.tracked
    )
    same = all(before.values[name] == now.values[name] for name in shared)
    return same and tracked and before.categories == now.categories


def _forget_version(side: Side, items: Items) -> None:
    if side is Side.EXCHANGE and items.event is not None:
        items.event = replace(items.event, etag="")
    elif side is Side.DYNAMICS and items.row is not None:
        items.row = replace(items.row, etag="")


def _id_on(side: Side, items: Items) -> str:
    item = items.event if side is Side.EXCHANGE else items.row
    if item is None:
        raise NotFound("the appointment is gone")
    return item.id
