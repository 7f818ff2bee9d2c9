"""Series of every kind keep what they say through Graph, through Dataverse, and over changing clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice, takewhile

from dateutil import rrule
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.dynamics.dataverse import series_pattern
from shared.exchange import event_recurrence
from shared.model.recurrence import (
    HORIZON,
    INDEXES,
    PatternType,
    Recurrence,
    contains,
    dates,
    first_date,
    from_value,
    last_date,
    next_slot,
    occurrences,
    slot_on,
    to_value,
)
from shared.model.timezones import zone
from shared.rules.recurrence import COMPARED, SETTLED, first_day_changes_dates, to_dynamics, to_exchange
from shared.rules.recurrence_notes import Note
from tests.marks import rule
from tests.recurrences import BERLIN, ZONES, any_series

EXAMPLES = settings(max_examples=300)


@EXAMPLES
@given(r=any_series())
def test_a_value_says_everything_about_a_series(r: Recurrence) -> None:
    assert from_value(to_value(r)) == r


def answered(r: Recurrence) -> dict[str, object]:
    """What Graph answers for what was sent: every key filled in, times in UTC (midnights for all-day)."""
    sent = event_recurrence.encode(to_value(r))
    pattern = {"month": 0, "dayOfMonth": 0, "firstDayOfWeek": "sunday", "index": "first"}
    span = {"endDate": "0001-01-01", "numberOfOccurrences": 0}
    slot = slot_on(r, r.start_date)
    if not r.all_day:
        for edge, moment in (("start", slot.start), ("end", slot.end)):
            sent[edge] = {"dateTime": moment.strftime("%Y-%m-%dT%H:%M:%S.0000000"), "timeZone": "UTC"}
    sent["recurrence"] = {
        "pattern": pattern | sent["recurrence"]["pattern"],
        "range": span | sent["recurrence"]["range"],
    }
    return sent


@rule("APPT-28", "FLD-11")
@EXAMPLES
@given(r=any_series())
def test_a_series_comes_back_from_graph_as_it_was_sent(r: Recurrence) -> None:
    assume(not clocks_touch_first_slot(r))
    assert event_recurrence.decode(answered(r)) == to_value(r)


def clocks_touch_first_slot(r: Recurrence) -> bool:
    """A first start or end that clocks skip or show twice has no way back from UTC."""
    if r.all_day:
        return False
    where, slot = zone(r.time_zone), slot_on(r, r.start_date)
    begin = datetime.combine(r.start_date, r.start_time)
    local = [moment.astimezone(where).replace(tzinfo=None) for moment in (slot.start, slot.end)]
    return local != [begin, begin + timedelta(minutes=r.minutes)]


def instants(r: Recurrence) -> list[tuple[datetime, datetime]]:
    """As far as the crossing promises to look."""
    days = (*islice(dates(r), COMPARED), *islice(dates(r, SETTLED), 366))
    slots = (slot_on(r, day) for day in days)
    return [(slot.start, slot.end) for slot in slots]


@rule("APPT-28", "FLD-11", "APPT-10")
@EXAMPLES
@given(r=any_series(), owner=st.sampled_from(ZONES))
def test_a_series_that_crosses_has_the_same_occurrences_after_both_ways(r: Recurrence, owner: str) -> None:
    there = to_dynamics(to_value(r), zone(owner))
    if there.value is None:
        assert there.notes  # the reason
        return
    assert series_pattern.decode(series_pattern.encode_new(there.value)) == there.value
    back = to_exchange(there.value, zone(owner), owner)
    assert back.value is not None
    again = from_value(back.value)
    if r.all_day:
        assert list(islice(dates(again), 1600)) == list(islice(dates(r), 1600))
        assert again.minutes == r.minutes
    elif Note.ZONE_DRIFT not in {remark.note for remark in there.notes}:
        # Durations are those of a clock on the wall, so ends may differ on the nights of a change.
        assert [start for start, _ in instants(again)] == [start for start, _ in instants(r)]
        assert again.minutes == r.minutes


@rule("APPT-28")
@EXAMPLES
@given(r=any_series(zones=(BERLIN,)))
def test_crossing_twice_changes_nothing_more(r: Recurrence) -> None:
    owner = zone(BERLIN)
    there = to_dynamics(to_value(r), owner)
    assume(there.value is not None)
    back = to_exchange(there.value, owner, BERLIN)
    once_more = to_dynamics(back.value, owner)
    assert once_more.value == there.value
    assert once_more.notes == ()


@rule("FLD-11")
@EXAMPLES
@given(r=any_series(zones=(BERLIN,)), kept=st.sampled_from(range(7)))
def test_a_kept_first_day_of_the_week_is_told_exactly_if_it_gives_other_days(
    r: Recurrence, kept: int
) -> None:
    owner = zone(BERLIN)
    wanted = to_dynamics(to_value(r), owner).value
    assume(wanted is not None)
    row = {**wanted, "firstDay": kept}
    asked, written = (from_value(to_exchange(v, owner, BERLIN).value) for v in (wanted, row))
    other = list(islice(dates(asked), 50)) != list(islice(dates(written), 50))
    assert first_day_changes_dates(wanted, row, owner) is other


@rule("APPT-10")
@EXAMPLES
@given(r=any_series())
def test_a_series_stays_at_its_local_time_while_clocks_change(r: Recurrence) -> None:
    where = zone(r.time_zone)
    for day in islice(dates(r), 800):
        slot = slot_on(r, day)
        assert slot.start.tzinfo is UTC
        local = slot.start.astimezone(where).replace(tzinfo=None)
        asked = datetime.combine(day, r.start_time)
        # Only a time that the place did not have that day is told otherwise: by the length of the jump.
        assert local == asked or not exists(asked, r.time_zone)
        assert timedelta(0) <= local - asked <= timedelta(hours=1)


def exists(local: datetime, name: str) -> bool:
    return (
        local.replace(tzinfo=zone(name)).astimezone(UTC).astimezone(zone(name)).replace(tzinfo=None) == local
    )


@EXAMPLES
@given(r=any_series(), day=st.dates(date(1980, 1, 1), date(2300, 1, 1)))
def test_days_found_by_jumping_are_those_found_by_walking(r: Recurrence, day: date) -> None:
    walked = list(islice(dates(r), 2000))
    complete = len(walked) < 2000
    assume(complete or day <= walked[-1])
    following = [known for known in walked if known >= day]
    assert list(islice(dates(r, day), 5)) == following[:5] or not complete
    assert contains(r, day) == (day in walked)
    if complete:
        assert last_date(r) == (None if r.range_type == "noEnd" else walked[-1] if walked else None)


@EXAMPLES
@given(r=any_series(), instant=st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1)))
def test_a_window_holds_exactly_what_touches_it(r: Recurrence, instant: datetime) -> None:
    start = instant.replace(tzinfo=UTC)
    end = start + timedelta(days=90)
    everything = [slot_on(r, day) for day in islice(dates(r), 2000)]
    assume(len(everything) < 2000 or everything[-1].start > end)
    touching = [s for s in everything if s.start < end and (s.end > start or s.start >= start)]
    assert list(occurrences(r, start, end)) == touching
    assert next_slot(r, start) == next((s for s in everything if s.start >= start), None)


@settings(max_examples=60)
@given(r=any_series(max_interval=1_000_000))
def test_no_series_goes_on_for_ever(r: Recurrence) -> None:
    far = date(4490, 1, 1)
    assert all(day <= HORIZON for day in dates(r, far))
    assert next(dates(r, HORIZON + timedelta(days=1)), None) is None
    first, last = first_date(r), last_date(r)
    assert last is None or (first is not None and first <= last <= HORIZON)


@EXAMPLES
@given(r=any_series(zones=(BERLIN,)))
def test_days_are_those_of_a_plain_calendar_rule(r: Recurrence) -> None:
    """Against the text form of the same rule, where it has one: months that all have the day."""
    assume(r.day_of_month is None or r.day_of_month <= 28)
    begin = datetime.combine(r.start_date, datetime.min.time())
    walked = (moment.date() for moment in rrule.rrulestr(text_of(r), dtstart=begin))
    expected = list(takewhile(lambda day: day <= HORIZON, islice(walked, 300)))
    assert list(islice(dates(r), 300)) == expected


def text_of(r: Recurrence) -> str:
    frequency = {"daily": "DAILY", "weekly": "WEEKLY"}.get(
        r.type, "YEARLY" if r.type.is_yearly else "MONTHLY"
    )
    parts = [f"FREQ={frequency}", f"INTERVAL={r.interval}", f"WKST={r.first_day_of_week[:2].upper()}"]
    if r.days:
        parts.append("BYDAY=" + ",".join(day[:2].upper() for day in r.days))
    if r.index is not None:
        parts.append(f"BYSETPOS={-1 if r.index == INDEXES[-1] else INDEXES.index(r.index) + 1}")
    if r.day_of_month is not None:
        parts.append(f"BYMONTHDAY={r.day_of_month}")
    if r.month is not None:
        parts.append(f"BYMONTH={r.month}")
    if r.occurrences is not None:
        parts.append(f"COUNT={r.occurrences}")
    if r.end_date is not None:
        parts.append(f"UNTIL={r.end_date:%Y%m%d}T000000")
    return ";".join(parts)


def test_every_type_of_pattern_was_drawn() -> None:
    drawn: set[PatternType] = set()

    @settings(max_examples=100, database=None)
    @given(r=any_series())
    def draw(r: Recurrence) -> None:
        drawn.add(r.type)

    draw()
    assert drawn == set(PatternType)
