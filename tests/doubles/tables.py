"""The ports of the state in memory: the same etags, conditions and JSON round trips, without a server.

Each record goes through the store's own JSON form, so that a test never sees a tuple or an enum in a
``Value`` that Table Storage would have returned as a list or a string.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TypeVar

from shared.clock import Now, clock
from shared.engine.ports import (
    Agenda,
    Changes,
    Cursor,
    Fence,
    HeldRow,
    HistoryRow,
    InboxRow,
    ItemEntry,
    PendingDecision,
    SubscriptionRow,
)
from shared.errors import Conflict, FenceLost, NotFound
from shared.model.alert import Alert
from shared.model.dead_letter import DeadLetter
from shared.model.link import Link
from shared.model.mailbox import Mailbox, MailboxState
from shared.model.profile import Profile
from shared.model.values import Value
from shared.store.codec import dumps, from_json, to_json
from shared.store.registry_rows import check_patch

T = TypeVar("T")
_numbers = count(1)


def _etag() -> str:
    return f'W/"{next(_numbers)}"'


def _stored(record: T) -> T:
    return from_json(type(record), json.loads(dumps(to_json(record))))


@dataclass
class _Partition:
    fence: Fence | None = None
    links: dict[tuple[str, str], Link] = field(default_factory=dict)
    by_exchange: dict[str, tuple[str, str]] = field(default_factory=dict)
    cursors: dict[str, Cursor] = field(default_factory=dict)
    inbox: dict[tuple[bool, str, str], InboxRow] = field(default_factory=dict)
    held: dict[tuple[str, str], HeldRow] = field(default_factory=dict)


class MemoryMailboxStore:
    """Table ``state``. A commit is one transaction whatever its size."""

    def __init__(self) -> None:
        self._partitions: dict[str, _Partition] = {}

    def _of(self, mailbox: str) -> _Partition:
        return self._partitions.setdefault(mailbox, _Partition())

    async def agenda(self, mailbox: str, *, inbox_limit: int) -> Agenda:
        part = self._of(mailbox)
        inbox = tuple(part.inbox[key] for key in sorted(part.inbox))
        held = tuple(part.held[key] for key in sorted(part.held))
        more = len(inbox) > inbox_limit
        return Agenda(part.fence, dict(part.cursors), inbox[:inbox_limit], held, more)

    async def claim(
        self,
        mailbox: str,
        fence: Fence | None,
        *,
        deadline: datetime,
        lane: str,
        links: Sequence[Link] = (),
    ) -> Fence:
        part = self._of(mailbox)
        if (part.fence and part.fence.etag) != (fence and fence.etag):
            raise FenceLost(f"mailbox {mailbox} was claimed by another worker")
        part.fence = Fence(mailbox, fence.generation + 1 if fence else 1, deadline, lane, _etag())
        self._links(part, Changes(links=links))
        return part.fence

    async def still_mine(self, fence: Fence) -> bool:
        now = self._of(fence.mailbox).fence
        return now is not None and (now.generation, now.deadline) == (fence.generation, fence.deadline)

    async def links_by_exchange(self, mailbox: str, ids: Iterable[str]) -> Mapping[str, Link]:
        part = self._of(mailbox)
        found = {id_: part.links.get(part.by_exchange.get(id_, ("", ""))) for id_ in ids}
        return {id_: link for id_, link in found.items() if link is not None and link.exchange_id == id_}

    async def links_by_dynamics(
        self, mailbox: str, keys: Iterable[tuple[str, str]]
    ) -> Mapping[tuple[str, str], Link]:
        links = self._of(mailbox).links
        return {key: links[key] for key in keys if key in links}

    async def links(self, mailbox: str, kind: str | None = None) -> AsyncIterator[Link]:
        links = self._of(mailbox).links
        for key in sorted(links):
            if key in links and kind in (None, links[key].kind):
                yield links[key]

    async def announce(self, fence: Fence, link: Link) -> None:
        if not await self.still_mine(fence):
            raise FenceLost(f"mailbox {fence.mailbox} was claimed by another worker")
        self._links(self._of(fence.mailbox), Changes(links=[link]))

    async def commit(self, fence: Fence, changes: Changes) -> Fence:
        part = self._of(fence.mailbox)
        if part.fence is None or part.fence.etag != fence.etag:
            raise FenceLost(f"mailbox {fence.mailbox} was claimed by another worker")
        self._links(part, changes)
        self._rows(part, changes)
        part.fence = replace(fence, etag=_etag())
        return part.fence

    def _links(self, part: _Partition, changes: Changes) -> None:
        for dropped in changes.dropped_links:
            part.links.pop((dropped.table, dropped.dynamics_id), None)
        for link in sorted(map(_stored, changes.links), key=lambda each: not each.state.ended):
            key = (link.table, link.dynamics_id)
            part.links[key] = link
            if link.exchange_id and self._indexes(part, link):
                part.by_exchange[link.exchange_id] = key

    def _indexes(self, part: _Partition, link: Link) -> bool:
        """An ended link never takes the Exchange id from the link that has it now."""
        present = part.links.get(part.by_exchange.get(link.exchange_id or "", ("", "")))
        taken = present is not None and present.exchange_id == link.exchange_id
        return not (link.state.ended and taken)

    def _rows(self, part: _Partition, changes: Changes) -> None:
        for row in changes.inbox_removed:
            present = part.inbox.get(_inbox_key(row))
            if present and row.etag in (None, present.etag):
                del part.inbox[_inbox_key(row)]
        for held in changes.held_removed:
            part.held.pop((held.kind, held.id), None)
        for added in changes.inbox_added:
            part.inbox[_inbox_key(added)] = replace(added, etag=_etag())
        for waiting in changes.held_added:
            part.held[waiting.kind, waiting.id] = replace(waiting, etag=_etag())
        for feed in changes.dropped_cursors:
            part.cursors.pop(feed, None)
        part.cursors.update({cursor.feed: _stored(cursor) for cursor in changes.cursors})

    async def add_inbox(self, mailbox: str, rows: Sequence[InboxRow]) -> None:
        for row in rows:
            self._of(mailbox).inbox[_inbox_key(row)] = replace(row, etag=_etag())

    async def delete_mailbox(self, mailbox: str) -> None:
        self._partitions.pop(mailbox, None)


def _inbox_key(row: InboxRow) -> tuple[bool, str, str]:
    return (row.later, row.kind, row.id)


class MemoryItemIndex:
    """Table ``items``."""

    def __init__(self) -> None:
        self._owners: dict[tuple[str, str], str] = {}
        self._members: dict[tuple[str, str], set[str]] = {}
        self._by_uid: dict[str, str] = {}
        self._ended: dict[tuple[str, str], set[str]] = {}

    async def entry(self, table: str, dynamics_id: str) -> ItemEntry:
        key = (table, dynamics_id)
        members, ended = (tuple(sorted(rows.get(key, ()))) for rows in (self._members, self._ended))
        return ItemEntry(self._owners.get(key), members, ended)

    async def entries(self, table: str, ids: Sequence[str]) -> Mapping[str, ItemEntry]:
        found = {id_: await self.entry(table, id_) for id_ in ids}
        return {id_: entry for id_, entry in found.items() if entry != ItemEntry(None)}

    async def join(self, table: str, dynamics_id: str, mailbox: str) -> None:
        self._members.setdefault((table, dynamics_id), set()).add(mailbox)
        self._ended.get((table, dynamics_id), set()).discard(mailbox)

    async def end(self, table: str, dynamics_id: str, mailbox: str) -> None:
        await self.leave(table, dynamics_id, mailbox)
        self._ended.setdefault((table, dynamics_id), set()).add(mailbox)

    async def leave(self, table: str, dynamics_id: str, mailbox: str) -> None:
        self._members.get((table, dynamics_id), set()).discard(mailbox)
        if self._owners.get((table, dynamics_id)) == mailbox:
            del self._owners[table, dynamics_id]

    async def own(self, table: str, dynamics_id: str, mailbox: str, *, instead_of: str | None) -> str:
        present = self._owners.get((table, dynamics_id))
        if present in (None, instead_of):
            self._owners[table, dynamics_id] = mailbox
        return self._owners[table, dynamics_id]

    async def by_ical_uid(self, ical_uid: str) -> str | None:
        return self._by_uid.get(ical_uid)

    async def put_ical_uid(self, ical_uid: str, dynamics_id: str) -> None:
        self._by_uid[ical_uid] = dynamics_id


class MemoryHistoryStore:
    """Tables ``history…``: newest first, an item found by either id."""

    def __init__(self) -> None:
        self._rows: dict[str, list[tuple[datetime, int, HistoryRow]]] = {}

    async def add(self, mailbox: str, rows: Sequence[HistoryRow]) -> None:
        kept = self._rows.setdefault(mailbox, [])
        kept.extend((row.at, next(_numbers), _stored(row)) for row in rows)
        kept.sort(key=lambda entry: entry[:2], reverse=True)

    async def of_item(
        self, mailbox: str, item_id: str | None, *, limit: int, after: str | None
    ) -> tuple[Sequence[HistoryRow], str | None]:
        rows = [row for row in self._rows.get(mailbox, []) if self._concerns(mailbox, row[2], item_id)]
        begin = int(after) if after else 0
        page = [row for _, _, row in rows[begin : begin + limit]]
        return page, str(begin + limit) if len(rows) > begin + limit else None

    def _concerns(self, mailbox: str, row: HistoryRow, item_id: str | None) -> bool:
        known = {item_id}
        for _, _, each in self._rows[mailbox]:
            pair = {each.item.exchange, each.item.dynamics}
            if item_id in pair:
                known |= pair
        return item_id is None or (row.item.dynamics or row.item.exchange) in known - {None}

    async def drop_old(self, before: datetime) -> Sequence[str]:
        """Whole months, like the tables."""
        month = before.astimezone(UTC).strftime("%Y%m")
        dropped: set[str] = set()
        for mailbox, rows in self._rows.items():
            dropped |= {f"history{at:%Y%m}" for at, _, _ in rows if f"{at:%Y%m}" < month}
            self._rows[mailbox] = [row for row in rows if f"{row[0]:%Y%m}" >= month]
        return sorted(dropped)


class MemoryDecisionStore:
    """Table ``decisions``."""

    def __init__(self) -> None:
        self._rows: dict[str, PendingDecision] = {}

    async def put(self, decision: PendingDecision) -> None:
        present = self._rows.get(decision.id)
        if decision.etag is not None and (present is None or present.etag != decision.etag):
            raise Conflict(f"decision {decision.id} changed meanwhile")
        answer = decision.answer or (present.answer if present and decision.etag is None else "")
        self._rows[decision.id] = replace(_stored(replace(decision, answer=answer)), etag=_etag())

    async def of_mailbox(self, mailbox: str | None) -> Sequence[PendingDecision]:
        rows = [row for row in self._rows.values() if mailbox in (None, row.mailbox)]
        return sorted(rows, key=lambda row: (row.mailbox, row.id))

    async def get(self, decision_id: str) -> PendingDecision | None:
        return self._rows.get(decision_id)

    async def remove(self, decision: PendingDecision) -> None:
        present = self._rows.get(decision.id)
        if present and decision.etag not in (None, present.etag):
            raise Conflict(f"decision {decision.id} changed meanwhile")
        self._rows.pop(decision.id, None)


class MemoryMailboxRegistry:
    """Table ``mailboxes``: one mailbox, one Dynamics user, one address (MBX-3)."""

    def __init__(self) -> None:
        self._rows: dict[str, Mailbox] = {}

    async def get(self, mailbox_id: str) -> Mailbox | None:
        return self._rows.get(mailbox_id)

    async def by_user(self, user_id: str) -> Mailbox | None:
        return next((row for row in self._rows.values() if row.user_id == user_id), None)

    async def by_users(self, user_ids: Iterable[str]) -> Mapping[str, Mailbox]:
        found = {user: await self.by_user(user) for user in user_ids}
        return {user: mailbox for user, mailbox in found.items() if mailbox is not None}

    async def add(self, mailbox: Mailbox) -> Mailbox:
        if mailbox.id in self._rows:
            raise Conflict(f"mailbox {mailbox.id} is mapped already")
        return self._put(mailbox)

    async def update(self, mailbox: Mailbox) -> Mailbox:
        present = self._rows.get(mailbox.id)
        if present is None:
            raise NotFound(f"mailbox {mailbox.id} is not mapped")
        if present.etag != mailbox.etag:
            raise Conflict(f"mailbox {mailbox.id} changed meanwhile")
        return self._put(mailbox)

    def _put(self, mailbox: Mailbox) -> Mailbox:
        for other in self._rows.values():
            same_user = other.user_id == mailbox.user_id
            if other.id != mailbox.id and (same_user or other.address.lower() == mailbox.address.lower()):
                raise Conflict(f"the user or address of {mailbox.id} is mapped to mailbox {other.id}")
        self._rows[mailbox.id] = replace(mailbox, etag=_etag())
        return self._rows[mailbox.id]

    async def patch(self, mailbox_id: str, **changes: Value | datetime) -> None:
        check_patch(changes)
        if mailbox_id not in self._rows:
            raise NotFound(f"mailbox {mailbox_id} is not mapped")
        patched = replace(self._rows[mailbox_id], **changes, etag=_etag())  # type: ignore[arg-type]
        self._rows[mailbox_id] = replace(patched, state=MailboxState(patched.state))

    async def remove(self, mailbox: Mailbox) -> None:
        self._rows.pop(mailbox.id, None)

    async def all(self) -> AsyncIterator[Mailbox]:
        for mailbox in list(self._rows.values()):
            yield mailbox

    async def due(self, now: datetime) -> AsyncIterator[Mailbox]:
        for mailbox in list(self._rows.values()):
            if mailbox.state is MailboxState.ACTIVE and (mailbox.due_at is None or mailbox.due_at <= now):
                yield mailbox


class MemoryProfileStore:
    """Table ``profiles``; ``default`` exists from the start."""

    def __init__(self) -> None:
        self._rows: dict[str, Profile] = {"default": Profile()}

    async def get(self, profile_id: str) -> Profile | None:
        return self._rows.get(profile_id)

    async def put(self, profile: Profile) -> None:
        self._rows[profile.id] = _stored(profile)

    async def all(self) -> Sequence[Profile]:
        return [self._rows[name] for name in sorted(self._rows)]


class MemoryAnswerStore:
    """Table ``answers``: JSON, kept for an hour."""

    def __init__(self, now: Now | None = None) -> None:
        self._now = now or clock()
        self._rows: dict[tuple[str, str], tuple[datetime, str]] = {}

    async def put(self, mailbox: str, request: str, answer: Mapping[str, Value]) -> None:
        self._rows[mailbox, request] = (self._now(), dumps(answer))

    async def get(self, mailbox: str, request: str) -> Mapping[str, Value] | None:
        at, text = self._rows.get((mailbox, request), (datetime.min.replace(tzinfo=UTC), ""))
        if self._now() - at > timedelta(hours=1):
            return None
        answer: Mapping[str, Value] = json.loads(text)
        return answer


class MemoryFeedStore:
    """Table ``feeds``."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Cursor] = {}

    async def cursors(self, organization: str) -> Mapping[str, Cursor]:
        return {feed: cursor for (owner, feed), cursor in self._rows.items() if owner == organization}

    async def put_cursors(self, organization: str, cursors: Sequence[Cursor]) -> None:
        self._rows.update({(organization, each.feed): _stored(each) for each in cursors})


