"""Attachments in a pass: list and compare them before a decision, copy and take them away after it (APPT-11).

One content is in memory at a time. What is in both links and lists needs no content at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from shared.engine.ports import ExchangeMailbox
from shared.engine.services import Services
from shared.errors import NotFound, Refused
from shared.model.attachment import Attachment, Files
from shared.model.values import Side
from shared.rules import attachments
from shared.rules.situation import AppointmentSituation, Context


class FilesOfItem:
    """The attachments of one mailbox's items, on either side."""

    def __init__(self, services: Services, context: Context, box: ExchangeMailbox) -> None:
        self._dynamics = services.dynamics
        self._user = context.mailbox.user_id
        self._box = box

    async def listed(self, side: Side, item_id: str) -> Sequence[Attachment]:
        if side is Side.EXCHANGE:
            return await self._box.attachments(item_id)
        return await self._dynamics.attachments(item_id, as_user=self._user)

    async def content(self, side: Side, item_id: str, file: Attachment) -> bytes:
        if side is Side.EXCHANGE:
            return await self._box.attachment_content(item_id, file.id)
        return await self._dynamics.attachment_content(file.id, as_user=self._user)


async def with_files(
    services: Services, context: Context, box: ExchangeMailbox, situations: Sequence[AppointmentSituation]
) -> list[AppointmentSituation]:
    """The situations with their files, where those matter; nothing is asked while attachments are off."""
    reading = _Reading(context, FilesOfItem(services, context, box))
    return [await reading.of(s) if attachments.concerns(s, context) else s for s in situations]


class _Reading:
    def __init__(self, context: Context, source: FilesOfItem) -> None:
        self._context = context
        self._source = source

    async def of(self, situation: AppointmentSituation) -> AppointmentSituation:
        """An item that went away meanwhile is left to its own feed."""
        try:
            files = await self._listed(situation)
        except NotFound:
            return situation
        except Refused:
            return replace(situation, files=Files(unreadable="a list of files"))
        for side in Side:
            for file in attachments.to_be_read(files, side, situation.link):
                files = await self._compared(files, side, file, situation)
        return replace(situation, files=files)

    async def _listed(self, situation: AppointmentSituation) -> Files:
        found: dict[Side, tuple[Attachment, ...]] = {}
        for side in Side:
            item = item_on(side, situation)
            some = item is not None and attachments.has_files(situation, side, self._context)
            listed = tuple(await self._source.listed(side, item)) if some and item else ()
            found[side] = attachments.recalled(listed, side, situation.link)
        return Files(found[Side.EXCHANGE], found[Side.DYNAMICS])

    async def _compared(
        self, files: Files, side: Side, file: Attachment, situation: AppointmentSituation
    ) -> Files:
        item = item_on(side, situation)
        assert item is not None
        try:
            content = await self._source.content(side, item, file)
        except Refused:
            return replace(files, unreadable=f"the file {file.name}")
        read = replace(file, sha256=sha256(content))
        listed = tuple(read if each is file else each for each in files.of(side))
        if side is Side.EXCHANGE:
            return replace(files, exchange=listed)
        return replace(files, dynamics=listed)


def item_on(side: Side, situation: AppointmentSituation) -> str | None:
    """The id of the appointment there."""
    item = situation.event if side is Side.EXCHANGE else situation.row
    return item.id if item else None


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
