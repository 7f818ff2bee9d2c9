"""Single occurrences of series: found by their slot whenever one is written (APPT-36).

The id of an occurrence is good for a short while: a new pattern makes new ones. So it is looked up in
``instances`` and remembered by this object only, which lives as long as a pass.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from shared.errors import Conflict, NotFound, Refused
from shared.exchange import event_time
from shared.exchange.channel import Channel
from shared.exchange.client import Json, Request
from shared.exchange.errors import UNREADABLE
from shared.model.decision import RemoveOccurrence, UpdateOccurrence
from shared.model.event import EventType

T = TypeVar("T")
Write = UpdateOccurrence | RemoveOccurrence
Send = Callable[[str, str | None], Awaitable[T]]

PAGE = 400
REACH = timedelta(days=183)
"""Before and after the slot that is asked for: a year in one request, so that its neighbours are known."""

_FIELDS = ["id", "type", "seriesMasterId", "originalStart", "start", "isAllDay"]


@dataclass(frozen=True, slots=True)
class _Found:
    id: str
    is_exception: bool


@dataclass
class _Seen:
    """What was read of a series: the window, and the occurrences in it by slot."""

    begin: datetime
    end: datetime
    by_slot: dict[str, _Found] = field(default_factory=dict)


class Occurrences:
    """``event`` builds the requests of an event of the mailbox."""

    def __init__(self, channel: Channel, event: Callable[[str], Any]) -> None:
        self._channel = channel
        self._event = event
        self._seen: dict[str, _Seen] = {}

    async def apply(self, write: Write, send: Send[T]) -> T:
        """``send`` with the id of the occurrence and the version that it must still have. Raises NotFound
        when the series has no such occurrence, Conflict when it is another than was read."""
        if write.exception is not None:
            return await self._to_exception(write, write.exception.id, write.exception.etag, send)
        remembered = write.series_id in self._seen
        try:
            return await self._to_plain(write, send)
        except NotFound:
            if not remembered:
                raise
        self.forget(write.series_id)
        return await self._to_plain(write, send)

    async def _to_exception(self, write: Write, event_id: str, etag: str, send: Send[T]) -> T:
        """Its id is gone when the pattern was changed: the exception is forgotten, but what stands in its
        slot again is not what was decided upon."""
        try:
            return await send(event_id, etag)
        except NotFound:
            self.forget(write.series_id)
            await self._find(write)
        raise Conflict("the exception became a plain occurrence since it was read", code="exceptionReset")

    async def _to_plain(self, write: Write, send: Send[T]) -> T:
        """No version goes along: that of a plain occurrence is its master's and moves with each neighbour."""
        found = await self._find(write)
        if found.is_exception:
            raise Conflict("the occurrence was changed since it was read", code="exceptionMade")
        answer = await send(found.id, None)
        self._written(write)
        return answer

    def forget(self, series_id: str) -> None:
        """The series was written: its occurrences may be others."""
        self._seen.pop(series_id, None)

    # --- looking up -------------------------------------------------------------------------------

    async def _find(self, write: Write) -> _Found:
        if not write.slot[0]:
            raise _no_occurrence()  # an exception whose slot the pattern does not have any more
        seen = self._seen.get(write.series_id)
        start, end = (_instant(edge) for edge in write.slot)
        if seen is None or not (seen.begin <= start and end <= seen.end):
            seen = self._seen[write.series_id] = await self._read(write.series_id, start - REACH, end + REACH)
        found = seen.by_slot.get(write.slot[0]) or seen.by_slot.get(write.date)
        if found is None:
            raise _no_occurrence()
        return found

    def _written(self, write: Write) -> None:
        """What was just written is not plain any more."""
        seen = self._seen[write.series_id]
        seen.by_slot.pop(write.slot[0], None)
        seen.by_slot.pop(write.date, None)

    async def _read(self, series_id: str, begin: datetime, end: datetime) -> _Seen:
        seen = _Seen(begin, end)
        async for row in self._channel.rows(self._request(series_id, begin, end)):
            found = _Found(str(row["id"]), row.get("type") == EventType.EXCEPTION)
            seen.by_slot |= dict.fromkeys(_slots(row), found)
        return seen

    def _request(self, series_id: str, begin: datetime, end: datetime) -> Request:
        return self._channel.client.get(
            "instances",
            self._event(series_id).instances,
            select=_FIELDS,
            top=PAGE,
            startDateTime=event_time.instant_text(begin),
            endDateTime=event_time.instant_text(end),
        )


def _no_occurrence() -> NotFound:
    return NotFound("the series has no such occurrence", code="noOccurrence")


def _slots(row: Json) -> list[str]:
    """One that cannot be read must not look as if it were gone."""
    try:
        return _known_slots(row)
    except (KeyError, TypeError, event_time.UnreadableTime) as error:
        raise Refused("an occurrence of the series cannot be read", code=UNREADABLE) from error


def _known_slots(row: Json) -> list[str]:
    """The instant and, for whole days, the day that an occurrence may be asked for by. A plain one stands in
    its slot, so its own start tells it where nothing else does."""
    plain = row.get("type") == EventType.OCCURRENCE
    own = plain and not row.get("originalStart")
    slots = [_text(row["start"] if own else {"dateTime": row["originalStart"]})]
    return [*slots, str(row["start"]["dateTime"])[:10]] if plain and row.get("isAllDay") else slots


def _text(value: Json) -> str:
    return event_time.instant_text(event_time.moment(value))


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