class MemorySubscriptionStore:
    """Table ``subscriptions``."""

    def __init__(self) -> None:
        self._rows: dict[str, SubscriptionRow] = {}

    async def get(self, subscription_id: str) -> SubscriptionRow | None:
        return self._rows.get(subscription_id)

    async def put(self, row: SubscriptionRow) -> None:
        self._rows[row.id] = row

    async def remove(self, subscription_id: str) -> None:
        self._rows.pop(subscription_id, None)

    async def of_mailbox(self, mailbox: str) -> Sequence[SubscriptionRow]:
        return sorted((row for row in self._rows.values() if row.mailbox == mailbox), key=lambda row: row.id)

    async def all(self) -> AsyncIterator[SubscriptionRow]:
        for row in list(self._rows.values()):
            yield row


class MemoryDeadLetterStore:
    """Table ``deadletters``."""

    def __init__(self) -> None:
        self._rows: dict[str, DeadLetter] = {}

    async def add(self, letter: DeadLetter) -> bool:
        if letter.id in self._rows:
            return False
        self._rows[letter.id] = _stored(letter)
        return True

    async def get(self, letter_id: str) -> DeadLetter | None:
        return self._rows.get(letter_id)

    async def page(
        self, *, session: str | None = None, queue: str | None = None, limit: int, after: str = ""
    ) -> tuple[Sequence[DeadLetter], bool]:
        found = [
            self._rows[id_]
            for id_ in sorted(self._rows)
            if id_ > after
            and session in (None, self._rows[id_].session)
            and queue in (None, self._rows[id_].queue)
        ]
        return found[:limit], len(found) > limit

    async def counts(self) -> Mapping[str, int]:
        return Counter(letter.queue for letter in self._rows.values())

    async def remove(self, letter_id: str) -> None:
        self._rows.pop(letter_id, None)

    async def drop_old(self, before: datetime) -> int:
        old = [id_ for id_, letter in self._rows.items() if letter.found_at < before]
        for id_ in old:
            del self._rows[id_]
        return len(old)


class MemoryAlertStore:
    """Table ``alerts``."""

    def __init__(self) -> None:
        self._rows: dict[str, Alert] = {}

    async def all(self) -> Sequence[Alert]:
        return [self._rows[key] for key in sorted(self._rows)]

    async def put(self, alerts: Sequence[Alert]) -> None:
        self._rows.update({alert.key: _stored(alert) for alert in alerts})

    async def remove(self, alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            del self._rows[alert.key]
