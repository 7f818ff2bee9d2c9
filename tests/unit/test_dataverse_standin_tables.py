"""The stand-in's table definitions agree with Microsoft's own schemas."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.dataverse.schema import Column, Table
from local.dataverse.tables import ALL_TABLES
from tests.wire.dataverse_metadata import NEWER, cdm_attributes, entity_sets, entity_types

# Saved filters, messages and who is in which team are not in the subset of the metadata; that organization
# has no service scheduling.
UNDESCRIBED = {
    *("userquery", "savedquery", "sdkmessage", "sdkmessagefilter"),
    *("teammembership", "serviceappointment", "equipment"),
}
# Types that others extend: whatever leads to them leads to the tables that extend them.
BASES = {"principal", "activitypointer"}
DESCRIBED = [table for table in ALL_TABLES if table.name not in UNDESCRIBED]
# Contacts, accounts and activities have these in groups that the data model file does not hold.
TEXT_TYPES = {"string", "memo"}


def columns() -> Iterator[tuple[Table, Column]]:
    return ((table, column) for table in DESCRIBED for column in table.columns)


def test_every_table_has_the_entity_set_of_the_metadata() -> None:
    assert {table.name: table.entity_set for table in DESCRIBED}.items() <= entity_sets().items()


@pytest.mark.parametrize("table", DESCRIBED, ids=lambda table: table.name)
def test_every_column_is_in_the_metadata_with_its_type(table: Table) -> None:
    known = entity_types()[table.name].properties
    wrong = {
        column.property_name: (column.edm_type, known.get(column.property_name))
        for column in table.columns
        if (table.name, column.name) not in NEWER
        and column.property_name != table.primary_id
        and known.get(column.property_name) != column.edm_type
    }
    assert wrong == {}


@pytest.mark.parametrize("table", DESCRIBED, ids=lambda table: table.name)
def test_every_navigation_property_is_in_the_metadata_and_leads_to_the_same_table(table: Table) -> None:
    known = entity_types()[table.name].navigation
    for name, (_, targets) in table.single_navigation.items():
        if set(targets) <= UNDESCRIBED:
            continue
        assert name in known, name
        assert known[name] in BASES or known[name] in targets, name
    for collection in table.collections:
        assert known.get(collection.name) == f"Collection({collection.table})", collection.name


def test_every_length_is_the_one_of_the_data_model() -> None:
    compared = 0
    for table, column in columns():
        described = cdm_attributes().get(table.name, {}).get(column.name, {})
        if "maximumLength" in described and (table.name, column.name) not in NEWER:
            assert column.max_length == described["maximumLength"], f"{table.name}.{column.name}"
            compared += 1
    assert compared > 80


def test_every_text_column_has_a_length() -> None:
    without = [
        f"{table.name}.{column.name}"
        for table, column in columns()
        if column.type in TEXT_TYPES and column.max_length is None and column.name != "activitytypecode"
    ]
    assert without == []


def test_every_option_set_has_the_values_and_labels_of_the_data_model() -> None:
    compared = 0
    for table, column in columns():
        described = cdm_attributes().get(table.name, {}).get(column.name, {}).get("options")
        if not described or not column.options:
            continue
        theirs = {int(option["value"]): option["label"] for option in described}
        ours = {option.value: option.label for option in column.options}
        assert ours == theirs, f"{table.name}.{column.name}"
        if column.type == "status":
            states = {int(option["value"]): int(option["extra"]) for option in described}
            assert {option.value: option.state for option in column.options} == states
        compared += 1
    assert compared > 15


def test_every_state_has_a_default_reason_of_that_state() -> None:
    for table, column in columns():
        if column.type == "status":
            reasons = {option.value: option.state for option in column.options}
            states = {option.value for option in table.by_name["statecode"].options}
            assert set(table.state_defaults) == states
            assert all(reasons[reason] == state for state, reason in table.state_defaults.items())
