"""The field map against what Microsoft publishes of Dataverse and Graph, and the page made from it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from local.dataverse.tables import ALL_TABLES
from local.exchange.mapi_tags import TAG_TYPES
from shared.model.appointment import APPOINTMENT, SERIES, SERVICE
from shared.model.personal import CONTACT, PERSONAL_TABLES
from shared.model.values import Direction
from shared.rules import status
from shared.rules.appointment_fields import FIELDS, IMPORTANCE, SERIES_FIELDS
from shared.rules.field_table import FieldRow, entities, of_entity, rows
from shared.rules.service_fields import NAMES
from tests.marks import rule
from tests.wire.dataverse_metadata import cdm_attributes, entity_types
from tests.wire.exchange_metadata import properties
from tools import fields_page

STANDIN = {table.name: table for table in ALL_TABLES}
# The metadata of that organization has no service scheduling.
DESCRIBED = [row for row in rows() if row.entity != SERVICE]
# Columns of the data model only: what the Web API shows as activity parties, by their masks.
PARTIES = {"requiredattendees": "5", "optionalattendees": "6", "organizer": "7"}
FILES = "activitymimeattachment"
GRAPH_TYPES = {APPOINTMENT: "event", SERIES: "event", SERVICE: "event", CONTACT: "contact"}
PLAIN = re.compile(r"[a-z]\w*(\[\d\])?")
EXTENDED = re.compile(r"(String|SystemTime) (0x[0-9A-F]{4})")
OURS = ("String crm", "open extension: ")


def name_of(row: FieldRow) -> str:
    return f"{row.entity}.{row.name}"


def published_length(entity: str, column: str) -> int | None:
    """As the data model says it of the table, or of all activities."""
    tables = cdm_attributes()
    activity = entity not in (CONTACT, APPOINTMENT, SERIES)
    found = tables.get(entity, {}).get(column) or (tables["activity"].get(column) if activity else None)
    length = (found or {}).get("maximumLength")
    assert length is None or isinstance(length, int)
    return length


# --- Dynamics -------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", DESCRIBED, ids=name_of)
def test_every_column_is_in_the_published_schema_of_its_table(row: FieldRow) -> None:
    known = entity_types()[row.entity]
    masks = {each["value"] for each in cdm_attributes()["activityparty"]["participationtypemask"]["options"]}
    for column in row.dynamics:
        if column in PARTIES:
            assert PARTIES[column] in masks
            assert f"{row.entity}_activity_parties" in known.navigation
        elif column == FILES:
            assert FILES in entity_types()
            assert f"{row.entity}_activity_mime_attachment" in known.navigation
        else:
            shown = {column, f"_{column}_value"}
            assert shown & set(known.properties), f"{row.entity}.{column}"


def test_every_limit_is_the_length_of_the_data_model() -> None:
    compared = {
        (row.entity, column): (limit, published)
        for row in rows()
        for column, limit in row.limits.items()
        if (published := published_length(row.entity, column)) is not None
    }
    assert {limit for limit, _ in compared.values()} > {10, 50, 2000, 1_048_576}
    assert len(compared) >= 35
    assert {key: pair for key, pair in compared.items() if pair[0] != pair[1]} == {}


def text_columns() -> Iterator[tuple[FieldRow, str, int]]:
    """The texts that are written to Dynamics, with their lengths in the stand-in, which are checked against
    the data model elsewhere."""
    for row in rows():
        for column in row.dynamics:
            described = STANDIN[row.entity].by_name.get(column)
            if described and described.max_length and row.entity != SERVICE:
                yield row, column, described.max_length


def test_every_text_that_dynamics_limits_has_its_limit_and_says_what_happens_to_longer_ones() -> None:
    """Of addresses and subjects too, of which the data model says nothing."""
    found = list(text_columns())
    assert [
        f"{name_of(row)} {column}" for row, column, length in found if row.limits.get(column) != length
    ] == []
    assert {row.too_long for row, _, _ in found} == {"cut", "leave"}
    limited = {(row.entity, row.name) for row, _, _ in found}
    assert {(row.entity, row.name) for row in rows() if row.limits or row.too_long} == limited


def test_the_values_that_are_written_to_option_sets_are_published() -> None:
    described = cdm_attributes()["appointment"]["statuscode"]["options"]
    published = {(int(each["extra"]), int(each["value"])) for each in described}
    assert set(status.STATUS.values()) <= published
    assert set(status.SHOW_AS) == published
    for table in (APPOINTMENT, SERIES, *(table for table in PERSONAL_TABLES if table != CONTACT)):
        options = {option.value for option in STANDIN[table].by_name["prioritycode"].options}
        assert set(IMPORTANCE.values()) <= options


# --- Exchange -------------------------------------------------------------------------------------


@rule("FLD-37")
@pytest.mark.parametrize("row", rows(), ids=name_of)
def test_every_property_of_exchange_is_published_with_its_name(row: FieldRow) -> None:
    """Where Graph's contact has no property, the extended one has the type and the id of MS-OXPROPS."""
    known = properties(GRAPH_TYPES.get(row.entity, "todoTask"))
    extended = EXTENDED.fullmatch(row.exchange)
    if extended:
        assert TAG_TYPES[int(extended[2], 16)] == extended[1]
        return
    if row.exchange.startswith(OURS):
        return
    if row.kind == "files":
        assert properties(row.exchange.removesuffix("s"))
        return
    for name in row.exchange.split(", "):
        assert PLAIN.fullmatch(name), name
        declared, _ = known[name.partition("[")[0]]
        assert declared.startswith("Collection(") or "[" not in name, name


