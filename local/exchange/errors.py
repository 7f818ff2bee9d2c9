"""Refusals as Microsoft Graph spells them: a status, a code and a message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class GraphError(Exception):
    """Raised anywhere below a handler; becomes Graph's error body."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        self.extra = extra


def bad_request(message: str, code: str = "BadRequest") -> GraphError:
    return GraphError(400, code, message)


def invalid_request(message: str) -> GraphError:
    return GraphError(400, "ErrorInvalidRequest", f"Your request can't be completed. {message}")


def body_unreadable(message: str) -> GraphError:
    return GraphError(400, "RequestBodyRead", message)


def validation_failed() -> GraphError:
    """What Exchange says of start after end and the like; it does not name the property."""
    return GraphError(400, "ErrorPropertyValidationFailure", "At least one property failed validation.")


def invalid_todo(message: str) -> GraphError:
    """To Do spells its refusals in its own way."""
    return GraphError(400, "invalidRequest", f"Invalid request: {message}")


def item_not_found() -> GraphError:
    return GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def access_denied() -> GraphError:
    return GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def conflict() -> GraphError:
    return GraphError(
        412,
        "ErrorIrresolvableConflict",
        "The send or update operation could not be performed because the change key passed in the request "
        "does not match the current change key for the item.",
    )


def unknown_segment(segment: str) -> GraphError:
    return bad_request(f"Resource not found for the segment '{segment}'.")
