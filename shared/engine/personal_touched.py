"""What a pass has to look at among the contacts, or the tasks, of its mailbox."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.engine.ports import InboxRow
from shared.model.personal import CONTACT, TASK, ExchangeItem, kind_of

LIMIT = 1000
"""Of rows, and of items to be read by id, in one pass; the rest waits in the inbox."""
ITEM_KINDS = {CONTACT: "contactItem", TASK: "taskItem"}
"""Inbox rows that name an item of Exchange; their version is its place."""
KIND_OF_ITEM = {name: kind for kind, name in ITEM_KINDS.items()}


@dataclass
class PersonalTouched:
    """``rows``: items as the feeds show them; ``look``: items to be read by id, with their places ("" where
    nobody knows); ``read``: those of them that were read just now, whole; ``removed``: ids that a feed says
    are gone from its place; ``records``: rows of Dynamics, by id, with their tables; ``forced``: those to be
    looked at in whatever version; ``matching``: what is known of rows and the owner's filters (None: they
    cannot be run). ``full_round``: a feed is read from its beginning. ``all_rows``: ``rows`` holds everything
    that the mailbox has."""

    kind: str
    rows: dict[str, ExchangeItem] = field(default_factory=dict)
    look: dict[str, str] = field(default_factory=dict)
    read: dict[str, ExchangeItem] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    records: dict[str, str] = field(default_factory=dict)
    forced: set[str] = field(default_factory=set)
    matching: dict[str, bool | None] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    all_rows: bool = False
    full_round: bool = False

    @property
    def nothing(self) -> bool:
        return not (self.rows or self.look or self.removed or self.records or self.broken)

    def force(self, table: str, row_id: str) -> None:
        self.records[row_id] = table
        self.forced.add(row_id)

    def shed(self) -> list[InboxRow]:
        """What is too much for one pass, as inbox rows."""
        late = sorted(self.records)[LIMIT:]
        rows = [InboxRow(self.records.pop(row_id), row_id) for row_id in late]
        items = sorted(self.look)[LIMIT:]
        rows += [InboxRow(ITEM_KINDS[self.kind], item, self.look.pop(item)) for item in items]
        unread = sorted(self.removed)[LIMIT:]
        self.removed.difference_update(unread)
        return rows + [InboxRow(ITEM_KINDS[self.kind], item) for item in unread]


@dataclass
class PersonalWork:
    """The contacts and tasks of one pass."""

    contacts: PersonalTouched = field(default_factory=lambda: PersonalTouched(CONTACT))
    tasks: PersonalTouched = field(default_factory=lambda: PersonalTouched(TASK))
    asked_tasks: bool = False
    """The task lists were read."""
    read_filters: bool = False
    left_out: set[str] = field(default_factory=set)
    """Kinds that are switched off, or that we are not let at: this pass does nothing about them."""

    def leave_out(self, kind: str) -> None:
        self.left_out.add(kind)
        if kind == CONTACT:
            self.contacts = PersonalTouched(CONTACT)
        else:
            self.tasks = PersonalTouched(TASK)

    def of(self, kind: str) -> PersonalTouched:
        return self.contacts if kind == CONTACT else self.tasks

    def of_table(self, table: str) -> PersonalTouched:
        return self.of(kind_of(table))

    @property
    def both(self) -> tuple[PersonalTouched, ...]:
        """Of the kinds that are not left out."""
        return tuple(some for some in (self.contacts, self.tasks) if some.kind not in self.left_out)

    @property
    def nothing(self) -> bool:
        return all(touched.nothing for touched in self.both)

    def look(self, inbox_kind: str, item_id: str, place: str) -> None:
        self.of(KIND_OF_ITEM[inbox_kind]).look[item_id] = place

    def shed(self) -> list[InboxRow]:
        return [row for touched in self.both for row in touched.shed()]

    def broken(self) -> Iterable[tuple[str, str, str]]:
        """Kind, id and reason of what could not be read."""
        return [(t.kind, item, why) for t in self.both for item, why in t.broken.items()]
