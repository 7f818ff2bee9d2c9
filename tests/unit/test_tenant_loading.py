"""The sample tenant, loaded into both stand-ins over their public interfaces."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest_asyncio

from local.dataverse import Dataverse
from local.exchange import ExchangeOnline
from local.tenant import Tenant, load
from local.tenant.exchange_side import CATEGORY, PUBLIC_STRINGS
from local.tenant.personal_items import as_person, default_list
from local.tenant.services import Service


@dataclass(frozen=True)
class Loaded:
    tenant: Tenant
    exchange: Service
    dataverse: Service

    async def event(self, who: str, key: str, **query: str) -> Any:
        user = self.tenant.user(who)
        path = f"/users/{user.exchange_id}/events/{self.tenant.events[key]}"
        headers = {"X-Act-As": user.address, "Prefer": 'IdType="ImmutableId"'}
        return await self.exchange.ask("GET", path, headers=headers, query=query)

    async def appointment(self, key: str) -> Any:
        parties = "appointment_activity_parties($select=participationtypemask,addressused,_partyid_value)"
        path = f"/appointments({self.tenant.appointments[key]})"
        return await self.dataverse.ask("GET", path, query={"$expand": parties})


@pytest_asyncio.fixture
async def loaded() -> AsyncIterator[Loaded]:
    async with ExchangeOnline() as exchange, Dataverse() as dataverse, aiohttp.ClientSession() as http:
        endpoints = {
            "graph": exchange.url,
            "graph_control": exchange.control_url,
            "dataverse": dataverse.url,
            "dataverse_control": dataverse.control_url,
        }
        yield Loaded(
            await load(endpoints, datetime.now(UTC)),
            Service(http, exchange.url, exchange.control_url),
            Service(http, dataverse.url, dataverse.control_url),
        )


async def test_people_are_users_on_both_sides_under_one_address(loaded: Loaded) -> None:
    assert len(loaded.tenant.synchronized) == 3
    for user in loaded.tenant.synchronized:
        row = await loaded.dataverse.ask("GET", f"/systemusers({user.user_id})")
        assert row["internalemailaddress"] == user.address
        assert row["azureactivedirectoryobjectid"] == user.exchange_id


async def test_loading_leaves_no_mail_and_no_requests_behind(loaded: Loaded) -> None:
    assert (await loaded.exchange.set_up("GET", "/outbox"))["value"] == []
    for service in (loaded.exchange, loaded.dataverse):
        assert (await service.set_up("GET", "/requests?caller=all"))["total"] == 0


async def test_a_categorised_meeting_reached_its_attendee_who_tracks_it_too(loaded: Loaded) -> None:
    picnic = await loaded.event("adele", "picnic")
    assert picnic["categories"] == [CATEGORY]
    alex = loaded.tenant.user("alex")
    copies = await loaded.exchange.ask(
        "GET",
        f"/users/{alex.exchange_id}/events",
        headers={"X-Act-As": alex.address},
        query={"$filter": f"iCalUId eq '{picnic['iCalUId']}'"},
    )
    assert [copy["categories"] for copy in copies["value"]] == [[CATEGORY]]


async def test_a_stamp_names_the_row_that_the_event_regards(loaded: Loaded) -> None:
    name = f"String {PUBLIC_STRINGS} Name crmRegardingObjectId"
    event = await loaded.event(
        "alex", "emergency-prep", **{"$expand": f"singleValueExtendedProperties($filter=id eq '{name}')"}
    )
    value = event["singleValueExtendedProperties"][0]["value"]
    assert value.strip("{}") == loaded.tenant.accounts["fabrikam"]


async def test_an_appointment_has_its_organizer_attendees_regarding_and_state(loaded: Loaded) -> None:
    visit = await loaded.appointment("visit")
    parties = {
        (party["participationtypemask"], party["_partyid_value"] or party["addressused"])
        for party in visit["appointment_activity_parties"]
    }
    assert parties >= {
        (7, loaded.tenant.user("alex").user_id),
        (5, loaded.tenant.contacts["pavel"]),
        (6, loaded.tenant.accounts["fabrikam"]),
        (6, "rufus@woodgrove.example"),
    }
    assert visit["_regardingobjectid_value"] == loaded.tenant.accounts["fabrikam"]
    assert (visit["statecode"], visit["statuscode"]) == (0, 2)
    interviews = await loaded.appointment("interviews")
    assert (interviews["statecode"], interviews["statuscode"]) == (1, 3)


async def test_the_team_meets_at_nine_over_the_change_of_clocks_but_for_two_weeks(loaded: Loaded) -> None:
    alex, series = loaded.tenant.user("alex"), loaded.tenant.events["team-meeting"]
    now = datetime.now(UTC)
    rows = await loaded.exchange.ask(
        "GET",
        f"/users/{alex.exchange_id}/events/{series}/instances",
        headers={"X-Act-As": alex.address, "Prefer": f'outlook.timezone="{alex.time_zone}"'},
        query={"startDateTime": now.isoformat(), "endDateTime": (now + timedelta(days=500)).isoformat()},
    )
    times = [
        row["start"]["dateTime"][11:16] for row in sorted(rows["value"], key=lambda r: r["start"]["dateTime"])
    ]
    assert times == ["09:00", "09:00", "14:00", "09:00", "09:00", "09:00", "09:00"]


async def test_the_contract_is_renewed_once_a_year(loaded: Loaded) -> None:
    key = loaded.tenant.appointments["contract-renewal"]
    row = await loaded.dataverse.ask("GET", f"/recurringappointmentmasters({key})")
    assert (row["recurrencepatterntype"], row["occurrences"]) == (3, 3)
    assert row["_ownerid_value"] == loaded.tenant.user("alex").user_id


async def test_contacts_and_tasks_are_on_both_sides(loaded: Loaded) -> None:
    megan = loaded.tenant.user("megan")
    path = f"/contacts/{loaded.tenant.outlook_contacts['garth']}"
    shown = await as_person(loaded.exchange, megan, "GET", path)
    stored = await loaded.dataverse.ask("GET", f"/contacts({loaded.tenant.contacts['garth']})")
    assert shown["businessPhones"] == [stored["telephone1"]]
    adele = loaded.tenant.user("adele")
    place = f"/todo/lists/{await default_list(loaded.exchange, adele)}/tasks"
    titles = [each["title"] for each in (await as_person(loaded.exchange, adele, "GET", place))["value"]]
    assert sorted(titles) == ["Order flowers for the open day", "Renew passport"]
    call = await loaded.dataverse.ask("GET", f"/phonecalls({loaded.tenant.activities['call']})")
    assert call["_ownerid_value"] == loaded.tenant.user("alex").user_id
