"""The demonstration's edits: taken by both services, and none counts as arrived without a synchronization."""

from __future__ import annotations

from datetime import UTC, datetime

import aiohttp

from local.dataverse import Dataverse
from local.demo.edits import Desk
from local.demo.personal_edits import PersonalDesk
from local.exchange import ExchangeOnline
from local.tenant import Tenant, load
from local.tenant.personal_items import as_person, default_list
from local.tenant.services import Service

MONTHLY = {
    "recurrencepatterntype": 2,
    "interval": 1,
    "dayofmonth": 1,
    "patternendtype": 2,
    "occurrences": 3,
    "patternstartdate": f"{datetime.now(UTC):%Y-%m-%dT00:00:00Z}",
    "starttime": f"{datetime.now(UTC):%Y-%m-%dT12:00:00Z}",
    "duration": 30,
}


async def unlinked_partners(exchange: Service, dataverse: Service, tenant: Tenant) -> dict[str, str]:
    """Counterparts made by hand, as a first synchronization would have made them."""
    pairs = {}
    for key in ("lunch", "annual-review"):
        made = await dataverse.ask(
            "POST",
            "/appointments",
            {"subject": key, "location": ""},
            headers={"Prefer": "return=representation"},
        )
        pairs[tenant.events[key]] = made["activityid"]
    for key in ("team-meeting", "month-end"):
        made = await dataverse.ask(
            "POST",
            "/recurringappointmentmasters",
            {"subject": key, **MONTHLY},
            headers={"Prefer": "return=representation"},
        )
        pairs[tenant.events[key]] = made["activityid"]
    for key, organizer in (("brunch", "megan"), ("visit", "alex")):
        user = tenant.user(organizer)
        noon = {"dateTime": "2026-01-05T12:00:00", "timeZone": "UTC"}
        made = await exchange.ask(
            "POST",
            f"/users/{user.exchange_id}/events",
            {"subject": key, "start": noon, "end": noon},
            headers={"X-Act-As": user.address, "Prefer": 'IdType="ImmutableId"'},
        )
        pairs[tenant.appointments[key]] = made["id"]
    pairs[tenant.outlook_contacts["garth"]] = tenant.contacts["garth"]
    alex, adele = tenant.user("alex"), tenant.user("adele")
    path = f"/todo/lists/{await default_list(exchange, alex)}/tasks"
    task = await as_person(exchange, alex, "POST", path, {"title": "offer"})
    pairs[tenant.activities["offer"]] = task["id"]
    made = await dataverse.ask(
        "POST",
        "/tasks",
        {"subject": "flowers", "ownerid@odata.bind": f"/systemusers({adele.user_id})"},
        headers={"Prefer": "return=representation"},
    )
    pairs[tenant.todo_tasks["flowers"]] = made["activityid"]
    return pairs


async def test_an_edit_that_nobody_synchronized_did_not_arrive() -> None:
    async with ExchangeOnline() as exchange, Dataverse() as dataverse, aiohttp.ClientSession() as http:
        endpoints = {
            "graph": exchange.url,
            "graph_control": exchange.control_url,
            "dataverse": dataverse.url,
            "dataverse_control": dataverse.control_url,
        }
        tenant = await load(endpoints)
        graph = Service(http, exchange.url, exchange.control_url)
        web_api = Service(http, dataverse.url, dataverse.control_url)
        pairs = await unlinked_partners(graph, web_api, tenant)
        desk = Desk(graph, web_api, tenant, pairs, datetime.now(UTC))
        edits = await desk.edit_everything()
        edits += await PersonalDesk(desk, "Jane Healy").edit_everything()
        arrived = [edit.text for edit in edits if not await edit.wrong()]
    assert len(edits) == 12
    assert arrived == []
