"""How contacts and tasks end: deleted, untracked, out of the filter, by which rule and with what left
behind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model.appointment import Absence
from shared.model.decision import ActionKind
from shared.model.event import Stamps
from shared.model.link import LinkState
from shared.model.personal import FAX, LETTER, PHONE_CALL, TASK, MarkItem
from shared.model.profile import ContactDeletion, Profile
from shared.model.values import Side
from tests.marks import rule
from tests.rules.build import context
from tests.rules.personal_build import (
    LINKED,
    THEIRS,
    contact,
    contact_row,
    decided,
    done,
    pair,
    task,
    task_row,
)

DELETING = Profile(contact_deletion=ContactDeletion.DELETE_OWNED)


def with_settings(**settings):
    return context(**settings)


def with_profile(profile):
    return context(profile=profile)


# --- deleted in Dynamics ------------------------------------------------------------------------------


@rule("CONT-3")
def test_a_contact_deleted_in_dynamics_goes_from_mailboxes_of_those_who_did_not_own_it():
    ours = decided(replace(pair(), record=Absence.PHYSICAL))
    assert done(ours, ActionKind.DELETE, Side.EXCHANGE) is None
    assert done(ours, ActionKind.UNLINK, Side.EXCHANGE)
    assert ours.link.state is LinkState.DELETED_IN_DYNAMICS
    theirs = decided(replace(pair(owned=False), record=Absence.PHYSICAL))
    deletion = done(theirs, ActionKind.DELETE, Side.EXCHANGE)
    assert "CONT-3" in deletion.rules
    assert deletion.before["email1"] == "mary@fabrikam.example"  # her values can be put back
    assert theirs.link.state is LinkState.DELETED


@rule("TASK-10")
def test_a_task_deleted_in_dynamics_goes_unless_it_is_completed_in_exchange():
    openly = decided(replace(pair(task(stamps=LINKED), task_row()), record=Absence.PHYSICAL))
    assert "TASK-10" in done(openly, ActionKind.DELETE, Side.EXCHANGE).rules
    completed = task(status="completed", completed="2026-03-01", stamps=LINKED)
    kept = decided(replace(pair(completed, task_row()), record=Absence.PHYSICAL))
    assert done(kept, ActionKind.DELETE, Side.EXCHANGE) is None
    assert kept.link.state is LinkState.DELETED_IN_DYNAMICS


# --- deleted in Exchange ------------------------------------------------------------------------------


@rule("X-2")
def test_a_contact_deleted_in_exchange_is_only_unlinked_unless_the_policy_says_otherwise():
    gone = replace(pair(), item=None, item_gone=True)
    decision = decided(gone)
    assert done(decision, ActionKind.DELETE, Side.DYNAMICS) is None
    assert decision.link.state is LinkState.DELETED_IN_EXCHANGE
    assert "X-2" in decision.link.rules


@rule("CONT-4")
def test_the_policy_deletes_rows_that_the_user_owns_and_no_others():
    gone = replace(pair(), item=None, item_gone=True)
    assert done(decided(gone, with_profile(DELETING)), ActionKind.DELETE, Side.DYNAMICS)
    others = replace(gone, record=contact_row(owner=THEIRS))
    decision = decided(others, with_profile(DELETING))
    assert done(decision, ActionKind.DELETE, Side.DYNAMICS) is None
    assert "owned by somebody else" in decision.link.reason


@rule("TASK-11", "SET-4")
@pytest.mark.parametrize("table", [TASK, PHONE_CALL, LETTER, FAX])
@pytest.mark.parametrize(
    ("setting", "status", "deleted"),
    [(0, [0, 1], True), (0, [1, 2], True), (1, [0, 1], True), (1, [1, 2], False), (2, [0, 1], False)],
)
def test_a_task_deleted_in_exchange_is_deleted_in_dynamics_as_the_setting_says(
    table, setting, status, deleted
):
    if table == TASK:
        status = [status[0], 5 if status[0] else 2]
    situation = pair(task(stamps=LINKED), task_row(table=table))
    gone = replace(situation, item=None, item_gone=True, record=task_row(table=table, status=status))
    decision = decided(gone, with_settings(SSSTaskDeletionSyncBehaviorFromExchange=setting))
    assert bool(done(decision, ActionKind.DELETE, Side.DYNAMICS)) is deleted


def test_gone_on_both_sides_is_nobodys_business_any_more():
    decision = decided(replace(pair(), item=None, item_gone=True, record=Absence.PHYSICAL))
    assert (decision.actions, decision.link.state) == ((), LinkState.DELETED)


# --- the filter ---------------------------------------------------------------------------------------


@rule("FLT-10", "SET-1", "PAIN-1")
def test_leaving_the_filter_only_unlinks_unless_the_organization_does_not_tell_the_two_apart():
    left = replace(pair(record=contact_row(owner=THEIRS)), in_filter=False)
    decision = decided(left)
    assert done(decision, ActionKind.UNLINK, Side.EXCHANGE)
    assert done(decision, ActionKind.DELETE, Side.EXCHANGE) is None
    assert decision.link.state is LinkState.LEFT_FILTER
    apart = with_settings(DistinctPhysicalAndLogicalDeletesForExchangeSync=False)
    assert done(decided(left, apart), ActionKind.DELETE, Side.EXCHANGE)


@rule("CONT-5")
def test_a_contact_that_was_given_away_is_told_so_by_its_rule():
    given = replace(pair(record=contact_row(owner=THEIRS)), in_filter=False)
    assert "CONT-5" in decided(given).link.rules
    deactivated = replace(pair(record=contact_row(status=[1, 2])), in_filter=False)
    assert "CONT-5" not in decided(deactivated).link.rules


@rule("CONT-3", "SET-1")
def test_the_owners_copy_is_kept_when_a_row_of_his_leaves_the_filter_whatever_the_setting():
    deactivated = replace(pair(record=contact_row(status=[1, 2])), in_filter=False)
    apart = with_settings(DistinctPhysicalAndLogicalDeletesForExchangeSync=False)
    assert done(decided(deactivated, apart), ActionKind.DELETE, Side.EXCHANGE) is None


@rule("FLT-6")
def test_only_what_matched_once_can_leave():
    never = replace(pair(inFilter=False), in_filter=False)
    assert decided(never).link.linked
    assert decided(never).actions == ()


@rule("FLT-10")
def test_what_the_user_may_not_read_any_more_counts_as_having_left():
    decision = decided(replace(pair(), record=Absence.ACCESS))
    assert decision.link.state is LinkState.LEFT_FILTER
    assert done(decision, ActionKind.DELETE, Side.EXCHANGE) is None


@rule("TASK-3")
def test_a_completed_task_of_mine_does_not_leave_the_filter_and_is_completed_in_exchange():
    completed = task_row(status=[1, 5], completed="2026-03-02T10:00:00Z", percent=100)
    decision = decided(replace(pair(task(stamps=LINKED), completed), in_filter=False))
    assert decision.link.linked
    update = done(decision, ActionKind.COMPLETE, Side.EXCHANGE)
    assert update.after["status"] == "completed"


@rule("FLT-6", "LNK-8")
def test_what_left_the_filter_comes_back_when_it_matches_again_and_what_a_person_ended_does_not():
    left = decided(replace(pair(record=contact_row(owner=THEIRS)), in_filter=False)).link
    bare = contact(categories=(), stamps=Stamps(link_state=0.0))
    again = replace(pair(), link=left, item=bare, in_filter=True)
    assert decided(again).link.linked
    assert decided(again).link.generation == left.generation
    untracked = decided(pair(contact(categories=(), stamps=LINKED))).link
    assert untracked.state is LinkState.UNTRACKED
    assert decided(replace(again, link=untracked)).link.state is LinkState.UNTRACKED


# --- an administrator says no -------------------------------------------------------------------------


@rule("FLT-10")
def test_a_no_to_the_brake_deletes_and_unlinks_nothing():
    gone = replace(pair(), item=None, item_gone=True, dropped=True)
    decision = decided(gone, with_profile(DELETING))
    assert done(decision, ActionKind.DELETE, Side.DYNAMICS) is None
    deleted = decided(replace(pair(owned=False), record=Absence.PHYSICAL, dropped=True))
    assert done(deleted, ActionKind.DELETE, Side.EXCHANGE) is None
    left = replace(pair(), in_filter=False, dropped=True)
    stays = decided(left)
    assert (stays.actions, stays.link.linked) == ((), True)
    assert decided(replace(left, dropped=False, link=stays.link)).actions == ()


# --- untracked ----------------------------------------------------------------------------------------


@rule("EMI-17", "LNK-8")
def test_taking_the_category_off_ends_the_link_and_keeps_both():
    decision = decided(pair(contact(categories=(), stamps=LINKED)))
    write = done(decision, ActionKind.UNLINK, Side.EXCHANGE).write
    assert isinstance(write, MarkItem)
    assert write.stamps == Stamps(link_state=0.0)
    assert decision.link.generation == 2


@rule("FLT-10", "LNK-8")
def test_of_an_item_that_a_pass_had_begun_to_unlink_for_an_administrator_the_rest_goes_too():
    """Its link was never finished, its row is gone, and the category went before the worker died."""
    begun = replace(pair(task(stamps=LINKED), task_row()).link, state=LinkState.CREATING, exchange_id=None)
    half = replace(pair(task(stamps=LINKED), task_row()), link=begun, item=task(stamps=LINKED, categories=()))
    gone = replace(half, record=Absence.PHYSICAL)
    decision = decided(replace(gone, dropped=True))
    assert done(decision, ActionKind.UNLINK, Side.EXCHANGE).write.stamps == Stamps(link_state=0.0)
    assert decision.link.state is LinkState.DELETED_IN_DYNAMICS
    assert decided(gone).link.state is LinkState.UNTRACKED, "nobody was asked: a person untracked it"


@rule("LNK-4", "LNK-8")
def test_an_item_that_turns_up_after_its_row_went_is_deleted_unless_it_was_let_go():
    """Of its creation nothing was noted; a pass that died had unlinked it."""
    late = replace(pair(task(stamps=LINKED), task_row()), record=Absence.PHYSICAL)
    nameless = replace(late, link=replace(late.link, state=LinkState.DELETED, exchange_id=None))
    assert done(decided(nameless), ActionKind.DELETE, Side.EXCHANGE)
    let_go = task(stamps=replace(LINKED, link_state=0.0), categories=())
    assert decided(replace(nameless, item=let_go)).actions == ()
