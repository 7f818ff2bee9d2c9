"""Graph's JSON of To Do lists and tasks, decoded to ``Place`` and ``ExchangeItem``, and writes encoded."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.bodies import forms
from shared.exchange import event_text, todo_days, todo_extension, todo_links
from shared.exchange.event_time import UnreadableTime, moment
from shared.model.event import Stamps
from shared.model.personal import TASK, CreateItem, ExchangeItem, Place, UpdateItem
from shared.model.values import Values

Json = dict[str, Any]

EXPAND = ("linkedResources", todo_extension.EXPAND)
FEED_EXPAND = ("linkedResources",)
COMPLETED = "completed"
_ESSENTIAL = ("title", "status", "importance", "body")
_FLAGGED = "flaggedEmails"


class UnreadableTask(ValueError):  # noqa: N818 - it names the finding
    """A task that cannot be understood. The message is for people and quotes no content."""


def place_of(row: Json) -> Place:
    """Of flagged messages Exchange makes tasks by itself: nobody else may."""
    known = row.get("wellknownListName")
    own = row.get("isOwner") is not False and known != _FLAGGED
    return Place(str(row["id"]), str(row.get("displayName") or ""), known == "defaultList", own)


# --- reading --------------------------------------------------------------------------------------


def decode(row: Json, place: str, time_zone: str, *, whole: bool) -> ExchangeItem:
    """``whole``: the row was read by id, with all that can be expanded. A feed's row may show less than
    everything; its values hold only what it says."""
    try:
        return _decoded(row, place, time_zone, whole)
    except UnreadableTime as error:
        raise UnreadableTask(str(error)) from error
    except (TypeError, AttributeError, KeyError, OverflowError) as error:
        raise UnreadableTask("not shaped like a task") from error


def _decoded(row: Json, place: str, time_zone: str, whole: bool) -> ExchangeItem:
    complete = all(isinstance(row.get(name), dict if name == "body" else str) for name in _ESSENTIAL)
    if whole and not complete:
        raise UnreadableTask("some of its fields are missing")
    values = _values(row, time_zone, complete)
    resource, shows_links = _linked(row)
    extension = todo_extension.ours(row.get("extensions") or ()) if whole else None
    if whole:
        values |= todo_extension.decode(extension)
    return ExchangeItem(
        kind=TASK,
        id=_text(row, "id"),
        etag=_text(row, "@odata.etag"),
        place=place,
        values=values,
        categories=tuple(str(name) for name in row.get("categories") or ()),
        stamps=_stamps(resource, extension) if shows_links else None,
        modified=_modified(row.get("lastModifiedDateTime")),
        whole=whole,
        recurring=bool(row.get("recurrence")),
        reminder_on=bool(row.get("isReminderOn")),
        resource_id=str(resource.get("id") or "") if resource else "",
        extended=extension is not None,
    )


def _stamps(resource: Json | None, extension: Json | None) -> Stamps:
    """A task that is tied to a row is tracked, whatever else is noted on it."""
    tied = todo_links.decode(resource)
    return tied if tied.tracked else todo_links.decode_former(todo_extension.former_row(extension))


def _values(row: Json, time_zone: str, complete: bool) -> Json:
    """Dates that a task does not have are not shown, so only a complete row says that there are none."""
    values: Json = {}
    for name, key in (("subject", "title"), ("importance", "importance"), ("status", "status")):
        if key in row:
            values[name] = str(row[key] or "")
    if "body" in row:
        values["notes"] = forms.plain(event_text.decode(row["body"]))
    for name, key in (("start", "startDateTime"), ("due", "dueDateTime")):
        if complete or key in row:
            values[name] = todo_days.decode(row[key], time_zone) if row.get(key) else None
    if complete or "completedDateTime" in row:
        done = row.get("completedDateTime")
        values["completed"] = todo_days.decode_completion(done) if done else None
    return values


def _linked(row: Json) -> tuple[Json | None, bool]:
    """Our linked resource, and whether the row shows linked resources at all."""
    rows = row.get("linkedResources")
    return (todo_links.ours(rows), True) if isinstance(rows, list) else (None, False)


def _text(row: Json, name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise UnreadableTask(f"no {name}")
    return value


def _modified(text: Any) -> datetime | None:
    return moment({"dateTime": text}) if text else None


# --- writing --------------------------------------------------------------------------------------


def create(write: CreateItem, time_zone: str) -> Json:
    """Link and extension go in the create body: that is how a create whose answer was lost is found again."""
    body = _content(write.values, {}, time_zone)
    body["categories"] = list(write.categories)
    body |= _reminder(write.reminder or "")
    if write.stamps.tracked:
        body["linkedResources"] = [todo_links.encode(write.stamps, write.link_url, write.link_name)]
    if todo_extension.says_something(write.values):
        body["extensions"] = [todo_extension.encode(write.values)]
    return body


def update(write: UpdateItem, time_zone: str) -> Json:
    """The task's own properties only; empty where nothing of them changes."""
    body = _content(write.values, write.item.values, time_zone)
    return body if write.reminder is None else {**body, **_reminder(write.reminder)}


def _content(values: Values, present: Values, time_zone: str) -> Json:
    body: Json = {}
    for name, key in (("subject", "title"), ("importance", "importance"), ("status", "status")):
        if name in values:
            body[key] = values[name]
    if "notes" in values:
        body["body"] = {"contentType": "text", "content": values["notes"]}
    return {**body, **_days(values, present, time_zone), **_completion(values, present)}


def _days(values: Values, present: Values, time_zone: str) -> Json:
    """Both, whenever one is written: Graph refuses a start after the due day, whichever of them it knows."""
    if "start" not in values and "due" not in values:
        return {}
    both = {**present, **values}
    return {
        key: todo_days.encode(str(both[name]), time_zone) if both[name] else None
        for name, key in (("start", "startDateTime"), ("due", "dueDateTime"))
        if name in both
    }


def _completion(values: Values, present: Values) -> Json:
    """Only a completed task has a day of completion: Graph fills it when none is given, and clears it when
    the task is opened again."""
    both = {**present, **values}
    if both.get("status") != COMPLETED or not both.get("completed"):
        return {}
    if "completed" not in values and "status" not in values:
        return {}
    return {"completedDateTime": todo_days.encode_completion(str(both["completed"]))}


def _reminder(instant: str) -> Json:
    if not instant:
        return {"isReminderOn": False}
    return {"isReminderOn": True, "reminderDateTime": todo_days.encode_moment(instant)}


# --- answers to writes ----------------------------------------------------------------------------


def created(answer: ExchangeItem, write: CreateItem) -> ExchangeItem:
    """The answer to a POST, with what it need not show: the extension, and perhaps the linked resource."""
    return replace(
        answer,
        values={**answer.values, **todo_extension.as_read(write.values)},
        stamps=todo_links.as_read(write.stamps),
        extended=todo_extension.says_something(write.values),
        whole=True,
    )


def kept(answer: ExchangeItem, before: ExchangeItem) -> ExchangeItem:
    """The answer to a PATCH, which shows no children, with those that the task had before."""
    own = {name: value for name, value in answer.values.items() if name not in todo_extension.FIELDS}
    shown = {name: before.values[name] for name in todo_extension.FIELDS if name in before.values}
    return replace(
        answer,
        values={**own, **shown},
        stamps=before.stamps,
        resource_id=before.resource_id,
        extended=before.extended,
        whole=before.whole,
    )


def extended(item: ExchangeItem, values: Values) -> ExchangeItem:
    """With the extension written: ``values`` are all that it has now."""
    return replace(item, values={**item.values, **todo_extension.as_read(values)}, extended=True)
