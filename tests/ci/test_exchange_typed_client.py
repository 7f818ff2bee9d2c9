"""Microsoft's own typed Graph client works with the local Exchange Online as it does with the real one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from kiota_abstractions.authentication import AuthenticationProvider
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.request_information import RequestInformation
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.attendee import Attendee
from msgraph.generated.models.attendee_type import AttendeeType
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.date_time_time_zone import DateTimeTimeZone
from msgraph.generated.models.email_address import EmailAddress
from msgraph.generated.models.event import Event
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.single_value_legacy_extended_property import SingleValueLegacyExtendedProperty
from msgraph.generated.users.item.calendar_view.delta.delta_request_builder import DeltaRequestBuilder
from msgraph.generated.users.item.events.events_request_builder import EventsRequestBuilder
from msgraph_core import GraphClientFactory

from tests.wire.exchange_graph import STAMP, running

ANNA = "anna@contoso.com"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the client's own


class ServiceToken(AuthenticationProvider):
    """The rig's token of the service."""

    async def authenticate_request(self, request: RequestInformation, *_: object, **__: object) -> None:
        request.headers.add("Authorization", "Bearer app")


@asynccontextmanager
async def connected() -> AsyncIterator[GraphServiceClient]:
    async with running() as graph, httpx.AsyncClient() as http:
        await graph.user("anna")
        await graph.user("ben")
        adapter = GraphRequestAdapter(
            ServiceToken(), GraphClientFactory.create_with_default_middleware(client=http)
        )
        adapter.base_url = graph.exchange.url
        yield GraphServiceClient(request_adapter=adapter)


def draft() -> Event:
    start = DateTimeTimeZone(date_time="2026-12-01T09:00:00", time_zone="W. Europe Standard Time")
    end = DateTimeTimeZone(date_time="2026-12-01T10:00:00", time_zone="W. Europe Standard Time")
    ben = Attendee(email_address=EmailAddress(address="ben@contoso.com"), type=AttendeeType.Required)
    return Event(
        subject="Typed",
        body=ItemBody(content_type=BodyType.Text, content="Hello"),
        start=start,
        end=end,
        attendees=[ben],
        single_value_extended_properties=[SingleValueLegacyExtendedProperty(id=STAMP, value="row-1")],
    )


async def test_create_list_change_follow_and_delete() -> None:
    async with connected() as client:
        anna = client.users.by_user_id(ANNA)
        window = DeltaRequestBuilder.DeltaRequestBuilderGetQueryParameters(
            start_date_time="2026-11-01T00:00:00Z", end_date_time="2027-01-01T00:00:00Z"
        )
        first = await anna.calendar_view.delta.get(RequestConfiguration(query_parameters=window))
        assert first is not None
        assert first.odata_delta_link
        assert first.value == []

        made = await anna.events.post(draft())
        assert made is not None
        assert made.id
        assert made.is_organizer

        found = EventsRequestBuilder.EventsRequestBuilderGetQueryParameters(
            filter=f"singleValueExtendedProperties/Any(ep: ep/id eq '{STAMP}' and ep/value eq 'row-1')",
            expand=[f"singleValueExtendedProperties($filter=id eq '{STAMP}')"],
        )
        listed = await anna.events.get(RequestConfiguration(query_parameters=found))
        assert listed is not None
        assert [row.id for row in listed.value or []] == [made.id]
        assert (listed.value or [])[0].single_value_extended_properties[0].value == "row-1"

        changed = await anna.events.by_event_id(made.id).patch(Event(subject="Typed again"))
        assert changed is not None
        assert changed.subject == "Typed again"

        second = await anna.calendar_view.delta.with_url(first.odata_delta_link).get()
        assert second is not None
        assert [row.subject for row in second.value or []] == ["Typed again"]

        await anna.events.by_event_id(made.id).delete()
        third = await anna.calendar_view.delta.with_url(second.odata_delta_link).get()
        assert third is not None
        assert (third.value or [])[0].additional_data["@removed"] == {"reason": "deleted"}


async def test_an_error_arrives_as_the_clients_own() -> None:
    async with connected() as client:
        with pytest.raises(ODataError) as caught:
            await client.users.by_user_id(ANNA).events.by_event_id("AAMkmissing").get()
        assert caught.value.response_status_code == 404
        assert caught.value.error.code == "ErrorItemNotFound"


async def test_users_settings_and_calendars_are_read() -> None:
    async with connected() as client:
        anna = client.users.by_user_id(ANNA)
        user = await anna.get()
        settings = await anna.mailbox_settings.get()
        calendars = await anna.calendars.get()
        assert user.mail == ANNA
        assert settings.time_zone == "UTC"
        assert {row.name for row in calendars.value} == {"Calendar", "Birthdays"}
