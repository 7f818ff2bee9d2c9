"""The table from the Web API's status and code to our seven errors, row by row."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from shared.dynamics.dataverse.errors import (
    DEFAULT_RETRY_AFTER,
    RULES,
    error_of,
    retry_after,
    rule_for,
)
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

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ROW = "1b6e5c5f-0d0e-4a51-9d05-0a1c5c0f8b11"
OTHER = "2c7f6d60-1e1f-4b62-8e16-1b2d6d109c22"
USER = "3d807e71-2f20-4c73-9f27-2c3e7e21ad33"
READ = Request("GET", f"appointments({ROW})")
WRITE = Request("PATCH", f"appointments({ROW})", body={})

# status, code, what it means when reading, what when writing
TABLE: tuple[tuple[int, str, type[SyncError], type[SyncError]], ...] = (
    (404, "0x80040217", NotFound, NotFound),
    (404, "", NotFound, NotFound),
    (404, "0x8006088a", Refused, Refused),
    (412, "0x80060882", Conflict, Conflict),
    (412, "0x80040237", Conflict, Conflict),
    (400, "0x80040237", Conflict, Conflict),
    (412, "0x80060892", Conflict, Conflict),
    (412, "", Conflict, Conflict),
    (412, "0x80040333", Refused, Refused),
    (400, "0x80044352", CursorExpired, CursorExpired),
    (410, "", CursorExpired, CursorExpired),
    (429, "0x80072322", Throttled, Throttled),
    (429, "0x80072321", Throttled, Throttled),
    (429, "0x80072326", Throttled, Throttled),
    (429, "-2147015902", Throttled, Throttled),
    (503, "0x80072322", Throttled, Throttled),
    (429, "", Throttled, Throttled),
    (401, "", ProfileBroken, ProfileBroken),
    (403, "0x8004a110", MailboxBroken, MailboxBroken),
    (403, "0x80040225", MailboxBroken, MailboxBroken),
    (403, "0x80072560", MailboxBroken, MailboxBroken),
    (403, "0x80040220", Refused, Refused),
    (400, "0x80040220", Refused, Refused),
    (403, "0x80048405", Refused, Refused),
    (403, "", Refused, Refused),
    (400, "0x80072491", ProfileBroken, ProfileBroken),
    (400, "0x80040265", Refused, Refused),
    (400, "0x8004022e", Refused, Refused),
    (400, "0x80044331", Refused, Refused),
    (400, "0x80043e09", Refused, Refused),
    (400, "0x80044a02", Refused, Refused),
    (400, "0x80043506", Refused, Refused),
    (400, "0x80048408", Refused, Refused),
    (403, "0x8004f507", Refused, Refused),
    (400, "0x8004e100", Refused, Refused),
    (400, "0x8004e101", Refused, Refused),
    (400, "0x8004e105", NotFound, NotFound),
    (400, "0x8004e107", Conflict, Conflict),
    (400, "0x8004e108", Refused, Refused),
    (400, "0x8004e109", NotFound, NotFound),
    (400, "0x8004e10b", Refused, Refused),
    (400, "0x8004e113", Transient, Transient),
    (500, "0x8004e113", Transient, Transient),
    (400, "0x8004e115", Refused, Refused),
    (400, "0x8004e120", Refused, Refused),
    (400, "0x8004e121", Refused, Refused),
    (400, "0x8004e122", Refused, Refused),
    (400, "0x8004e123", Refused, Refused),
    (400, "0x8004e125", Refused, Refused),
    (400, "0x80060888", Refused, Refused),
    (400, "", Refused, Refused),
    (405, "0x80040800", Refused, Refused),
    (413, "", Refused, Refused),
    (409, "", Refused, Refused),
    (501, "", Refused, Refused),
    (500, "0x80044150", Transient, Transient),
    (500, "0x80044151", Transient, Transient),
    (408, "", Transient, UnknownResult),
    (500, "", Transient, UnknownResult),
    (502, "", Transient, UnknownResult),
    (503, "", Transient, UnknownResult),
    (504, "", Transient, UnknownResult),
    (599, "", Transient, UnknownResult),
    (302, "", ProfileBroken, ProfileBroken),
)


def answer(status: int, code: str = "", message: str = "", **headers: str) -> Answer:
    body = {"error": {"code": code, "message": message}}
    return Answer(status, {k.replace("_", "-"): v for k, v in headers.items()}, json.dumps(body).encode())


def error(request: Request, given: Answer, as_user: str | None = USER) -> SyncError:
    return error_of(request, given, as_user=as_user, now=lambda: NOW)


@pytest.mark.parametrize(("status", "code", "reading", "writing"), TABLE)
def test_each_status_and_code_has_its_error(
    status: int, code: str, reading: type[SyncError], writing: type[SyncError]
) -> None:
    assert type(error(READ, answer(status, code))) is reading
    assert type(error(WRITE, answer(status, code))) is writing
    assert error(READ, answer(status, code)).status == status


def test_the_table_above_covers_every_rule() -> None:
    used = {id(rule_for(status, error(READ, answer(status, code)).code)) for status, code, *_ in TABLE}
    assert [rule for rule in RULES if id(rule) not in used] == []


def test_no_rule_hides_behind_another() -> None:
    for rule in RULES:
        assert rule_for(rule.status or 400, rule.code or "0xffffffff") is rule


@pytest.mark.parametrize("content", [b"", b"<html>Sign in</html>", b'"text"', b'{"error": "text"}', b"\xff"])
def test_a_body_that_is_no_error_body_leaves_the_status(content: bytes) -> None:
    assert type(error(READ, Answer(404, {}, content))) is NotFound


def test_a_missing_party_is_not_a_missing_row() -> None:
    about_party = answer(404, "0x80040217", f"contact With Id = {OTHER} Does Not Exist")
    about_row = answer(404, "0x80040217", f"appointment With Id = {ROW.upper()} Does Not Exist")
    assert type(error(WRITE, about_party)) is Refused
    assert type(error(WRITE, about_row)) is NotFound


def test_a_missing_party_of_an_exception_is_not_a_missing_instance() -> None:
    """The path of an action names no row."""
    make = Request("POST", "recurringappointmentmasters/CreateException", body={}, about=(ROW,))
    about_party = answer(404, "0x80040217", f"contact With Id = {OTHER} Does Not Exist")
    about_series = answer(404, "0x80040217", f"recurringappointmentmaster With Id = {ROW} Does Not Exist")
    assert type(error(make, about_party)) is Refused
    assert type(error(make, about_series)) is NotFound


@pytest.mark.rule("MBX-16")
def test_what_concerns_the_application_itself_is_the_connections_fault() -> None:
    not_a_member = answer(403, "0x80072560")
    no_right = answer(403, "0x80040220")
    feed = Request("GET", "appointments?$select=activityid", organization_wide=True)
    assert type(error(READ, not_a_member, as_user=None)) is ProfileBroken
    assert type(error(feed, no_right, as_user=None)) is ProfileBroken
    assert type(error(WRITE, no_right, as_user=None)) is Refused


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("17", 17.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("Mon, 02 Mar 2026 09:01:30 GMT", 90.0),
        ("Mon, 02 Mar 2026 08:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after(answer(429, retry_after=text), lambda: NOW) == seconds


def test_throttling_says_when_to_come_back() -> None:
    told = error(WRITE, answer(429, retry_after="120"))
    untold = error(WRITE, answer(429))
    assert isinstance(told, Throttled)
    assert isinstance(untold, Throttled)
    assert (told.retry_after, untold.retry_after) == (120.0, DEFAULT_RETRY_AFTER)


def test_an_error_names_the_request_and_what_support_asks_for_but_no_data() -> None:
    request = Request("GET", f"systemusers?$filter=internalemailaddress eq 'anna@example.com'&x=({ROW})")
    said = answer(400, "0x80044331", "The length of 'Secret plan'", x_ms_service_request_id="abc-1")
    text = str(error(request, said))
    assert text == "GET /systemusers: a text is too long (status 400, 0x80044331, request abc-1)"


def test_a_kind_has_no_ids_whatever_the_path() -> None:
    link = f"https://org.example/api/data/v9.2/appointments({ROW})/appointment_activity_parties?$select=x"
    assert Request("GET", link).kind == "GET /appointments({id})/appointment_activity_parties"
    assert Request("DELETE", f"appointments({ROW})?tag=x").kind == "DELETE /appointments({id})"
