"""Any sequence of edits on both sides of a series, of passes and crashes, ends in step, without doubles, and
mails only what an edit in Dynamics calls for.

Hypothesis prints the sequence that fails, shrunk, and with ``--hypothesis-seed`` runs it again.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import date, timedelta

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.model import recurrence as model
from shared.model.timezones import zone
from shared.rules import attendees
from shared.rules.occurrence_views import Slots, dynamics_view, exchange_view
from tests.doubles import series_world
from tests.doubles.service import Killed, Service
from tests.marks import rule
from tests.unit.test_engine_series import GUEST, TRACKED, add_event, at, weekly, z

OTHER = "other@fabrikam.example"
DAYS = [date(2026, 3, 9) + timedelta(weeks=n) for n in range(5)]
PATTERNS = [
    weekly(),
    weekly(count=4),
    weekly(hour=11),
    weekly(days=("tuesday",), first=date(2026, 3, 10)),
    weekly(days=("monday", "thursday"), count=8),
    weekly(time_zone="W. Europe Standard Time", hour=10),
    weekly(type=model.PatternType.DAILY, days=(), count=12, first=date(2026, 3, 9)),
]

slots = st.integers(0, 4)
in_exchange = st.one_of(
    st.tuples(st.just("exchange subject"), slots),
    st.tuples(st.just("exchange move"), slots),
    st.tuples(st.just("exchange rename one"), slots),
    st.tuples(st.just("exchange cancel one"), slots),
    st.tuples(st.just("exchange pattern"), st.integers(0, len(PATTERNS) - 1)),
    st.tuples(st.just("exchange attendees"), st.integers(0, 2)),
    st.tuples(st.just("exchange single"), st.just(0)),
)
in_dynamics = st.one_of(
    st.tuples(st.just("dynamics subject"), slots),
    st.tuples(st.just("dynamics move"), slots),
    st.tuples(st.just("dynamics rename one"), slots),
    st.tuples(st.just("dynamics cancel one"), slots),
    st.tuples(st.just("dynamics pattern"), st.integers(0, len(PATTERNS) - 1)),
    st.tuples(st.just("dynamics attendees"), st.integers(0, 2)),
)
running = st.one_of(
    st.tuples(
        st.sampled_from(["pass", "feed", "settle", "410", "dynamics token", "lose answers"]), st.just(0)
    ),
    st.tuples(st.just("kill"), st.integers(1, 14)),
)
ATTENDEES = [[], [[GUEST, "required"]], [[GUEST, "required"], [OTHER, "optional"]]]


class Story:
    """One person's series, and the world between."""

    def __init__(self) -> None:
        self.service = Service()
        self.ada = self.service.person("ada", 1)
        self.number = 0
        self.mailed_by_people = 0

    async def begin(self, people: list[list[str]]) -> None:
        await self.service.subscribe(self.ada)
        await self.service.settle()
        add_event(self.ada, attendees=people)
        await self.service.settle()
        self.mailed_by_people = len(self.service.exchange.mails)

    @property
    def event(self):
        return next(iter(self.ada.items.values()))

    @property
    def row(self):
        live = [row for row in self.service.dynamics.rows.values() if row.is_series == self.event.is_series]
        return live[0] if live else None

    async def do(self, what: str, number: int) -> None:
        self.number += 1
        side, _, name = what.partition(" ")
        before = len(self.service.exchange.mails)
        if side == "exchange":
            self._in_exchange(name, number)
            self.mailed_by_people += len(self.service.exchange.mails) - before
        elif what == "dynamics token":
            self.service.dynamics.epoch += 1
        elif side == "dynamics" and self.row is not None:
            self._in_dynamics(name, number, self.row)
        else:
            await self._run(what, number)

    def _in_exchange(self, name: str, number: int) -> None:
        event, day = self.event, DAYS[number % len(DAYS)].isoformat()
        if name == "subject":
            self.ada.edit(event.id, subject=f"exchange {self.number}")
        elif name == "attendees":
            self.ada.edit(event.id, attendees=ATTENDEES[number])
        elif name == "pattern":
            self.ada.edit(event.id, recurrence=PATTERNS[number])
        elif name == "single" and event.is_series:
            first = series_world.slot_time(event, model.first_date(series_world.pattern(event)).isoformat())
            self.ada.edit(event.id, recurrence=None, time=first)
        elif event.is_series and series_world.has_slot(event, day) and day not in event.cancelled:
            if name == "move":
                self.ada.edit_occurrence(event.id, day, time=at(day, 13 + self.number % 6))
            elif name == "rename one":
                self.ada.edit_occurrence(event.id, day, subject=f"one, exchange {self.number}")
            elif name == "cancel one":
                self.ada.remove_occurrence_of(event.id, day)

    def _in_dynamics(self, name: str, number: int, row) -> None:
        people = self.service.dynamics
        if name == "subject":
            people.edit(row.id, subject=f"dynamics {self.number}")
        elif name == "attendees":
            people.edit(row.id, attendees=ATTENDEES[number])
        elif not row.is_series:
            return
        elif name == "pattern":
            people.edit(row.id, recurrence=series_world.in_columns(PATTERNS[number]))
        else:
            self._one_in_dynamics(name, number, row)

    def _one_in_dynamics(self, name: str, number: int, row) -> None:
        series, day = series_world.columns(row), DAYS[number % len(DAYS)]
        start = z(model.slot_on(series, day).start)
        if not series_world.has_instance(row, start):
            return
        if name == "move":
            time = at(day.isoformat(), 13 + self.number % 6)
            self.service.dynamics.edit_instance(row.id, start, time=time)
        elif name == "rename one":
            self.service.dynamics.edit_instance(row.id, start, subject=f"one, dynamics {self.number}")
        elif name == "cancel one":
            self.service.dynamics.remove_instance_of(row.id, start)

    async def do_without_items(self, what: str, number: int) -> None:
        self.number += 1
        if what == "dynamics token":
            self.service.dynamics.epoch += 1
        else:
            await self._run(what, number)

    async def _run(self, what: str, number: int) -> None:
        service = self.service
        if what == "settle":
            await service.settle()
        elif what == "feed":
            await service.read_feed()
        elif what == "410":
            self.ada.forget_deltas()
        elif what == "lose answers":
            service.exchange.lose_answers_of.update({"update_event", "update_occurrence", "mark_event"})
            service.dynamics.lose_answers_of.update(
                {"put_exception", "remove_instance", "update_appointment"}
            )
        else:
            service.kill_at = len(service.steps) + number if what == "kill" else None
            with suppress(Killed):
                await service.run_pass(self.ada)
            service.kill_at = None

    def check_in_step(self) -> None:
        assert len(self.ada.items) == 1
        assert len(self.service.dynamics.rows) == 1
        event, row = self.event, self.row
        assert row is not None, "the row is of the other table"
        for name in ("subject", "attendees"):
            assert plain(event.value(name)) == plain(row.value(name)), name
        if event.is_series:
            self._check_occurrences(event, row)
        else:
            assert event.value("time") == row.value("time")

    @staticmethod
    def _check_occurrences(event, row) -> None:
        """Only one thing may differ: what was deleted on both sides and came back in Dynamics, because its
        pattern was set anew, is not brought back in Exchange, where that would mail everybody."""
        ours, theirs = series_world.pattern(event), series_world.columns(row)
        assert list(model.dates(ours)) == list(model.dates(theirs))
        exchange = exchange_view(event)
        dynamics = dynamics_view(row, Slots.of(event, row, zone("UTC")))
        for day in model.dates(ours):
            shown = exchange.get(day.isoformat(), {})
            if shown == "cancelled" and day.isoformat() not in dynamics:
                continue
            assert plain(shown) == plain(dynamics.get(day.isoformat(), {})), day


