"""Attachments of events: small ones, those that come in pieces, and how they travel."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.wire.exchange_graph import IMMUTABLE, Graph, event, invited, part, running
from tests.wire.exchange_metadata import check_answer
from tests.wire.exchange_series import WINDOW, instances, patch, series

Json = dict[str, Any]

ANNA = "/users/anna@contoso.com/events"
BEN = "/users/ben@contoso.com/events"
FILE = "#microsoft.graph.fileAttachment"
SIZE = 3_483_322
PIECE = 2_097_152


@pytest.fixture
async def graph() -> AsyncIterator[Graph]:
    async with running() as graph:
        for name in ("anna", "ben"):
            await graph.user(name)
        yield graph


def file(name: str = "menu.txt", content: bytes = b"mac and cheese", **more: Any) -> Json:
    return {
        "@odata.type": FILE,
        "name": name,
        "contentBytes": base64.b64encode(content).decode(),
        **more,
    }


async def attached(graph: Graph, path: str, body: Json | None = None) -> Json:
    reply = await graph("POST", f"{path}/attachments", body or file())
    assert reply.status == 201, reply.body
    row: Json = reply.body
    return row


async def names(graph: Graph, path: str) -> list[str]:
    return [row["name"] for row in (await graph("GET", f"{path}/attachments")).rows]


async def own(graph: Graph, **props: Any) -> str:
    """The path of an event of Anna's."""
    return f"{ANNA}/{(await graph.create('anna', **props))['id']}"


# --- small ones ---------------------------------------------------------------------------------


async def test_a_file_is_added_listed_read_and_removed(graph: Graph) -> None:
    path = await own(graph)
    assert (await graph("GET", path)).body["hasAttachments"] is False
    made = await attached(graph, path)
    assert (made["@odata.type"], made["contentType"], made["isInline"]) == (FILE, "text/plain", False)
    assert base64.b64decode(made["contentBytes"]) == b"mac and cheese"
    assert made["size"] > len(b"mac and cheese")
    assert (await graph("GET", path)).body["hasAttachments"] is True
    one = await graph("GET", f"{path}/attachments/{made['id']}")
    listed = (await graph("GET", f"{path}/attachments")).rows
    assert [{k: v for k, v in one.body.items() if k != "@odata.context"}] == listed
    assert (await graph("DELETE", f"{path}/attachments/{made['id']}")).status == 204
    gone = await graph("GET", f"{path}/attachments/{made['id']}")
    assert (gone.status, gone.code) == (404, "ErrorItemNotFound")
    assert (await graph("GET", path)).body["hasAttachments"] is False


async def test_the_raw_content_comes_as_it_is(graph: Graph) -> None:
    path = await own(graph)
    made = await attached(graph, path, file("x.bin", b"\x00\xff\x01"))
    address = graph.address(f"{path}/attachments/{made['id']}/$value")
    async with graph.session.get(address, headers={"Authorization": "Bearer app"}) as response:
        assert await response.read() == b"\x00\xff\x01"
        assert response.content_type == "application/octet-stream"


async def test_content_can_be_left_out_by_naming_what_every_kind_has(graph: Graph) -> None:
    path = await own(graph)
    await attached(graph, path)
    rows = (await graph("GET", f"{path}/attachments?$select=id,name,size")).rows
    assert {name for name in rows[0] if "@" not in name} == {"id", "name", "size"}
    refused = await graph("GET", f"{path}/attachments?$select=id,contentBytes")
    assert refused.status == 400
    assert "microsoft.graph.attachment" in refused.body["error"]["message"]


async def test_an_event_is_read_together_with_its_attachments(graph: Graph) -> None:
    path = await own(graph)
    made = await attached(graph, path)
    whole = (await graph("GET", f"{path}?$expand=attachments")).body
    assert [row["contentBytes"] for row in whole["attachments"]] == [made["contentBytes"]]
    some = (await graph("GET", f"{path}?$select=subject&$expand=attachments($select=name)")).body
    assert [set(row) - {"@odata.type", "@odata.mediaContentType"} for row in some["attachments"]] == [
        {"id", "name"}
    ]


