"""What the answers to ``Validate`` mean, as documented and as they might come."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.clock import clock
from shared.credentials import DevelopmentCredential
from shared.dynamics.dataverse import availability
from shared.dynamics.dataverse.client import Client
from shared.dynamics.dataverse.messages import Answer
from shared.errors import Throttled, Transient
from shared.model.party import Party, RecordRef
from shared.model.scheduling import Availability, Busy, Claim
from tests.marks import rule

ROW = "1b6e5c5f-0d0e-4a51-9d05-0a1c5c0f8b11"
USER = "2c7f6d60-1e1f-4b62-8e16-1b2d6d109c22"
TIME = {"allDay": False, "start": "2026-03-02T09:00:00Z", "end": "2026-03-02T09:30:00Z"}
CLAIM = Claim(
    ROW, TIME, (Party(7, "ida@example.com", RecordRef("systemuser", USER)), Party(5, "x@y.z", None))
)


def meaning(status: int, body: Any) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    client = Client("http://localhost", DevelopmentCredential("app"), clock())
    return availability.read(client, availability.request(CLAIM), Answer(status, {}, content), USER)


def results(*found: Any) -> Any:
    return {"Result": list(found)}


def failed(*resources: Any, code: str = "ResourceBusy") -> Any:
    info = [{"ErrorCode": code, "ResourceList": list(resources)}]
    return {"ValidationSuccess": False, "ActivityId": ROW, "TraceInfo": {"ErrorInfoList": info}}


def error(code: str) -> Any:
    return {"error": {"code": code, "message": "no"}}


@rule("APPT-29")
def test_a_claim_is_the_whole_appointment_under_its_own_id() -> None:
    asked = availability.request(CLAIM)
    assert (asked.method, asked.path, asked.reads) == ("POST", "Validate", True)
    assert asked.body == {
        "Activities": [
            {
                "@odata.type": "Microsoft.Dynamics.CRM.appointment",
                "activityid": ROW,
                "scheduledstart": "2026-03-02T09:00:00Z",
                "scheduledend": "2026-03-02T09:30:00Z",
                "isalldayevent": False,
                "appointment_activity_parties": [
                    {
                        "participationtypemask": 7,
                        "partyid_systemuser@odata.bind": f"/systemusers({USER})",
                        "addressused": "ida@example.com",
                    },
                    {"participationtypemask": 5, "addressused": "x@y.z"},
                ],
            }
        ]
    }


BO = {"Id": USER.upper(), "DisplayName": "Bo Example", "EntityName": "systemuser"}


@rule("APPT-29")
@pytest.mark.parametrize(
    ("body", "busy"),
    [
        (results({"ValidationSuccess": True, "TraceInfo": {"ErrorInfoList": []}}), ()),
        (results({"ValidationSuccess": True, "TraceInfo": None}), ()),
        (results(failed(BO)), (Busy("Bo Example", "systemuser", USER),)),
        (results(failed(BO, BO), failed(BO)), (Busy("Bo Example", "systemuser", USER),)),
        (
            results(failed(BO, {"Id": "van", "DisplayName": None})),
            (Busy("Bo Example", "systemuser", USER), Busy("", "", "van")),
        ),
        (results(failed()), (Busy(""),)),
        (results({"ValidationSuccess": False}), (Busy(""),)),
        (results(), ()),
        ({}, ()),
    ],
)
def test_who_is_busy(body: Any, busy: tuple[Busy, ...]) -> None:
    assert meaning(200, body) == Availability(busy)


@pytest.mark.parametrize(
    ("status", "body", "everywhere"),
    [
        (404, error("0x8006088a"), True),
        (403, error("0x80040220"), True),
        (501, error("0x80040800"), True),
        (405, b"", True),
        (403, error("0x80048405"), False),
        (400, error("0x8004e10a"), False),
        (404, error("0x80040217"), False),
    ],
)
def test_a_refusal_says_why_nothing_is_known_and_whether_ever(
    status: int, body: Any, everywhere: bool
) -> None:
    said = meaning(status, body)
    assert (said.busy, said.everywhere) == ((), everywhere)
    assert said.unchecked.startswith("Dynamics did not say (")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [(429, error("0x80072322"), Throttled), (503, b"", Transient), (200, b"<html>", Transient)],
)
def test_trouble_is_trouble_only_where_nothing_else_travels(status: int, body: Any, kind: type) -> None:
    assert isinstance(meaning(status, body), kind)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    client = Client("http://localhost", DevelopmentCredential("app"), clock())
    asked = availability.request(CLAIM)
    along = availability.read_along(client, asked, Answer(status, {}, content), USER)
    assert along.unchecked
    assert not along.everywhere
