"""When a mailbox is read next, and how long one that fails is left alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Transient
from shared.model.mailbox import Mailbox
from shared.model.profile import Polling, Profile, Retries
from shared.rules import cadence
from shared.rules.cadence import DOUBT, HALF_LIFE, Ended, after, back_off
from tests.marks import rule

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
NO_TASKS = Profile(synchronize_tasks=False)
QUIET = Ended(NOW, polled=True, covered=True)


def mailbox(**values: object) -> Mailbox:
    return replace(Mailbox("m1", "ada@contoso.example", "u1", last_pass_at=NOW), **values)  # type: ignore[arg-type]


def subscribed(**values: object) -> Mailbox:
    return mailbox(subscribed_until=NOW + timedelta(days=3), **values)


def minutes(one: Mailbox, ended: Ended = QUIET, profile: Profile = NO_TASKS) -> float:
    return (after(one, profile, ended).poll_at - ended.at) / timedelta(minutes=1)


# --- how often ------------------------------------------------------------------------------------


@rule("MBX-14", "FAQ-2", "X-7")
def test_busy_normal_and_quiet_mailboxes() -> None:
    """No later than the timer, which comes each minute, needs to be in time."""
    assert 1 <= minutes(mailbox(), replace(QUIET, found=3)) <= 2
    assert 3 <= minutes(mailbox(), replace(QUIET, found=1)) <= 4
    assert 9 <= minutes(mailbox()) <= 11


@rule("MBX-14", "FAQ-2")
def test_a_mailbox_grows_quiet_as_nothing_happens() -> None:
    one, now, seen = mailbox(activity=8.0), NOW, []
    while now < NOW + 6 * HALF_LIFE:
        planned = after(one, NO_TASKS, Ended(now, polled=True))
        one = replace(one, activity=planned.activity, last_pass_at=now, poll_at=planned.poll_at)
        seen.append((planned.poll_at - now) / timedelta(minutes=1))
        now = planned.poll_at
    assert seen[0] <= 2
    assert 8.5 <= seen[-1] <= 12
    assert max(seen) <= 12


@rule("MBX-14")
def test_much_at_once_does_not_keep_a_mailbox_busy_for_hours() -> None:
    flooded = after(mailbox(), NO_TASKS, replace(QUIET, found=100_000))
    later = mailbox(activity=flooded.activity)
    assert minutes(later, replace(QUIET, at=NOW + 5 * HALF_LIFE)) > 4


@rule("MBX-14")
@given(
    activity=st.floats(0, 8),
    found=st.integers(0, 1000),
    elapsed=st.integers(0, 10**6),
    name=st.text(min_size=1, max_size=9),
    polled=st.booleans(),
)
def test_without_subscriptions_there_is_a_pass_every_twelve_minutes(
    activity: float, found: int, elapsed: int, name: str, polled: bool
) -> None:
    """Whatever happened, and a minute of the timer included."""
    ended = Ended(NOW, found=found, polled=polled)
    one = mailbox(id=name, activity=activity, last_pass_at=NOW - timedelta(seconds=elapsed))
    planned = after(one, NO_TASKS, ended)
    assert NOW + timedelta(minutes=1) <= planned.due_at <= NOW + timedelta(minutes=11)
    assert 0 <= planned.activity <= cadence.MOST


@rule("MBX-14")
def test_the_net_is_wider_where_notifications_tell_of_everything() -> None:
    assert 24 <= minutes(subscribed()) <= 29
    assert 24 <= minutes(subscribed(), replace(QUIET, found=9)) <= 29
    wide = replace(NO_TASKS, item_polling=Polling(notified_minutes=360))
    assert 288 <= minutes(subscribed(), QUIET, wide) <= 359


@rule("MBX-14")
def test_it_is_not_where_they_may_not_tell() -> None:
    over = mailbox(subscribed_until=NOW)
    another_calendar = replace(QUIET, covered=False)
    assert minutes(over) <= 12
    assert minutes(subscribed(), another_calendar) <= 12
    assert minutes(subscribed(untold_at=NOW - DOUBT + timedelta(minutes=1))) <= 12
    assert minutes(subscribed(untold_at=NOW - DOUBT)) >= 24


@rule("MBX-14")
def test_a_change_of_which_nobody_told_is_remembered_until_somebody_tells_again() -> None:
    missed = after(subscribed(), NO_TASKS, replace(QUIET, untold=1))
    assert missed.untold_at == NOW
    assert missed.poll_at <= NOW + timedelta(minutes=12)
    told = after(subscribed(untold_at=NOW), NO_TASKS, replace(QUIET, told=True, untold=1))
    assert told.untold_at is None
    assert after(mailbox(), NO_TASKS, replace(QUIET, untold=1)).untold_at is None
    elsewhere = replace(QUIET, untold=1, covered=False)
    assert after(subscribed(), NO_TASKS, elsewhere).untold_at is None


@rule("MBX-14", "MBX-15")
def test_a_pass_about_something_else_does_not_put_the_poll_off() -> None:
    planned = NOW + timedelta(minutes=2)
    one = subscribed(poll_at=planned)
    assert after(one, NO_TASKS, replace(QUIET, polled=False)).poll_at == planned
    assert after(one, NO_TASKS, QUIET).poll_at > planned
    assert cadence.is_poll(one, planned)
    assert not cadence.is_poll(one, NOW)


@rule("FAQ-2")
def test_those_who_began_together_do_not_stay_together() -> None:
    due = [after(subscribed(id=f"m{number}"), NO_TASKS, QUIET).due_at for number in range(300)]
    by_minute = [int((at - NOW) / timedelta(minutes=1)) for at in due]
    assert set(by_minute) == set(range(24, 29))
    assert max(by_minute.count(minute) for minute in set(by_minute)) < 100


@rule("MBX-14")
@pytest.mark.parametrize(("tracks", "earliest", "latest"), [(True, 9.6, 11), (False, 48, 59)])
def test_task_lists_have_a_clock_of_their_own(tracks: bool, earliest: float, latest: float) -> None:
    profile = replace(Profile(), item_polling=Polling(notified_minutes=120))
    ended = replace(QUIET, tasks_read_at=NOW, tracks_tasks=tracks)
    planned = after(subscribed(), profile, ended)
    assert NOW + timedelta(minutes=earliest) <= planned.due_at <= NOW + timedelta(minutes=latest)
    assert planned.poll_at > planned.due_at
    later = subscribed(poll_at=planned.poll_at)
    assert not cadence.is_poll(later, planned.due_at)


def test_task_lists_that_cannot_be_read_do_not_make_a_mailbox_due_all_the_time() -> None:
    planned = after(mailbox(), Profile(), QUIET)
    assert planned.due_at == planned.poll_at > NOW


@rule("MBX-15")
def test_an_administrator_postpones() -> None:
    until = NOW + timedelta(hours=3)
    planned = after(mailbox(postponed_until=until), NO_TASKS, QUIET)
    assert planned.due_at == until
    assert cadence.is_postponed(mailbox(postponed_until=until), NOW)
    assert not cadence.is_postponed(mailbox(postponed_until=NOW), NOW)
    assert after(mailbox(postponed_until=NOW), NO_TASKS, QUIET).due_at > NOW


# --- failures -------------------------------------------------------------------------------------


@rule("MBX-16")
def test_a_mailbox_that_fails_is_tried_soon_then_every_five_minutes_then_less_often_and_never_given_up() -> (
    None
):
    waits = [int(back_off(number, Retries()).total_seconds()) for number in range(14)]
    assert waits == [2, 8, 32, 128, 300, 300, 300, 300, 300, 300, 600, 900, 900, 900]
    assert back_off(10**6, Retries()) == timedelta(minutes=15)


@rule("MBX-17")
def test_back_off_follows_the_settings() -> None:
    retries = Retries(
        shortest_seconds=10, longest_seconds=60, timed_out_seconds=45, failures=3, outage_minutes=5
    )
    assert [int(back_off(n, retries).total_seconds()) for n in range(7)] == [10, 40, 60, 120, 240, 300, 300]
    for error in (Transient("", status=504), Transient("", code="ReadTimeout")):
        assert back_off(0, retries, error) == timedelta(seconds=45)
    assert back_off(0, retries, Transient("", status=503)) == timedelta(seconds=10)
