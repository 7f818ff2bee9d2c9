"""Events: create, read, change, delete, list, filter, as Graph does it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.wire.exchange_graph import IMMUTABLE, STAMP, Graph, event, invited, running, stamp

EVENTS = "/users/anna@contoso.com/events"
STATE = "Double {00020329-0000-0000-C000-000000000046} Name crmLinkState"


@pytest.fixture
async def graph() -> AsyncIterator[Graph]:
    async with running() as graph:
        await graph.user("anna", timeZone="W. Europe Standard Time")
        yield graph


async def test_a_created_event_has_the_documented_defaults(graph: Graph) -> None:
    made = await graph.create("anna")
    assert (made["isReminderOn"], made["reminderMinutesBeforeStart"], made["showAs"]) == (True, 15, "busy")
    assert made["responseStatus"] == {"response": "organizer", "time": "0001-01-01T00:00:00Z"}
    assert made["start"] == {"dateTime": "2026-12-01T08:00:00.0000000", "timeZone": "UTC"}
    assert made["originalStartTimeZone"] == "W. Europe Standard Time"
    assert made["organizer"]["emailAddress"] == {"name": "Anna", "address": "anna@contoso.com"}
    assert made["@odata.etag"] == f'W/"{made["changeKey"]}"'
    assert "transactionId" not in made


async def test_times_come_in_the_zone_asked_for_and_the_preference_is_confirmed(graph: Graph) -> None:
    made = await graph.create("anna")
    prefer = f'outlook.body-content-type="text", {IMMUTABLE}, outlook.timezone="Tokyo Standard Time"'
    reply = await graph("GET", f"{EVENTS}/{made['id']}", prefer=prefer)
    assert reply.body["start"] == {
        "dateTime": "2026-12-01T17:00:00.0000000",
        "timeZone": "Tokyo Standard Time",
    }
    assert 'outlook.timezone="Tokyo Standard Time"' in reply.headers["Preference-Applied"]
    assert 'outlook.body-content-type="text"' in reply.headers["Preference-Applied"]


async def test_bodies_are_wrapped_html_and_text_ends_with_a_line_end(graph: Graph) -> None:
    made = await graph.create(
        "anna", body={"contentType": "HTML", "content": "<p>Dear all,</p><p>see you</p>"}
    )
    assert made["body"]["contentType"] == "html"
    assert made["body"]["content"].startswith("<html><head>")
    assert made["bodyPreview"] == "Dear all,\r\n\r\nsee you"
    text = await graph("GET", f"{EVENTS}/{made['id']}", prefer='outlook.body-content-type="text"')
    assert text.body["body"] == {"contentType": "text", "content": "Dear all,\r\n\r\nsee you\r\n"}


async def test_a_text_body_is_shown_as_html_with_its_characters_escaped(graph: Graph) -> None:
    made = await graph.create("anna", body={"contentType": "text", "content": "a < b\nnext"})
    assert "a &lt; b<br>\r\nnext" in made["body"]["content"]
    assert made["bodyPreview"] == "a < b\r\nnext"


@pytest.mark.parametrize(
    ("props", "code"),
    [
        ({"colour": "red"}, "RequestBodyRead"),
        ({"showAs": "sleeping"}, "RequestBodyRead"),
        ({"isAllDay": "yes"}, "RequestBodyRead"),
        (
            {"start": {"dateTime": "2026-12-01T09:00:00+01:00", "timeZone": "UTC"}},
            "ErrorPropertyValidationFailure",
        ),
        ({"start": {"dateTime": "1.12.2026", "timeZone": "UTC"}}, "ErrorPropertyValidationFailure"),
        (
            {"start": {"dateTime": "2026-12-01T09:00:00", "timeZone": "Mars Time"}},
            "TimeZoneNotSupportedException",
        ),
        ({"start": {"dateTime": "2027-12-01T09:00:00", "timeZone": "UTC"}}, "ErrorPropertyValidationFailure"),
        ({"start": None}, "ErrorPropertyValidationFailure"),
        ({"isAllDay": True}, "ErrorInvalidRequest"),
        ({"attendees": invited(*(f"p{n}@x.com" for n in range(501)))}, "ErrorInvalidRequest"),
        ({"attendees": invited("nobody")}, "ErrorInvalidRecipients"),
        ({"singleValueExtendedProperties": stamp("1", "Text {x} Name y")}, "ErrorInvalidProperty"),
    ],
)
async def test_what_graph_refuses_is_refused_and_leaves_nothing(
    graph: Graph, props: dict[str, Any], code: str
) -> None:
    reply = await graph("POST", EVENTS, event(**props))
    assert (reply.status, reply.code) == (400, code)
    assert await graph.events("anna") == []


async def test_all_day_events_are_midnight_to_midnight_in_whatever_zone(graph: Graph) -> None:
    zone = "W. Europe Standard Time"
    made = await graph.create(
        "anna",
        isAllDay=True,
        start={"dateTime": "2026-12-24T00:00:00", "timeZone": zone},
        end={"dateTime": "2026-12-27", "timeZone": zone},
    )
    assert made["start"] == {"dateTime": "2026-12-24T00:00:00.0000000", "timeZone": "UTC"}
    assert made["end"]["dateTime"] == "2026-12-27T00:00:00.0000000"


async def test_a_location_replaces_all_locations_and_several_make_one_name(graph: Graph) -> None:
    made = await graph.create("anna", locations=[{"displayName": "A"}, {"displayName": "B"}])
    assert (made["location"]["displayName"], len(made["locations"])) == ("A; B", 2)
    reply = await graph("PATCH", f"{EVENTS}/{made['id']}", {"location": {"displayName": "C"}})
    assert [row["displayName"] for row in reply.body["locations"]] == ["C"]


async def test_a_change_needs_the_present_etag_when_one_is_sent(graph: Graph) -> None:
    made = await graph.create("anna")
    path, old = f"{EVENTS}/{made['id']}", made["@odata.etag"]
    changed = await graph("PATCH", path, {"subject": "New"}, If_Match=old)
    assert (changed.status, changed.body["subject"]) == (200, "New")
    for method in ("PATCH", "DELETE"):
        stale = await graph(method, path, {"subject": "Newer"} if method == "PATCH" else None, If_Match=old)
        assert (stale.status, stale.code) == (412, "ErrorIrresolvableConflict")
    assert (await graph("DELETE", path, If_Match=changed.body["@odata.etag"])).status == 204
    gone = await graph("GET", path)
    assert (gone.status, gone.code) == (404, "ErrorItemNotFound")


async def test_a_transaction_id_creates_once_even_after_the_event_is_gone(graph: Graph) -> None:
    made = await graph.create("anna", transactionId="key-1")
    assert made["transactionId"] == "key-1"
    for _ in range(2):
        again = await graph("POST", EVENTS, event(transactionId="key-1"))
        assert (again.status, again.code) == (409, "ErrorDuplicateTransactionId")
        await graph("DELETE", f"{EVENTS}/{made['id']}")
    await graph.user("ben")
    assert (await graph.create("ben", transactionId="key-1"))["transactionId"] == "key-1"


async def test_ids_have_two_forms_are_case_sensitive_and_belong_to_one_mailbox(graph: Graph) -> None:
    made = await graph.create("anna")
    await graph.user("ben")
    normal = (await graph("GET", f"{EVENTS}/{made['id']}")).body["id"]
    assert normal != made["id"]
    assert (await graph("GET", f"{EVENTS}/{normal}", prefer=IMMUTABLE)).body["id"] == made["id"]
    for path in (f"{EVENTS}/{made['id'].swapcase()}", f"/users/ben@contoso.com/events/{made['id']}"):
        reply = await graph("GET", path)
        assert (reply.status, reply.code) == (404, "ErrorItemNotFound")
    assert (await graph("GET", f"{EVENTS}/not%20an%20id")).code == "ErrorInvalidIdMalformed"
    body = {"inputIds": [normal], "sourceIdType": "restId", "targetIdType": "restImmutableEntryId"}
    translated = await graph("POST", "/users/anna@contoso.com/translateExchangeIds", body)
    assert translated.rows == [{"sourceId": normal, "targetId": made["id"]}]


async def test_extended_properties_are_shown_only_when_expanded(graph: Graph) -> None:
    made = await graph.create("anna", singleValueExtendedProperties=stamp("Ab") + stamp("2.0", STATE))
    assert "singleValueExtendedProperties" not in made
    upper = STAMP.replace("c000", "C000")
    expand = f"$expand=singleValueExtendedProperties($filter=id eq '{upper}' or id eq '{STATE}')"
    reply = await graph("GET", f"{EVENTS}/{made['id']}?{expand}")
    assert {row["value"] for row in reply.body["singleValueExtendedProperties"]} == {"Ab", "2"}
    listed = await graph.events("anna", f"&$select=subject&{expand}")
    assert len(listed[0]["singleValueExtendedProperties"]) == 2
    patched = await graph("PATCH", f"{EVENTS}/{made['id']}", {"singleValueExtendedProperties": stamp("Cd")})
    assert "singleValueExtendedProperties" not in patched.body
    other = f"$expand=singleValueExtendedProperties($filter=id eq '{STAMP.replace('crmid', 'CRMID')}')"
    assert "singleValueExtendedProperties" not in (await graph("GET", f"{EVENTS}/{made['id']}?{other}")).body


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("subject eq 'alpha'", {"Alpha"}),
        ("startswith(subject, 'Al')", {"Alpha"}),
        ("start/dateTime ge '2026-12-02T00:00' and start/dateTime lt '2026-12-03T00:00:00Z'", {"Beta"}),
        ("categories/any(c: c eq 'Red')", {"Alpha"}),
        ("categories/any(c:c eq 'Red' or c eq 'Blue')", {"Alpha", "Beta"}),
        (f"singleValueExtendedProperties/Any(ep: ep/id eq '{STAMP}' and ep/value eq 'ROW-1')", {"Alpha"}),
        (
            f"singleValueExtendedProperties/any(ep: ep/id eq '{STAMP}' and ep/value ne null)",
            {"Alpha", "Beta"},
        ),
        (
            f"singleValueExtendedProperties/Any(ep: ep/id eq '{STATE}' and cast(ep/value, Edm.Double) ge 1)",
            {"Alpha"},
        ),
        ("subject eq 'Alpha' or (isAllDay eq false and not startswith(subject,'B'))", {"Alpha", "Gamma"}),
        ("subject eq 'O''Hara'", set()),
    ],
)
async def test_filters(graph: Graph, text: str, found: set[str]) -> None:
    await _three_events(graph)
    assert {row["subject"] for row in await graph.events("anna", f"&$filter={text}")} == found


async def _three_events(graph: Graph) -> None:
    await graph.create(
        "anna",
        subject="Alpha",
        categories=["Red"],
        singleValueExtendedProperties=stamp("row-1") + stamp("2", STATE),
    )
    await graph.create(
        "anna",
        subject="Beta",
        categories=["Blue"],
        start={"dateTime": "2026-12-02T09:00:00", "timeZone": "UTC"},
        end={"dateTime": "2026-12-02T10:00:00", "timeZone": "UTC"},
        singleValueExtendedProperties=stamp("row-2") + stamp("0", STATE),
    )
    await graph.create("anna", subject="Gamma")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("$filter=categories/any(c: startswith(c,'R'))", "ErrorInvalidUrlQueryFilter"),
        ("$filter=bodyPreview eq 'x'", "ErrorInvalidUrlQueryFilter"),
        ("$filter=colour eq 'x'", "BadRequest"),
        ("$filter=subject eq", "BadRequest"),
        ("$select=colour", "BadRequest"),
        ("$orderby=body", "ErrorInvalidUrlQuery"),
        ("$search=x", "BadRequest"),
        ("$top=0", "BadRequest"),
        ("$expand=singleValueExtendedProperties", "BadRequest"),
        (
            "$orderby=subject&$filter="
            f"singleValueExtendedProperties/any(e: e/id eq '{STAMP}' and e/value eq 'x')",
            "InefficientFilter",
        ),
    ],
)
async def test_unsupported_query_options_are_refused(graph: Graph, query: str, code: str) -> None:
    reply = await graph("GET", f"{EVENTS}?{query}")
    assert (reply.status, reply.code) == (400, code)


async def test_lists_are_paged_by_absolute_links_that_keep_the_options(graph: Graph) -> None:
    for number in range(5):
        await graph.create("anna", subject=f"e{number}")
    reply = await graph("GET", f"{EVENTS}?$select=subject&$top=2&$orderby=subject desc&$count=true")
    assert reply.body["@odata.count"] == 5
    subjects = [row["subject"] for row in reply.rows]
    while "@odata.nextLink" in reply.body:
        assert reply.body["@odata.nextLink"].startswith(graph.exchange.url)
        reply = await graph("GET", reply.body["@odata.nextLink"])
        subjects += [row["subject"] for row in reply.rows]
    assert subjects == ["e4", "e3", "e2", "e1", "e0"]
    assert all(set(row) == {"@odata.etag", "id", "subject"} for row in reply.rows)


async def test_an_online_meeting_stays_one_while_its_join_block_is_kept(graph: Graph) -> None:
    made = await graph.create(
        "anna", isOnlineMeeting=True, body={"contentType": "html", "content": "<p>Hi</p>"}
    )
    url, path = made["onlineMeeting"]["joinUrl"], f"{EVENTS}/{made['id']}"
    assert made["onlineMeetingProvider"] == "teamsForBusiness"
    assert url in made["body"]["content"]
    ignored = await graph("PATCH", path, {"isOnlineMeeting": False})
    assert ignored.body["onlineMeeting"]["joinUrl"] == url
    kept = made["body"]["content"].replace("Hi", "Hello")
    edited = await graph("PATCH", path, {"body": {"contentType": "html", "content": kept}})
    assert edited.body["isOnlineMeeting"] is True
    lost = await graph("PATCH", path, {"body": {"contentType": "html", "content": "<p>Hello</p>"}})
    assert (lost.body["isOnlineMeeting"], lost.body["onlineMeeting"]) == (False, None)


async def test_a_move_keeps_only_the_immutable_id(graph: Graph) -> None:
    made = await graph.create("anna")
    normal = (await graph("GET", f"{EVENTS}/{made['id']}")).body["id"]
    calendar = await graph("POST", "/users/anna@contoso.com/calendars", {"name": "Side"})
    body = {"user": "anna@contoso.com", "id": made["id"], "calendar": calendar.body["id"]}
    assert (await graph("POST", "/_control/move", body)).status == 200
    assert (await graph("GET", f"{EVENTS}/{normal}")).status == 404
    there = f"/users/anna@contoso.com/calendars/{calendar.body['id']}/events"
    assert (await graph("GET", f"{there}/{made['id']}", prefer=IMMUTABLE)).body["id"] == made["id"]
    assert (await graph("GET", f"{EVENTS}/{made['id']}/calendar")).body["id"] == calendar.body["id"]
    assert await graph.events("anna") == []


async def test_a_copy_has_the_content_and_stamps_and_a_new_identity(graph: Graph) -> None:
    made = await graph.create("anna", categories=["Red"], singleValueExtendedProperties=stamp("row-1"))
    body = {"user": "anna@contoso.com", "kind": "event", "id": made["id"]}
    copy = await graph("POST", "/_control/copy", body)
    expand = f"$expand=singleValueExtendedProperties($filter=id eq '{STAMP}')"
    found = (await graph("GET", f"{EVENTS}/{copy.body['id']}?{expand}", prefer=IMMUTABLE)).body
    assert found["id"] != made["id"]
    assert found["iCalUId"] != made["iCalUId"]
    assert (found["categories"], found["singleValueExtendedProperties"][0]["value"]) == (["Red"], "row-1")
