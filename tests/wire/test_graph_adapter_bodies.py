"""The Graph adapter against the stand-in: bodies as HTML, and the block of an online meeting."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from shared.bodies import meeting_block
from shared.bodies.forms import plain
from shared.errors import Refused
from shared.exchange.mailbox import GraphMailbox
from shared.model.decision import UpdateEvent
from shared.model.event import ExchangeEvent
from tests.marks import rule
from tests.wire import graph_series
from tests.wire.graph_adapter import BERLIN, Connected, connected, creation

BOLD = {"html": "<p>Bring <b>coffee</b></p>"}


@pytest.fixture
async def rig() -> AsyncIterator[Connected]:
    async with connected() as running:
        yield running


async def views(rig: Connected) -> tuple[str, GraphMailbox, GraphMailbox]:
    """One mailbox, seen with bodies as text and as HTML."""
    user = await rig.user("anna", timeZone=BERLIN)
    return user, rig.graph.mailbox(user, BERLIN), rig.graph.mailbox(user, BERLIN, rich=True)


async def as_person(rig: Connected, user: str, method: str, path: str, body: Any = None) -> Any:
    return await rig.graph_as_person(method, f"/users/{user}/events{path}", body)


async def online_meeting(rig: Connected, user: str, **more: Any) -> Any:
    body = {
        "subject": "Online",
        "start": {"dateTime": "2026-03-02T09:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-03-02T10:00:00", "timeZone": "UTC"},
        "body": {"contentType": "html", "content": "<p>Agenda</p>"},
        "isOnlineMeeting": True,
        **more,
    }
    return await as_person(rig, user, "POST", "", body)


async def read(mailbox: GraphMailbox, event_id: str) -> ExchangeEvent:
    event = (await mailbox.events([event_id]))[event_id]
    assert event is not None
    return event


def edit(event: ExchangeEvent, body: Any, *, keeps_meeting: bool = True) -> UpdateEvent:
    return UpdateEvent(event.id, event.etag, {"body": body}, keeps_meeting=keeps_meeting)


@rule("APPT-8")
async def test_html_is_read_back_as_it_was_written_and_as_text_where_text_is_asked_for(
    rig: Connected,
) -> None:
    _, text, rich = await views(rig)
    made = await rich.create_event(creation(body=BOLD))
    assert made.values["body"] == BOLD
    assert (await read(rich, made.id)).values["body"] == BOLD
    assert (await read(text, made.id)).values["body"] == "Bring coffee"
    changed = await rich.update_event(edit(made, {"html": "<p>New</p>"}, keeps_meeting=False))
    assert changed.values["body"] == {"html": "<p>New</p>"}


@rule("APPT-8")
async def test_a_text_edit_of_an_online_meeting_keeps_its_block_with_one_read_more(rig: Connected) -> None:
    user, text, _ = await views(rig)
    made = await online_meeting(rig, user)
    block = meeting_block.find(made["body"]["content"], made["onlineMeeting"]["joinUrl"])
    before = await read(text, made["id"])
    assert (before.is_online_meeting, before.join_url) == (True, made["onlineMeeting"]["joinUrl"])
    text.requests.clear()
    edited = plain(before.values["body"]).replace("Agenda", "New < agenda")
    written = await text.update_event(edit(before, edited))
    assert text.requests == {"meeting_body": 1, "update_event": 1}
    now = await as_person(rig, user, "GET", f"/{made['id']}")
    assert now["isOnlineMeeting"] is True
    assert now["body"]["content"].count(block) == 1
    assert "New &lt; agenda" in now["body"]["content"]
    assert written.values["body"] == edited
    assert (await read(text, made["id"])).values["body"] == edited


@rule("APPT-8")
async def test_whoever_deletes_the_copy_of_the_block_deletes_only_the_copy(rig: Connected) -> None:
    user, text, rich = await views(rig)
    made = await online_meeting(rig, user)
    block = meeting_block.find(made["body"]["content"], made["onlineMeeting"]["joinUrl"])
    await text.update_event(edit(await read(text, made["id"]), "Nothing else"))
    await rich.update_event(edit(await read(rich, made["id"]), BOLD))
    now = await as_person(rig, user, "GET", f"/{made['id']}")
    assert now["isOnlineMeeting"] is True
    assert now["body"]["content"].count(block) == 1
    assert "<b>coffee</b>" in now["body"]["content"]
    assert "Nothing else" not in now["body"]["content"]


@rule("APPT-8")
async def test_an_edit_of_one_occurrence_keeps_its_block_too(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    series = await graph_series.series(mailbox)
    made = await graph_series.by_person(rig, series.id, isOnlineMeeting=True)
    block = meeting_block.find(made["body"]["content"], made["onlineMeeting"]["joinUrl"])
    change = replace(
        graph_series.change(series.id, graph_series.DAYS[1], body="Only today"), keeps_meeting=True
    )
    changed = await mailbox.update_occurrence(change)
    now = await rig.graph_as_person("GET", f"/users/anna@contoso.com/events/{changed.id}")
    assert now["body"]["content"].count(block) == 1
    assert "Only today" in now["body"]["content"]


@rule("APPT-8")
async def test_an_online_meeting_whose_block_is_not_known_is_not_written(rig: Connected) -> None:
    user, text, _ = await views(rig)
    other = {"contentType": "html", "content": '<p>Dial in: <a href="https://meet.example/7">here</a></p>'}
    made = await online_meeting(rig, user, isOnlineMeeting=False, body=other)
    event = await read(text, made["id"])
    with pytest.raises(Refused, match="online meeting"):
        await text.update_event(edit(event, "New"))
    assert (await read(text, made["id"])).values["body"] == event.values["body"]


@rule("APPT-8")
async def test_a_block_that_is_edited_out_ends_the_online_meeting_in_the_stand_in(rig: Connected) -> None:
    user, text, _ = await views(rig)
    made = await online_meeting(rig, user)
    await text.update_event(edit(await read(text, made["id"]), "Plain", keeps_meeting=False))
    assert (await as_person(rig, user, "GET", f"/{made['id']}"))["isOnlineMeeting"] is False


async def test_a_body_of_a_million_characters_in_any_script_fits_into_a_request(rig: Connected) -> None:
    _, text, _ = await views(rig)
    long = "猫" * 1_048_576
    made = await text.create_event(creation(body=long))
    assert made.values["body"] == long


@rule("APPT-9")
async def test_the_sensitivity_is_read(rig: Connected) -> None:
    user, text, _ = await views(rig)
    made = await online_meeting(rig, user, isOnlineMeeting=False, sensitivity="private")
    assert (await read(text, made["id"])).values["sensitivity"] == "private"
