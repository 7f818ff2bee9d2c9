"""Tracking stamps as named properties."""

from __future__ import annotations

import pytest

from shared.exchange import stamps
from shared.model.event import Stamps

GUID = "1b6e5c5f-0d0e-4a51-9d05-0a1c5c0f8b11"
PUBLIC = "00020329-0000-0000-C000-000000000046"


@pytest.mark.rule("LNK-3", "LNK-5")
def test_stamps_are_written_where_microsofts_app_looks_for_them() -> None:
    written = stamps.encode(Stamps(link_state=2.0, crm_id=GUID.upper(), regarding_type="1"))
    assert written == [
        {"id": f"Double {{{PUBLIC}}} Name crmLinkState", "value": "2"},
        {"id": f"String {{{PUBLIC}}} Name crmid", "value": f"{{{GUID}}}"},
        {"id": f"String {{{PUBLIC}}} Name crmRegardingObjectTypeCode", "value": "1"},
    ]


def test_absent_stamps_are_not_written_and_empty_ones_clear() -> None:
    assert stamps.encode(Stamps()) == []
    assert [row["value"] for row in stamps.encode(Stamps(regarding_id="", withheld=""))] == ["", ""]


@pytest.mark.parametrize("form", [GUID, f"{{{GUID}}}", GUID.upper(), f" {{{GUID.upper()}}} "])
def test_guids_are_read_in_any_form(form: str) -> None:
    row = {"id": f"String {{{PUBLIC.lower()}}} Name crmid", "value": form}
    assert stamps.decode([row]).crm_id == GUID


def test_what_is_no_guid_stays_as_it_is() -> None:
    row = {"id": stamps.PROPERTIES["crm_id"], "value": "not a guid"}
    assert stamps.decode([row]).crm_id == "not a guid"


@pytest.mark.parametrize(
    ("text", "state"), [("2", 2.0), ("1.0", 1.0), ("0", 0.0), ("", None), ("two", None), ("nan", None)]
)
@pytest.mark.rule("LNK-4")
def test_the_link_state_is_a_number_or_absent(text: str, state: float | None) -> None:
    assert stamps.decode([{"id": stamps.PROPERTIES["link_state"], "value": text}]).link_state == state


def test_foreign_properties_and_missing_lists_mean_no_stamp() -> None:
    assert stamps.decode([{"id": "String {x} Name other", "value": "1"}]) == Stamps()
    assert stamps.decode(None) == Stamps()


def test_all_are_asked_for_in_one_expand() -> None:
    assert stamps.EXPAND.count("id eq '") == len(stamps.PROPERTIES) == 7
    assert set(stamps.PROPERTIES) == set(Stamps.__dataclass_fields__)


def test_a_row_is_found_with_braces_and_without() -> None:
    condition = stamps.names_row(f"{{{GUID.upper()}}}")
    assert f"eq '{GUID}')" in condition
    assert f"eq '{{{GUID}}}')" in condition


@pytest.mark.rule("FLD-8")
def test_regarding_comes_from_its_two_stamps() -> None:
    assert stamps.regarding(Stamps(regarding_id=f"{{{GUID}}}", regarding_type="Account")) == {
        "type": "account",
        "id": GUID,
    }
    assert stamps.regarding(Stamps(regarding_type="1")) is None
