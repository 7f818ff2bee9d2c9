"""Parts of the local Exchange Online that contacts and tasks are made of."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from local.clock import Clock
from local.exchange import contact_input, todo_input
from local.exchange.errors import GraphError
from local.exchange.events import Version
from local.exchange.identifiers import Identifiers
from local.exchange.item_store import ItemStore, Parts
from local.exchange.mapi_tags import TAG_TYPES
from local.journaled import JournaledTables

Json = dict[str, Any]


def store(journal: Path | None = None, *, immutable: bool = True) -> ItemStore:
    tables = JournaledTables(journal)
    parts = Parts(tables, Identifiers(Random(7)), Clock(), Version(tables))
    return ItemStore(parts, "things", immutable=immutable)


def ids(log: Any) -> list[str]:
    return [row_id for _, row_id in log]


def test_the_log_tells_of_each_row_its_last_change_only() -> None:
    things = store()
    one, two = things.add("anna", "here"), things.add("anna", "here")
    one = things.change(one, name="x")
    assert ids(things.log.changed_since("here", 0)) == [two["id"], one["id"]]
    assert ids(things.log.changed_since("here", two["seq"])) == [one["id"]]


def test_a_row_that_comes_back_is_told_as_present() -> None:
    things = store()
    row = things.add("anna", "here")
    there = things.move(row, "there")
    assert ids(things.log.changed_since("there", row["seq"])) == [row["id"]]
    back = things.move(there, "here")
    assert ids(things.log.changed_since("here", row["seq"])) == [row["id"]]
    assert things.in_place("here") == [back]
    assert things.in_place("there") == []


def test_what_is_kept_without_a_change_is_neither_logged_nor_stamped() -> None:
    things = store()
    row = things.add("anna", "here")
    kept = things.keep(row, children=[1])
    assert (kept["changeKey"], kept["seq"]) == (row["changeKey"], row["seq"])
    assert things.present(row["id"]) == kept
    assert ids(things.log.changed_since("here", row["seq"])) == []


def test_whatever_is_stored_moves_the_version_that_the_rig_waits_for() -> None:
    tables = JournaledTables()
    version = Version(tables)
    things = ItemStore(Parts(tables, Identifiers(Random(7)), Clock(), version), "things", immutable=True)
    seen = [version.value]
    row = things.add("anna", "here")
    for step in (lambda: things.keep(row, x=1), lambda: things.change(row, x=2), lambda: things.remove(row)):
        seen.append(version.value)
        step()
    assert [*seen, version.value] == sorted({*seen, version.value})


def test_listeners_hear_of_a_move_as_an_end_and_a_beginning() -> None:
    things, heard = store(), []
    things.listeners.append(lambda change, row: heard.append((change, row["place"])))
    things.remove(things.move(things.add("anna", "here"), "there"))
    assert heard == [("created", "here"), ("deleted", "here"), ("created", "there"), ("deleted", "there")]


def test_without_immutable_ids_only_the_normal_id_is_known() -> None:
    things = store(immutable=False)
    row = things.add("anna", "here")
    assert things.get("anna", row["restId"]) == row
    with pytest.raises(GraphError, match="ErrorItemNotFound"):
        things.get("anna", row["id"])


def test_rows_traces_and_their_order_are_read_again_from_the_journal(tmp_path: Path) -> None:
    things = store(tmp_path / "journal")
    gone, stays = things.add("anna", "here"), things.add("anna", "here")
    things.remove(gone)
    again = store(tmp_path / "journal")
    assert ids(again.log.changed_since("here", 0)) == [stays["id"], gone["id"]]
    assert again.log.trace("here", gone["id"]) is not None
    assert again.log.latest("here") == things.log.latest("here")


@pytest.mark.parametrize(
    ("sent", "date"),
    [
        ("2000-02-29T00:00:00Z", "2000-02-29"),
        ("2000-02-29T23:59:59.9999999Z", "2000-02-29"),
        ("2000-02-29T00:00:00+01:00", "2000-02-28"),
        ("1601-01-01T12:00:00Z", "1601-01-01"),
    ],
)
def test_a_birthday_is_the_date_in_utc(sent: str, date: str) -> None:
    assert contact_input.birthday(sent) == f"{date}T11:59:00Z"


@pytest.mark.parametrize(
    ("props", "name", "file_as"),
    [
        ({"givenName": "Eva", "surname": "Berg"}, "Eva Berg", "Berg, Eva"),
        ({"title": "Dr.", "surname": "Berg", "generation": "III"}, "Dr. Berg III", "Berg"),
        ({"companyName": "Contoso"}, "Contoso", "Contoso"),
        ({"emailAddresses": [{"name": "e@x.com", "address": "e@x.com"}, None, None]}, "e@x.com", None),
        ({}, None, None),
    ],
)
def test_names_are_generated_from_what_there_is(props: Json, name: str | None, file_as: str | None) -> None:
    made = contact_input.settled(contact_input.DEFAULTS, props)
    assert (made["displayName"], made["fileAs"]) == (name, file_as)


def test_every_property_that_graph_lacks_has_the_type_of_ms_oxprops() -> None:
    assert {tag for tag, kind in TAG_TYPES.items() if kind != "String"} == {0x3A41}
    assert len(TAG_TYPES) == 9


def task(pattern: Json, span: Json, due: str) -> Json:
    day = {"dateTime": f"{due}T00:00:00.000000", "timeZone": "UTC"}
    rule = {"pattern": {"interval": 1, **pattern}, "range": {"startDate": due, **span}}
    made: Json = {**todo_input.DEFAULTS, "title": "x", "dueDateTime": day, "startDateTime": day}
    return todo_input.settled(made, {"recurrence": rule}, Clock().now().date())


@pytest.mark.parametrize(
    ("pattern", "span", "due", "following"),
    [
        ({"type": "daily"}, {"type": "noEnd"}, "2026-12-31", "2027-01-01"),
        ({"type": "absoluteMonthly", "dayOfMonth": 31}, {"type": "noEnd"}, "2027-01-31", "2027-02-28"),
        ({"type": "daily"}, {"type": "endDate", "endDate": "2026-12-01"}, "2026-12-01", None),
        ({"type": "daily"}, {"type": "numbered", "numberOfOccurrences": 1}, "2026-12-01", None),
    ],
)
def test_the_task_that_follows(pattern: Json, span: Json, due: str, following: str | None) -> None:
    found = todo_input.following(task(pattern, span, due))
    assert (found["dueDateTime"]["dateTime"][:10] if found else None) == following
    if found:
        assert found["startDateTime"] == found["dueDateTime"]
        assert found["recurrence"]["range"]["startDate"] == following
