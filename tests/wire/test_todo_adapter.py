"""The To Do adapter against the stand-in: lists and their feeds, reading, writing, and the link of a task."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from shared.errors import Conflict, NotFound, Refused, UnknownResult
from shared.exchange.todo import TodoTasks
from shared.exchange.todo_extension import NAME
from shared.model.event import Stamps
from shared.model.personal import (
    TASK,
    CreateItem,
    DeleteItem,
    ExchangeItem,
    MarkItem,
    Place,
    PlacedId,
    UpdateItem,
)
from tests.marks import rule
from tests.wire.graph_adapter import BERLIN, ROW, TRACKED, Connected, connected

Json = dict[str, Any]

USER = "/users/anna@contoso.com"
ORGANIZATION = "0a6fd1f2-5b0c-4e8c-9b7a-2f4f4a6b9c01"
OTHER_ROW = "2c7f6d60-1e1f-4b62-8e16-1b2d6d1f9c22"
STAMPS = Stamps(link_state=2.0, crm_id=ROW, org_id=ORGANIZATION, object_type="task")
FORMER = replace(STAMPS, link_state=0.0)
URL = f"https://contoso.crm4.dynamics.com/main.aspx?pagetype=entityrecord&etn=task&id={ROW}"
REGARDING = {"type": "account", "id": "5d1f0a3e-93a4-4c2a-8d55-0c7f2c3e4b10"}
EVERYTHING: Json = {
    "subject": "Call Eva 🎈",
    "notes": "first line\nsecond line",
    "importance": "high",
    "status": "completed",
    "start": "2026-03-28",
    "due": "2026-03-30",
    "completed": "2026-03-29",
    "percent": 60,
    "regarding": REGARDING,
}
PLAIN: Json = {
    "subject": "Call Eva",
    "notes": "",
    "importance": "normal",
    "status": "notStarted",
    "start": None,
    "due": None,
    "completed": None,
    "percent": None,
    "regarding": None,
}


@pytest.fixture
async def rig() -> AsyncIterator[Connected]:
    async with connected() as running:
        yield running


def creation(
    stamps: Stamps = STAMPS, place: str = "", reminder: str | None = None, **values: Any
) -> CreateItem:
    said = {"subject": "Call Eva", **values}
    return CreateItem(TASK, said, stamps, TRACKED, place, "", reminder, URL, "Call Eva")


async def read(tasks: TodoTasks, item: ExchangeItem) -> ExchangeItem:
    found = (await tasks.items([PlacedId(item.id, item.place)]))[item.id]
    assert found is not None
    return found


async def new_list(rig: Connected, name: str) -> str:
    return str((await rig.graph_as_person("POST", f"{USER}/todo/lists", {"displayName": name}))["id"])


def path(item: ExchangeItem) -> str:
    return f"{USER}/todo/lists/{item.place}/tasks/{item.id}"


async def move(rig: Connected, item: ExchangeItem, target: str) -> ExchangeItem:
    order = {"user": "anna@contoso.com", "kind": "task", "id": item.id, "list": target}
    moved = str((await rig.control("POST", "/move", order))["id"])
    assert moved != item.id
    return replace(item, id=moved, place=target)


async def whole_round(tasks: TodoTasks, links: dict[str, str | None]) -> tuple[Json, dict[str, str | None]]:
    """All pages of all lists: the tasks by id, and where the next round begins."""
    found: Json = {}
    ended: dict[str, str | None] = {}
    while links:
        pages = await tasks.changes(links)
        links = {place: page.link for place, page in pages.items() if not page.complete}
        ended |= {place: page.link for place, page in pages.items() if page.complete}
        found |= {item.id: item for page in pages.values() for item in page.items}
        found |= {task_id: None for page in pages.values() for task_id in page.removed}
        assert not any(page.broken for page in pages.values())
    return found, ended


# --- lists and their feeds ------------------------------------------------------------------------


async def test_the_lists_of_a_mailbox_of_which_exchange_fills_one_by_itself(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    errands = await new_list(rig, "Errands")
    default, flagged, own = await mailbox.tasks.places()
    assert (default.name, default.is_default, default.own) == ("Tasks", True, True)
    assert (flagged.name, flagged.is_default, flagged.own) == ("Flagged Emails", False, False)
    assert own == Place(errands, "Errands")


@rule("TASK-13")
async def test_an_idle_poll_of_five_lists_is_one_envelope(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    for number in range(3):
        await new_list(rig, f"List {number}")
    lists = [place.id for place in await tasks.places()]
    assert len(lists) == 5
    _, links = await whole_round(tasks, dict.fromkeys(lists))
    await rig.control("DELETE", "/requests")
    pages = await tasks.changes(links)
    assert all(page.complete and not page.items for page in pages.values())
    assert await rig.counted() == {"POST /$batch": 1, "GET /users/{id}/todo/lists/{id}/tasks/delta": 5}


async def test_the_feed_of_one_list_is_one_request(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    await tasks.create(creation())
    default = (await tasks.places())[0].id
    await rig.control("DELETE", "/requests")
    assert len((await tasks.changes({default: None}))[default].items) == 1
    assert await rig.counted() == {"GET /users/{id}/todo/lists/{id}/tasks/delta": 1}


async def test_a_feed_tells_which_row_a_task_is_linked_to_and_what_became_of_it(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    linked = await tasks.create(creation(**EVERYTHING))
    other = await tasks.create(creation(Stamps()))
    found, links = await whole_round(tasks, {linked.place: None})
    shown = {name: value for name, value in EVERYTHING.items() if name not in ("percent", "regarding")}
    assert found[linked.id] == replace(linked, values=shown, whole=False, extended=False)
    assert found[other.id].stamps == Stamps()

    await tasks.update(UpdateItem(linked, {"subject": "New"}))
    await tasks.delete(DeleteItem(other))
    found, _ = await whole_round(tasks, links)
    assert (found[linked.id].values["subject"], found[linked.id].stamps) == ("New", STAMPS)
    assert found[other.id] is None


async def test_all_pages_of_several_long_lists_come_together(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    errands = await new_list(rig, "Errands")
    ids = {(await tasks.create(creation(Stamps(), errands if n % 2 else ""))).id for n in range(210)}
    default = (await tasks.places())[0].id
    found, _ = await whole_round(tasks, {default: None, errands: None})
    assert set(found) == ids


async def test_a_dead_token_and_a_deleted_list_are_told_and_fail_no_other(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    dead, gone, foreign = [await new_list(rig, name) for name in ("Dead", "Gone", "Foreign")]
    made = await tasks.create(creation())
    _, links = await whole_round(tasks, dict.fromkeys([made.place, dead, gone, foreign]))
    links[dead] = f"{links[dead]}x"
    links[foreign] = "https://graph.microsoft.com/v1.0/users/x/todo/lists/y/tasks/delta?$deltatoken=z"
    await rig.graph_as_person("DELETE", f"{USER}/todo/lists/{gone}")
    await rig.graph_as_person("PATCH", path(made), {"title": "New"})
    pages = await tasks.changes(links)
    assert [pages[place].expired for place in (made.place, dead, gone, foreign)] == [False, True, False, True]
    assert [pages[place].gone for place in (made.place, dead, gone, foreign)] == [False, False, True, False]
    assert [item.values["subject"] for item in pages[made.place].items] == ["New"]


async def test_a_moved_task_has_another_id_and_is_told_by_its_link(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    made = await tasks.create(creation(percent=40))
    errands = await new_list(rig, "Errands")
    _, links = await whole_round(tasks, {made.place: None, errands: None})
    moved = (await move(rig, made, errands)).id
    found, _ = await whole_round(tasks, links)
    assert (found[made.id], found[moved].place, found[moved].stamps) == (None, errands, STAMPS)
    assert (await tasks.items([PlacedId(made.id, made.place)])) == {made.id: None}
    assert (await read(tasks, found[moved])).values == {**PLAIN, "percent": 40}


# --- reading by id --------------------------------------------------------------------------------


async def test_many_tasks_are_read_in_batches(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    made = [await tasks.create(creation()) for _ in range(22)]
    gone = made.pop()
    await tasks.delete(DeleteItem(gone))
    await rig.control("DELETE", "/requests")
    found = await tasks.items([PlacedId(item.id, item.place) for item in [*made, gone]])
    assert found == {**{item.id: item for item in made}, gone.id: None}
    assert await rig.counted() == {"POST /$batch": 2, "GET /users/{id}/todo/lists/{id}/tasks/{id}": 22}


async def test_one_task_is_a_single_request(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    made = await tasks.create(creation())
    await rig.control("DELETE", "/requests")
    assert await read(tasks, made) == made
    assert await rig.counted() == {"GET /users/{id}/todo/lists/{id}/tasks/{id}": 1}


async def test_a_task_whose_list_is_not_known_is_sought_in_all_of_them(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    errands = await new_list(rig, "Errands")
    made = await tasks.create(creation(place=errands))
    gone = await tasks.create(creation())
    await tasks.delete(DeleteItem(gone))
    await rig.control("DELETE", "/requests")
    assert await tasks.items([PlacedId(made.id, ""), PlacedId(gone.id, "")]) == {made.id: made, gone.id: None}
    assert (await rig.counted())["POST /$batch"] == 1


async def test_a_task_that_cannot_be_read_is_not_gone(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    made = await tasks.create(creation())
    await rig.fault("status:403", method="GET", pathContains="/tasks/")
    with pytest.raises(Refused) as caught:
        await tasks.items([PlacedId(made.id, made.place)])
    assert not isinstance(caught.value, NotFound)


async def test_html_notes_are_read_as_text_even_where_appointments_have_rich_bodies(rig: Connected) -> None:
    plain = (await rig.mailbox()).tasks
    made = await plain.create(creation())
    html = {"contentType": "html", "content": "<p>one <b>two</b></p><p>three</p>"}
    await rig.graph_as_person("PATCH", path(made), {"body": html})
    user = (await rig.graph.find_mailbox("anna@contoso.com")).id
    rich = rig.graph.mailbox(user, BERLIN, rich=True).tasks
    notes = (await read(rich, made)).values["notes"]
    assert notes == (await read(plain, made)).values["notes"]
    assert [line for line in str(notes).split("\n") if line] == ["one two", "three"]


# --- creating and updating ------------------------------------------------------------------------


@rule("FLD-13", "FLD-14", "FLD-15", "FLD-16", "FLD-17", "FLD-18", "FLD-19")
async def test_every_field_is_written_and_read_back(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    created = await tasks.create(creation(**EVERYTHING))
    assert created.values == EVERYTHING
    assert (created.categories, created.stamps, created.whole) == (TRACKED, STAMPS, True)
    assert await read(tasks, created) == created

    plain = await tasks.create(creation())
    assert plain.values == PLAIN
    updated = await tasks.update(UpdateItem(plain, EVERYTHING))
    assert updated.values == EVERYTHING
    assert await read(tasks, updated) == updated

    again = await tasks.update(UpdateItem(updated, PLAIN))
    assert again.values == PLAIN
    assert await read(tasks, again) == again


@pytest.mark.parametrize("name", list(EVERYTHING))
async def test_each_field_alone_leaves_the_others(rig: Connected, name: str) -> None:
    tasks = (await rig.mailbox()).tasks
    done = await tasks.create(creation(**EVERYTHING))
    changed = {
        **{"subject": "New", "notes": "new", "importance": "low", "status": "inProgress", "percent": 100},
        **{"start": "2026-03-30", "due": "2026-03-28", "completed": "2026-03-30", "regarding": None},
    }[name]
    updated = await tasks.update(UpdateItem(done, {name: changed}))
    reopened = {"completed": None} if name == "status" else {}
    assert updated.values == {**EVERYTHING, name: changed, **reopened}
    assert await read(tasks, updated) == updated


async def test_one_day_alone_does_not_trip_over_the_other(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    made = await tasks.create(creation(start="2026-05-04", due="2026-05-08"))
    later = await tasks.update(UpdateItem(made, {"start": "2026-06-01", "due": "2026-06-02"}))
    assert (later.values["start"], later.values["due"]) == ("2026-06-01", "2026-06-02")
    with pytest.raises(Refused):
        await tasks.update(UpdateItem(later, {"start": "2026-06-03"}))
    undated = await tasks.update(UpdateItem(later, {"start": None}))
    assert (undated.values["start"], undated.values["due"]) == (None, "2026-06-02")


async def test_a_task_that_is_not_completed_has_no_day_of_completion(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    made = await tasks.create(creation(status="inProgress", completed="2026-03-29"))
    assert (made.values["status"], made.values["completed"]) == ("inProgress", None)
    still = await tasks.update(UpdateItem(made, {"completed": "2026-03-29", "subject": "New"}))
    assert (still.values["status"], still.values["completed"]) == ("inProgress", None)
    done = await tasks.update(UpdateItem(still, {"status": "completed", "completed": "2026-03-29"}))
    assert done.values["completed"] == "2026-03-29"


@rule("TASK-13")
async def test_percent_is_in_an_open_extension_that_keeps_what_is_not_written(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    made = await tasks.create(creation())
    assert not made.extended
    half = await tasks.update(UpdateItem(made, {"percent": 50}))
    both = await tasks.update(UpdateItem(half, {"regarding": REGARDING}))
    assert (half.extended, both.values["percent"], both.values["regarding"]) == (True, 50, REGARDING)
    extension = await rig.graph_as_person("GET", f"{path(made)}/extensions/{NAME}")
    assert extension["percentComplete"] == 50
    assert (extension["regardingType"], extension["regardingId"]) == (REGARDING["type"], REGARDING["id"])
    cleared = await tasks.update(UpdateItem(both, {"percent": None}))
    assert await read(tasks, cleared) == cleared
    assert (cleared.values["percent"], cleared.values["regarding"]) == (None, REGARDING)


async def test_the_extension_alone_is_one_request_and_none_where_it_is_not_written(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    made = await tasks.create(creation())
    extensions = "/users/{id}/todo/lists/{id}/tasks/{id}/extensions"
    await rig.control("DELETE", "/requests")
    await tasks.update(UpdateItem(made, {"percent": 10}))
    assert await rig.counted() == {f"POST {extensions}": 1}
    await rig.control("DELETE", "/requests")
    await tasks.update(UpdateItem(made, {"subject": "New"}))
    await tasks.update(UpdateItem(await tasks.create(creation()), {"percent": None}))
    assert not [kind for kind in await rig.counted() if "extensions" in kind]


@pytest.mark.parametrize("known", [True, False])
async def test_an_extension_that_came_or_went_meanwhile_is_written_all_the_same(
    rig: Connected, known: bool
) -> None:
    tasks = (await rig.mailbox()).tasks
    made = await tasks.create(creation(percent=10) if not known else creation())
    stale = replace(made, extended=known)
    await tasks.update(UpdateItem(stale, {"percent": 20}))
    assert (await read(tasks, made)).values["percent"] == 20


async def test_an_extension_that_fails_is_an_error_though_the_task_was_written(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    made = await tasks.create(creation())
    await rig.fault("drop-after", method="POST", pathContains="/extensions")
    with pytest.raises(UnknownResult):
        await tasks.update(UpdateItem(made, {"subject": "New", "percent": 20}))
    found = await read(tasks, made)
    assert (found.values["subject"], found.values["percent"]) == ("New", 20)


async def test_a_reminder_is_set_left_and_turned_off(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    made = await tasks.create(creation(reminder="2026-03-02T08:30:00Z"))
    shown = await rig.graph_as_person("GET", path(made))
    assert shown["reminderDateTime"] == {"dateTime": "2026-03-02T08:30:00.0000000", "timeZone": "UTC"}
    left = await tasks.update(UpdateItem(made, {"subject": "New"}))
    off = await tasks.update(UpdateItem(left, {}, reminder=""))
    on = await tasks.update(UpdateItem(off, {}, reminder="2026-03-03T08:30:00Z"))
    assert [item.reminder_on for item in (made, left, off, on)] == [True, True, False, True]
    assert not (await tasks.create(creation())).reminder_on


async def test_a_recurring_task_says_so(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    made = await tasks.create(creation(due="2026-12-01"))
    rule_ = {
        "pattern": {"type": "daily", "interval": 1},
        "range": {"type": "numbered", "startDate": "2026-12-01", "numberOfOccurrences": 2},
    }
    await rig.graph_as_person("PATCH", path(made), {"recurrence": rule_})
    assert (made.recurring, (await read(tasks, made)).recurring) == (False, True)


async def test_a_change_by_somebody_else_is_not_overwritten(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    made = await tasks.create(creation())
    await rig.graph_as_person("PATCH", path(made), {"title": "Theirs"})
    for write in (
        tasks.update(UpdateItem(made, {"subject": "Ours"})),
        tasks.mark(MarkItem(made, (), Stamps())),
        tasks.delete(DeleteItem(made)),
    ):
        with pytest.raises(Conflict):
            await write
    assert (await read(tasks, made)).values["subject"] == "Theirs"


async def test_a_deleted_task_is_gone_and_cannot_be_deleted_twice(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    made = await tasks.create(creation())
    await tasks.delete(DeleteItem(made))
    with pytest.raises(NotFound):
        await tasks.delete(DeleteItem(made))
    with pytest.raises(NotFound):
        await tasks.update(UpdateItem(made, {"percent": 20}))


# --- the link -------------------------------------------------------------------------------------


async def links_of(rig: Connected, item: ExchangeItem) -> list[Json]:
    rows: list[Json] = (await rig.graph_as_person("GET", f"{path(item)}/linkedResources"))["value"]
    return rows


@rule("TASK-13")
async def test_people_open_the_row_from_the_task_and_we_read_it_back(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    made = await tasks.create(creation())
    (link,) = await links_of(rig, made)
    assert (link["applicationName"], link["displayName"], link["webUrl"]) == ("Dynamics 365", "Call Eva", URL)
    assert link["externalId"] == f"{ORGANIZATION}/task/{ROW}"
    assert (made.stamps, made.resource_id) == (STAMPS, link["id"])


async def test_a_link_is_made_corrected_and_taken_away_beside_those_of_others(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    made = await tasks.create(creation(Stamps()))
    theirs = {"applicationName": "Mail", "displayName": "m", "externalId": "1", "webUrl": "https://x.com/"}
    await rig.graph_as_person("POST", f"{path(made)}/linkedResources", theirs)
    assert (made.stamps, made.resource_id) == (Stamps(), "")

    marked = await tasks.mark(MarkItem(made, TRACKED, STAMPS, URL, "Call Eva"))
    assert await read(tasks, marked) == marked
    other = replace(STAMPS, crm_id=OTHER_ROW)
    moved = await tasks.mark(MarkItem(marked, None, other, f"{URL}&x=1", "Call Bob"))
    assert await read(tasks, moved) == moved
    assert (moved.stamps, moved.resource_id) == (other, marked.resource_id)
    assert [row["displayName"] for row in await links_of(rig, moved)] == ["m", "Call Bob"]

    untracked = await tasks.mark(MarkItem(moved, (), Stamps(link_state=0.0)))
    assert await read(tasks, untracked) == untracked
    assert (untracked.stamps, untracked.categories) == (replace(other, link_state=0.0), ())
    assert [row["displayName"] for row in await links_of(rig, moved)] == ["m"]


async def test_a_link_that_somebody_took_off_is_made_anew_or_left_away(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    made = await tasks.create(creation())
    await rig.graph_as_person("DELETE", f"{path(made)}/linkedResources/{made.resource_id}")
    assert (await tasks.mark(MarkItem(made, None, Stamps(link_state=0.0)))).stamps == FORMER
    again = await tasks.mark(MarkItem(made, None, STAMPS, URL, "Call Eva"))
    assert again.resource_id not in ("", made.resource_id)
    assert (await read(tasks, made)).stamps == STAMPS


@rule("LNK-4", "LNK-8")
async def test_a_task_that_is_untracked_and_moved_still_says_which_row_it_had(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    made = await tasks.create(creation(percent=30, regarding=REGARDING))
    untracked = await tasks.mark(MarkItem(made, (), Stamps(link_state=0.0)))
    errands = await new_list(rig, "Errands")
    moved = await read(tasks, await move(rig, untracked, errands))
    assert moved.stamps == FORMER
    assert (moved.values["percent"], moved.values["regarding"]) == (30, REGARDING)
    assert await tasks.find_by_crm_id(ROW) == [], "it is nobody's task"

    busier = await tasks.update(UpdateItem(moved, {"percent": 40}))
    assert (await read(tasks, busier)).stamps == FORMER
    again = await tasks.mark(MarkItem(busier, TRACKED, STAMPS, URL, "Call Eva"))
    assert (await read(tasks, again)).stamps == STAMPS
    done = await tasks.update(UpdateItem(again, {"percent": 50}))
    await rig.graph_as_person("DELETE", f"{path(done)}/linkedResources/{again.resource_id}")
    assert (await read(tasks, done)).stamps == Stamps(), "a link that a person took off names no row"


async def test_untracking_what_a_feed_showed_leaves_the_extension_as_it_is(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    made = await tasks.create(creation(percent=30))
    shown = replace(made, values={"subject": "Call Eva"}, whole=False)
    await tasks.mark(MarkItem(shown, None, Stamps(link_state=0.0)))
    assert (await read(tasks, made)).values["percent"] == 30
    assert await links_of(rig, made) == []


async def test_a_link_that_a_feed_did_not_show_is_not_made_twice(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    made = await tasks.create(creation())
    bare = replace(made, stamps=None, resource_id="", whole=False)
    marked = await tasks.mark(MarkItem(bare, None, STAMPS, URL, "Call Eva"))
    assert marked.resource_id == made.resource_id
    assert len(await links_of(rig, made)) == 1


async def test_marks_that_say_nothing_of_the_link_leave_it(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    made = await tasks.create(creation(percent=30))
    marked = await tasks.mark(MarkItem(made, ("Red",), Stamps()))
    assert await read(tasks, marked) == marked
    assert (marked.stamps, marked.categories, marked.values["percent"]) == (STAMPS, ("Red",), 30)


# --- finding --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("do", "made"), [("drop-after", 1), ("drop-before", 0), ("status:504", 0)])
async def test_a_create_whose_answer_is_lost_is_unknown_and_found_again_by_its_link(
    rig: Connected, do: str, made: int
) -> None:
    tasks = (await rig.mailbox()).tasks
    await new_list(rig, "Errands")
    await tasks.places()
    await rig.fault(do, method="POST", pathContains="/tasks")
    with pytest.raises(UnknownResult):
        await tasks.create(creation(**EVERYTHING))
    found = await tasks.find_by_crm_id(f"{{{ROW.upper()}}}")
    assert [item.values for item in found] == [EVERYTHING] * made
    assert await tasks.find_by_crm_id(OTHER_ROW) == []


async def test_a_row_is_found_in_any_list_however_long(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    errands = await new_list(rig, "Errands")
    for number in range(105):
        await tasks.create(creation(Stamps(), errands, subject=f"t{number}"))
    last = await tasks.create(creation(place=errands))
    assert await tasks.find_by_crm_id(ROW) == [last]


async def test_tasks_are_searched_by_their_title(rig: Connected) -> None:
    tasks = (await rig.mailbox()).tasks
    errands = await new_list(rig, "Errands")
    here = await tasks.create(creation(subject="Eva's call"))
    there = await tasks.create(creation(Stamps(), errands, subject="Eva's call"))
    await tasks.create(creation(subject="Eva's"))
    found = {item.id: item for item in await tasks.search(["eva@x.com"], "Eva's call")}
    assert {key: (item.place, item.stamps, item.whole) for key, item in found.items()} == {
        here.id: (here.place, STAMPS, False),
        there.id: (errands, Stamps(), False),
    }
    assert await tasks.search(["eva@x.com"], " ") == []
