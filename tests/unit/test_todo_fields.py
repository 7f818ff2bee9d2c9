"""Graph's JSON of lists and tasks, decoded and encoded field by field."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.errors import Refused
from shared.exchange import todo_extension, todo_fields, todo_links
from shared.exchange.todo_feed import FeedPage
from shared.model.event import Stamps
from shared.model.personal import TASK, CreateItem, ExchangeItem, Place, UpdateItem
from tests.marks import rule

Json = dict[str, Any]

BERLIN = "W. Europe Standard Time"
ORGANIZATION = "0a6fd1f2-5b0c-4e8c-9b7a-2f4f4a6b9c01"
ROW = "1b6e5c5f-0d0e-4a51-9d05-0a1c5c0f8b11"
STAMPS = Stamps(link_state=2.0, crm_id=ROW, org_id=ORGANIZATION, object_type="task")
EXTERNAL = f"{ORGANIZATION}/task/{ROW}"


def utc(text: str) -> Json:
    return {"dateTime": f"{text}.0000000", "timeZone": "UTC"}


def link(external: str = EXTERNAL, application: str = "Dynamics 365") -> Json:
    texts = {"applicationName": application, "externalId": external}
    return {"id": "link-1", "displayName": "Call Eva", "webUrl": "https://x.com/", **texts}


def extension(**values: Any) -> Json:
    full_name = f"microsoft.graph.openTypeExtension.{todo_extension.NAME}"
    return {"id": full_name, "extensionName": todo_extension.NAME, **values}


def row(**changes: Any) -> Json:
    return {
        "@odata.etag": 'W/"1"',
        "id": "task-1",
        "title": "Call Eva",
        "body": {"contentType": "text", "content": "one\r\ntwo  \r\n"},
        "importance": "high",
        "status": "inProgress",
        "isReminderOn": True,
        "categories": ["Red"],
        "lastModifiedDateTime": "2026-03-01T10:00:00.1234567Z",
        "startDateTime": utc("2026-03-27T23:00:00"),
        "dueDateTime": utc("2026-03-29T22:00:00"),
        "linkedResources": [link("1", "Mail"), link()],
        "extensions": [extension(percentComplete=40)],
        **changes,
    }


def decoded(*, whole: bool = True, **changes: Any) -> ExchangeItem:
    return todo_fields.decode(row(**changes), "list-1", BERLIN, whole=whole)


def content(*, present: Json | None = None, **values: Any) -> Json:
    """The body of an update of a task that has ``present``."""
    item = replace(decoded(), values=present or {})
    return todo_fields.update(UpdateItem(item, values), BERLIN)


# --- lists ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "default", "own"),
    [
        ({"wellknownListName": "defaultList", "isOwner": True}, True, True),
        ({"wellknownListName": "none", "isOwner": True, "isShared": True}, False, True),
        ({"wellknownListName": "none", "isOwner": False, "isShared": True}, False, False),
        ({"wellknownListName": "flaggedEmails", "isOwner": True}, False, False),
    ],
)
def test_lists_of_others_and_that_of_flagged_messages_are_not_own(
    said: Json, default: bool, own: bool
) -> None:
    place = todo_fields.place_of({"id": "list-1", "displayName": "Tasks", **said})
    assert place == Place("list-1", "Tasks", default, own)


# --- reading --------------------------------------------------------------------------------------


def test_a_whole_task() -> None:
    assert decoded() == ExchangeItem(
        kind=TASK,
        id="task-1",
        etag='W/"1"',
        place="list-1",
        values={
            "subject": "Call Eva",
            "notes": "one\ntwo",
            "importance": "high",
            "status": "inProgress",
            "start": "2026-03-28",
            "due": "2026-03-30",
            "completed": None,
            "percent": 40,
            "regarding": None,
        },
        categories=("Red",),
        stamps=STAMPS,
        modified=datetime(2026, 3, 1, 10, tzinfo=UTC),
        reminder_on=True,
        resource_id="link-1",
        extended=True,
    )


def test_a_row_of_a_feed_says_nothing_of_the_extension_and_may_not_show_links() -> None:
    item = decoded(whole=False)
    assert (item.stamps, item.whole, item.extended) == (STAMPS, False, False)
    assert not {"percent", "regarding"} & set(item.values)
    bare = row()
    del bare["linkedResources"]
    assert todo_fields.decode(bare, "list-1", BERLIN, whole=False).stamps is None


def test_a_row_that_shows_less_than_everything_says_no_more_than_that() -> None:
    partial = {"id": "task-1", "@odata.etag": 'W/"1"', "title": "New"}
    item = todo_fields.decode(partial, "list-1", BERLIN, whole=False)
    assert item.values == {"subject": "New"}
    with pytest.raises(todo_fields.UnreadableTask):
        todo_fields.decode(partial, "list-1", BERLIN, whole=True)


def test_html_notes_are_text() -> None:
    html = {"contentType": "html", "content": "<html><body><p>a <b>b</b></p><p>c</p></body></html>"}
    assert decoded(body=html).values["notes"] == "a b\nc"


def test_a_recurring_task() -> None:
    assert decoded(recurrence={"pattern": {}, "range": {}}).recurring
    assert not decoded(recurrence=None).recurring


@pytest.mark.parametrize(
    "broken",
    [
        {"id": ""},
        {"@odata.etag": None},
        {"dueDateTime": {"dateTime": "tomorrow", "timeZone": "UTC"}},
        {"dueDateTime": "2026-03-29"},
        {"startDateTime": {"dateTime": "0001-01-01T00:00:00", "timeZone": "Tokyo Standard Time"}},
        {"lastModifiedDateTime": "yesterday"},
        {"categories": 1},
        {"linkedResources": [{}], "completedDateTime": {"timeZone": "UTC"}},
    ],
)
def test_what_cannot_be_understood_is_broken_and_spoils_no_other_row(broken: Json) -> None:
    page = FeedPage("list-1", BERLIN)
    for number, each in enumerate([row(**broken), row(id="task-2"), {"id": "task-3", "@removed": {}}]):
        page.take(number, each)
    done = page.done("link", complete=True)
    assert [item.id for item in done.items] == ["task-2"]
    assert done.removed == ("task-3",)
    assert len(done.broken) == 1


@pytest.mark.parametrize(
    ("value", "percent"),
    [(40, 40), (40.0, 40), ("40", 40), (0, 0), (None, None), ("x", None), (True, None), (1e999, None)],
)
@rule("FLD-13")
def test_percent_in_whatever_form_it_comes_back(value: Any, percent: int | None) -> None:
    assert decoded(extensions=[extension(percentComplete=value)]).values["percent"] == percent


def test_only_our_extension_counts() -> None:
    other = {"id": "microsoft.graph.openTypeExtension.org.other", "percentComplete": 10}
    assert decoded(extensions=[other]).extended is False
    short = {"id": todo_extension.NAME.upper(), "percentComplete": 10}
    assert decoded(extensions=[other, short]).values["percent"] == 10


@pytest.mark.parametrize(
    "theirs",
    [link(application="Mail"), link("task/1"), link(f"{ORGANIZATION}/task/"), link(f"x{EXTERNAL}"), {}],
)
def test_links_of_others_are_no_stamps(theirs: Json) -> None:
    item = decoded(linkedResources=[theirs])
    assert (item.stamps, item.resource_id) == (Stamps(), "")


# --- writing --------------------------------------------------------------------------------------


def test_a_create_holds_everything_that_finds_it_again() -> None:
    braced = replace(STAMPS, crm_id=f"{{{ROW.upper()}}}")
    values = {"subject": "Call Eva", "percent": 0, "due": "2026-03-30", "status": "notStarted"}
    write = CreateItem(TASK, values, braced, ("Red",), link_url="https://x.com/", link_name="Eva")
    body = todo_fields.create(write, BERLIN)
    assert body["linkedResources"] == [
        {
            "applicationName": "Dynamics 365",
            "externalId": EXTERNAL,
            "displayName": "Eva",
            "webUrl": "https://x.com/",
        }
    ]
    assert body["extensions"][0]["percentComplete"] == 0
    assert body["dueDateTime"] == {"dateTime": "2026-03-30T00:00:00", "timeZone": BERLIN}
    assert (body["isReminderOn"], body["categories"]) == (False, ["Red"])
    assert "completedDateTime" not in body


def test_what_is_not_tracked_and_has_no_percent_has_no_children() -> None:
    body = todo_fields.create(CreateItem(TASK, {"subject": "x", "percent": None}, Stamps(), ()), BERLIN)
    assert not {"linkedResources", "extensions"} & set(body)


def test_a_link_to_half_a_row_is_not_written() -> None:
    with pytest.raises(Refused):
        todo_links.encode(replace(STAMPS, org_id=None), "https://x.com/", "Eva")


@rule("FLD-15", "FLD-16")
def test_start_and_due_go_together() -> None:
    present = {"start": "2026-03-27", "due": "2026-03-28"}
    body = content(present=present, start="2026-03-28")
    assert body["startDateTime"]["dateTime"] == body["dueDateTime"]["dateTime"] == "2026-03-28T00:00:00"
    assert content(present=present, due=None) == {
        "startDateTime": {"dateTime": "2026-03-27T00:00:00", "timeZone": BERLIN},
        "dueDateTime": None,
    }
    assert content(present=present, subject="x") == {"title": "x"}


DONE = {"status": "completed", "completed": "2026-03-20"}
OPEN = {"status": "inProgress", "completed": None}


@pytest.mark.parametrize(
    ("present", "written", "status", "day"),
    [
        (OPEN, DONE, "completed", "2026-03-20"),
        (OPEN, {"status": "completed"}, "completed", None),
        (OPEN, {"completed": "2026-03-20"}, None, None),
        (DONE, {"completed": "2026-03-21"}, None, "2026-03-21"),
        (DONE, {"completed": None}, None, None),
        (DONE, {"status": "inProgress", "completed": None}, "inProgress", None),
        (DONE, {"status": "inProgress"}, "inProgress", None),
        (DONE, {"subject": "x"}, None, None),
    ],
)
@rule("FLD-14", "FLD-19")
def test_only_a_completed_task_is_given_a_day_of_completion(
    present: Json, written: Json, status: str | None, day: str | None
) -> None:
    body = content(present=present, **written)
    assert body.get("status") == status
    when = body.get("completedDateTime")
    assert when == ({"dateTime": f"{day}T00:00:00", "timeZone": "UTC"} if day else None)


def test_a_reminder_is_a_moment_of_utc() -> None:
    item = decoded()
    assert todo_fields.update(UpdateItem(item, {}), BERLIN) == {}
    assert todo_fields.update(UpdateItem(item, {}, reminder=""), BERLIN) == {"isReminderOn": False}
    assert todo_fields.update(UpdateItem(item, {}, reminder="2026-03-02T08:30:00Z"), BERLIN) == {
        "isReminderOn": True,
        "reminderDateTime": {"dateTime": "2026-03-02T08:30:00", "timeZone": "UTC"},
    }


def test_the_answer_to_a_patch_keeps_what_it_does_not_show() -> None:
    before = decoded()
    answer = row(title="New", **{"@odata.etag": 'W/"2"'})
    del answer["linkedResources"], answer["extensions"]
    shown = todo_fields.decode(answer, "list-1", BERLIN, whole=True)
    kept = todo_fields.kept(shown, before)
    assert kept == replace(before, etag='W/"2"', values={**before.values, "subject": "New"})
