"""What of contacts and tasks goes which way: conflicts, directions, secured columns, addresses, company."""

from __future__ import annotations

from dataclasses import replace

from shared.model.decision import ActionKind
from shared.model.personal import CreateItem, CreateRecord, FieldRights, Match
from shared.model.profile import ContactAddresses, Profile
from shared.model.values import Direction, Side
from shared.rules.personal_situation import PersonalSituation
from tests.marks import rule
from tests.rules.build import context
from tests.rules.personal_build import (
    LINKED,
    contact,
    contact_row,
    decided,
    done,
    linked,
    pair,
    task,
    task_row,
)

THREE = Profile(contact_addresses=ContactAddresses.THREE)
STREET = {"street": "1 Main St", "city": "Springfield"}


def changed(decision, side):
    """What is written to that side."""
    action = done(decision, ActionKind.UPDATE, side)
    return dict(action.after) if action else {}


@rule("LNK-10")
def test_two_edits_of_different_fields_both_arrive():
    decision = decided(pair(contact(mobilePhone="1", stamps=LINKED), contact_row(jobTitle="CEO")))
    assert changed(decision, Side.DYNAMICS) == {"mobilePhone": "1"}
    assert changed(decision, Side.EXCHANGE) == {"jobTitle": "CEO"}
    assert not decision.lost


@rule("LNK-10")
def test_of_two_edits_of_one_field_dynamics_wins_and_the_loser_is_told():
    decision = decided(pair(contact(jobTitle="CFO", stamps=LINKED), contact_row(jobTitle="CEO")))
    assert changed(decision, Side.EXCHANGE) == {"jobTitle": "CEO"}
    assert changed(decision, Side.DYNAMICS) == {}
    assert decision.lost == {"jobTitle": "CFO"}


@rule("FLD-33", "FLD-34")
def test_a_field_that_goes_one_way_stays_in_outlook_until_dynamics_changes_it():
    profile = Profile(directions={"contact": {"jobTitle": Direction.TO_EXCHANGE}})
    edited = pair(contact(jobTitle="CFO", stamps=LINKED))
    decision = decided(edited, context(profile=profile))
    assert decision.actions == ()
    assert [skip.fields for skip in decision.skips] == [("jobTitle",)]
    both = pair(contact(jobTitle="CFO", stamps=LINKED), contact_row(jobTitle="CEO"))
    decision = decided(both, context(profile=profile))
    assert changed(decision, Side.EXCHANGE) == {"jobTitle": "CEO"}
    assert decision.lost == {"jobTitle": "CFO"}


@rule("FLD-35", "FAQ-3")
def test_what_the_user_may_not_change_stays_in_outlook_and_is_explained():
    closed = FieldRights(not_updatable=frozenset({"mobilephone"}))
    edited = replace(pair(contact(mobilePhone="1", jobTitle="CFO", stamps=LINKED)), rights=closed)
    decision = decided(edited)
    assert changed(decision, Side.DYNAMICS) == {"jobTitle": "CFO"}
    assert "mobilePhone" in decision.skips[0].fields
    assert "change" in decision.skips[0].reason


@rule("FLD-35")
def test_what_the_user_may_not_read_is_not_sent():
    closed = FieldRights(unreadable=frozenset({"mobilephone"}))
    hidden = replace(
        pair(contact(mobilePhone="1", stamps=LINKED), contact_row(mobilePhone="")), rights=closed
    )
    assert changed(decided(hidden), Side.EXCHANGE) == {}
    new = PersonalSituation("contact", record=contact_row(mobilePhone="9"), in_filter=True, rights=closed)
    create = done(decided(new), ActionKind.CREATE, Side.EXCHANGE).write
    assert isinstance(create, CreateItem)
    assert "mobilePhone" not in create.values


@rule("FLD-35")
def test_what_the_user_may_not_fill_in_is_left_out_of_a_new_row():
    closed = FieldRights(not_creatable=frozenset({"mobilephone"}))
    new = PersonalSituation("contact", item=contact(mobilePhone="1"), rights=closed)
    decision = decided(new)
    create = done(decision, ActionKind.CREATE, Side.DYNAMICS).write
    assert isinstance(create, CreateRecord)
    assert "mobilePhone" not in create.values
    assert decision.skips[0].fields == ("mobilePhone",)


