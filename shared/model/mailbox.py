"""A subscribed mailbox: whose it is, what state it is in, and when it is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class MailboxState(StrEnum):
    DISABLED = "disabled"
    ACTIVE = "active"
    PAUSED = "paused"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """``id`` is the Graph user's id (a GUID): session id, partition key and path segment alike.

    ``user_id`` is the Dynamics ``systemuserid``. ``time_zone`` is the mailbox's own, as Exchange names it
    (usually a Windows name). ``due_at``: when the net next asks for a pass. ``failures`` counts transient
    failures in a row (MBX-16), and ``retry_at`` is when the retry comes that is scheduled already.
    ``scheduling_note``: why scheduling conflicts cannot be checked for it, if they cannot (APPT-29).
    ``tasks_read_at``, ``filters_read_at``: when task lists and sync filters were last asked for;
    ``tracks_tasks``: it has, or had, a linked task. ``poll_at``: when its calendars and contacts are next
    read whatever was notified; ``activity``: how many changes there were of late, older ones counting less
    (MBX-14). ``subscribed_until``: until when Graph tells of all its resources, None where it does not;
    ``subscribe_again_at``: before then Graph is not asked for what it refused; ``untold_at``: when a change
    was found of which it had not told. ``postponed_until``: an administrator wants nothing done before then
    (MBX-15).
    """

    id: str
    address: str
    user_id: str
    state: MailboxState = MailboxState.ACTIVE
    profile: str = "default"
    display_name: str = ""
    time_zone: str = "UTC"
    due_at: datetime | None = None
    last_pass_at: datetime | None = None
    last_pass_ms: int = 0
    last_error: str = ""
    failures: int = 0
    retry_at: datetime | None = None
    lag_seconds: float | None = None
    reconciled_at: datetime | None = None
    calendars_read_at: datetime | None = None
    created_at: datetime | None = None
    scheduling_note: str = ""
    tasks_read_at: datetime | None = None
    tracks_tasks: bool = False
    filters_read_at: datetime | None = None
    poll_at: datetime | None = None
    activity: float = 0.0
    subscribed_until: datetime | None = None
    subscribe_again_at: datetime | None = None
    untold_at: datetime | None = None
    postponed_until: datetime | None = None
    etag: str | None = None
