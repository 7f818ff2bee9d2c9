"""Whatever is written to Graph is read back as the same value, and no row can break a page."""

from __future__ import annotations

import string
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.bodies.visible import normal
from shared.exchange import event_writes, events, stamps
from shared.model.decision import CreateEvent
from shared.model.event import Stamps

Json = dict[str, Any]

ZONES = ["UTC", "W. Europe Standard Time", "Pacific Standard Time", "Lord Howe Standard Time", "Asia/Kolkata"]
anywhen = st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1), timezones=st.just(UTC))
clock_changes = st.sampled_from([(2026, 10, 25, 1), (2026, 3, 29, 1), (2026, 11, 1, 9), (2026, 4, 4, 15)])
around_changes = st.tuples(clock_changes, st.integers(-150, 150)).map(
    lambda drawn: datetime(*drawn[0], tzinfo=UTC) + timedelta(minutes=drawn[1])
)
instants = (anywhen | around_changes).map(lambda moment: moment.replace(microsecond=0))


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


@st.composite
def times(draw: st.DrawFn) -> Json:
    if draw(st.booleans()):
        first = draw(st.dates(date(2000, 1, 1), date(2050, 1, 1)))
        last = first + timedelta(days=draw(st.integers(1, 40)))
        return {"allDay": True, "start": first.isoformat(), "end": last.isoformat()}
    start = draw(instants)
    end = start + timedelta(seconds=draw(st.integers(0, 10**6)))
    return {"allDay": False, "start": _text(start), "end": _text(end)}


addresses = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8).map("{}@x.com".format)
attendees = st.dictionaries(addresses, st.sampled_from(["required", "optional", "resource"]), max_size=5).map(
    lambda people: [[address, people[address]] for address in sorted(people)]
)
values = st.fixed_dictionaries(
    {
        "time": times(),
        "subject": st.text(max_size=20),
        "body": st.text(max_size=40).map(normal),
        "location": st.text(max_size=20),
        "importance": st.sampled_from(["low", "normal", "high"]),
        "showAs": st.sampled_from(["free", "tentative", "busy", "oof", "workingElsewhere"]),
        "attendees": attendees,
    }
)
guids = st.uuids().map(str)
all_stamps = st.builds(
    Stamps,
    link_state=st.none() | st.sampled_from([0.0, 1.0, 2.0]),
    crm_id=st.none() | guids,
    org_id=st.none() | guids,
    regarding_id=st.none() | guids,
    regarding_type=st.none() | st.sampled_from(["1", "account"]),
    object_type=st.none() | st.just("4201"),
    withheld=st.none() | st.text(min_size=1, max_size=30),
)


def _as_stored(body: Json) -> Json:
    """What Graph adds to what was sent."""
    return {**body, "id": "E", "@odata.etag": 'W/"k"', "type": "singleInstance"}


@given(values, all_stamps, st.sampled_from(ZONES))
def test_what_is_written_is_what_is_read(sent: Json, marks: Stamps, zone: str) -> None:
    body = event_writes.create(CreateEvent("key", sent, marks, (), None), zone)
    read = events.decode(_as_stored(body), marks=Stamps())
    assert {name: read.values[name] for name in sent} == sent
    assert read.stamps == marks


@given(all_stamps)
def test_stamps_survive_a_write(marks: Stamps) -> None:
    assert stamps.as_read(marks) == marks


@given(st.text())
def test_normal_text_is_normal_already(text: str) -> None:
    assert normal(normal(text)) == normal(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from([*events.FIELDS, "@odata.etag", "singleValueExtendedProperties"])
WHOLE = _as_stored(
    {
        "start": {"dateTime": "2026-01-05T09:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-01-05T10:00:00.0000000", "timeZone": "UTC"},
    }
)


@given(st.dictionaries(names, json_values, max_size=8))
def test_a_row_of_any_shape_is_read_or_named_unreadable(changes: Json) -> None:
    try:
        read: str = events.decode({**WHOLE, **changes}).id
    except events.UnreadableEvent as error:
        read = str(error)
    assert read
