"""The brake on the road: a mass of deletions or mails waits, and an answer is about what was asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.engine.ports import Changes, HeldRow
from tests.doubles.service import Killed
from tests.doubles.stories import only
from tests.doubles.world import EPOCH
from tests.marks import rule
from tests.rules.build import CATEGORY, at

ROW = "66666666-6666-4666-8666-666666666666"
TRACKED = (CATEGORY,)
FUTURE = EPOCH + timedelta(days=3)


@rule("FLT-10", "PAIN-1")
async def test_a_mass_deletion_waits_and_go_on_carries_it_out(service, ada):
    events = [ada.add(subject=f"Item {n}", time=at(FUTURE), categories=TRACKED) for n in range(30)]
    await service.settle()
    assert len(service.dynamics.rows) == 30
    for event in events:
        ada.remove(event.id)
    await service.settle()
    assert len(service.dynamics.rows) == 30
    (question,) = await service.services.decisions.of_mailbox(ada.id)
    assert question.kind == "brake"
    await service.services.decisions.put(replace(question, answer="go-on"))
    await service.settle()
    assert not service.dynamics.rows
    assert not await service.services.decisions.of_mailbox(ada.id)


@rule("FLT-10", "PAIN-1")
async def test_what_is_deleted_while_a_pass_writes_to_it_is_weighed_by_the_next(service, ada):
    """Each write finds that its row is gone; 30 deletions one by one would be no less than 30 at once."""
    events = [ada.add(subject=f"Item {n}", time=at(FUTURE), categories=TRACKED) for n in range(30)]
    await service.settle()
    for event in events:
        ada.edit(event.id, subject=f"{event.value('subject')}, changed")
    step = service.services.on_step

    async def all_go(name):
        for row in list(service.dynamics.rows) if name == "claimed" else ():
            service.dynamics.remove(row)
        await step(name)

    service.services = replace(service.services, on_step=all_go)
    await service.run_pass(ada)
    assert not service.dynamics.rows
    assert len(ada.items) == 30
    await service.settle()
    assert len(ada.items) == 30
    (question,) = await service.services.decisions.of_mailbox(ada.id)
    await service.services.decisions.put(replace(question, answer="go-on"))
    await service.settle()
    assert not ada.items


@rule("APPT-25", "PAIN-1")
async def test_one_that_is_deleted_while_a_pass_writes_to_it_goes_with_the_next(service, ada):
    """Though nobody says that the row is gone: what the link remembers of it is not believed twice."""
    event = ada.add(subject="Kick-off", time=at(FUTURE), categories=TRACKED)
    await service.settle()
    ada.edit(event.id, subject="Kick-off, moved")
    service.dynamics.remove(only(service.dynamics.rows).id)
    await service.run_pass(ada)
    assert ada.items
    await service.run_pass(ada)
    assert not ada.items


async def test_a_dropped_mass_deletion_keeps_everything(service, ada):
    events = [ada.add(subject=f"Item {n}", time=at(FUTURE), categories=TRACKED) for n in range(30)]
    await service.settle()
    for event in events:
        ada.remove(event.id)
    await service.settle()
    (question,) = await service.services.decisions.of_mailbox(ada.id)
    await service.services.decisions.put(replace(question, answer="drop"))
    await service.settle()
    assert len(service.dynamics.rows) == 30
    assert not await service.services.decisions.of_mailbox(ada.id)


async def mass_deletion(service, ada, count=30):
    """Deleted in Exchange, and asked about; as many more are there."""
    events = [ada.add(subject=f"Item {n}", time=at(FUTURE), categories=TRACKED) for n in range(2 * count)]
    await service.settle()
    for event in events[:count]:
        ada.remove(event.id)
    await service.settle()
    (question,) = await service.services.decisions.of_mailbox(ada.id)
    return question, events[count:]


async def answer(service, ada, question, word):
    await service.services.decisions.put(replace(question, answer=word))
    await service.settle()
    return await service.services.decisions.of_mailbox(ada.id)


@rule("FLT-10", "PAIN-1")
async def test_an_answer_is_about_what_was_asked_and_not_about_what_came_since(service, ada):
    question, others = await mass_deletion(service, ada)
    for event in others:
        ada.remove(event.id)
    await service.settle()
    assert len(service.dynamics.rows) == 60
    (second,) = await answer(service, ada, question, "go-on")
    assert len(service.dynamics.rows) == 30, "those that were asked about, and no more"
    assert second.id != question.id
    assert "30 items" in second.question
    assert not await answer(service, ada, second, "go-on")
    assert not service.dynamics.rows


@rule("FLT-10", "PAIN-2")
@pytest.mark.parametrize(("word", "rows"), [("go-on", 30), ("drop", 60)])
async def test_what_came_while_a_question_was_open_is_done_when_it_is_answered(service, ada, word, rows):
    question, _ = await mass_deletion(service, ada)
    guests = [["guest@fabrikam.example", "required"]]
    organizer = service.dynamics.users[ada.address]
    service.dynamics.add(ROW, organizer, subject="Demo", time=at(FUTURE), attendees=guests)
    await service.settle()
    assert not service.exchange.mails
    assert not await answer(service, ada, question, word)
    assert service.exchange.mails == [("invitation", "guest@fabrikam.example")]
    assert len(service.dynamics.rows) == rows + 1


@rule("FLT-10")
@pytest.mark.parametrize("beside", [False, True])
async def test_a_pass_that_died_between_its_question_and_what_it_holds_is_answered_all_the_same(
    service, ada, beside
):
    """``beside``: something else waits for a word of its own."""
    for number in range(30):
        ada.add(subject=f"Item {number}", time=at(FUTURE), categories=TRACKED)
    await service.settle()
    for event in list(ada.items):
        ada.remove(event)
    alive = service.services

    async def dies(name):
        if name == "asked":
            raise Killed(name)

    service.services = replace(alive, on_step=dies)
    with pytest.raises(Killed):
        await service.settle()
    service.services = alive
    if beside:
        store = alive.store
        found = await store.agenda(ada.id, inbox_limit=1)
        deadline = alive.now() + timedelta(minutes=1)
        fence = await store.claim(ada.id, found.fence, deadline=deadline, lane="sync")
        await store.commit(fence, Changes(held_added=[HeldRow("event", "another", "its own question")]))
        service.clock.forward(120)
    await service.settle()
    (question,) = await service.services.decisions.of_mailbox(ada.id)
    assert len(service.dynamics.rows) == 30
    assert not await answer(service, ada, question, "go-on")
    assert not service.dynamics.rows


async def test_invitations_that_were_dropped_are_never_sent(service, ada):
    guests = sorted([f"guest{n}@fabrikam.example", "required"] for n in range(201))
    organizer = service.dynamics.users[ada.address]
    service.dynamics.add(ROW, organizer, subject="All hands", time=at(FUTURE), attendees=guests)
    await service.settle()
    (question,) = await service.services.decisions.of_mailbox(ada.id)
    assert not service.exchange.mails
    await service.services.decisions.put(replace(question, answer="drop"))
    await service.settle()
    service.dynamics.edit(ROW, location="Hall")
    await service.settle()
    assert not ada.items
    assert not service.exchange.mails
