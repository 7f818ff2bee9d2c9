"""Single events, with guests and without, at a time or all day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from tests.simulation.items import DYNAMICS, EXCHANGE, Item
from tests.simulation.kinds.kind import Fields, Json, Kind, begin_of, moment_here, moment_there
from tests.wire.people import CATEGORY, Person

ORGANIZER, REQUIRED = 7, 5
HOUR = timedelta(hours=1)


class Events(Kind):
    fields: ClassVar[Fields] = {
        "words": (("subject",), "subject"),
        "place": (("location", "displayName"), "location"),
    }
    entity_set, id_column = "appointments", "activityid"
    parties = "appointment_activity_parties"

    async def rows_here(self, person: Person) -> list[Json]:
        """Of all calendars."""
        found: list[Json] = []
        for calendar in (await person.graph("GET", "calendars"))["value"]:
            found += (await person.graph("GET", f"calendars/{calendar['id']}/events?$top=500"))["value"]
        return found

    async def row_here(self, item: Item) -> Json | None:
        found: Json | None = await item.owner.graph("GET", self.path(item), missing=True)
        return found

    def path(self, item: Item) -> str:
        return f"events/{item.ids[EXCHANGE]}"

    def is_own(self, row: Json) -> bool:
        return not row.get("seriesid")

    def facts(self, side: str, row: Json) -> Mapping[str, str]:
        return {"when": when(begin_of(side, row), whole_day=bool(row[_ALL_DAY[side]]))}

    async def make(
        self, item: Item, side: str, values: Mapping[str, str], guests: Sequence[Json] = ()
    ) -> None:
        """``guests`` in the words of that side."""
        if side == DYNAMICS:
            row = await item.owner.make(self.entity_set, **self.columns(item, values, guests))
            item.ids[side] = row[self.id_column]
        else:
            body = {"categories": [] if item.private else [CATEGORY], **self.texts_here(values)}
            body |= self.times_here(item.start) | ({"attendees": list(guests)} if guests else {})
            if item.private:
                body["sensitivity"] = "private"
            item.ids[side] = (await item.owner.graph("POST", "events", body))["id"]

    def columns(self, item: Item, values: Mapping[str, str], guests: Sequence[Json] = ()) -> Json:
        own = {"participationtypemask": ORGANIZER, **_user(item.owner)}
        return {**self.texts_there(values), **self.times_there(item.start), self.parties: [own, *guests]}

    async def move(self, item: Item, side: str, start: datetime) -> None:
        times = self.times_there(start) if side == DYNAMICS else self.times_here(start)
        await self.change(item, side, {**times, _ALL_DAY[side]: False})

    async def make_all_day(self, item: Item, side: str, day: datetime) -> None:
        begin = day.replace(hour=0, minute=0)
        end = begin + timedelta(days=1)
        times = (
            {"scheduledstart": moment_there(begin), "scheduledend": moment_there(end)}
            if side == DYNAMICS
            else {"start": moment_here(begin), "end": moment_here(end)}
        )
        await self.change(item, side, {**times, _ALL_DAY[side]: True})

    async def put_into(self, item: Item, calendar: str) -> None:
        """What dragging it to another calendar does in Outlook."""
        body = {"user": item.owner.mailbox, "kind": "event", "id": item.ids[EXCHANGE], "calendar": calendar}
        moved = await item.owner.world.control("exchange", "POST", "move", body)
        item.ids[EXCHANGE] = moved["id"]

    async def set_guests(self, item: Item, side: str, guests: Sequence[Json]) -> None:
        if side == EXCHANGE:
            await self.change(item, side, {"attendees": list(guests)})
            return
        own = {"participationtypemask": ORGANIZER, **_user(item.owner)}
        await self.change(item, side, {self.parties: [own, *guests]})

    async def guests_of(self, item: Item, side: str, row: Json) -> list[str]:
        """The addresses that the item shows there."""
        if side == EXCHANGE:
            return [each["emailAddress"]["address"].lower() for each in row["attendees"]]
        path = f"{self.entity_set}({row[self.id_column]})?$expand={self.parties}"
        parties = (await item.owner.web_api("GET", path))[self.parties]
        guests = [each for each in parties if each["participationtypemask"] == REQUIRED]
        return [str(each["addressused"]).lower() for each in guests]

    @staticmethod
    def begin(side: str, row: Json) -> datetime:
        return datetime.fromisoformat(f"{begin_of(side, row)}+00:00")

    def guest(self, side: str, address: str, person: Person | None) -> Json:
        if side == EXCHANGE:
            return {"type": "required", "emailAddress": {"address": address, "name": address}}
        return {
            "participationtypemask": REQUIRED,
            **(_user(person) if person else {"addressused": address}),
        }

    def times_here(self, start: datetime) -> Json:
        return {"start": moment_here(start), "end": moment_here(start + HOUR)}

    def times_there(self, start: datetime) -> Json:
        return {"scheduledstart": moment_there(start), "scheduledend": moment_there(start + HOUR)}


def when(begin: str, *, whole_day: bool) -> str:
    return f"{begin}, all day" if whole_day else begin


_ALL_DAY = {EXCHANGE: "isAllDay", DYNAMICS: "isalldayevent"}


def _user(person: Person) -> Json:
    return {"partyid_systemuser@odata.bind": f"/systemusers({person.user})"}
