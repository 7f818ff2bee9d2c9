"""Tasks, phone calls, letters and faxes over the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from uuid import uuid4

import pytest

from local.clock import Clock
from tests.wire.dataverse_org import Json, Org, address, error_code, organization, party
from tests.wire.test_dataverse_batch import Operation, answers, envelope, send
from tests.wire.test_dataverse_control import listening

SETS = {"task": "tasks", "phonecall": "phonecalls", "letter": "letters", "fax": "faxes"}
# What each state may be, the default first.
REASONS: Mapping[str, Mapping[int, tuple[int, ...]]] = {
    "task": {0: (2, 3, 4, 7), 1: (5,), 2: (6,)},
    "phonecall": {0: (1,), 1: (2, 4), 2: (3,)},
    "letter": {0: (2, 1), 1: (4, 3), 2: (5,)},
    "fax": {0: (1,), 1: (2, 3, 4), 2: (5,)},
}
EVERY = pytest.mark.parametrize("table", SETS)
NINE, TEN = "2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z"


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    async with organization() as running:
        yield running


async def make(org: Org, table: str, **columns: object) -> tuple[str, Json]:
    made = await org.make(SETS[table], {"subject": "Call back", **columns})
    return f"{SETS[table]}({made['activityid']})", made


@EVERY
async def test_a_row_starts_open_with_the_default_reason(org: Org, table: str) -> None:
    _, made = await make(org, table)
    assert (made["statecode"], made["statuscode"]) == (0, REASONS[table][0][0])
    assert (made["activitytypecode"], made["prioritycode"]) == (table, 1)


@EVERY
async def test_only_reasons_of_the_open_state_are_valid_for_create(org: Org, table: str) -> None:
    for reason in REASONS[table][0]:
        await make(org, table, statuscode=reason)
    for state, reasons in list(REASONS[table].items())[1:]:
        for body in ({"statecode": state}, {"statuscode": reasons[0]}):
            response = await org.call("POST", SETS[table], body)
            assert error_code(response) == (400, "0x80048408"), body


@EVERY
async def test_state_follows_the_pairs_of_the_table(org: Org, table: str) -> None:
    path, _ = await make(org, table)
    for state, reasons in [*REASONS[table].items(), (0, REASONS[table][0])]:
        await org.change(path, {"statecode": state})
        assert (await org.get(path))["statuscode"] == reasons[0]
        for reason in reasons:
            await org.change(path, {"statecode": state, "statuscode": reason})
    wrong = await org.call("PATCH", path, {"statecode": 0, "statuscode": REASONS[table][1][0]})
    assert error_code(wrong) == (400, "0x80048408")


@EVERY
async def test_closing_fills_the_actual_end_and_reopening_leaves_it(table: str) -> None:
    clock = Clock()
    async with organization(clock=clock) as org:
        path, made = await make(org, table)
        assert made["actualend"] is None
        await org.change(path, {"statecode": 1})
        ended = (await org.get(path))["actualend"]
        assert ended is not None
        clock.advance(3600)
        await org.change(path, {"statecode": 0})
        await org.change(path, {"statecode": 2})
        assert (await org.get(path))["actualend"] == ended
        await org.change(path, {"statecode": 0, "actualend": None})
        await org.change(path, {"statecode": 1, "actualend": NINE})
        assert (await org.get(path))["actualend"] == NINE


@EVERY
async def test_texts_have_their_lengths(org: Org, table: str) -> None:
    path, _ = await make(org, table, subject="s" * 200, description="d" * 2000, category="c" * 250)
    for name, length in {"subject": 200, "description": 2000, "category": 250, "subcategory": 250}.items():
        response = await org.call("PATCH", path, {name: "x" * (length + 1)})
        assert error_code(response) == (400, "0x80044331"), name


@EVERY
async def test_the_duration_is_the_servers(org: Org, table: str) -> None:
    path, made = await make(org, table, scheduledstart=NINE, scheduledend=TEN, scheduleddurationminutes=5)
    assert made["scheduleddurationminutes"] == 60
    await org.change(path, {"scheduledstart": None})
    assert (await org.get(path))["scheduleddurationminutes"] is None


@EVERY
async def test_regarding_is_bound_under_the_tables_own_name_and_goes_with_the_contact(
    org: Org, table: str
) -> None:
    kim = (await org.contact("Kim"))["contactid"]
    for name in (f"regardingobjectid_contact_{table}", "regardingobjectid_contact"):
        _, made = await make(org, table, **{f"{name}@odata.bind": f"/contacts({kim})"})
        assert made["_regardingobjectid_value"] == kim
    wrong = {"regardingobjectid_contact_appointment@odata.bind": f"/contacts({kim})"}
    assert (await org.call("POST", SETS[table], wrong)).status_code == 400
    await org.call("DELETE", f"contacts({kim})")
    assert await org.values(SETS[table]) == []


@EVERY
async def test_changes_are_tracked(org: Org, table: str) -> None:
    start = await org.get(SETS[table], headers={"Prefer": "odata.track-changes"})
    kept, _ = await make(org, table)
    gone, made = await make(org, table)
    await org.change(kept, {"subject": "Call later"})
    await org.call("DELETE", gone)
    changed, removed = await org.values(start["@odata.deltaLink"])
    assert (changed["subject"], removed["id"]) == ("Call later", made["activityid"])


@EVERY
async def test_columns_of_appointments_only_are_unknown(org: Org, table: str) -> None:
    for name in ("ismapiprivate", "location", "exchangeitemid"):
        assert (await org.call("GET", f"{SETS[table]}?$select={name}")).status_code == 400


async def test_a_task_is_at_most_a_hundred_percent_complete(org: Org) -> None:
    path, _ = await make(org, "task", percentcomplete=100)
    for wrong in (101, -1):
        response = await org.call("PATCH", path, {"percentcomplete": wrong})
        assert error_code(response) == (400, "0x80044330")
    assert (await org.call("PATCH", path, {"percentcomplete": 12.5})).status_code == 400


async def test_a_task_has_no_parties_to_set_but_an_owner_and_what_it_regards(org: Org) -> None:
    kim = (await org.contact("Kim"))["contactid"]
    path, _ = await make(org, "task", **{"regardingobjectid_contact_task@odata.bind": f"/contacts({kim})"})
    expanded = await org.get(f"{path}?$expand=task_activity_parties($select=participationtypemask)")
    masks = {row["participationtypemask"] for row in expanded["task_activity_parties"]}
    assert masks == {8, 9}
    for each in (party(5, "contact", kim), address(2, "kim@example.net")):
        response = await org.call("POST", "tasks", {"task_activity_parties": [each]})
        assert error_code(response)[0] == 400


@pytest.mark.parametrize(
    ("table", "masks"), [("phonecall", (1, 2)), ("letter", (1, 2, 3, 4)), ("fax", (1, 2))]
)
async def test_calls_letters_and_faxes_have_senders_and_recipients(
    org: Org, table: str, masks: tuple[int, ...]
) -> None:
    kim = (await org.contact("Kim", emailaddress1="kim@example.net"))["contactid"]
    name = f"{table}_activity_parties"
    path, _ = await make(org, table, **{name: [party(mask, "contact", kim) for mask in masks]})
    rows = (await org.get(f"{path}?$expand={name}"))[name]
    assert {row["participationtypemask"] for row in rows} == {*masks, 9}
    for wrong in (party(5, "contact", kim), address(2, "kim@example.net")):
        assert error_code(await org.call("PATCH", path, {name: [wrong]}))[0] == 400


async def test_who_is_called_may_read_the_call_and_only_the_owner_may_change_it(org: Org) -> None:
    ida, bo, eve = await org.person("Ida"), await org.person("Bo"), await org.person("Eve")
    to_bo = {"phonecall_activity_parties": [party(2, "systemuser", bo.id)]}
    made = await org.make("phonecalls", {"subject": "x", **to_bo}, user=ida)
    path = f"phonecalls({made['activityid']})"
    assert (await org.get(path, user=bo))["directioncode"] is True
    assert (await org.call("GET", path, user=eve)).status_code == 403
    assert (await org.call("PATCH", path, {"subject": "y"}, user=bo)).status_code == 403


async def test_tasks_are_written_many_at_a_time_and_phone_calls_are_not(org: Org) -> None:
    kind = {"@odata.type": "Microsoft.Dynamics.CRM.task"}
    targets = {"Targets": [{**kind, "subject": "a"}, {**kind, "subject": "b"}]}
    made = await org.call("POST", "tasks/Microsoft.Dynamics.CRM.CreateMultiple", targets)
    closed = [{**kind, "activityid": key, "statecode": 1} for key in made.json()["Ids"]]
    path = "tasks/Microsoft.Dynamics.CRM.UpdateMultiple"
    assert (await org.call("POST", path, {"Targets": closed})).status_code == 204
    assert [row["statuscode"] for row in await org.values("tasks")] == [5, 5]
    refused = await org.call("POST", "phonecalls/Microsoft.Dynamics.CRM.CreateMultiple", {"Targets": []})
    assert error_code(refused) == (405, "0x80040800")


async def test_which_tables_are_written_many_at_a_time_can_be_asked(org: Org) -> None:
    path = "sdkmessagefilters?$select=sdkmessagefilterid&$filter=sdkmessageid/name eq '{}'"
    for table, count in (("contact", 1), ("task", 1), ("phonecall", 0), ("appointment", 0)):
        for message in ("CreateMultiple", "UpdateMultiple"):
            query = f"{path.format(message)} and primaryobjecttypecode eq '{table}'"
            assert len(await org.values(query)) == count


async def test_a_task_is_made_and_completed_in_one_change_set(org: Org) -> None:
    key = str(uuid4())
    response = await send(
        org,
        envelope(
            [
                Operation("POST", "tasks", {"activityid": key, "subject": "Done in Outlook"}),
                Operation("PATCH", f"tasks({key})", {"statecode": 1, "statuscode": 5}, "If-Match: *\r\n"),
            ]
        ),
    )
    assert [[status for status, _ in part] for part in answers(response)] == [[204, 204]]
    assert (await org.get(f"tasks({key})"))["statuscode"] == 5


@EVERY
async def test_changes_are_posted_to_webhooks(org: Org, table: str) -> None:
    async with listening() as listener:
        await org.control("POST", "webhooks", {"url": listener.url, "key": "k", "tables": [table]})
        path, made = await make(org, table)
        await org.change(path, {"statecode": 1})
        messages = [(await listener.next())[1] for _ in range(2)]
        assert [message["MessageName"] for message in messages] == ["Create", "Update"]
        assert {message["PrimaryEntityId"] for message in messages} == {made["activityid"]}
