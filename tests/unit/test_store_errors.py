"""Every row of the table from storage's answers to the engine's errors."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from shared.errors import Conflict, NotFound, Refused, SyncError, Throttled, Transient
from shared.store.errors import TABLE, Meaning, meaning, translate, translated


def answer(status: int, code: str = "", **headers: str) -> HttpResponseError:
    error = HttpResponseError("what the service says: secret")
    error.status_code = status
    error.error_code = code
    error.response = SimpleNamespace(headers=headers)  # type: ignore[assignment]
    return error


@pytest.mark.parametrize(
    "row", [row for row in TABLE if row.status], ids=lambda row: f"{row.status} {row.code}"
)
def test_each_row(row: Meaning) -> None:
    for code in (row.code,) if row.code else ("", "SomethingNew"):
        found = translate(answer(row.status or 0, code), "get")
        assert type(found) is row.error
        assert (found.status, found.code) == (row.status, code)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (409, "EntityAlreadyExists", Conflict),
        (409, "TableBeingDeleted", Transient),
        (412, "UpdateConditionNotSatisfied", Conflict),
        (404, "ResourceNotFound", NotFound),
        (429, "TooManyRequests", Throttled),
        (500, "OperationTimedOut", Transient),
        (503, "ServerBusy", Transient),
        (418, "", Refused),
    ],
)
def test_the_answers_that_matter(status: int, code: str, expected: type[SyncError]) -> None:
    assert meaning(status, code) is expected


@pytest.mark.parametrize(
    "error", [ServiceRequestError("refused"), ServiceResponseError("cut"), ClientAuthenticationError("none")]
)
def test_no_answer_is_transient(error: ServiceRequestError) -> None:
    assert type(translate(error, "get")) is Transient


def test_throttling_says_when_to_come_back() -> None:
    for headers, seconds in (({"Retry-After": "7"}, 7.0), ({}, 10.0)):
        found = translate(answer(429, **headers), "get")
        assert isinstance(found, Throttled)
        assert found.retry_after == seconds


def test_the_text_names_the_operation_and_the_code_and_no_value() -> None:
    with pytest.raises(Conflict) as caught, translated("insert into state"):
        raise answer(409, "EntityAlreadyExists")
    assert str(caught.value) == "table storage: insert into state: 409 EntityAlreadyExists"
