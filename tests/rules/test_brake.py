"""The brake: unusually many deletions, cancellations, unlinks or mails wait for an administrator."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model.appointment import Absence
from shared.model.profile import Brake
from shared.rules.brake import apply_brake, is_graver, people_mailed
from shared.rules.situation import AppointmentSituation
from tests.marks import rule
from tests.rules.build import decided, event, link, row


def deletions(count):
    situation = AppointmentSituation(link=link(), event=event(), record=Absence.PHYSICAL)
    decision = decided(situation)
    return [replace(decision, item=replace(decision.item, dynamics=f"row-{n}")) for n in range(count)]


def invitations(people):
    guests = [[f"guest{n}@fabrikam.example", "required"] for n in range(people)]
    return [decided(AppointmentSituation(record=row(attendees=guests)))]


@rule("FLT-10", "PAIN-1")
def test_up_to_the_limit_everything_goes_and_one_more_stops_all_of_them():
    at_limit = apply_brake(deletions(25), Brake(), frozenset(), waiting=False)
    assert len(at_limit.go) == 25
    over = apply_brake(deletions(26), Brake(), frozenset(), waiting=False)
    assert (len(over.go), len(over.held)) == (0, 26)
    assert "26 items" in over.question


@rule("PAIN-2")
def test_people_mailed_are_counted_once_each_and_stop_the_pass_too():
    assert people_mailed(invitations(3) * 2) == 3
    over = apply_brake(invitations(201), Brake(), frozenset(), waiting=False)
    assert len(over.held) == 1
    assert "mail 201 people: more than 200 people." in over.question


@rule("FLT-10")
@pytest.mark.parametrize(
    ("percent", "linked", "deleted", "stops"),
    [
        (10, 100, 10, False),
        (10, 100, 11, True),
        (10, 20, 3, True),
        (10, 2, 2, False),
        (10, None, 20, False),
        (10, 0, 20, False),
        (1, 1000, 11, True),
        (100, 20, 20, False),
    ],
)
def test_a_pass_that_would_lose_more_than_a_part_of_what_is_linked_asks(percent, linked, deleted, stops):
    """Not of a mailbox with two contacts; and all of it may go where the limit is 100 %."""
    brake = Brake(percent=percent)
    braked = apply_brake(deletions(deleted), brake, frozenset(), waiting=False, linked=linked)
    assert len(braked.held) == (deleted if stops else 0)
    assert (f"more than {percent} % of the {linked} items" in braked.question) is stops


@rule("FLT-10")
def test_graver_is_what_deletes_or_mails_where_that_was_not_foreseen():
    (deletion,), (mails,), (more,) = deletions(1), invitations(2), invitations(3)
    harmless = replace(deletion, actions=())
    assert is_graver(deletion, harmless)
    assert is_graver(deletion, mails)
    assert is_graver(more, mails)
    assert not is_graver(mails, more)
    assert not is_graver(deletion, deletion)
    assert not is_graver(harmless, deletion)


@rule("FLT-10")
def test_what_an_administrator_let_go_is_no_part_of_what_is_lost():
    approved = {f"row-{n}" for n in range(8)}
    rest = apply_brake(deletions(11), Brake(percent=10), approved, waiting=False, linked=20)
    assert len(rest.held) == 3
    fewer = apply_brake(deletions(10), Brake(percent=10), approved, waiting=False, linked=20)
    assert not fewer.held


@rule("FLT-10", "PAIN-1")
def test_the_question_names_every_limit_that_would_be_exceeded():
    question = apply_brake(deletions(26), Brake(percent=50), frozenset(), waiting=False, linked=30).question
    assert question == (
        "One pass would delete, cancel or unlink 26 items and mail 0 people: more than 25 items and "
        "more than 50 % of the 30 items that the mailbox has linked. Go on?"
    )


def test_harmless_items_go_on_while_grave_ones_wait():
    harmless = decided(AppointmentSituation(event=event()))
    braked = apply_brake([*deletions(30), harmless], Brake(), frozenset(), waiting=False)
    assert braked.go == (harmless,)


def test_what_an_administrator_let_go_is_not_counted_again():
    approved = {f"row-{n}" for n in range(30)}
    assert len(apply_brake(deletions(30), Brake(), approved, waiting=False).go) == 30


def test_while_a_question_is_open_every_grave_item_waits():
    braked = apply_brake(deletions(1), Brake(), frozenset(), waiting=True)
    assert len(braked.held) == 1
    assert "an earlier question is still open" in braked.question
