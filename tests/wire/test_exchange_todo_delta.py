"""Deltas of task lists and of the tasks of one list."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.wire.exchange_graph import IMMUTABLE, Graph, running
from tests.wire.test_exchange_delta import lost, whole_round
from tests.wire.test_exchange_todo import EXTENSION, LINK, LISTS, made, patched, tasks_path

Json = dict[str, Any]


@pytest.fixture
async def graph() -> AsyncIterator[Graph]:
    async with running() as graph:
        await graph.user("anna")
        yield graph


async def test_a_first_round_tells_everything_and_the_next_only_changes(graph: Graph) -> None:
    task, path = await made(graph), await tasks_path(graph)
    rows, link, _ = await whole_round(graph, f"{path}/delta")
    assert [(row["@odata.type"], row["title"]) for row in rows] == [("#microsoft.graph.todoTask", "Call Eva")]
    assert (await whole_round(graph, link))[0] == []
    await patched(graph, task, status="completed")
    rows, link, _ = await whole_round(graph, link)
    assert [(row["id"], row["status"]) for row in rows] == [(task["id"], "completed")]
    await graph("DELETE", f"{path}/{task['id']}")
    assert (await whole_round(graph, link))[0] == [
        {"@odata.type": "#microsoft.graph.todoTask", "id": task["id"], "@removed": {"reason": "deleted"}}
    ]


async def test_what_was_expanded_and_selected_first_holds_for_the_whole_feed(graph: Graph) -> None:
    task, path = await made(graph, linkedResources=[LINK]), await tasks_path(graph)
    query = "$select=title&$expand=linkedResources,checklistItems"
    rows, link, _ = await whole_round(graph, f"{path}/delta?{query}")
    names = {"@odata.type", "@odata.etag", "id", "title", "linkedResources", "checklistItems"}
    assert [set(row) for row in rows] == [names]
    assert rows[0]["linkedResources"] == task["linkedResources"]
    await patched(graph, task, title="New")
    assert [set(row) for row in (await whole_round(graph, link))[0]] == [names]
    for refused in (
        "$filter=status eq 'completed'",
        "$orderby=title",
        "$expand=attachments",
        "$select=subject",
        "$expand=extensions($filter=id eq 'org.sync.task')",
    ):
        assert (await graph("GET", f"{path}/delta?{refused}")).status == 400, refused


async def test_a_change_of_children_alone_is_no_change_of_the_task(graph: Graph) -> None:
    task, path = await made(graph), await tasks_path(graph)
    _, link, _ = await whole_round(graph, f"{path}/delta?$expand=linkedResources")
    await graph("POST", f"{path}/{task['id']}/linkedResources", LINK)
    await graph("POST", f"{path}/{task['id']}/checklistItems", {"displayName": "a"})
    await graph("POST", f"{path}/{task['id']}/extensions", EXTENSION)
    assert (await whole_round(graph, link))[0] == []


async def test_pages_may_be_empty_and_rows_may_come_twice(graph: Graph) -> None:
    path = await tasks_path(graph)
    tasks = {(await made(graph, title=f"t{n}"))["id"] for n in range(10)}
    link: str | None = f"{path}/delta?$top=4"
    sizes, told = [], []
    while link:
        reply = await graph("GET", link)
        assert reply.status == 200, reply.body
        sizes.append(len(reply.rows))
        told += [row["id"] for row in reply.rows]
        link = reply.body.get("@odata.nextLink")
    assert 0 in sizes[:-1]
    assert max(sizes) == 4
    assert set(told) == tasks
    assert len(told) > len(tasks)


async def test_a_moved_task_is_gone_here_and_new_there_under_another_id(graph: Graph) -> None:
    task, path = await made(graph), await tasks_path(graph)
    errands = (await graph("POST", LISTS, {"displayName": "Errands"})).body["id"]
    _, here, _ = await whole_round(graph, f"{path}/delta")
    _, there, _ = await whole_round(graph, f"{LISTS}/{errands}/tasks/delta")
    order = {"user": "anna@contoso.com", "kind": "task", "id": task["id"], "list": errands}
    moved = (await graph("POST", "/_control/move", order)).body["id"]
    gone, _, _ = await whole_round(graph, here)
    come, _, _ = await whole_round(graph, there)
    assert [(row["id"], "@removed" in row) for row in gone] == [(task["id"], True)]
    assert [(row["id"], "@removed" in row) for row in come] == [(moved, False)]


async def test_the_feed_of_lists_tells_new_renamed_and_deleted_ones(graph: Graph) -> None:
    rows, link, _ = await whole_round(graph, f"{LISTS}/delta")
    assert [row["wellknownListName"] for row in rows] == ["defaultList", "flaggedEmails"]
    errands = (await graph("POST", LISTS, {"displayName": "Errands"})).body["id"]
    await made(graph, f"{LISTS}/{errands}/tasks")
    rows, link, _ = await whole_round(graph, link)
    assert [row["displayName"] for row in rows] == ["Errands"]
    await graph("PATCH", f"{LISTS}/{errands}", {"displayName": "Chores"})
    rows, link, _ = await whole_round(graph, link)
    assert [row["displayName"] for row in rows] == ["Chores"]
    _, tasks, _ = await whole_round(graph, f"{LISTS}/{errands}/tasks/delta")
    await graph("DELETE", f"{LISTS}/{errands}")
    assert ["@removed" in row for row in (await whole_round(graph, link))[0]] == [True]
    assert (await graph("GET", tasks, prefer=IMMUTABLE)).status == 404
    assert (await graph("GET", f"{LISTS}/delta?$select=displayName")).status == 400


async def test_tokens_die_by_order_and_belong_to_one_feed(graph: Graph) -> None:
    await made(graph)
    path = await tasks_path(graph)
    errands = (await graph("POST", LISTS, {"displayName": "Errands"})).body["id"]
    _, link, _ = await whole_round(graph, f"{path}/delta")
    token = link.partition("$deltatoken=")[2]
    assert lost(await graph("GET", f"{LISTS}/{errands}/tasks/delta?$deltatoken={token}"))
    await graph("POST", "/_control/expire-delta")
    assert lost(await graph("GET", link))
    assert len((await whole_round(graph, f"{path}/delta"))[0]) == 1
