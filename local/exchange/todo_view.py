"""A task as Graph answers it; dates and rules that it does not have are left out."""

from __future__ import annotations

import re
from typing import Any

from local.exchange import bodies, todo_children, todo_dates
from local.exchange.errors import bad_request
from local.exchange.event_view import etag
from local.exchange.filter_syntax import parse_filter
from local.exchange.odata import named_ids, outside_parentheses
from local.exchange.preferences import Preferences

Json = dict[str, Any]

_DATES = ("startDateTime", "dueDateTime", "reminderDateTime", "completedDateTime")
_EXTENSIONS = re.compile(r"^extensions\s*\(\s*\$filter\s*=\s*(.+)\)$", re.IGNORECASE | re.DOTALL)
_WHOLE = {"linkedresources": "linkedResources", "checklistitems": "checklistItems"}


def shown(task: Json, identifier: str, preferences: Preferences) -> Json:
    """The whole task without its children."""
    props = task["props"]
    dates = {name: todo_dates.shown(props[name], preferences) for name in _DATES if props[name]}
    return {
        "@odata.etag": etag(task),
        "importance": props["importance"],
        "isReminderOn": props["isReminderOn"],
        "status": props["status"],
        "title": props["title"],
        "createdDateTime": task["created"],
        "lastModifiedDateTime": task["modified"],
        "hasAttachments": False,
        "categories": props["categories"],
        "id": identifier,
        "body": _body(props["body"], preferences),
        "bodyLastModifiedDateTime": task["bodyModified"],
        **dates,
        **({"recurrence": props["recurrence"]} if props["recurrence"] else {}),
    }


def _body(body: Json, preferences: Preferences) -> Json:
    """In the form it was written in, unless text is asked for."""
    if body["contentType"] == "html" and preferences.text_body:
        return bodies.shown(body, as_text=True)
    return body


def expanded(text: str) -> Json:
    """``$expand``: linked resources and checklist items whole, extensions by name."""
    children: Json = {}
    for part in filter(None, (part.strip() for part in outside_parentheses(text))):
        match = _EXTENSIONS.match(part)
        if match:
            children["extensions"] = named_ids(parse_filter(match[1]), part)
        elif part.lower() in _WHOLE:
            children[_WHOLE[part.lower()]] = None
        else:
            raise bad_request(f"Parsing OData Select and Expand failed: '{part}' is not supported here.")
    return {"children": children}


def with_children(row: Json, task: Json, children: Json) -> Json:
    """The row and what was expanded; an extension that is not there is not shown."""
    found: Json = {}
    for kind, wanted in children.items():
        names = None if wanted is None else {todo_children.plain_id(kind, name) for name in wanted}
        rows = [each for each in task[kind] if names is None or each["id"].lower() in names]
        if rows or wanted is None:
            found[kind] = [todo_children.shown(kind, each) for each in rows]
    return {**row, **found}
