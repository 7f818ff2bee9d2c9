"""To Do lists and tasks, their linked resources, checklist items and open extensions, as Graph has them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.clock import Clock
from tests.wire.exchange_graph import IMMUTABLE, Graph, part, running, stamp

Json = dict[str, Any]

USER = "/users/anna@contoso.com"
LISTS = f"{USER}/todo/lists"
LINK = {
    "applicationName": "Dynamics 365",
    "displayName": "Call Eva",
    "externalId": "6f9d3f5e-0000-0000-0000-000000000001",
    "webUrl": "https://contoso.crm4.dynamics.com/main.aspx?etn=task",
}
EXTENSION = {
    "@odata.type": "microsoft.graph.openTypeExtension",
    "extensionName": "org.sync.task",
    "percent": 40,
}
BERLIN = "W. Europe Standard Time"


@pytest.fixture
async def graph() -> AsyncIterator[Graph]:
    async with running() as graph:
        await graph.user("anna", timeZone=BERLIN)
        yield graph


async def default_list(graph: Graph) -> str:
    rows = (await graph("GET", LISTS)).rows
    return str(next(row["id"] for row in rows if row["wellknownListName"] == "defaultList"))


async def tasks_path(graph: Graph) -> str:
    return f"{LISTS}/{await default_list(graph)}/tasks"


async def made(graph: Graph, path: str = "", **props: Any) -> Json:
    reply = await graph("POST", path or await tasks_path(graph), {"title": "Call Eva", **props})
    assert reply.status == 201, reply.body
    task: Json = reply.body
    return task


async def patched(graph: Graph, task: Json, **props: Any) -> Json:
    reply = await graph("PATCH", f"{await tasks_path(graph)}/{task['id']}", props)
    assert reply.status == 200, reply.body
    changed: Json = reply.body
    return changed


def at(moment: str, zone: str = "UTC") -> Json:
    return {"dateTime": moment, "timeZone": zone}


def midnight(day: str, zone: str = "UTC") -> Json:
    return at(f"{day}T00:00:00.0000000", zone)


# --- lists --------------------------------------------------------------------------------------


async def test_a_mailbox_has_two_built_in_lists_that_stay_as_they_are(graph: Graph) -> None:
    rows = (await graph("GET", LISTS)).rows
    assert [(row["displayName"], row["wellknownListName"]) for row in rows] == [
        ("Tasks", "defaultList"),
        ("Flagged Emails", "flaggedEmails"),
    ]
    assert all(row["isOwner"] and not row["isShared"] for row in rows)
    for row in rows:
        for method, body in (("PATCH", {"displayName": "Mine"}), ("DELETE", None)):
            refused = await graph(method, f"{LISTS}/{row['id']}", body)
            assert (refused.status, refused.code) == (400, "invalidRequest")
    flagged = await graph("POST", f"{LISTS}/{rows[1]['id']}/tasks", {"title": "x"})
    assert flagged.status == 400


async def test_lists_are_made_renamed_and_deleted_with_their_tasks(graph: Graph) -> None:
    made_list = await graph("POST", LISTS, {"displayName": "Errands"})
    assert (made_list.status, made_list.body["wellknownListName"]) == (201, "none")
    path = f"{LISTS}/{made_list.body['id']}"
    task = await made(graph, f"{path}/tasks")
    renamed = await graph("PATCH", path, {"displayName": "Chores"})
    assert (renamed.status, renamed.body["displayName"]) == (200, "Chores")
    assert (await graph("DELETE", path)).status == 204
    assert (await graph("GET", path)).status == 404
    assert (await graph("GET", f"{path}/tasks/{task['id']}")).status == 404
    assert (await graph("POST", LISTS, {"displayName": " "})).status == 400
    assert (await graph("POST", LISTS, {"displayName": "x", "color": "red"})).code == "RequestBodyRead"


# --- tasks --------------------------------------------------------------------------------------


async def test_a_created_task_has_the_defaults_and_leaves_out_what_it_has_not(graph: Graph) -> None:
    task = await made(graph)
    assert (task["status"], task["importance"], task["isReminderOn"]) == ("notStarted", "normal", False)
    assert task["body"] == {"contentType": "text", "content": ""}
    assert "changeKey" not in task
    assert "@odata.etag" in task
    absent = {"dueDateTime", "startDateTime", "reminderDateTime", "completedDateTime", "recurrence"}
    assert not absent & set(task)


async def test_every_property_is_kept(graph: Graph) -> None:
    props = {
        "title": "Ärger 🎈",
        "body": {"contentType": "text", "content": "line\nline"},
        "importance": "high",
        "status": "waitingOnOthers",
        "categories": ["Red", "Tracked to Dynamics 365"],
    }
    task = await made(graph, **props, isReminderOn=True, reminderDateTime=at("2026-12-01T09:30:00", BERLIN))
    read = (await graph("GET", f"{await tasks_path(graph)}/{task['id']}")).body
    for name, value in props.items():
        assert read[name] == value
    assert (read["isReminderOn"], read["reminderDateTime"]) == (True, at("2026-12-01T08:30:00.0000000"))
    html = await patched(graph, task, body={"contentType": "html", "content": "<b>bold</b>"})
    assert "<b>bold</b>" in html["body"]["content"]
    assert html["bodyLastModifiedDateTime"] >= task["bodyLastModifiedDateTime"]
    as_text = await graph(
        "GET", f"{await tasks_path(graph)}/{task['id']}", prefer='outlook.body-content-type="text"'
    )
    assert as_text.body["body"]["content"].strip() == "bold"


@pytest.mark.parametrize(
    ("props", "code"),
    [
        ({"title": ""}, "invalidRequest"),
        ({"subject": "x"}, "RequestBodyRead"),
        ({"percentComplete": 50}, "RequestBodyRead"),
        ({"status": "done"}, "RequestBodyRead"),
        ({"status": None}, "invalidRequest"),
        ({"isReminderOn": True}, "invalidRequest"),
        ({"dueDateTime": at("2026-12-01T00:00:00+01:00")}, "ErrorPropertyValidationFailure"),
        ({"dueDateTime": at("2026-12-01", "Mars Time")}, "TimeZoneNotSupportedException"),
        ({"startDateTime": at("2026-12-02"), "dueDateTime": at("2026-12-01")}, "invalidRequest"),
        ({"status": "notStarted", "completedDateTime": at("2026-12-01")}, "invalidRequest"),
        ({"singleValueExtendedProperties": stamp("1")}, "RequestBodyRead"),
        ({"linkedResources": [{"externalId": "1"}]}, "invalidRequest"),
        ({"extensions": [{"extensionName": "x"}]}, "BadRequest"),
    ],
)
async def test_what_graph_refuses_is_refused_and_leaves_nothing(graph: Graph, props: Json, code: str) -> None:
    path = await tasks_path(graph)
    reply = await graph("POST", path, {"title": "x", **props})
    assert (reply.status, reply.code) == (400, code)
    assert (await graph("GET", path)).rows == []


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "2026-10-24T00:00:00.0000000"),
        ("Hawaiian Standard Time", "2026-10-24T10:00:00.0000000"),
        ("Line Islands Standard Time", "2026-10-23T10:00:00.0000000"),
        (BERLIN, "2026-10-23T22:00:00.0000000"),
    ],
)
async def test_a_due_date_is_midnight_of_the_zone_it_was_written_in(
    graph: Graph, zone: str, shown: str
) -> None:
    task = await made(graph, dueDateTime=at("2026-10-24T17:45:00", zone))
    assert task["dueDateTime"] == at(shown)
    path = f"{await tasks_path(graph)}/{task['id']}"
    local = (await graph("GET", path, prefer=f'outlook.timezone="{zone}"')).body["dueDateTime"]
    assert local == midnight("2026-10-24", zone)


async def test_the_day_of_completion_is_midnight_of_utc_even_when_another_zone_is_asked_for() -> None:
    clock = Clock()
    clock.advance(datetime(2027, 9, 27, 7, 0, tzinfo=UTC).timestamp() - clock.time())
    async with running(clock) as graph:
        await graph.user("anna", timeZone="Mountain Standard Time")
        task = await patched(graph, await made(graph), status="completed")
        assert task["completedDateTime"] == midnight("2027-09-27")
        path = f"{await tasks_path(graph)}/{task['id']}"
        denver = await graph("GET", path, prefer='outlook.timezone="Mountain Standard Time"')
        assert denver.body["completedDateTime"] == at("2027-09-26T18:00:00.0000000", "Mountain Standard Time")
        written = await patched(graph, task, completedDateTime=at("2027-09-25T00:00:00", BERLIN))
        assert written["completedDateTime"] == midnight("2027-09-25")


async def test_a_day_of_completion_completes_and_opening_again_clears_it(graph: Graph) -> None:
    done = await made(graph, completedDateTime=at("2026-11-20"))
    assert (done["status"], done["completedDateTime"]) == ("completed", midnight("2026-11-20"))
    again = await patched(graph, done, status="inProgress")
    assert "completedDateTime" not in again


async def test_a_start_without_a_due_day_is_due_that_day(graph: Graph) -> None:
    task = await made(graph, startDateTime=at("2026-12-03", BERLIN))
    assert task["dueDateTime"] == task["startDateTime"] == at("2026-12-02T23:00:00.0000000")


async def test_a_reminder_goes_with_its_time(graph: Graph) -> None:
    task = await made(graph, isReminderOn=True, reminderDateTime=at("2026-12-01T09:00:00"))
    assert (await patched(graph, task, reminderDateTime=None))["isReminderOn"] is False


async def test_a_completed_recurring_task_is_followed_by_the_next(graph: Graph) -> None:
    weekly = {
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"]},
        "range": {"type": "numbered", "startDate": "2026-12-01", "numberOfOccurrences": 2},
    }
    children = {"linkedResources": [LINK], "checklistItems": [{"displayName": "a", "isChecked": True}]}
    first = await made(graph, dueDateTime=at("2026-12-01"), recurrence=weekly, **children)
    path = await tasks_path(graph)
    done = await patched(graph, first, status="completed")
    assert "recurrence" not in done
    rows = (await graph("GET", f"{path}?$expand=linkedResources,checklistItems")).rows
    new = next(row for row in rows if row["id"] != first["id"])
    assert (new["status"], new["dueDateTime"]) == ("notStarted", midnight("2026-12-08"))
    assert new["recurrence"]["range"]["numberOfOccurrences"] == 1
    assert new["linkedResources"][0]["externalId"] == LINK["externalId"]
    assert new["checklistItems"][0]["isChecked"] is False
    await patched(graph, new, status="completed")
    assert len((await graph("GET", path)).rows) == 2
    assert (await graph("POST", path, {"title": "x", "recurrence": weekly})).status == 400


async def test_a_change_needs_the_present_etag_when_one_is_sent(graph: Graph) -> None:
    task = await made(graph)
    path, old = f"{await tasks_path(graph)}/{task['id']}", task["@odata.etag"]
    changed = await graph("PATCH", path, {"title": "New"}, If_Match=old)
    assert (changed.status, changed.body["title"]) == (200, "New")
    for method in ("PATCH", "DELETE"):
        stale = await graph(method, path, {"title": "x"} if method == "PATCH" else None, If_Match=old)
        assert (stale.status, stale.code) == (412, "ErrorIrresolvableConflict")
    assert (await graph("DELETE", path, If_Match=changed.body["@odata.etag"])).status == 204
    assert (await graph("GET", path)).code == "ErrorItemNotFound"


async def test_lists_of_tasks_are_filtered_sorted_and_paged(graph: Graph) -> None:
    path = await tasks_path(graph)
    for number in range(12):
        await made(graph, title=f"t{number:02}", status="completed" if number % 2 else "inProgress")
    await made(graph, title="x", dueDateTime=at("2026-12-05"), categories=["Red"])
    for query, count in (
        ("$filter=status eq 'completed'", 6),
        ("$filter=startswith(title,'t0')", 10),
        ("$filter=dueDateTime/dateTime ge '2026-12-01T00:00:00'", 1),
        ("$filter=categories/any(c:c eq 'red')", 1),
    ):
        assert len((await graph("GET", f"{path}?$top=50&{query}")).rows) == count, query
    first = await graph("GET", f"{path}?$orderby=title desc&$top=8&$select=title")
    assert set(first.rows[0]) == {"@odata.etag", "id", "title"}
    second = await graph("GET", first.body["@odata.nextLink"])
    assert [row["title"] for row in [*first.rows, *second.rows]][:2] == ["x", "t11"]
    for refused in (
        "$filter=linkedResources/any(l:l/externalId eq 'x')",
        "$expand=attachments",
        "$select=subject",
    ):
        assert (await graph("GET", f"{path}?{refused}")).status == 400, refused


# --- children -----------------------------------------------------------------------------------


async def test_linked_resources_come_with_the_task_or_by_themselves(graph: Graph) -> None:
    task = await made(graph, linkedResources=[LINK])
    assert task["linkedResources"][0]["webUrl"] == LINK["webUrl"]
    path = f"{await tasks_path(graph)}/{task['id']}"
    assert "linkedResources" not in (await graph("GET", path)).body
    other = await graph("POST", f"{path}/linkedResources", {**LINK, "externalId": "2"})
    assert other.status == 201
    await graph("PATCH", f"{path}/linkedResources/{other.body['id']}", {"externalId": "3"})
    rows = (await graph("GET", f"{path}/linkedResources")).rows
    assert [row["externalId"] for row in rows] == [LINK["externalId"], "3"]
    read = await graph("GET", f"{path}?$select=title&$expand=linkedResources")
    assert read.body["linkedResources"] == rows
    assert (await graph("DELETE", f"{path}/linkedResources/{rows[0]['id']}")).status == 204
    assert (await graph("GET", f"{path}/linkedResources/{rows[0]['id']}")).status == 404
    assert (await graph("PATCH", path, {"linkedResources": []})).status == 400
    assert (await graph("GET", path)).body["@odata.etag"] == task["@odata.etag"]


async def test_checklist_items_remember_when_they_were_checked(graph: Graph) -> None:
    task = await made(graph, checklistItems=[{"displayName": "a"}])
    path = f"{await tasks_path(graph)}/{task['id']}/checklistItems"
    item = (await graph("GET", path)).rows[0]
    assert (item["isChecked"], item["checkedDateTime"]) == (False, None)
    checked = await graph("PATCH", f"{path}/{item['id']}", {"isChecked": True})
    assert checked.body["checkedDateTime"] is not None
    unchecked = await graph("PATCH", f"{path}/{item['id']}", {"isChecked": False})
    assert unchecked.body["checkedDateTime"] is None
    assert (await graph("POST", path, {"displayName": ""})).status == 400


async def test_open_extensions_hold_whatever_primitives_they_are_given(graph: Graph) -> None:
    task = await made(graph, extensions=[EXTENSION])
    path = f"{await tasks_path(graph)}/{task['id']}"
    query = "$expand=extensions($filter=id eq 'org.sync.task')"
    full_name = "microsoft.graph.openTypeExtension.org.sync.task"
    whole = {"@odata.type": "#microsoft.graph.openTypeExtension", "id": full_name}
    shown = {**whole, "extensionName": "org.sync.task", "percent": 40}
    assert (await graph("GET", f"{path}?{query}")).body["extensions"] == [shown]
    by_full_name = f"$expand=extensions($filter=id eq '{full_name}')"
    assert (await graph("GET", f"{path}?{by_full_name}")).body["extensions"] == [shown]
    assert (await graph("GET", f"{path}/extensions/{full_name}")).body["percent"] == 40
    assert (await graph("POST", f"{path}/extensions", EXTENSION)).status == 409
    changed = await graph(
        "PATCH", f"{path}/extensions/org.sync.task", {**EXTENSION, "percent": 60, "tags": ["a"]}
    )
    assert (changed.status, changed.body["percent"], changed.body["tags"]) == (200, 60, ["a"])
    await graph("PATCH", f"{path}/extensions/org.sync.task", {"percent": 80})
    assert "tags" not in (await graph("GET", f"{path}/extensions/org.sync.task")).body
    nested = await graph("PATCH", f"{path}/extensions/org.sync.task", {"percent": {"value": 1}})
    assert nested.status == 400
    assert (await graph("DELETE", f"{path}/extensions/org.sync.task")).status == 204
    assert "extensions" not in (await graph("GET", f"{path}?{query}")).body
    assert (await graph("POST", f"{path}/extensions", EXTENSION)).status == 201
    assert (await graph("GET", f"{path}?$expand=extensions")).status == 400


# --- the rest of the service --------------------------------------------------------------------


async def test_a_move_changes_the_id_and_keeps_the_rest(graph: Graph) -> None:
    task = await made(graph, linkedResources=[LINK], extensions=[EXTENSION])
    here = await tasks_path(graph)
    errands = (await graph("POST", LISTS, {"displayName": "Errands"})).body["id"]
    order = {"user": "anna@contoso.com", "kind": "task", "id": task["id"], "list": errands}
    moved = (await graph("POST", "/_control/move", order)).body["id"]
    assert moved != task["id"]
    assert (await graph("GET", f"{here}/{task['id']}", prefer=IMMUTABLE)).status == 404
    there = f"{LISTS}/{errands}/tasks/{moved}"
    read = (await graph("GET", f"{there}?$expand=linkedResources", prefer=IMMUTABLE)).body
    assert (read["id"], read["linkedResources"][0]["externalId"]) == (moved, LINK["externalId"])
    assert (await graph("GET", f"{there}/extensions/org.sync.task")).body["percent"] == 40
    assert (await graph("GET", f"{here}/{moved}")).status == 404


async def test_a_copy_has_the_stamps_of_the_original(graph: Graph) -> None:
    task = await made(graph, linkedResources=[LINK], extensions=[EXTENSION], categories=["Red"])
    wish = {"user": "anna@contoso.com", "kind": "task", "id": task["id"]}
    copy = (await graph("POST", "/_control/copy", wish)).body["id"]
    query = "$expand=linkedResources,extensions($filter=id eq 'org.sync.task')"
    read = (await graph("GET", f"{await tasks_path(graph)}/{copy}?{query}")).body
    assert (read["title"], read["categories"], read["extensions"][0]["percent"]) == ("Call Eva", ["Red"], 40)
    link = read["linkedResources"][0]
    assert (link["externalId"], link["id"] == task["linkedResources"][0]["id"]) == (LINK["externalId"], False)


async def test_twenty_requests_go_in_one_batch_and_count_each(graph: Graph) -> None:
    path = await tasks_path(graph)
    await graph("DELETE", "/_control/requests")
    parts = [part(n, "POST", path, {"title": f"t{n}", "linkedResources": [LINK]}) for n in range(10)]
    parts += [part(f"d{n}", "GET", f"{path}/delta") for n in range(10)]
    reply = await graph("POST", "/$batch", {"requests": parts})
    assert {row["status"] for row in reply.body["responses"]} == {200, 201}
    counted = (await graph("GET", "/_control/requests")).body["byKind"]
    assert counted == {
        "POST /$batch": 1,
        "POST /users/{id}/todo/lists/{id}/tasks": 10,
        "GET /users/{id}/todo/lists/{id}/tasks/delta": 10,
    }
    fault = {"match": {"method": "PATCH", "pathContains": "/tasks/"}, "times": 1, "do": "status:503"}
    await graph("POST", "/_control/faults", fault)
    task = (await graph("GET", path)).rows[0]
    assert (await graph("PATCH", f"{path}/{task['id']}", {"title": "x"})).status == 503
    assert (await graph("PATCH", f"{path}/{task['id']}", {"title": "x"})).status == 200


async def test_to_do_belongs_to_its_owner_and_cannot_be_subscribed_to_by_the_application(
    graph: Graph,
) -> None:
    await graph.user("ben")
    assert (await graph("GET", "/me/todo/lists", token="anna", X_Act_As="anna@contoso.com")).status == 200
    assert (await graph("GET", LISTS, token="ben", X_Act_As="ben@contoso.com")).code == "ErrorAccessDenied"
    wish = {
        "changeType": "updated",
        "notificationUrl": "http://127.0.0.1:1/hook",
        "resource": (await tasks_path(graph)).removeprefix("/"),
        "expirationDateTime": (datetime.now(UTC) + timedelta(hours=2)).isoformat(),
    }
    assert (await graph("POST", "/subscriptions", wish)).status == 403


async def test_tasks_survive_the_end_of_the_process(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    async with running(journal=journal) as graph:
        await graph.user("anna")
        task = await made(graph, linkedResources=[LINK])
    async with running(journal=journal) as graph:
        assert len((await graph("GET", LISTS)).rows) == 2
        read = await graph("GET", f"{await tasks_path(graph)}/{task['id']}?$expand=linkedResources")
        assert read.body["linkedResources"] == task["linkedResources"]