def plain(value):
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return {name: plain(part) for name, part in value.items()} if isinstance(value, dict) else value


def told(story):
    asyncio.run(story())


slow_is_fine = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@rule("APPT-28", "APPT-35", "APPT-36", "LNK-10")
@slow_is_fine
@given(st.lists(st.one_of(in_exchange, in_dynamics, running), max_size=12), st.integers(0, 2))
@example([("exchange move", 0), ("dynamics pattern", 1), ("kill", 9), ("dynamics pattern", 1)], 0)
def test_edits_of_a_series_on_both_sides_end_in_step_without_doubles(sequence, people):
    async def story():
        series = Story()
        await series.begin(ATTENDEES[people])
        for what, number in sequence:
            await series.do(what, number)
        await series.service.settle()
        series.check_in_step()

    told(story)


@rule("APPT-32", "APPT-22", "PAIN-2")
@slow_is_fine
@given(st.lists(st.one_of(in_exchange, running), max_size=10), st.integers(0, 2))
def test_edits_of_a_series_in_exchange_never_make_the_service_mail_anybody(sequence, people):
    async def story():
        series = Story()
        await series.begin(ATTENDEES[people])
        for what, number in sequence:
            await series.do(what, number)
        await series.service.settle()
        assert len(series.service.exchange.mails) == series.mailed_by_people

    told(story)


