"""Deltas of contacts and contact folders, and notifications of contacts."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.wire.exchange_graph import IMMUTABLE, Graph, running
from tests.wire.test_exchange_contacts import CONTACTS, FOLDERS, made, patched
from tests.wire.test_exchange_delta import lost, whole_round
from tests.wire.test_exchange_subscriptions import Endpoint, listening

Json = dict[str, Any]

DELTA = f"{CONTACTS}/delta"


@pytest.fixture
async def graph() -> AsyncIterator[Graph]:
    async with running() as graph:
        await graph.user("anna")
        yield graph


async def test_a_first_round_tells_everything_and_the_next_only_changes(graph: Graph) -> None:
    contact = await made(graph)
    rows, link, _ = await whole_round(graph, DELTA)
    assert [(row["@odata.type"], row["displayName"]) for row in rows] == [
        ("#microsoft.graph.contact", "Eva Nilsson")
    ]
    assert (await whole_round(graph, link))[0] == []
    await patched(graph, contact, jobTitle="Boss")
    rows, link, _ = await whole_round(graph, link)
    assert [row["jobTitle"] for row in rows] == ["Boss"]
    await graph("DELETE", f"{CONTACTS}/{contact['id']}")
    rows, link, _ = await whole_round(graph, link)
    assert rows == [
        {"@odata.type": "#microsoft.graph.contact", "id": contact["id"], "@removed": {"reason": "deleted"}}
    ]
    assert (await whole_round(graph, DELTA))[0] == []


async def test_the_selection_of_the_first_request_holds_for_the_whole_feed(graph: Graph) -> None:
    contact = await made(graph)
    rows, link, _ = await whole_round(graph, f"{DELTA}?$select=displayName,categories")
    names = {"@odata.type", "@odata.etag", "id", "displayName", "categories"}
    assert [set(row) for row in rows] == [names]
    assert "select" not in link
    await patched(graph, contact, jobTitle="Boss")
    assert [set(row) for row in (await whole_round(graph, link))[0]] == [names]


@pytest.mark.parametrize(
    "option", ["$expand=extensions", "$filter=surname eq 'x'", "$top=5", "$orderby=surname"]
)
async def test_other_options_are_refused(graph: Graph, option: str) -> None:
    assert (await graph("GET", f"{DELTA}?{option}")).status == 400
    assert (await graph("GET", f"{FOLDERS}/delta?{option}")).status == 400
    assert (await graph("GET", f"{DELTA}?$select=fax")).status == 400


async def test_pages_may_be_empty_rows_may_come_twice_and_nothing_is_missed(graph: Graph) -> None:
    contacts = {(await made(graph, givenName=f"n{n}"))["id"] for n in range(10)}
    link: str | None = DELTA
    sizes, told = [], []
    while link:
        reply = await graph("GET", link, prefer=f"{IMMUTABLE}, odata.maxpagesize=4")
        sizes.append(len(reply.rows))
        told += [row["id"] for row in reply.rows]
        link = reply.body.get("@odata.nextLink")
    assert 0 in sizes[:-1]
    assert set(told) == contacts
    assert len(told) > len(contacts)
    one_by_one, _, _ = await whole_round(graph, DELTA, size=1)
    assert {row["id"] for row in one_by_one} == contacts


async def test_what_changes_during_a_round_is_not_lost(graph: Graph) -> None:
    contacts = [await made(graph, givenName=f"n{n}") for n in range(8)]
    first = await graph("GET", DELTA, prefer=f"{IMMUTABLE}, odata.maxpagesize=4")
    told = [row["id"] for row in first.rows]
    one, other = [contact for contact in contacts if contact["id"] in told][:2]
    await patched(graph, one, jobTitle="Late")
    await graph("DELETE", f"{CONTACTS}/{other['id']}")
    rows, link, _ = await whole_round(graph, first.body["@odata.nextLink"])
    assert "Late" in [row.get("jobTitle") for row in rows]
    assert other["id"] in [row["id"] for row in rows if "@removed" in row]
    assert {*told, *(row["id"] for row in rows)} == {contact["id"] for contact in contacts}
    assert (await whole_round(graph, link))[0] == []


async def test_each_folder_has_a_feed_of_its_own_and_a_move_shows_in_both(graph: Graph) -> None:
    team = (await graph("POST", FOLDERS, {"displayName": "Team"})).body["id"]
    contact = await made(graph)
    _, here, _ = await whole_round(graph, DELTA)
    rows, there, _ = await whole_round(graph, f"{FOLDERS}/{team}/contacts/delta")
    assert rows == []
    order = {"user": "anna@contoso.com", "kind": "contact", "id": contact["id"], "folder": team}
    await graph("POST", "/_control/move", order)
    gone, here, _ = await whole_round(graph, here)
    come, there, _ = await whole_round(graph, there)
    assert [(row["id"], "@removed" in row) for row in gone] == [(contact["id"], True)]
    assert [(row["id"], "@removed" in row) for row in come] == [(contact["id"], False)]
    await graph("POST", "/_control/move", {**order, "folder": "contacts"})
    assert ["@removed" in row for row in (await whole_round(graph, here))[0]] == [False]
    assert ["@removed" in row for row in (await whole_round(graph, there))[0]] == [True]


async def test_the_feed_of_folders_tells_all_of_them_however_deep_but_not_the_default_one(
    graph: Graph,
) -> None:
    rows, link, _ = await whole_round(graph, f"{FOLDERS}/delta")
    assert rows == []
    team = (await graph("POST", FOLDERS, {"displayName": "Team"})).body["id"]
    inner = (await graph("POST", f"{FOLDERS}/{team}/childFolders", {"displayName": "Inner"})).body["id"]
    rows, link, _ = await whole_round(graph, link)
    assert [(row["displayName"], row["parentFolderId"]) for row in rows][1] == ("Inner", team)
    await graph("PATCH", f"{FOLDERS}/{inner}", {"displayName": "Core"})
    rows, link, _ = await whole_round(graph, link)
    assert [row["displayName"] for row in rows] == ["Core"]
    await graph("DELETE", f"{FOLDERS}/{team}")
    rows, _, _ = await whole_round(graph, link)
    assert {row["id"] for row in rows if "@removed" in row} == {team, inner}


async def test_tokens_die_by_order_and_belong_to_one_feed(graph: Graph) -> None:
    await made(graph)
    team = (await graph("POST", FOLDERS, {"displayName": "Team"})).body["id"]
    _, link, _ = await whole_round(graph, DELTA)
    token = link.partition("$deltatoken=")[2]
    assert lost(await graph("GET", f"{FOLDERS}/{team}/contacts/delta?$deltatoken={token}"))
    assert lost(await graph("GET", f"{FOLDERS}/delta?$deltatoken={token}"))
    await graph("POST", "/_control/expire-delta")
    assert lost(await graph("GET", link))
    assert len((await whole_round(graph, DELTA))[0]) == 1


# --- notifications ------------------------------------------------------------------------------


async def told(endpoint: Endpoint, count: int) -> list[tuple[str, str]]:
    """Kind and resource of what came; a moment longer than it takes, for what must not come."""
    await endpoint.wait_for(count)
    await asyncio.sleep(0.4)
    return [(row["changeType"], row["resource"].split("/")[2]) for row in endpoint.received]


def wish(graph: Graph, endpoint: Endpoint, resource: str) -> Json:
    return {
        "changeType": "created,updated,deleted",
        "notificationUrl": endpoint.url,
        "resource": resource,
        "expirationDateTime": (graph.exchange.clock.now() + timedelta(minutes=1000)).isoformat(),
    }


@pytest.mark.parametrize("resource", ["/users/anna@contoso.com/contacts", "users('{id}')/contacts"])
async def test_a_subscription_to_contacts_tells_changes_of_the_default_folder(resource: str) -> None:
    async with running() as graph, listening() as endpoint:
        user = await graph.user("anna")
        team = (await graph("POST", FOLDERS, {"displayName": "Team"})).body["id"]
        body = wish(graph, endpoint, resource.replace("{id}", user))
        reply = await graph("POST", "/subscriptions", body, prefer=IMMUTABLE)
        assert reply.status == 201, reply.body
        contact = await made(graph)
        await made(graph, f"{FOLDERS}/{team}/contacts")
        await patched(graph, contact, jobTitle="Boss")
        await graph("DELETE", f"{CONTACTS}/{contact['id']}")
        assert await told(endpoint, 3) == [
            ("created", "Contacts"),
            ("updated", "Contacts"),
            ("deleted", "Contacts"),
        ]
        row = endpoint.received[0]["resourceData"]
        assert (row["@odata.type"], row["id"]) == ("#Microsoft.Graph.Contact", contact["id"])
        assert row["@odata.etag"] == contact["@odata.etag"]


async def test_a_subscription_to_one_folder_tells_what_comes_and_leaves(graph: Graph) -> None:
    async with listening() as endpoint:
        team = (await graph("POST", FOLDERS, {"displayName": "Team"})).body["id"]
        resource = f"/users/anna@contoso.com/contactFolders('{team}')/contacts"
        assert (await graph("POST", "/subscriptions", wish(graph, endpoint, resource))).status == 201
        contact = await made(graph)
        move = {"user": "anna@contoso.com", "kind": "contact", "id": contact["id"]}
        await graph("POST", "/_control/move", {**move, "folder": team})
        await graph("POST", "/_control/move", {**move, "folder": "contacts"})
        assert [change for change, _ in await told(endpoint, 2)] == ["created", "deleted"]


async def test_unknown_folders_and_to_do_cannot_be_subscribed_to(graph: Graph) -> None:
    async with listening() as endpoint:
        base = "/users/anna@contoso.com"
        unknown = wish(graph, endpoint, f"{base}/contactFolders/nope/contacts")
        assert (await graph("POST", "/subscriptions", unknown)).status == 404
        tasks = wish(graph, endpoint, f"{base}/todo/lists/x/tasks")
        assert (await graph("POST", "/subscriptions", tasks)).status == 403
