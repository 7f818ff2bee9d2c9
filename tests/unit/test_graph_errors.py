"""What Graph's statuses and codes mean, row by row."""

from __future__ import annotations

import pytest

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
from shared.exchange.errors import DEFAULT_RETRY_AFTER, MEANINGS, code_of, error_of, meaning, seconds_of

# status, code, as a read, as a write
ROWS: list[tuple[int, str, type[SyncError], type[SyncError]]] = [
    (410, "SyncStateNotFound", CursorExpired, CursorExpired),
    (410, "syncStateNotFound", CursorExpired, CursorExpired),
    (400, "SyncStateInvalid", CursorExpired, CursorExpired),
    (410, "resyncRequired", CursorExpired, CursorExpired),
    (409, "ErrorDuplicateTransactionId", Conflict, Conflict),
    (400, "ErrorDuplicateTransactionId", Conflict, Conflict),
    (412, "ErrorIrresolvableConflict", Conflict, Conflict),
    (409, "ErrorIrresolvableConflict", Conflict, Conflict),
    (404, "ErrorItemNotFound", NotFound, NotFound),
    (404, "ErrorFolderNotFound", NotFound, NotFound),
    (404, "ResourceNotFound", NotFound, NotFound),
    (404, "itemNotFound", NotFound, NotFound),
    (404, "MailboxNotEnabledForRESTAPI", MailboxBroken, MailboxBroken),
    (404, "ErrorInvalidUser", MailboxBroken, MailboxBroken),
    (404, "ErrorNonExistentMailbox", MailboxBroken, MailboxBroken),
    (403, "ErrorQuotaExceeded", MailboxBroken, MailboxBroken),
    (404, "Request_ResourceNotFound", MailboxBroken, MailboxBroken),
    (403, "ErrorAccessDenied", MailboxBroken, MailboxBroken),
    (403, "Authorization_RequestDenied", ProfileBroken, ProfileBroken),
    (503, "ErrorMailboxMoveInProgress", Transient, Transient),
    (500, "ErrorMailboxStoreUnavailable", Transient, Transient),
    (400, "ErrorOccurrenceCrossingBoundary", Refused, Refused),
    (401, "InvalidAuthenticationToken", ProfileBroken, ProfileBroken),
    (408, "", Transient, UnknownResult),
    (409, "ErrorFolderExists", Conflict, Conflict),
    (410, "", CursorExpired, CursorExpired),
    (412, "", Conflict, Conflict),
    (423, "", Transient, Transient),
    (429, "ApplicationThrottled", Throttled, Throttled),
    (503, "ErrorServerBusy", Transient, Transient),
    # beyond the table
    (500, "ErrorInternalServerError", Transient, UnknownResult),
    (502, "", Transient, UnknownResult),
    (504, "GatewayTimeout", Transient, UnknownResult),
    (400, "ErrorInvalidIdMalformed", Refused, Refused),
    (400, "ErrorPropertyValidationFailure", Refused, Refused),
    (403, "ErrorSendAsDenied", Refused, Refused),
    (404, "", Refused, Refused),
    (404, "UnknownError", Refused, Refused),
    (418, "NeverSeen", Refused, Refused),
    (302, "", Refused, Refused),
]


@pytest.mark.parametrize(("status", "code", "read", "write"), ROWS)
def test_each_answer_means_what_the_table_says(
    status: int, code: str, read: type[SyncError], write: type[SyncError]
) -> None:
    assert meaning(status, code, write=False) is read
    assert meaning(status, code, write=True) is write


def test_every_row_of_the_table_is_tried() -> None:
    tried = {id(next(m for m in MEANINGS if m.fits(status, code))) for status, code, *_ in ROWS[:30]}
    assert len(tried) == len(MEANINGS)


@pytest.mark.parametrize("status", range(500, 600))
def test_no_server_error_lets_a_write_be_repeated_but_the_one_that_did_nothing(status: int) -> None:
    expected = Transient if status == 503 else UnknownResult
    assert meaning(status, "NeverSeen", write=True) is expected


def test_an_unknown_404_is_no_proof_that_an_item_is_gone() -> None:
    assert not issubclass(meaning(404, "SomethingNew", write=False), NotFound)


def test_a_wait_that_graph_asks_for_is_kept() -> None:
    error = error_of(429, "ApplicationThrottled", 7.0, write=True)
    assert isinstance(error, Throttled)
    assert (error.retry_after, error.status, error.code) == (7.0, 429, "ApplicationThrottled")


def test_throttled_without_a_wait_has_a_default() -> None:
    error = error_of(429, "", None, write=False)
    assert isinstance(error, Throttled)
    assert error.retry_after == DEFAULT_RETRY_AFTER


def test_an_outage_that_says_when_to_come_back_is_throttling() -> None:
    assert isinstance(error_of(503, "ErrorServerBusy", 3.0, write=False), Throttled)
    assert isinstance(error_of(504, "", 3.0, write=True), UnknownResult)


def test_messages_hold_codes_only() -> None:
    assert (
        str(error_of(400, "ErrorInvalidRequest", None, write=True))
        == "Graph answered 400 ErrorInvalidRequest"
    )


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"error": {"code": "A", "message": "secret"}}, "A"),
        ({"error": {"code": 5}}, ""),
        ({"error": "text"}, ""),
        (["error"], ""),
        (None, ""),
        ({"error": {"code": "x" * 500}}, "x" * 80),
    ],
)
def test_the_code_is_read_from_whatever_body_comes(body: object, code: str) -> None:
    assert code_of(body) == code


@pytest.mark.parametrize(
    ("header", "seconds"), [("12", 12.0), ("0", 0.0), ("-3", 0.0), ("soon", None), ("", None), (None, None)]
)
def test_retry_after_is_seconds_or_nothing(header: str | None, seconds: float | None) -> None:
    assert seconds_of(header) == seconds
