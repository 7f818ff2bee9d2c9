"""Who is mailed when a meeting changes, and what arrives in the attendees' calendars."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.wire.exchange_graph import Graph, event, invited, running, stamp

ANNA = "/users/anna@contoso.com/events"
BEN = "/users/ben@contoso.com/events"
CARA = "/users/cara@contoso.com/events"
LOCAL = ("ben@contoso.com", "cara@contoso.com")
OUTSIDE = "out@elsewhere.com"


@pytest.fixture
async def graph() -> AsyncIterator[Graph]:
    async with running() as graph:
        for name in ("anna", "ben", "cara"):
            await graph.user(name)
        yield graph


async def meeting(graph: Graph, *addresses: str) -> str:
    """A meeting of Anna's; its path. The invitations are taken out of the outbox."""
    made = await graph.create("anna", attendees=invited(*addresses))
    assert await graph.outbox() == [("invitation", list(addresses))]
    return f"{ANNA}/{made['id']}"


async def test_an_invitation_stands_in_every_local_attendees_calendar(graph: Graph) -> None:
    path = await meeting(graph, *LOCAL, OUTSIDE)
    own = (await graph("GET", path)).body
    copy = await graph.only_event("ben")
    assert copy["id"] != own["id"]
    assert copy["iCalUId"] == own["iCalUId"]
    assert (copy["isOrganizer"], copy["showAs"]) == (False, "tentative")
    assert copy["responseStatus"]["response"] == "notResponded"
    assert copy["organizer"]["emailAddress"]["address"] == "anna@contoso.com"
    assert len(copy["attendees"]) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"categories": ["Red"]},
        {"isReminderOn": False},
        {"reminderMinutesBeforeStart": 5},
        {"singleValueExtendedProperties": stamp("x")},
        {"isOrganizer": True},
        {},
    ],
)
async def test_a_change_of_the_organizers_own_copy_mails_nobody(graph: Graph, change: dict[str, Any]) -> None:
    path = await meeting(graph, *LOCAL)
    assert (await graph("PATCH", path, change)).status == 200
    assert await graph.outbox() == []


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "Review"},
        {"body": {"contentType": "text", "content": "x"}},
        {"location": {"displayName": "Room"}},
        {"importance": "high"},
        {"showAs": "oof"},
        {"end": {"dateTime": "2026-12-01T12:00:00", "timeZone": "UTC"}},
    ],
)
async def test_a_change_of_the_meeting_mails_all_even_when_the_value_is_the_same(
    graph: Graph, change: dict[str, Any]
) -> None:
    path = await meeting(graph, *LOCAL, OUTSIDE)
    await graph("PATCH", path, change)
    assert await graph.outbox() == [("update", [*LOCAL, OUTSIDE])]


async def test_attendees_alone_mail_only_those_who_come_and_go(graph: Graph) -> None:
    path = await meeting(graph, *LOCAL)
    await graph("PATCH", path, {"attendees": invited("ben@contoso.com", OUTSIDE)})
    assert await graph.outbox() == [("invitation", [OUTSIDE]), ("cancellation", ["cara@contoso.com"])]
    assert (await graph.only_event("cara"))["isCancelled"] is True
    await graph("PATCH", path, {"attendees": invited("ben@contoso.com", OUTSIDE)})
    assert await graph.outbox() == []


async def test_attendees_with_more_mail_the_others_an_update(graph: Graph) -> None:
    path = await meeting(graph, *LOCAL)
    await graph("PATCH", path, {"subject": "New", "attendees": invited("ben@contoso.com", OUTSIDE)})
    assert await graph.outbox() == [
        ("invitation", [OUTSIDE]),
        ("cancellation", ["cara@contoso.com"]),
        ("update", ["ben@contoso.com"]),
    ]


async def test_an_update_overwrites_the_copy_but_not_its_owners_own_fields(graph: Graph) -> None:
    path = await meeting(graph, *LOCAL)
    copy = await graph.only_event("ben")
    mine = {"subject": "Mine", "categories": ["Blue"], "singleValueExtendedProperties": stamp("row-9")}
    await graph("PATCH", f"{BEN}/{copy['id']}", mine)
    await graph("PATCH", path, {"subject": "Hers"})
    renewed = await graph.only_event("ben")
    assert (renewed["id"], renewed["subject"], renewed["categories"]) == (copy["id"], "Hers", ["Blue"])
    assert [kind for kind, _ in await graph.outbox()] == ["update"]


@pytest.mark.parametrize(
    ("action", "response", "shown_as"),
    [("accept", "accepted", "busy"), ("tentativelyAccept", "tentativelyAccepted", "tentative")],
)
async def test_a_response_reaches_the_organizer(
    graph: Graph, action: str, response: str, shown_as: str
) -> None:
    path = await meeting(graph, *LOCAL)
    copy = await graph.only_event("ben")
    before = (await graph("GET", path)).body["@odata.etag"]
    assert (await graph("POST", f"{BEN}/{copy['id']}/{action}", {"Comment": "ok"})).status == 202
    assert await graph.outbox() == [("response", ["anna@contoso.com"])]
    own = (await graph("GET", path)).body
    assert [row["status"]["response"] for row in own["attendees"]] == [response, "none"]
    assert own["@odata.etag"] != before
    copy = await graph.only_event("ben")
    assert (copy["showAs"], copy["responseStatus"]["response"]) == (shown_as, response)


async def test_declining_removes_the_copy_and_sends_only_when_asked(graph: Graph) -> None:
    await meeting(graph, *LOCAL)
    copy = await graph.only_event("ben")
    assert (await graph("POST", f"{BEN}/{copy['id']}/decline", {"sendResponse": False})).status == 202
    assert await graph.events("ben") == []
    assert await graph.outbox() == []


