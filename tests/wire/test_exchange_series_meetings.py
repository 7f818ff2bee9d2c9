"""Who is mailed when a series or one of its occurrences changes, and what attendees see of it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.wire.exchange_graph import STAMP, Graph, event, invited, running, stamp
from tests.wire.exchange_series import (
    DAYS,
    WEEKLY,
    at,
    days,
    events_of,
    instances,
    master_of,
    patch,
    series,
    view,
)

Json = dict[str, Any]

ANNA, BEN, CARA = (events_of(name) for name in ("anna", "ben", "cara"))
LOCAL = ["ben@contoso.com", "cara@contoso.com"]
OUTSIDE = "out@elsewhere.com"
EVERYONE = [*LOCAL, OUTSIDE]


@pytest.fixture
async def graph() -> AsyncIterator[Graph]:
    async with running() as graph:
        for name in ("anna", "ben", "cara", "dora"):
            await graph.user(name)
        yield graph


async def meeting(graph: Graph, *addresses: str) -> tuple[str, list[str]]:
    """A weekly meeting of Anna's and its instances; the invitations are taken out of the outbox."""
    master = (await series(graph, attendees=invited(*addresses)))["id"]
    assert await graph.outbox() == [("invitation", list(addresses))]
    return master, [row["id"] for row in await instances(graph, "anna", master)]


async def seen(graph: Graph, user: str) -> list[tuple[str, str, str]]:
    """Type, subject and day of what stands in a calendar."""
    return [(row["type"], row["subject"], row["start"]["dateTime"][:10]) for row in await view(graph, user)]


async def copied(graph: Graph, user: str) -> tuple[str, list[str]]:
    """An attendee's copy of the series, and its instances."""
    master = (await graph.only_event(user))["id"]
    return master, [row["id"] for row in await instances(graph, user, master)]


def responses(row: Json) -> list[str]:
    return [attendee["status"]["response"] for attendee in row["attendees"]]


# --- what the organizer mails -------------------------------------------------------------------


async def test_a_change_of_one_occurrence_mails_its_attendees_once(graph: Graph) -> None:
    _, ids = await meeting(graph, *EVERYONE)
    await patch(graph, "anna", ids[1], **at("2026-12-09"))
    assert await graph.outbox() == [("update", EVERYONE)]
    await patch(graph, "anna", ids[1], subject="Own")
    assert await graph.outbox() == [("update", EVERYONE)]


@pytest.mark.parametrize(
    "change",
    [{"categories": ["Red"]}, {"isReminderOn": False}, {"singleValueExtendedProperties": stamp("x")}],
)
async def test_own_fields_of_one_occurrence_mail_nobody(graph: Graph, change: Json) -> None:
    master, ids = await meeting(graph, *EVERYONE)
    assert (await patch(graph, "anna", ids[1], **change))["type"] == "exception"
    assert await graph.outbox() == []
    assert {kind for kind, _, _ in await seen(graph, "ben")} == {"occurrence"}
    await patch(graph, "anna", master, **change)
    assert await graph.outbox() == []


async def test_a_change_of_the_series_mails_once_and_once_for_each_changed_instance(graph: Graph) -> None:
    master, ids = await meeting(graph, *LOCAL)
    await patch(graph, "anna", ids[0], subject="One")
    await patch(graph, "anna", ids[1], subject="Two")
    await graph("DELETE", f"{ANNA}/{ids[2]}")
    await graph.outbox()
    await patch(graph, "anna", master, location={"displayName": "Hall"})
    assert await graph.outbox() == [("update", LOCAL)] * 3
    await patch(graph, "anna", master, **at(DAYS[0], "10:00", "11:00"))
    assert await graph.outbox() == [("update", LOCAL)]


async def test_attendees_of_one_occurrence_come_and_go(graph: Graph) -> None:
    _, ids = await meeting(graph, *LOCAL)
    await patch(graph, "anna", ids[1], attendees=invited("ben@contoso.com", "dora@contoso.com"))
    assert await graph.outbox() == [
        ("invitation", ["dora@contoso.com"]),
        ("cancellation", ["cara@contoso.com"]),
    ]
    assert days(await view(graph, "cara")) == [DAYS[0], DAYS[2], DAYS[3]]
    assert days(await view(graph, "ben")) == DAYS
    alone = await graph.only_event("dora")
    assert (alone["type"], alone["isOrganizer"], days([alone])) == ("singleInstance", False, [DAYS[1]])


