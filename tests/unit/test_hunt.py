"""The hunt itself: what counts as hostile, how a story is made short, and what the oracle complains of."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, cast

import pytest

from local.clock import SimulatedClock
from tests.simulation.diary import Diary
from tests.simulation.faults import Chance, Rates
from tests.simulation.items import CLOSED, DYNAMICS, EXCHANGE, NOT_CLOSED, Edit, Item
from tests.simulation.mails import Mail, Mails
from tests.simulation.oracle.broken import (
    CONVERGES,
    NO_DUPLICATES,
    NO_EDIT_LOST,
    NO_LEAK,
    NO_SURPRISE_DELETION,
    Broken,
)
from tests.simulation.oracle.of_items import Seen, of_item
from tests.simulation.oracle.of_mails import of_mails
from tests.simulation.oracle.of_privacy import of_copies, of_owner, of_private
from tests.simulation.plan import Plan, of_the_hunt, read_plan
from tests.simulation.run import Outcome
from tests.simulation.shrink import shrunk
from tests.wire.people import CATEGORY, People, Person

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
ANNA = Person(cast(People, None), "mailbox-a", "user-a", "anna@contoso.example")
BERT = Person(cast(People, None), "mailbox-b", "user-b", "bert@contoso.example")
GUEST = "guest@outside.example"

# --- what counts ----------------------------------------------------------------------------------


def lived(edits: int, kinds: int, sides: int, faults: int, passes: int) -> Diary:
    clock = SimulatedClock(NOW)
    diary = Diary(clock)
    diary.begin(["m"])
    for number in range(edits):
        diary.edited("m", f"kind {number % kinds}", (EXCHANGE, DYNAMICS)[number % sides])
    for _ in range(faults):
        diary.wrong("m", "kill")
    for _ in range(passes):
        clock.advance(86_400 / (passes + 1))
        diary.passed("m")
    clock.advance(NOW.timestamp() + 86_400 - clock.time())
    diary.end_day()
    return diary


def test_the_diary_knows_how_long_a_mailbox_had_no_pass() -> None:
    assert lived(1, 1, 1, 0, passes=5).waited("m") == 14_400
    assert Diary(SimulatedClock(NOW)).waited("m") == 0


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ((10, 3, 2, 3, 24), ""),
        ((9, 3, 2, 3, 24), "9 edits"),
        ((10, 2, 2, 3, 24), "2 kinds"),
        ((10, 3, 1, 3, 24), "1 sides"),
        ((10, 3, 2, 2, 24), "2 faults"),
        ((10, 3, 2, 3, 3), "no pass for 21600 s"),
    ],
)
def test_a_day_counts_only_if_it_was_hostile(numbers: tuple[int, int, int, int, int], missing: str) -> None:
    (day,) = lived(*numbers).days.values()
    assert day.missing(7200) == missing


def test_what_happens_to_one_mailbox_is_no_fault_of_another() -> None:
    diary = Diary(SimulatedClock(NOW))
    diary.begin(["m", "n"])
    diary.wrong("m", "kill")
    diary.wrong("", "kill")
    assert [key for key, day in diary.days.items() if day.faults] == [("m", 0)]


# --- plans and chance -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "plan", [of_the_hunt(7), Plan(1, only=frozenset({"anna.0.1"}), faults=frozenset(), trouble=False)]
)
def test_a_plan_is_read_as_it_was_written(plan: Plan) -> None:
    assert read_plan(plan.written()) == plan


def test_told_again_with_the_same_faults_the_same_goes_wrong() -> None:
    def drawn(chance: Chance) -> list[bool]:
        return [chance.of_hundred("kill", 30) for _ in range(50)]

    first = Chance(3, Rates())
    happened = drawn(first)
    assert drawn(Chance(3, Rates(), frozenset(first.hits))) == happened
    assert sum(drawn(Chance(3, Rates(), frozenset(first.hits[:2])))) == 2


# --- making it short ------------------------------------------------------------------------------


def fails_with(*needed: str, fault: str) -> Callable[[Plan], Outcome]:
    def run(plan: Plan) -> Outcome:
        there = all(plan.happens(name) for name in needed) and plan.days > 1
        hit = plan.faults is None or fault in plan.faults
        broken = [Broken(NO_DUPLICATES, "two")] if there and hit else []
        return Outcome(plan, broken=broken, faults=[f"kill#{number}" for number in range(40)])

    return run


def test_a_story_is_made_as_short_as_it_still_ends_badly() -> None:
    run = fails_with("anna.0.3", "bert.1.7", fault="kill#17")
    found = shrunk(run(Plan(1, 4, 3)), 60, run).plan
    assert (found.days, found.only, found.faults) == (
        2,
        frozenset({"anna.0.3", "bert.1.7"}),
        frozenset({"kill#17"}),
    )


# --- the oracle -----------------------------------------------------------------------------------


def task(**changes: Any) -> Item:
    item = Item("A0001", "task", ANNA, EXCHANGE, NOW)
    item.edits = [Edit(NOW, EXCHANGE, "words", "A0001 v1"), Edit(NOW, EXCHANGE, "text", "v2")]
    for name, value in changes.items():
        setattr(item, name, value)
    return item


def here(words: str = "A0001 v1", text: str = "v2", **values: Any) -> dict[str, Any]:
    shown = {"title": words, "body": {"content": text}, "status": "notStarted", "categories": [CATEGORY]}
    return {**shown, **values}


def there(words: str = "A0001 v1", text: str = "v2", **values: Any) -> dict[str, Any]:
    return {
        "subject": words,
        "description": text,
        "statecode": 0,
        "scheduledend": None,
        "_ownerid_value": "user-a",
        **values,
    }


def promises(item: Item, exchange: list[Any], dynamics: list[Any], history: str = "") -> set[str]:
    return {each.promise for each in of_item(Seen(item, {EXCHANGE: exchange, DYNAMICS: dynamics}, history))}


def test_where_all_is_well_nothing_is_complained_of() -> None:
    assert promises(task(), [here()], [there()]) == set()


@pytest.mark.parametrize(
    ("item", "exchange", "dynamics", "promise"),
    [
        (task(), [here()], [there(text="v3")], CONVERGES),
        (task(), [here()], [there(statecode=1)], CONVERGES),
        (task(), [here()], [], CONVERGES),
        (task(), [here(), here()], [there()], NO_DUPLICATES),
        (task(deleted={DYNAMICS: NOW}), [], [there()], NO_DUPLICATES),
        (task(), [], [there()], NO_SURPRISE_DELETION),
        (task(), [here(text="v9")], [there(text="v9")], NO_EDIT_LOST),
        (task(untracked=NOW), [], [there()], NO_SURPRISE_DELETION),
        (task(untracked=NOW), [here()], [there()], NO_DUPLICATES),
    ],
)
def test_what_is_not_as_people_left_it_breaks_a_promise(
    item: Item, exchange: list[Any], dynamics: list[Any], promise: str
) -> None:
    assert promise in promises(item, exchange, dynamics)


def open_for(*hours: float) -> Item:
    """A row that was closed and opened again in turn, after so many hours each."""
    item = task(born=DYNAMICS)
    moment = NOW
    for number, each in enumerate(hours):
        moment += timedelta(hours=each)
        item.facts.append(Edit(moment, DYNAMICS, "state", (CLOSED, NOT_CLOSED)[number % 2]))
    return item


@pytest.mark.parametrize(
    ("item", "may_be_missing"),
    [
        (open_for(1), True),
        (open_for(3), False),
        (open_for(1, 5), False),
        (open_for(1, 5, 1), True),
        (open_for(1, 5, 3), False),
        (open_for(), False),
    ],
)
def test_a_row_that_was_hardly_open_need_not_have_come_to_exchange(item: Item, may_be_missing: bool) -> None:
    assert (promises(item, [], [there(statecode=1)]) == set()) is may_be_missing


def test_a_row_need_not_have_come_to_exchange_while_its_mailbox_was_left_alone() -> None:
    item = open_for(3)
    assert CONVERGES in promises(item, [], [there(statecode=1)])
    item.arrives = timedelta(hours=6)
    assert promises(item, [], [there(statecode=1)]) == set()


def test_who_tracks_an_item_again_and_deletes_its_row_at_once_may_get_a_new_row() -> None:
    for hours, promise in ((1, set()), (3, {NO_DUPLICATES})):
        gone = {DYNAMICS: NOW + timedelta(hours=hours)}
        assert promises(task(retracked=NOW, deleted=gone), [here()], [there()]) == promise


def test_a_guest_who_tracks_a_meeting_whose_row_is_deleted_at_once_may_get_a_row() -> None:
    for hours, promise in ((-1, set()), (1, set()), (3, {NO_DUPLICATES})):
        item = task(deleted={DYNAMICS: NOW + timedelta(hours=hours)})
        item.guests.tracked = NOW
        assert promises(item, [], [there()]) == promise


def test_an_edit_that_lost_is_kept_by_the_history() -> None:
    item = task()
    item.edits.append(Edit(NOW, DYNAMICS, "text", "v3", "v2"))
    item.edits.append(Edit(NOW, EXCHANGE, "text", "v4", "v2"))
    assert NO_EDIT_LOST in promises(item, [here(text="v4")], [there(text="v4")])
    assert promises(item, [here(text="v4")], [there(text="v4")], "lost: v3") == set()


def test_what_was_written_last_and_knowingly_stands() -> None:
    item = task()
    later = NOW + timedelta(hours=7)
    item.edits.append(Edit(later, DYNAMICS, "text", "v3", "v2"))
    item.facts = [
        Edit(NOW, EXCHANGE, "due", "2026-03-05", ""),
        Edit(later, DYNAMICS, "due", "2026-03-06", "2026-03-05"),
    ]
    due = {"dueDateTime": {"dateTime": "2026-03-05T00:00:00"}}
    assert NO_EDIT_LOST in promises(item, [here()], [there()], "lost: v3")
    rows = [here(text="v3", **due)], [there(text="v3", scheduledend="2026-03-05T15:00:00Z")]
    assert promises(item, *rows) == {NO_EDIT_LOST}


def sent(kind: str, *to: str, mark: str = "A0001") -> Mail:
    return Mail(kind, ANNA.address, to, f"{mark} v1", "", by_service=True)


def complaints(item: Item, *mails: Mail) -> int:
    box = Mails.__new__(Mails)
    box.sent = list(mails)
    return len(of_mails(box, [item]))


def test_guests_are_told_as_often_as_people_gave_reason_for() -> None:
    item = Item("A0001", "event", ANNA, DYNAMICS, NOW)
    item.guests.ever.add(GUEST)
    item.guests.invited[GUEST] = 1
    assert complaints(item, sent("invitation", GUEST)) == 0
    assert complaints(item, sent("invitation", GUEST), sent("invitation", GUEST)) == 1
    assert complaints(item, sent("update", GUEST)) == 1
    assert complaints(item, sent("cancellation", GUEST)) == 1
    assert complaints(item, sent("invitation", BERT.address)) == 1
    assert complaints(item, sent("invitation", GUEST, mark="nothing")) == 1
    item.deleted[DYNAMICS] = NOW + timedelta(hours=1)
    assert complaints(item, sent("cancellation", GUEST)) == 0


def test_what_is_nobodys_business_is_nowhere_else() -> None:
    item = task(private=True)
    assert [each.promise for each in of_private(item, ["… A0001 …"])] == [NO_LEAK]
    assert list(of_private(item, ["B0001"])) == []
    assert [each.promise for each in of_owner(item, [there(_ownerid_value="user-b")])] == [NO_LEAK]
    assert [each.promise for each in of_copies(item, [(ANNA, "A0001"), (BERT, "A0001")])] == [NO_LEAK]
    assert list(of_copies(item, [(BERT, "AAkxA0001-Q=")])) == [], "an id that holds the same letters"
    item.guests.ever.add(BERT.address)
    assert list(of_copies(item, [(BERT, "A0001")])) == []


def test_a_broken_promise_is_told_by_one_process_to_another() -> None:
    item = Item("A001", "event", cast(Person, Lock()), EXCHANGE, NOW)
    told = pickle.loads(pickle.dumps(Broken("1 converges", "they differ", item)))
    assert str(told) == "1 converges: event A001: they differ"
