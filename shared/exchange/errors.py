"""What Microsoft Graph's statuses and codes mean to the engine: one table of data, first match wins.

A write is not retried unless Graph says that nothing was done, so whatever may have happened after it was
sent is *unknown*. Only what a person must mend is "broken"; an outage is transient, however long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.errors import (
    Conflict,
    CursorExpired,
    MailboxBroken,
    NotFound,
    ProfileBroken,
    Refused,
    SyncError,
    Throttled,
    Transient,
    UnknownResult,
)

DEFAULT_RETRY_AFTER = 30.0
USER_UNKNOWN = "Request_ResourceNotFound"
UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Meaning:
    """``status`` or ``code`` None: any. ``write`` None: the same as for a read."""

    status: int | None
    code: str | None
    read: type[SyncError]
    write: type[SyncError] | None = None

    def fits(self, status: int, code: str) -> bool:
        return self.status in (None, status) and (self.code is None or self.code.lower() == code.lower())


# A 404 whose code is not known here is no proof that the item is gone: it is merely refused.
MEANINGS: tuple[Meaning, ...] = (
    Meaning(None, "SyncStateNotFound", CursorExpired),
    Meaning(None, "SyncStateInvalid", CursorExpired),
    Meaning(None, "resyncRequired", CursorExpired),
    Meaning(None, "ErrorDuplicateTransactionId", Conflict),
    Meaning(None, "ErrorIrresolvableConflict", Conflict),
    Meaning(None, "ErrorItemNotFound", NotFound),
    Meaning(404, "ErrorFolderNotFound", NotFound),
    Meaning(404, "ResourceNotFound", NotFound),
    Meaning(404, "itemNotFound", NotFound),
    Meaning(None, "MailboxNotEnabledForRESTAPI", MailboxBroken),
    Meaning(None, "ErrorInvalidUser", MailboxBroken),
    Meaning(None, "ErrorNonExistentMailbox", MailboxBroken),
    Meaning(None, "ErrorQuotaExceeded", MailboxBroken),
    Meaning(404, USER_UNKNOWN, MailboxBroken),
    Meaning(403, "ErrorAccessDenied", MailboxBroken),
    Meaning(403, "Authorization_RequestDenied", ProfileBroken),
    Meaning(None, "ErrorMailboxMoveInProgress", Transient),
    Meaning(None, "ErrorMailboxStoreUnavailable", Transient),
    Meaning(400, "ErrorOccurrenceCrossingBoundary", Refused),
    Meaning(401, None, ProfileBroken),
    Meaning(408, None, Transient, UnknownResult),
    Meaning(409, None, Conflict),
    Meaning(410, None, CursorExpired),
    Meaning(412, None, Conflict),
    Meaning(423, None, Transient),
    Meaning(429, None, Throttled),
    Meaning(503, None, Transient),
)


def meaning(status: int, code: str, *, write: bool) -> type[SyncError]:
    """The class of error; other 4xx are refused, other 5xx transient, or unknown where something was sent."""
    for entry in MEANINGS:
        if entry.fits(status, code):
            return (entry.write or entry.read) if write else entry.read
    if status < 500:
        return Refused
    return UnknownResult if write else Transient


def error_of(status: int, code: str, retry_after: float | None, *, write: bool) -> SyncError:
    """The error to raise. Its message holds codes only: Graph's own text may quote subjects and addresses."""
    kind = meaning(status, code, write=write)
    message = f"Graph answered {status} {code}".rstrip()
    if kind is Throttled or (kind is Transient and retry_after is not None):
        wait = DEFAULT_RETRY_AFTER if retry_after is None else retry_after
        return Throttled(message, retry_after=wait, code=code, status=status)
    return kind(message, code=code, status=status)


def code_of(body: Any) -> str:
    """The code of an error body; empty when there is none."""
    error = body.get("error") if isinstance(body, Mapping) else None
    code = error.get("code") if isinstance(error, Mapping) else None
    return code[:80] if isinstance(code, str) else ""


def seconds_of(retry_after: str | None) -> float | None:
    """``Retry-After`` in seconds. Graph sends a number; anything else counts as not sent."""
    try:
        return max(0.0, float(retry_after)) if retry_after else None
    except ValueError:
        return None