async def test_a_new_attendee_of_the_series_is_invited_to_it_and_to_its_exceptions(graph: Graph) -> None:
    master, ids = await meeting(graph, "ben@contoso.com")
    await patch(graph, "anna", ids[0], subject="One")
    await graph("DELETE", f"{ANNA}/{ids[1]}")
    await graph.outbox()
    await patch(graph, "anna", master, attendees=invited(*LOCAL))
    assert await graph.outbox() == [("invitation", ["cara@contoso.com"])] * 2
    assert await seen(graph, "cara") == await seen(graph, "ben")
    assert await seen(graph, "cara") == [
        ("exception", "One", DAYS[0]),
        ("occurrence", "Review", DAYS[2]),
        ("occurrence", "Review", DAYS[3]),
    ]


@pytest.mark.parametrize("way", ["DELETE", "cancel"])
async def test_one_occurrence_is_cancelled_with_one_message(graph: Graph, way: str) -> None:
    _, ids = await meeting(graph, *EVERYONE)
    path = f"{ANNA}/{ids[1]}"
    await (graph("DELETE", path) if way == "DELETE" else graph("POST", f"{path}/cancel", {"comment": "x"}))
    assert await graph.outbox() == [("cancellation", EVERYONE)]
    copy, _ = await copied(graph, "ben")
    assert days(await view(graph, "ben")) == [DAYS[0], DAYS[2], DAYS[3]]
    assert (await master_of(graph, "ben", copy))["cancelledOccurrences"] == [f"OID.{copy}.{DAYS[1]}"]


async def test_a_cancelled_series_cancels_its_coming_exceptions_too(graph: Graph) -> None:
    master, ids = await meeting(graph, *LOCAL)
    await patch(graph, "anna", ids[1], attendees=invited("ben@contoso.com", "dora@contoso.com"))
    await graph.outbox()
    await graph("DELETE", f"{ANNA}/{master}")
    assert await graph.outbox() == [
        ("cancellation", LOCAL),
        ("cancellation", ["ben@contoso.com", "dora@contoso.com"]),
    ]
    assert (await graph.only_event("ben"))["isCancelled"] is True
    assert (await graph.only_event("dora"))["isCancelled"] is True


async def test_who_was_only_in_a_forgotten_exception_is_told(graph: Graph) -> None:
    master, ids = await meeting(graph, "ben@contoso.com")
    await patch(graph, "anna", ids[1], attendees=invited("ben@contoso.com", "dora@contoso.com"))
    await graph.outbox()
    await patch(graph, "anna", master, **at(DAYS[0], "10:00", "11:00"))
    assert await graph.outbox() == [("update", ["ben@contoso.com"]), ("cancellation", ["dora@contoso.com"])]


# --- what attendees see -------------------------------------------------------------------------


async def test_a_local_attendee_has_the_series_and_its_changed_occurrences(graph: Graph) -> None:
    _, ids = await meeting(graph, *LOCAL)
    copy, own = await copied(graph, "ben")
    shown = await graph.only_event("ben")
    assert (shown["type"], shown["isOrganizer"]) == ("seriesMaster", False)
    assert shown["iCalUId"] == (await graph.only_event("anna"))["iCalUId"]
    changed = await patch(graph, "anna", ids[1], subject="Own", **at("2026-12-09"))
    rows = await instances(graph, "ben", copy)
    assert [row["id"] for row in rows] == own
    assert (rows[1]["type"], rows[1]["subject"], rows[1]["iCalUId"]) == (
        "exception",
        "Own",
        changed["iCalUId"],
    )
    assert (rows[1]["originalStart"], rows[1]["start"]) == (changed["originalStart"], changed["start"])


async def test_a_new_pattern_of_the_organizers_forgets_the_copys_exceptions(graph: Graph) -> None:
    master, ids = await meeting(graph, *LOCAL)
    await patch(graph, "anna", ids[0], subject="Own")
    await graph("DELETE", f"{ANNA}/{ids[1]}")
    shorter = {**WEEKLY, "range": {**WEEKLY["range"], "numberOfOccurrences": 3}}
    await patch(graph, "anna", master, recurrence=shorter)
    assert await seen(graph, "ben") == [("occurrence", "Review", day) for day in DAYS[:3]]


