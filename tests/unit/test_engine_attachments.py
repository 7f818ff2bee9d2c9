"""Attachments through whole passes, in memory: what travels, what stays, what it costs, and crashes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.engine.questions import preview
from shared.model.attachment import FileKind, FileLimits
from shared.model.profile import Brake, PrivateItems
from tests.doubles.service import Killed, Service
from tests.doubles.world import EPOCH
from tests.marks import rule
from tests.rules.build import CATEGORY, at

ROW = "66666666-6666-4666-8666-666666666666"
GUEST = "guest@fabrikam.example"
FUTURE = EPOCH + timedelta(days=3)
MINUTES = ("minutes.txt", b"what was said")
PLAN = ("plan.txt", b"what will be done")


class Story:
    """Ada, an appointment of hers on both sides, and attachments switched on."""

    def __init__(self):
        self.service = Service()
        self.ada = self.service.person("ada", 1)
        self.dynamics = self.service.dynamics

    async def begin(self, *, on=True, linked=True, attendees=(), **profile):
        await self.service.profile(synchronize_attachments=on, **profile)
        await self.service.subscribe(self.ada)
        await self.service.settle()
        if linked:
            self.add_row(attendees)
            await self.service.settle()
            self.service.exchange.mails.clear()
            self.asked().clear()
            self.dynamics.shelf.asked.clear()
        return self

    def add_row(self, attendees=()):
        organizer = self.dynamics.users[self.ada.address]
        people = [[address, "required"] for address in attendees]
        self.dynamics.add(ROW, organizer, subject="Review", time=at(FUTURE), attendees=people)

    @property
    def event(self):
        (event,) = self.ada.items.values()
        return event

    def asked(self):
        return self.ada.shelf.asked

    def files(self):
        return self.ada.files(self.event.id), self.dynamics.files(ROW)

    async def history(self, action=""):
        rows, _ = await self.service.services.history.of_item(self.ada.id, None, limit=200, after=None)
        return [row for row in rows if action in ("", row.action)]

    async def link(self):
        return (await self.service.services.store.links_by_dynamics(self.ada.id, [("appointment", ROW)]))[
            ("appointment", ROW)
        ]


# --- switched on ----------------------------------------------------------------------------------


@rule("APPT-11", "FLD-2")
async def test_files_travel_both_ways_and_come_off_both_ways():
    story = await Story().begin()
    story.ada.attach(story.event.id, *MINUTES)
    story.dynamics.attach(ROW, *PLAN)
    await story.service.settle()
    assert story.files() == ([MINUTES, PLAN], [MINUTES, PLAN])
    story.ada.detach(story.event.id, PLAN[0])
    story.dynamics.detach(ROW, MINUTES[0])
    await story.service.settle()
    assert story.files() == ([], [])


@rule("APPT-11")
async def test_a_new_item_brings_its_files_along():
    story = await Story().begin(linked=False)
    made = story.ada.add(subject="Born in Exchange", time=at(FUTURE), categories=(CATEGORY,))
    story.ada.attach(made.id, *MINUTES)
    story.add_row()
    story.dynamics.attach(ROW, *PLAN)
    await story.service.settle()
    (born,) = [row for row in story.dynamics.rows if row != ROW]
    assert story.dynamics.files(born) == [MINUTES]
    (sent,) = [event for event in story.ada.items if event != made.id]
    assert story.ada.files(sent) == [PLAN]


@rule("APPT-11")
async def test_what_both_sides_have_already_is_matched_by_content_and_not_copied():
    story = await Story().begin(on=False)
    for place in (story.ada, story.dynamics):
        place.attach(story.event.id if place is story.ada else ROW, *MINUTES)
    await story.service.settle()
    await story.service.profile(synchronize_attachments=True)
    story.ada.edit(story.event.id, body="looked at again")
    await story.service.settle()
    assert story.files() == ([MINUTES], [MINUTES])
    assert story.asked()["add"] == story.dynamics.shelf.asked["add"] == 0
    assert len((await story.link()).attachments) == 1


@rule("APPT-11")
async def test_a_changed_file_replaces_the_old_one():
    story = await Story().begin()
    story.ada.attach(story.event.id, *MINUTES)
    await story.service.settle()
    story.dynamics.detach(ROW, MINUTES[0])
    story.dynamics.attach(ROW, MINUTES[0], b"what was really said")
    await story.service.settle()
    corrected = [(MINUTES[0], b"what was really said")]
    assert story.files() == (corrected, corrected)
    (gone,) = await story.history("detach")
    assert gone.before["attachments"]["name"] == MINUTES[0]
    assert set(gone.before["attachments"]) == {"name", "size", "sha256"}


@rule("APPT-11", "LNK-10")
@pytest.mark.parametrize("theirs", [b"changed in Dynamics", None], ids=["changed", "deleted"])
async def test_in_a_conflict_no_content_is_lost(theirs):
    """Both changed: both versions stay, on both sides. Deleted there, changed here: the change wins."""
    story = await Story().begin()
    story.ada.attach(story.event.id, *MINUTES)
    await story.service.settle()
    story.ada.detach(story.event.id, MINUTES[0])
    story.ada.attach(story.event.id, MINUTES[0], b"changed in Exchange")
    story.dynamics.detach(ROW, MINUTES[0])
    if theirs:
        story.dynamics.attach(ROW, MINUTES[0], theirs)
    await story.service.settle()
    kept = sorted((MINUTES[0], text) for text in (b"changed in Exchange", theirs) if text)
    assert story.files() == (kept, kept)


@rule("APPT-11", "PAIN-2")
async def test_attaching_mails_nobody_and_writes_nothing_else_to_the_meeting():
    story = await Story().begin(attendees=[GUEST])
    before = story.event
    story.dynamics.attach(ROW, *MINUTES)
    await story.service.settle()
    assert story.service.exchange.mails == []
    assert story.files()[0] == [MINUTES]
    assert story.event.values == before.values
    assert (await story.history())[0].action == "attach"


async def test_the_copies_are_echoes():
    """One settled round later nobody looks at the item again."""
    story = await Story().begin()
    story.ada.attach(story.event.id, *MINUTES)
    story.dynamics.attach(ROW, *PLAN)
    await story.service.settle()
    link, asked = await story.link(), (dict(story.asked()), dict(story.dynamics.shelf.asked))
    assert (link.exchange_etag, link.dynamics_etag) == (story.event.etag, story.dynamics.rows[ROW].etag)
    await story.service.settle()
    assert (dict(story.asked()), dict(story.dynamics.shelf.asked)) == asked


# --- what stays -----------------------------------------------------------------------------------


@rule("APPT-11", "FLD-2")
async def test_off_nothing_is_asked_and_nothing_moves():
    story = await Story().begin(on=False)
    story.ada.attach(story.event.id, *MINUTES)
    story.dynamics.attach(ROW, *PLAN)
    await story.service.settle()
    assert story.files() == ([MINUTES], [PLAN])
    assert not story.asked()
    assert not story.dynamics.shelf.asked


@rule("APPT-11")
async def test_switched_off_again_everything_stays_where_it_is():
    story = await Story().begin()
    story.ada.attach(story.event.id, *MINUTES)
    await story.service.settle()
    await story.service.profile(synchronize_attachments=False)
    story.ada.detach(story.event.id, MINUTES[0])
    story.ada.edit(story.event.id, subject="Still in step")
    await story.service.settle()
    assert story.files() == ([], [MINUTES])
    assert story.dynamics.rows[ROW].value("subject") == "Still in step"


async def reconciled(story):
    await story.service.services.registry.patch(story.ada.id, reconciled_at=None)
    await story.service.settle()


@rule("APPT-11", "FLD-2")
async def test_switched_on_later_the_next_comparison_brings_the_files_of_untouched_items():
    story = await Story().begin(on=False)
    story.ada.attach(story.event.id, *MINUTES)
    story.dynamics.attach(ROW, *PLAN)
    await story.service.settle()
    await story.service.profile(synchronize_attachments=True)
    await reconciled(story)
    assert story.files() == ([MINUTES, PLAN], [MINUTES, PLAN])
    story.asked().clear()
    await reconciled(story)
    assert not story.asked()


async def test_what_happened_while_it_was_off_is_found_when_it_is_on_again():
    story = await Story().begin()
    story.ada.attach(story.event.id, *MINUTES)
    await story.service.settle()
    await story.service.profile(synchronize_attachments=False)
    story.ada.attach(story.event.id, *PLAN)
    await story.service.settle()
    assert story.files()[1] == [MINUTES]
    await story.service.profile(synchronize_attachments=True)
    await reconciled(story)
    assert story.files() == ([MINUTES, PLAN], [MINUTES, PLAN])


async def test_on_without_any_file_nothing_is_asked():
    story = await Story().begin()
    story.ada.edit(story.event.id, subject="Only this")
    await story.service.settle()
    assert not story.asked()
    assert not story.dynamics.shelf.asked


async def test_known_files_are_listed_but_not_read_again():
    story = await Story().begin()
    story.ada.attach(story.event.id, *MINUTES)
    await story.service.settle()
    story.asked().clear()
    story.dynamics.shelf.asked.clear()
    story.ada.edit(story.event.id, subject="Only this")
    await story.service.settle()
    assert dict(story.asked()) == dict(story.dynamics.shelf.asked) == {"list": 1}


@rule("APPT-11")
@pytest.mark.parametrize("kind", [FileKind.ITEM, FileKind.REFERENCE, FileKind.INLINE])
async def test_what_is_no_file_stays_and_says_why(kind):
    story = await Story().begin()
    story.ada.attach(story.event.id, "other", b"", kind)
    story.ada.attach(story.event.id, *MINUTES)
    await story.service.settle()
    assert story.files()[1] == [MINUTES]
    assert [kind.value in row.reason for row in await story.history("skip")] == [True]


@rule("APPT-11")
async def test_what_the_organization_does_not_take_is_named_once_and_not_tried_again():
    story = await Story().begin()
    story.dynamics.limits = FileLimits(largest=100_000, blocked=frozenset({"exe"}))
    story.ada.attach(story.event.id, "run.EXE", b"MZ")
    story.ada.attach(story.event.id, "huge.bin", b"x" * 200_000)
    story.ada.attach(story.event.id, "rather large.bin", b"x" * 75_001)
    story.ada.attach(story.event.id, "fits.bin", b"x" * 75_000)
    await story.service.settle()
    assert [name for name, _ in story.files()[1]] == ["fits.bin"]
    refused = [row for row in await story.history("attach") if row.outcome == "refused"]
    assert ["maxuploadfilesize" in row.reason for row in refused] == [True]
    contents = story.asked()["content"]
    for number in range(3):
        story.ada.edit(story.event.id, subject=f"Edit {number}")
        await story.service.settle()
    assert story.asked()["content"] == contents
    assert len(await story.history("attach")) == 2
    reasons = [row.reason for row in await story.history("skip")]
    names = ("run.EXE", "huge.bin", "rather large.bin")
    assert [sum(name in reason for reason in reasons) for name in names] == [1, 1, 1]


@rule("APPT-11")
async def test_what_exchange_refuses_is_recorded_and_blocks_nothing():
    story = await Story().begin()
    story.ada.shelf.refused_names.add("big.bin")
    story.dynamics.attach(ROW, "big.bin", b"much")
    story.dynamics.attach(ROW, *MINUTES)
    await story.service.settle()
    story.dynamics.edit(ROW, subject="Next")
    await story.service.settle()
    assert story.files()[0] == [MINUTES]
    assert story.event.value("subject") == "Next"
    assert [row.outcome for row in await story.history("attach")].count("refused") == 1


@rule("APPT-11", "FLD-11")
async def test_a_series_keeps_its_files_and_says_so_only_when_there_are_some():
    story = await Story().begin(linked=False)
    weekly = {
        "type": "weekly",
        "interval": 1,
        "days": ["monday"],
        "range": {"type": "numbered", "start": "2026-03-09", "occurrences": 4},
        "time": "09:00",
        "minutes": 60,
        "allDay": False,
        "zone": "UTC",
    }
    monday = EPOCH.replace(day=9, hour=9)
    series = story.ada.add(
        subject="Weekly", time=at(monday), recurrence=weekly, categories=(CATEGORY,), attendees=[]
    )
    await story.service.settle()
    assert await story.history("skip") == []
    story.ada.attach(series.id, *MINUTES)
    await story.service.settle()
    assert all(story.dynamics.files(row) == [] for row in story.dynamics.rows)
    (skip,) = await story.history("skip")
    assert "APPT-11" in skip.rules


@rule("APPT-11", "APPT-31")
async def test_a_closed_appointment_takes_no_file_and_loses_none():
    story = await Story().begin()
    story.ada.attach(story.event.id, *MINUTES)
    await story.service.settle()
    story.dynamics.edit(ROW, showAs=[1, 3])
    await story.service.settle()
    story.ada.detach(story.event.id, MINUTES[0])
    story.ada.attach(story.event.id, *PLAN)
    await story.service.settle()
    assert story.files() == ([PLAN], [MINUTES])
    story.dynamics.edit(ROW, showAs=[3, 5])
    await story.service.settle()
    assert story.files() == ([PLAN], [PLAN])


@rule("APPT-11", "APPT-3")
async def test_only_the_organizer_gives_a_meeting_its_files():
    """An attendee tracks a meeting of somebody outside: files come in, none go out, none is taken away."""
    story = await Story().begin(linked=False)
    boss = story.service.exchange.add("boss", "boss@fabrikam.example")
    meeting = boss.add(subject="Theirs", time=at(FUTURE), attendees=[[story.ada.address, "required"]])
    boss.attach(meeting.id, *MINUTES)
    boss.edit(meeting.id, body="with minutes")
    story.ada.edit(story.event.id, categories=(CATEGORY,))
    await story.service.settle()
    (row,) = story.dynamics.rows
    assert story.dynamics.files(row) == [MINUTES]
    story.dynamics.attach(row, *PLAN)
    story.dynamics.detach(row, MINUTES[0])
    await story.service.settle()
    story.dynamics.edit(row, location="Elsewhere")
    await story.service.settle()
    assert (story.ada.files(story.event.id), story.dynamics.files(row)) == ([MINUTES], [PLAN])


@rule("APPT-11", "APPT-9")
async def test_the_files_of_a_private_event_stay_out_of_dynamics():
    """Made private later on, its files are taken away there; shown again, they come back."""
    story = await Story().begin(private_appointments=PrivateItems.SUBJECT_ONLY)
    story.ada.attach(story.event.id, *MINUTES)
    await story.service.settle()
    assert story.files()[1] == [MINUTES]
    story.ada.edit(story.event.id, sensitivity="private")
    await story.service.settle()
    assert story.files() == ([MINUTES], [])
    contents = story.asked()["content"]
    story.ada.attach(story.event.id, *PLAN)
    story.dynamics.attach(ROW, "theirs.txt", b"theirs")
    await story.service.settle()
    assert story.files() == ([MINUTES, PLAN], [("theirs.txt", b"theirs")])
    assert story.asked()["content"] == contents
    story.ada.edit(story.event.id, sensitivity="normal")
    await story.service.settle()
    everything = [MINUTES, PLAN, ("theirs.txt", b"theirs")]
    assert story.files() == (everything, everything)


@rule("APPT-11")
async def test_of_several_mailboxes_only_the_owner_moves_files():
    """Both people track the meeting; the organizer's mailbox copies, the attendee's asks for nothing."""
    story = await Story().begin(linked=False)
    bob = story.service.person("bob", 2)
    await story.service.subscribe(bob)
    meeting = story.ada.add(
        subject="Ours", time=at(FUTURE), categories=(CATEGORY,), attendees=[[bob.address, "required"]]
    )
    (copy,) = bob.items
    bob.edit(copy, categories=(CATEGORY,))
    await story.service.settle()
    story.ada.attach(meeting.id, *MINUTES)
    story.ada.edit(meeting.id, body="see the minutes")
    await story.service.settle()
    (row,) = story.dynamics.rows
    assert story.dynamics.files(row) == [MINUTES]
    assert bob.files(copy) == [MINUTES]
    assert not bob.shelf.asked


async def test_files_are_told_by_name_in_a_preview():
    story = await Story().begin()
    story.ada.attach(story.event.id, *MINUTES)
    mailbox = await story.service.services.registry.get(story.ada.id)
    profile = await story.service.services.profiles.get("default")
    shown = await preview(story.service.services, mailbox, profile)
    (action,) = shown["actions"]
    assert (action["kind"], action["side"]) == ("attach", "dynamics")
    assert action["fields"] == ["attachment minutes.txt"]
    assert "APPT-11" in action["rules"]
    assert story.files()[1] == []


@rule("APPT-11")
async def test_a_file_that_cannot_be_compared_moves_nothing_and_is_named():
    story = await Story().begin()
    story.ada.attach(story.event.id, *MINUTES)
    story.dynamics.attach(ROW, *MINUTES)
    story.ada.shelf.unreadable.add(MINUTES[0])
    await story.service.settle()
    assert story.files() == ([MINUTES], [MINUTES])
    (skip,) = await story.history("skip")
    assert MINUTES[0] in skip.reason
    story.ada.shelf.unreadable.clear()
    story.ada.edit(story.event.id, subject="Again")
    await story.service.settle()
    assert story.files() == ([MINUTES], [MINUTES])
    assert len((await story.link()).attachments) == 1


# --- the brake ------------------------------------------------------------------------------------


async def held():
    story = await Story().begin(brake=Brake(items=1, people=10))
    for name in ("a.txt", "b.txt"):
        story.ada.attach(story.event.id, name, name.encode())
    await story.service.settle()
    for name in ("a.txt", "b.txt"):
        story.dynamics.detach(ROW, name)
    await story.service.settle()
    assert len(story.files()[0]) == 2
    (question,) = await story.service.services.decisions.of_mailbox(story.ada.id)
    return story, question


async def answered(story, question, answer):
    await story.service.services.decisions.put(replace(question, answer=answer))
    await story.service.settle()
    story.ada.edit(story.event.id, subject="Edited later")
    await story.service.settle()


@rule("FLT-10", "PAIN-1")
async def test_many_removals_ask_first_and_go_on_when_told_to():
    story, question = await held()
    await answered(story, question, "go-on")
    assert story.files() == ([], [])


@rule("FLT-10")
async def test_removals_that_an_administrator_drops_never_happen_and_nothing_comes_back():
    story, question = await held()
    await answered(story, question, "drop")
    assert (len(story.files()[0]), story.files()[1]) == (2, [])
    assert await story.service.services.decisions.of_mailbox(story.ada.id) == []


# --- crashes --------------------------------------------------------------------------------------


async def edited_on_both_sides():
    story = await Story().begin()
    story.ada.attach(story.event.id, "old.txt", b"old")
    await story.service.settle()
    story.ada.attach(story.event.id, *MINUTES)
    story.dynamics.attach(ROW, *PLAN)
    story.dynamics.detach(ROW, "old.txt")
    story.service.steps.clear()
    return story


@rule("LNK-11", "APPT-11")
async def test_killed_between_any_two_steps_no_file_is_lost_or_doubled():
    story = await edited_on_both_sides()
    await story.service.settle()
    steps = list(story.service.steps)
    assert {"before attach exchange", "after attach dynamics", "after detach exchange"} <= set(steps)
    for number in range(1, len(steps) + 1):
        story = await edited_on_both_sides()
        story.service.kill_at = number
        for _ in range(2):
            try:
                await story.service.settle()
            except Killed:
                continue
        assert story.files() == ([MINUTES, PLAN], [MINUTES, PLAN]), f"killed at {steps[number - 1]}"


@rule("APPT-11")
@pytest.mark.parametrize("lost", ["add_attachment", "remove_attachment"])
async def test_a_copy_whose_answer_is_lost_is_looked_for_and_not_made_again(lost):
    story = await edited_on_both_sides()
    story.service.exchange.lose_answers_of.add(lost)
    story.dynamics.lose_answers_of.add(lost)
    await story.service.settle()
    assert story.files() == ([MINUTES, PLAN], [MINUTES, PLAN])
    assert story.asked()["add"] == 1


async def test_two_workers_in_one_mailbox_do_not_attach_twice():
    story = await edited_on_both_sides()
    await story.service.read_feed()
    await story.service.run_pass(story.ada)
    steps = len(story.service.steps)
    for number in range(1, steps + 1):
        story = await edited_on_both_sides()
        await story.service.read_feed()
        story.service.overtake_at, story.service.overtaker = number, story.ada
        await story.service.run_pass(story.ada)
        await story.service.settle()
        assert story.files() == ([MINUTES, PLAN], [MINUTES, PLAN]), f"overtaken at step {number}"


# --- people between two steps ---------------------------------------------------------------------


async def interrupted(at_step, hand):
    """A person does something right after we attached and before we read back."""
    story = await edited_on_both_sides()
    plain = story.service.services.on_step

    async def watched(name):
        await plain(name)
        if name == at_step:
            hand(story)

    story.service.services = replace(story.service.services, on_step=watched)
    await story.service.read_feed()
    await story.service.run_pass(story.ada)
    story.service.services = replace(story.service.services, on_step=plain)
    await story.service.settle()
    return story


@pytest.mark.parametrize("side", ["exchange", "dynamics"])
async def test_an_edit_made_while_files_are_copied_is_not_taken_for_our_echo(side):
    def edit(story):
        if side == "exchange":
            story.ada.edit(story.event.id, location="Meanwhile")
        else:
            story.dynamics.edit(ROW, location="Meanwhile")

    story = await interrupted(f"after attach {side}", edit)
    assert story.event.value("location") == "Meanwhile"
    assert story.dynamics.rows[ROW].value("location") == "Meanwhile"


@rule("APPT-11")
@pytest.mark.parametrize("side", ["exchange", "dynamics"])
async def test_a_file_attached_while_files_are_copied_is_not_taken_for_our_echo(side):
    def attach(story):
        place, item = (story.ada, story.event.id) if side == "exchange" else (story.dynamics, ROW)
        place.attach(item, "late.txt", b"late")

    story = await interrupted(f"after attach {side}", attach)
    expected = sorted([MINUTES, PLAN, ("late.txt", b"late")])
    assert story.files() == (expected, expected)


async def test_a_file_taken_away_while_files_are_copied_goes_on_the_other_side_too():
    story = await interrupted(
        "after attach exchange", lambda story: story.ada.detach(story.event.id, MINUTES[0])
    )
    assert story.files() == ([PLAN], [PLAN])


async def test_untracking_while_files_are_copied_is_noticed():
    story = await interrupted(
        "after attach exchange", lambda story: story.ada.edit(story.event.id, categories=())
    )
    assert (await story.link()).state.ended
