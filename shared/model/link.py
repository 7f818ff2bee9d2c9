"""A link: one Exchange item and one Dynamics row that belong together, and what both last agreed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from shared.model.appointment import DynamicsAppointment
from shared.model.attachment import LinkedFile
from shared.model.values import Side, Value, Values


class LinkState(StrEnum):
    """A link never just disappears: it ends in a state with a reason (LNK-8)."""

    LINKED = "linked"
    CREATING = "creating"
    UNTRACKED = "untracked in Outlook"
    DELETED_IN_EXCHANGE = "deleted in Exchange and kept in Dynamics"
    DELETED_IN_DYNAMICS = "deleted in Dynamics and kept in Exchange"
    DELETED = "deleted on both sides"
    LEFT_FILTER = "left the filter"
    OWNED_ELSEWHERE = "owned elsewhere"
    KEPT_OUT = "untracked by decision"

    @property
    def ended(self) -> bool:
        return self not in (LinkState.LINKED, LinkState.CREATING)


class Role(StrEnum):
    """The owner mailbox moves content; a member only joins and leaves."""

    OWNER = "owner"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Base:
    """Per field and side, the value that this side showed when both last agreed."""

    exchange: Values = field(default_factory=dict)
    dynamics: Values = field(default_factory=dict)

    def of(self, side: Side) -> Values:
        return self.exchange if side is Side.EXCHANGE else self.dynamics


@dataclass(frozen=True, slots=True)
class LastSeen:
    """A row without those of its values that the link's base holds, and a fingerprint of all of them."""

    row: DynamicsAppointment
    values: str


@dataclass(frozen=True, slots=True)
class Link:
    """``kind`` is the product's word (appointment, contact, task); ``table`` the Dynamics table.

    ``markers`` remembers what tracking marks the item carried when we last saw or wrote it
    (``category``: bool, ``stamp``: number or None), so that their removal can be told from their absence.
    ``withheld``: attendees kept out of Exchange so that nobody is mailed (APPT-26 b).
    ``noted`` is the last reason for leaving the item alone that went into the history; a new row is
    written only when it changes. ``turns`` counts writes without a human edit (the breaker).
    ``intent``: what a pass was about to write when it was last heard of (``rules.intent``).
    ``occurrences``: of a series, by the date of the slot, what each side showed there when both last agreed
    and the versions of the exceptions (``rules.occurrences``); slots that are plain on both sides are absent.
    ``attachments``: the files that both sides had when they last agreed (``rules.attachment_merge``);
    ``files_compared``: nothing happened to the item since then without its files being looked at.
    ``seen``: the row in version ``dynamics_etag`` (``rules.last_seen``).
    """

    kind: str
    table: str
    dynamics_id: str
    exchange_id: str | None
    state: LinkState = LinkState.LINKED
    role: Role = Role.OWNER
    generation: int = 1
    exchange_etag: str | None = None
    dynamics_etag: str | None = None
    base: Base = field(default_factory=Base)
    reason: str = ""
    rules: tuple[str, ...] = ()
    ical_uid: str | None = None
    subject: str = ""
    markers: Mapping[str, Value] = field(default_factory=dict)
    withheld: tuple[tuple[str, str], ...] = ()
    noted: str = ""
    turns: int = 0
    attempt_at: datetime | None = None
    intent: Mapping[str, Value] = field(default_factory=dict)
    occurrences: Mapping[str, Value] = field(default_factory=dict)
    attachments: tuple[LinkedFile, ...] = ()
    files_compared: bool = False
    seen: LastSeen | None = None

    @property
    def linked(self) -> bool:
        return self.state is LinkState.LINKED

    def ended(self, state: LinkState, reason: str, rules: tuple[str, ...]) -> Link:
        """This link, ended; the generation rises so that a re-created item never meets its old self."""
        return replace(self, state=state, reason=reason, rules=rules, generation=self.generation + 1)
