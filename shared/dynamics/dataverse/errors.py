"""From a status and code of the Web API to one of our seven errors: a table of data, read from the top.

Dataverse's own message is never passed on: it may quote values. Some documented samples have an empty
code, so every status has a row of its own below the codes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.dynamics.dataverse.messages import Answer, Request
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

Now = Callable[[], datetime]

DEFAULT_RETRY_AFTER = 30.0
NO_SUCH_TABLE = "0x8006088a"
NOT_TRACKED = "0x80072491"


@dataclass(frozen=True, slots=True)
class Rule:
    """``status`` or ``code`` of None means any. ``writing``: what it is for a write, if something else."""

    status: int | None
    code: str | None
    error: type[SyncError]
    why: str
    writing: type[SyncError] | None = None


RULES: tuple[Rule, ...] = (
    Rule(None, "0x80044352", CursorExpired, "the change-tracking token has expired"),
    Rule(None, "0x80072321", Throttled, "too much execution time"),
    Rule(None, "0x80072322", Throttled, "too many requests"),
    Rule(None, "0x80072326", Throttled, "too many requests at once"),
    Rule(None, "0x80044150", Transient, "a deadlock in the database"),
    Rule(None, "0x80044151", Transient, "a time-out in the database"),
    Rule(None, "0x80040237", Conflict, "a row with this id is there already"),
    Rule(None, "0x80060882", Conflict, "the row has changed since it was read"),
    Rule(None, "0x80060892", Conflict, "a row with this key is there already"),
    Rule(None, "0x80040333", Refused, "duplicate detection found a duplicate"),
    Rule(None, "0x80040217", NotFound, "there is no such row"),
    Rule(None, NO_SUCH_TABLE, Refused, "there is no such table or operation"),
    Rule(None, NOT_TRACKED, ProfileBroken, "change tracking is not enabled for the table"),
    Rule(None, "0x8004a110", MailboxBroken, "the application may not act on behalf of the user"),
    Rule(None, "0x80040225", MailboxBroken, "the user is disabled"),
    Rule(None, "0x80072560", MailboxBroken, "the user is not a member of the organization"),
    Rule(None, "0x80040220", Refused, "the user lacks the rights"),
    Rule(None, "0x80048405", Refused, "the user may not access the row"),
    Rule(None, "0x8004f507", Refused, "a column is secured against the user"),
    Rule(None, "0x80040265", Refused, "a plug-in of the organization refused it"),
    Rule(None, "0x8004022e", Refused, "the row is read-only"),
    Rule(None, "0x80044331", Refused, "a text is too long"),
    Rule(None, "0x80043e09", Refused, "the organization blocks files with this extension"),
    Rule(None, "0x80044a02", Refused, "the file is larger than the organization takes"),
    Rule(None, "0x80043506", Refused, "a party of this type is not allowed"),
    Rule(None, "0x80048408", Refused, "the status does not fit the state"),
    Rule(None, "0x8004e105", NotFound, "there is no such series"),
    Rule(None, "0x8004e107", Conflict, "the instance is an exception already"),
    Rule(None, "0x8004e109", NotFound, "the series has no such instance"),
    Rule(None, "0x8004e113", Transient, "the series is locked while it is expanded"),
    Rule(None, "0x8004e100", Refused, "Dataverse takes no such recurrence"),
    Rule(None, "0x8004e101", Refused, "Dataverse takes no such recurrence"),
    Rule(None, "0x8004e108", Refused, "an instance would overlap with another of its series"),
    Rule(None, "0x8004e120", Refused, "the instances of the series would overlap"),
    Rule(None, "0x8004e115", Refused, "the instance is outside of the time in which series are expanded"),
    Rule(None, "0x8004e121", Refused, "the new time is outside of the time in which series are expanded"),
    Rule(None, "0x8004e122", Refused, "the instance would skip over a later one"),
    Rule(None, "0x8004e123", Refused, "the instance would skip over an earlier one"),
    Rule(None, "0x8004e125", Refused, "the series would end earlier than today"),
    Rule(400, None, Refused, "Dataverse refused the values"),
    Rule(401, None, ProfileBroken, "the application is not let in"),
    Rule(403, None, Refused, "the user lacks the rights"),
    Rule(404, None, NotFound, "there is no such row"),
    Rule(405, None, Refused, "Dataverse does not allow this operation"),
    Rule(408, None, Transient, "Dataverse took too long", UnknownResult),
    Rule(410, None, CursorExpired, "the change-tracking token has expired"),
    Rule(412, None, Conflict, "the row has changed since it was read"),
    Rule(413, None, Refused, "the request is too large"),
    Rule(429, None, Throttled, "too many requests"),
    Rule(501, None, Refused, "Dataverse does not know this operation"),
    # A server that fails may have written before it did: for a writer that is unknown, never "try again".
    Rule(500, None, Transient, "Dataverse failed", UnknownResult),
    Rule(502, None, Transient, "Dataverse could not be reached behind its gateway", UnknownResult),
    Rule(503, None, Transient, "Dataverse is not available", UnknownResult),
    Rule(504, None, Transient, "Dataverse did not answer its gateway in time", UnknownResult),
)
REDIRECTED = Rule(None, None, ProfileBroken, "the address is not that of a Web API")
REFUSED = Rule(None, None, Refused, "Dataverse refused the request")
UNHEARD_OF = Rule(None, None, Transient, "Dataverse answered in a way that is not documented", UnknownResult)

_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


def rule_for(status: int, code: str) -> Rule:
    for rule in RULES:
        if rule.status in (None, status) and rule.code in (None, code):
            return rule
    if 300 <= status < 400:
        return REDIRECTED
    return REFUSED if 400 <= status < 500 else UNHEARD_OF


def error_of(request: Request, answer: Answer, *, as_user: str | None, now: Now) -> SyncError:
    """The error that an answer other than 2xx means."""
    code, message = _said(answer)
    rule = rule_for(answer.status, code)
    kind = rule.error if request.reads else rule.writing or rule.error
    why = rule.why
    if kind is NotFound and _is_about_another_row(request, message):
        kind, why = Refused, "a row that it refers to does not exist"
    if kind is MailboxBroken and as_user is None:
        kind = ProfileBroken
    if kind is Refused and answer.status == 403 and request.organization_wide:
        kind, why = ProfileBroken, "the application lacks the rights"
    text = f"{request.kind}: {why} ({_reference(answer, code)})"
    if kind is Throttled:
        pause = retry_after(answer, now)
        return Throttled(
            text, retry_after=DEFAULT_RETRY_AFTER if pause is None else pause, code=code, status=answer.status
        )
    return kind(text, code=code, status=answer.status)


def code_of(answer: Answer) -> str:
    return _said(answer)[0]


def retry_after(answer: Answer, now: Now) -> float | None:
    """``Retry-After`` in seconds, also when it is a date; None when absent or unreadable."""
    text = answer.headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        date = _http_date(text)
        return max(0.0, (date - now()).total_seconds()) if date else None


def _http_date(text: str) -> datetime | None:
    from email.utils import parsedate_to_datetime  # rare, and slow to import

    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _said(answer: Answer) -> tuple[str, str]:
    """Code (as hexadecimal) and message of the error body, empty where there is none."""
    try:
        error = answer.json().get("error")
    except ValueError:
        return "", ""
    if not isinstance(error, dict):
        return "", ""
    return _hexadecimal(str(error.get("code") or "")), str(error.get("message") or "")


def _hexadecimal(code: str) -> str:
    """Service protection codes are documented as signed decimals as well."""
    try:
        return f"0x{int(code) & 0xFFFFFFFF:08x}"
    except ValueError:
        return code.lower()


def _is_about_another_row(request: Request, message: str) -> bool:
    """An account does not exist while an appointment was written: it is a party or the regarding."""
    asked = {found.lower() for found in (*_GUID.findall(request.path.partition("?")[0]), *request.about)}
    named = {found.lower() for found in _GUID.findall(message)}
    return bool(asked and named) and not asked & named


def _reference(answer: Answer, code: str) -> str:
    """What a support case needs: status, code and the service's id of the request."""
    request_id = answer.headers.get("x-ms-service-request-id") or answer.headers.get("req_id")
    parts = [f"status {answer.status}", code, f"request {request_id}" if request_id else ""]
    return ", ".join(part for part in parts if part)
