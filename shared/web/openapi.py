"""The OpenAPI description of the admin API, made from its table of routes."""

from __future__ import annotations

import re
from typing import Any

from shared.web.admin_api import ROUTES, Route
from shared.web.schemas import SCHEMAS, reference

BODIES = {
    "POST mailboxes": "NewMailbox",
    "POST mailboxes/{id}/postpone": "Postponement",
    "POST mailboxes/{id}/verify": "VerifyOptions",
    "POST decisions/{id}": "DecisionAnswer",
    "POST deadletters/{id}": "DeadLetterAction",
    "PUT profiles/{id}": "ProfileChanges",
    "PUT profiles/{id}/fields": "FieldChanges",
}
OPTIONAL = ("PUT profiles/{id}", "POST mailboxes/{id}/verify")
"""Whose body may be left out."""
QUERIES: dict[str, dict[str, bool]] = {
    "GET mailboxes": {"after": False},
    "GET mailboxes/{id}/explain": {"item": True},
    "GET mailboxes/{id}/answers/{number}": {"after": False},
    "GET mailboxes/{id}/history": {"item": False, "after": False},
    "GET decisions": {"mailbox": False},
    "GET alerts": {"all": False},
    "GET deadletters": {"mailbox": False, "queue": False, "after": False},
    "GET profiles/{id}/fields": {"entity": False},
}
"""Query parameters, and whether they are required."""
RESULTS = {
    "POST mailboxes": "Mailbox",
    "GET mailboxes": "Mailboxes",
    "GET mailboxes/{id}": "MailboxDetails",
    "POST mailboxes/{id}/enable": "Mailbox",
    "POST mailboxes/{id}/pause": "Mailbox",
    "POST mailboxes/{id}/resume": "Mailbox",
    "POST mailboxes/{id}/postpone": "Mailbox",
    "POST mailboxes/{id}/sync": "State",
    "POST mailboxes/{id}/preview": "Preview",
    "POST mailboxes/{id}/verify": "Verification",
    "GET mailboxes/{id}/explain": "Explanation",
    "GET mailboxes/{id}/answers/{number}": "Answer",
    "GET mailboxes/{id}/history": "History",
    "GET decisions": "Decisions",
    "POST decisions/{id}": "Decision",
    "GET alerts": "Alerts",
    "GET deadletters": "DeadLetters",
    "POST deadletters/{id}": "DeadLetter",
    "GET profiles": "Profiles",
    "GET profiles/{id}": "Profile",
    "PUT profiles/{id}": "Profile",
    "GET profiles/{id}/fields": "Fields",
    "PUT profiles/{id}/fields": "Fields",
    "GET profiles/{id}/settings": "OrganizationSettings",
    "POST doctor": "Findings",
    "GET openapi.json": "Description",
}
_WORDS = {
    200: "done",
    201: "created",
    202: "taken; not done yet",
    204: "done; nothing to say",
    400: "the request cannot be taken as it is",
    401: "nobody has vouched for the caller",
    403: "the caller lacks the app role",
    404: "there is no such thing",
    409: "it does not fit the present state",
    413: "the body is too large",
}


def description() -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(f"/api/admin/{route.path}", {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Exchange and Dynamics 365 synchronization: administration", "version": "1.0"},
        "paths": paths,
        "components": {"schemas": SCHEMAS},
    }


def _operation(route: Route) -> dict[str, Any]:
    key = f"{route.method} {route.path}"
    parameters = [_parameter(name, "path", required=True) for name in re.findall(r"{(\w+)}", route.path)]
    parameters += [_parameter(name, "query", required=must) for name, must in QUERIES.get(key, {}).items()]
    statuses = (*route.statuses, 401, 403, *((413,) if key in BODIES else ()))
    operation: dict[str, Any] = {
        "summary": route.summary,
        "description": f"For {'Sync.Reader and Sync.Admin' if route.for_readers else 'Sync.Admin'}.",
        "operationId": re.sub(r"\W+", "_", key).strip("_").lower(),
        "parameters": parameters,
        "responses": {str(status): _response(status, RESULTS.get(key)) for status in statuses}
        | {"default": _content("a service behind this one failed, or asks for patience", "Error")},
    }
    if key in BODIES:
        operation["requestBody"] = {"required": key not in OPTIONAL, **_json(BODIES[key])}
    return operation


def _parameter(name: str, where: str, *, required: bool) -> dict[str, Any]:
    return {"name": name, "in": where, "required": required, "schema": {"type": "string"}}


def _response(status: int, result: str | None) -> dict[str, Any]:
    words = _WORDS[status]
    if status >= 400:
        return _content(words, "Error")
    if status == 202 and result != "State":
        headers = {"Location": {"description": "where the answer will be", "schema": {"type": "string"}}}
        return {**_content(words, "Busy"), "headers": headers}
    return _content(words, result) if result and status != 204 else {"description": words}


def _content(words: str, schema: str) -> dict[str, Any]:
    return {"description": words, **_json(schema)}


def _json(schema: str) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": reference(schema)}}}
