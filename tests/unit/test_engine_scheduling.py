"""Scheduling conflicts on the whole road: saved with a warning, or waiting for an administrator's answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.engine import questions
from shared.model.link import LinkState
from shared.model.profile import Profile
from shared.model.scheduling import SchedulingPolicy
from tests.doubles.service import Killed, Service
from tests.doubles.stories import history, only, settle_with_restarts
from tests.doubles.world import EPOCH
from tests.marks import rule
from tests.rules.build import CATEGORY, at

TRACKED = (CATEGORY,)
FREE_TIME = at(EPOCH + timedelta(days=2))
TAKEN = at(EPOCH + timedelta(days=3))
ALSO_TAKEN = at(EPOCH + timedelta(days=3, minutes=30))


async def prepared(policy):
    service = Service()
    ada = service.person("ada", 1)
    user = service.dynamics.users[ada.address]
    service.dynamics.engaged[user] = ("Ada Example", at(EPOCH + timedelta(days=3), hours=2))
    await service.profile(scheduling_conflicts=policy)
    await service.subscribe(ada)
    await service.settle()
    return service, ada


@pytest.fixture
async def warned():
    return await prepared(SchedulingPolicy.WARN)


@pytest.fixture
async def asked():
    return await prepared(SchedulingPolicy.ASK)


async def waiting(service, box):
    return list(await service.services.decisions.of_mailbox(box.id))


async def answer(service, question, text):
    await service.services.decisions.put(replace(question, answer=text))
    await service.settle()


async def link_of(service, box, event):
    return (await service.services.store.links_by_exchange(box.id, [event.id])).get(event.id)


async def held_items(service, box):
    return [row.id for row in (await service.services.store.agenda(box.id, inbox_limit=0)).held]


async def move_into_the_conflict(service, ada):
    event = ada.add(subject="Demo", time=FREE_TIME, categories=TRACKED)
    await service.settle()
    ada.edit(event.id, time=TAKEN)
    await service.settle()
    return event


# --- warn, save -----------------------------------------------------------------------------------


@rule("APPT-29", "PAIN-4")
async def test_by_default_it_is_saved_and_the_history_says_who_is_busy(warned):
    service, ada = warned
    event = ada.add(subject="Demo", time=TAKEN, categories=TRACKED)
    await service.settle()
    assert only(service.dynamics.rows).value("time") == TAKEN
    (warning,) = [row for row in await history(service, ada, event.id) if row.action == "warn"]
    assert "Ada Example is busy on 2026-03-05 from 12:00 to 13:00" in warning.reason
    assert (warning.rules, warning.outcome) == (("APPT-29",), "done")
    assert not await waiting(service, ada)
    assert service.dynamics.asked == 0


@rule("APPT-29")
async def test_every_move_into_a_conflict_is_warned_about(warned):
    service, ada = warned
    event = await move_into_the_conflict(service, ada)
    ada.edit(event.id, subject="Renamed")
    await service.settle()
    ada.edit(event.id, time=ALSO_TAKEN)
    await service.settle()
    assert only(service.dynamics.rows).value("time") == ALSO_TAKEN
    assert len([row for row in await history(service, ada) if row.action == "warn"]) == 2


@rule("APPT-29")
async def test_with_save_nobody_asks():
    service, ada = await prepared(SchedulingPolicy.SAVE)
    await move_into_the_conflict(service, ada)
    assert only(service.dynamics.rows).value("time") == TAKEN
    assert service.dynamics.asked == 0
    assert not [row for row in await history(service, ada) if row.action == "warn"]


@rule("APPT-29")
@pytest.mark.parametrize("policy", [SchedulingPolicy.WARN, SchedulingPolicy.ASK])
async def test_an_organization_that_cannot_say_is_noted_once_and_all_is_saved(policy):
    service, ada = await prepared(policy)
    service.dynamics.cannot_say = "Dynamics did not say (0x8006088a)"
    for number in range(3):
        ada.add(subject=f"Item {number}", time=TAKEN, categories=TRACKED)
        await service.settle()
    assert len(service.dynamics.rows) == 3
    (note,) = [row for row in await history(service, ada) if row.action == "warn"]
    assert "0x8006088a" in note.reason
    assert (await service.services.registry.get(ada.id)).scheduling_note == service.dynamics.cannot_say
    service.dynamics.cannot_say = ""
    ada.add(subject="Then", time=FREE_TIME, categories=TRACKED)
    await service.settle()
    assert (await service.services.registry.get(ada.id)).scheduling_note == ""


# --- ask ------------------------------------------------------------------------------------------


@rule("APPT-29")
async def test_a_new_item_waits_and_its_neighbours_do_not(asked):
    service, ada = asked
    event = ada.add(subject="Demo", time=TAKEN, categories=TRACKED)
    ada.add(subject="Neighbour", time=FREE_TIME, categories=TRACKED)
    await service.settle()
    assert only(service.dynamics.rows).value("subject") == "Neighbour"
    (question,) = await waiting(service, ada)
    assert (question.kind, question.item.exchange) == ("scheduling", event.id)
    assert question.question.startswith("Ada Example is busy on 2026-03-05 from 12:00 to 13:00 (UTC)")
    (row,) = [row for row in await history(service, ada, event.id) if row.outcome == "waiting"]
    assert row.rules == ("APPT-29",)
    assert await link_of(service, ada, event) is None


@rule("APPT-29", "PAIN-4")
async def test_the_same_time_is_asked_once_and_going_on_saves_it(asked):
    service, ada = asked
    event = ada.add(subject="Demo", time=TAKEN, categories=TRACKED)
    await service.settle()
    (question,) = await waiting(service, ada)
    ada.edit(event.id, subject="Demo, renamed")
    ada.forget_deltas()
    await service.settle()
    assert await waiting(service, ada) == [question]
    before = service.dynamics.asked
    await answer(service, question, "go-on")
    assert only(service.dynamics.rows).value("subject") == "Demo, renamed"
    assert service.dynamics.asked == before
    assert not await waiting(service, ada)
    assert not await held_items(service, ada)
    (created,) = [row for row in await history(service, ada, event.id) if row.action == "create"]
    assert "APPT-29" in created.rules
    ada.edit(event.id, body="Later")
    await service.settle()
    assert only(service.dynamics.rows).value("body") == "Later"
    assert not await waiting(service, ada)


@rule("APPT-29", "LNK-8")
async def test_a_dropped_item_is_left_alone_until_somebody_tracks_it_anew(asked):
    service, ada = asked
    event = ada.add(subject="Demo", time=TAKEN, categories=TRACKED)
    await service.settle()
    (question,) = await waiting(service, ada)
    await answer(service, question, "drop")
    assert not service.dynamics.rows
    link = await link_of(service, ada, event)
    assert link.state is LinkState.KEPT_OUT
    assert "administrator" in link.reason
    assert ada.items[event.id].categories == ()
    assert any("administrator" in row.reason for row in await history(service, ada, event.id))
    ada.edit(event.id, time=FREE_TIME)
    ada.forget_deltas()
    await service.settle()
    assert not service.dynamics.rows
    ada.edit(event.id, time=TAKEN, categories=TRACKED)
    await service.settle()
    (again,) = await waiting(service, ada)
    assert again.id != question.id
    await answer(service, again, "go-on")
    assert len(service.dynamics.rows) == 1


@rule("APPT-29")
async def test_a_dropped_move_leaves_both_times_as_they_are(asked):
    service, ada = asked
    event = await move_into_the_conflict(service, ada)
    (question,) = await waiting(service, ada)
    assert only(service.dynamics.rows).value("time") == FREE_TIME
    await answer(service, question, "drop")
    assert only(service.dynamics.rows).value("time") == FREE_TIME
    assert ada.items[event.id].value("time") == TAKEN
    (row,) = [row for row in await history(service, ada, event.id) if row.action == "skip"]
    assert "administrator" in row.reason
    ada.edit(event.id, subject="Renamed")
    await service.settle()
    assert only(service.dynamics.rows).value("subject") == "Renamed"
    assert only(service.dynamics.rows).value("time") == FREE_TIME
    assert not await waiting(service, ada)


@rule("APPT-29")
async def test_an_accepted_move_is_carried_out(asked):
    service, ada = asked
    await move_into_the_conflict(service, ada)
    (question,) = await waiting(service, ada)
    await answer(service, question, "go-on")
    assert only(service.dynamics.rows).value("time") == TAKEN
    assert not await waiting(service, ada)


@rule("APPT-29")
async def test_another_time_is_asked_anew_and_withdraws_the_old_question(asked):
    service, ada = asked
    event = await move_into_the_conflict(service, ada)
    (first,) = await waiting(service, ada)
    ada.edit(event.id, time=ALSO_TAKEN)
    await service.settle()
    (second,) = await waiting(service, ada)
    assert second.id != first.id
    assert "12:30" in second.question
    assert await held_items(service, ada) == [event.id]
    await answer(service, second, "drop")
    ada.edit(event.id, time=TAKEN)
    await service.settle()
    (third,) = await waiting(service, ada)
    assert not third.answer


@rule("APPT-29")
async def test_an_answer_that_comes_too_late_for_its_time_is_not_used(asked):
    service, ada = asked
    event = await move_into_the_conflict(service, ada)
    (first,) = await waiting(service, ada)
    ada.edit(event.id, time=ALSO_TAKEN)
    await answer(service, first, "go-on")
    assert only(service.dynamics.rows).value("time") == FREE_TIME
    (second,) = await waiting(service, ada)
    assert second.about != first.about


async def test_moved_to_a_free_time_it_is_saved_and_the_question_withdrawn(asked):
    service, ada = asked
    event = ada.add(subject="Demo", time=TAKEN, categories=TRACKED)
    await service.settle()
    ada.edit(event.id, time=FREE_TIME)
    await service.settle()
    assert only(service.dynamics.rows).value("time") == FREE_TIME
    assert not await waiting(service, ada)
    assert not await held_items(service, ada)


@pytest.mark.parametrize("undo", ["deleted", "untracked"])
async def test_what_is_deleted_or_untracked_meanwhile_needs_no_answer(asked, undo):
    service, ada = asked
    event = ada.add(subject="Demo", time=TAKEN, categories=TRACKED)
    await service.settle()
    if undo == "deleted":
        ada.remove(event.id)
    else:
        ada.edit(event.id, categories=())
    await service.settle()
    assert not await waiting(service, ada)
    assert not await held_items(service, ada)


async def test_a_linked_item_that_is_deleted_while_its_move_waits_is_deleted(asked):
    service, ada = asked
    event = await move_into_the_conflict(service, ada)
    ada.remove(event.id)
    await service.settle()
    assert not service.dynamics.rows
    assert not await waiting(service, ada)


async def test_a_profile_that_does_not_want_to_be_asked_any_more_frees_what_waits(asked):
    service, ada = asked
    ada.add(subject="Demo", time=TAKEN, categories=TRACKED)
    await service.settle()
    await service.profile(scheduling_conflicts=SchedulingPolicy.WARN)
    await service.settle()
    assert len(service.dynamics.rows) == 1
    assert not await waiting(service, ada)


async def test_while_a_move_waits_changes_made_in_dynamics_wait_with_it(asked):
    service, ada = asked
    event = await move_into_the_conflict(service, ada)
    row = only(service.dynamics.rows)
    service.dynamics.edit(row.id, location="Room 7")
    await service.settle()
    (question,) = await waiting(service, ada)
    assert ada.items[event.id].value("location") == ""
    await answer(service, question, "go-on")
    assert ada.items[event.id].value("location") == "Room 7"
    assert only(service.dynamics.rows).value("time") == TAKEN


async def test_a_question_about_a_conflict_does_not_hold_what_the_brake_lets_go(asked):
    service, ada = asked
    gone = ada.add(subject="Gone", time=FREE_TIME, categories=TRACKED)
    ada.add(subject="Demo", time=TAKEN, categories=TRACKED)
    await service.settle()
    ada.remove(gone.id)
    await service.settle()
    assert not service.dynamics.rows
    assert len(await waiting(service, ada)) == 1


async def test_a_time_that_changes_while_it_is_written_is_asked_about_again(asked):
    """The row changed meanwhile (412): what is read again has a time that nobody was asked about."""
    service, ada = asked
    event = ada.add(subject="Demo", time=FREE_TIME, categories=TRACKED)
    await service.settle()
    ada.edit(event.id, time=at(EPOCH + timedelta(days=2, hours=2)))
    hindered = []

    async def meanwhile(name):
        if name == "before update dynamics" and not hindered:
            hindered.append(name)
            service.dynamics.edit(only(service.dynamics.rows).id, location="Room 7")
            ada.edit(event.id, time=TAKEN)

    service.services = replace(service.services, on_step=meanwhile)
    await service.settle()
    assert hindered
    assert only(service.dynamics.rows).value("time") == FREE_TIME
    assert len(await waiting(service, ada)) == 1


# --- preview and explain --------------------------------------------------------------------------


async def preview_and_explain(service, ada, event, policy):
    mailbox = await service.services.registry.get(ada.id)
    profile = Profile(scheduling_conflicts=policy)
    shown = await questions.preview(service.services, mailbox, profile)
    return shown, await questions.explain(service.services, mailbox, profile, event.id)


@rule("APPT-29")
async def test_preview_and_explain_show_what_waits_and_what_would_be_saved_all_the_same(asked):
    service, ada = asked
    event = ada.add(subject="Demo", time=TAKEN, categories=TRACKED)
    await service.settle()
    preview, explained = await preview_and_explain(service, ada, event, SchedulingPolicy.ASK)
    assert not preview["actions"]
    assert [skip["code"] for skip in preview["skipped"]] == ["somebody is busy"]
    assert "it waits for an administrator: Ada Example is busy" in explained["sentence"]
    preview, explained = await preview_and_explain(service, ada, event, SchedulingPolicy.WARN)
    assert preview["actions"][0]["kind"] == "create"
    assert "saved, although Ada Example is busy" in explained["sentence"]
    (question,) = await waiting(service, ada)
    await service.services.decisions.put(replace(question, answer="go-on"))
    preview, explained = await preview_and_explain(service, ada, event, SchedulingPolicy.ASK)
    assert preview["actions"][0]["kind"] == "create"
    assert "accepted that somebody is busy" in explained["sentence"]
    assert not service.dynamics.rows


# --- crashes --------------------------------------------------------------------------------------


async def a_new_item(service, ada):
    ada.add(subject="Demo", time=TAKEN, categories=TRACKED)


async def a_move(service, ada):
    event = ada.add(subject="Demo", time=FREE_TIME, categories=TRACKED)
    await service.settle()
    ada.edit(event.id, time=TAKEN)


async def told(story, text, kill_asking=None, kill_answering=None):
    """The story up to its end, killed at a step of the asking or of the answering pass. Returns what people
    see in the end, how often somebody was asked, and the steps of the two."""
    service, ada = await prepared(SchedulingPolicy.ASK)
    await story(service, ada)
    service.steps.clear()
    service.kill_at = kill_asking
    await settle_with_restarts(service)
    asking = len(service.steps)
    (question,) = await waiting(service, ada)
    await service.services.decisions.put(replace(question, answer=text))
    service.steps.clear()
    service.kill_at = kill_answering
    await settle_with_restarts(service)
    answering = len(service.steps)
    await service.settle()
    seen = (
        [row.value("time") for row in service.dynamics.rows.values()],
        [(event.value("time"), event.categories) for event in ada.items.values()],
        await waiting(service, ada),
        await held_items(service, ada),
    )
    return seen, question.id[-16:], asking, answering


@rule("APPT-29")
@pytest.mark.parametrize("text", ["go-on", "drop"])
@pytest.mark.parametrize("story", [a_new_item, a_move], ids=lambda story: story.__name__)
async def test_killed_at_any_step_one_question_is_asked_and_its_answer_carried_out(story, text):
    expected, question, asking, answering = await told(story, text)
    assert expected[2:] == ([], [])
    for number in range(1, asking + 1):
        seen, same, *_ = await told(story, text, kill_asking=number)
        assert (seen, same) == (expected, question), f"killed at step {number} of the asking"
    for number in range(1, answering + 1):
        seen, *_ = await told(story, text, kill_answering=number)
        assert seen == expected, f"killed at step {number} of the answering"


@rule("APPT-29")
async def test_an_answer_given_while_the_worker_was_dead_is_found(asked):
    """It died after it had put the question and before anything waited for the answer."""
    service, ada = asked
    ada.add(subject="Demo", time=TAKEN, categories=TRACKED)
    step = service.services.on_step

    async def dies(name):
        await step(name)
        if name == "asked":
            service.services = replace(service.services, on_step=step)
            raise Killed(name)

    service.services = replace(service.services, on_step=dies)
    with pytest.raises(Killed):
        await service.settle()
    (question,) = await waiting(service, ada)
    await service.services.decisions.put(replace(question, answer="go-on"))
    await service.run_pass(ada)
    assert await held_items(service, ada)
    (job,) = service.jobs.take()
    assert job.cause == "continue"
    await service.run_pass(ada)
    assert len(service.dynamics.rows) == 1
    assert not await waiting(service, ada)


@rule("APPT-29")
async def test_killed_while_a_question_is_replaced_only_the_new_one_stands():
    for number in range(1, 40):
        service, ada = await prepared(SchedulingPolicy.ASK)
        event = await move_into_the_conflict(service, ada)
        (first,) = await waiting(service, ada)
        ada.edit(event.id, time=ALSO_TAKEN)
        service.steps.clear()
        service.kill_at = number
        await settle_with_restarts(service)
        (second,) = await waiting(service, ada)
        assert second.about != first.about, f"killed at step {number}"
        assert await held_items(service, ada) == [event.id]
        if service.kill_at is not None:
            return
    raise AssertionError("the story never ended by itself")
