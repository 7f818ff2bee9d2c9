"""The OpenAPI description of the admin API, made from its table of routes."""

from __future__ import annotations

import re
from typing import Any

from shared.web.admin_api import ROUTES, Route

_BODIES: dict[str, dict[str, Any]] = {
    "POST mailboxes": {
        "type": "object",
        "required": ["address", "dynamicsUser"],
        "additionalProperties": False,
        "properties": {
            "address": {"type": "string", "format": "email"},
            "dynamicsUser": {"type": "string", "description": "systemuserid or internalemailaddress"},
            "enable": {"type": "boolean", "default": True},
            "profile": {"type": "string", "default": "default"},
        },
    },
    "POST decisions/{id}": {
        "type": "object",
        "required": ["answer"],
        "properties": {"answer": {"type": "string", "description": "go-on, drop, or a candidate's id"}},
    },
    "PUT profiles/{id}": {
        "type": "object",
        "properties": {
            "brake": {
                "type": "object",
                "properties": {"items": {"type": "integer"}, "people": {"type": "integer"}},
            },
            "windowPastDays": {"type": "integer"},
            "windowFutureDays": {"type": "integer"},
            "trackCategorizedContacts": {"type": "boolean"},
            "completeWhenShownAsFree": {"type": "boolean"},
            "directions": {"type": "object"},
            "organizationSettings": {"type": "object"},
        },
    },
}
_QUERIES = {"GET mailboxes/{id}/explain": ["item"], "GET mailboxes/{id}/history": ["item", "after"]}
_ERROR = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
        }
    },
}


def description() -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(f"/api/admin/{route.path}", {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Exchange and Dynamics 365 synchronization: administration", "version": "1.0"},
        "paths": paths,
        "components": {"schemas": {"Error": _ERROR}},
    }


def _operation(route: Route) -> dict[str, Any]:
    key = f"{route.method} {route.path}"
    parameters = [_parameter(name, "path") for name in re.findall(r"{(\w+)}", route.path)]
    parameters += [_parameter(name, "query") for name in _QUERIES.get(key, [])]
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": re.sub(r"\W+", "_", key).strip("_").lower(),
        "parameters": parameters,
        "responses": {str(status): _response(status) for status in (*route.statuses, 401, 403)},
    }
    if key in _BODIES:
        operation["requestBody"] = {"content": {"application/json": {"schema": _BODIES[key]}}}
    return operation


def _parameter(name: str, where: str) -> dict[str, Any]:
    return {"name": name, "in": where, "required": where == "path", "schema": {"type": "string"}}


def _response(status: int) -> dict[str, Any]:
    if status < 400:
        return {"description": "done" if status != 202 else "taken; not done yet"}
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": "refused", "content": {"application/json": {"schema": schema}}}
