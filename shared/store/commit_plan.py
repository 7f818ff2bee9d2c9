"""The transactions of one commit: what belongs to an item stays together, cursors come last.

In order: what is added to inbox and held items (so that nothing is forgotten should the rest not come),
then each link with the inbox rows that it answers, then the other removals, then the cursors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.engine.ports import Changes, InboxRow
from shared.store import limits, link_rows, mailbox_rows
from shared.store.link_rows import StoredLink
from shared.store.tables import Entity, Operation, Write

ROOM = limits.OPERATIONS - 1
"""Operations beside the fence's."""
BYTES = 3 * 1024 * 1024

Unit = list[Operation]


@dataclass(frozen=True, slots=True)
class Known:
    """What was read before. ``holders``: the links that Exchange ids lead to, of ended and dropped links;
    ``values``: the ``v:`` rows that a link had; ``dropped``: the rows that go with dropped links."""

    holders: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, frozenset[str]] = field(default_factory=dict)
    dropped: Mapping[str, Sequence[str]] = field(default_factory=dict)


def transactions(mailbox: str, changes: Changes, links: Sequence[StoredLink], known: Known) -> list[Unit]:
    """Each fits one transaction together with the fence row; there is always at least one. ``links`` are
    those of the changes as rows."""
    stored = {link.name: link for link in links}
    additions = _additions(mailbox, changes)
    added = {operation.row_key for unit in additions for operation in unit}
    removed = {mailbox_rows.inbox_key(row): row for row in changes.inbox_removed}
    answered = {key: _removal(mailbox, key, row.etag) for key, row in removed.items() if key not in added}
    held = {mailbox_rows.held_key(row): row.etag for row in changes.held_removed}
    units = additions + _links(stored, known, answered) + _drops(mailbox, changes, stored, known)
    units += [[removal] for removal in answered.values()]
    units += [[_removal(mailbox, key, etag)] for key, etag in held.items() if key not in added]
    return packed(units + _cursors(mailbox, changes))


def packed(units: Iterable[Unit]) -> list[Unit]:
    """Units side by side in transactions, none divided."""
    filled: list[Unit] = [[]]
    size = 0
    for unit in units:
        more = sum(limits.request_bytes(operation.entity) for operation in unit)
        if filled[-1] and (len(filled[-1]) + len(unit) > ROOM or size + more > BYTES):
            filled.append([])
            size = 0
        filled[-1] += unit
        size += more
    return filled


def link_units(
    stored: StoredLink, write: Operation, *, indexed: bool, before: frozenset[str] = frozenset()
) -> list[Unit]:
    """The rows of a link. Long values too large for the link's transaction are written before it: nothing
    refers to them until the link does. ``before``: the ``v:`` rows that it had."""
    values = [Operation(Write.PUT, row) for row in stored.values]
    unit = [write]
    if indexed and stored.index:
        unit.append(Operation(Write.PUT, stored.index))
    mailbox = stored.row["PartitionKey"]
    unit += [_removal(mailbox, key) for key in sorted(before - stored.value_keys)]
    if sum(limits.request_bytes(each.entity) for each in values) > BYTES // 2:
        return [*([value] for value in values), unit]
    return [[*values, *unit]]


def _links(stored: Mapping[str, StoredLink], known: Known, answered: dict[str, Operation]) -> list[Unit]:
    """Takes the inbox rows that a link answers out of ``answered``."""
    leads = _leads(stored, known.holders)
    units: list[Unit] = []
    for name, each in stored.items():
        link, before = each.link, known.values.get(name, frozenset())
        indexed = leads.get(link.exchange_id or "") == name
        units += link_units(each, Operation(Write.PUT, each.row), indexed=indexed, before=before)
        for row in (InboxRow(link.table, link.dynamics_id), InboxRow("event", link.exchange_id or "")):
            removal = answered.pop(mailbox_rows.inbox_key(row), None)
            if removal is not None:
                units[-1].append(removal)
    return units


def _leads(stored: Mapping[str, StoredLink], holders: Mapping[str, str]) -> dict[str, str]:
    """Per Exchange id the link that it shall lead to: a live one, else the one that has it, else an ended."""
    leads = dict(holders)
    for name, each in sorted(stored.items(), key=lambda item: not item[1].link.state.ended):
        link = each.link
        if link.exchange_id and not (link.state.ended and link.exchange_id in holders):
            leads[link.exchange_id] = name
    return leads


def _drops(mailbox: str, changes: Changes, stored: Mapping[str, StoredLink], known: Known) -> list[Unit]:
    """The rows of dropped links; an index row only when it leads to the link, now and after this commit."""
    leads = _leads(stored, {})
    units: list[Unit] = []
    for link in changes.dropped_links:
        name = link_rows.name_of(link.table, link.dynamics_id)
        if name in stored:
            continue
        rows = list(known.dropped.get(name, ()))
        exchange_id = link.exchange_id or ""
        if known.holders.get(exchange_id) == name and exchange_id not in leads:
            rows.append(link_rows.index_key(exchange_id))
        removals = [_removal(mailbox, key) for key in rows]
        units += [removals[start : start + ROOM] for start in range(0, len(removals), ROOM)]
    return units


def _additions(mailbox: str, changes: Changes) -> list[Unit]:
    rows: dict[str, Entity] = {}
    for waiting in changes.held_added:
        rows[mailbox_rows.held_key(waiting)] = mailbox_rows.held_row(mailbox, waiting)
    for added in changes.inbox_added:
        rows[mailbox_rows.inbox_key(added)] = mailbox_rows.inbox_row(mailbox, added)
    return [[Operation(Write.PUT, row)] for row in rows.values()]


def _cursors(mailbox: str, changes: Changes) -> list[Unit]:
    put = {
        mailbox_rows.cursor_key(each.feed): mailbox_rows.cursor_row(mailbox, each) for each in changes.cursors
    }
    dropped = {mailbox_rows.cursor_key(feed) for feed in changes.dropped_cursors} - set(put)
    unit = [_removal(mailbox, key) for key in sorted(dropped)]
    unit += [Operation(Write.PUT, row) for row in put.values()]
    return [unit[start : start + ROOM] for start in range(0, len(unit), ROOM)]


def _removal(mailbox: str, key: str, etag: str | None = None) -> Operation:
    """Optional: a row that is gone, or was rewritten meanwhile, is no reason to commit nothing."""
    return Operation(Write.DELETE, {"PartitionKey": mailbox, "RowKey": key}, etag, optional=True)
