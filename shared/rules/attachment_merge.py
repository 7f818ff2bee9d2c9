"""The files of one appointment as a set that both sides change, and what they had when they last agreed.

A file is its name and its content, so a changed or renamed one is one that went and one that came. New files
are copied before old ones are taken away. What was changed on one side and deleted or changed on the other
survives, twice if need be: a conflict loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count

from shared.model.attachment import Attachment, FileKind, FileLimits, Files, LinkedFile, Seen
from shared.model.decision import Action, ActionKind, AddAttachment, RemoveAttachment, Skip
from shared.model.values import Side
from shared.rules import keys
from shared.rules.situation import AppointmentSituation, Context
from shared.rules.skips import Reason

RULES = ("APPT-11", "FLD-2")
FIELD = "attachments"
LONGEST_NAME = 255
# Exchange measures the stored attachment. Only what is too large beyond doubt is left out unread.
SIZE_MARGIN = 65_536

Same = Callable[[Attachment, Seen, LinkedFile], bool]
"""How an attachment is recognised as a remembered one."""


def left_out(side: Side, file: Attachment, why: str) -> LinkedFile:
    """A file that only one side has, and why."""
    seen = seen_as(file)
    if side is Side.EXCHANGE:
        return LinkedFile(file.sha256, exchange=seen, left=why)
    return LinkedFile(file.sha256, dynamics=seen, left=why)


def why_left(file: Attachment, why: str) -> Skip:
    return _skip(Reason.ATTACHMENT_LEFT, file, why)


def _skip(reason: Reason, file: Attachment, detail: str = "") -> Skip:
    return reason.skip(detail=detail, fields=_named(file))


def _named(file: Attachment) -> tuple[str, ...]:
    """How people are told in a preview which file is meant."""
    return (f"attachment {file.name}",)


def linked(exchange: Attachment, dynamics: Attachment, sha256: str) -> LinkedFile:
    return LinkedFile(sha256, seen_as(exchange), seen_as(dynamics))


def seen_as(file: Attachment) -> Seen:
    return Seen(file.id, file.name, file.version)


def is_too_large(length: int, limits: FileLimits) -> bool:
    """The organization's limit is one on the encoded file, a third longer than the file itself."""
    return -(-length // 3) * 4 > limits.largest


@dataclass
class Plan:
    """What becomes of the files of one appointment. ``row_id``: of a row that is yet to be made, too."""

    situation: AppointmentSituation
    context: Context
    row_id: str
    kept: list[LinkedFile] = field(default_factory=list)
    adds: list[Action] = field(default_factory=list)
    removes: list[Action] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)
    _free: dict[Side, list[Attachment]] = field(default_factory=dict)
    """What no remembered file accounts for."""

    @property
    def is_private(self) -> bool:
        """Its files stay out of Dynamics; those that were there before are taken away like its text."""
        return self.situation.event is not None and self.situation.event.masked

    def decide(self, remembered: tuple[LinkedFile, ...]) -> None:
        files = self.situation.files or Files()
        self._free = {side: list(files.of(side)) for side in Side}
        now = self._recognised(remembered)
        for each, found in zip(remembered, now, strict=True):
            self._compare(each, found)
        self._match_new()
        for side in Side:
            for file in self._free[side]:
                self._copy(file, side.other)

    def _recognised(self, remembered: tuple[LinkedFile, ...]) -> list[dict[Side, Attachment | None]]:
        """Each remembered file as both sides have it now; by id before likeness, so that none is taken for
        another that is alike."""
        now: list[dict[Side, Attachment | None]] = [dict.fromkeys(Side) for _ in remembered]
        for same in (_is_untouched, _is_the_same):
            for each, found in zip(remembered, now, strict=True):
                for side in Side:
                    seen = each.of(side)
                    if seen is not None and found[side] is None:
                        found[side] = self._take(side, each, seen, same)
        return now

    def _take(self, side: Side, each: LinkedFile, seen: Seen, same: Same) -> Attachment | None:
        found = next((file for file in self._free[side] if same(file, seen, each)), None)
        if found is not None:
            self._free[side].remove(found)
        return found

    def _compare(self, each: LinkedFile, found: dict[Side, Attachment | None]) -> None:
        exchange, dynamics = found[Side.EXCHANGE], found[Side.DYNAMICS]
        if each.left:
            self._stay(each, exchange or dynamics)
        elif exchange is not None and dynamics is not None:
            self.kept.append(linked(exchange, dynamics, each.sha256))
        elif exchange is not None:
            self._gone_elsewhere(each, exchange, Side.EXCHANGE)
        elif dynamics is not None:
            self._gone_elsewhere(each, dynamics, Side.DYNAMICS)

    def _gone_elsewhere(self, each: LinkedFile, file: Attachment, side: Side) -> None:
        """Only one side has it still. Under another id it was attached again since, and is a new file."""
        seen = each.of(side)
        if seen is not None and seen.id != file.id:
            self._free[side].append(file)
        else:
            self._remove(each, file, side)

    def _stay(self, each: LinkedFile, file: Attachment | None) -> None:
        if file is not None:
            self.kept.append(each)
            self.skips.append(why_left(file, each.left))

    def _match_new(self) -> None:
        """The same file on both sides of items that are linked for the first time, or after a crash."""
        for mine in list(self._free[Side.EXCHANGE]):
            theirs = next((file for file in self._free[Side.DYNAMICS] if _alike(mine, file)), None)
            if theirs is not None:
                self._free[Side.EXCHANGE].remove(mine)
                self._free[Side.DYNAMICS].remove(theirs)
                self.kept.append(linked(mine, theirs, mine.sha256))

    # --- one file ---------------------------------------------------------------------------------

    def _remove(self, each: LinkedFile, file: Attachment, side: Side) -> None:
        """Gone from the other side, so it goes here; where it may not, it stays remembered as it was."""
        held = self._held(side)
        if held is not None:
            self.kept.append(each)
            self._skip(held, file)
            return
        known, why = (
            replace(file, sha256=each.sha256),
            f"the file is no longer attached in {_name(side.other)}",
        )
        if self.is_private and side is Side.DYNAMICS:
            why = "the item is private; its files are not shown in Dynamics"
        self.removes.append(
            Action(
                ActionKind.DETACH,
                side,
                (*RULES, "APPT-9") if self.is_private else RULES,
                why,
                RemoveAttachment(known),
                fields=_named(file),
                before={FIELD: image(known)},
            )
        )

    def _copy(self, file: Attachment, to: Side) -> None:
        if file.kind is not FileKind.FILE:
            self._skip(Reason.ATTACHMENT_KIND, file, detail=file.kind.value)
            return
        reason = self._held(to) or self._unfit(file, to)
        if reason is not None:
            self._skip(reason, file, detail=_extension(file.name))
            return
        self.adds.append(
            Action(
                ActionKind.ATTACH,
                to,
                RULES,
                f"the file was attached in {_name(to.other)}",
                AddAttachment(file, self._key(file) if to is Side.DYNAMICS else ""),
                fields=_named(file),
                after={FIELD: image(file)},
            )
        )

    def _held(self, to: Side) -> Reason | None:
        """Why nothing may be written there: a closed row takes nothing (APPT-31), and only the organizer
        gives a meeting its files (APPT-3)."""
        row, event = self.situation.row, self.situation.event
        if to is Side.DYNAMICS:
            return Reason.CLOSED if row is not None and row.is_closed else None
        if self.is_private:
            return Reason.PRIVATE_CONTENT
        return Reason.NOT_ORGANIZER if event is not None and not event.is_organizer else None

    def _unfit(self, file: Attachment, to: Side) -> Reason | None:
        """What the Dynamics organization would refuse (EMI-22)."""
        limits = self.context.organization.files
        if to is not Side.DYNAMICS:
            return None
        if _extension(file.name) in limits.blocked:
            return Reason.ATTACHMENT_BLOCKED
        if is_too_large(file.size - SIZE_MARGIN, limits):
            return Reason.ATTACHMENT_TOO_LARGE
        return Reason.ATTACHMENT_NAME if len(file.name) > LONGEST_NAME else None

    def _key(self, file: Attachment) -> str:
        """Free in Dynamics: under the first one stands what a copy before a crash became since."""
        files = self.situation.files or Files()
        taken = {each.id for each in files.dynamics}
        candidates = (keys.attachment_id(self.row_id, file.id, turn) for turn in count())
        return next(key for key in candidates if key not in taken)

    def _skip(self, reason: Reason, file: Attachment, detail: str = "") -> None:
        self.skips.append(_skip(reason, file, detail))


def _is_untouched(file: Attachment, seen: Seen, each: LinkedFile) -> bool:
    if file.id != seen.id:
        return False
    return file.version == seen.version or _is_the_same(file, seen, each)


def _is_the_same(file: Attachment, seen: Seen, each: LinkedFile) -> bool:
    return bool(each.sha256) and (file.name, file.sha256) == (seen.name, each.sha256)


def _alike(one: Attachment, other: Attachment) -> bool:
    return bool(one.sha256) and (one.name, one.sha256) == (other.name, other.sha256)


def image(file: Attachment) -> dict[str, str | int]:
    """What the history keeps of a file."""
    image: dict[str, str | int] = {"name": file.name, "size": file.size}
    return {**image, "sha256": file.sha256} if file.sha256 else image


def _name(side: Side) -> str:
    return side.value.title()


def _extension(name: str) -> str:
    return name.rpartition(".")[2].casefold() if "." in name else ""