@rule("FLD-37")
def test_nothing_is_an_extended_property_that_graph_has() -> None:
    tags = {row.exchange.split(" ")[1] for row in of_entity(CONTACT) if EXTENDED.fullmatch(row.exchange)}
    assert tags == {f"0x3A{tag}" for tag in ("41", "2E", "24", "02", "57", "4C", "07", "1F", "21")}


# --- the map itself -------------------------------------------------------------------------------


def test_a_field_is_named_once_in_its_entity_and_a_column_belongs_to_one_field() -> None:
    for entity in entities():
        names = [row.name for row in of_entity(entity)]
        assert len(names) == len(set(names))
        twice = {
            column
            for row in of_entity(entity)
            for other in of_entity(entity)
            if row is not other
            for column in set(row.dynamics) & set(other.dynamics)
        }
        assert twice <= {"parentcustomerid"}, "the parent's name one way, the look-up the other"


@rule("FLD-36")
def test_what_never_travels_is_not_in_the_map() -> None:
    """Label, reminder, categories, billing, mileage and work; of the private flag see APPT-9."""
    never = re.compile("remind|categor|billing|mileage|work|flag|label", re.IGNORECASE)
    assert [
        name_of(row) for row in rows() if never.search(row.exchange) or never.search(str(row.dynamics))
    ] == []


@rule("FLD-12")
def test_of_a_service_appointment_everything_goes_to_exchange_and_nothing_can_be_set() -> None:
    service = of_entity(SERVICE)
    assert {row.direction for row in service} == {Direction.TO_EXCHANGE}
    assert not any(row.settable or row.limits for row in service)
    assert {row.rule for row in service} == {"FLD-12"}
    names = {row.name for row in service}
    assert names == {*NAMES, "attendees", "organizer"}


@rule("FLD-2", "FLD-7")
def test_attachments_and_the_organizer_are_known_and_never_merged() -> None:
    for entity in (APPOINTMENT, SERIES, SERVICE):
        apart = {row.name for row in of_entity(entity) if not row.merged}
        assert apart == ({"attachments", "organizer"} if entity == APPOINTMENT else {"organizer"})
    assert not {"attachments", "organizer"} & {row.name for row in (*FIELDS, *SERIES_FIELDS)}


@rule("FLD-11")
def test_a_series_has_the_fields_of_an_appointment_and_its_pattern_instead_of_a_time() -> None:
    single = {row.name: row for row in of_entity(APPOINTMENT)}
    series = {row.name: row for row in of_entity(SERIES)}
    assert set(series) - set(single) == {"recurrence"}
    assert set(single) - set(series) == {"time", "attachments"}
    assert {name for name, row in series.items() if row.settable} == {"body", "location", "subject"}


# --- the page -------------------------------------------------------------------------------------


@rule("FAQ-4")
def test_the_page_lists_every_field_with_where_it_goes() -> None:
    text = fields_page.PAGE.read_text(encoding="utf-8")
    assert text == fields_page.page()
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    assert list(sections) == list(entities())
    for row in rows():
        (line,) = re.findall(rf"^\| `{row.name}` \|.*$", sections[row.entity], re.MULTILINE)
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert (cells[1], cells[2], cells[8]) == (row.label, row.exchange, row.rule)
        assert cells[3] == ", ".join(f"`{column}`" for column in row.dynamics)
        assert cells[4].startswith(fields_page.DIRECTIONS[row.direction])
        assert cells[5] == ("settable" if row.settable else "fixed")
        assert all(str(limit) in cells[6] for limit in row.limits.values())
