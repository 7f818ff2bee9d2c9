"""The brake: unusually many deletions, cancellations, unlinks or mails wait for an administrator."""

from __future__ import annotations

from dataclasses import replace

from shared.model.appointment import Absence
from shared.model.profile import Brake
from shared.rules.brake import apply_brake, people_mailed
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


def test_harmless_items_go_on_while_grave_ones_wait():
    harmless = decided(AppointmentSituation(event=event()))
    braked = apply_brake([*deletions(30), harmless], Brake(), frozenset(), waiting=False)
    assert braked.go == (harmless,)


def test_what_an_administrator_let_go_is_not_counted_again():
    approved = {f"row-{n}" for n in range(30)}
    assert len(apply_brake(deletions(30), Brake(), approved, waiting=False).go) == 30


def test_while_a_question_is_open_every_grave_item_joins_it():
    assert len(apply_brake(deletions(1), Brake(), frozenset(), waiting=True).held) == 1