async def test_every_change_of_attachments_moves_the_change_key_and_shows_in_delta(graph: Graph) -> None:
    path = await own(graph)
    delta = await graph("GET", f"/users/anna@contoso.com/calendarView/delta?{WINDOW}")
    keys = [(await graph("GET", path)).body["changeKey"]]
    made = await attached(graph, path)
    keys.append((await graph("GET", path)).body["changeKey"])
    changed = await graph("GET", delta.body["@odata.deltaLink"])
    assert [row["hasAttachments"] for row in changed.rows] == [True]
    await graph("DELETE", f"{path}/attachments/{made['id']}")
    keys.append((await graph("GET", path)).body["changeKey"])
    assert len(set(keys)) == 3


async def test_inline_files_do_not_count(graph: Graph) -> None:
    path = await own(graph)
    made = await attached(graph, path, file("logo.png", isInline=True, contentId="logo"))
    assert (made["isInline"], made["contentId"]) == (True, "logo")
    assert (await graph("GET", path)).body["hasAttachments"] is False
    assert await names(graph, path) == ["logo.png"]


async def test_an_event_can_be_attached_to_an_event(graph: Graph) -> None:
    path = await own(graph)
    item = {"@odata.type": "microsoft.graph.event", **event(subject="Holiday")}
    body = {"@odata.type": "#microsoft.graph.itemAttachment", "name": "Holiday event", "item": item}
    made = await attached(graph, path, body)
    assert (made["contentType"], "item" in made) == (None, False)
    expand = "$expand=microsoft.graph.itemattachment/item"
    shown = (await graph("GET", f"{path}/attachments/{made['id']}?{expand}")).body
    assert shown["item"]["subject"] == "Holiday"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "x.txt", "contentBytes": "eA=="}, "RequestBodyRead"),
        ({"@odata.type": "#microsoft.graph.attachment", "name": "x.txt"}, "RequestBodyRead"),
        ({"@odata.type": FILE, "contentBytes": "eA=="}, "ErrorPropertyValidationFailure"),
        ({"@odata.type": FILE, "name": "x.txt"}, "ErrorPropertyValidationFailure"),
        ({"@odata.type": FILE, "name": "x.txt", "contentBytes": "not base64"}, "RequestBodyRead"),
        ({"@odata.type": FILE, "name": "x.txt", "contentBytes": "eA==", "colour": 1}, "RequestBodyRead"),
        ({"@odata.type": "#microsoft.graph.referenceAttachment", "name": "x"}, "ErrorInvalidRequest"),
        ({"@odata.type": "#microsoft.graph.itemAttachment", "name": "x"}, "ErrorPropertyValidationFailure"),
    ],
)
async def test_what_a_post_refuses(graph: Graph, body: Json, code: str) -> None:
    path = await own(graph)
    refused = await graph("POST", f"{path}/attachments", body)
    assert (refused.status, refused.code) == (400, code)
    assert await names(graph, path) == []


async def test_a_post_of_three_megabytes_is_too_large(graph: Graph) -> None:
    path = await own(graph)
    refused = await graph("POST", f"{path}/attachments", file(content=b"x" * 3 * 1024 * 1024))
    assert refused.status == 413
    assert "4MB" in refused.body["error"]["message"]
    await attached(graph, path, file(content=b"x" * 2_999_999))


async def test_batch_parts_add_and_read_attachments(graph: Graph) -> None:
    path = await own(graph)
    first = await attached(graph, path)
    parts = [
        part(1, "GET", f"{path}/attachments"),
        part(2, "GET", f"{path}/attachments/{first['id']}/$value"),
        part(3, "POST", f"{path}/attachments", file("two.txt", b"2")),
    ]
    reply = await graph("POST", "/$batch", {"requests": parts})
    answers = {row["id"]: row for row in reply.body["responses"]}
    assert answers["1"]["body"]["value"][0]["contentBytes"] == first["contentBytes"]
    assert base64.b64decode(answers["2"]["body"]) == b"mac and cheese"
    assert answers["3"]["status"] == 201
    counted = (await graph("GET", "/_control/requests")).body["byKind"]
    assert counted["GET /users/{id}/events/{id}/attachments/{id}/$value"] == 1


