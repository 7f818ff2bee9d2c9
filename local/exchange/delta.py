"""``calendarView/delta``: rounds over a calendar's log of changes, with a window fixed in the token.

Everything that a client must bear is done here on purpose: pages that are empty and yet not the last, rows
that come twice, removals of events that are merely outside the window.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from local.clock import Clock
from local.exchange.calendar_view import Window, inside, parse_window
from local.exchange.call import Answer, Call
from local.exchange.errors import GraphError, bad_request
from local.exchange.event_view import bare_occurrence, shown, typed
from local.exchange.events import Events
from local.exchange.odata import quoted_path
from local.exchange.preferences import Preferences
from local.exchange.series import exceptions, is_master
from local.journaled import JournaledTables

Json = dict[str, Any]

DEFAULT_PAGE = 10
LARGEST_PAGE = 500
TOKEN_LIFE_SECONDS = 60 * 86_400
_REFUSED = ("$select", "$expand", "$filter", "$orderby", "$search", "$top", "$skip", "$count")


@dataclass(frozen=True)
class Round:
    """Where a round stands. ``cursor``: the last change told in full; of ``at``, ``offset`` rows were told.

    ``began``: the calendar's last change when a *first* round began; removals up to it are nobody's business.
    ``base``: what was known before this round; of a series only what changed since is told.
    """

    calendar: str
    start: float
    end: float
    cursor: int = 0
    at: int = 0
    offset: int = 0
    began: int = 0
    page: int = 0
    base: int = 0

    def wants_removal(self, seq: int) -> bool:
        return seq > self.began


class DeltaTokens:
    """Opaque tokens that carry a round; all given out so far can be declared dead."""

    def __init__(self, tables: JournaledTables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock

    @property
    def _generation(self) -> int:
        return int(self._tables.get("control", "deltaGeneration") or 0)

    def expire_all(self) -> None:
        self._tables.put("control", "deltaGeneration", self._generation + 1)

    def write(self, state: Any) -> str:
        """``state`` is a dataclass whose first value says what is read: no other feed takes the token."""
        content = json.dumps([self._generation, int(self._clock.time()), *vars(state).values()]).encode()
        return base64.urlsafe_b64encode(zlib.crc32(content).to_bytes(4, "big") + content).decode().rstrip("=")

    def read(self, token: str, scope: str) -> list[Any]:
        """The values of the state written."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            if zlib.crc32(raw[4:]).to_bytes(4, "big") != raw[:4]:
                raise self._lost()
            content: list[Any] = json.loads(raw[4:])
            generation, issued, *values = content
        except ValueError as error:
            raise self._lost() from error
        too_old = issued < self._clock.time() - TOKEN_LIFE_SECONDS
        if generation != self._generation or too_old or values[0] != scope:
            raise self._lost()
        return values

    def _lost(self) -> GraphError:
        return GraphError(
            410,
            "SyncStateNotFound",
            f"The sync state generation is not found; generation=0;[highest={self._generation + 1}].",
        )


