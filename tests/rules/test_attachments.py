"""The decision about attachments: pure, from lists, hashes and what the link remembers (APPT-11, FLD-2)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model.appointment import SERIES
from shared.model.attachment import Attachment, FileLimits, Files, LinkedFile, Seen
from shared.model.decision import AddAttachment, RemoveAttachment
from shared.model.event import EventType
from shared.model.link import LinkState, Role
from shared.model.profile import Profile
from shared.model.values import Direction, Side
from shared.rules import attachment_merge, attachments
from shared.rules.appointments import decide
from shared.rules.situation import AppointmentSituation
from shared.rules.skips import Reason
from tests.marks import rule
from tests.rules.build import attendee_copy, context, event, link, row

ON = Profile(synchronize_attachments=True)


def file(identifier, name="a.txt", sha256="", **more):
    return Attachment(identifier, name, f"{identifier}/1", 10, sha256=sha256, **more)


def known(name="a.txt", sha256="aa", exchange="e1", dynamics="d1"):
    return LinkedFile(sha256, Seen(exchange, name, f"{exchange}/1"), Seen(dynamics, name, f"{dynamics}/1"))


def decided(exchange=(), dynamics=(), remembered=(), *, profile=ON, limits=None, of_event=None, of_row=None):
    mine, theirs = of_event or event(), of_row or row()
    situation = attachments_situation(exchange, dynamics, remembered, mine, theirs)
    around = context(profile=profile)
    if limits:
        around = replace(around, organization=replace(around.organization, files=limits))
    return decide(situation, around)


def attachments_situation(exchange, dynamics, remembered, of_event, of_row):
    linked = link(of_event, of_row, attachments=tuple(remembered))
    return AppointmentSituation(
        link=linked, event=of_event, record=of_row, files=Files(tuple(exchange), tuple(dynamics))
    )


def told(decision):
    """``(kind, side, name)`` of what is to be done."""
    return [
        (action.kind.value, action.side.value, named(action.write).name)
        for action in decision.actions
        if isinstance(action.write, AddAttachment | RemoveAttachment)
    ]


def named(write):
    return write.source if isinstance(write, AddAttachment) else write.file


@rule("FLD-2")
def test_the_direction_is_computed_from_the_setting():
    assert attachments.direction_of(Profile()) is Direction.NONE
    assert attachments.direction_of(ON) is Direction.BOTH


@rule("APPT-11", "FLD-2")
def test_off_is_the_default_and_decides_nothing():
    decision = decided([file("e1")], [], [known()], profile=Profile())
    assert (decision.actions, decision.skips) == ((), ())
    assert decision.link.attachments == (known(),)


def test_a_reconciling_pass_looks_once_at_what_was_never_compared():
    fresh = link()
    compared = decided().link
    assert compared.files_compared
    assert [attachments.is_due(each, ON) for each in (fresh, compared)] == [True, False]
    assert not attachments.is_due(fresh, Profile())
    assert not attachments.is_due(replace(fresh, role=Role.MEMBER), ON)
    assert not attachments.is_due(replace(fresh, table=SERIES), ON)
    situation = replace(attachments_situation([], [], [], event(), row()), link=compared)
    assert not decide(situation, context()).link.files_compared


@rule("APPT-11", "FLD-11")
def test_only_the_files_of_linked_or_tracked_single_appointments_are_looked_at():
    whole = attachments_situation([], [], [], event(), row())
    around = context(profile=ON)
    assert attachments.concerns(whole, around)
    assert not attachments.concerns(whole, context())
    ended = whole.link.ended(LinkState.UNTRACKED, "untracked", ("LNK-8",))
    others = {
        "ended": replace(whole, link=ended),
        "series": replace(whole, event=event(type=EventType.SERIES_MASTER)),
        "row of a series": replace(whole, record=row(instance_type=3)),
        "gone in Exchange": replace(whole, event=None),
        "a member": replace(whole, event=attendee_copy(), organizer_mailbox="another"),
        "nobody tracks it": replace(whole, link=None, record=None, event=event(categories=())),
        "another's row": replace(whole, link=None, event=None, record=row(organizer="somebody")),
    }
    assert [name for name, other in others.items() if attachments.concerns(other, around)] == []
    fresh = replace(whole, link=None, record=None)
    assert attachments.concerns(fresh, around)
    assert attachments.concerns(replace(whole, link=None, event=None), around)


CASES = {
    "new in Exchange": ([file("e1")], [], [], [("attach", "dynamics", "a.txt")]),
    "new in Dynamics": ([], [file("d1")], [], [("attach", "exchange", "a.txt")]),
    "the same on both": ([file("e1", sha256="aa")], [file("d1", sha256="aa")], [], []),
    "alike by name only": (
        [file("e1", sha256="aa")],
        [file("d1", sha256="bb")],
        [],
        [("attach", "dynamics", "a.txt"), ("attach", "exchange", "a.txt")],
    ),
    "in step": ([file("e1", sha256="aa")], [file("d1", sha256="aa")], [known()], []),
    "gone in Exchange": ([], [file("d1", sha256="aa")], [known()], [("detach", "dynamics", "a.txt")]),
    "gone in Dynamics": ([file("e1", sha256="aa")], [], [known()], [("detach", "exchange", "a.txt")]),
    "gone on both": ([], [], [known()], []),
    "under a new id": ([file("e2", sha256="aa")], [file("d1", sha256="aa")], [known()], []),
    "changed in Exchange": (
        [file("e2", sha256="bb")],
        [file("d1", sha256="aa")],
        [known()],
        [("attach", "dynamics", "a.txt"), ("detach", "dynamics", "a.txt")],
    ),
    "renamed in Dynamics": (
        [file("e1", sha256="aa")],
        [replace(file("d1", "b.txt", "aa"), version="d1/2")],
        [known()],
        [("attach", "exchange", "b.txt"), ("detach", "exchange", "a.txt")],
    ),
    "changed on both": (
        [file("e2", sha256="bb")],
        [file("d2", sha256="cc")],
        [known()],
        [("attach", "dynamics", "a.txt"), ("attach", "exchange", "a.txt")],
    ),
    "gone here, changed there": ([], [file("d2", sha256="cc")], [known()], [("attach", "exchange", "a.txt")]),
    "after a crash between adding and removing": (
        [file("e2", sha256="bb")],
        [file("d1", sha256="aa"), file("d2", sha256="bb")],
        [known()],
        [("detach", "dynamics", "a.txt")],
    ),
    "one of twins gone": (
        [file("e1", sha256="aa")],
        [file("d1", sha256="aa"), file("d2", sha256="aa")],
        [known(), known(exchange="e2", dynamics="d2")],
        [("detach", "dynamics", "a.txt")],
    ),
}


@rule("APPT-11", "LNK-10")
@pytest.mark.parametrize("case", CASES)
def test_the_table_of_cases(case):
    exchange, dynamics, remembered, expected = CASES[case]
    decision = decided(exchange, dynamics, remembered)
    assert told(decision) == expected
    assert not decision.mails


@rule("APPT-11")
def test_a_new_file_needs_no_content_a_namesake_does():
    files = Files((file("e1"), file("e2", "b.txt")), (file("d9", "b.txt"),))
    assert attachments.to_be_read(files, Side.EXCHANGE, None) == (files.exchange[1],)
    assert attachments.to_be_read(files, Side.DYNAMICS, None) == files.dynamics
    assert attachments.to_be_read(files, Side.EXCHANGE, link(attachments=(known(),))) == (files.exchange[1],)


def test_what_is_remembered_is_recalled_and_not_read():
    linked = link(attachments=(known(),))
    (recalled,) = attachments.recalled((file("e1"),), Side.EXCHANGE, linked)
    assert recalled.sha256 == "aa"
    moved = replace(file("e1"), version="e1/2")
    assert attachments.recalled((moved,), Side.EXCHANGE, linked)[0].sha256 == ""
    assert attachments.to_be_read(Files((moved,)), Side.EXCHANGE, linked) == (moved,)


@rule("APPT-11", "APPT-31")
def test_a_closed_row_keeps_its_file_and_the_link_remembers():
    closed = row(showAs=[1, 3])
    decision = decided([file("e2", "b.txt")], [file("d1", sha256="aa")], [known()], of_row=closed)
    assert told(decision) == []
    assert [skip.code for skip in decision.skips] == [Reason.CLOSED.code] * 2
    assert decision.link.attachments == (known(),)


@rule("APPT-11", "APPT-3")
def test_an_attendees_copy_takes_no_file_from_dynamics():
    copy = attendee_copy()
    theirs = row(attendees=[["me@contoso.example", "required"]], organizer=None)
    decision = decided([], [file("d1")], of_event=copy, of_row=theirs)
    assert told(decision) == []
    assert Reason.NOT_ORGANIZER.code in [skip.code for skip in decision.skips]


@rule("APPT-11")
@pytest.mark.parametrize(
    ("attachment", "reason"),
    [
        (file("e1", "run.EXE"), Reason.ATTACHMENT_BLOCKED),
        (replace(file("e1"), size=5_000_000), Reason.ATTACHMENT_TOO_LARGE),
        (file("e1", "x" * 256), Reason.ATTACHMENT_NAME),
    ],
)
def test_what_the_organization_would_refuse_stays_in_exchange(attachment, reason):
    limits = FileLimits(5_242_880, frozenset({"exe"}))
    decision = decided([attachment], limits=limits)
    assert told(decision) == []
    assert [skip.code for skip in decision.skips] == [reason.code]


def test_a_name_without_an_extension_is_not_blocked():
    assert told(decided([file("e1", "exe")], limits=FileLimits(5_242_880, frozenset({"exe"}))))


@pytest.mark.parametrize(("length", "too_large"), [(75, False), (76, True)])
def test_the_limit_counts_the_encoded_file(length, too_large):
    assert attachment_merge.is_too_large(length, FileLimits(100)) is too_large


def test_a_file_that_cannot_be_compared_stops_all_others_and_is_named():
    mine, theirs = event(), row()
    situation = attachments_situation([file("e1")], [], [known()], mine, theirs)
    assert situation.files is not None
    situation = replace(situation, files=replace(situation.files, unreadable="the file a.txt"))
    decision = decide(situation, context(profile=ON))
    assert told(decision) == []
    assert [skip.code for skip in decision.skips] == [Reason.ATTACHMENT_UNREADABLE.code]
    assert "the file a.txt cannot be read" in decision.skips[0].reason
    assert decision.link.attachments == (known(),)


def test_the_id_of_a_copy_is_the_same_each_time_until_it_is_taken():
    first = decided([file("e1", sha256="aa")]).actions[0].write.key
    assert decided([file("e1", sha256="aa")]).actions[0].write.key == first
    taken = replace(file(first, sha256="bb"), id=first)
    again = decided([file("e1", sha256="aa")], [taken])
    assert first not in [a.write.key for a in again.actions]


def test_what_was_left_out_stays_left_until_it_changes():
    left = LinkedFile("", exchange=Seen("e1", "a.txt", "e1/1"), left="too much")
    still = decided([file("e1")], [], [left])
    assert (told(still), still.link.attachments) == ([], (left,))
    assert "too much" in still.skips[0].reason
    changed = decided([replace(file("e1"), version="e1/2")], [], [left])
    assert told(changed) == [("attach", "dynamics", "a.txt")]
    assert decided([], [], [left]).link.attachments == ()
