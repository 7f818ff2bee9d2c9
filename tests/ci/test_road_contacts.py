"""Contacts on the whole road: pushed both ways, matched, asked about, braked, explained, never doubled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.marks import rule
from tests.wire.road import Person, Road, running_road
from tests.wire.road_personal import Desk, address

PROFILE = "/profiles/default"
SET_1 = "DistinctPhysicalAndLogicalDeletesForExchangeSync"


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    with running_road(tmp_path_factory.mktemp("road") / "rig") as started:
        yield started


@pytest.fixture
def ann(road: Road) -> Desk:
    return Desk(road, road.person("ann"))


def linked(desk: Desk, name: str = "Mary", **values: Any) -> tuple[str, str]:
    """A linked pair: item and row."""
    mail = desk.road.outsider(name.lower())
    item = desk.add_contact(givenName=name, surname="Jones", emailAddresses=address(mail), **values)
    desk.road.settle()
    (row,) = [r for r in desk.rows("contacts") if r["emailaddress1"] == mail]
    return item, str(row["contactid"])


# --- by push --------------------------------------------------------------------------------------


@rule("CONT-1")
def test_a_contact_made_and_changed_in_outlook_arrives_by_notification(road: Road, ann: Desk) -> None:
    item = ann.add_contact(givenName="Mary", surname="Jones", emailAddresses=address(road.outsider()))
    (row,), seconds = road.eventually(lambda: ann.rows("contacts"))
    print(f"Exchange to Dynamics by notification: {seconds:.2f} s")
    assert (row["firstname"], row["lastname"]) == ("Mary", "Jones")
    ann.edit_contact(item, mobilePhone="555 0100")
    road.eventually(lambda: ann.only_row("contacts")["mobilephone"] == "555 0100")
    ann.add_contact(tracked=False, givenName="Aunt", surname="Private")
    road.settle()
    assert [r["contactid"] for r in ann.rows("contacts")] == [row["contactid"]]


@rule("CONT-1", "FLT-6")
def test_a_row_made_and_changed_in_dynamics_arrives_by_the_feed(road: Road, ann: Desk) -> None:
    row = ann.make("contacts", firstname="Bob", lastname="Ray", emailaddress1=road.outsider())
    (item,), seconds = road.eventually(ann.contacts)
    print(f"Dynamics to Exchange by push: {seconds:.2f} s")
    assert (item["givenName"], item["surname"]) == ("Bob", "Ray")
    ann.edit("contacts", row["contactid"], jobtitle="Planner")
    road.eventually(lambda: ann.contact(item["id"])["jobTitle"] == "Planner")
    road.settle()
    assert (len(ann.contacts()), len(ann.rows("contacts"))) == (1, 1)


@rule("LNK-9")
def test_a_phone_changed_in_outlook_and_a_title_changed_in_dynamics_end_up_on_both(
    road: Road, ann: Desk
) -> None:
    item, row = linked(ann, jobTitle="CFO", businessPhones=["555 0100"])
    ann.edit_contact(item, businessPhones=["555 0199"])
    ann.edit("contacts", row, jobtitle="CEO")
    road.settle()
    shown, stored = ann.contact(item), ann.row("contacts", row)
    assert (shown["businessPhones"], shown["jobTitle"]) == (["555 0199"], "CEO")
    assert (stored["telephone1"], stored["jobtitle"]) == ("555 0199", "CEO")


def test_a_contact_in_another_folder_arrives_and_stays_there(road: Road, ann: Desk) -> None:
    """A folder made since yesterday is found by settling."""
    folder = ann.add_folder("Suppliers")
    item = ann.add_contact(folder=folder, givenName="Su", surname="Pplier", companyName="Fabrikam")
    road.settle()
    row = ann.only_row("contacts")
    assert row["lastname"] == "Pplier"
    ann.edit("contacts", row["contactid"], department="Purchase")
    road.eventually(lambda: ann.contacts(folder)[0]["department"] == "Purchase")
    assert ([c["id"] for c in ann.contacts(folder)], ann.contacts()) == ([item], [])


# --- who is who -----------------------------------------------------------------------------------


def asked(road: Road, person: Person) -> dict[str, Any]:
    found = road.decisions(person)
    assert len(found) == 1, found
    return found[0]


@rule("CONT-9")
def test_nobody_is_doubled_and_who_is_unclear_waits_for_an_answer_which_is_carried_out(road: Road) -> None:
    ann = Desk(road, road.person("ann", subscribed=False))
    known, shared = road.outsider("known"), road.outsider("shared")
    same = ann.make("contacts", firstname="Kay", lastname="Known", emailaddress1=known)
    twins = [
        ann.make("contacts", firstname="Sam", lastname=last, emailaddress1=shared)
        for last in ("Shared", "Shared-Smith")
    ]
    match = ann.add_contact(givenName="Kay", surname="Known", emailAddresses=address(known))
    unclear = ann.add_contact(givenName="Sammy", surname="Shared", emailAddresses=address(shared))
    road.subscribe(ann.person)
    road.settle()
    assert len(ann.rows("contacts")) == 3
    assert road.explain(ann.person, match)["item"]["dynamics"] == same["contactid"]
    questions = {q["item"]["exchange"]: q for q in road.decisions(ann.person)}
    question = questions[unclear]
    assert question["kind"] == "ambiguous"
    offered = {c["id"] for c in question["candidates"]}
    assert offered == {row["contactid"] for row in twins}
    assert all(c["label"] for c in question["candidates"])
    told = road.explain(ann.person, unclear)
    assert "administrator" in told["sentence"]
    chosen = twins[1]["contactid"]
    road.admin("POST", f"/decisions/{question['id']}", {"answer": chosen})
    road.settle()
    assert road.decisions(ann.person) == []
    assert road.explain(ann.person, unclear)["item"]["dynamics"] == chosen
    assert len(ann.rows("contacts")) == 3
    assert len(ann.contacts()) == 3, "the other twin came to Exchange, nobody came twice"


# --- ending ---------------------------------------------------------------------------------------


@rule("CONT-5", "FLT-10")
def test_many_reassigned_at_once_are_braked_and_going_on_carries_it_out(road: Road, ann: Desk) -> None:
    bob = road.person("bob", subscribed=False)
    rows = [
        ann.make("contacts", firstname=f"No {n}", lastname="Body", emailaddress1=road.outsider())
        for n in range(6)
    ]
    kept, _ = linked(ann)
    assert len(ann.contacts()) == 7
    strict = {"brake": {"items": 4, "people": 200, "percent": 100}, "organizationSettings": {SET_1: False}}
    road.admin("PUT", PROFILE, strict)
    try:
        with road.paused(ann.person):
            for row in rows:
                ann.edit("contacts", row["contactid"], **{"ownerid@odata.bind": f"/systemusers({bob.user})"})
            ann.edit_contact(kept, jobTitle="Still synced")
        road.settle()
        assert len(ann.contacts()) == 7
        assert ann.only_row("contacts")["jobtitle"] == "Still synced"
        question = asked(road, ann.person)
        assert question["kind"] == "brake"
        road.admin("POST", f"/decisions/{question['id']}", {"answer": "go-on"})
        road.settle()
    finally:
        usual = {"brake": {"items": 25, "people": 200, "percent": 100}, "organizationSettings": {}}
        road.admin("PUT", PROFILE, usual)
    assert [c["id"] for c in ann.contacts()] == [kept]
    assert road.decisions(ann.person) == []


@rule("CONT-4")
def test_a_contact_deleted_in_outlook_stays_in_dynamics_and_does_not_come_back(road: Road, ann: Desk) -> None:
    item, row = linked(ann)
    ann.delete_contact(item)
    road.settle()
    assert ann.row("contacts", row)["statecode"] == 0
    ann.edit("contacts", row, jobtitle="Promoted")
    road.admin("POST", f"/mailboxes/{ann.person.mailbox}/sync")
    road.settle()
    assert ann.contacts() == []
    assert "unlink" in {entry["action"] for entry in road.history(ann.person, row)}
    assert road.explain(ann.person, row)["link"]["state"] != "linked"


# --- what an administrator sees -------------------------------------------------------------------


@rule("PAIN-2")
def test_history_explain_and_preview_know_a_contact_by_either_id(road: Road, ann: Desk) -> None:
    item, row = linked(ann)
    history = road.history(ann.person, item)
    assert history
    assert history == road.history(ann.person, row) == road.history(ann.person, "{" + row.upper() + "}")
    assert history[0]["item"]["subject"] == "Mary Jones"
    road.admin("POST", f"/mailboxes/{ann.person.mailbox}/pause")
    ann.edit("contacts", row, department="Sales")
    ann.add_contact(tracked=False, givenName="Aunt", surname="Private")
    before = [road.control(part, "GET", "/version") for part in ("graph", "dataverse")]
    for asked_for in (item, row):
        told = road.explain(ann.person, asked_for)
        (action,) = told["actions"]
        assert (action["side"], action["kind"], action["fields"]) == ("exchange", "update", ["department"])
        assert told["link"]["state"] == "linked"
    shown = road.preview(ann.person)
    assert [a["item"]["exchange"] for a in shown["actions"]] == [item]
    assert "Private" not in str(shown)
    assert [road.control(part, "GET", "/version") for part in ("graph", "dataverse")] == before


# --- leaving and coming back ----------------------------------------------------------------------


@rule("PAIN-6")
def test_a_mailbox_that_stood_still_and_then_left_makes_no_doubles_when_it_goes_on(
    road: Road, ann: Desk
) -> None:
    item, row = linked(ann)
    where = f"/mailboxes/{ann.person.mailbox}"
    road.admin("POST", f"{where}/pause")
    ann.edit_contact(item, jobTitle="Away")
    ann.edit("contacts", row, department="Away too")
    road.settle()
    assert ann.row("contacts", row)["jobtitle"] is None
    road.admin("POST", f"{where}/resume")
    road.settle()
    assert ann.row("contacts", row)["jobtitle"] == "Away"
    assert ann.contact(item)["department"] == "Away too"
    road.admin("DELETE", where, ok=(204,))
    ann.edit_contact(item, jobTitle="Gone")
    ann.make("contacts", firstname="Bob", lastname="Ray", emailaddress1=road.outsider())
    added = ann.add_contact(givenName="New", surname="Comer", emailAddresses=address(road.outsider()))
    road.settle()
    assert sorted(c["displayName"] for c in ann.contacts()) == ["Mary Jones", "New Comer"]
    road.subscribe(ann.person)
    road.settle()
    assert ann.row("contacts", row)["jobtitle"] == "Gone"
    assert ann.contact(added)["displayName"] == "New Comer"
    assert (len(ann.contacts()), len(ann.rows("contacts"))) == (3, 3)


# --- the profile ----------------------------------------------------------------------------------


def test_contacts_off_moves_none_and_watches_none_and_on_again_catches_up(road: Road, ann: Desk) -> None:
    item, row = linked(ann)
    assert watched(road, ann) == ["contacts", "events"]
    road.admin("PUT", PROFILE, {"synchronizeContacts": False})
    try:
        ann.edit_contact(item, jobTitle="Not now")
        ann.edit("contacts", row, department="Not now")
        road.local("run-timer", "renew_subscriptions")
        road.settle()
        assert ann.row("contacts", row)["jobtitle"] is None
        assert ann.contact(item)["department"] in (None, "")
        assert watched(road, ann) == ["events"]
    finally:
        road.admin("PUT", PROFILE, {"synchronizeContacts": True})
    road.local("run-timer", "renew_subscriptions")
    road.settle()
    assert ann.row("contacts", row)["jobtitle"] == "Not now"
    assert ann.contact(item)["department"] == "Not now"
    assert watched(road, ann) == ["contacts", "events"]


def watched(road: Road, desk: Desk) -> list[str]:
    """What Graph tells us of this mailbox."""
    rows = road.admin("GET", f"/mailboxes/{desk.person.mailbox}")["subscriptions"]
    return sorted(row["resource"].rsplit("/", 1)[-1] for row in rows)


def test_without_category_tracking_a_categorised_contact_stays_at_home(road: Road, ann: Desk) -> None:
    road.admin("PUT", PROFILE, {"trackCategorizedContacts": False})
    try:
        item = ann.add_contact(givenName="Cat", surname="Egory", emailAddresses=address(road.outsider()))
        road.settle()
        assert ann.rows("contacts") == []
        assert road.explain(ann.person, item)["actions"] == []
    finally:
        road.admin("PUT", PROFILE, {"trackCategorizedContacts": True})
    ann.edit_contact(item, jobTitle="Touched")
    road.settle()
    assert ann.only_row("contacts")["jobtitle"] == "Touched"