async def test_an_attendees_own_deletion_mails_nobody_and_an_update_brings_it_back(graph: Graph) -> None:
    _, ids = await meeting(graph, *LOCAL)
    _, own = await copied(graph, "ben")
    assert (await graph("DELETE", f"{BEN}/{own[1]}")).status == 204
    assert await graph.outbox() == []
    assert days(await view(graph, "ben")) == [DAYS[0], DAYS[2], DAYS[3]]
    assert days(await view(graph, "anna")) == DAYS
    await patch(graph, "anna", ids[1], subject="Come")
    assert (await seen(graph, "ben"))[1] == ("exception", "Come", DAYS[1])


async def test_an_attendees_own_change_stays_in_the_copy_until_the_next_update(graph: Graph) -> None:
    _, ids = await meeting(graph, *LOCAL)
    _, own = await copied(graph, "ben")
    mine = {"subject": "Mine", "categories": ["Blue"], "singleValueExtendedProperties": stamp("row-1")}
    await patch(graph, "ben", own[1], **mine)
    assert await graph.outbox() == []
    assert {row[1] for row in await seen(graph, "anna")} == {"Review"}
    await patch(graph, "anna", ids[1], subject="Hers")
    expand = f"$expand=singleValueExtendedProperties($filter=id eq '{STAMP}')"
    renewed = (await graph("GET", f"{BEN}/{own[1]}?{expand}")).body
    assert (renewed["subject"], renewed["categories"]) == ("Hers", ["Blue"])
    assert renewed["singleValueExtendedProperties"] == stamp("row-1")


async def test_who_is_only_in_an_exception_is_updated_and_withdrawn_there(graph: Graph) -> None:
    master, ids = await meeting(graph, "ben@contoso.com")
    await patch(graph, "anna", ids[1], attendees=invited("ben@contoso.com", "dora@contoso.com"))
    alone = await graph.only_event("dora")
    await patch(graph, "anna", ids[1], subject="Own")
    assert [(row["id"], row["subject"]) for row in await graph.events("dora")] == [(alone["id"], "Own")]
    await patch(graph, "anna", master, location={"displayName": "Hall"})
    assert (await graph.only_event("dora"))["location"]["displayName"] == "Hall"
    await graph("DELETE", f"{ANNA}/{ids[1]}")
    assert (await graph.only_event("dora"))["isCancelled"] is True
    assert days(await view(graph, "ben")) == [DAYS[0], DAYS[2], DAYS[3]]


async def test_who_was_taken_off_the_series_is_asked_to_one_occurrence_by_itself(graph: Graph) -> None:
    master, ids = await meeting(graph, *LOCAL)
    await patch(graph, "anna", master, attendees=invited("cara@contoso.com"))
    assert (await graph.only_event("ben"))["isCancelled"] is True
    await graph.outbox()
    await patch(graph, "anna", ids[1], attendees=invited(*LOCAL))
    assert await graph.outbox() == [("invitation", ["ben@contoso.com"])]
    rows = {row["type"]: row for row in await graph.events("ben")}
    assert rows["seriesMaster"]["isCancelled"] is True
    assert (rows["singleInstance"]["isCancelled"], days([rows["singleInstance"]])) == (False, [DAYS[1]])


# --- answers ------------------------------------------------------------------------------------


async def test_an_answer_to_the_series_reaches_its_master(graph: Graph) -> None:
    master, _ = await meeting(graph, *LOCAL)
    copy, _ = await copied(graph, "ben")
    await graph("POST", f"{BEN}/{copy}/accept", {})
    assert await graph.outbox() == [("response", ["anna@contoso.com"])]
    assert responses(await graph.only_event("anna")) == ["accepted", "none"]
    assert {tuple(responses(row)) for row in await instances(graph, "anna", master)} == {("accepted", "none")}
    assert {row["showAs"] for row in await view(graph, "ben")} == {"busy"}