@rule("APPT-22", "APPT-26", "PAIN-2")
@slow_is_fine
@given(st.lists(st.one_of(in_dynamics, running), max_size=10))
def test_edits_of_a_series_in_dynamics_mail_each_person_at_most_once_an_edit(sequence):
    async def story():
        series = Story()
        await series.begin(ATTENDEES[1])
        edits = 0
        for what, number in sequence:
            await series.do(what, number)
            edits += what.startswith("dynamics ") and what != "dynamics token"
        await series.service.settle()
        service_mails = series.service.exchange.mails[series.mailed_by_people :]
        exceptions = len(series.event.exceptions)
        for address in (GUEST, OTHER):
            mine = [kind for kind, to in service_mails if to == address]
            assert len(mine) <= edits * (1 + exceptions) + edits
        if not edits:
            assert not service_mails

    told(story)


@rule("APPT-25", "APPT-30", "LNK-8")
@slow_is_fine
@given(
    st.lists(st.one_of(in_exchange, in_dynamics, running), max_size=6),
    st.sampled_from(["Exchange", "Dynamics"]),
    st.lists(running, max_size=4),
)
def test_a_deleted_series_is_gone_on_both_sides_and_stays_gone(before, where, after):
    async def story():
        series = Story()
        await series.begin(ATTENDEES[1])
        for what, number in before:
            await series.do(what, number)
        await series.service.settle()
        mails = len(series.service.exchange.mails)
        people = attendees.addresses(series.event.value("attendees"))
        if where == "Exchange":
            series.ada.remove(series.event.id)
            mails = len(series.service.exchange.mails)
        else:
            series.service.dynamics.remove(series.row.id)
        for what, number in after:
            await series.do_without_items(what, number)
        await series.service.settle()
        assert not series.ada.items
        assert not series.service.dynamics.rows
        told_now = [to for _, to in series.service.exchange.mails[mails:]]
        assert sorted(told_now) == (sorted(people) if where == "Dynamics" else [])

    told(story)


SHARED = st.one_of(
    st.tuples(st.sampled_from(["subject", "move", "rename one", "cancel one"]), slots),
    st.tuples(st.just("pattern"), st.integers(0, 2)),
    st.tuples(st.sampled_from(["dynamics subject", "dynamics rename one", "dynamics move"]), slots),
    st.tuples(st.sampled_from(["track ada", "track bob", "pass ada", "pass bob", "feed"]), st.just(0)),
    st.tuples(st.sampled_from(["kill ada", "kill bob"]), st.integers(1, 12)),
)


class SharedStory(Story):
    """Ada's series with Bob as an attendee; either of them tracks it, in whatever order the passes run."""

    def __init__(self) -> None:
        super().__init__()
        self.bob = self.service.person("bob", 2)

    async def begin_shared(self) -> None:
        for box in (self.ada, self.bob):
            await self.service.subscribe(box)
        await self.service.settle()
        add_event(self.ada, attendees=[[self.bob.address, "required"]], categories=())
        await self.service.settle()
        self.mailed_by_people = len(self.service.exchange.mails)

    async def do_shared(self, what: str, number: int) -> None:
        verb, _, who = what.partition(" ")
        if who not in ("ada", "bob"):
            side = "" if what.startswith("dynamics") or what == "feed" else "exchange "
            await self.do(f"{side}{what}", number)
            return
        box = self.ada if who == "ada" else self.bob
        if verb == "track":
            box.edit(next(iter(box.items)), categories=TRACKED)
            return
        self.service.kill_at = len(self.service.steps) + number if verb == "kill" else None
        with suppress(Killed):
            await self.service.run_pass(box)
        self.service.kill_at = None

    async def something_was_held_when_linking(self) -> bool:
        """What was edited in Dynamics before the organizer's mailbox linked the series stays there, by name:
        linking two items mails nobody."""
        links = [link async for link in self.service.services.store.links(self.ada.id)]
        return any("linking mails nobody" in link.noted for link in links)


@rule("APPT-6", "SET-7", "APPT-28")
@slow_is_fine
@given(st.lists(SHARED, max_size=12))
def test_a_series_in_two_mailboxes_is_one_row_in_whatever_order_the_passes_run(sequence):
    async def story():
        series = SharedStory()
        await series.begin_shared()
        for what, number in sequence:
            await series.do_shared(what, number)
        await series.do_shared("track bob", 0)
        await series.service.settle()
        assert len(series.bob.items) == 1
        if not await series.something_was_held_when_linking():
            series.check_in_step()
        assert len(series.service.dynamics.rows) == 1
        entry = await series.service.services.items.entry(series.row.table, series.row.id)
        assert series.bob.id in entry.mailboxes
        cancellations = [kind for kind, _ in series.service.exchange.mails if kind == "cancellation"]
        cancelled = sum(what == "cancel one" for what, _ in sequence)
        assert len(cancellations) <= cancelled

    told(story)
