"""A request and an answer, as the handlers see them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BODY_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """``path`` is what follows the surface's own prefix (``mailboxes/{id}/sync``)."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def header(self, name: str) -> str:
        wanted = name.lower()
        return next((value for key, value in self.headers.items() if key.lower() == wanted), "")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class BadRequest(Exception):  # noqa: N818 - named after its answer
    """The request cannot be taken; the message says what to do."""

    def __init__(self, message: str, *, status: int = 400, code: str = "badRequest") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


GUARDED: Mapping[str, str] = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
"""No browser shall take an answer for anything but JSON, and nothing in between shall keep it."""


def json_answer(status: int, value: Any, **headers: str) -> Answer:
    """Plain ASCII: a lone surrogate in a subject must not keep the rest from being answered."""
    shown = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status, json.dumps(value).encode(), headers={**GUARDED, **shown})


def error_answer(status: int, code: str, message: str) -> Answer:
    return json_answer(status, {"error": {"code": code, "message": message}})


def parse_json(body: bytes) -> Any:
    """Raises ValueError for everything that is not JSON, whatever a stranger sent."""
    try:
        return json.loads(body)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def json_body(request: Request, *, limit: int = BODY_LIMIT) -> dict[str, Any]:
    """The body as an object; an empty body is an empty object. Raises BadRequest."""
    if len(request.body) > limit:
        raise BadRequest(f"The body is larger than {limit} bytes.", status=413, code="tooLarge")
    if not request.body.strip():
        return {}
    try:
        value = parse_json(request.body)
    except ValueError as error:
        raise BadRequest(f"The body is not JSON ({error}); send one JSON object.") from error
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object.")
    return value
