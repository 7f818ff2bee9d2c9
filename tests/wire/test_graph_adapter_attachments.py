"""Attachments of events through the adapter, over a real socket: small, large, other kinds, and failures."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

import pytest

from shared.errors import NotFound, Refused, Throttled, Transient, UnknownResult
from shared.exchange import uploads
from shared.exchange.mailbox import GraphMailbox
from shared.model.attachment import FileKind, NewFile
from shared.model.event import ExchangeEvent
from tests.marks import rule
from tests.wire.graph_adapter import Connected, connected, creation

FIVE_MB = bytes(range(256)) * (5 * 4096)
MINUTES = NewFile("minutes of the meeting.txt", "text/plain", b"what was said")
LARGE = NewFile("film.mp4", "video/mp4", FIVE_MB)


@pytest.fixture
async def rig() -> AsyncIterator[Connected]:
    async with connected() as running:
        yield running


@pytest.fixture
async def mailbox(rig: Connected) -> GraphMailbox:
    return await rig.mailbox()


@pytest.fixture
async def event(mailbox: GraphMailbox) -> ExchangeEvent:
    return await mailbox.create_event(creation(attendees=[["bob@else.com", "required"]]))


async def read(mailbox: GraphMailbox, event_id: str) -> ExchangeEvent:
    found = (await mailbox.events([event_id]))[event_id]
    assert found is not None
    return found


async def contents(mailbox: GraphMailbox, event_id: str) -> dict[str, bytes]:
    files = await mailbox.attachments(event_id)
    return {file.name: await mailbox.attachment_content(event_id, file.id) for file in files}


@rule("APPT-11", "PAIN-2")
async def test_a_small_file_goes_in_one_request_and_mails_nobody(
    rig: Connected, mailbox: GraphMailbox, event: ExchangeEvent
) -> None:
    before, counts = await rig.mailed(), mailbox.requests.copy()
    assert (await read(mailbox, event.id)).has_attachments is False
    await mailbox.add_attachment(event.id, MINUTES)
    (file,) = await mailbox.attachments(event.id)
    assert (file.name, file.content_type, file.kind) == (MINUTES.name, "text/plain", FileKind.FILE)
    assert file.size > len(MINUTES.content)
    assert file.sha256 == ""
    assert await mailbox.attachment_content(event.id, file.id) == MINUTES.content
    assert await rig.mailed() == before
    after = await read(mailbox, event.id)
    assert (after.has_attachments, after.etag != event.etag) == (True, True)
    assert mailbox.requests - counts == {
        "add_attachment": 1,
        "attachments": 1,
        "attachment_content": 1,
        "event": 2,
    }


@rule("APPT-11")
async def test_five_megabytes_go_up_in_pieces_without_our_token(
    rig: Connected, mailbox: GraphMailbox, event: ExchangeEvent
) -> None:
    """The stand-in refuses an upload with an Authorization header, a piece out of order, or one over 4 MB."""
    await rig.control("DELETE", "/requests")
    await mailbox.add_attachment(event.id, LARGE)
    assert mailbox.requests["upload_session"] == 1
    assert mailbox.requests["upload_piece"] == 2
    assert sum((await rig.counted()).values()) == 3
    (content,) = (await contents(mailbox, event.id)).values()
    assert hashlib.sha256(content).digest() == hashlib.sha256(FIVE_MB).digest()


@pytest.mark.parametrize(("size", "kind"), [(2_999_999, "add_attachment"), (3_000_000, "upload_session")])
async def test_the_size_decides_how_a_file_goes(
    mailbox: GraphMailbox, event: ExchangeEvent, size: int, kind: str
) -> None:
    await mailbox.add_attachment(event.id, NewFile("edge.bin", "", b"x" * size))
    assert mailbox.requests[kind] == 1
    assert [len(content) for content in (await contents(mailbox, event.id)).values()] == [size]


async def test_a_list_brings_no_contents(mailbox: GraphMailbox, event: ExchangeEvent) -> None:
    """Otherwise one list could be as large as everything attached."""
    await mailbox.add_attachment(event.id, LARGE)
    reply = await mailbox._channel.send(
        mailbox._client.get("raw", mailbox._event(event.id).attachments, select=["id", "name"])
    )
    assert all("contentBytes" not in row for row in reply.body["value"])
    assert len(await mailbox.attachments(event.id)) == 1


async def test_an_attachment_is_removed_once(mailbox: GraphMailbox, event: ExchangeEvent) -> None:
    await mailbox.add_attachment(event.id, MINUTES)
    (file,) = await mailbox.attachments(event.id)
    await mailbox.remove_attachment(event.id, file.id)
    assert await mailbox.attachments(event.id) == []
    with pytest.raises(NotFound):
        await mailbox.remove_attachment(event.id, file.id)
    with pytest.raises(NotFound):
        await mailbox.attachment_content(event.id, file.id)


@rule("APPT-11")
async def test_other_kinds_are_told_apart(
    rig: Connected, mailbox: GraphMailbox, event: ExchangeEvent
) -> None:
    path = f"/users/{mailbox._id}/events/{event.id}/attachments"
    inline = {"@odata.type": "#microsoft.graph.fileAttachment", "name": "logo.png", "isInline": True}
    await rig.graph_as_person("POST", path, {**inline, "contentId": "logo", "contentBytes": "AAAA"})
    assert (await read(mailbox, event.id)).has_attachments is False
    start = {"dateTime": "2026-12-01T09:00:00", "timeZone": "UTC"}
    item = {"@odata.type": "microsoft.graph.event", "subject": "Other", "start": start, "end": start}
    attached = {"@odata.type": "#microsoft.graph.itemAttachment", "name": "Other", "item": item}
    await rig.graph_as_person("POST", path, attached)
    kinds = {file.name: file.kind for file in await mailbox.attachments(event.id)}
    assert kinds == {"logo.png": FileKind.INLINE, "Other": FileKind.ITEM}


async def test_the_version_of_a_file_stays_when_its_event_changes(
    rig: Connected, mailbox: GraphMailbox, event: ExchangeEvent
) -> None:
    await mailbox.add_attachment(event.id, MINUTES)
    before = await mailbox.attachments(event.id)
    await rig.graph_as_person("PATCH", f"/users/{mailbox._id}/events/{event.id}", {"subject": "Other"})
    assert await mailbox.attachments(event.id) == before


# --- failures -------------------------------------------------------------------------------------


async def test_an_answer_that_is_lost_leaves_the_result_unknown(
    rig: Connected, mailbox: GraphMailbox, event: ExchangeEvent
) -> None:
    await rig.fault("drop-after", method="POST", pathContains="/attachments")
    with pytest.raises(UnknownResult):
        await mailbox.add_attachment(event.id, MINUTES)
    assert mailbox.requests["add_attachment"] == 1
    assert [file.name for file in await mailbox.attachments(event.id)] == [MINUTES.name]


async def test_only_the_last_piece_can_be_unknown(
    rig: Connected, mailbox: GraphMailbox, event: ExchangeEvent
) -> None:
    await rig.fault("drop-after", method="PUT")
    with pytest.raises(Transient):
        await mailbox.add_attachment(event.id, LARGE)
    assert await mailbox.attachments(event.id) == []


async def test_a_throttled_piece_waits_a_little(
    rig: Connected, mailbox: GraphMailbox, event: ExchangeEvent
) -> None:
    await rig.fault("status:429", method="PUT", retry_after=2)
    await mailbox.add_attachment(event.id, LARGE)
    assert (mailbox.requests["upload_piece"], rig.slept) == (3, [pytest.approx(2, abs=0.5)])
    assert len(await mailbox.attachments(event.id)) == 1


async def test_a_long_wait_ends_the_upload_and_nothing_is_attached(
    rig: Connected, mailbox: GraphMailbox, event: ExchangeEvent
) -> None:
    await rig.fault("status:429", method="PUT", retry_after=120)
    with pytest.raises(Throttled):
        await mailbox.add_attachment(event.id, LARGE)
    rig.exchange.clock.advance(120)
    assert await mailbox.attachments(event.id) == []


async def test_what_exchange_has_no_room_for_is_refused(mailbox: GraphMailbox, event: ExchangeEvent) -> None:
    for number in range(6):
        await mailbox.add_attachment(event.id, NewFile(f"{number}.bin", "", FIVE_MB))
    with pytest.raises(Refused) as refused:
        await mailbox.add_attachment(event.id, NewFile("last.bin", "", FIVE_MB + FIVE_MB))
    assert refused.value.code == "ErrorMessageSizeExceeded"


@pytest.mark.parametrize("url", ["http://elsewhere.example/upload", "file:///etc/passwd", "None"])
async def test_an_upload_goes_to_no_unsafe_place(mailbox: GraphMailbox, url: str) -> None:
    with pytest.raises(Refused):
        await uploads.upload(mailbox._channel, url, b"content")
    assert mailbox.requests["upload_piece"] == 0
