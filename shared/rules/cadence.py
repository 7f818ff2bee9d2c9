"""When a mailbox is read next although nobody asked for it: the net under the notifications (MBX-14, FAQ-2),
and how long a mailbox that fails is left alone (MBX-16, MBX-17).

Fixed when a pass ends, from what it found and how busy the mailbox has been of late. Where change
notifications tell of everything, the net may be wider: then it only finds what they did not tell.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.errors import SyncError
from shared.model.mailbox import Mailbox
from shared.model.profile import Polling, Profile, Retries

HALF_LIFE = timedelta(minutes=30)
"""After so long a change counts half."""
BUSY, SOME, MOST = 3.0, 0.5, 8.0
"""From ``BUSY`` changes of late a mailbox is busy, below ``SOME`` it grows quiet; more than ``MOST`` count
no more, so that a first sync does not look like a busy week."""
EARLIEST = 0.8
"""Mailboxes that ended their passes at once come due spread over the last fifth of the interval."""
TIMER = timedelta(minutes=1)
"""The timer that looks for due mailboxes comes once a minute: whoever must not come later is due earlier."""
EARLY = timedelta(seconds=30)
DOUBT = timedelta(days=1)
"""How long notifications are not relied on after a change of which they did not tell."""
NEVER_TRACKED = timedelta(hours=1)
"""How often the task lists of a mailbox are read that never had a tracked task."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
TIME_OUTS = frozenset({408, 504})


@dataclass(frozen=True, slots=True)
class Ended:
    """What a pass says of its mailbox. ``found``: what people had done, on either side. ``polled``:
    calendars and contacts were both read. ``told``: a notification of Exchange had asked for it; ``untold``:
    changes in Exchange of which a poll learned first. ``covered``: notifications tell of all calendars and
    folders there are."""

    at: datetime
    found: int = 0
    polled: bool = False
    told: bool = False
    untold: int = 0
    covered: bool = False
    tasks_read_at: datetime | None = None
    tracks_tasks: bool = False


@dataclass(frozen=True, slots=True)
class Next:
    """What is noted on the mailbox; see ``Mailbox``."""

    due_at: datetime
    poll_at: datetime
    activity: float
    untold_at: datetime | None


def after(mailbox: Mailbox, profile: Profile, ended: Ended) -> Next:
    """The next time of a mailbox, as a pass of it ends (MBX-15)."""
    activity = _activity(mailbox, ended)
    untold_at = _untold(mailbox, ended)
    interval = _interval(mailbox, profile.item_polling, ended, activity, untold_at)
    poll_at = ended.at + _spread(mailbox.id, ended.at, interval)
    if not ended.polled and mailbox.poll_at is not None:
        poll_at = min(poll_at, mailbox.poll_at)
    tasks_at = tasks_due_at(mailbox.id, profile, ended.tasks_read_at, tracks_tasks=ended.tracks_tasks)
    due_at = min(poll_at, tasks_at) if tasks_at and tasks_at > ended.at else poll_at
    if mailbox.postponed_until is not None:
        due_at = max(due_at, mailbox.postponed_until)
    return Next(max(due_at, ended.at), poll_at, activity, untold_at)


def is_poll(mailbox: Mailbox, now: datetime) -> bool:
    """Whether a mailbox that is due is due for its calendars and contacts, or for its task lists only."""
    return mailbox.poll_at is None or now >= mailbox.poll_at - EARLY


def is_postponed(mailbox: Mailbox, now: datetime) -> bool:
    """An administrator said: not before then (MBX-15)."""
    return mailbox.postponed_until is not None and now < mailbox.postponed_until


def tasks_due_at(
    mailbox_id: str, profile: Profile, read_at: datetime | None, *, tracks_tasks: bool
) -> datetime | None:
    """Graph tells nobody of tasks, so their lists have a clock of their own. None: they are read when
    somebody asks."""
    if not (profile.synchronize_tasks and profile.task_polling_minutes):
        return None
    if read_at is None:
        return LONG_AGO
    every = timedelta(minutes=profile.task_polling_minutes)
    return read_at + _spread(mailbox_id, read_at, every if tracks_tasks else max(every, NEVER_TRACKED))


# --- how busy ---------------------------------------------------------------------------------------


def _activity(mailbox: Mailbox, ended: Ended) -> float:
    """Changes, each counting half after half an hour."""
    since = ended.at - mailbox.last_pass_at if mailbox.last_pass_at else timedelta()
    halvings: float = max(since, timedelta()) / HALF_LIFE
    return min(mailbox.activity * math.pow(0.5, halvings) + ended.found, MOST)


def _untold(mailbox: Mailbox, ended: Ended) -> datetime | None:
    """A notification that comes shows that they come again."""
    if ended.told:
        return None
    relied_on = mailbox.subscribed_until is not None and ended.covered
    return ended.at if ended.untold and relied_on else mailbox.untold_at


def _interval(
    mailbox: Mailbox, polling: Polling, ended: Ended, activity: float, untold_at: datetime | None
) -> timedelta:
    subscribed = mailbox.subscribed_until is not None and mailbox.subscribed_until > ended.at
    doubted = untold_at is not None and ended.at - untold_at < DOUBT
    if subscribed and ended.covered and not doubted:
        return timedelta(minutes=polling.notified_minutes)
    return timedelta(minutes=_minutes(polling, activity))


def _minutes(polling: Polling, activity: float) -> float:
    """Busy, normal, and from there slowly to quiet."""
    if activity >= BUSY:
        return polling.busy_minutes
    if activity >= SOME:
        return polling.normal_minutes
    return polling.quiet_minutes - (polling.quiet_minutes - polling.normal_minutes) * activity / SOME


def _spread(mailbox_id: str, now: datetime, interval: timedelta) -> timedelta:
    """Somewhere in the last fifth of the interval, elsewhere each time: who began together does not stay
    so."""
    earliest = EARLIEST * interval
    latest = max(interval - TIMER, earliest)
    return earliest + (latest - earliest) * part_of(f"{mailbox_id} {now:%Y-%m-%dT%H:%M}")


def part_of(text: str) -> float:
    """From 0 to 1, always the same for a text, and as if drawn at random."""
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:4]) / 2**32


# --- failures ---------------------------------------------------------------------------------------


def back_off(failures: int, retries: Retries, error: SyncError | None = None) -> timedelta:
    """The wait after a transient failure, ``failures`` having come before it (MBX-16): a moment at first,
    four times as long each time, up to ``longest``. Whoever fails more often than ``failures`` is left alone
    for longer each time, and comes back all the same: an outage of a service is transient, however long."""
    over = failures - retries.failures + 1
    if over > 0:
        seconds = retries.longest_seconds * 2.0 ** min(over, 16)
        return timedelta(seconds=min(seconds, max(60 * retries.outage_minutes, retries.longest_seconds)))
    seconds = min(retries.shortest_seconds * 4.0 ** min(failures, 16), retries.longest_seconds)
    if error is not None and _timed_out(error):
        seconds = max(seconds, retries.timed_out_seconds)
    return timedelta(seconds=seconds)


def _timed_out(error: SyncError) -> bool:
    return error.status in TIME_OUTS or "timeout" in error.code.lower()
