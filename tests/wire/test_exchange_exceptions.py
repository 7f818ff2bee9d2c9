"""Exceptions and cancelled occurrences of a series, as its owner makes and reads them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.wire.exchange_graph import IMMUTABLE, STAMP, Graph, part, running, stamp
from tests.wire.exchange_series import (
    DAYS,
    SERIES_PARTS,
    WEEKLY,
    WINDOW,
    at,
    days,
    events_of,
    instances,
    master_of,
    patch,
    series,
    view,
)

Json = dict[str, Any]

ANNA = events_of("anna")


@pytest.fixture
async def graph() -> AsyncIterator[Graph]:
    async with running() as graph:
        await graph.user("anna")
        yield graph


async def read(graph: Graph, identifier: str, query: str = "") -> Json:
    reply = await graph("GET", f"{ANNA}/{identifier}{query}", prefer=IMMUTABLE)
    assert reply.status == 200, reply.body
    body: Json = reply.body
    return body


# --- an exception -------------------------------------------------------------------------------


async def test_a_changed_occurrence_becomes_an_exception_under_its_own_id(graph: Graph) -> None:
    master = (await series(graph))["id"]
    plain = (await instances(graph, "anna", master))[1]
    changed = await patch(graph, "anna", plain["id"], **at("2026-12-09", "14:00", "15:00"))
    assert (changed["id"], changed["type"], changed["seriesMasterId"]) == (plain["id"], "exception", master)
    assert changed["originalStart"] == plain["originalStart"] == "2026-12-08T08:00:00Z"
    assert changed["start"]["dateTime"] == "2026-12-09T13:00:00.0000000"
    assert changed["iCalUId"] == plain["iCalUId"]
    assert await read(graph, plain["id"]) == changed
    rows = await instances(graph, "anna", master)
    assert [row["type"] for row in rows] == ["occurrence", "exception", "occurrence", "occurrence"]
    assert days(rows) == ["2026-12-01", "2026-12-09", "2026-12-15", "2026-12-22"]
    assert days(await view(graph, "anna")) == days(rows)


async def test_every_change_of_an_instance_moves_its_own_and_the_masters_change_key(graph: Graph) -> None:
    master = (await series(graph))["id"]
    first, second, third, _ = [row["id"] for row in await instances(graph, "anna", master)]
    keys = [(await read(graph, master))["changeKey"]]
    made = await patch(graph, "anna", first, subject="First")
    keys.append((await read(graph, master))["changeKey"])
    await patch(graph, "anna", second, subject="Second")
    keys.append((await read(graph, master))["changeKey"])
    assert (await read(graph, first))["changeKey"] == made["changeKey"] not in keys
    again = await patch(graph, "anna", first, subject="First again")
    keys.append((await read(graph, master))["changeKey"])
    assert again["changeKey"] != made["changeKey"]
    await graph("DELETE", f"{ANNA}/{third}")
    keys.append((await read(graph, master))["changeKey"])
    assert len(set(keys)) == 5


async def test_what_an_exception_did_not_override_follows_the_master(graph: Graph) -> None:
    master = (await series(graph, categories=["Red"]))["id"]
    second = (await instances(graph, "anna", master))[1]["id"]
    before = await patch(graph, "anna", second, subject="Own", **at(DAYS[1], "11:00", "12:00"))
    later = {
        "location": {"displayName": "Hall"},
        "importance": "high",
        "showAs": "oof",
        "categories": ["Blue"],
    }
    await patch(graph, "anna", master, subject="All", **later)
    after = await read(graph, second)
    assert (after["subject"], after["start"]) == ("Own", before["start"])
    assert (after["location"]["displayName"], after["importance"]) == ("Hall", "high")
    assert (after["showAs"], after["categories"]) == ("oof", ["Blue"])
    assert after["changeKey"] != before["changeKey"]
    await patch(graph, "anna", second, location={"displayName": "Cellar"})
    await patch(graph, "anna", master, location={"displayName": "Roof"})
    assert (await read(graph, second))["locations"][0]["displayName"] == "Cellar"


async def test_a_value_equal_to_the_masters_is_no_override(graph: Graph) -> None:
    master = (await series(graph))["id"]
    second = (await instances(graph, "anna", master))[1]["id"]
    made = await patch(graph, "anna", second, subject="Review")
    assert made["type"] == "exception"
    await patch(graph, "anna", master, subject="All")
    assert (await read(graph, second))["subject"] == "All"


async def test_properties_of_a_master_are_not_its_occurrences(graph: Graph) -> None:
    master = (await series(graph, singleValueExtendedProperties=stamp("m"), categories=["Red"]))["id"]
    expand = f"$expand=singleValueExtendedProperties($filter=id eq '{STAMP}')"
    second = (await instances(graph, "anna", master))[1]["id"]
    bare = await read(graph, second, f"?{expand}")
    assert (bare["categories"], "singleValueExtendedProperties" in bare) == (["Red"], False)
    made = await patch(graph, "anna", second, categories=[], singleValueExtendedProperties=stamp("x"))
    assert (made["categories"], made["type"]) == ([], "exception")
    own = await read(graph, second, f"?{expand}")
    assert own["singleValueExtendedProperties"] == stamp("x")
    rows = (await graph("GET", f"{ANNA}/{master}/instances?{WINDOW}&{expand}")).rows
    assert [row.get("singleValueExtendedProperties") for row in rows] == [None, stamp("x"), None, None]
    assert (await read(graph, master, f"?{expand}"))["singleValueExtendedProperties"] == stamp("m")


async def test_both_forms_of_id_name_the_same_exception(graph: Graph) -> None:
    master = (await series(graph))["id"]
    immutable = (await instances(graph, "anna", master))[1]["id"]
    body = {"inputIds": [immutable], "sourceIdType": "restImmutableEntryId", "targetIdType": "restId"}
    translated = (await graph("POST", "/users/anna@contoso.com/translateExchangeIds", body)).rows[0][
        "targetId"
    ]
    changed = await graph("PATCH", f"{ANNA}/{translated}", {"subject": "Own"})
    assert changed.body["id"] == translated != immutable
    assert (await read(graph, immutable))["subject"] == "Own"


async def test_a_stale_etag_of_an_exception_is_refused(graph: Graph) -> None:
    master = (await series(graph))["id"]
    second = (await instances(graph, "anna", master))[1]
    await patch(graph, "anna", second["id"], subject="Own")
    stale = await graph("PATCH", f"{ANNA}/{second['id']}", {"subject": "x"}, If_Match=second["@odata.etag"])
    assert (stale.status, stale.code) == (412, "ErrorIrresolvableConflict")
    fresh = (await read(graph, second["id"]))["@odata.etag"]
    assert (await graph("DELETE", f"{ANNA}/{second['id']}", If_Match=fresh)).status == 204


async def test_an_occurrence_has_no_recurrence_of_its_own(graph: Graph) -> None:
    master = (await series(graph))["id"]
    second = (await instances(graph, "anna", master))[1]["id"]
    refused = await graph("PATCH", f"{ANNA}/{second}", {"recurrence": WEEKLY})
    assert (refused.status, refused.code) == (400, "ErrorInvalidRequest")
    assert (await read(graph, second))["type"] == "occurrence"
    ends_first = await graph("PATCH", f"{ANNA}/{second}", {"end": at(DAYS[1], "08:00")["start"]})
    assert ends_first.code == "ErrorPropertyValidationFailure"


async def test_ids_of_days_outside_the_pattern_are_unknown(graph: Graph) -> None:
    master = (await series(graph))["id"]
    monday = (await instances(graph, "anna", master))[0]["id"]
    fridays = {**WEEKLY, "pattern": {**WEEKLY["pattern"], "daysOfWeek": ["friday"]}}
    await patch(graph, "anna", master, recurrence=fridays)
    for method, body in (("GET", None), ("PATCH", {"subject": "x"}), ("DELETE", None)):
        reply = await graph(method, f"{ANNA}/{monday}", body)
        assert (reply.status, reply.code) == (404, "ErrorItemNotFound")


# --- neighbours ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "times",
    [
        at(DAYS[0], "18:00", "19:00"),
        at(DAYS[2], "06:00", "07:00"),
        at("2026-11-30"),
        at("2026-12-16"),
        {"end": at(DAYS[2])["end"]},
    ],
    ids=["day of the one before", "day of the one after", "past it", "past the other", "over it"],
)
async def test_an_occurrence_stays_between_its_neighbours(graph: Graph, times: Json) -> None:
    master = (await series(graph))["id"]
    second = (await instances(graph, "anna", master))[1]["id"]
    refused = await graph("PATCH", f"{ANNA}/{second}", times)
    assert (refused.status, refused.code) == (400, "ErrorOccurrenceCrossingBoundary")
    assert "crossing or overlapping adjacent occurrence" in refused.body["error"]["message"]
    assert (await read(graph, second))["type"] == "occurrence"


async def test_neighbours_count_where_they_were_moved_to_and_not_when_they_are_cancelled(
    graph: Graph,
) -> None:
    master = (await series(graph))["id"]
    first, second, third, _ = [row["id"] for row in await instances(graph, "anna", master)]
    await patch(graph, "anna", first, **at("2026-12-04"))
    refused = await graph("PATCH", f"{ANNA}/{second}", at("2026-12-03"))
    assert refused.code == "ErrorOccurrenceCrossingBoundary"
    await patch(graph, "anna", second, **at("2026-12-05"))
    await graph("DELETE", f"{ANNA}/{third}")
    await patch(graph, "anna", second, **at("2026-12-16"))
    assert days(await instances(graph, "anna", master)) == ["2026-12-04", "2026-12-16", "2026-12-22"]


async def test_the_day_is_that_of_the_series_zone(graph: Graph) -> None:
    master = (await series(graph))["id"]
    second = (await instances(graph, "anna", master))[1]["id"]
    late = {"dateTime": "2026-12-14T22:30:00", "timeZone": "UTC"}
    await patch(graph, "anna", second, start=late, end={**late, "dateTime": "2026-12-14T22:45:00"})
    past_midnight = {**late, "dateTime": "2026-12-14T23:30:00"}
    refused = await graph("PATCH", f"{ANNA}/{second}", {"start": past_midnight, "end": past_midnight})
    assert refused.code == "ErrorOccurrenceCrossingBoundary"


# --- cancelled ----------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["DELETE", "cancel"])
async def test_a_cancelled_occurrence_is_gone_and_its_master_says_so(graph: Graph, way: str) -> None:
    master = (await series(graph))["id"]
    second, third = [row["id"] for row in await instances(graph, "anna", master)][1:3]
    await patch(graph, "anna", third, subject="Own")
    for identifier in (second, third):
        path = f"{ANNA}/{identifier}"
        reply = await (graph("DELETE", path) if way == "DELETE" else graph("POST", f"{path}/cancel", {}))
        assert reply.status == (204 if way == "DELETE" else 202)
        gone = await graph("GET", path)
        assert (gone.status, gone.code) == (404, "ErrorItemNotFound")
        assert (await graph("DELETE", path)).status == 404
    assert (
        days(await instances(graph, "anna", master)) == [DAYS[0], DAYS[3]] == days(await view(graph, "anna"))
    )
    whole = await master_of(graph, "anna", master)
    assert whole["cancelledOccurrences"] == [f"OID.{master}.{DAYS[1]}", f"OID.{master}.{DAYS[2]}"]
    assert whole["exceptionOccurrences"] == []


async def test_the_cancelled_are_named_by_the_form_of_id_that_was_asked_for(graph: Graph) -> None:
    immutable = (await series(graph))["id"]
    await graph("DELETE", f"{ANNA}/{(await instances(graph, 'anna', immutable))[0]['id']}")
    rest = (await graph("GET", f"{ANNA}/{immutable}?$select=cancelledOccurrences")).body
    assert rest["id"] != immutable
    assert rest["cancelledOccurrences"] == [f"OID.{rest['id']}.{DAYS[0]}"]


# --- the master by its id -----------------------------------------------------------------------


async def test_exceptions_come_whole_only_when_selected_and_expanded(graph: Graph) -> None:
    master = (await series(graph))["id"]
    first, second, *_ = [row["id"] for row in await instances(graph, "anna", master)]
    own = await patch(graph, "anna", second, subject="Own")
    await graph("DELETE", f"{ANNA}/{first}")
    found = (await master_of(graph, "anna", master))["exceptionOccurrences"]
    assert found == [{name: value for name, value in own.items() if name != "@odata.context"}]
    for query in ("", "?$expand=exceptionOccurrences", "?$select=subject&$expand=exceptionOccurrences"):
        whole = await read(graph, master, query)
        assert not {"exceptionOccurrences", "cancelledOccurrences"} & set(whole)
    assert "exceptionOccurrences" not in await read(graph, master, "?$select=exceptionOccurrences")
    assert not {"exceptionOccurrences", "cancelledOccurrences"} & set(
        await read(graph, second, f"?{SERIES_PARTS}")
    )


async def test_one_expand_may_name_exceptions_and_extended_properties(graph: Graph) -> None:
    master = (await series(graph, singleValueExtendedProperties=stamp("m")))["id"]
    second = (await instances(graph, "anna", master))[1]["id"]
    await patch(graph, "anna", second, subject="Own, and more")
    extended = f"singleValueExtendedProperties($filter=id eq '{STAMP}' or id eq 'String 0x37')"
    chosen = "exceptionOccurrences($select=subject,originalStart)"
    for expand in (f"{chosen},{extended}", f"{extended}, {chosen}"):
        whole = await read(
            graph, master, f"?$select=exceptionOccurrences,cancelledOccurrences&$expand={expand}"
        )
        assert whole["singleValueExtendedProperties"] == stamp("m")
        assert [set(row) for row in whole["exceptionOccurrences"]] == [
            {"@odata.etag", "id", "subject", "originalStart"}
        ]


async def test_lists_do_not_expand_exceptions(graph: Graph) -> None:
    await series(graph)
    refused = await graph("GET", f"{ANNA}?{SERIES_PARTS}")
    assert (refused.status, refused.code) == (400, "BadRequest")
    unknown = await graph("GET", f"{ANNA}?$select=exceptionOccurence")
    assert unknown.status == 400


# --- what forgets exceptions --------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"recurrence": {**WEEKLY, "range": {**WEEKLY["range"], "numberOfOccurrences": 5}}},
        at(DAYS[0], "11:00", "12:00"),
        {"end": at(DAYS[0], "09:00", "11:00")["end"]},
        {
            "isAllDay": True,
            **{
                name: {**moment, "dateTime": f"2026-12-0{day}T00:00:00"}
                for day, (name, moment) in enumerate(at(DAYS[0]).items(), start=1)
            },
        },
    ],
    ids=["pattern", "start", "end", "all day"],
)
async def test_a_new_pattern_or_time_forgets_exceptions_and_cancellations(graph: Graph, change: Json) -> None:
    master = (await series(graph))["id"]
    first, second, *_ = [row["id"] for row in await instances(graph, "anna", master)]
    await patch(graph, "anna", first, subject="Own")
    await graph("DELETE", f"{ANNA}/{second}")
    await patch(graph, "anna", master, **change)
    rows = await instances(graph, "anna", master)
    assert days(rows)[:4] == DAYS
    assert {(row["type"], row["subject"]) for row in rows} == {("occurrence", "Review")}
    whole = await master_of(graph, "anna", master)
    assert (whole["cancelledOccurrences"], whole["exceptionOccurrences"]) == ([], [])


async def test_the_same_pattern_and_time_again_forget_nothing(graph: Graph) -> None:
    made = await series(graph)
    first, second, *_ = [row["id"] for row in await instances(graph, "anna", made["id"])]
    await patch(graph, "anna", first, subject="Own")
    await graph("DELETE", f"{ANNA}/{second}")
    await patch(graph, "anna", made["id"], recurrence=made["recurrence"], isAllDay=False, **at(DAYS[0]))
    whole = await master_of(graph, "anna", made["id"])
    assert (len(whole["cancelledOccurrences"]), len(whole["exceptionOccurrences"])) == (1, 1)


async def test_a_series_becomes_one_event_with_its_own_identity_and_times(graph: Graph) -> None:
    made = await series(graph)
    second = (await instances(graph, "anna", made["id"]))[1]["id"]
    await patch(graph, "anna", second, subject="Own")
    single = await patch(graph, "anna", made["id"], recurrence=None)
    assert (single["id"], single["iCalUId"], single["type"]) == (
        made["id"],
        made["iCalUId"],
        "singleInstance",
    )
    assert (single["start"], single["end"]) == (made["start"], made["end"])
    assert (await graph("GET", f"{ANNA}/{second}")).status == 404
    assert [row["id"] for row in await view(graph, "anna")] == [made["id"]]
    again = await patch(graph, "anna", made["id"], recurrence=WEEKLY)
    assert again["type"] == "seriesMaster"
    assert {row["type"] for row in await instances(graph, "anna", made["id"])} == {"occurrence"}


# --- delta --------------------------------------------------------------------------------------


async def whole_round(graph: Graph, link: str = "") -> tuple[list[Json], str]:
    link = link or f"/users/anna@contoso.com/calendarView/delta?{WINDOW}"
    rows: list[Json] = []
    while True:
        reply = await graph("GET", link, prefer=f"{IMMUTABLE}, odata.maxpagesize=50")
        rows += reply.rows
        if "@odata.deltaLink" in reply.body:
            return rows, reply.body["@odata.deltaLink"]
        link = reply.body["@odata.nextLink"]


async def test_delta_tells_exceptions_whole_and_only_what_changed(graph: Graph) -> None:
    master = (await series(graph))["id"]
    first, second, third, _ = [row["id"] for row in await instances(graph, "anna", master)]
    await patch(graph, "anna", first, subject="One")
    rows, link = await whole_round(graph)
    assert [row["type"] for row in rows] == ["seriesMaster", "exception", *["occurrence"] * 3]
    assert rows[1]["subject"] == "One"
    await patch(graph, "anna", second, subject="Two")
    rows, link = await whole_round(graph, link)
    assert [(row["id"], row["subject"]) for row in rows] == [(master, "Review"), (second, "Two")]
    await graph("DELETE", f"{ANNA}/{third}")
    await graph("DELETE", f"{ANNA}/{first}")
    rows, link = await whole_round(graph, link)
    assert [row["id"] for row in rows] == [master]
    await patch(graph, "anna", master, subject="All")
    rows, link = await whole_round(graph, link)
    assert [row["type"] for row in rows] == ["seriesMaster", "exception", "occurrence"]
    await patch(graph, "anna", second, **at("2026-12-20"))
    assert (await whole_round(graph))[0][1]["start"]["dateTime"][:10] == "2026-12-20"


async def test_an_exception_counts_in_a_window_at_its_own_time(graph: Graph) -> None:
    master = (await series(graph))["id"]
    last = (await instances(graph, "anna", master))[3]["id"]
    narrow = "startDateTime=2026-12-20T00:00:00Z&endDateTime=2026-12-27T00:00:00Z"
    rows, link = await whole_round(graph, f"/users/anna@contoso.com/calendarView/delta?{narrow}")
    assert [row["id"] for row in rows] == [master, last]
    await patch(graph, "anna", last, **at("2027-02-02"))
    after = "startDateTime=2027-02-01T00:00:00Z&endDateTime=2027-02-05T00:00:00Z"
    for window, found in ((narrow, []), (after, [last])):
        seen = await graph("GET", f"/users/anna@contoso.com/calendarView?{window}", prefer=IMMUTABLE)
        listed = await graph("GET", f"{ANNA}/{master}/instances?{window}", prefer=IMMUTABLE)
        assert [row["id"] for row in seen.rows] == [row["id"] for row in listed.rows] == found
    rows, _ = await whole_round(graph, link)
    assert [(row["id"], "@removed" in row) for row in rows] == [(master, True)]


async def test_an_exception_that_leaves_the_window_is_removed_like_any_event(graph: Graph) -> None:
    master = (await series(graph))["id"]
    last = (await instances(graph, "anna", master))[3]["id"]
    _, link = await whole_round(graph)
    await patch(graph, "anna", last, **at("2027-02-02"))
    rows, link = await whole_round(graph, link)
    assert [(row["id"], "@removed" in row) for row in rows] == [(master, False), (last, True)]
    assert (await read(graph, last))["type"] == "exception"
    await patch(graph, "anna", master, subject="All")
    await patch(graph, "anna", last, **at("2026-12-29"))
    rows, _ = await whole_round(graph, link)
    assert [row["type"] for row in rows] == ["seriesMaster", *["occurrence"] * 3, "exception"]


async def test_a_series_paged_in_pieces_loses_no_row(graph: Graph) -> None:
    long = {**WEEKLY, "range": {**WEEKLY["range"], "numberOfOccurrences": 9}}
    master = (await series(graph, recurrence=long))["id"]
    third = (await instances(graph, "anna", master))[2]["id"]
    await patch(graph, "anna", third, subject="Own")
    link: str | None = f"/users/anna@contoso.com/calendarView/delta?{WINDOW}"
    told = set()
    while link:
        reply = await graph("GET", link, prefer=f"{IMMUTABLE}, odata.maxpagesize=3")
        told |= {row["id"] for row in reply.rows}
        link = reply.body.get("@odata.nextLink")
    assert told == {master, *[row["id"] for row in await instances(graph, "anna", master)]}


# --- the rest -----------------------------------------------------------------------------------


async def test_batch_parts_write_and_read_occurrences(graph: Graph) -> None:
    master = (await series(graph))["id"]
    first, second, *_ = [row["id"] for row in await instances(graph, "anna", master)]
    parts = [
        part(1, "PATCH", f"{ANNA}/{first}", {"subject": "Own"}),
        part(2, "DELETE", f"{ANNA}/{second}", dependsOn=["1"]),
        part(3, "GET", f"{ANNA}/{master}?{SERIES_PARTS}", dependsOn=["2"]),
    ]
    reply = await graph("POST", "/$batch", {"requests": parts}, prefer=IMMUTABLE)
    answers = {row["id"]: row for row in reply.body["responses"]}
    assert {key: row["status"] for key, row in answers.items()} == {"1": 200, "2": 204, "3": 200}
    assert len(answers["3"]["body"]["exceptionOccurrences"]) == 1
    assert len(answers["3"]["body"]["cancelledOccurrences"]) == 1


async def test_a_copied_master_has_the_exceptions_too(graph: Graph) -> None:
    master = (await series(graph))["id"]
    first, second, *_ = [row["id"] for row in await instances(graph, "anna", master)]
    await patch(graph, "anna", first, subject="Own")
    await graph("DELETE", f"{ANNA}/{second}")
    body = {"user": "anna@contoso.com", "kind": "event", "id": master}
    copy = (await graph("POST", "/_control/copy", body)).body["id"]
    rows = await instances(graph, "anna", copy)
    assert [(row["subject"], row["seriesMasterId"]) for row in rows] == [
        ("Own", copy),
        ("Review", copy),
        ("Review", copy),
    ]
    assert (await master_of(graph, "anna", copy))["cancelledOccurrences"] == [f"OID.{copy}.{DAYS[1]}"]


async def test_exceptions_and_cancellations_survive_a_restart(tmp_path: Path) -> None:
    journal = tmp_path / "exchange.journal"
    async with running(journal=journal) as graph:
        await graph.user("anna")
        master = (await series(graph))["id"]
        first, second, *_ = [row["id"] for row in await instances(graph, "anna", master)]
        await patch(graph, "anna", first, **at("2026-12-02"))
        await graph("DELETE", f"{ANNA}/{second}")
        before = await instances(graph, "anna", master)
    async with running(journal=journal) as graph:
        assert await instances(graph, "anna", master) == before
        assert (await graph("GET", f"{ANNA}/{second}")).status == 404


async def test_an_exception_of_an_all_day_series_is_a_date(graph: Graph) -> None:
    first = {
        name: {**moment, "dateTime": f"2026-12-0{day}T00:00:00"}
        for day, (name, moment) in enumerate(at(DAYS[0]).items(), start=1)
    }
    master = (await series(graph, isAllDay=True, **first))["id"]
    second = (await instances(graph, "anna", master))[1]
    assert second["originalStart"] == "2026-12-07T23:00:00Z"
    moved = {
        name: {**moment, "dateTime": f"2026-12-{day}T00:00:00"}
        for day, (name, moment) in enumerate(first.items(), start=10)
    }
    made = await patch(graph, "anna", second["id"], **moved)
    assert (made["isAllDay"], made["originalStart"]) == (True, second["originalStart"])
    assert made["start"]["dateTime"] == "2026-12-10T00:00:00.0000000"
    onto = {
        name: {**moment, "dateTime": f"2026-12-{day}T00:00:00"}
        for day, (name, moment) in enumerate(first.items(), start=15)
    }
    refused = await graph("PATCH", f"{ANNA}/{second['id']}", onto)
    assert refused.code == "ErrorOccurrenceCrossingBoundary"
