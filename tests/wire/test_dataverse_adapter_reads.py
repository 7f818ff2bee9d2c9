"""Reading through the adapter, over a real socket: appointments, feed, users, settings, addresses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from shared.engine.ports import ChangePage, Window
from shared.errors import CursorExpired, ProfileBroken, Throttled, Transient
from shared.model.appointment import Absence, DynamicsAppointment
from shared.model.party import Party, RecordRef
from tests.wire.dataverse_adapter import MARCH, TIME, Connected, change, connected, new
from tests.wire.dataverse_org import Person

READS = "GET /appointments({id})"
SET = "GET /appointments"
MARCH_WINDOW = Window(*MARCH)
LONG_AGO = "2020-01-01T00:00:00Z"


@pytest.fixture
async def here() -> AsyncIterator[Connected]:
    async with connected(page_size=3) as running:
        yield running


@pytest.fixture
async def anna(here: Connected) -> Person:
    return await here.person("Anna")


# --- appointments by id ---------------------------------------------------------------------------


async def test_one_row_is_one_request(here: Connected, anna: Person) -> None:
    row = await here.row(anna)
    await here.sent()
    assert await here.adapter.appointments([row.id], as_user=anna.id) == {row.id: row}
    assert await here.sent() == {READS: 1}


async def test_many_rows_are_read_a_hundred_at_a_time(here: Connected, anna: Person) -> None:
    rows = [await here.row(anna, subject=str(n)) for n in range(3)]
    ids = [row.id for row in rows] + [str(uuid4()) for _ in range(99)]
    await here.sent()
    found = await here.adapter.appointments(ids, as_user=anna.id)
    assert [found[row.id] for row in rows] == rows
    assert all(found[row_id] is Absence.PHYSICAL for row_id in ids[3:])
    assert await here.sent() == {"POST /$batch": 3, READS: 102 + 99}


@pytest.mark.rule("FLT-10")
@pytest.mark.parametrize("several", [False, True])
async def test_a_row_that_is_gone_is_told_from_one_that_may_not_be_read(
    here: Connected, anna: Person, several: bool
) -> None:
    bob = await here.person("Bob", "restricted")
    hers, gone = await here.row(anna), str(uuid4())
    for ids in ([hers.id, gone],) if several else ([hers.id], [gone]):
        found = await here.adapter.appointments(ids, as_user=bob.id)
        expected = {hers.id: Absence.ACCESS, gone: Absence.PHYSICAL}
        assert found == {row_id: expected[row_id] for row_id in ids}


async def test_an_attendee_reads_what_he_is_a_party_of(here: Connected, anna: Person) -> None:
    bob = await here.person("Bob")
    write = new(anna, Party(5, bob.address, RecordRef("systemuser", bob.id)))
    row = await here.adapter.create_appointment(write, as_user=anna.id)
    assert await here.read(row.id, bob) == row


async def test_ids_are_taken_as_they_come_and_nonsense_is_no_row(here: Connected, anna: Person) -> None:
    row = await here.row(anna)
    braces, upper, nonsense = f"{{{row.id}}}", row.id.upper(), "1)/contacts(2"
    await here.sent()
    found = await here.adapter.appointments([braces, upper, row.id, nonsense], as_user=anna.id)
    assert found == {braces: row, upper: row, row.id: row, nonsense: Absence.PHYSICAL}
    assert await here.sent() == {READS: 1}
    assert await here.adapter.appointments([], as_user=anna.id) == {}


async def test_names_of_parties_come_along(here: Connected, anna: Person) -> None:
    row = await here.row(anna)
    assert [party.name for party in row.parties] == ["Anna Example"]


async def test_a_row_somebody_made_without_times_or_text_is_read(here: Connected, anna: Person) -> None:
    bare = {"ownerid@odata.bind": f"/systemusers({anna.id})"}
    made = await here.org.make("appointments", bare, token="somebody")
    row = await here.read(made["activityid"], anna)
    assert (row.value("time"), row.value("subject"), row.value("organizer")) == (None, "", None)


# --- faults of reads ------------------------------------------------------------------------------


@pytest.mark.parametrize("do", ["drop-before", "status:502", "status:503", "status:504"])
async def test_a_read_is_repeated_once(here: Connected, anna: Person, do: str) -> None:
    row = await here.row(anna)
    await here.fault(do, method="GET", path="/appointments(")
    await here.sent()
    assert await here.read(row.id, anna) == row
    assert await here.sent() == {READS: 2}
    await here.fault(do, method="GET", path="/appointments(", times=2)
    with pytest.raises(Transient):
        await here.read(row.id, anna)


@pytest.mark.parametrize("do", ["drop-before", "status:503"])
async def test_a_batch_of_reads_is_repeated_where_it_failed(here: Connected, anna: Person, do: str) -> None:
    rows = {row.id: row for row in [await here.row(anna), await here.row(anna)]}
    await here.fault(do, method="GET", path="/appointments(")
    await here.sent()
    assert await here.adapter.appointments(list(rows), as_user=anna.id) == rows
    assert await here.sent() == {"POST /$batch": 2, READS: 3}
    await here.fault(do, method="GET", path="/appointments(", times=9)
    with pytest.raises(Transient):
        await here.adapter.appointments(list(rows), as_user=anna.id)


async def test_throttled_reads_wait_briefly_or_say_when_to_come_back(here: Connected, anna: Person) -> None:
    row = await here.row(anna)
    await here.fault("status:429", method="GET", path="/appointments(", retryAfter=5)
    assert await here.read(row.id, anna) == row
    assert here.slept == [5.0]
    await here.fault("status:429", method="GET", path="/appointments(", retryAfter=6)
    with pytest.raises(Throttled) as throttled:
        await here.read(row.id, anna)
    assert throttled.value.retry_after == 6
    here.clock.advance(6)
    await here.fault("status:429", method="GET", path="/appointments(", retryAfter=90)
    with pytest.raises(Throttled):
        await here.adapter.appointments([row.id, str(uuid4())], as_user=anna.id)


async def test_requests_are_counted_as_the_service_counts_them(here: Connected, anna: Person) -> None:
    await here.sent()
    before = here.adapter.requests.copy()
    row = await here.row(anna, showAs=[3, 5])
    await here.adapter.appointments([row.id, str(uuid4())], as_user=anna.id)
    await here.adapter.changes("appointment", None)
    await here.adapter.organization()
    assert dict(here.adapter.requests - before) == await here.sent()


# --- the feed -------------------------------------------------------------------------------------


async def whole_round(here: Connected, link: str | None = None) -> tuple[list[ChangePage], str]:
    pages = []
    while True:
        page = await here.adapter.changes("appointment", link)
        pages.append(page)
        link = page.link
        if page.complete:
            return pages, link


async def test_the_feed_begins_with_everything_page_by_page(here: Connected, anna: Person) -> None:
    rows = {row.id: row.etag for row in [await here.row(anna) for _ in range(7)]}
    pages, _ = await whole_round(here)
    assert [(len(page.rows), page.complete) for page in pages] == [(3, False), (3, False), (1, True)]
    assert {row.id: row.version for page in pages for row in page.rows} == rows
    assert {row.owner for page in pages for row in page.rows} == {RecordRef("systemuser", anna.id)}


async def test_the_feed_goes_on_with_what_changed_and_what_is_gone(here: Connected, anna: Person) -> None:
    kept, edited, deleted = [await here.row(anna) for _ in range(3)]
    _, link = await whole_round(here)
    await here.edit(edited.id, {"subject": "x"})
    await here.delete(deleted.id)
    pages, link = await whole_round(here, link)
    rows, removed = [row for page in pages for row in page.rows], [i for page in pages for i in page.removed]
    assert [row.id for row in rows] == [edited.id]
    assert rows[0].version == (await here.read(edited.id, anna)).etag
    assert removed == [deleted.id]
    pages, _ = await whole_round(here, link)
    assert [(page.rows, page.removed) for page in pages] == [((), ())]
    assert kept.id not in {row.id for row in rows}


async def test_our_own_write_shows_in_the_feed_under_the_version_we_were_told(
    here: Connected, anna: Person
) -> None:
    row = await here.row(anna)
    _, link = await whole_round(here)
    row = await here.adapter.update_appointment(change(row, subject="x"), as_user=anna.id, known=row)
    pages, _ = await whole_round(here, link)
    assert [(found.id, found.version) for page in pages for found in page.rows] == [(row.id, row.etag)]


async def test_a_dead_token_ends_the_round(here: Connected, anna: Person) -> None:
    _, link = await whole_round(here)
    await here.org.control("POST", "expire-delta")
    with pytest.raises(CursorExpired):
        await here.adapter.changes("appointment", link)


@pytest.mark.parametrize(
    "link", ["https://elsewhere.example/api/data/v9.2/appointments?$deltatoken=1", "{host}/elsewhere?x=1"]
)
async def test_a_link_of_another_host_is_never_followed(here: Connected, link: str) -> None:
    await here.sent()
    with pytest.raises(CursorExpired):
        await here.adapter.changes("appointment", link.format(host=here.org.dataverse.host))
    assert await here.sent() == {}


# --- queries --------------------------------------------------------------------------------------


async def test_organizers_of_many_rows_are_found_at_once(here: Connected, anna: Person) -> None:
    bob = await here.person("Bob")
    hers, his = await here.row(anna), await here.row(bob)
    nobodys = await here.org.make("appointments", {"subject": "x"}, token="somebody")
    unknown = [str(uuid4()) for _ in range(50)]
    await here.sent()
    found = await here.adapter.organizers([hers.id, his.id, nobodys["activityid"], *unknown])
    assert {row_id: list(users) for row_id, users in found.items() if users} == {
        hers.id: [anna.id],
        his.id: [bob.id],
    }
    assert await here.sent() == {"POST /$batch": 1, "GET /activityparties": 2}
    assert await here.adapter.organizers([]) == {}


async def test_appointments_of_an_organizer_overlap_the_window(here: Connected, anna: Person) -> None:
    bob = await here.person("Bob")
    inside = await here.row(anna)
    across = await here.row(
        anna, time={**TIME, "start": "2026-02-27T09:00:00Z", "end": "2026-03-01T00:00:01Z"}
    )
    ends_at_start = {**TIME, "start": "2026-02-27T09:00:00Z", "end": "2026-03-01T00:00:00Z"}
    starts_at_end = {**TIME, "start": "2026-04-01T00:00:00Z", "end": "2026-04-01T01:00:00Z"}
    for outside in (ends_at_start, starts_at_end):
        await here.row(anna, time=outside)
    write = new(bob, Party(5, anna.address, RecordRef("systemuser", anna.id)))
    await here.adapter.create_appointment(write, as_user=bob.id)
    await here.sent()
    found = await here.adapter.appointments_organized_by(anna.id, MARCH_WINDOW, as_user=anna.id)
    assert {row.id: row.version for row in found} == {inside.id: inside.etag, across.id: across.etag}
    assert {row.owner for row in found} == {RecordRef("systemuser", anna.id)}
    assert await here.sent() == {SET: 1}


async def test_a_user_finds_only_what_he_may_read(here: Connected, anna: Person) -> None:
    bob = await here.person("Bob", "restricted")
    await here.row(anna)
    assert await here.adapter.appointments_organized_by(anna.id, MARCH_WINDOW, as_user=bob.id) == []


async def test_rows_are_found_by_their_global_id_oldest_first(here: Connected, anna: Person) -> None:
    write = new(anna)
    made = await here.adapter.create_appointment(write, as_user=anna.id)
    found = await here.adapter.find_by_global_object_id(write.global_object_id.upper())
    assert found == [made.id]
    assert await here.adapter.find_by_global_object_id("o'neil & co") == []


# --- the organization and its people ---------------------------------------------------------------


async def test_the_organization_shows_what_it_has_set(here: Connected) -> None:
    empty = await here.adapter.organization()
    assert empty.settings == {}
    settings = {"TrackCategorizedItems": False, "MaximumSubjectLength": 300}
    await here.org.control("PUT", "organization", {"orgdborgsettings": settings})
    organization = await here.adapter.organization()
    assert (organization.id, organization.settings) == (empty.id, settings)
    assert not organization.flag("TrackCategorizedItems")


async def test_the_settings_are_read_once_a_minute_or_when_they_must_be_fresh(here: Connected) -> None:
    async def shown(*, shared: bool) -> tuple[bool, int]:
        organization = await here.adapter.organization(shared=shared)
        return organization.flag("TrackCategorizedItems"), (await here.sent()).get("GET /organizations", 0)

    assert await shown(shared=True) == (True, 1)
    await here.org.control("PUT", "organization", {"orgdborgsettings": {"TrackCategorizedItems": False}})
    assert await shown(shared=True) == (True, 0)
    here.clock.advance(60)
    assert await shown(shared=True) == (False, 1)
    await here.org.control("PUT", "organization", {"orgdborgsettings": {"TrackCategorizedItems": True}})
    assert await shown(shared=False) == (True, 1)
    assert await shown(shared=True) == (True, 0)


async def test_a_user_is_found_by_id_or_address(here: Connected, anna: Person) -> None:
    found = await here.adapter.find_user(anna.address.upper())
    assert found is not None
    assert (found.id, found.address, found.name, found.disabled) == (
        anna.id,
        anna.address,
        "Anna Example",
        False,
    )
    assert await here.adapter.find_user(anna.id) == found
    assert await here.adapter.find_user(str(uuid4())) is None
    assert await here.adapter.find_user("o'neil@example.com") is None


async def test_a_disabled_user_is_found_and_says_so_but_is_nobodys_organizer(
    here: Connected, anna: Person
) -> None:
    bob = await here.person("Bob")
    await here.org.change(f"systemusers({anna.id})", {"isdisabled": True}, token="somebody")
    found = await here.adapter.find_user(anna.address)
    assert found is not None
    assert found.disabled
    addresses = [anna.address, bob.address.upper(), "who@example.org"]
    assert await here.adapter.users_by_address(addresses) == {bob.address: bob.id}


async def test_users_of_many_addresses_take_one_round_trip(here: Connected, anna: Person) -> None:
    await here.sent()
    addresses = [f"{n}@example.org" for n in range(60)] + [anna.address]
    assert await here.adapter.users_by_address(addresses) == {anna.address: anna.id}
    assert await here.sent() == {"POST /$batch": 1, "GET /systemusers": 3}
    assert await here.adapter.users_by_address([]) == {}


@pytest.mark.rule("MBX-6", "MBX-7")
async def test_a_mailbox_row_says_who_synchronizes(here: Connected, anna: Person) -> None:
    row = await here.adapter.mailbox_row(anna.id)
    assert row is not None
    assert (row.address, row.act_delivery_method, row.enabled_for_act) == (anna.address, 2, True)
    assert (row.address_approved, row.active) == (True, True)
    (mailbox,) = await here.org.values(f"mailboxes?$filter=_regardingobjectid_value eq {anna.id}")
    changed = {"actdeliverymethod": 1, "emailrouteraccessapproval": 3}
    await here.org.change(f"mailboxes({mailbox['mailboxid']})", changed, token="somebody")
    row = await here.adapter.mailbox_row(anna.id)
    assert row is not None
    assert (row.act_delivery_method, row.address_approved) == (1, False)
    assert await here.adapter.mailbox_row(str(uuid4())) is None


# --- addresses ------------------------------------------------------------------------------------


@pytest.mark.rule("APPT-7", "EMI-11")
async def test_addresses_resolve_to_one_row_each(here: Connected, anna: Person) -> None:
    bob = await here.person("Bob")
    shared = "shared+crm'x@example.org"
    await here.org.contact("Newer", emailaddress2=shared)
    first = await here.org.contact("Older", emailaddress1=shared, overriddencreatedon=LONG_AGO)
    await here.org.contact("Same", emailaddress3=bob.address)
    account = await here.org.make("accounts", {"name": "Contoso", "emailaddress1": "Info@Contoso.com"})
    found = await here.adapter.resolve(
        [shared.upper(), bob.address, "info@contoso.com", "who@example.org"],
        as_user=anna.id,
        inactive_too=False,
    )
    assert found == {
        shared: RecordRef("contact", first["contactid"]),
        bob.address: RecordRef("systemuser", bob.id),
        "info@contoso.com": RecordRef("account", account["accountid"]),
    }


@pytest.mark.rule("EMI-11")
async def test_the_mailbox_owners_own_row_beats_an_older_one(here: Connected, anna: Person) -> None:
    text = "carl@example.org"
    await here.org.contact("Old", emailaddress1=text, overriddencreatedon=LONG_AGO)
    owner = {"ownerid@odata.bind": f"/systemusers({anna.id})"}
    mine = await here.org.contact("Mine", emailaddress1=text, **owner)
    found = await here.adapter.resolve([text], as_user=anna.id, inactive_too=False)
    assert found == {text: RecordRef("contact", mine["contactid"])}


@pytest.mark.rule("EMI-11")
async def test_inactive_rows_stand_back(here: Connected, anna: Person) -> None:
    text = "carl@example.org"
    new_one = await here.org.contact("New", emailaddress1=text)
    old = await here.org.contact("Old", emailaddress1=text, overriddencreatedon=LONG_AGO)

    async def resolved(inactive_too: bool = False) -> str | None:
        found = await here.adapter.resolve([text], as_user=anna.id, inactive_too=inactive_too)
        return found[text].id if text in found else None

    await here.org.change(f"contacts({old['contactid']})", {"statecode": 1})
    assert await resolved() == new_one["contactid"]
    await here.org.change(f"contacts({new_one['contactid']})", {"statecode": 1})
    assert await resolved() is None
    assert await resolved(inactive_too=True) == old["contactid"]
    await here.org.call("DELETE", f"contacts({old['contactid']})")
    assert await resolved() == new_one["contactid"]


@pytest.mark.rule("APPT-7")
async def test_nothing_resolves_to_what_the_mailbox_owner_may_not_read(here: Connected) -> None:
    eve = await here.person("Eve", "restricted")
    await here.org.contact("Carl", emailaddress1="carl@example.org")
    assert await here.adapter.resolve(["carl@example.org"], as_user=eve.id, inactive_too=False) == {}


async def test_tables_that_the_organization_lacks_are_asked_for_once(here: Connected, anna: Person) -> None:
    await here.sent()
    await here.adapter.resolve([f"{n}@example.org" for n in range(30)], as_user=anna.id, inactive_too=False)
    first = await here.sent()
    await here.adapter.resolve(["x@example.org"], as_user=anna.id, inactive_too=False)
    second = await here.sent()
    assert first["POST /$batch"] == 2
    assert first["GET /leads"] == 1
    tables = ("systemusers", "contacts", "accounts", "queues", "equipments")
    assert second == {"POST /$batch": 1, **{f"GET /{table}": 1 for table in tables}}
    assert await here.adapter.resolve([" "], as_user=anna.id, inactive_too=False) == {}


# --- rights of the application --------------------------------------------------------------------


async def test_a_feed_that_the_organization_does_not_keep_is_the_profiles_trouble(here: Connected) -> None:
    await here.fault("status:403", method="GET", path="/appointments")
    with pytest.raises(ProfileBroken):
        await here.adapter.changes("appointment", None)


async def test_reading_back_compares_equal_to_what_was_read_before(here: Connected, anna: Person) -> None:
    row = await here.row(anna, body="a\n\nb", time={**TIME, "allDay": True})
    again = await here.read(row.id, anna)
    assert isinstance(again, DynamicsAppointment)
    assert again == row
    assert row.modified is not None
    assert abs((row.modified - datetime.now(UTC)).total_seconds()) < 60
