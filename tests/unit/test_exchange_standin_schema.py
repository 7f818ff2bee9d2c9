"""The stand-in's own tables of properties and enumerations against Microsoft's metadata."""

import pytest

from local.exchange import contact_input, recurrence, todo_input
from local.exchange.event_input import DEFAULTS, READ_ONLY
from local.exchange.schema import ENUMS, TYPES
from tests.wire.exchange_metadata import members, properties


@pytest.mark.parametrize("type_name", sorted(TYPES))
def test_every_type_has_exactly_the_properties_of_the_metadata(type_name: str) -> None:
    expected = {
        name: declared + ("" if nullable else "!")
        for name, (declared, nullable) in properties(type_name).items()
    }
    assert TYPES[type_name] == expected


@pytest.mark.parametrize("enum", sorted(ENUMS))
def test_every_enumeration_has_exactly_the_members_of_the_metadata(enum: str) -> None:
    assert ENUMS[enum] == members(enum)


def test_every_property_of_an_event_is_either_writable_or_read_only() -> None:
    writable = {*DEFAULTS, "start", "end", "location", "transactionId"} - {"onlineMeeting"}
    assert writable | READ_ONLY == set(TYPES["event"])
    assert not writable & READ_ONLY


def test_every_property_of_a_contact_is_either_writable_or_read_only() -> None:
    writable = {*contact_input.DEFAULTS, *contact_input.EMAIL_SLOTS}
    assert writable | contact_input.READ_ONLY == set(TYPES["contact"])
    assert not writable & contact_input.READ_ONLY


def test_every_property_of_a_task_is_either_writable_or_read_only() -> None:
    assert set(todo_input.DEFAULTS) | todo_input.READ_ONLY == set(TYPES["todoTask"])
    assert not set(todo_input.DEFAULTS) & todo_input.READ_ONLY


def test_every_kind_of_recurrence_is_known() -> None:
    assert set(recurrence._REQUIRED) == set(ENUMS["recurrencePatternType"])
