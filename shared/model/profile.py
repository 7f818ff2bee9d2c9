"""Profiles: the settings that mailboxes follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shared.model.scheduling import SchedulingPolicy
from shared.model.values import Direction, Value


class PrivateItems(StrEnum):
    """What of an item that its owner marked as private is taken to Dynamics (APPT-9)."""

    FULL = "full"
    SUBJECT_ONLY = "subjectOnly"
    SKIP = "skip"


class ContactAddresses(StrEnum):
    """Which postal addresses of contacts travel (CONT-2)."""

    ONE = "one"
    THREE = "three"


class ContactDeletion(StrEnum):
    """What becomes of the row when its contact is deleted in Exchange (X-2, CONT-4)."""

    UNLINK = "unlink"
    DELETE_OWNED = "deleteOwned"


@dataclass(frozen=True, slots=True)
class Brake:
    """How much one pass may delete, cancel or unlink (``items``, or ``percent`` of what the mailbox has
    linked; 100: any part of it) and mail (``people``) before it asks."""

    items: int = 25
    people: int = 200
    percent: int = 100


@dataclass(frozen=True, slots=True)
class Polling:
    """How often calendars and contacts are read although nobody asked for it, in minutes (MBX-14): of busy,
    normal and quiet mailboxes, and of those whose change notifications tell of everything."""

    busy_minutes: int = 2
    normal_minutes: int = 5
    quiet_minutes: int = 12
    notified_minutes: int = 30


@dataclass(frozen=True, slots=True)
class Retries:
    """How a mailbox is tried again after a transient failure (MBX-16, MBX-17): after ``shortest_seconds`` at
    first, after ``longest_seconds`` later, no sooner than ``timed_out_seconds`` where a service did not
    answer in time. From ``failures`` in a row an alert is raised, and it is tried every ``outage_minutes``
    in the end."""

    shortest_seconds: int = 2
    longest_seconds: int = 300
    timed_out_seconds: int = 30
    failures: int = 10
    outage_minutes: int = 15


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile; ``default`` exists from the start. Field directions other than the defaults are kept
    per entity: ``{"appointment": {"body": "toDynamics"}}``. ``settings`` overrides organization settings
    of the same name (SET). ``synchronize_attachments`` is off unless somebody turns it on (APPT-11)."""

    id: str = "default"
    brake: Brake = Brake()
    window_past_days: int = 30
    window_future_days: int = 548
    track_categorized_contacts: bool = True
    complete_when_shown_as_free: bool = True
    private_appointments: PrivateItems = PrivateItems.FULL
    recreate_deleted_past_instances: bool = False
    """Only to behave as Microsoft's sync does (APPT-33): tracking a series brings back the past instances
    that its organizer had deleted, and invites their attendees again."""
    scheduling_conflicts: SchedulingPolicy = SchedulingPolicy.WARN
    directions: Mapping[str, Mapping[str, Direction]] = field(default_factory=dict)
    settings: Mapping[str, Value] = field(default_factory=dict)
    synchronize_attachments: bool = False
    synchronize_contacts: bool = True
    synchronize_tasks: bool = True
    task_polling_minutes: int = 12
    """How often the task lists are read: Graph notifies nobody of tasks. Hourly for mailboxes that never
    tracked one."""
    contact_addresses: ContactAddresses = ContactAddresses.ONE
    contact_deletion: ContactDeletion = ContactDeletion.UNLINK
    company_from_parent: bool = True
    """The parent's name is written into Company (CONT-6)."""
    reconcile_hours: int = 24
    filter_polling_minutes: int = 0
    """How often each mailbox asks for its owner's sync filters, where Dynamics tells nobody of changed ones.
    0: it does not."""
    item_polling: Polling = Polling()
    """Of appointments, contacts and tasks; mail has a clock of its own (MBX-17)."""
    item_retries: Retries = Retries()
