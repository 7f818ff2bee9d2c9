"""The time window of ``calendarView``, its delta and ``instances``, and the events inside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.exchange.call import Call
from local.exchange.errors import bad_request, invalid_request
from local.exchange.event_view import shown
from local.exchange.preferences import Preferences
from local.exchange.series import instances, is_master

Json = dict[str, Any]

MAX_DAYS = 1825


@dataclass(frozen=True)
class Window:
    """Seconds since the epoch; the end is outside."""

    start: float
    end: float

    def touches(self, begins: float, ends: float) -> bool:
        return begins < self.end and (ends > self.start or begins == ends == self.start)


def parse_window(call: Call) -> Window:
    start, end = call.parameter("startDateTime"), call.parameter("endDateTime")
    if not start or not end:
        raise bad_request(
            "This request requires a time window specified by the query string parameters StartDateTime and "
            "EndDateTime.",
            "ErrorInvalidParameter",
        )
    window = Window(_instant("StartDateTime", start), _instant("EndDateTime", end))
    if window.end < window.start:
        raise bad_request("The end of the time window is before its start.", "ErrorInvalidParameter")
    if window.end - window.start > MAX_DAYS * 86_400:
        raise invalid_request(
            "The range between the start and end dates is greater than the allowed range. "
            f"Maximum number of days: {MAX_DAYS}"
        )
    return window


def _instant(name: str, text: str) -> float:
    """Without an offset the time is UTC, whatever ``Prefer: outlook.timezone`` says."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise bad_request(
            f"The value '{text}' of parameter '{name}' is invalid.", "ErrorInvalidParameter"
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def view_rows(events: list[Json], window: Window, preferences: Preferences) -> Iterator[Json]:
    """Single events and instances inside the window, whole, with the event they come from."""
    for event in events:
        for row in inside(event, window):
            yield {"event": row, "shown": shown(row, preferences)}


def inside(event: Json, window: Window) -> list[Json]:
    """The event, or of a series its instances, as far as the window holds them."""
    if is_master(event):
        return list(instances(event, window.start, window.end))
    return [event] if window.touches(event["startsAt"], event["endsAt"]) else []
