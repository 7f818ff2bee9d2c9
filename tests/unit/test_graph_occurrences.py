"""Finding the occurrence that a write is about, with a channel that answers from a list."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.errors import Conflict, NotFound, Refused
from shared.exchange.occurrences import Occurrences
from shared.model.decision import RowVersion, UpdateOccurrence
from tests.marks import rule

Json = dict[str, Any]
SLOT = ("2026-03-23T08:00:00Z", "2026-03-23T09:00:00Z")


class Listed:
    """Stands for channel and client; ``answers``: the rows of each reading, the last one again and again."""

    def __init__(self, *answers: list[Json]) -> None:
        self.client = self
        self.answers = list(answers)
        self.windows: list[tuple[str, str]] = []

    def get(self, kind: str, builder: Any, **query: Any) -> Any:
        assert kind == "instances"
        self.windows.append((query["startDateTime"], query["endDateTime"]))
        return builder

    async def rows(self, request: Any) -> AsyncIterator[Json]:
        assert request == "instances of series"
        for row in self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]:
            yield row


class Event:
    def __init__(self, event_id: str) -> None:
        self.instances = f"instances of {event_id}"


def occurrence(event_id: str, **changes: Any) -> Json:
    start = {"dateTime": "2026-03-23T08:00:00.0000000", "timeZone": "UTC"}
    return {"id": event_id, "type": "occurrence", "start": start, "isAllDay": False, **changes}


def write(exception: RowVersion | None = None, **changes: Any) -> UpdateOccurrence:
    given = {"series_id": "series", "date": "2026-03-23", "slot": SLOT, "values": {}, **changes}
    return UpdateOccurrence(**given, exception=exception)


class Sent(list[tuple[str, str | None]]):
    """What was written to; ids in ``gone`` answer 404."""

    def __init__(self, *gone: str) -> None:
        super().__init__()
        self.gone = gone

    async def __call__(self, event_id: str, etag: str | None) -> str:
        self.append((event_id, etag))
        if event_id in self.gone:
            raise NotFound("gone")
        return event_id


def finder(channel: Any) -> Occurrences:
    return Occurrences(channel, Event)


async def test_a_year_around_the_slot_is_read_and_remembered() -> None:
    listed, sent = (
        Listed([occurrence("one"), occurrence("two", originalStart="2026-03-30T07:00:00Z")]),
        Sent(),
    )
    occurrences = finder(listed)
    assert await occurrences.apply(write(), sent) == "one"
    later = ("2026-03-30T07:00:00Z", "2026-03-30T08:00:00Z")
    assert await occurrences.apply(write(slot=later, date="2026-03-30"), sent) == "two"
    assert listed.windows == [("2025-09-21T08:00:00Z", "2026-09-22T09:00:00Z")]
    assert sent == [("one", None), ("two", None)]


@rule("APPT-36")
async def test_an_id_that_a_new_pattern_replaced_is_looked_up_anew() -> None:
    other = occurrence("other", originalStart="2026-03-16T08:00:00Z", start=None, type="exception")
    listed, sent = Listed([occurrence("old"), other], [occurrence("new")]), Sent("old")
    occurrences = finder(listed)
    with pytest.raises(Conflict):
        await occurrences.apply(write(slot=("2026-03-16T08:00:00Z", "2026-03-16T09:00:00Z")), sent)
    assert await occurrences.apply(write(), sent) == "new"
    assert sent == [("old", None), ("new", None)]


async def test_an_id_that_was_just_read_and_is_gone_is_not_looked_up_again() -> None:
    listed, sent = Listed([occurrence("one")]), Sent("one")
    with pytest.raises(NotFound):
        await finder(listed).apply(write(), sent)
    assert len(listed.windows) == 1


@rule("APPT-36")
async def test_a_whole_day_is_found_by_its_day_where_its_instant_is_said_otherwise() -> None:
    start = {"dateTime": "2026-03-23T00:00:00.0000000", "timeZone": "UTC"}
    listed, sent = Listed([occurrence("one", start=start, isAllDay=True)]), Sent()
    berlin = ("2026-03-22T23:00:00Z", "2026-03-23T23:00:00Z")
    assert await finder(listed).apply(write(slot=berlin), sent) == "one"


async def test_a_known_exception_is_written_in_its_version_without_a_look() -> None:
    listed, sent = Listed([]), Sent()
    assert await finder(listed).apply(write(RowVersion("exception", 'W/"1"')), sent) == "exception"
    assert (sent, listed.windows) == ([("exception", 'W/"1"')], [])


@pytest.mark.parametrize(("rows", "error"), [([], NotFound), ([occurrence("plain")], Conflict)])
async def test_an_exception_that_is_gone_is_never_replaced_by_what_stands_in_its_slot(
    rows: list[Json], error: type[Exception]
) -> None:
    listed, sent = Listed(rows), Sent("exception")
    with pytest.raises(error):
        await finder(listed).apply(write(RowVersion("exception", 'W/"1"')), sent)
    assert sent == [("exception", 'W/"1"')]


@pytest.mark.parametrize("start", [None, {}, {"dateTime": "soon"}])
async def test_an_occurrence_that_cannot_be_read_is_not_one_that_is_gone(start: Any) -> None:
    broken = {**occurrence("one"), "start": start, "originalStart": start and "soon"}
    with pytest.raises(Refused) as refused:
        await finder(Listed([broken])).apply(write(), Sent())
    assert (type(refused.value), refused.value.code) == (Refused, "unreadable")


async def test_what_a_series_had_is_forgotten_when_it_is_written() -> None:
    listed, sent = Listed([occurrence("old")], [occurrence("new")]), Sent()
    occurrences = finder(listed)
    await occurrences.apply(write(slot=SLOT), sent)
    occurrences.forget("series")
    assert await occurrences.apply(write(), sent) == "new"
    assert len(listed.windows) == 2


async def test_an_exception_outside_of_its_pattern_is_known_by_its_id_only() -> None:
    listed, sent = Listed([]), Sent("gone")
    nowhere = ("", "")
    assert await finder(listed).apply(write(RowVersion("here", ""), slot=nowhere), sent) == "here"
    with pytest.raises(NotFound):
        await finder(listed).apply(write(RowVersion("gone", ""), slot=nowhere), sent)
    assert listed.windows == []
