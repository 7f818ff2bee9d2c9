"""Contacts or tasks that the service is not let at: left out of the pass with a note, and asked for again
hourly, so that nothing else of the mailbox suffers (MBX-16).

What is left out forgets its place in the feeds. It is read from the beginning, and compared with Dynamics,
once it may be: so nothing is missed that happened meanwhile.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.engine.gather import Touched
from shared.engine.ports import Agenda, Cursor, HistoryRow
from shared.errors import MailboxBroken, NotFound, ProfileBroken, Refused, SyncError
from shared.model.decision import ItemRef
from shared.model.mailbox import Mailbox
from shared.model.personal import CONTACT, TASK
from shared.model.values import Side
from shared.plain_words import keeps_failing_so

TRY_AGAIN = timedelta(hours=1)
ACCIDENTS = 3
"""How often in a row a token is refused before that is taken for a right that is missing."""
NAMES = {CONTACT: "contacts", TASK: "tasks"}
NEEDED = {CONTACT: "Contacts.ReadWrite", TASK: "Tasks.ReadWrite.All"}
SWITCHES = {CONTACT: "synchronizeContacts", TASK: "synchronizeTasks"}
NOTES = {f"{kind}-closed": kind for kind in NAMES}
"""The note is kept as a cursor, so that it is committed with what it is about."""
NOT_LET_IN = (401, 403)
ACCESS_DENIED = "ErrorAccessDenied"
"""What Exchange says of a mailbox, or a part of it, that the application may not use."""
RULES = ("MBX-16",)


def by_exchange(error: SyncError) -> bool:
    """Whether Exchange keeps us from this kind alone: the mailbox's calendars were read just before."""
    broken = isinstance(error, MailboxBroken | ProfileBroken) and error.status in NOT_LET_IN
    return broken or _is_refused(error)


def may_be_accident(error: SyncError, mailbox: Mailbox) -> bool:
    """A token that expired, or that one of many front ends did not like: the pass is repeated before that is
    believed."""
    return error.status == 401 and not keeps_failing_so(mailbox, error, ACCIDENTS)


def by_dynamics(error: SyncError) -> bool:
    """A right that the application or the user lacks, or a filter that cannot be run."""
    return _is_refused(error) or (isinstance(error, ProfileBroken) and error.status == 403)


def by_either(error: SyncError) -> bool:
    """While items of the kind are paired, which asks both sides."""
    return by_dynamics(error) or error.code == ACCESS_DENIED


def _is_refused(error: SyncError) -> bool:
    """What is gone since it was named is another matter: looking again helps."""
    return isinstance(error, Refused) and not isinstance(error, NotFound)


def note_about_exchange(kind: str, error: SyncError) -> str:
    return (
        f"{NAMES[kind]} are left out: Exchange does not let the service read them ({_said(error)}); it needs "
        f"{NEEDED[kind]}, or {SWITCHES[kind]} is to be switched off"
    )


def note(kind: str, error: SyncError) -> str:
    return f"{NAMES[kind]} are left out: {_said(error)}"


def _said(error: SyncError) -> str:
    """The same each time, or the history would tell it each time."""
    codes = [str(part) for part in (error.status, error.code) if part]
    return " ".join(codes) if codes else str(error)


def notes_of(agenda: Agenda) -> dict[str, str]:
    """Why a kind is left out, by kind."""
    return {kind: agenda.cursors[feed].link for feed, kind in NOTES.items() if feed in agenda.cursors}


def is_to_be_tried(kind: str, agenda: Agenda, now: datetime) -> bool:
    since = agenda.cursors[feed_of(kind)].updated_at
    return since is None or now - since >= TRY_AGAIN


def feed_of(kind: str) -> str:
    return f"{kind}-closed"


def places_feed(kind: str) -> str:
    """Under which the list of its folders or lists is kept."""
    return f"{kind}-places"


def is_feed_of(kind: str, feed: str) -> bool:
    return feed == places_feed(kind) or feed.startswith(f"{kind}:")


def leave_out(kind: str, touched: Touched, agenda: Agenda) -> None:
    """Nothing of it is looked at in this pass."""
    touched.personal.leave_out(kind)
    touched.cursors = [cursor for cursor in touched.cursors if not is_feed_of(kind, cursor.feed)]
    touched.dropped_cursors += [feed for feed in agenda.cursors if is_feed_of(kind, feed)]


def close(kind: str, why: str, touched: Touched, agenda: Agenda, now: datetime) -> None:
    leave_out(kind, touched, agenda)
    touched.cursors.append(Cursor(feed_of(kind), why, complete=True, updated_at=now))
    if notes_of(agenda).get(kind) != why:
        touched.news.append(_row(why, now))


def reopen(kind: str, touched: Touched, now: datetime) -> None:
    touched.dropped_cursors.append(feed_of(kind))
    touched.news.append(_row(f"{NAMES[kind]} are synchronized again", now))


def _row(reason: str, at: datetime) -> HistoryRow:
    return HistoryRow(at, ItemRef("mailbox", None, None), "warn", Side.EXCHANGE.value, RULES, reason, "done")
