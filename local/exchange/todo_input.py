"""What a POST or PATCH of a task says, checked by To Do's rules and brought to the stored form."""

from __future__ import annotations

from datetime import date
from typing import Any

from local.exchange import bodies, recurrence, todo_dates
from local.exchange.errors import invalid_todo
from local.exchange.event_input import local_moment
from local.exchange.validation import checked

Json = dict[str, Any]

READ_ONLY = frozenset(
    {"id", "bodyLastModifiedDateTime", "createdDateTime", "lastModifiedDateTime", "hasAttachments"}
)
CHILDREN = ("linkedResources", "checklistItems", "extensions")
DEFAULTS: Json = {
    "title": None,
    "body": {"contentType": "text", "content": ""},
    "status": "notStarted",
    "importance": "normal",
    "isReminderOn": False,
    "categories": [],
    "startDateTime": None,
    "dueDateTime": None,
    "reminderDateTime": None,
    "completedDateTime": None,
    "recurrence": None,
}
_DATES = {
    "startDateTime": todo_dates.day,
    "dueDateTime": todo_dates.day,
    "completedDateTime": todo_dates.completion,
    "reminderDateTime": local_moment,
}


def parse(body: Json) -> Json:
    """The writable properties sent, in stored form; nothing is filled in."""
    changes = checked("todoTask", body, ignored=READ_ONLY)
    for name, parser in _DATES.items():
        if changes.get(name):
            changes[name] = parser(changes[name])
    if "body" in changes:
        sent = changes["body"] or {}
        changes["body"] = bodies.stored(sent.get("contentType") or "text", sent.get("content") or "")
    if "categories" in changes:
        changes["categories"] = list(dict.fromkeys(changes["categories"] or []))
    for name in ("status", "importance", "isReminderOn"):
        if name in changes and changes[name] is None:
            raise invalid_todo(f"{name} cannot be null.")
    return changes


def settled(before: Json, changes: Json, today: date) -> Json:
    """A whole task's properties after a change: the rules that need more than one of them."""
    props = {**before, **changes}
    if not (props["title"] or "").strip():
        raise invalid_todo("a task needs a title.")
    return _with_recurrence(_with_reminder(_with_days(_with_status(props, changes, today)), changes), changes)


def _with_status(props: Json, changes: Json, today: date) -> Json:
    """Completed and a day of completion go together; a task that is opened again loses the day."""
    status = props["status"]
    if changes.get("completedDateTime") and status != "completed":
        if "status" in changes:
            raise invalid_todo("only a completed task has a completedDateTime.")
        status = "completed"
    done = (props["completedDateTime"] or todo_dates.completed_on(today)) if status == "completed" else None
    return {**props, "status": status, "completedDateTime": done}


def _with_days(props: Json) -> Json:
    """A start without a due day is due that day (TASK-7); nothing starts after it is due."""
    start, due = props["startDateTime"], props["dueDateTime"] or props["startDateTime"]
    if start and todo_dates.date_of(start) > todo_dates.date_of(due):
        raise invalid_todo("startDateTime is after dueDateTime.")
    return {**props, "dueDateTime": due}


def _with_reminder(props: Json, changes: Json) -> Json:
    if props["reminderDateTime"] is not None or not props["isReminderOn"]:
        return props
    if changes.get("isReminderOn"):
        raise invalid_todo("a reminder needs a reminderDateTime.")
    return {**props, "isReminderOn": False}


def _with_recurrence(props: Json, changes: Json) -> Json:
    """A recurring task is due on its first day."""
    rule, due = props["recurrence"], props["dueDateTime"]
    if not rule:
        return {**props, "recurrence": None}
    if due is None:
        raise invalid_todo("a recurring task needs a dueDateTime.")
    if "recurrence" not in changes:
        rule = {**rule, "range": {**rule["range"], "startDate": due["dateTime"][:10]}}
    return {**props, "recurrence": recurrence.normal(rule, due)}


def following(props: Json) -> Json | None:
    """The next task of a recurring one that was completed; None after the last."""
    rule, first = props["recurrence"], todo_dates.date_of(props["dueDateTime"])
    left = rule["range"]["numberOfOccurrences"] - 1
    upcoming = next((day for day in recurrence.dates(rule) if day > first), None)
    if upcoming is None:
        return None
    days = (upcoming - first).days
    span = {**rule["range"], "startDate": upcoming.isoformat(), "numberOfOccurrences": max(left, 0)}
    dated = ("startDateTime", "dueDateTime", "reminderDateTime")
    moved = {name: todo_dates.later(props[name], days) for name in dated if props[name]}
    again = {"status": "notStarted", "completedDateTime": None, "recurrence": {**rule, "range": span}}
    return {**props, **moved, **again}
