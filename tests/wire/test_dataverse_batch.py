"""``$batch`` over the wire."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.wire.dataverse_org import Org, Person, organization

ROOT = "/api/data/v9.2/"


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    async with organization() as running:
        yield running


@dataclass
class Operation:
    method: str
    path: str
    body: Any = None
    headers: str = ""

    def text(self, content_id: int | None = None) -> str:
        own = f"Content-ID: {content_id}\r\n" if content_id else ""
        url = self.path if self.path.startswith("$") else ROOT + self.path
        head = f"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n{own}\r\n"
        kind = "Content-Type: application/json\r\n" if self.body is not None else ""
        content = json.dumps(self.body) if self.body is not None else ""
        return f"{head}{self.method} {url} HTTP/1.1\r\n{kind}{self.headers}\r\n{content}"


def envelope(*items: Operation | list[Operation]) -> str:
    parts = []
    for item in items:
        if isinstance(item, list):
            inner = "".join(
                f"--changeset_1\r\n{each.text(number)}\r\n" for number, each in enumerate(item, 1)
            )
            part = f"Content-Type: multipart/mixed; boundary=changeset_1\r\n\r\n{inner}--changeset_1--\r\n"
        else:
            part = item.text()
        parts.append(f"--batch_1\r\n{part}\r\n")
    return "".join(parts) + "--batch_1--\r\n"


async def send(
    org: Org, content: str, user: Person | None = None, token: str = "app", **headers: str
) -> httpx.Response:
    sent = {
        "Authorization": f"Bearer {token}",
        "Content-Type": 'multipart/mixed; boundary="batch_1"',
        **(user.headers if user else {}),
        **headers,
    }
    return await org.client.post(f"{org.dataverse.url}/$batch", content=content.encode(), headers=sent)


def answers(response: httpx.Response) -> list[Any]:
    """``(status, body)`` of each part; a change set is a list of them."""
    head = f"Content-Type: {response.headers['Content-Type']}\r\n\r\n".encode()
    return [_answer(part) for part in _parts(message_from_bytes(head + response.content))]


def _parts(message: Message) -> list[Message]:
    return [part for part in message.get_payload() if isinstance(part, Message)]  # type: ignore[union-attr]


def _answer(part: Message) -> Any:
    if part.get_content_type() == "multipart/mixed":
        return [_answer(inner) for inner in _parts(part)]
    text = part.get_payload(decode=True).decode()  # type: ignore[union-attr]
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    return int(head.split(" ")[1]), json.loads(body) if body.strip() else None


async def test_parts_are_answered_in_order_with_their_own_statuses(org: Org) -> None:
    made = await org.contact("Anna")
    response = await send(
        org,
        envelope(
            Operation("GET", f"contacts({made['contactid']})?$select=firstname"),
            Operation("PATCH", f"contacts({made['contactid']})", {"firstname": "Berit"}),
            Operation("GET", f"contacts({made['contactid']})?$select=firstname"),
        ),
    )
    first, second, third = answers(response)
    assert response.status_code == 200
    assert (first[0], first[1]["firstname"]) == (200, "Anna")
    assert second == (204, None)
    assert third[1]["firstname"] == "Berit"


async def test_it_stops_at_the_first_failure_unless_told_to_go_on(org: Org) -> None:
    items = [Operation("GET", f"contacts({uuid4()})"), Operation("POST", "contacts", {"lastname": "Late"})]
    stopped = await send(org, envelope(*items))
    assert stopped.status_code == 400
    assert [status for status, _ in answers(stopped)] == [404]
    assert await org.values("contacts") == []
    went_on = await send(org, envelope(*items), Prefer="odata.continue-on-error")
    assert went_on.status_code == 200
    assert [status for status, _ in answers(went_on)] == [404, 204]


async def test_a_change_set_creates_and_changes_state_by_content_id(org: Org) -> None:
    key = str(uuid4())
    response = await send(
        org,
        envelope(
            [
                Operation("PATCH", f"appointments({key})", {"subject": "x"}, headers="If-None-Match: *\r\n"),
                Operation("PATCH", "$1", {"statecode": 3, "statuscode": 5}),
            ]
        ),
    )
    assert answers(response) == [[(204, None), (204, None)]]
    row = await org.get(f"appointments({key})")
    assert (row["statecode"], row["statuscode"]) == (3, 5)


async def test_a_content_id_can_be_bound(org: Org) -> None:
    response = await send(
        org,
        envelope(
            [
                Operation("POST", "accounts", {"name": "Nordwind"}),
                Operation(
                    "POST", "contacts", {"lastname": "Berg", "parentcustomerid_account@odata.bind": "$1"}
                ),
            ]
        ),
    )
    assert response.status_code == 200
    (account,), (contact,) = await org.values("accounts"), await org.values("contacts")
    assert contact["_parentcustomerid_value"] == account["accountid"]


async def test_a_failing_change_set_leaves_nothing_behind(org: Org) -> None:
    made = await org.contact("Anna", emailaddress1="anna@example.org")
    version = (await org.control("GET", "version")).json()
    response = await send(
        org,
        envelope(
            [
                Operation("POST", "contacts", {"lastname": "New"}),
                Operation("PATCH", f"contacts({made['contactid']})", {"firstname": "Other"}),
                Operation("DELETE", f"contacts({made['contactid']})"),
                Operation("PATCH", f"contacts({uuid4()})", {}, headers="If-Match: *\r\n"),
            ]
        ),
    )
    assert response.status_code == 400
    ((status, body),) = answers(response)
    assert (status, body["error"]["code"]) == (404, "0x80040217")
    (row,) = await org.values("contacts")
    assert row["@odata.etag"] == made["@odata.etag"]
    assert (await org.control("GET", "version")).json() == version


async def test_impersonation_and_preferences_belong_to_the_part(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    response = await send(
        org,
        envelope(
            Operation("POST", "contacts", {"lastname": "A"}, "Prefer: return=representation\r\n"),
            Operation(
                "POST",
                "contacts",
                {"lastname": "B"},
                f"Prefer: return=representation\r\nCallerObjectId: {bo.object_id}\r\n",
            ),
        ),
        user=ida,
    )
    bodies = [body for _, body in answers(response)]
    assert [body["_createdby_value"] for body in bodies] == [ida.id, bo.id]


@pytest.mark.parametrize(
    "content",
    [
        envelope([Operation("GET", "contacts")]),
        envelope(Operation("POST", "$batch", {})),
        envelope(Operation("GET", "contacts")).replace("\r\n", "\n"),
        envelope(Operation("GET", "contacts")).removesuffix("--batch_1--\r\n"),
        envelope(Operation("GET", "contacts")).replace(ROOT, "/elsewhere/"),
        envelope([Operation("POST", "contacts", {})]).replace("Content-ID: 1\r\n", ""),
        "nothing",
    ],
)
async def test_a_malformed_envelope_runs_nothing(org: Org, content: str) -> None:
    assert (await send(org, content)).status_code == 400
    assert await org.values("contacts") == []


async def test_an_envelope_holds_at_most_a_thousand_operations(org: Org) -> None:
    content = envelope(*[Operation("GET", "WhoAmI")] * 1001)
    assert (await send(org, content)).status_code == 400
    assert (await send(org, content, **{"Content-Type": "application/json"})).status_code == 415


# --- counts and faults ---------------------------------------------------------------------------


async def test_parts_count_each_and_the_envelope_once(org: Org) -> None:
    made = await org.contact("Anna")
    await org.control("DELETE", "requests")
    path = f"contacts({made['contactid']})"
    await send(
        org, envelope(Operation("GET", path), [Operation("PATCH", path, {}), Operation("DELETE", path)])
    )
    await send(org, envelope(Operation("GET", "contacts")), token="person")
    service = (await org.control("GET", "requests")).json()
    assert service == {
        "total": 4,
        "byKind": {
            "DELETE /contacts({id})": 1,
            "GET /contacts({id})": 1,
            "PATCH /contacts({id})": 1,
            "POST /$batch": 1,
        },
    }
    everyone = (await org.control("GET", "requests?caller=all")).json()
    assert everyone["total"] == 6


async def test_a_status_hits_the_part_and_the_next_one_passes(org: Org) -> None:
    rule = {"match": {"pathContains": "accounts"}, "times": 1, "do": "status:429", "retryAfter": 7}
    await org.control("POST", "faults", rule)
    content = envelope(
        Operation("POST", "accounts", {"name": "A"}), Operation("POST", "accounts", {"name": "B"})
    )
    response = await send(org, content, Prefer="odata.continue-on-error")
    assert [status for status, _ in answers(response)] == [429, 204]
    assert b"Retry-After: 7" in response.content
    assert [row["name"] for row in await org.values("accounts")] == ["B"]


async def test_a_status_inside_a_change_set_undoes_it(org: Org) -> None:
    rule = {"match": {"pathContains": "contacts"}, "times": 1, "do": "status:503"}
    await org.control("POST", "faults", rule)
    items = [Operation("POST", "accounts", {"name": "A"}), Operation("POST", "contacts", {"lastname": "B"})]
    response = await send(org, envelope(items))
    assert [status for status, _ in answers(response)] == [503]
    assert await org.values("accounts") == []


@pytest.mark.parametrize(("do", "left"), [("drop-before", []), ("drop-after", ["A"])])
async def test_a_drop_cuts_the_whole_envelope(org: Org, do: str, left: list[str]) -> None:
    rule = {"match": {"method": "POST", "pathContains": "accounts"}, "times": 1, "do": do}
    await org.control("POST", "faults", rule)
    with pytest.raises(httpx.TransportError):
        await send(org, envelope([Operation("POST", "accounts", {"name": "A"})]))
    assert [row["name"] for row in await org.values("accounts")] == left
