"""The edits that people make in the demonstration, on both sides, and how to see that each arrived."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from local.tenant.exchange_side import CATEGORY, PUBLIC_STRINGS
from local.tenant.services import RequestRefused, Service
from local.tenant.tenant import Tenant, TenantUser

Json = Mapping[str, Any]
NEW_EVENT = "Get food for the picnic"
NEW_APPOINTMENT = "Present the web marketing plan"
STAMPS = "singleValueExtendedProperties"
LINK_STATE = f"Double {PUBLIC_STRINGS} Name crmLinkState"
MOVED_BY = timedelta(hours=2)
TEAM_MEETINGS = 7  # of eight, one is cancelled


@dataclass(frozen=True, slots=True)
class Edit:
    """What a person did, and a look at the other side: "" when all is as it should be, else what is wrong."""

    text: str
    wrong: Callable[[], Awaitable[str]]


@dataclass(frozen=True)
class Desk:
    """Everybody's hands: the two services as people use them. ``pairs``: the other side's id of a linked
    item, by the id of either side."""

    exchange: Service
    dataverse: Service
    tenant: Tenant
    pairs: Mapping[str, str]
    now: datetime

    async def edit_everything(self) -> list[Edit]:
        return [
            await self.change_both_sides(),
            await self.add_event(),
            await self.add_appointment(),
            await self.move(),
            await self.delete(),
            await self.untrack(),
            await self.move_occurrence(),
            await self.change_instance(),
        ]

    async def change_both_sides(self) -> Edit:
        adele, event = self.tenant.user("adele"), self.tenant.events["lunch"]
        row = self.partner(event)
        await self.as_user(
            adele, "PATCH", f"/events/{event}", {"subject": "Let's go for lunch on the terrace"}
        )
        await self.dataverse.ask("PATCH", f"/appointments({row})", {"location": "Fourth Coffee"})

        async def wrong() -> str:
            shown = await self._event(adele, event)
            stored = await self._appointment(row)
            return differences(
                stored["subject"] == shown["subject"] == "Let's go for lunch on the terrace",
                stored["location"] == shown["location"]["displayName"] == "Fourth Coffee",
            )

        return Edit("'Let's go for lunch': subject changed in Exchange, location in Dynamics", wrong)

    async def add_event(self) -> Edit:
        megan, start = self.tenant.user("megan"), self._noon(day=10)
        event = {
            "subject": NEW_EVENT,
            "categories": [CATEGORY],
            **_graph_times(start, start + timedelta(hours=1)),
            "attendees": [
                {
                    "type": "required",
                    "emailAddress": {"name": "Pavel Bansky", "address": "pavelb@fabrikam.example"},
                }
            ],
        }
        await self.as_user(megan, "POST", "/events", event)

        async def wrong() -> str:
            found = await self.dataverse.ask(
                "GET",
                "/appointments",
                query={
                    "$filter": f"subject eq '{NEW_EVENT}'",
                    "$expand": "appointment_activity_parties($select=_partyid_value,participationtypemask)",
                },
            )
            rows = found["value"]
            parties = [
                party["_partyid_value"] for row in rows for party in row["appointment_activity_parties"]
            ]
            return differences(len(rows) == 1, self.tenant.contacts["pavel"] in parties)

        return Edit(f"'{NEW_EVENT}': a new event of Megan's with the category, Pavel invited", wrong)

    async def add_appointment(self) -> Edit:
        alex, adele, start = self.tenant.user("alex"), self.tenant.user("adele"), self._noon(day=13)
        row = {
            "subject": NEW_APPOINTMENT,
            "scheduledstart": _text(start),
            "scheduledend": _text(start + timedelta(minutes=45)),
            "location": "Assembly Hall",
            "ownerid@odata.bind": f"/systemusers({alex.user_id})",
            "appointment_activity_parties": [
                {
                    "participationtypemask": 7,
                    "partyid_systemuser@odata.bind": f"/systemusers({alex.user_id})",
                },
                {
                    "participationtypemask": 5,
                    "partyid_systemuser@odata.bind": f"/systemusers({adele.user_id})",
                },
                {
                    "participationtypemask": 6,
                    "partyid_contact@odata.bind": f"/contacts({self.tenant.contacts['garth']})",
                },
            ],
        }
        await self.dataverse.ask("POST", "/appointments", row)

        async def wrong() -> str:
            found = await self._named(alex, NEW_APPOINTMENT, start)
            people = [person["emailAddress"]["address"] for event in found for person in event["attendees"]]
            return differences(
                len(found) == 1, sorted(people) == ["adelev@contoso.example", "garth@adatum.example"]
            )

        return Edit(
            f"'{NEW_APPOINTMENT}': a new appointment of Alex's in Dynamics, two people invited", wrong
        )

    async def move(self) -> Edit:
        megan, row = self.tenant.user("megan"), self.tenant.appointments["brunch"]
        event = self.partner(row)
        before = await self._appointment(row)
        start = datetime.fromisoformat(before["scheduledstart"]) + MOVED_BY
        end = datetime.fromisoformat(before["scheduledend"]) + MOVED_BY
        changes = {"scheduledstart": _text(start), "scheduledend": _text(end)}
        await self.dataverse.ask("PATCH", f"/appointments({row})", changes)

        async def wrong() -> str:
            shown = await self._event(megan, event)
            return differences(_graph_instant(shown["start"]) == start, _graph_instant(shown["end"]) == end)

        return Edit("'Let's go brunch': moved by two hours in Dynamics", wrong)

    async def delete(self) -> Edit:
        alex, row = self.tenant.user("alex"), self.tenant.appointments["visit"]
        event = self.partner(row)
        await self.dataverse.ask("DELETE", f"/appointments({row})")

        async def wrong() -> str:
            try:
                await self._event(alex, event)
            except RequestRefused:
                return ""
            return "the event is still in the organizer's calendar"

        return Edit("'Visit Fabrikam': the appointment deleted in Dynamics", wrong)

    async def untrack(self) -> Edit:
        megan, event = self.tenant.user("megan"), self.tenant.events["annual-review"]
        row = self.partner(event)
        await self.as_user(megan, "PATCH", f"/events/{event}", {"categories": []})

        async def wrong() -> str:
            shown = await self._event(megan, event, {"$expand": f"{STAMPS}($filter=id eq '{LINK_STATE}')"})
            states = [float(stamp["value"]) for stamp in shown.get(STAMPS, [])]
            kept = (await self._appointment(row))["activityid"] == row
            return differences(not shown["categories"], states == [0.0], kept)

        return Edit("'Annual review': the category taken off in Exchange", wrong)

    async def move_occurrence(self) -> Edit:
        alex, series = self.tenant.user("alex"), self.tenant.events["team-meeting"]
        row, occurrence = self.partner(series), (await self._occurrences(alex, series))[1]
        start = _graph_instant(occurrence["start"]) + MOVED_BY
        times = _graph_times(start, start + timedelta(minutes=30))
        await self.as_user(alex, "PATCH", f"/events/{occurrence['id']}", times)

        async def wrong() -> str:
            instances = await self._instances(row)
            starts = [datetime.fromisoformat(each["scheduledstart"]) for each in instances]
            return differences(start in starts, len(starts) == TEAM_MEETINGS)

        return Edit("'Team meeting': the second one moved by two hours in Exchange", wrong)

    async def change_instance(self) -> Edit:
        megan, series = self.tenant.user("megan"), self.tenant.events["month-end"]
        instance = (await self._instances(self.partner(series)))[1]
        changes = {"location": "Conf Room 1"}
        await self.dataverse.ask("PATCH", f"/appointments({instance['activityid']})", changes)

        async def wrong() -> str:
            places = [each["location"]["displayName"] for each in await self._occurrences(megan, series)]
            return differences(places[1] == "Conf Room 1", places.count("Assembly Hall") == len(places) - 1)

        return Edit("'Month-end review': the second one given another room in Dynamics", wrong)

    def partner(self, item_id: str) -> str:
        if item_id not in self.pairs:
            raise RequestRefused(f"the first synchronization did not link {item_id}")
        return self.pairs[item_id]

    # --- looking --------------------------------------------------------------------------------

    async def _named(self, user: TenantUser, subject: str, near: datetime) -> list[Json]:
        query = {
            "startDateTime": _text(near - timedelta(days=1)),
            "endDateTime": _text(near + timedelta(days=1)),
        }
        page = await self.as_user(user, "GET", "/calendarView", query=query)
        return [event for event in page["value"] if event["subject"] == subject]

    async def _event(self, user: TenantUser, event_id: str, query: Mapping[str, str] | None = None) -> Json:
        found: Json = await self.as_user(user, "GET", f"/events/{event_id}", query=query)
        return found

    async def _occurrences(self, user: TenantUser, series: str) -> list[Json]:
        """Of a series, as they follow each other."""
        query = {"startDateTime": _text(self.now), "endDateTime": _text(self.now + timedelta(days=500))}
        page = await self.as_user(user, "GET", f"/events/{series}/instances", query=query)
        return sorted(page["value"], key=lambda each: str(each["start"]["dateTime"]))

    async def _instances(self, series: str) -> list[Json]:
        query = {"$filter": f"seriesid eq {series}", "$orderby": "originalstartdate"}
        return list((await self.dataverse.ask("GET", "/appointments", query=query))["value"])

    async def _appointment(self, row_id: str) -> Json:
        found: Json = await self.dataverse.ask("GET", f"/appointments({row_id})")
        return found

    async def as_user(
        self,
        user: TenantUser,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        headers = {"X-Act-As": user.address, "Prefer": 'IdType="ImmutableId"'}
        path = f"/users/{user.exchange_id}{path}"
        return await self.exchange.ask(method, path, body, headers=headers, query=query)

    def _noon(self, day: int) -> datetime:
        return (
            (self.now + timedelta(days=day))
            .astimezone(UTC)
            .replace(hour=12, minute=0, second=0, microsecond=0)
        )


def differences(*agreements: bool) -> str:
    wrong = agreements.count(False)
    return f"{wrong} of {len(agreements)} things to see are not so" if wrong else ""


def _text(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _graph_times(start: datetime, end: datetime) -> dict[str, Any]:
    return {
        name: {"dateTime": f"{instant:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}
        for name, instant in (("start", start), ("end", end))
    }


def _graph_instant(value: Mapping[str, str]) -> datetime:
    """Reads are in UTC when no other zone is preferred; seven decimals are one too many for Python."""
    return datetime.fromisoformat(value["dateTime"][:19]).replace(tzinfo=UTC)
