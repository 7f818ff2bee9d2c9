"""What a decision about one contact or task is made from: everything is read before, nothing is read here."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.model.appointment import Absence
from shared.model.decision import ItemRef
from shared.model.link import Link
from shared.model.personal import (
    CONTACT,
    TASK,
    DynamicsRecord,
    ExchangeItem,
    FieldRights,
    Match,
    kind_of,
)


@dataclass(frozen=True, slots=True)
class PersonalSituation:
    """One contact or task as both sides have it.

    ``item_gone``: Graph answers 404 for the linked item, and no other place of the mailbox has it.
    ``record`` is an Absence when the row could not be read, None when no row is known.
    ``in_filter``: whether the row matches the user's sync filters now; None where nobody asked.
    ``matches``: what on the other side may be the same, where the item is not linked (CONT-9).
    ``chosen``: the match that an administrator chose; ``apart``: an administrator said that it is none of
    them; ``kept_out``: that it shall not be linked nor made. ``duplicate``: Dataverse's own rules found a
    duplicate of it when it was to be made (CONT-8). ``dropped``: an administrator answered "drop" to the
    brake. ``copy_of``: the live item that the stamped row is linked to already (LNK-7). ``ended_before``: a
    link of this mailbox with the row ended, says the index of items, though the link is lost.
    ``rights``: the columns that field-level security closes to the user (FLD-35). ``moved``: the item was
    found in another place, under another id. ``takes_own``: a filter of the user's takes every open row that
    he owns, so what is made of his item matches from the first.
    """

    kind: str
    link: Link | None = None
    item: ExchangeItem | None = None
    item_gone: bool = False
    record: DynamicsRecord | Absence | None = None
    in_filter: bool | None = None
    matches: tuple[Match, ...] = ()
    chosen: str = ""
    apart: bool = False
    kept_out: bool = False
    duplicate: bool = False
    dropped: bool = False
    copy_of: str | None = None
    ended_before: bool = False
    rights: FieldRights = field(default_factory=FieldRights)
    moved: bool = False
    takes_own: bool = False

    @property
    def row(self) -> DynamicsRecord | None:
        return self.record if isinstance(self.record, DynamicsRecord) else None

    @property
    def table(self) -> str:
        """The Dynamics table of the row, as far as one is known."""
        if self.row:
            return self.row.table
        if self.link:
            return self.link.table
        return CONTACT if self.kind == CONTACT else TASK

    def ref(self) -> ItemRef:
        item_id = self.item.id if self.item else (self.link.exchange_id if self.link else None)
        row_id = self.row.id if self.row else (self.link.dynamics_id if self.link else None)
        return ItemRef(kind_of(self.table), item_id, row_id, self._subject())

    def _subject(self) -> str:
        if self.item:
            shown = self.item.display_name or self.item.value("subject")
            if shown:
                return str(shown)
        if self.row:
            return self.row.name
        return self.link.subject if self.link else ""
