"""Contacts and tasks as the rules see them: items of one mailbox, each with a link of its own.

Unlike a meeting, whose copies belong together, a contact or task that several mailboxes hold is a copy in
each: the Dynamics row is the hub, and every mailbox merges with it by itself. So nobody owns it for others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.model.event import Stamps
from shared.model.party import RecordRef
from shared.model.values import Side, Value, Values

CONTACT = "contact"
TASK = "task"
PHONE_CALL = "phonecall"
LETTER = "letter"
FAX = "fax"
TASK_TABLES = (TASK, PHONE_CALL, LETTER, FAX)
"""What becomes a To Do task (TASK-1); an Exchange-born task is always a ``task``."""
PERSONAL_TABLES = (CONTACT, *TASK_TABLES)


def kind_of(table: str) -> str:
    """The product's word: ``contact`` or ``task``."""
    return CONTACT if table == CONTACT else TASK


@dataclass(frozen=True, slots=True)
class Place:
    """A contact folder or a task list of the mailbox. ``own`` False: shared by somebody else, or a list whose
    tasks are made by Exchange (flagged messages)."""

    id: str
    name: str
    is_default: bool = False
    own: bool = True


@dataclass(frozen=True, slots=True)
class PlacedId:
    """An item's id and the place that it is in: a task is found in its list only."""

    id: str
    place: str


@dataclass(frozen=True, slots=True)
class ExchangeItem:
    """A contact or To Do task, decoded.

    ``values``: the fields of the field map by name; empty texts are ``""``, empty dates None.
    Contact: ``name`` ``{"title", "givenName", "middleName", "surname", "generation"}`` without the empty
    ones; ``email1`` … addresses; phones; ``birthday``, ``anniversary`` ``YYYY-MM-DD``; ``children`` a list;
    ``notes`` plain text; addresses ``{"street", "city", "state", "postalCode", "country"}`` without the empty
    ones (``street`` may have several lines); ``regarding`` ``{"type", "id"}`` from the stamps.
    Task: ``subject``, ``notes`` plain text, ``importance`` low|normal|high, ``status`` as Graph says it,
    ``start``, ``due``, ``completed`` ``YYYY-MM-DD`` in the mailbox's zone, ``percent`` 0 to 100 or None and
    ``regarding`` from the open extension.

    ``whole`` False: as a feed shows it, without stamps, extended properties and extension: only ``place``,
    ``categories`` and what the feed says hold. ``stamps``: of a task, what its linked resource says.
    ``display_name``: a contact's, which Exchange makes anew unless it is sent with the parts.
    ``email_names``: the display names beside the addresses, by field. ``recurring``: TASK-12.
    ``reminder_on``: of a task. ``resource_id``: of a task, its linked resource of ours; ``extended``: it has
    our open extension.
    """

    kind: str
    id: str
    etag: str
    place: str
    values: Values
    categories: tuple[str, ...] = ()
    stamps: Stamps | None = None
    modified: datetime | None = None
    whole: bool = True
    display_name: str = ""
    email_names: Mapping[str, str] = field(default_factory=dict)
    recurring: bool = False
    reminder_on: bool = False
    resource_id: str = ""
    extended: bool = False

    def value(self, name: str) -> Value:
        return self.values.get(name)


@dataclass(frozen=True, slots=True)
class DynamicsRecord:
    """A row of ``contact``, ``task``, ``phonecall``, ``letter`` or ``fax`` as one user sees it.

    ``values`` by field: texts as above; ``name`` has the same keys; ``children`` a text; dates of contacts
    ``YYYY-MM-DD``, ``start``, ``due``, ``completed`` of activities instants (``…Z``); ``importance`` 0, 1, 2;
    ``status`` ``[statecode, statuscode]``; ``percent`` a number or None; ``company`` the parent's name;
    ``regarding`` ``{"table", "id"}`` or None (of a contact its parent); a contact also ``status``.
    ``name``: how people call it (full name, subject). ``outgoing``: of a phone call, letter or fax.
    """

    table: str
    id: str
    etag: str
    values: Values
    owner: RecordRef | None = None
    modified: datetime | None = None
    modified_by: str | None = None
    name: str = ""
    outgoing: bool = True

    def value(self, field_name: str) -> Value:
        return self.values.get(field_name)

    @property
    def state(self) -> int:
        status = self.values.get("status")
        return int(str(status[0])) if isinstance(status, list | tuple) and status else 0


@dataclass(frozen=True, slots=True)
class FieldRights:
    """What a user may not do with the columns of a table (field-level security, FLD-35)."""

    unreadable: frozenset[str] = frozenset()
    not_creatable: frozenset[str] = frozenset()
    not_updatable: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Match:
    """Something on the other side that may be the same person or task (CONT-9). ``linked``: the mailbox has
    linked it already. ``label``: for people."""

    side: Side
    id: str
    label: str
    emails: frozenset[str] = frozenset()
    name: str = ""
    company: str = ""
    linked: bool = False
    owned: bool = False
    """Of a row: the mailbox's owner owns it."""


# --- writes ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CreateItem:
    """Create a contact or task; the stamps go in the create body. ``place`` "": the default one.
    ``display_name``: sent with the parts of the name. ``reminder``: of a task, the moment (``…Z``), or None
    for no reminder. ``link_url``: the deep link to the row, ``link_name``: what it is called."""

    kind: str
    values: Values
    stamps: Stamps
    categories: tuple[str, ...]
    place: str = ""
    display_name: str = ""
    reminder: str | None = None
    link_url: str = ""
    link_name: str = ""


@dataclass(frozen=True, slots=True)
class UpdateItem:
    """Change ``values`` only, conditional on the item's etag. ``reminder``: None leaves it, "" turns it off,
    else the moment. ``display_name``: None leaves it to Exchange."""

    item: ExchangeItem
    values: Values
    reminder: str | None = None
    display_name: str | None = None


@dataclass(frozen=True, slots=True)
class MarkItem:
    """Write categories (None: leave them) and stamps; of a task, its linked resource (``link_url``,
    ``link_name`` as on creation). A stamp of 0 takes a task's linked resource away."""

    item: ExchangeItem
    categories: tuple[str, ...] | None
    stamps: Stamps
    link_url: str = ""
    link_name: str = ""


@dataclass(frozen=True, slots=True)
class DeleteItem:
    item: ExchangeItem


@dataclass(frozen=True, slots=True)
class CreateRecord:
    """Create a row under a chosen id (``If-None-Match: *``) as the user; a state other than Open follows in
    the same change set. ``detect_duplicates``: Dataverse's own rules are asked (CONT-8); a hit is refused
    with the code 0x80040333. ``actual_start``: TASK-8."""

    table: str
    id: str
    values: Values
    detect_duplicates: bool = False
    actual_start: str = ""


@dataclass(frozen=True, slots=True)
class UpdateRecord:
    """Change ``values`` only, conditional on ``etag``."""

    table: str
    id: str
    etag: str
    values: Values
    present: Values = field(default_factory=dict)
    """What the row shows now of the fields that are written (clearing a look-up names its table)."""


@dataclass(frozen=True, slots=True)
class DeleteRecord:
    table: str
    id: str
    etag: str