@rule("CONT-2", "X-4", "FLD-31", "FLD-32")
def test_with_one_address_only_the_business_address_travels():
    outlook = contact(businessAddress=STREET, homeAddress=STREET, otherAddress=STREET, stamps=LINKED)
    assert changed(decided(pair(outlook)), Side.DYNAMICS) == {"businessAddress": STREET}


@rule("CONT-2")
def test_before_three_addresses_are_used_all_of_them_go_into_the_history_and_none_is_lost():
    other = {"street": "2 Side St", "city": "Shelbyville"}
    outlook = contact(homeAddress=STREET, otherAddress=STREET, stamps=LINKED)
    decision = decided(pair(outlook, contact_row(homeAddress=other)), context(profile=THREE))
    snapshot = decision.actions[0]
    assert snapshot.before["exchange.homeAddress"] == STREET
    assert snapshot.before["dynamics.homeAddress"] == other
    assert changed(decision, Side.EXCHANGE) == {"homeAddress": other}  # Dynamics is pushed once
    assert changed(decision, Side.DYNAMICS) == {"otherAddress": STREET}  # empty never beats filled
    assert decision.lost == {"homeAddress": STREET}
    again = decided(replace(pair(outlook), link=decision.link), context(profile=THREE))
    assert all(action.before.get("exchange.homeAddress") is None for action in again.actions)


@rule("CONT-6", "FLD-21")
def test_the_parents_name_is_written_into_company_and_a_typed_company_sets_no_parent():
    account = {"table": "account", "id": "99999999-9999-9999-9999-999999999999"}
    decision = decided(pair(record=contact_row(company="Fabrikam", regarding=account)))
    assert changed(decision, Side.EXCHANGE) == {"company": "Fabrikam"}
    typed = decided(pair(contact(company="Fabrikam", stamps=LINKED)))
    assert changed(typed, Side.DYNAMICS) == {}
    forbidden = context(profile=Profile(company_from_parent=False))
    decision = decided(pair(record=contact_row(company="Fabrikam", regarding=account)), forbidden)
    assert changed(decision, Side.EXCHANGE) == {}


@rule("X-6", "EMI-17")
def test_the_category_tracks_contacts_unless_the_profile_switches_that_off():
    new = PersonalSituation("contact", item=contact())
    assert done(decided(new), ActionKind.CREATE, Side.DYNAMICS)
    off = context(profile=Profile(track_categorized_contacts=False))
    assert decided(new, off).actions == ()
    tasks = PersonalSituation("task", item=task())
    assert done(decided(tasks, off), ActionKind.CREATE, Side.DYNAMICS)


@rule("SET-12")
def test_no_category_tracks_anything_where_the_organization_says_so():
    for kind, item in (("contact", contact()), ("task", task())):
        decision = decided(PersonalSituation(kind, item=item), context(TrackCategorizedItems=False))
        assert decision.actions == ()


@rule("SET-22", "CONT-8")
def test_a_contact_that_nobody_could_tell_is_not_made_unless_the_organization_does_not_mind():
    nobody = PersonalSituation("contact", item=contact(name={}, email1="", display_name=""))
    assert decided(nobody).actions == ()
    assert "SET-22" in decided(nobody).skips[0].rules
    assert decided(nobody, context(ValidateContactBeforeTracking=False)).actions


@rule("SET-11", "LNK-7")
def test_a_copy_is_left_alone_unless_the_organization_wants_it_as_new():
    copy = PersonalSituation("contact", item=contact(stamps=LINKED), copy_of="contact-0")
    assert decided(copy).actions == ()
    assert done(
        decided(copy, context(IgnoreCopiedItemsInSSSForMailbox=False)), ActionKind.CREATE, Side.DYNAMICS
    )


@rule("LNK-6", "MBX-12")
def test_an_item_of_another_organization_is_left_alone():
    foreign = replace(LINKED, org_id="aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa")
    assert decided(PersonalSituation("contact", item=contact(stamps=foreign))).actions == ()


