"""Series: a master with its pattern, and single occurrences that people change or take out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from tests.simulation.items import DYNAMICS, Item
from tests.simulation.kinds.events import HOUR, Events
from tests.simulation.kinds.kind import Json, moment_here, moment_there
from tests.wire.people import CATEGORY, Person

DAILY, NUMBERED = 0, 2


@dataclass(frozen=True)
class Pattern:
    """Every so many days from ``start`` on, so many times."""

    start: datetime
    every: int
    times: int


class Series(Events):
    entity_set, id_column = "recurringappointmentmasters", "activityid"
    parties = "recurringappointmentmaster_activity_parties"

    async def rows_here(self, person: Person) -> list[Json]:
        return [row for row in await super().rows_here(person) if row["type"] == "seriesMaster"]

    def is_own(self, row: Json) -> bool:
        """Dynamics splits a series whose pattern changes: what is past goes on as a row of its own in the
        series' group."""
        return row["_groupid_value"] in (None, row[self.id_column])

    def facts(self, side: str, row: Json) -> Mapping[str, str]:
        return {}

    async def make(self, item: Item, side: str, values: Mapping[str, str], *_: Any) -> None:
        pattern = Pattern(item.start, 1, 5)
        if side == DYNAMICS:
            own = {"participationtypemask": 7, "partyid_systemuser@odata.bind": _user(item.owner)}
            columns = {**self.texts_there(values), **_columns(pattern), self.parties: [own]}
            item.ids[side] = (await item.owner.web_api("POST", self.entity_set, columns))[self.id_column]
        else:
            body = {"categories": [] if item.private else [CATEGORY], **self.texts_here(values)}
            body |= _recurrence(pattern)
            item.ids[side] = (await item.owner.graph("POST", "events", body))["id"]

    async def change(self, item: Item, side: str, values: Json) -> None:
        """In Dynamics as the user, in whose zone a series is expanded."""
        if side == DYNAMICS:
            await item.owner.web_api("PATCH", f"{self.entity_set}({item.ids[side]})", values)
        else:
            await super().change(item, side, values)

    async def repeat(self, item: Item, side: str, pattern: Pattern) -> None:
        """A new pattern, or the same one at another time."""
        await self.change(item, side, _columns(pattern) if side == DYNAMICS else _recurrence(pattern))

    # --- occurrences ------------------------------------------------------------------------------

    async def slots(self, item: Item, side: str) -> dict[date, Json]:
        """By the day on which the pattern puts them."""
        if side == DYNAMICS:
            query = f"$filter=seriesid eq {item.ids[side]}&$orderby=originalstartdate"
            rows = (await item.owner.web_api("GET", f"appointments?{query}"))["value"]
            return {_day(row["originalstartdate"]): row for row in rows}
        since, until = item.start - timedelta(days=30), item.start + timedelta(days=120)
        window = f"startDateTime={moment_there(since)}&endDateTime={moment_there(until)}&$top=200"
        rows = (await item.owner.graph("GET", f"{self.path(item)}/instances?{window}"))["value"]
        return {_day(row.get("originalStart") or row["start"]["dateTime"]): row for row in rows}

    async def write_slot(self, item: Item, side: str, row: Json, value: str) -> None:
        if side == DYNAMICS:
            await item.owner.web_api("PATCH", f"appointments({row['activityid']})", {"location": value})
        else:
            await item.owner.graph("PATCH", f"events/{row['id']}", {"location": {"displayName": value}})

    async def move_slot(self, item: Item, side: str, row: Json, start: datetime) -> None:
        if side == DYNAMICS:
            path = f"appointments({row['activityid']})"
            await item.owner.web_api("PATCH", path, self.times_there(start))
        else:
            await item.owner.graph("PATCH", f"events/{row['id']}", self.times_here(start))

    async def remove_slot(self, item: Item, side: str, row: Json) -> None:
        if side == DYNAMICS:
            await item.owner.web_api("DELETE", f"appointments({row['activityid']})")
        else:
            await item.owner.graph("DELETE", f"events/{row['id']}")


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])


def _user(person: Person) -> str:
    return f"/systemusers({person.user})"


def _columns(pattern: Pattern) -> Json:
    return {
        "recurrencepatterntype": DAILY,
        "interval": pattern.every,
        "patternendtype": NUMBERED,
        "occurrences": pattern.times,
        "patternstartdate": moment_there(pattern.start.replace(hour=0)),
        "starttime": moment_there(pattern.start),
        "endtime": moment_there(pattern.start + HOUR),
    }


def _recurrence(pattern: Pattern) -> Json:
    return {
        "start": moment_here(pattern.start),
        "end": moment_here(pattern.start + HOUR),
        "recurrence": {
            "pattern": {"type": "daily", "interval": pattern.every},
            "range": {
                "type": "numbered",
                "startDate": f"{pattern.start:%Y-%m-%d}",
                "numberOfOccurrences": pattern.times,
            },
        },
    }
