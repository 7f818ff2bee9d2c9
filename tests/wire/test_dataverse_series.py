"""Recurring appointments over the wire: patterns, expansion, and what changing a master does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.wire.dataverse_org import Org, address, error_code, party
from tests.wire.dataverse_series import (
    DAILY,
    END_DATE,
    MONDAYS,
    MONTHLY,
    NO_END,
    YEARLY,
    at,
    instances,
    make_series,
    masks,
    master,
    series_organization,
    starts,
    weekly,
)

MASTERS = "recurringappointmentmasters"


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    async with series_organization() as running:
        yield running


# --- creating -----------------------------------------------------------------------------------


async def test_a_master_brings_its_instances_and_nine_o_clock_stays_nine_o_clock(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    made = await make_series(org, ida, address(5, "out@example.net"))
    rows = await instances(org, made["activityid"])
    assert [row["scheduledstart"] for row in rows] == MONDAYS
    assert [row["originalstartdate"] for row in rows] == MONDAYS
    assert {row["instancetypecode"] for row in rows} == {2}
    assert {(row["subject"], row["location"], row["_ownerid_value"]) for row in rows} == {
        ("Team", "Room 1", ida.id)
    }
    assert {row["scheduleddurationminutes"] for row in rows} == {30}
    expected = await masks(org, MASTERS, made["activityid"])
    assert await masks(org, "appointments", rows[0]["activityid"]) == expected
    assert expected == [(5, "out@example.net"), (7, ida.address), (9, ida.address)]


async def test_a_master_tells_its_effective_range_and_how_far_it_is_expanded(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    made = await make_series(org, ida)
    assert made["instancetypecode"] == 1
    assert made["_groupid_value"] == made["activityid"]
    assert made["duration"] == 30
    assert (made["effectivestartdate"], made["effectiveenddate"]) == (
        "2026-03-01T23:00:00Z",
        "2026-03-29T22:00:00Z",
    )
    assert (made["scheduledstart"], made["scheduledend"]) == (MONDAYS[0], "2026-03-02T08:30:00Z")
    assert made["expansionstatecode"] == 2
    assert made["lastexpandedinstancedate"] == MONDAYS[-1]
    assert made["nextexpansioninstancedate"] is None
    assert made["deletedexceptionslist"] is None


async def test_the_zone_is_the_acting_users_not_the_organizers(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    made = await org.make(MASTERS, weekly(ida))
    assert (await starts(org, made["activityid"]))[-2:] == [
        "2026-03-23T08:00:00Z",
        "2026-03-30T08:00:00Z",
    ]


async def test_a_series_may_begin_in_another_state(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    made = await make_series(org, ida, statecode=3, statuscode=6)
    rows = await instances(org, made["activityid"])
    assert {(row["statecode"], row["statuscode"]) for row in [made, *rows]} == {(3, 6)}
    wrong = await org.call("POST", MASTERS, weekly(ida, statecode=3, statuscode=1))
    assert error_code(wrong) == (400, "0x80048408")


async def test_a_series_takes_no_queues(org: Org) -> None:
    ida = await org.person("Ida")
    queue = await org.make("queues", {"name": "Desk"}, token="admin")
    body = weekly(ida, party(5, "queue", queue["queueid"]))
    assert error_code(await org.call("POST", MASTERS, body)) == (400, "0x80043506")


async def test_days_travel_as_moments(org: Org) -> None:
    ida = await org.person("Ida")
    response = await org.call("POST", MASTERS, weekly(ida, patternstartdate="2026-03-02"))
    assert error_code(response) == (400, "0x80048d19")


async def test_all_day_instances_go_from_midnight_to_midnight_over_a_clock_change(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    made = await make_series(
        org,
        ida,
        isalldayevent=True,
        recurrencepatterntype=DAILY,
        occurrences=3,
        patternstartdate="2026-03-27T23:00:00Z",
        starttime="2026-03-27T23:00:00Z",
        endtime="2026-03-28T23:00:00Z",
    )
    rows = await instances(org, made["activityid"])
    assert [(row["scheduledstart"], row["scheduledend"]) for row in rows] == [
        ("2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z"),
        ("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        ("2026-03-29T22:00:00Z", "2026-03-30T22:00:00Z"),
    ]
    assert {row["isalldayevent"] for row in rows} == {True}


async def test_a_duration_stands_for_the_end(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    made = await make_series(org, ida, endtime=None, duration=45)
    assert made["endtime"] == "2026-03-02T08:45:00Z"
    assert (await instances(org, made["activityid"]))[-1]["scheduledend"] == "2026-03-30T07:45:00Z"


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"recurrencepatterntype": DAILY, "interval": 3}, ["03-02", "03-05", "03-08", "03-11", "03-14"]),
        ({"daysofweekmask": None, "isweekdaypattern": True}, ["03-02", "03-03", "03-04", "03-05", "03-06"]),
        ({"interval": 2, "daysofweekmask": 2 + 32}, ["03-02", "03-06", "03-16", "03-20", "03-30"]),
        (
            {"recurrencepatterntype": MONTHLY, "dayofmonth": 31},
            ["03-31", "04-30", "05-31", "06-30", "07-31"],
        ),
        (
            {"recurrencepatterntype": MONTHLY, "isnthmonthly": True, "instance": 5, "daysofweekmask": 32},
            ["03-27", "04-24", "05-29", "06-26", "07-31"],
        ),
        (
            {"recurrencepatterntype": MONTHLY, "isnthmonthly": True, "instance": 1, "daysofweekmask": 62},
            ["03-02", "04-01", "05-01", "06-01", "07-01"],
        ),
        (
            {"recurrencepatterntype": YEARLY, "monthofyear": 4, "dayofmonth": 12, "occurrences": 1},
            ["04-12"],
        ),
        (
            {
                "recurrencepatterntype": YEARLY,
                "monthofyear": 11,
                "isnthyearly": True,
                "instance": 4,
                "daysofweekmask": 16,
                "occurrences": 1,
            },
            ["11-26"],
        ),
        ({"patternendtype": END_DATE, "patternenddate": "2026-03-15T23:00:00Z"}, ["03-02", "03-09", "03-16"]),
    ],
)
async def test_each_kind_of_pattern_has_its_days(org: Org, columns: Any, expected: list[str]) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    made = await make_series(org, ida, **columns)
    found = [row["originalstartdate"][5:10] for row in await instances(org, made["activityid"])]
    assert found == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"recurrencepatterntype": None},
        {"patternendtype": None},
        {"patternstartdate": None},
        {"starttime": None},
        {"endtime": None},
        {"endtime": "2026-03-02T07:30:00Z"},
        {"interval": None},
        {"daysofweekmask": None},
        {"occurrences": None},
        {"patternendtype": END_DATE},
        {"patternendtype": END_DATE, "patternenddate": "2026-02-01T23:00:00Z"},
        {"recurrencepatterntype": MONTHLY},
        {"recurrencepatterntype": MONTHLY, "isnthmonthly": True},
        {"recurrencepatterntype": MONTHLY, "isnthmonthly": True, "instance": 1, "daysofweekmask": None},
        {"recurrencepatterntype": YEARLY, "dayofmonth": 3},
        {"recurrencepatterntype": YEARLY, "dayofmonth": 3, "monthofyear": 0},
        {"isnthmonthly": True},
        {"isnthyearly": True},
        {"isweekdaypattern": True},
        {"recurrencepatterntype": DAILY, "isweekdaypattern": True},
    ],
)
async def test_a_pattern_that_does_not_hold_together_is_refused(org: Org, wrong: Any) -> None:
    ida = await org.person("Ida")
    assert error_code(await org.call("POST", MASTERS, weekly(ida, **wrong))) == (400, "0x8004e100")
    assert await org.values(MASTERS) == []
    assert await org.values("appointments") == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"occurrences": 1000}, "0x80044330"),
        ({"interval": 0}, "0x80044330"),
        ({"daysofweekmask": 128}, "0x80044330"),
        ({"dayofmonth": 32}, "0x80044330"),
        ({"instance": 6}, "0x8004431a"),
        ({"recurrencepatterntype": 4}, "0x8004431a"),
        ({"recurrencepatterntype": DAILY, "endtime": "2026-03-03T10:00:00Z"}, "0x8004e120"),
    ],
)
async def test_values_out_of_range_are_refused(org: Org, wrong: Any, code: str) -> None:
    ida = await org.person("Ida")
    assert error_code(await org.call("POST", MASTERS, weekly(ida, **wrong))) == (400, code)


# --- expansion ----------------------------------------------------------------------------------


async def test_the_first_instances_come_at_once_and_the_rest_in_batches(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    settings = {
        "recurrenceexpansionsynchcreatemax": 2,
        "recurrenceexpansionjobbatchsize": 3,
        "recurrenceexpansionjobbatchinterval": 60,
    }
    await org.control("PUT", "organization", settings)
    made = await make_series(org, ida, occurrences=6)
    assert len(await instances(org, made["activityid"])) == 2
    assert (made["expansionstatecode"], made["nextexpansioninstancedate"]) == (1, MONDAYS[2])
    assert (await org.control("GET", "version")).json()["expanding"] == 1
    await at(org, "2026-03-01T12:01:05Z")
    after = await master(org, made["activityid"])
    assert len(await instances(org, made["activityid"])) == 5
    assert (after["expansionstatecode"], after["lastexpandedinstancedate"]) == (1, MONDAYS[4])
    assert after["@odata.etag"] != made["@odata.etag"]
    await at(org, "2026-03-01T12:02:10Z")
    assert len(await instances(org, made["activityid"])) == 6
    assert (await master(org, made["activityid"]))["expansionstatecode"] == 2
    assert (await org.control("GET", "version")).json()["expanding"] == 0


async def test_a_jump_of_the_clock_catches_up(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    settings = {"recurrenceexpansionsynchcreatemax": 1, "recurrenceexpansionjobbatchsize": 1}
    await org.control("PUT", "organization", settings)
    made = await make_series(org, ida)
    assert len(await instances(org, made["activityid"])) == 1
    await at(org, "2026-03-01T13:00:00Z")
    assert await starts(org, made["activityid"]) == MONDAYS


async def test_a_series_without_end_is_expanded_as_far_as_the_window_goes_which_moves(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    await org.control("PUT", "organization", {"futureexpansionwindow": 2})
    made = await make_series(org, ida, patternendtype=NO_END, occurrences=None)
    assert made["effectiveenddate"] is None
    rows = await starts(org, made["activityid"])
    assert (len(rows), rows[-1]) == (9, "2026-04-27T07:00:00Z")
    await at(org, "2026-03-20T12:00:00Z")
    rows = await starts(org, made["activityid"])
    assert rows[-1] == "2026-05-18T07:00:00Z"
    assert (await master(org, made["activityid"]))["expansionstatecode"] == 1


async def test_the_past_is_expanded_as_far_as_its_window_goes(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    await org.control("PUT", "organization", {"pastexpansionwindow": 1})
    made = await make_series(
        org,
        ida,
        patternstartdate="2025-12-31T23:00:00Z",
        starttime="2026-01-05T08:00:00Z",
        endtime="2026-01-05T09:00:00Z",
        occurrences=12,
    )
    rows = await starts(org, made["activityid"])
    assert (rows[0], len(rows)) == ("2026-02-02T08:00:00Z", 8)
    assert made["effectivestartdate"] == "2026-01-04T23:00:00Z"


async def test_the_job_goes_on_after_a_restart(tmp_path: Any) -> None:
    async with series_organization(state=tmp_path) as org:
        ida = await org.person("Ida", zone="Europe/Berlin")
        await org.control("PUT", "organization", {"recurrenceexpansionsynchcreatemax": 1})
        made = await make_series(org, ida)
        assert len(await instances(org, made["activityid"])) == 1
    async with series_organization(state=tmp_path) as org:
        await at(org, "2026-03-01T12:01:00Z")
        assert await starts(org, made["activityid"]) == MONDAYS


# --- changing basic columns ---------------------------------------------------------------------


async def test_a_basic_change_reaches_all_instances_and_their_ids_stay(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    made = await make_series(org, ida)
    before = await instances(org, made["activityid"])
    changes = {"subject": "Board", "statecode": 3, "statuscode": 5}
    await org.change(f"{MASTERS}({made['activityid']})", changes, user=ida)
    after = await instances(org, made["activityid"])
    assert [row["activityid"] for row in after] == [row["activityid"] for row in before]
    assert {(row["subject"], row["statecode"], row["statuscode"]) for row in after} == {("Board", 3, 5)}
    assert {row["instancetypecode"] for row in after} == {2}


async def test_a_canceled_instance_stays_canceled_when_the_series_gets_another_state(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    made = await make_series(org, ida)
    rows = await instances(org, made["activityid"])
    canceled = {"statecode": 2, "statuscode": 4}
    await org.change(f"appointments({rows[1]['activityid']})", canceled, user=ida)
    await org.change(f"{MASTERS}({made['activityid']})", {"statecode": 3}, user=ida)
    states = [row["statecode"] for row in await instances(org, made["activityid"])]
    assert states == [3, 2, 3, 3, 3]


async def test_exceptions_keep_what_they_changed_and_take_the_rest(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    made = await make_series(org, ida)
    rows = await instances(org, made["activityid"])
    await org.change(f"appointments({rows[1]['activityid']})", {"subject": "Own"}, user=ida)
    own = {"appointment_activity_parties": [address(5, "own@example.net")]}
    await org.change(f"appointments({rows[2]['activityid']})", own, user=ida)
    parties = [party(7, "systemuser", ida.id), address(6, "all@example.net")]
    changes = {"subject": "All", "location": "Roof", "recurringappointmentmaster_activity_parties": parties}
    await org.change(f"{MASTERS}({made['activityid']})", changes, user=ida)
    after = await instances(org, made["activityid"])
    assert [row["subject"] for row in after] == ["All", "Own", "All", "All", "All"]
    assert {row["location"] for row in after} == {"Roof"}
    assert (5, "own@example.net") in await masks(org, "appointments", rows[2]["activityid"])
    for row in (rows[0], rows[1]):
        assert (6, "all@example.net") in await masks(org, "appointments", row["activityid"])


# --- changing the pattern -----------------------------------------------------------------------


async def test_a_pattern_change_makes_all_instances_anew_when_none_has_begun(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    made = await make_series(org, ida)
    rows = await instances(org, made["activityid"])
    await org.change(f"appointments({rows[1]['activityid']})", {"subject": "Own"}, user=ida)
    await org.call("DELETE", f"appointments({rows[2]['activityid']})", user=ida)
    times = {"starttime": "2026-03-02T09:00:00Z", "endtime": "2026-03-02T10:00:00Z"}
    await org.change(f"{MASTERS}({made['activityid']})", times, user=ida)
    after = await instances(org, made["activityid"])
    assert {row["activityid"] for row in after}.isdisjoint(row["activityid"] for row in rows)
    assert [row["scheduledstart"] for row in after] == [
        "2026-03-02T09:00:00Z",
        "2026-03-09T09:00:00Z",
        "2026-03-16T09:00:00Z",
        "2026-03-23T09:00:00Z",
        "2026-03-30T08:00:00Z",
    ]
    assert {(row["subject"], row["instancetypecode"]) for row in after} == {("Team", 2)}
    assert (await master(org, made["activityid"]))["deletedexceptionslist"] is None
    assert len(await org.values(MASTERS)) == 1


async def test_a_pattern_column_that_stays_the_same_makes_them_anew_too(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    made = await make_series(org, ida)
    rows = await instances(org, made["activityid"])
    await org.change(f"{MASTERS}({made['activityid']})", {"interval": 1}, user=ida)
    after = await instances(org, made["activityid"])
    assert [row["scheduledstart"] for row in after] == MONDAYS
    assert {row["activityid"] for row in after}.isdisjoint(row["activityid"] for row in rows)


async def test_a_pattern_change_splits_off_what_has_begun(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    made = await make_series(org, ida, address(5, "out@example.net"))
    key = made["activityid"]
    rows = await instances(org, key)
    await org.call("DELETE", f"appointments({rows[0]['activityid']})", user=ida)
    await org.change(f"appointments({rows[1]['activityid']})", {"statecode": 1, "statuscode": 3}, user=ida)
    await at(org, "2026-03-17T12:00:00Z")
    changes = {
        "daysofweekmask": 4,
        "starttime": "2026-03-03T08:00:00Z",
        "endtime": "2026-03-03T09:00:00Z",
        "subject": "Tuesday team",
    }
    await org.change(f"{MASTERS}({key})", changes, user=ida)
    patched = await master(org, key)
    (history,) = await org.values(f"{MASTERS}?$filter=activityid ne {key}")
    assert history["_groupid_value"] == patched["_groupid_value"] == key
    kept = await instances(org, history["activityid"])
    assert [row["activityid"] for row in kept] == [rows[1]["activityid"], rows[2]["activityid"]]
    assert (history["patternendtype"], history["patternenddate"]) == (3, "2026-03-15T23:00:00Z")
    assert history["effectiveenddate"] == "2026-03-15T23:00:00Z"
    assert (history["subject"], history["deletedexceptionslist"]) == ("Team", MONDAYS[0])
    assert (5, "out@example.net") in await masks(org, MASTERS, history["activityid"])
    fresh = await instances(org, key)
    assert [row["scheduledstart"] for row in fresh] == ["2026-03-24T08:00:00Z", "2026-03-31T07:00:00Z"]
    assert {row["subject"] for row in fresh} == {"Tuesday team"}
    assert patched["patternstartdate"] == "2026-03-23T23:00:00Z"
    assert (patched["occurrences"], patched["deletedexceptionslist"]) == (2, None)


async def test_a_past_of_deleted_instances_is_not_made_again(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    made = await make_series(org, ida)
    rows = await instances(org, made["activityid"])
    await org.call("DELETE", f"appointments({rows[0]['activityid']})", user=ida)
    await at(org, "2026-03-04T12:00:00Z")
    await org.change(f"{MASTERS}({made['activityid']})", {"daysofweekmask": 4}, user=ida)
    assert (await starts(org, made["activityid"]))[0] == "2026-03-10T08:00:00Z"
    assert len(await org.values(MASTERS)) == 1


async def test_a_series_of_the_past_takes_no_new_pattern(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    made = await make_series(org, ida)
    await at(org, "2026-05-01T12:00:00Z")
    response = await org.call("PATCH", f"{MASTERS}({made['activityid']})", {"daysofweekmask": 4}, user=ida)
    assert error_code(response) == (400, "0x8004e125")
    assert len(await org.values(MASTERS)) == 1
    assert await starts(org, made["activityid"]) == MONDAYS


async def test_a_refused_pattern_change_leaves_everything_as_it_was(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    made = await make_series(org, ida)
    before = await instances(org, made["activityid"])
    response = await org.call("PATCH", f"{MASTERS}({made['activityid']})", {"interval": None}, user=ida)
    assert error_code(response) == (400, "0x8004e100")
    assert await instances(org, made["activityid"]) == before


async def test_the_first_day_of_the_week_and_the_lists_are_not_for_changing(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    made = await make_series(org, ida, firstdayofweek=1)
    before = await instances(org, made["activityid"])
    ignored = {"firstdayofweek": 3, "deletedexceptionslist": "x", "scheduledstart": MONDAYS[3]}
    await org.change(f"{MASTERS}({made['activityid']})", ignored, user=ida)
    after = await master(org, made["activityid"])
    assert (after["firstdayofweek"], after["deletedexceptionslist"]) == (1, None)
    assert await instances(org, made["activityid"]) == before


# --- deleting -----------------------------------------------------------------------------------


async def test_deleting_a_master_deletes_its_instances_completed_ones_too(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    made = await make_series(org, ida)
    rows = await instances(org, made["activityid"])
    done = {"statecode": 1, "statuscode": 3}
    await org.change(f"appointments({rows[0]['activityid']})", done, user=ida)
    response = await org.call("DELETE", f"{MASTERS}({made['activityid']})", user=ida)
    assert response.status_code == 204
    assert await org.values("appointments") == []
    assert await org.values("activityparties") == []


async def test_a_series_regarding_a_contact_goes_with_it(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    kim = (await org.contact("Kim"))["contactid"]
    bind = {"regardingobjectid_contact_recurringappointmentmaster@odata.bind": f"/contacts({kim})"}
    made = await make_series(org, ida, **bind)
    rows = await instances(org, made["activityid"])
    assert {row["_regardingobjectid_value"] for row in rows} == {kim}
    assert (await org.call("DELETE", f"contacts({kim})")).status_code == 204
    assert await org.values("appointments") == []
    assert await org.values(MASTERS) == []


# --- everything else that tables have -------------------------------------------------------------


async def test_changes_of_masters_and_instances_are_tracked(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    made = await make_series(org, ida)
    track = {"Prefer": "odata.track-changes"}
    links = {
        table: (await org.get(f"{table}?$select=subject", headers=track))["@odata.deltaLink"]
        for table in (MASTERS, "appointments")
    }
    rows = await instances(org, made["activityid"])
    await org.call("DELETE", f"appointments({rows[0]['activityid']})", user=ida)
    (changed,) = (await org.get(links[MASTERS]))["value"]
    assert changed["activityid"] == made["activityid"]
    assert [row["id"] for row in (await org.get(links["appointments"]))["value"]] == [rows[0]["activityid"]]


async def test_a_series_is_read_with_its_parties_and_instances(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    made = await make_series(org, ida)
    query = (
        "$select=subject,deletedexceptionslist,_groupid_value&$expand="
        "recurringappointmentmaster_activity_parties($select=participationtypemask,_partyid_value),"
        "recurringappointmentmaster_appointment($select=originalstartdate)"
    )
    body = await org.get(f"{MASTERS}({made['activityid']})?{query}")
    assert {row["participationtypemask"] for row in body["recurringappointmentmaster_activity_parties"]} == {
        7,
        9,
    }
    assert len(body["recurringappointmentmaster_appointment"]) == 5


async def test_instances_are_found_by_series_type_and_original_start(org: Org) -> None:
    ida = await org.person("Ida", zone="Europe/Berlin")
    made = await make_series(org, ida)
    key = made["activityid"]
    rows = await instances(org, key)
    await org.change(f"appointments({rows[3]['activityid']})", {"statecode": 2, "statuscode": 4}, user=ida)
    filter_ = f"seriesid eq {key} and (instancetypecode eq 3 or instancetypecode eq 4)"
    found = await org.values(f"appointments?$filter={filter_}&$expand=appointment_activity_parties", user=ida)
    assert [row["activityid"] for row in found] == [rows[3]["activityid"]]
    found = await org.values(f"appointments?$filter=originalstartdate eq {MONDAYS[1]}")
    assert [row["activityid"] for row in found] == [rows[1]["activityid"]]
    fetch = (
        "<fetch><entity name='appointment'><attribute name='subject'/><filter>"
        f"<condition attribute='seriesid' operator='eq' value='{key}'/>"
        "<condition attribute='instancetypecode' operator='eq' value='2'/></filter></entity></fetch>"
    )
    assert len(await org.values(f"appointments?fetchXml={fetch}")) == 4


async def test_rights_on_a_series_are_those_of_its_owner(org: Org) -> None:
    ida, bo = await org.person("Ida", zone="Europe/Berlin"), await org.person("Bo", role="restricted")
    made = await make_series(org, ida)
    path = f"{MASTERS}({made['activityid']})"
    assert (await org.call("GET", path, user=bo)).status_code == 403
    assert error_code(await org.call("PATCH", path, {"subject": "x"}, user=bo)) == (403, "0x80040220")
    assert error_code(await org.call("DELETE", path, user=bo)) == (403, "0x80040220")
    assert await org.values("appointments", user=bo) == []


async def test_a_new_owner_of_a_series_owns_its_instances(org: Org) -> None:
    ida, bo = await org.person("Ida", zone="Europe/Berlin"), await org.person("Bo")
    made = await make_series(org, ida)
    owner = {"ownerid@odata.bind": f"/systemusers({bo.id})"}
    await org.change(f"{MASTERS}({made['activityid']})", owner, user=ida)
    assert {row["_ownerid_value"] for row in await instances(org, made["activityid"])} == {bo.id}


async def test_the_pattern_type_of_a_series_is_in_the_metadata(org: Org) -> None:
    definition = f"EntityDefinitions(LogicalName='{MASTERS[:-1]}')"
    body = await org.get(f"{definition}?$select=ObjectTypeCode,ChangeTrackingEnabled&$expand=Attributes")
    assert (body["ObjectTypeCode"], body["ChangeTrackingEnabled"]) == (4251, True)
    columns = {item["LogicalName"]: item for item in body["Attributes"]}
    assert columns["statecode"]["IsValidForCreate"] is True
    assert columns["firstdayofweek"]["IsValidForUpdate"] is False
    assert (columns["occurrences"]["MinValue"], columns["occurrences"]["MaxValue"]) == (1, 999)
