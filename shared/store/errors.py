"""What an answer of Table Storage means to the engine, as a table of data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from azure.core.exceptions import AzureError, HttpResponseError

from shared.errors import Conflict, NotFound, Refused, SyncError, Throttled, Transient

RETRY_AFTER = 10.0
"""Seconds, when storage asks for patience without saying how much."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """``code`` "" = any code of that status; ``status`` None = no answer came."""

    status: int | None
    code: str
    error: type[SyncError]


TABLE: tuple[Meaning, ...] = (
    Meaning(400, "", Refused),
    # Roles reach storage minutes after they are given, and nobody can record a broken profile in a state
    # that cannot be read: so a refusal of our identity is waited out, with its code in the log.
    Meaning(401, "", Transient),
    Meaning(403, "", Transient),
    Meaning(404, "", NotFound),
    Meaning(408, "", Transient),
    Meaning(409, "", Conflict),
    Meaning(409, "TableBeingDeleted", Transient),
    Meaning(409, "AccountBeingCreated", Transient),
    Meaning(412, "", Conflict),
    Meaning(413, "", Refused),
    Meaning(429, "", Throttled),
    Meaning(500, "", Transient),
    Meaning(500, "OperationTimedOut", Transient),
    Meaning(502, "", Transient),
    Meaning(503, "", Transient),
    Meaning(503, "ServerBusy", Transient),
    Meaning(504, "", Transient),
    Meaning(None, "", Transient),
)
_BY_ANSWER = {(row.status, row.code): row.error for row in TABLE}


def meaning(status: int | None, code: str) -> type[SyncError]:
    """A code's own row, else its status', else Refused: a writer never repeats what it does not know."""
    return _BY_ANSWER.get((status, code)) or _BY_ANSWER.get((status, "")) or Refused


def translate(error: AzureError, doing: str) -> SyncError:
    """The engine's error. Its text names the operation and the code, never a value."""
    status = error.status_code if isinstance(error, HttpResponseError) else None
    code = _code(error)
    kind = meaning(status, code)
    text = f"table storage: {doing}: {status or 'no answer'} {code or type(error).__name__}"
    if kind is Throttled:
        return Throttled(text, retry_after=_retry_after(error), code=code, status=status)
    return kind(text, code=code, status=status)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    try:
        yield
    except AzureError as error:
        raise translate(error, doing) from error


def _code(error: AzureError) -> str:
    code = getattr(error, "error_code", None) or ""
    return str(getattr(code, "value", code))


def _retry_after(error: AzureError) -> float:
    response = getattr(error, "response", None)
    text = response.headers.get("Retry-After", "") if response is not None else ""
    return float(text) if text.isdigit() else RETRY_AFTER
