"""A Graph contact as ``ExchangeItem``, and what is sent to write one."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from shared.exchange import contact_fields, event_time, stamps
from shared.model.event import Stamps
from shared.model.personal import CONTACT, CreateItem, ExchangeItem, MarkItem, UpdateItem
from shared.model.values import Value, Values

Json = dict[str, Any]

FIELDS = (
    *("id", "parentFolderId", "lastModifiedDateTime", "categories", "displayName"),
    *(*contact_fields.PROPERTIES, contact_fields.ALL_EMAILS),
)
EXPAND = contact_fields.EXPAND
_EXTENDED = "singleValueExtendedProperties"


class UnreadableContact(ValueError):  # noqa: N818 - it names the finding
    """A contact that cannot be understood. The message is for people and quotes no content."""


# --- reading --------------------------------------------------------------------------------------


def is_complete(row: Json) -> bool:
    """A feed may show only what changed; without these a row says too little to be decided upon."""
    return row.keys() >= {"@odata.etag", "categories", "displayName"}


def decode(row: Json, place: str, *, whole: bool) -> ExchangeItem:
    """``whole``: read with ``EXPAND``, so that what does not show is not there."""
    try:
        return _decoded(row, place, whole)
    except event_time.UnreadableTime as error:
        raise UnreadableContact(str(error)) from error
    except (TypeError, AttributeError, KeyError) as error:
        raise UnreadableContact("not shaped like a contact") from error


def _decoded(row: Json, place: str, whole: bool) -> ExchangeItem:
    values = contact_fields.shown(dict.fromkeys(contact_fields.PROPERTIES) | row if whole else row)
    if row.keys().isdisjoint(contact_fields.EMAILS.values()) and contact_fields.ALL_EMAILS in row:
        values |= contact_fields.emails_by_position(row)
    marks = stamps.decode(row.get(_EXTENDED)) if whole else None
    if marks is not None:
        values |= contact_fields.tagged(row.get(_EXTENDED)) | {"regarding": stamps.regarding(marks)}
    return ExchangeItem(
        kind=CONTACT,
        id=_named(row, "id"),
        etag=_named(row, "@odata.etag"),
        place=place,
        values=values,
        categories=tuple(str(name) for name in row.get("categories") or ()),
        stamps=marks,
        modified=_modified(row),
        whole=whole,
        display_name=str(row.get("displayName") or ""),
        email_names=contact_fields.email_names(row),
    )


def _named(row: Json, name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise UnreadableContact(f"no {name}")
    return value


def _modified(row: Json) -> datetime | None:
    text = row.get("lastModifiedDateTime")
    return event_time.moment({"dateTime": text}) if text else None


# --- writing --------------------------------------------------------------------------------------


def creation(write: CreateItem) -> Json:
    """The stamps go in the create body: that is how a create whose answer was lost is found again."""
    content = contact_fields.encode(write.values, contact_fields.BLANK, {})
    body = contact_fields.without_empty(content)
    if write.display_name:
        body["displayName"] = write.display_name
    body["categories"] = list(write.categories)
    tagged = [row for row in contact_fields.encode_tagged(write.values) if row["value"]]
    return _with_extended(body, [*stamps.encode(write.stamps), *tagged])


def update(write: UpdateItem) -> Json:
    body = contact_fields.encode(write.values, write.item.values, write.item.email_names)
    if write.display_name is not None:
        body["displayName"] = write.display_name
    marks = stamps.encode(_regarding_stamps(write.values))
    return _with_extended(body, [*marks, *contact_fields.encode_tagged(write.values)])


def mark(write: MarkItem) -> Json:
    body: Json = {} if write.categories is None else {"categories": list(write.categories)}
    return _with_extended(body, stamps.encode(write.stamps))


def _with_extended(body: Json, rows: list[Json]) -> Json:
    return {**body, _EXTENDED: rows} if rows else body


def _regarding_stamps(values: Values) -> Stamps:
    """``regarding`` is no property of a contact, but two stamps."""
    if "regarding" not in values:
        return Stamps()
    regarding = values["regarding"]
    named: Any = regarding if isinstance(regarding, dict) else {}
    return Stamps(regarding_id=named.get("id", ""), regarding_type=named.get("type", ""))


# --- what a write left ----------------------------------------------------------------------------


def created(write: CreateItem, answer: Json, place: str) -> ExchangeItem:
    """The contact as it is now: Graph's answer to a write shows no extended properties."""
    before = ExchangeItem(CONTACT, "", "", place, contact_fields.BLANK, stamps=Stamps())
    return _after(before, answer, write.values, write.stamps)


def updated(write: UpdateItem, answer: Json) -> ExchangeItem:
    return _after(write.item, answer, write.values, _regarding_stamps(write.values))


def marked(write: MarkItem, answer: Json) -> ExchangeItem:
    return _after(write.item, answer, {}, write.stamps)


def _after(before: ExchangeItem, answer: Json, written: Values, marks: Stamps) -> ExchangeItem:
    """What the answer shows; where it shows nothing, what was written; else what there was."""
    seen = decode(answer, before.place, whole=False)
    shown = contact_fields.shown(answer)
    now = _merged(before.stamps, marks)
    values: dict[str, Value] = {**before.values, **written, **shown}
    if now is not None:
        values["regarding"] = stamps.regarding(now)
    names = seen.email_names if not shown.keys().isdisjoint(contact_fields.EMAILS) else before.email_names
    return replace(
        seen,
        values=values,
        categories=seen.categories if "categories" in answer else before.categories,
        stamps=now,
        whole=before.whole,
        display_name=seen.display_name if "displayName" in answer else before.display_name,
        email_names=names,
    )


def _merged(before: Stamps | None, written: Stamps) -> Stamps | None:
    """Stamps that were not written stay as they were."""
    if before is None:
        return None
    read = stamps.as_read(written)
    named = [entry.name for entry in fields(written) if getattr(written, entry.name) is not None]
    return replace(before, **{name: getattr(read, name) for name in named})
