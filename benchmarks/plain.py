"""What somebody would write instead of this project, as the documentation of the two services shows it: the
Graph SDK with its typed models and its own retries, ``calendarView`` delta, one request per item, and for
each mailbox a query for the Dynamics rows that were modified since the last one. Events only, both ways.

Written fairly: it keeps delta links, pairs items by a table, knows the echo of its own writes by version, and
selects only the columns that it needs. It does not do what a user would find out later: deletions in Dynamics
(``modifiedon`` does not tell of them), conflicts, lost answers, rights, series, time zones of all-day events.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient
from kiota_abstractions.authentication import AuthenticationProvider
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.request_information import RequestInformation
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.date_time_time_zone import DateTimeTimeZone
from msgraph.generated.models.event import Event
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.location import Location
from msgraph.generated.users.item.calendar_view.delta.delta_request_builder import DeltaRequestBuilder
from msgraph_core import GraphClientFactory

Json = dict[str, Any]
CATEGORY = "Tracked to Dynamics 365"
TABLE = "plain"
PAST, AHEAD = timedelta(days=30), timedelta(days=540)
COLUMNS = "activityid,subject,description,location,scheduledstart,scheduledend,modifiedon,versionnumber"
PREFER = 'IdType="ImmutableId", outlook.body-content-type="text"'


class Token(AuthenticationProvider):
    """The rig's token of the service; in Azure it would be ``azure-identity``'s."""

    async def authenticate_request(self, request: RequestInformation, *_: object, **__: object) -> None:
        request.headers.add("Authorization", "Bearer app")


@dataclass
class Plain:
    """``asked`` counts the requests to storage; those to the services they count themselves."""

    graph: GraphServiceClient
    dataverse: httpx.AsyncClient
    table: TableClient
    asked: list[int] = field(default_factory=lambda: [0])

    async def sync(self, mailbox: str, user: str) -> None:
        """One poll of one mailbox."""
        state = await self._row(mailbox, "state") or {"PartitionKey": mailbox, "RowKey": "state"}
        since = str(state.get("since", "1970-01-01T00:00:00Z"))
        state["delta"] = await self._from_exchange(mailbox, user, str(state.get("delta", "")))
        state["since"] = await self._from_dynamics(mailbox, user, since)
        await self.table.upsert_entity(state, mode=UpdateMode.REPLACE)

    # --- Exchange to Dynamics -----------------------------------------------------------------------

    async def _from_exchange(self, mailbox: str, user: str, link: str) -> str:
        """The next delta link."""
        delta = self.graph.users.by_user_id(mailbox).calendar_view.delta
        config: Any = RequestConfiguration()
        config.headers.add("Prefer", PREFER)
        if not link:
            now = datetime.now(UTC)
            config.query_parameters = DeltaRequestBuilder.DeltaRequestBuilderGetQueryParameters(
                start_date_time=f"{now - PAST:%Y-%m-%dT%H:%M:%SZ}",
                end_date_time=f"{now + AHEAD:%Y-%m-%dT%H:%M:%SZ}",
            )
        page: Any = await (delta.with_url(link) if link else delta).get(config)
        while True:
            for event in page.value or ():
                await self._take_event(mailbox, user, event)
            if not page.odata_next_link:
                return str(page.odata_delta_link)
            page = await delta.with_url(page.odata_next_link).get(config)

    async def _take_event(self, mailbox: str, user: str, event: Event) -> None:
        pair = await self._row(mailbox, f"e:{event.id}")
        if event.additional_data.get("@removed"):
            if pair:
                await self._web_api("DELETE", f"/appointments({pair['row']})")
                await self._forget(mailbox, pair)
            return
        if CATEGORY not in (event.categories or ()) or (pair and pair["change"] == event.change_key):
            return
        if pair:
            row = await self._web_api("PATCH", f"/appointments({pair['row']})", columns_of(event))
        else:
            organizer = {"participationtypemask": 7, "partyid_systemuser@odata.bind": f"/systemusers({user})"}
            body = {
                **columns_of(event),
                "ownerid@odata.bind": f"/systemusers({user})",
                "appointment_activity_parties": [organizer],
            }
            row = await self._web_api("POST", "/appointments", body)
        await self._pair(mailbox, str(event.id), str(event.change_key), row)

    # --- Dynamics to Exchange -----------------------------------------------------------------------

    async def _from_dynamics(self, mailbox: str, user: str, since: str) -> str:
        """The last ``modifiedon`` that was seen; rows of the same second are read again, and known."""
        query = f"_ownerid_value eq {user} and modifiedon ge {since}"
        url: str | None = f"/appointments?$select={COLUMNS}&$filter={query}&$orderby=modifiedon"
        while url:
            page = await self._web_api("GET", url)
            for row in page["value"]:
                await self._take_row(mailbox, row)
                since = row["modifiedon"]
            url = page.get("@odata.nextLink")
        return since

    async def _take_row(self, mailbox: str, row: Json) -> None:
        pair = await self._row(mailbox, f"r:{row['activityid']}")
        if pair and pair["version"] == str(row["versionnumber"]):
            return
        events = self.graph.users.by_user_id(mailbox).events
        config: Any = RequestConfiguration()
        config.headers.add("Prefer", PREFER)
        event = event_of(row)
        if pair:
            written = await events.by_event_id(pair["event"]).patch(event, config)
        else:
            event.categories = [CATEGORY]
            written = await events.post(event, config)
        if written is not None:
            await self._pair(mailbox, str(written.id), str(written.change_key), row)

    # --- what both need -----------------------------------------------------------------------------

    async def _web_api(self, method: str, url: str, body: Json | None = None) -> Json:
        response = await self.dataverse.request(method, url, json=body)
        response.raise_for_status()
        return dict(response.json()) if response.content else {}

    async def _row(self, mailbox: str, key: str) -> Json | None:
        try:
            return dict(await self.table.get_entity(mailbox, key))
        except ResourceNotFoundError:
            return None

    async def _pair(self, mailbox: str, event: str, change: str, row: Json) -> None:
        pair = {
            "PartitionKey": mailbox,
            "event": event,
            "change": change,
            "row": row["activityid"],
            "version": str(row["versionnumber"]),
        }
        keys = (f"e:{event}", f"r:{row['activityid']}")
        await self.table.submit_transaction([("upsert", {**pair, "RowKey": key}) for key in keys])

    async def _forget(self, mailbox: str, pair: Json) -> None:
        for key in (f"e:{pair['event']}", f"r:{pair['row']}"):
            await self.table.delete_entity(mailbox, key)


def columns_of(event: Event) -> Json:
    return {
        "subject": event.subject,
        "description": event.body.content if event.body else None,
        "location": event.location.display_name if event.location else None,
        "scheduledstart": _utc(event.start),
        "scheduledend": _utc(event.end),
    }


def event_of(row: Json) -> Event:
    return Event(
        subject=row["subject"],
        body=ItemBody(content_type=BodyType.Text, content=row["description"] or ""),
        location=Location(display_name=row["location"] or ""),
        start=DateTimeTimeZone(date_time=row["scheduledstart"].rstrip("Z"), time_zone="UTC"),
        end=DateTimeTimeZone(date_time=row["scheduledend"].rstrip("Z"), time_zone="UTC"),
    )


def _utc(moment: DateTimeTimeZone | None) -> str | None:
    """Graph answers in UTC unless it is asked for another zone."""
    return f"{(moment.date_time or '')[:19]}Z" if moment else None


@asynccontextmanager
async def plain(graph_url: str, dataverse_url: str, tables: str) -> AsyncIterator[Plain]:
    asked = [0]

    def count(_request: object) -> None:
        asked[0] += 1

    headers = {"Authorization": "Bearer app", "Prefer": "return=representation"}
    async with (
        TableServiceClient.from_connection_string(tables, raw_request_hook=count) as storage,
        httpx.AsyncClient(trust_env=False) as http,
        httpx.AsyncClient(base_url=dataverse_url, headers=headers, trust_env=False) as dataverse,
    ):
        adapter = GraphRequestAdapter(Token(), GraphClientFactory.create_with_default_middleware(client=http))
        adapter.base_url = graph_url
        table = await storage.create_table_if_not_exists(TABLE)
        yield Plain(GraphServiceClient(request_adapter=adapter), dataverse, table, asked)
