"""A mailbox's first sync: slices in a lane of its own, each of which begins with what is newest.

While it is under way, changes that come are not looked at when they come: an inbox row ``news`` says that
there are some, and the next slice begins with them. For in a calendar's full round the newest changes come
last, hours after the first page maybe; so the lists are asked what changed last. That is for speed alone:
whatever is missed there comes with the round.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from shared.engine.gather import INBOX_LIMIT, Bounds, Touched
from shared.engine.personal_gather import Wanted
from shared.engine.ports import Agenda, ChangedItem, Cursor, ExchangeMailbox, InboxRow
from shared.engine.services import Services
from shared.errors import Refused
from shared.lane import Lane
from shared.model.link import Link
from shared.model.mailbox import Mailbox
from shared.model.personal import CONTACT

FEED = "first-sync"
"""Its cursor says up to when the newest changes were looked for; it goes when the first sync is over."""
NEWS = "news"
CALENDARS, CONTACTS = "calendars", "contacts"
SLICE = timedelta(seconds=45)
PAGES = 12
"""Pages of a calendar in a slice. Most events are nobody's business and cost little."""
AT_ONCE = 200
"""Inbox rows that a slice looks at, and tracked events after which it reads no further page: so many items
can be written in its time."""
BACKLOG = 100
"""With so many items put off no more pages are read."""
SKEW = timedelta(minutes=2)
"""Exchange's clock and ours may differ by so much."""

log = logging.getLogger("sync.pass")


def lane_of(agenda: Agenda) -> Lane:
    """Where the mailbox is now. One of which nothing was ever read begins with its first sync; one that was
    removed and comes back goes on where it was."""
    if agenda.fence is not None and agenda.fence.lane == Lane.BULK:
        return Lane.BULK
    read = any(feed.startswith("calendar") for feed in agenda.cursors)
    return Lane.SYNC if read else Lane.BULK


def has_begun(agenda: Agenda) -> bool:
    return agenda.fence is not None and agenda.fence.lane == Lane.BULK


def is_working(agenda: Agenda, now: datetime) -> bool:
    """A slice may be under way at this moment."""
    return has_begun(agenda) and agenda.fence is not None and agenda.fence.deadline > now


def generation_of(agenda: Agenda) -> int:
    """How often anybody took the mailbox."""
    return agenda.fence.generation if agenda.fence else 0


def slice_bounds(agenda: Agenda) -> Bounds:
    """First what is known already, then more of it."""
    waiting = sum(row.later for row in agenda.inbox)
    full = agenda.more_inbox or waiting >= BACKLOG
    return Bounds(0 if full else PAGES, AT_ONCE, patient=True)


def widened(wanted: Wanted, agenda: Agenda) -> Wanted:
    """Contacts whose first reading is over are read where there is news of them."""
    told = any(row.kind == NEWS and row.id == CONTACTS for row in agenda.inbox)
    return replace(wanted, contacts=True) if told else wanted


def put_off(rows: Iterable[InboxRow]) -> list[InboxRow]:
    return [InboxRow(row.kind, row.id, row.version, later=True) for row in rows]


# --- the newest -----------------------------------------------------------------------------------


async def look_for_newest(
    services: Services, mailbox: Mailbox, agenda: Agenda, touched: Touched, *, retried: bool
) -> set[str]:
    """Bring up what changed last, where the feeds that would tell are still read from their beginning.
    ``retried``: while a slice failed, hints were not noted. Returns the ids that come before all others."""
    urgent = {row.id for row in agenda.inbox if not row.later}
    known, now = agenda.cursors.get(FEED), services.now()
    if known is None:
        touched.cursors.append(Cursor(FEED, now.isoformat(), complete=False, updated_at=now))
        return urgent
    news = {CALENDARS, CONTACTS} if retried else {row.id for row in agenda.inbox if row.kind == NEWS}
    since = datetime.fromisoformat(known.link) - SKEW
    box = services.exchange.mailbox(mailbox.id, mailbox.time_zone)
    if CALENDARS in news and _under_way(agenda, "calendar:"):
        urgent |= await _newest_events(services, mailbox, box, since, touched)
    if CONTACTS in news and _under_way(agenda, f"{CONTACT}:") and CONTACT not in touched.personal.left_out:
        urgent |= await _newest_contacts(services, mailbox, box, since, touched)
    if news:
        touched.cursors.append(Cursor(FEED, now.isoformat(), complete=False, updated_at=now))
    return urgent


def _under_way(agenda: Agenda, prefix: str) -> bool:
    return any(name.startswith(prefix) and not each.complete for name, each in agenda.cursors.items())


async def _newest_events(
    services: Services, mailbox: Mailbox, box: ExchangeMailbox, since: datetime, touched: Touched
) -> set[str]:
    try:
        found = await box.newest_events(since)
    except Refused as error:
        log.warning("the newest events come with their round: %s", error.code)
        return set()
    changed = await _not_ours(services, mailbox, found)
    touched.look |= {each.id for each in changed} - set(touched.rows)
    return {each.id for each in changed}


async def _newest_contacts(
    services: Services, mailbox: Mailbox, box: ExchangeMailbox, since: datetime, touched: Touched
) -> set[str]:
    try:
        found = await box.newest_contacts(since)
    except Refused as error:
        log.warning("the newest contacts come with their round: %s", error.code)
        return set()
    changed = await _not_ours(services, mailbox, found)
    contacts = touched.personal.contacts
    for each in changed:
        if each.id not in contacts.rows:
            contacts.look.setdefault(each.id, each.place)
    return {each.id for each in changed}


async def _not_ours(services: Services, mailbox: Mailbox, found: Sequence[ChangedItem]) -> list[ChangedItem]:
    """Most of what changed last was written by the slice before: links hold its versions."""
    links = await services.store.links_by_exchange(mailbox.id, [each.id for each in found]) if found else {}
    changed = [each for each in found if not _holds(links.get(each.id), each)]
    return changed[:INBOX_LIMIT]


def _holds(link: Link | None, item: ChangedItem) -> bool:
    return link is not None and link.exchange_etag == item.etag