async def test_a_new_time_asks_everybody_again(graph: Graph) -> None:
    path = await meeting(graph, *LOCAL)
    copy = await graph.only_event("ben")
    await graph("POST", f"{BEN}/{copy['id']}/accept", {})
    await graph("PATCH", path, {"subject": "Same time"})
    assert (await graph.only_event("ben"))["responseStatus"]["response"] == "accepted"
    await graph("PATCH", path, {"end": {"dateTime": "2026-12-01T11:00:00", "timeZone": "UTC"}})
    assert (await graph.only_event("ben"))["responseStatus"]["response"] == "notResponded"
    assert [row["status"]["response"] for row in (await graph("GET", path)).body["attendees"]] == ["none"] * 2


@pytest.mark.parametrize("way", ["DELETE", "cancel"])
async def test_the_organizers_deletion_cancels(graph: Graph, way: str) -> None:
    path = await meeting(graph, *LOCAL, OUTSIDE)
    reply = (
        await graph("DELETE", path)
        if way == "DELETE"
        else await graph("POST", f"{path}/cancel", {"comment": "x"})
    )
    assert reply.status == (204 if way == "DELETE" else 202)
    assert await graph.outbox() == [("cancellation", [*LOCAL, OUTSIDE])]
    copy = await graph.only_event("ben")
    assert (copy["isCancelled"], copy["subject"], copy["showAs"]) == (True, "Canceled: Review", "free")
    assert await graph.events("anna") == []


async def test_an_attendees_deletion_takes_only_the_copy_and_the_next_update_brings_it_back(
    graph: Graph,
) -> None:
    path = await meeting(graph, *LOCAL)
    copy = await graph.only_event("ben")
    assert (await graph("DELETE", f"{BEN}/{copy['id']}")).status == 204
    assert await graph.outbox() == []
    await graph("PATCH", path, {"subject": "Again"})
    assert (await graph.only_event("ben"))["subject"] == "Again"


async def test_roles_are_kept_apart(graph: Graph) -> None:
    path = await meeting(graph, *LOCAL)
    copy = await graph.only_event("ben")
    refused = await graph("POST", f"{BEN}/{copy['id']}/cancel", {})
    assert (refused.status, refused.code) == (400, "ErrorInvalidRequest")
    assert "organizer to cancel" in refused.body["error"]["message"]
    assert (await graph("POST", f"{path}/accept", {})).status == 400
    unknown = await graph("POST", f"{BEN}/{copy['id']}/accept", {"proposedNewTime": None, "colour": "x"})
    assert unknown.code == "RequestBodyRead"


async def test_past_meetings_mail_all_the_same(graph: Graph) -> None:
    past = {"dateTime": "2020-01-01T09:00:00", "timeZone": "UTC"}
    made = await graph.create("anna", start=past, end=past, attendees=invited(*LOCAL))
    await graph("PATCH", f"{ANNA}/{made['id']}", {"subject": "Old"})
    assert await graph.outbox() == [("invitation", list(LOCAL)), ("update", list(LOCAL))]


async def test_an_appointment_without_attendees_mails_nobody(graph: Graph) -> None:
    made = await graph.create("anna")
    await graph("PATCH", f"{ANNA}/{made['id']}", {"subject": "Mine"})
    await graph("DELETE", f"{ANNA}/{made['id']}")
    assert await graph.outbox() == []


async def test_a_request_from_outside_arrives_is_updated_and_withdrawn(graph: Graph) -> None:
    outside = event(organizer={"emailAddress": {"name": "Out", "address": OUTSIDE}}, iCalUId="uid-1")
    body = {"to": list(LOCAL), "meeting": outside}
    delivered = await graph("POST", "/_control/deliver", body)
    assert (delivered.status, len(delivered.rows)) == (201, 2)
    copy = await graph.only_event("ben")
    assert (copy["iCalUId"], copy["isOrganizer"]) == ("uid-1", False)
    await graph("POST", f"{BEN}/{copy['id']}/accept", {})
    assert await graph.outbox() == [("response", [OUTSIDE])]
    await graph("POST", "/_control/deliver", {**body, "meeting": {**outside, "subject": "Later"}})
    updated = await graph.only_event("ben")
    assert (updated["id"], updated["subject"]) == (copy["id"], "Later")
    await graph("POST", "/_control/deliver", {**body, "meeting": {**outside, "isCancelled": True}})
    assert (await graph.only_event("cara"))["isCancelled"] is True


async def test_hidden_attendees_see_only_themselves(graph: Graph) -> None:
    await graph.create("anna", attendees=invited(*LOCAL), hideAttendees=True)
    copy = await graph.only_event("ben")
    assert [row["emailAddress"]["address"] for row in copy["attendees"]] == ["ben@contoso.com"]


async def test_a_proposed_time_needs_a_response_that_is_sent(graph: Graph) -> None:
    path = await meeting(graph, *LOCAL)
    copy = await graph.only_event("ben")
    slot = {"start": event()["start"], "end": event()["end"]}
    refused = await graph(
        "POST", f"{BEN}/{copy['id']}/decline", {"proposedNewTime": slot, "sendResponse": False}
    )
    assert refused.status == 400
    await graph("POST", f"{BEN}/{copy['id']}/tentativelyAccept", {"proposedNewTime": slot})
    assert (await graph("GET", path)).body["attendees"][0]["proposedNewTime"]["start"]["dateTime"]
