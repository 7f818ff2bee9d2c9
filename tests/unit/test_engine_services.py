"""Service appointments on the whole road in one process: an own copy each, one way, and nobody is mailed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.engine.questions import explain
from shared.mailboxes import life_cycle
from shared.model.appointment import SERVICE
from shared.model.event import Stamps
from shared.model.link import LinkState
from shared.model.party import Party, RecordRef
from shared.model.profile import Profile
from tests.doubles.service import FEED, Service
from tests.doubles.stories import (
    assert_a_lost_answer_changes_nothing,
    assert_deaths_change_nothing,
    only,
    overtaken,
    subscribed,
    told,
)
from tests.doubles.world import EPOCH
from tests.marks import rule
from tests.rules.build import CATEGORY, at

ROW = "77777777-7777-4777-8777-777777777777"
FUTURE = EPOCH + timedelta(days=3)
DELETE_LEAVERS = {"DistinctPhysicalAndLogicalDeletesForExchangeSync": False}


def party(service, box, role=10):
    return Party(role, box.address, RecordRef("systemuser", service.dynamics.users[box.address]))


def planned(service, *boxes, role=10, **values):
    parties = [party(service, box, role) for box in boxes]
    return service.dynamics.add_service(ROW, *parties, **{"subject": "Repair", "time": at(FUTURE), **values})


async def settled(*names, **values):
    """Everybody takes part, and all is in step."""
    service, *boxes = await subscribed(*names)
    planned(service, *boxes, **values)
    await service.settle()
    return service, *boxes


async def link_of(service, box):
    found = await service.services.store.links_by_dynamics(box.id, [(SERVICE, ROW)])
    return found.get((SERVICE, ROW))


async def history(service, box):
    rows, _ = await service.services.history.of_item(box.id, ROW, limit=100, after=None)
    return rows


# --- copies ---------------------------------------------------------------------------------------


@rule("APPT-37", "APPT-38", "X-1")
async def test_every_user_who_takes_part_gets_an_own_copy_and_nobody_is_mailed():
    service, ada, bob, eve, out = await subscribed("ada", "bob", "eve", "out")
    guest = Party(5, "guest@fabrikam.example", None)
    parties = [party(service, ada), party(service, bob, 5), party(service, eve, 7), guest]
    service.dynamics.add_service(ROW, *parties, subject="Repair", time=at(FUTURE))
    await service.settle()
    for box in (ada, bob, eve):
        event = only(box.items)
        assert (event.value("subject"), event.value("attendees"), event.is_organizer) == ("Repair", [], True)
        assert (event.stamps.crm_id, event.stamps.object_type) == (ROW, "4214")
        assert CATEGORY in event.categories
    assert not out.items
    assert not service.exchange.mails


@rule("APPT-37")
async def test_what_was_planned_before_a_mailbox_is_subscribed_arrives_with_its_first_pass():
    service, ada = await subscribed("ada")
    bob = service.person("bob", 2)
    planned(service, ada, bob)
    await service.settle()
    assert not bob.items
    await service.subscribe(bob)
    await service.settle()
    assert only(bob.items).value("subject") == "Repair"
    assert len(ada.items) == 1


async def test_explain_knows_service_appointments_by_their_id():
    service, ada, bob = await subscribed("ada", "bob")
    planned(service, ada)
    mailbox = await service.services.registry.get(bob.id)
    answer = await explain(service.services, mailbox, Profile(), ROW)
    assert [skip["code"] for skip in answer["skipped"]] == ["not taking part"]
    mailbox = await service.services.registry.get(ada.id)
    answer = await explain(service.services, mailbox, Profile(), ROW)
    assert [(action["kind"], action["side"]) for action in answer["actions"]] == [("create", "exchange")]
    assert answer["peopleMailed"] == 0


@rule("APPT-37", "FLT-8")
async def test_owners_and_customers_do_not_take_part():
    service, ada, bob = await subscribed("ada", "bob")
    parties = [party(service, ada, 9), party(service, bob, 11)]
    service.dynamics.add_service(ROW, *parties, subject="Repair", time=at(FUTURE))
    await service.settle()
    assert not ada.items
    assert not bob.items


@rule("APPT-38", "FLD-12", "X-1")
async def test_a_change_in_dynamics_reaches_every_copy_and_mails_nobody():
    service, ada, bob = await settled("ada", "bob")
    service.dynamics.edit(ROW, subject="Repair, urgent", time=at(FUTURE, 2), location="Theirs", importance=2)
    await service.settle()
    for box in (ada, bob):
        event = only(box.items)
        assert event.value("subject") == "Repair, urgent"
        assert event.value("time") == at(FUTURE, 2)
        assert (event.value("location"), event.value("importance")) == ("Theirs", "high")
    assert not service.exchange.mails


@rule("APPT-38", "FLD-34")
async def test_edits_in_outlook_stay_there_until_dynamics_changes_the_same_field():
    service, ada = await settled("ada")
    event = only(ada.items)
    version = service.dynamics.rows[ROW].etag
    ada.edit(event.id, subject="My own words", location="My van")
    await service.settle()
    assert service.dynamics.rows[ROW].etag == version
    service.dynamics.edit(ROW, body="Bring the spare part")
    await service.settle()
    event = only(ada.items)
    assert (event.value("subject"), event.value("location")) == ("My own words", "My van")
    assert event.value("body") == "Bring the spare part"
    service.dynamics.edit(ROW, subject="Repair, again")
    await service.settle()
    event = only(ada.items)
    assert (event.value("subject"), event.value("location")) == ("Repair, again", "My van")
    lost = [row.lost for row in await history(service, ada) if row.lost]
    assert lost == [{"subject": "My own words"}]


@rule("APPT-38", "X-1")
async def test_people_invited_to_a_copy_in_outlook_hear_nothing_from_us():
    service, ada = await settled("ada")
    event = only(ada.items)
    ada.edit(event.id, attendees=[["friend@fabrikam.example", "required"]])
    assert service.exchange.mails == [("invitation", "friend@fabrikam.example")]
    service.dynamics.edit(ROW, subject="Repair, moved", time=at(FUTURE, 3))
    await service.settle()
    assert only(ada.items).value("subject") == "Repair"
    service.dynamics.remove(ROW)
    await service.settle()
    assert ada.items[event.id]
    assert service.exchange.mails == [("invitation", "friend@fabrikam.example")]
    assert (await link_of(service, ada)).state is LinkState.DELETED_IN_DYNAMICS


@rule("APPT-38")
async def test_what_waited_for_the_guests_of_a_copy_is_written_when_they_are_gone():
    service, ada = await settled("ada")
    event = only(ada.items)
    ada.edit(event.id, attendees=[["friend@fabrikam.example", "required"]])
    service.dynamics.edit(ROW, subject="Repair, moved")
    await service.settle()
    ada.edit(event.id, attendees=[])
    await service.settle()
    assert only(ada.items).value("subject") == "Repair, moved"


@rule("FLD-12")
async def test_parties_and_regarding_are_kept_in_the_stamps():
    service, ada = await subscribed("ada")
    guest = Party(6, "guest@fabrikam.example", None)
    regarding = {"table": "account", "id": "99999999-9999-4999-8999-999999999999"}
    service.dynamics.add_service(ROW, party(service, ada), guest, subject="Repair", time=at(FUTURE))
    await service.settle()
    assert only(ada.items).stamps.withheld == '[["guest@fabrikam.example","optional"]]'
    service.dynamics.edit(ROW, regarding=regarding)
    service.dynamics.set_parties(ROW, party(service, ada))
    await service.settle()
    stamps = only(ada.items).stamps
    assert stamps.withheld == ""
    assert (stamps.regarding_type, stamps.regarding_id) == ("1", regarding["id"])
    assert not service.exchange.mails


@rule("APPT-37")
async def test_no_mailbox_owns_the_row_for_the_others_and_an_end_wakes_nobody():
    service, ada, bob = await settled("ada", "bob")
    entry = await service.services.items.entry(SERVICE, ROW)
    assert (entry.owner, set(entry.mailboxes)) == (None, {ada.id, bob.id})
    service.jobs.take()
    ada.remove(only(ada.items).id)
    await service.run_pass(ada)
    assert not [job for job in service.jobs.take() if job.session == bob.id]
    assert (await service.services.items.entry(SERVICE, ROW)).mailboxes == (bob.id,)


async def test_the_invitation_to_a_copy_is_an_appointment_of_its_own_for_who_tracks_it():
    service, ada, bob = await subscribed("ada", "bob")
    planned(service, ada)
    await service.settle()
    ada.edit(only(ada.items).id, attendees=[[bob.address, "required"]])
    bob.edit(only(bob.items).id, categories=(CATEGORY,))
    await service.settle()
    (other,) = (row for row in service.dynamics.rows.values() if row.id != ROW)
    assert (other.table, other.value("subject")) == ("appointment", "Repair")


async def test_a_mailbox_that_was_removed_and_comes_back_holds_its_copies_again():
    service, ada = await settled("ada")
    await life_cycle.remove(service.services, await service.services.registry.get(ada.id))
    assert (await service.services.items.entry(SERVICE, ROW)).mailboxes == ()
    await service.subscribe(ada)
    await service.settle()
    assert (await service.services.items.entry(SERVICE, ROW)).mailboxes == (ada.id,)
    service.dynamics.remove(ROW)
    await service.settle()
    assert not ada.items


# --- endings --------------------------------------------------------------------------------------


@rule("APPT-38", "LNK-8")
async def test_a_copy_deleted_in_outlook_stays_deleted_and_the_others_stay():
    service, ada, bob = await settled("ada", "bob")
    ada.remove(only(ada.items).id)
    await service.settle()
    service.dynamics.edit(ROW, subject="Repair, moved")
    await service.settle()
    for box in (ada, bob):
        await service.run_pass(box, "enable")
    await service.settle()
    assert not ada.items
    await service.services.store.delete_mailbox(ada.id)
    await service.services.registry.patch(ada.id, last_pass_at=None)
    await service.settle()
    assert not ada.items
    assert only(bob.items).value("subject") == "Repair, moved"
    assert ROW in service.dynamics.rows


@rule("APPT-38", "EMI-17", "LNK-8")
async def test_untracked_by_its_category_a_copy_goes_on_by_itself_until_tracked_anew():
    service, ada = await settled("ada")
    event = only(ada.items)
    ada.edit(event.id, categories=())
    await service.settle()
    service.dynamics.edit(ROW, subject="Repair, moved")
    await service.settle()
    assert only(ada.items).value("subject") == "Repair"
    assert (await link_of(service, ada)).state is LinkState.UNTRACKED
    ada.edit(event.id, categories=(CATEGORY,))
    await service.settle()
    assert only(ada.items).value("subject") == "Repair, moved"
    assert list(service.dynamics.rows) == [ROW]


@rule("APPT-25", "APPT-38")
async def test_deleted_in_dynamics_future_copies_go_and_past_ones_stay():
    service, ada, bob = await settled("ada", "bob")
    service.dynamics.remove(ROW)
    await service.settle()
    assert not ada.items
    assert not bob.items
    assert not service.exchange.mails
    service, ada = await settled("ada", time=at(EPOCH - timedelta(days=1)))
    service.dynamics.remove(ROW)
    await service.settle()
    event = only(ada.items)
    assert CATEGORY not in event.categories
    assert event.stamps.link_state == 0


@rule("APPT-24", "APPT-38")
@pytest.mark.parametrize("propagated", [False, True])
async def test_canceled_a_copy_shows_free_time_or_goes_where_the_organization_wants_that(propagated):
    service, ada = await settled("ada")
    service.dynamics.settings["SSSPropagateAppointmentCancellationsToExchange"] = propagated
    service.dynamics.edit(ROW, showAs=[2, 9])
    await service.settle()
    if propagated:
        assert not ada.items
    else:
        assert only(ada.items).value("showAs") == "free"
    assert not service.exchange.mails


@rule("APPT-37", "FLT-10")
@pytest.mark.parametrize("full_round", [False, True])
async def test_who_takes_part_no_more_keeps_an_unlinked_copy_and_takes_it_up_again_later(full_round):
    service, ada, bob = await settled("ada", "bob")
    service.dynamics.set_parties(ROW, party(service, bob))
    await service.settle()
    left = only(ada.items)
    assert CATEGORY not in left.categories
    assert (await link_of(service, ada)).state is LinkState.LEFT_FILTER
    assert only(bob.items).categories == (CATEGORY,)
    service.dynamics.set_parties(ROW, party(service, ada), party(service, bob))
    service.dynamics.edit(ROW, subject="Repair, both")
    if full_round:
        ada.forget_deltas()
    await service.settle()
    taken_up = only(ada.items)
    assert (taken_up.id, taken_up.value("subject")) == (left.id, "Repair, both")
    assert CATEGORY in taken_up.categories
    assert not service.exchange.mails


@rule("FLT-6", "FLT-10")
async def test_where_logical_deletions_are_sent_the_copy_goes_and_comes_again():
    service, ada, bob = await settled("ada", "bob")
    service.dynamics.settings.update(DELETE_LEAVERS)
    service.dynamics.set_parties(ROW, party(service, bob))
    await service.settle()
    assert not ada.items
    assert len(bob.items) == 1
    service.dynamics.set_parties(ROW, party(service, ada), party(service, bob))
    await service.settle()
    assert only(ada.items).value("subject") == "Repair"
    assert not service.exchange.mails


@rule("APPT-37", "FLT-10")
async def test_a_row_that_may_not_be_read_any_more_only_ends_the_link():
    service, ada = await settled("ada")
    service.dynamics.hidden.add(ROW)
    service.dynamics.edit(ROW, subject="Secret")
    await service.settle()
    assert only(ada.items).value("subject") == "Repair"
    assert (await link_of(service, ada)).state is LinkState.LEFT_FILTER


# --- never doubled --------------------------------------------------------------------------------


async def test_a_stamped_copy_without_a_link_is_joined_and_not_doubled():
    """The links are lost, or the mailbox was synchronized by another service before."""
    service, ada = await subscribed("ada")
    ada.add(
        subject="Repair",
        time=at(FUTURE),
        stamps=Stamps(2.0, crm_id=f"{{{ROW.upper()}}}", object_type="4214"),
    )
    planned(service, ada, location="Theirs")
    await service.settle()
    assert only(ada.items).value("location") == "Theirs"
    assert (await link_of(service, ada)).linked
    assert list(service.dynamics.rows) == [ROW]


async def test_lost_links_and_cursors_find_every_copy_again():
    service, ada = await settled("ada")
    before = only(ada.items)
    await service.services.store.delete_mailbox(ada.id)
    await service.run_pass(ada, "enable")
    service.dynamics.edit(ROW, subject="Repair, moved")
    await service.settle()
    assert only(ada.items).id == before.id
    assert only(ada.items).value("subject") == "Repair, moved"


@rule("LNK-7")
async def test_a_copied_copy_is_left_alone_and_becomes_no_appointment():
    service, ada = await settled("ada")
    event = only(ada.items)
    ada.add(subject="Repair, pasted", time=at(FUTURE), stamps=event.stamps, categories=event.categories)
    await service.settle()
    assert list(service.dynamics.rows) == [ROW]
    assert len(ada.items) == 2


@rule("APPT-38")
async def test_the_copy_of_a_row_that_is_gone_becomes_no_appointment():
    service, ada = await subscribed("ada")
    stamps = Stamps(2.0, crm_id=ROW, object_type="4214")
    ada.add(subject="Repair", time=at(FUTURE), stamps=stamps, categories=(CATEGORY,))
    await service.settle()
    assert not service.dynamics.rows


@rule("APPT-38")
async def test_a_copy_made_a_series_in_outlook_stays_the_copy_of_one_service_appointment():
    service, ada = await settled("ada")
    event = only(ada.items)
    pattern = {
        "pattern": {"type": "daily", "interval": 1},
        "range": {"type": "numbered", "startDate": "2026-03-05", "numberOfOccurrences": 3, "zone": "UTC"},
    }
    ada.edit(event.id, recurrence=pattern)
    await service.settle()
    service.dynamics.edit(ROW, subject="Repair, moved")
    await service.settle()
    assert list(service.dynamics.rows) == [ROW]
    assert only(ada.items).value("subject") == "Repair"
    service.dynamics.remove(ROW)
    await service.settle()
    assert event.id in ada.items


# --- organizations without service scheduling -----------------------------------------------------


async def test_an_organization_without_service_scheduling_is_no_trouble():
    service = Service()
    service.dynamics.service_scheduling = False
    ada = service.person("ada", 1)
    await service.subscribe(ada)
    ada.add(subject="Kick-off", time=at(FUTURE), categories=(CATEGORY,))
    await service.settle()
    assert len(service.dynamics.rows) == 1
    assert (await service.services.feeds.cursors(FEED))[SERVICE].link == ""
    service.dynamics.service_scheduling = True
    await service.settle()
    planned(service, ada)
    await service.settle()
    assert len(ada.items) == 2


async def test_a_table_that_vanishes_takes_no_copy_with_it():
    service, ada = await settled("ada")
    service.dynamics.service_scheduling = False
    ada.edit(only(ada.items).id, subject="My own words")
    await service.run_pass(ada, "enable")
    await service.settle()
    assert only(ada.items).value("subject") == "My own words"
    assert (await link_of(service, ada)).linked


# --- cost -----------------------------------------------------------------------------------------


async def test_an_idle_pass_asks_nothing_about_service_appointments():
    service, ada = await settled("ada")
    service.dynamics.asked_for_services = 0
    await service.read_feed()
    await service.run_pass(ada)
    assert service.dynamics.asked_for_services == 0
    service.dynamics.edit(ROW, subject="Repair, moved")
    await service.settle()
    assert service.dynamics.asked_for_services == 2


# --- crashes --------------------------------------------------------------------------------------


async def created(service, ada, bob):
    planned(service, ada, bob)


async def edited(service, ada, bob):
    planned(service, ada, bob)
    await service.settle()
    ada.edit(only(ada.items).id, location="My van")
    service.dynamics.edit(ROW, subject="Repair, moved", regarding={"table": "account", "id": ROW})


async def left(service, ada, bob):
    planned(service, ada, bob)
    await service.settle()
    service.dynamics.set_parties(ROW, party(service, bob))


async def removed(service, ada, bob):
    planned(service, ada, bob)
    await service.settle()
    service.dynamics.remove(ROW)


async def deleted_in_outlook(service, ada, bob):
    planned(service, ada, bob)
    await service.settle()
    ada.remove(only(ada.items).id)


async def outcome(service, *boxes):
    shown = ("subject", "body", "location", "time", "showAs", "attendees")
    copies = [
        sorted(
            str([e.value(name) for name in shown] + [e.categories, e.stamps.link_state])
            for e in box.items.values()
        )
        for box in boxes
    ]
    links = []
    for box in boxes:
        link = await link_of(service, box)
        links.append((link.state, link.exchange_id in box.items))
    return copies, links, sorted(service.dynamics.rows), service.exchange.mails


@rule("APPT-37", "LNK-11")
@pytest.mark.parametrize(
    "story", [created, edited, left, removed, deleted_in_outlook], ids=lambda story: story.__name__
)
async def test_killed_between_any_two_steps_every_copy_ends_the_same(story):
    await assert_deaths_change_nothing(story, outcome, "ada", "bob")


async def test_two_workers_in_one_mailbox_make_one_copy():
    service, ada, _ = await told(created, "ada", "bob")
    await service.read_feed()
    await service.run_pass(ada)
    steps = len(service.steps)
    for number in range(1, steps + 1):
        service, ada, _ = await told(created, "ada", "bob")
        await service.read_feed()
        await overtaken(service, ada, number)
        await service.settle()
        assert len(ada.items) == 1, f"overtaken at step {number}"
        assert (await link_of(service, ada)).linked


@pytest.mark.parametrize(
    ("write", "story"),
    [
        ("create_event", created),
        ("update_event", edited),
        ("mark_event", edited),
        ("mark_event", left),
        ("delete_event", removed),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
async def test_a_lost_answer_is_read_back(write, story):
    await assert_a_lost_answer_changes_nothing(write, story, outcome, "ada", "bob")
