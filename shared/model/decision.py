"""A decision: what is to be done about one item, by which rules, and what was left alone and why.

Preview, explain-why and the history are views of this data; the engine carries it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shared.model.appointment import APPOINTMENT
from shared.model.attachment import Attachment
from shared.model.event import Stamps
from shared.model.link import Link
from shared.model.party import Party, RecordRef
from shared.model.personal import (
    CreateItem,
    CreateRecord,
    DeleteItem,
    DeleteRecord,
    MarkItem,
    UpdateItem,
    UpdateRecord,
)
from shared.model.scheduling import Asked, Claim
from shared.model.values import Side, Value, Values


class ActionKind(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    CANCEL = "cancel"
    LINK = "link"
    UNLINK = "unlink"
    COMPLETE = "complete"
    ATTACH = "attach"
    DETACH = "detach"


@dataclass(frozen=True, slots=True)
class ItemRef:
    """How an item is named to people: both ids as far as known, and its subject."""

    kind: str
    exchange: str | None
    dynamics: str | None
    subject: str = ""


@dataclass(frozen=True, slots=True)
class RowVersion:
    """An item by its id, in the version that was read."""

    id: str
    etag: str


# --- writes: what an action sends, in canonical values of the side it goes to --------------------------


@dataclass(frozen=True, slots=True)
class CreateAppointment:
    """Create a row with a chosen id (``If-None-Match: *``); a state other than Open in the same change set.
    ``as_user`` False: the application creates it (MBX-23). ``claim``: Dynamics is to say with its answer who
    is busy (APPT-29)."""

    id: str
    values: Values
    parties: tuple[Party, ...]
    owner: RecordRef | None
    as_user: bool
    global_object_id: str
    table: str = APPOINTMENT
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class UpdateAppointment:
    """Change ``values`` only; ``parties`` (None = unchanged) replace the whole list. ``claim`` as above."""

    id: str
    etag: str
    values: Values
    parties: tuple[Party, ...] | None = None
    table: str = APPOINTMENT
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class DeleteAppointment:
    id: str
    etag: str
    table: str = APPOINTMENT


@dataclass(frozen=True, slots=True)
class PutException:
    """Make one slot of a Dynamics series an exception, or change the exception that it is (APPT-35).

    ``original_start``: the slot, as an instant (``…Z``). ``values``: what the exception shall show, of the
    fields that are to be written. ``exception``: the row that is there already, None for a plain slot."""

    series_id: str
    original_start: str
    values: Values
    parties: tuple[Party, ...] | None = None
    exception: RowVersion | None = None


@dataclass(frozen=True, slots=True)
class RemoveInstance:
    """Delete one slot of a Dynamics series (``IsDeleted``); gone already is as good."""

    series_id: str
    original_start: str
    exception: RowVersion | None = None


@dataclass(frozen=True, slots=True)
class CreateEvent:
    """Create an event; ``transaction_id`` is its idempotency key, the stamps go in the create body."""

    transaction_id: str
    values: Values
    stamps: Stamps
    categories: tuple[str, ...]
    reminder: bool | None
    attendee_names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UpdateEvent:
    """Change ``values`` only (APPT-26 a). Conditional on ``etag``. ``keeps_meeting``: an online meeting; its
    block in the body stays, whatever the body becomes (APPT-8)."""

    id: str
    etag: str
    values: Values
    reminder: bool | None = None
    attendee_names: Mapping[str, str] = field(default_factory=dict)
    keeps_meeting: bool = False


@dataclass(frozen=True, slots=True)
class UpdateOccurrence:
    """Change one occurrence of a series in Exchange, which makes it an exception.

    ``date``: the day of its slot in the series' zone; ``slot``: begin and end of the slot as instants
    (``…Z``), by which the occurrence is found. ``exception``: the exception that it is already.
    ``keeps_meeting`` as for an event."""

    series_id: str
    date: str
    slot: tuple[str, str]
    values: Values
    exception: RowVersion | None = None
    attendee_names: Mapping[str, str] = field(default_factory=dict)
    keeps_meeting: bool = False


@dataclass(frozen=True, slots=True)
class RemoveOccurrence:
    """Take one occurrence off a series in Exchange. ``cancel``: its attendees get the cancellation
    (APPT-26 d); else it is deleted. Gone already is as good."""

    series_id: str
    date: str
    slot: tuple[str, str]
    cancel: bool = False
    exception: RowVersion | None = None


@dataclass(frozen=True, slots=True)
class MarkEvent:
    """Write marks on the mailbox's own copy, categories and stamps, in a request that mails nobody
    (APPT-26 c).    ``categories`` None = leave them."""

    id: str
    etag: str | None
    categories: tuple[str, ...] | None
    stamps: Stamps


@dataclass(frozen=True, slots=True)
class CancelEvent:
    """Cancel a meeting as its organizer: its attendees get the cancellation (APPT-26 d)."""

    id: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class DeleteEvent:
    id: str
    etag: str


@dataclass(frozen=True, slots=True)
class AddAttachment:
    """Copy a file from the other side; the engine fetches its content while it applies. ``key``: the id that
    it gets in Dynamics, so that a repeated copy meets the first one."""

    source: Attachment
    key: str = ""


@dataclass(frozen=True, slots=True)
class RemoveAttachment:
    """Take an attachment away; gone already is as good."""

    file: Attachment


Write = (
    CreateAppointment
    | UpdateAppointment
    | DeleteAppointment
    | PutException
    | RemoveInstance
    | CreateEvent
    | UpdateEvent
    | UpdateOccurrence
    | RemoveOccurrence
    | MarkEvent
    | CancelEvent
    | DeleteEvent
    | AddAttachment
    | RemoveAttachment
    | CreateItem
    | UpdateItem
    | MarkItem
    | DeleteItem
    | CreateRecord
    | UpdateRecord
    | DeleteRecord
)


@dataclass(frozen=True, slots=True)
class OccurrencePlan:
    """What a decision does to the occurrences of a series; from it the engine makes the new base.

    ``before``: what each side showed, by date of the slot; ``wanted``: what it shall show where written;
    ``written``: the fields written there ("" = the occurrence as a whole); ``series``: the fields written to
    the series itself; ``moves``: the side that a new pattern is written to; ``kept``: (date, field) whose
    base stays; ``edited``: dates at which a person's edit goes with the old pattern and is done anew."""

    before: Mapping[Side, Values]
    wanted: Mapping[Side, Values]
    written: Mapping[Side, Mapping[str, frozenset[str]]]
    series: Mapping[Side, frozenset[str]]
    moves: Side | None = None
    kept: frozenset[tuple[str, str]] = frozenset()
    edited: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do. ``mails``: the addresses that Exchange will mail because of it. ``occurrence``: the
    date of the slot, where only one occurrence of a series is concerned."""

    kind: ActionKind
    side: Side
    rules: tuple[str, ...]
    reason: str
    write: Write | None = None
    fields: tuple[str, ...] = ()
    mails: tuple[str, ...] = ()
    before: Values = field(default_factory=dict)
    after: Values = field(default_factory=dict)
    occurrence: str = ""

    @property
    def destructive(self) -> bool:
        """Counts against the brake's number of items."""
        return self.kind in (ActionKind.DELETE, ActionKind.CANCEL, ActionKind.UNLINK, ActionKind.DETACH)


@dataclass(frozen=True, slots=True)
class Skip:
    """Something left alone, with the rule that said so. ``code`` is spelled alike in code, log and page."""

    code: str
    rules: tuple[str, ...]
    reason: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """``link`` is the link as it shall stand when every action is done; the engine puts into it what each
    side returned. ``absorb`` names the fields whose present values become the base on both sides.
    ``lost``: values that lost a conflict (LNK-10), by field, of an occurrence by ``field@date``.
    ``replaced``: the link that ends because the item became one of another table (a series, an
    appointment). ``asks``: the item waits as it is until an administrator has answered (APPT-29)."""

    item: ItemRef
    actions: tuple[Action, ...] = ()
    skips: tuple[Skip, ...] = ()
    link: Link | None = None
    absorb: tuple[str, ...] = ()
    lost: Mapping[str, Value] = field(default_factory=dict)
    occurrences: OccurrencePlan | None = None
    replaced: Link | None = None
    asks: Asked | None = None

    @property
    def mails(self) -> frozenset[str]:
        return frozenset(address for action in self.actions for address in action.mails)