async def test_an_answer_to_one_occurrence_reaches_that_one(graph: Graph) -> None:
    master, _ = await meeting(graph, *LOCAL)
    _, own = await copied(graph, "ben")
    await graph("POST", f"{BEN}/{own[1]}/tentativelyAccept", {})
    assert await graph.outbox() == [("response", ["anna@contoso.com"])]
    hers = await instances(graph, "anna", master)
    assert [responses(row)[0] for row in hers] == ["none", "tentativelyAccepted", "none", "none"]
    his = await view(graph, "ben")
    assert [row["responseStatus"]["response"] for row in his][1] == "tentativelyAccepted"
    assert his[0]["responseStatus"]["response"] == "notResponded"
    optional = [{**row, "type": "optional"} for row in invited(*EVERYONE)]
    await patch(graph, "anna", master, attendees=optional)
    hers = await instances(graph, "anna", master)
    assert [[row["type"] for row in each["attendees"]] for each in hers] == [["optional"] * 3] * 4
    assert responses(hers[1]) == ["tentativelyAccepted", "none", "none"]


async def test_declining_one_occurrence_takes_it_out_of_the_copy(graph: Graph) -> None:
    master, _ = await meeting(graph, *LOCAL)
    _, own = await copied(graph, "ben")
    await graph("POST", f"{BEN}/{own[1]}/decline", {})
    assert await graph.outbox() == [("response", ["anna@contoso.com"])]
    assert days(await view(graph, "ben")) == [DAYS[0], DAYS[2], DAYS[3]]
    assert responses((await instances(graph, "anna", master))[1]) == ["declined", "none"]
    assert days(await view(graph, "cara")) == DAYS


async def test_a_moved_occurrence_asks_its_attendees_again(graph: Graph) -> None:
    master, ids = await meeting(graph, *LOCAL)
    copy, own = await copied(graph, "ben")
    await graph("POST", f"{BEN}/{copy}/accept", {})
    await patch(graph, "anna", ids[1], **at("2026-12-09"))
    assert [responses(row)[0] for row in await instances(graph, "anna", master)] == [
        "accepted",
        "none",
        "accepted",
        "accepted",
    ]
    his = {row["id"]: row["responseStatus"]["response"] for row in await view(graph, "ben")}
    assert [his[identifier] for identifier in own] == ["accepted", "notResponded", "accepted", "accepted"]


async def test_an_answer_from_who_is_only_in_an_exception(graph: Graph) -> None:
    master, ids = await meeting(graph, "ben@contoso.com")
    await patch(graph, "anna", ids[1], attendees=invited("ben@contoso.com", "dora@contoso.com"))
    alone = await graph.only_event("dora")
    await graph("POST", f"{events_of('dora')}/{alone['id']}/accept", {})
    assert responses((await instances(graph, "anna", master))[1]) == ["none", "accepted"]


async def test_only_the_organizer_cancels_an_occurrence_and_only_attendees_answer(graph: Graph) -> None:
    _, ids = await meeting(graph, *LOCAL)
    _, own = await copied(graph, "ben")
    assert (await graph("POST", f"{BEN}/{own[1]}/cancel", {})).status == 400
    assert (await graph("POST", f"{ANNA}/{ids[1]}/accept", {})).status == 400


# --- from outside -------------------------------------------------------------------------------


async def test_a_series_from_outside_arrives_and_its_new_pattern_forgets_what_was_changed(
    graph: Graph,
) -> None:
    organizer = {"emailAddress": {"name": "Out", "address": OUTSIDE}}
    outside = event(organizer=organizer, iCalUId="uid-1", recurrence=WEEKLY)
    body = {"to": LOCAL, "meeting": outside}
    assert (await graph("POST", "/_control/deliver", body)).status == 201
    copy, own = await copied(graph, "ben")
    await graph("DELETE", f"{BEN}/{own[0]}")
    await graph("POST", "/_control/deliver", {**body, "meeting": {**outside, "subject": "New"}})
    assert await seen(graph, "ben") == [("occurrence", "New", day) for day in DAYS[1:]]
    shorter = {**WEEKLY, "range": {**WEEKLY["range"], "numberOfOccurrences": 2}}
    await graph("POST", "/_control/deliver", {**body, "meeting": {**outside, "recurrence": shorter}})
    assert (await graph.only_event("ben"))["id"] == copy
    assert days(await view(graph, "ben")) == DAYS[:2]
