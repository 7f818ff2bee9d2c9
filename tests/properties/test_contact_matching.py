"""However people are written down, two are never made one, and one is found again (CONT-9)."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from shared.model.personal import Match
from shared.model.values import Side
from shared.rules.contact_matching import Verdict, choose, same_person
from tests.marks import rule

GIVEN = ["John", "Mary", "José", "Anne-Marie", "Łukasz", "Seán"]
FAMILY = ["Smith", "O'Brien", "Núñez", "van der Berg", "Müller"]
people = st.tuples(st.sampled_from(GIVEN), st.sampled_from(FAMILY))
addresses = st.frozensets(st.sampled_from(["a@x.example", "b@x.example", "c@x.example"]), max_size=3)
companies = st.sampled_from(["", "Contoso", "Contoso Ltd.", "Fabrikam"])


@st.composite
def written(draw, person, emails=addresses, company=companies, linked=None):
    """One person as somebody wrote it down."""
    given_name, family = person
    middle = draw(st.sampled_from(["", "Q.", "Quincy"]))
    given_names = f"{given_name} {middle}".strip()
    name = draw(st.sampled_from([f"{given_names} {family}", f"{family}, {given_names}"]))
    name = draw(st.sampled_from([str, str.upper, str.lower, lambda text: text.replace("'", "’")]))(name)
    return Match(
        side=Side.DYNAMICS,
        id=draw(st.uuids()).hex,
        label=name,
        emails=frozenset(draw(st.sampled_from([str, str.upper]))(email) for email in draw(emails)),
        name=name,
        company=draw(company),
        linked=draw(st.booleans() if linked is None else st.just(linked)),
        owned=draw(st.booleans()),
    )


@rule("CONT-9")
@given(st.data())
def test_two_people_are_never_one(data):
    one, other = data.draw(people), data.draw(people)
    assume(one != other)
    left, right = data.draw(written(one)), data.draw(written(other))
    assert same_person(left, right) is not Verdict.SAME
    assert choose(left, [right]).match is None


@rule("CONT-9")
@given(st.data())
def test_one_person_is_known_again_by_a_common_address(data):
    person = data.draw(people)
    left, right = data.draw(written(person)), data.draw(written(person))
    assume({each.lower() for each in left.emails} & {each.lower() for each in right.emails})
    assert same_person(left, right) is Verdict.SAME


@rule("CONT-9")
@given(st.data())
def test_a_name_alone_is_never_enough(data):
    person = data.draw(people)
    left = data.draw(written(person, company=st.just("")))
    right = replace(data.draw(written(person)), emails=frozenset())
    assert same_person(left, right) is not Verdict.SAME
    assert same_person(right, left) is same_person(left, right)


@rule("CONT-9")
@given(st.data())
def test_a_choice_is_one_free_candidate_or_a_question_and_no_matter_of_order(data):
    me = data.draw(written(data.draw(people), linked=False))
    others = data.draw(st.lists(people.flatmap(written), max_size=5))
    chosen = choose(me, others)
    shuffled = choose(me, data.draw(st.permutations(others)))
    assert chosen.match == shuffled.match
    assert set(chosen.ask) == set(shuffled.ask)
    assert not (chosen.match and chosen.ask)
    assert not any(each.linked for each in (*chosen.ask, *([chosen.match] if chosen.match else [])))
    same = [each for each in others if same_person(me, each) is Verdict.SAME]
    assert chosen.match is None or same == [chosen.match]
    assert chosen.match or not same or chosen.ask or all(each.linked for each in same)