# --- in pieces ----------------------------------------------------------------------------------


async def session(graph: Graph, path: str, size: int = SIZE, **more: Any) -> Any:
    item = {"attachmentType": "file", "name": "flower.jpg", "size": size, **more}
    return await graph("POST", f"{path}/attachments/createUploadSession", {"AttachmentItem": item})


async def put(
    graph: Graph, url: str, content: bytes, first: int, total: int = SIZE, **headers: str
) -> tuple[int, Any, Any]:
    """Status, JSON and headers of one piece."""
    sent = {
        "Content-Range": f"bytes {first}-{first + len(content) - 1}/{total}",
        "Content-Type": "application/octet-stream",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    async with graph.session.put(url, data=content, headers=sent) as response:
        text = await response.text()
        body = await response.json() if text else None
        if response.status >= 400:
            check_answer("PUT", "/AttachmentSessions", response.status, body)
        return response.status, body, response.headers


async def test_a_large_file_comes_in_pieces(graph: Graph) -> None:
    path = await own(graph)
    content = bytes(range(256)) * (SIZE // 256) + b"x" * (SIZE % 256)
    begun = await session(graph, path)
    assert (begun.status, begun.body["nextExpectedRanges"]) == (201, ["0-"])
    url = begun.body["uploadUrl"]
    assert not url.startswith(graph.exchange.url)
    before = (await graph("GET", path)).body["changeKey"]
    status, body, _ = await put(graph, url, content[:PIECE], 0)
    assert (status, body["nextExpectedRanges"]) == (200, [str(PIECE)])
    assert await names(graph, path) == []
    status, body, headers = await put(graph, url, content[PIECE:], PIECE)
    assert (status, body) == (201, None)
    made = headers["Location"].rpartition("Attachments('")[2].removesuffix("')")
    row = (await graph("GET", f"{path}/attachments/{made}")).body
    assert (row["name"], row["contentType"]) == ("flower.jpg", "image/jpeg")
    assert base64.b64decode(row["contentBytes"]) == content
    assert (await graph("GET", path)).body["changeKey"] != before
    assert (await put(graph, url, content[:PIECE], 0))[0] == 404
    counted = (await graph("GET", "/_control/requests")).body["byKind"]
    assert counted["PUT /AttachmentSessions/{id}"] == 3


async def test_pieces_come_in_order_and_say_what_they_are(graph: Graph) -> None:
    path = await own(graph)
    url = (await session(graph, path)).body["uploadUrl"]
    ten = b"x" * 10
    for expected, answer in (
        (416, await put(graph, url, ten, 10)),
        (400, await put(graph, url, ten, 0, SIZE + 1)),
        (400, await put(graph, url, ten, 0, Content_Range="bytes 0-10/x")),
        (400, await put(graph, url, ten, 0, Content_Range=f"bytes 0-10/{SIZE}")),
        (400, await put(graph, url, ten, 0, Content_Type="text/plain")),
        (401, await put(graph, url, ten, 0, Authorization="Bearer app")),
        (401, await put(graph, url.replace("authtoken=", "authtoken=x"), ten, 0)),
        (404, await put(graph, url.replace("AttachmentSessions('", "AttachmentSessions('x"), ten, 0)),
    ):
        assert answer[0] == expected, answer
    assert (await put(graph, url, ten, 0))[0] == 200
    assert (await put(graph, url, ten, 0))[0] == 416
    assert (await put(graph, url, b"x" * (4 * 1024 * 1024 + 1), 10, SIZE))[0] == 413


@pytest.mark.parametrize(
    ("size", "code"),
    [
        (2_999_999, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize"),
        (150 * 1024 * 1024 + 1, "ErrorAttachmentSizeLimitExceeded"),
        (0, "ErrorPropertyValidationFailure"),
    ],
)
async def test_a_session_is_for_files_of_three_to_150_megabytes(graph: Graph, size: int, code: str) -> None:
    refused = await session(graph, await own(graph), size)
    assert (refused.status, refused.code) == (400, code)


async def test_only_files_come_in_pieces(graph: Graph) -> None:
    path = await own(graph)
    assert (await session(graph, path, attachmentType="reference")).code == "ErrorInvalidRequest"
    assert (await graph("POST", f"{path}/attachments/createUploadSession", {"size": 1})).status == 400


async def test_an_item_has_a_size_limit_of_its_own(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.exchange.attachments.LARGEST_ITEM", 2_500_000)
    path = await own(graph)
    await attached(graph, path, file(content=b"x" * 1_000_000))
    url = (await session(graph, path)).body["uploadUrl"]
    status, body, _ = await put(graph, url, b"x" * PIECE, 0)
    assert (status, body["error"]["code"]) == (400, "ErrorMessageSizeExceeded")
    refused = await graph("POST", f"{path}/attachments", file(content=b"x" * 2_000_000))
    assert refused.code == "ErrorMessageSizeExceeded"


async def test_a_session_can_be_given_up_and_dies_by_itself(graph: Graph) -> None:
    path = await own(graph)
    url = (await session(graph, path)).body["uploadUrl"]
    async with graph.session.delete(url) as response:
        assert response.status == 204
    assert (await put(graph, url, b"x", 0))[0] == 404
    late = (await session(graph, path)).body["uploadUrl"]
    await graph("POST", "/_control/clock", {"advanceSeconds": 25 * 3600})
    assert (await put(graph, late, b"x", 0))[0] == 401


async def test_faults_hit_pieces_too(graph: Graph) -> None:
    path = await own(graph)
    url = (await session(graph, path)).body["uploadUrl"]
    fault = {"match": {"method": "PUT", "pathContains": "AttachmentSessions"}, "do": "status:503", "times": 1}
    await graph("POST", "/_control/faults", fault)
    assert (await put(graph, url, b"x", 0))[0] == 503
    assert (await put(graph, url, b"x", 0))[0] == 200


async def test_files_and_half_uploads_survive_a_restart(tmp_path: Path) -> None:
    journal = tmp_path / "exchange.journal"
    async with running(journal=journal) as graph:
        await graph.user("anna")
        path = await own(graph)
        made = await attached(graph, path)
        url = (await session(graph, path)).body["uploadUrl"]
        await put(graph, url, b"x" * PIECE, 0)
        address = graph.exchange.host
    async with running(journal=journal) as graph:
        assert (await graph("GET", f"{path}/attachments/{made['id']}")).body["contentBytes"] == made[
            "contentBytes"
        ]
        moved = url.replace(address, graph.exchange.host)
        assert (await put(graph, moved, b"y" * (SIZE - PIECE), PIECE))[0] == 201
        assert await names(graph, path) == ["menu.txt", "flower.jpg"]


# --- how they travel ----------------------------------------------------------------------------


async def test_attachments_reach_attendees_with_the_next_update(graph: Graph) -> None:
    path = await own(graph, attendees=invited("ben@contoso.com"))
    await graph.outbox()
    made = await attached(graph, path)
    assert await graph.outbox() == []
    copy = f"{BEN}/{(await graph.only_event('ben'))['id']}"
    assert await names(graph, copy) == []
    await graph("PATCH", path, {"subject": "With menu"})
    assert await graph.outbox() == [("update", ["ben@contoso.com"])]
    theirs = (await graph("GET", f"{copy}/attachments")).rows
    assert [row["contentBytes"] for row in theirs] == [made["contentBytes"]]
    assert theirs[0]["id"] != made["id"]
    await graph("PATCH", path, {"subject": "Same menu"})
    assert [row["id"] for row in (await graph("GET", f"{copy}/attachments")).rows] == [theirs[0]["id"]]
    await graph("DELETE", f"{path}/attachments/{made['id']}")
    assert await names(graph, copy) == ["menu.txt"]
    await graph("PATCH", path, {"subject": "Without"})
    assert (await graph("GET", copy)).body["hasAttachments"] is False


async def test_an_attendee_reads_the_file_after_the_organizer_deleted_the_meeting(graph: Graph) -> None:
    path = await own(graph, attendees=invited("ben@contoso.com"))
    made = await attached(graph, path)
    await graph("PATCH", path, {"subject": "With menu"})
    await graph("DELETE", path)
    copy = f"{BEN}/{(await graph.only_event('ben'))['id']}"
    assert (await graph("GET", f"{copy}/attachments")).rows[0]["contentBytes"] == made["contentBytes"]


async def test_a_series_shares_its_attachments_and_an_exception_has_its_own(graph: Graph) -> None:
    master = (await series(graph, attendees=invited("ben@contoso.com")))["id"]
    first, second, *_ = [row["id"] for row in await instances(graph, "anna", master)]
    shared = await attached(graph, f"{ANNA}/{master}")
    assert await names(graph, f"{ANNA}/{first}") == ["menu.txt"]
    await attached(graph, f"{ANNA}/{first}", file("own.txt"))
    await graph("DELETE", f"{ANNA}/{first}/attachments/{shared['id']}")
    assert await names(graph, f"{ANNA}/{first}") == ["own.txt"]
    assert (await graph("GET", f"{ANNA}/{first}")).body["type"] == "exception"
    for path in (f"{ANNA}/{master}", f"{ANNA}/{second}"):
        assert await names(graph, path) == ["menu.txt"]
    await patch(graph, "anna", master, location={"displayName": "Hall"})
    copy = (await graph.only_event("ben"))["id"]
    his = [row["id"] for row in await instances(graph, "ben", copy)]
    assert await names(graph, f"{BEN}/{his[0]}") == ["own.txt"]
    assert await names(graph, f"{BEN}/{his[1]}") == ["menu.txt"]


async def test_a_copy_has_attachments_of_its_own(graph: Graph) -> None:
    master = (await series(graph))["id"]
    first = (await instances(graph, "anna", master))[0]["id"]
    await attached(graph, f"{ANNA}/{master}")
    await attached(graph, f"{ANNA}/{first}", file("own.txt"))
    body = {"user": "anna@contoso.com", "kind": "event", "id": master}
    copy = (await graph("POST", "/_control/copy", body)).body["id"]
    await graph("DELETE", f"{ANNA}/{master}")
    again = (await instances(graph, "anna", copy))[0]["id"]
    assert await names(graph, f"{ANNA}/{again}") == ["menu.txt", "own.txt"]
    assert await names(graph, f"{ANNA}/{copy}") == ["menu.txt"]


async def test_attachments_of_every_kind_arrive_from_outside(graph: Graph) -> None:
    reference = {"@odata.type": "#microsoft.graph.referenceAttachment", "name": "Plan.docx"}
    organizer = {"emailAddress": {"name": "Out", "address": "out@elsewhere.com"}}
    meeting = event(organizer=organizer, attachments=[file(), reference])
    delivered = await graph("POST", "/_control/deliver", {"to": ["ben@contoso.com"], "meeting": meeting})
    assert delivered.status == 201
    copy = f"{BEN}/{(await graph.only_event('ben'))['id']}"
    rows = (await graph("GET", f"{copy}/attachments", prefer=IMMUTABLE)).rows
    assert [(row["@odata.type"].rpartition(".")[2], row["name"]) for row in rows] == [
        ("fileAttachment", "menu.txt"),
        ("referenceAttachment", "Plan.docx"),
    ]
    assert (await graph("GET", f"{copy}/attachments/{rows[1]['id']}/$value")).status == 405