@rule("FLT-1", "FLT-4", "FLT-6")
def test_a_row_comes_to_exchange_only_when_it_matches_a_filter():
    row = PersonalSituation("contact", record=contact_row(), in_filter=False)
    assert decided(row).actions == ()
    assert done(decided(replace(row, in_filter=True)), ActionKind.CREATE, Side.EXCHANGE)


@rule("CONT-9", "CONT-8")
def test_who_may_be_somebody_else_waits_until_an_administrator_has_said():
    twin = Match(Side.DYNAMICS, "row-1", "Mary Jones (Fabrikam)")
    new = PersonalSituation("contact", item=contact(), matches=(twin,))
    asked = decided(new)
    assert asked.actions == ()
    assert asked.asks.candidates == (twin,)
    assert done(decided(replace(new, apart=True)), ActionKind.CREATE, Side.DYNAMICS)
    out = decided(replace(new, kept_out=True))
    assert (out.actions, out.link.state.ended) == ((), True)
    found = replace(new, matches=(), duplicate=True)
    assert decided(found).asks is not None
    create = done(decided(replace(found, apart=True)), ActionKind.CREATE, Side.DYNAMICS).write
    assert not create.detect_duplicates


@rule("TASK-12", "X-5")
def test_a_recurring_task_is_left_alone_and_one_made_in_outlook_is_not():
    recurring = PersonalSituation("task", item=task(recurring=True))
    assert decided(recurring).actions == ()
    assert "TASK-12" in decided(recurring).skips[0].rules
    became = pair(task(recurring=True, subject="Weekly", stamps=LINKED), task_row())
    assert (decided(became).actions, decided(became).link.linked) == ((), True)
    assert decided(PersonalSituation("task", item=task())).actions


@rule("TASK-6", "X-3", "FLD-36")
def test_a_reminder_goes_to_outlook_with_the_due_time_and_never_comes_back():
    new = PersonalSituation("task", record=task_row(due="2026-03-04T15:00:00Z"), in_filter=True)
    assert done(decided(new), ActionKind.CREATE, Side.EXCHANGE).write.reminder == "2026-03-04T15:00:00Z"
    old = PersonalSituation("task", record=task_row(due="2026-03-01T09:00:00Z"), in_filter=True)
    assert done(decided(old), ActionKind.CREATE, Side.EXCHANGE).write.reminder is None
    switched_off = pair(task(reminder_on=False, stamps=LINKED), task_row())
    assert decided(switched_off).actions == ()


CLOSED = {"status": [1, 5], "completed": "2026-03-01T08:15:00Z", "percent": 100}
DONE = {"status": "completed", "completed": "2026-03-01", "percent": None}


@rule("TASK-9", "TASK-3", "FLD-19")
def test_opened_again_in_dynamics_it_is_open_in_exchange_whatever_per_cent_was_left_behind():
    """Dynamics leaves it at 100 when somebody opens a row again; an end that was not cleared says that it is
    done."""
    before = linked(task(**DONE, stamps=LINKED), task_row(**CLOSED))
    for left, cleared in (({"percent": 100}, {"percent": 0}), ({}, {})):
        edited = pair(task(**DONE, stamps=LINKED), task_row(status=[0, 2], **left))
        decision = decided(replace(edited, link=before))
        assert changed(decision, Side.EXCHANGE)["status"] == "notStarted"
        assert changed(decision, Side.DYNAMICS) == cleared
        both = pair(task(stamps=LINKED), task_row(status=[0, 2], **left))
        assert changed(decided(replace(both, link=before)), Side.DYNAMICS) == cleared
    ended = pair(task(**DONE, stamps=LINKED), task_row(**{**CLOSED, "status": [0, 2]}))
    assert changed(decided(replace(ended, link=before)), Side.EXCHANGE) == {}


@rule("TASK-9", "TASK-4")
def test_an_open_row_that_somebody_finished_since_counts_as_done():
    decision = decided(pair(task(stamps=LINKED), task_row(percent=100)))
    assert done(decision, ActionKind.COMPLETE, Side.EXCHANGE)
    left = linked(task(**DONE, stamps=LINKED), task_row(**{**CLOSED, "percent": 40}))
    finished = replace(pair(task(**DONE, stamps=LINKED), task_row(percent=100)), link=left)
    assert changed(decided(finished), Side.EXCHANGE) == {}
