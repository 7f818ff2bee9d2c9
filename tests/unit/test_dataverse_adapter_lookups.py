"""Choosing one row for an address, reading the organization's settings, writing queries."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from shared.dynamics.dataverse.odata import address, any_of, guid, is_guid, literal
from shared.dynamics.dataverse.organization import settings_of
from shared.dynamics.dataverse.resolve import Match, choose
from shared.errors import ProfileBroken
from shared.model.party import RecordRef

TABLES = ("systemuser", "contact", "account", "lead", "equipment", "team", "businessunit", "queue")


def match(table: str, row_id: str = "a", **changes: Any) -> Match:
    given: dict[str, Any] = {"active": True, "owned": False, "created": "2026-01-01T00:00:00Z", **changes}
    return Match(RecordRef(table, row_id), rank=TABLES.index(table), **given)


def chosen(*matches: Match, inactive_too: bool = False) -> str | None:
    best = choose(matches, inactive_too=inactive_too)
    return f"{best.table} {best.id}" if best else None


@pytest.mark.rule("EMI-11")
def test_the_order_is_user_contact_account_and_the_rest() -> None:
    everyone = [match(table) for table in reversed(TABLES)]
    order = []
    while everyone:
        best = choose(everyone, inactive_too=False)
        assert best is not None
        order.append(best.table)
        everyone = [one for one in everyone if one.ref != best]
    assert tuple(order) == TABLES


@pytest.mark.rule("EMI-11")
def test_a_row_of_the_mailbox_owner_beats_others_whatever_their_table() -> None:
    assert chosen(match("contact"), match("account", owned=True)) == "account a"
    assert chosen(match("contact", "a"), match("contact", "b", owned=True)) == "contact b"


@pytest.mark.rule("EMI-11")
def test_only_active_rows_count_among_several_unless_the_setting_says_so() -> None:
    inactive, active = match("contact", active=False, owned=True), match("account")
    assert chosen(inactive, active) == "account a"
    assert chosen(inactive, match("account", active=False)) is None
    assert chosen(inactive, active, inactive_too=True) == "account a"
    assert chosen(inactive, match("account", active=False), inactive_too=True) == "contact a"


@pytest.mark.rule("EMI-11")
def test_a_single_match_is_taken_whatever_its_state_and_a_hundred_are_none() -> None:
    assert chosen(match("contact", active=False)) == "contact a"
    assert chosen() is None
    assert chosen(*(match("contact", f"{n:03d}") for n in range(99))) == "contact 000"
    assert chosen(*(match("contact", f"{n:03d}") for n in range(100))) is None


def test_the_oldest_wins_and_then_the_id_so_that_everybody_chooses_alike() -> None:
    old, new = match("contact", "z", created="2020-01-01T00:00:00Z"), match("contact", "a")
    assert chosen(new, old) == chosen(old, new) == "contact z"
    assert chosen(match("contact", "b"), match("contact", "a")) == "contact a"


# --- settings -------------------------------------------------------------------------------------


def test_settings_are_typed_and_absent_ones_left_out() -> None:
    text = (
        "<OrgSettings><TrackCategorizedItems>False</TrackCategorizedItems>"
        "<AllowSaveAsDraftAppointment> true </AllowSaveAsDraftAppointment>"
        "<ExchangeSyncIdMappingPersistenceTimeInDays>3</ExchangeSyncIdMappingPersistenceTimeInDays>"
        "<Blank/><Text>a &amp; b</Text></OrgSettings>"
    )
    assert settings_of(text) == {
        "TrackCategorizedItems": False,
        "AllowSaveAsDraftAppointment": True,
        "ExchangeSyncIdMappingPersistenceTimeInDays": 3,
        "Blank": "",
        "Text": "a & b",
    }


@pytest.mark.parametrize("text", [None, "", "  \n"])
def test_no_settings_are_all_defaults(text: str | None) -> None:
    assert settings_of(text) == {}


@pytest.mark.parametrize(
    "text",
    [
        "<OrgSettings><A>1</A>",
        "<Other><A>1</A></Other>",
        "<OrgSettings><A><B>1</B></A></OrgSettings>",
        '<!DOCTYPE x [<!ENTITY a "b">]><OrgSettings><A>&a;</A></OrgSettings>',
        "plain",
    ],
)
def test_settings_that_are_no_flat_list_stop_the_connection(text: str) -> None:
    with pytest.raises(ProfileBroken):
        settings_of(text)


# --- queries --------------------------------------------------------------------------------------


def test_quotes_are_doubled_and_what_has_a_meaning_in_urls_is_escaped() -> None:
    path = address("contacts", filter=any_of("emailaddress1", [literal("o'neil+crm&co@example.org")]))
    assert path == "contacts?$filter=(emailaddress1%20eq%20'o''neil%2Bcrm%26co@example.org')"


def test_options_have_their_dollar_and_the_two_plain_ones_have_none() -> None:
    row = "1B6E5C5F-0D0E-4A51-9D05-0A1C5C0F8B11"
    assert address("appointments", row, select="a,b", tag="us") == (
        "appointments(1b6e5c5f-0d0e-4a51-9d05-0a1c5c0f8b11)?$select=a,b&tag=us"
    )


@pytest.mark.parametrize("text", ["", "x", "1b6e5c5f-0d0e-4a51-9d05", "1)/contacts(2"])
def test_only_guids_get_into_a_path(text: str) -> None:
    assert not is_guid(text)
    with pytest.raises(ValueError, match="hexadecimal"):
        guid(text)


def test_importing_the_adapter_imports_no_http_library() -> None:
    code = (
        "import sys, shared.dynamics.dataverse\n"
        "print([name for name in ('httpx', 'aiohttp', 'azure', 'msgraph') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
