"""A weekly series over a change of clocks, for the Graph adapter's wire tests, and what people do to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.exchange.mailbox import GraphMailbox
from shared.model.decision import RemoveOccurrence, RowVersion, UpdateOccurrence
from shared.model.event import ExchangeEvent
from tests.wire.graph_adapter import BERLIN, Connected, creation

Json = dict[str, Any]

# Clocks go forward in Berlin on 2026-03-29.
DAYS = ["2026-03-16", "2026-03-23", "2026-03-30", "2026-04-06", "2026-04-13", "2026-04-20"]
MONDAYS: Json = {
    "type": "weekly",
    "interval": 1,
    "days": ["monday"],
    "range": {"type": "endDate", "start": DAYS[0], "end": DAYS[-1]},
    "time": "09:00",
    "minutes": 60,
    "allDay": False,
    "zone": BERLIN,
}


async def series(mailbox: GraphMailbox, key: str = "series-1", **values: Any) -> ExchangeEvent:
    return await mailbox.create_event(creation(key, **{"recurrence": MONDAYS, **values}))


async def whole(mailbox: GraphMailbox, series_id: str) -> ExchangeEvent:
    found = (await mailbox.series([series_id]))[series_id]
    assert found is not None
    return found


def slot(day: str, minutes: int = 60) -> tuple[str, str]:
    """Nine o'clock in Berlin, as instants."""
    hour = 7 if day > "2026-03-29" else 8
    begin = datetime.fromisoformat(day).replace(hour=hour, tzinfo=UTC)
    return text(begin), text(begin + timedelta(minutes=minutes))


def text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def at(day: str, hour: int) -> Json:
    """An hour of UTC."""
    return {"allDay": False, "start": f"{day}T{hour:02}:00:00Z", "end": f"{day}T{hour + 1:02}:00:00Z"}


def change(
    series_id: str, day: str, exception: ExchangeEvent | None = None, **values: Any
) -> UpdateOccurrence:
    return UpdateOccurrence(series_id, day, slot(day), values, version(exception))


def removal(
    series_id: str, day: str, exception: ExchangeEvent | None = None, *, cancel: bool = False
) -> RemoveOccurrence:
    return RemoveOccurrence(series_id, day, slot(day), cancel, version(exception))


def version(exception: ExchangeEvent | None) -> RowVersion | None:
    return RowVersion(exception.id, exception.etag) if exception else None


async def occurrence_id(rig: Connected, series_id: str, day: str) -> str:
    """As Outlook knows it."""
    window = "startDateTime=2026-01-01T00:00:00Z&endDateTime=2026-12-31T00:00:00Z&$top=100"
    path = f"/users/anna@contoso.com/events/{series_id}/instances?{window}"
    rows = (await rig.graph_as_person("GET", path))["value"]
    return str(next(row["id"] for row in rows if row["start"]["dateTime"].startswith(day)))


async def by_person(rig: Connected, event_id: str, **props: Any) -> Json:
    changed: Json = await rig.graph_as_person("PATCH", f"/users/anna@contoso.com/events/{event_id}", props)
    return changed