class CalendarDelta:
    """Answers one page of a round."""

    def __init__(self, events: Events, tokens: DeltaTokens) -> None:
        self._events = events
        self._tokens = tokens

    def page(self, call: Call, calendar_id: str) -> Answer:
        state = self._state(call, calendar_id)
        size = min(call.preferences.page_size or DEFAULT_PAGE, LARGEST_PAGE)
        rows, following = self._rows(state, size, call.preferences)
        body: Json = {"@odata.context": f"{call.root}/$metadata#Collection(event)"}
        body |= {"value": rows, **self._link(call, state, following)}
        applied = ["odata.track-changes", *call.preferences.applied]
        if call.preferences.page_size:
            applied.append(f"odata.maxpagesize={size}")
        return Answer(200, body, {"Preference-Applied": ", ".join(applied)})

    def _state(self, call: Call, calendar_id: str) -> Round:
        token = call.parameter("$deltatoken") or call.parameter("$skiptoken")
        if token is not None:
            return Round(*self._tokens.read(token, calendar_id))
        refused = [name for name in call.query if name.lower() in _REFUSED]
        if refused:
            raise bad_request(
                "The following parameters are not supported with change tracking over the 'CalendarView' "
                f"resource: '{', '.join(refused)}'.",
                "ErrorInvalidUrlQuery",
            )
        window = parse_window(call)
        return Round(calendar_id, window.start, window.end, began=self._events.log.latest(calendar_id))

    def _rows(self, state: Round, size: int, preferences: Preferences) -> tuple[list[Json], Round | None]:
        """A page, and where the next one begins; None when this is the last."""
        if state.page == 1:
            return [], replace(state, page=2)
        rows: list[Json] = []
        last: list[int] = []
        for told, number, place_in_it, row in self._remaining(state, preferences):
            place = [told, number, place_in_it]
            if len(rows) == size:
                # The last row comes a second time at the head of the next page, as it may in the service.
                cursor, at, offset = last if size > 1 else place
                return rows, replace(state, cursor=cursor, at=at, offset=offset, page=state.page + 1)
            rows.append(row)
            last = place
        return rows, None

    def _remaining(self, state: Round, preferences: Preferences) -> Iterator[tuple[int, int, int, Json]]:
        """Rows, each after three numbers: the change before its own, its change, its place in that."""
        told = state.cursor
        for number, event_id in self._events.log.changed_since(state.calendar, state.cursor):
            done = state.offset if number == state.at else 0
            for offset, row in enumerate(self._change(state, number, event_id, preferences)):
                if offset >= done:
                    yield told, number, offset, row
            told = number

    def _change(self, state: Round, number: int, event_id: str, preferences: Preferences) -> Iterator[Json]:
        event = self._events.present(event_id)
        if event is None or event["calendar"] != state.calendar:
            if state.wants_removal(number):
                yield _removed(self._events.log.trace(state.calendar, event_id) or {}, preferences)
            return
        rows = list(_window_rows(event, state, preferences))
        if not rows and state.wants_removal(number):
            rows = [_removed(event, preferences)]
        yield from rows

    def _link(self, call: Call, state: Round, following: Round | None) -> Json:
        path = f"{call.root}{quoted_path(call)}"
        if following is not None:
            return {"@odata.nextLink": f"{path}?$skiptoken={self._tokens.write(following)}"}
        latest = self._events.log.latest(state.calendar)
        done = Round(state.calendar, state.start, state.end, cursor=latest, base=latest)
        return {"@odata.deltaLink": f"{path}?$deltatoken={self._tokens.write(done)}"}


def _window_rows(event: Json, state: Round, preferences: Preferences) -> Iterator[Json]:
    """A single event whole; a series as its master, the exceptions whole and the occurrences bare.

    When only single instances of a series changed, its master and those exceptions are told. A cancelled
    instance has no row: the master says so in ``cancelledOccurrences``, which has to be asked for.
    """
    rows = inside(event, Window(state.start, state.end))
    if not is_master(event):
        yield from (typed(shown(row, preferences)) for row in rows)
        return
    if rows:
        yield typed(shown(event, preferences))
    for row in rows:
        if row["type"] == "exception" and row["seq"] > state.base:
            yield typed(shown(row, preferences))
        elif row["type"] == "occurrence" and event["wholeSeq"] > state.base:
            yield typed(bare_occurrence(row, preferences))
    told = {row["day"] for row in rows}
    for row in exceptions(event):
        if row["day"] not in told and rows and state.wants_removal(row["seq"]) and row["seq"] > state.base:
            yield _removed(row, preferences)


def _removed(trace: Json, preferences: Preferences) -> Json:
    identifier = trace["id"] if preferences.immutable_ids else trace["restId"]
    return {"@odata.type": "#microsoft.graph.event", "id": identifier, "@removed": {"reason": "deleted"}}
