"""Any edits on both sides converge, and nothing is lost without being named (LNK-10, promises 1 and 3)."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.model.decision import UpdateAppointment, UpdateEvent
from shared.rules.appointment_content import base_after
from shared.rules.appointment_fields import FIELDS, crossing
from shared.rules.attendees import as_value
from shared.rules.situation import AppointmentSituation
from tests.marks import rule
from tests.rules.build import FUTURE, NOW, at, context, decided, event, link, row, writes

texts = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=12).map(str.strip)
times = st.integers(0, 5).map(lambda n: at(FUTURE, 1 + n))
attendee_lists = st.lists(
    st.tuples(
        st.sampled_from(["a@x.example", "b@x.example", "c@x.example"]),
        st.sampled_from(["required", "optional"]),
    ),
    unique_by=lambda pair: pair[0],
    max_size=3,
).map(as_value)
exchange_edits = st.fixed_dictionaries(
    {},
    optional={
        "subject": texts,
        "body": texts,
        "location": texts,
        "time": times,
        "importance": st.sampled_from(["low", "normal", "high"]),
        "showAs": st.sampled_from(["free", "tentative", "busy", "oof", "workingElsewhere"]),
        "attendees": attendee_lists,
    },
)
dynamics_edits = st.fixed_dictionaries(
    {},
    optional={
        "subject": texts,
        "body": texts,
        "location": texts,
        "time": times,
        "importance": st.sampled_from([0, 1, 2]),
        "showAs": st.sampled_from([[0, 1], [0, 2], [3, 5], [3, 6]]),
        "attendees": attendee_lists,
    },
)
laters = st.integers(-60, 60).map(lambda s: timedelta(seconds=s))


def carried_out(situation):
    """The two sides as they show after the decision, and the link with its new base."""
    decision = decided(situation)
    exchange, dynamics = dict(situation.event.values), dict(situation.record.values)
    for write in writes(decision, UpdateEvent):
        exchange |= write.values
    for write in writes(decision, UpdateAppointment):
        dynamics |= write.values
        if write.parties is not None:
            roles = {5: "required", 6: "optional"}
            dynamics["attendees"] = as_value(
                (p.address, roles[p.role]) for p in write.parties if p.role in roles
            )
    after_event, after_row = event(**exchange), row(**dynamics)
    base = base_after(situation.link.base, decision.absorb, after_event, after_row, decision.link.withheld)
    return decision, after_event, after_row, base


@rule("LNK-10", "LNK-11")
@given(exchange_edits, dynamics_edits, laters)
def test_any_edits_on_both_sides_converge_and_the_second_pass_has_nothing_to_do(mine, theirs, later):
    situation = AppointmentSituation(
        link=link(event(), row()),
        event=event(**mine, modified=NOW + later),
        record=row(**theirs, modified=NOW),
    )
    _, after_event, after_row, base = carried_out(situation)
    for field in FIELDS:
        over = crossing(field, context().zone, after_event.value(field.name))
        assert over.agree(after_event.value(field.name), after_row.value(field.name)), field.name
    again = AppointmentSituation(
        link=link(after_event, after_row, base=base), event=after_event, record=after_row
    )
    assert not decided(again).actions


@rule("LNK-10")
@given(exchange_edits, dynamics_edits, laters)
def test_every_value_that_was_overwritten_after_an_edit_is_named_as_lost(mine, theirs, later):
    situation = AppointmentSituation(
        link=link(event(), row()),
        event=event(**mine, modified=NOW + later),
        record=row(**theirs, modified=NOW),
    )
    decision, after_event, after_row, _ = carried_out(situation)
    for name, value in mine.items():
        edited = value != event().value(name)
        survives = after_event.value(name) == value
        assert not edited or survives or decision.lost.get(name) == value
    for name, value in theirs.items():
        edited = value != row().value(name)
        survives = after_row.value(name) == value
        assert not edited or survives or decision.lost.get(name) == value


@rule("PAIN-2")
@given(exchange_edits, dynamics_edits)
def test_linking_two_existing_items_never_mails(mine, theirs):
    assert not decided(AppointmentSituation(event=event(**mine), record=row(**theirs))).mails
