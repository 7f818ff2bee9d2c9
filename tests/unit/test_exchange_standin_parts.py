"""Small parts of the local Exchange Online: bodies, preferences, property ids, filters, recurrences."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from local.exchange import bodies, extended_properties, recurrence
from local.exchange.call import split_path
from local.exchange.errors import GraphError
from local.exchange.filter_syntax import Comparison, Junction, Literal, Path, parse_filter
from local.exchange.preferences import parse_preferences

Json = dict[str, Any]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a</p><p>b</p>", "a\r\n\r\nb"),
        ("<div>a</div><div>b</div>", "a\r\nb"),
        ("a<br>b &amp; c", "a\r\nb & c"),
        ("<style>p {}</style><b>a</b>\n  b", "a b"),
        ("", ""),
    ],
)
def test_text_of_html(html: str, text: str) -> None:
    assert bodies.text_of(bodies.stored("html", html)) == text


def test_a_whole_document_is_kept_and_storing_it_again_changes_nothing() -> None:
    once = bodies.stored("html", "<html><head></head><body>x</body></html>")
    assert bodies.stored("html", once["content"]) == once


def test_an_empty_body_stays_empty_in_both_forms() -> None:
    empty = bodies.stored("html", "")
    assert bodies.shown(empty, as_text=True)["content"] == bodies.shown(empty, as_text=False)["content"] == ""


def test_the_preview_is_cut() -> None:
    assert len(bodies.preview(bodies.stored("text", "x" * 300))) == 255


@pytest.mark.parametrize(
    "header",
    [
        'IdType="ImmutableId", outlook.timezone="UTC", odata.maxpagesize=7, outlook.body-content-type="text"',
        'outlook.body-content-type=text,odata.maxpagesize=7,outlook.timezone="UTC",IdType="ImmutableId"',
        'odata.maxpagesize=7; outlook.timezone="UTC", outlook.body-content-type="text", idtype=immutableid',
    ],
)
def test_preferences_in_any_order(header: str) -> None:
    read = parse_preferences(header)
    assert (read.immutable_ids, read.time_zone, read.page_size, read.text_body) == (True, "UTC", 7, True)


def test_preferences_that_are_unknown_are_ignored_but_not_unknown_zones() -> None:
    assert parse_preferences("respond-async, odata.maxpagesize=x").page_size is None
    with pytest.raises(GraphError, match="TimeZoneNotSupportedException"):
        parse_preferences('outlook.timezone="Mars"')


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        (
            "string {00020329-0000-0000-C000-000000000046} name CrmId",
            "String {00020329-0000-0000-c000-000000000046} Name CrmId",
        ),
        (
            "Integer 00020329-0000-0000-C000-000000000046 Id 0x08012",
            "Integer {00020329-0000-0000-c000-000000000046} Id 0x8012",
        ),
        ("String 0x4001001E", "String 0x4001001e"),
    ],
)
def test_property_ids_have_one_form(given: str, normal: str) -> None:
    assert extended_properties.normal_id(given) == normal


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [("Double", "2.0", "2"), ("Double", "2.5", "2.5"), ("Integer", "07", "7"), ("String", "2.0", "2.0")],
)
def test_property_values_are_read_as_they_are_stored(kind: str, value: str, stored: str) -> None:
    identifier = f"{kind} {{00020329-0000-0000-c000-000000000046}} Name x"
    assert extended_properties.parse([{"id": identifier, "value": value}]) == {identifier: stored}
    with pytest.raises(GraphError):
        extended_properties.parse([{"id": identifier.replace(kind, "Integer"), "value": "many"}])


def test_and_binds_closer_than_or() -> None:
    parsed = parse_filter("a eq 1 or b eq 'x' and c ne null")
    assert isinstance(parsed, Junction)
    assert parsed.operator == "or"
    assert parsed.parts[0] == Comparison("eq", Path(("a",)), Literal(1))
    assert isinstance(parsed.parts[1], Junction)
    assert parsed.parts[1].operator == "and"


@pytest.mark.parametrize("text", ["a eq", "(a eq 1", "a eq 1 b", "any(", "'x' eq", "a ~ 1", "startswith(a)"])
def test_broken_filters(text: str) -> None:
    with pytest.raises(GraphError, match="syntax error"):
        parse_filter(text)


def test_paths_are_split_into_decoded_segments() -> None:
    assert split_path("/users('a%40b')/calendarView/microsoft.graph.delta()") == [
        "users",
        "a@b",
        "calendarView",
        "delta",
    ]
    assert split_path("/users/a/events/x%2Fy") == ["users", "a", "events", "x/y"]


# --- recurrence ---------------------------------------------------------------------------------

BERLIN = "W. Europe Standard Time"


def series(pattern: Json, span: Json, day: str) -> Json:
    start = {"dateTime": f"{day}T09:00:00", "timeZone": BERLIN}
    rule = {"pattern": {"interval": 1, **pattern}, "range": {"startDate": day, **span}}
    end = {**start, "dateTime": f"{day}T10:00:00"}
    return {"start": start, "end": end, "recurrence": recurrence.normal(rule, start)}


def days(props: Json, count: int = 4) -> list[str]:
    found = zip(range(count), recurrence.dates(props["recurrence"]), strict=False)
    return [day.isoformat() for _, day in found]


NO_END = {"type": "noEnd"}


@pytest.mark.parametrize(
    ("pattern", "start", "expected"),
    [
        ({"type": "daily", "interval": 3}, "2026-01-01", ["2026-01-01", "2026-01-04", "2026-01-07"]),
        (
            {"type": "weekly", "interval": 2, "daysOfWeek": ["sunday", "monday"], "firstDayOfWeek": "monday"},
            "2026-01-05",
            ["2026-01-05", "2026-01-11", "2026-01-19"],
        ),
        (
            {"type": "absoluteMonthly", "dayOfMonth": 31},
            "2026-01-31",
            ["2026-01-31", "2026-02-28", "2026-03-31"],
        ),
        (
            {"type": "relativeMonthly", "daysOfWeek": ["friday"], "index": "last"},
            "2026-01-30",
            ["2026-01-30", "2026-02-27", "2026-03-27"],
        ),
        (
            {"type": "absoluteYearly", "dayOfMonth": 29, "month": 2},
            "2024-02-29",
            ["2024-02-29", "2025-02-28", "2026-02-28"],
        ),
        (
            {"type": "relativeYearly", "daysOfWeek": ["thursday"], "index": "fourth", "month": 11},
            "2026-11-26",
            ["2026-11-26", "2027-11-25", "2028-11-23"],
        ),
    ],
)
def test_the_days_of_every_kind_of_pattern(pattern: Json, start: str, expected: list[str]) -> None:
    assert days(series(pattern, NO_END, start), len(expected)) == expected


def test_a_series_ends_by_number_or_by_date() -> None:
    daily = {"type": "daily"}
    by_number = series(daily, {"type": "numbered", "numberOfOccurrences": 2}, "2026-01-01")
    assert days(by_number) == ["2026-01-01", "2026-01-02"]
    by_date = series(daily, {"type": "endDate", "endDate": "2026-01-03"}, "2026-01-01")
    assert len(days(by_date)) == 3
    assert recurrence.last_end(by_date) == datetime(2026, 1, 3, 9, tzinfo=UTC).timestamp()
    assert recurrence.last_end(series(daily, NO_END, "2026-01-01")) is None


def test_nine_oclock_stays_nine_oclock_over_the_change_to_summer_time() -> None:
    weekly = series({"type": "weekly", "daysOfWeek": ["monday"]}, NO_END, "2026-03-23")
    start, end = (datetime(2026, month, 20, tzinfo=UTC).timestamp() for month in (3, 4))
    found = list(recurrence.occurrences(weekly, start, end))
    assert [datetime.fromtimestamp(row.start, UTC).hour for row in found[:2]] == [8, 7]


def test_an_occurrence_id_names_its_master_and_day() -> None:
    master = "AAkALgAAAA-x_yAAA="
    made = recurrence.occurrence_id(master, date(2026, 1, 5))
    assert recurrence.split_occurrence_id(made) == (master, date(2026, 1, 5))
    assert recurrence.split_occurrence_id(master) is None


@pytest.mark.parametrize(
    ("pattern", "span"),
    [
        ({"type": "weekly"}, NO_END),
        ({"type": "daily", "interval": 0}, NO_END),
        ({"type": "absoluteMonthly"}, NO_END),
        ({"type": "absoluteYearly", "dayOfMonth": 1}, NO_END),
        ({"type": "daily"}, {"type": "numbered", "numberOfOccurrences": 0}),
        ({"type": "daily"}, {"type": "endDate", "endDate": "2025-12-31"}),
        ({"type": "daily"}, {"type": "noEnd", "startDate": "2026-01-02"}),
    ],
)
def test_recurrences_that_exchange_refuses(pattern: Json, span: Json) -> None:
    with pytest.raises(GraphError, match="ErrorPropertyValidationFailure"):
        series(pattern, span, "2026-01-01")
