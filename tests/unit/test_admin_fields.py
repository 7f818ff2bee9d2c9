"""The admin API's fields and settings: what administrators see of the field map, and what they may change."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.model.organization_settings import SETTINGS
from shared.model.values import Direction
from shared.rules.field_table import rows
from shared.web.admin_api import handle
from shared.web.http import BODY_LIMIT, Request
from shared.web.openapi import description
from tests.doubles.service import Service
from tests.marks import rule

FIELDS = "profiles/default/fields"
SETTINGS_PATH = "profiles/default/settings"
PAST_DELETES = "DistinctPhysicalAndLogicalDeletesForExchangeSync"
TASK_DELETES = "SSSTaskDeletionSyncBehaviorFromExchange"
CATEGORY = "TrackCategorizedItems"


class Api:
    def __init__(self, service: Service) -> None:
        self.service = service

    async def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        path, _, query = path.partition("?")
        parts = dict(pair.split("=", 1) for pair in query.split("&")) if query else {}
        content = json.dumps(body).encode() if body is not None else b""
        request = Request(method, path, parts, {"host": "127.0.0.1:7071"}, content)
        answer = await handle(self.service.services, request, "loopback")
        return answer.status, json.loads(answer.body)

    async def fields(self, query: str = "") -> dict[tuple[str, str], dict[str, Any]]:
        status, body = await self("GET", FIELDS + query)
        assert status == 200
        return {(each["entity"], each["field"]): each for each in body["value"]}

    async def directions(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = (await self("GET", "profiles/default"))[1]["directions"]
        return found

    async def settings(self) -> dict[str, dict[str, Any]]:
        status, body = await self("GET", SETTINGS_PATH)
        assert status == 200
        return {each["name"]: each for each in body["value"]}


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def api(service: Service) -> Api:
    return Api(service)


def change(entity: str, field: str, direction: str) -> dict[str, str]:
    return {"entity": entity, "field": field, "direction": direction}


def changes(*entries: dict[str, str]) -> dict[str, Any]:
    return {"value": list(entries)}


# --- fields ---------------------------------------------------------------------------------------


@rule("FAQ-4")
async def test_every_field_of_the_map_is_shown_in_its_order(api: Api) -> None:
    shown = list((await api.fields()).values())
    assert [(each["entity"], each["field"]) for each in shown] == [(row.entity, row.name) for row in rows()]
    for each, row in zip(shown, rows(), strict=True):
        assert (each["label"], each["rule"], each["exchange"]) == (row.label, row.rule, row.exchange)
        assert each["dynamics"] == list(row.dynamics)
        assert each["direction"] == each["default"] == row.direction.value
        assert (each["settable"], each["computed"]) == (row.settable, row.computed)
        assert (each["limits"], each["tooLong"]) == (dict(row.limits), row.too_long or None)


async def test_one_entity_is_shown_alone_and_an_unknown_one_is_refused(api: Api) -> None:
    assert {entity for entity, _ in await api.fields("?entity=contact")} == {"contact"}
    assert len(await api.fields("?entity=")) == len(rows())
    status, body = await api("GET", f"{FIELDS}?entity=lead")
    assert (status, body["error"]["code"]) == (400, "unknownEntity")
    assert "serviceappointment" in body["error"]["message"]
    assert (await api("GET", "profiles/none/fields"))[0] == 404
    assert (await api("PUT", "profiles/none/fields", changes()))[0] == 404


@rule("FLD-33", "FAQ-4")
@pytest.mark.parametrize("direction", list(Direction))
async def test_an_administrator_sets_a_field_and_nothing_else_changes(api: Api, direction: Direction) -> None:
    before = await api.fields()
    status, body = await api("PUT", FIELDS, changes(change("contact", "jobTitle", direction.value)))
    assert status == 200
    after = await api.fields()
    assert body["value"] == list(after.values())
    assert after.pop(("contact", "jobTitle"))["direction"] == direction.value
    before.pop(("contact", "jobTitle"))
    assert after == before
    chosen = {} if direction is Direction.BOTH else {"contact": {"jobTitle": direction.value}}
    assert await api.directions() == chosen


@rule("FLD-33")
async def test_settable_are_the_rows_that_the_map_says_and_no_others(api: Api) -> None:
    """A computed row (an address) is one field: all its columns go where it goes."""
    for entity, field in await api.fields():
        shown = (await api.fields())[entity, field]
        wanted = "none" if shown["direction"] != "none" else "both"
        status, body = await api("PUT", FIELDS, changes(change(entity, field, wanted)))
        assert status == (200 if shown["settable"] else 400), (entity, field)
        if not shown["settable"]:
            assert f"The direction of '{field}' is fixed." in body["error"]["message"]
    set_now = {(entity, field) for entity, fields in (await api.directions()).items() for field in fields}
    assert set_now == {(row.entity, row.name) for row in rows() if row.settable}


async def test_what_get_gives_may_be_edited_and_put_back(api: Api) -> None:
    await api("PUT", FIELDS, changes(change("task", "due", "toExchange"), change("fax", "notes", "none")))
    _, listed = await api("GET", FIELDS)
    assert len(json.dumps(listed)) < BODY_LIMIT
    assert await api("PUT", FIELDS, listed) == (200, listed)
    assert await api.directions() == {"task": {"due": "toExchange"}, "fax": {"notes": "none"}}
    for each in listed["value"]:
        if each["field"] == "notes":
            each["direction"] = "toDynamics"
    assert await api("PUT", FIELDS, listed) == (200, listed)
    assert (await api.directions())["letter"] == {"notes": "toDynamics"}


@rule("FLD-11", "FLD-33")
async def test_a_series_follows_the_appointments_until_it_has_a_direction_of_its_own(api: Api) -> None:
    series, single = ("recurringappointmentmaster", "body"), ("appointment", "body")
    await api("PUT", FIELDS, changes(change(*single, "toDynamics")))
    shown = (await api.fields())[series]
    assert (shown["direction"], shown["default"]) == ("toDynamics", "toDynamics")
    await api("PUT", FIELDS, changes(change(*series, "both")))
    shown = await api.fields()
    assert (shown[series]["direction"], shown[single]["direction"]) == ("both", "toDynamics")
    await api("PUT", FIELDS, changes(change(*series, "toDynamics")))
    assert await api.directions() == {"appointment": {"body": "toDynamics"}}


@rule("FLD-2")
async def test_attachments_are_shown_to_go_where_the_profiles_setting_says(api: Api) -> None:
    assert (await api.fields())["appointment", "attachments"]["direction"] == "none"
    await api("PUT", "profiles/default", {"synchronizeAttachments": True})
    shown = (await api.fields())["appointment", "attachments"]
    assert (shown["direction"], shown["setting"]) == ("both", "synchronizeAttachments")
    _, listed = await api("GET", FIELDS)
    assert await api("PUT", FIELDS, listed) == (200, listed)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "Give the fields as GET lists them"),
        ({"contact": {"jobTitle": "none"}}, "Give the fields as GET lists them"),
        ({"value": {}}, "Give the fields as GET lists them"),
        ({"value": ["jobTitle"]}, "'value[0]' must be an object"),
        ({"value": [{"entity": "contact", "field": "jobTitle"}]}, "'value[0]' must be an object"),
        (changes(change("lead", "subject", "none")), "There is no entity 'lead'"),
        (changes(change("contact", "shoeSize", "none")), "'contact' has no field 'shoeSize'"),
        ({"value": [{"entity": "contact", "field": ["x"], "direction": "none"}]}, "has no field"),
        ({"value": [{"entity": [], "field": "x", "direction": "none"}]}, "There is no entity"),
        (changes(change("contact", "jobTitle", "sideways")), "'sideways' is no direction"),
        ({"value": [{"entity": "contact", "field": "jobTitle", "direction": None}]}, "is no direction"),
        (changes(change("serviceappointment", "body", "both")), "is fixed. Settable: none."),
        (changes(change("task", "due", "none"), change("task", "status", "none")), "'status' is fixed"),
    ],
)
async def test_a_wrong_list_of_fields_is_refused_whole_and_in_words(
    api: Api, body: dict[str, Any], said: str
) -> None:
    status, answer = await api("PUT", FIELDS, body)
    assert status == 400
    assert said in answer["error"]["message"]
    assert await api.directions() == {}


@rule("FLD-33")
async def test_a_profiles_directions_replace_the_entities_that_are_named(api: Api) -> None:
    first = {"contact": {"jobTitle": "none", "notes": "toExchange"}, "appointment": {"body": "toDynamics"}}
    assert (await api("PUT", "profiles/default", {"directions": first}))[1]["directions"] == first
    second = {"contact": {"notes": "none", "pager": "both"}, "letter": {}}
    status, changed = await api("PUT", "profiles/default", {"directions": second})
    assert status == 200
    assert changed["directions"] == {"contact": {"notes": "none"}, "appointment": {"body": "toDynamics"}}


@pytest.mark.parametrize(
    ("directions", "said"),
    [
        ([], "must be an object with entities as keys"),
        ({"lead": {}}, "There is no entity 'lead'"),
        ({"contact": ["jobTitle"]}, "'directions.contact' must be an object"),
        ({"contact": {"shoeSize": "none"}}, "'contact' has no field 'shoeSize'"),
        ({"contact": {"name": "none"}}, "The direction of 'name' is fixed"),
        ({"phonecall": {"percent": "none"}}, "'phonecall' has no field 'percent'"),
        ({"serviceappointment": {"body": "toExchange"}}, "Settable: none."),
        ({"task": {"due": "up"}}, "'up' is no direction"),
    ],
)
async def test_wrong_directions_of_a_profile_are_refused_in_words(
    api: Api, directions: object, said: str
) -> None:
    status, answer = await api("PUT", "profiles/default", {"directions": directions})
    assert status == 400
    assert said in answer["error"]["message"]
    assert await api.directions() == {}


# --- the organization's settings ------------------------------------------------------------------


async def test_every_setting_is_shown_with_its_default_where_nobody_says_otherwise(api: Api) -> None:
    shown = await api.settings()
    assert list(shown) == [each.name for each in SETTINGS]
    for name, each in shown.items():
        assert each["value"] == each["default"], name
        assert type(each["value"]) is (bool if each["type"] == "boolean" else int)
        assert each["touches"]
        if each["overridable"]:
            assert (each["source"], each["organization"]) == ("default", None)
    assert (shown[PAST_DELETES]["id"], shown[PAST_DELETES]["default"]) == ("SET-1", True)
    assert (shown[TASK_DELETES]["id"], shown[TASK_DELETES]["touches"]) == ("SET-4", ["task"])
    assert (await api("GET", "profiles/none/settings"))[0] == 404


async def test_the_organizations_own_values_are_read_and_a_profile_may_say_otherwise(
    service: Service, api: Api
) -> None:
    service.dynamics.settings = {TASK_DELETES: 1, CATEGORY: "false", PAST_DELETES: False}
    override = {TASK_DELETES: 2, PAST_DELETES: True}
    assert (await api("PUT", "profiles/default", {"organizationSettings": override}))[0] == 200
    shown = await api.settings()
    seen = {name: (each["value"], each["source"], each["organization"]) for name, each in shown.items()}
    assert seen[TASK_DELETES] == (2, "profile", 1)
    assert seen[PAST_DELETES] == (True, "profile", False)
    assert seen[CATEGORY] == (False, "organization", "false")


async def test_how_far_dynamics_expands_a_series_is_shown_and_cannot_be_overridden(api: Api) -> None:
    shown = (await api.settings())["pastexpansionwindow"]
    assert (shown["value"], shown["source"], shown["overridable"]) == (3, "organization", False)
    body = {"organizationSettings": {"pastexpansionwindow": 6}}
    status, answer = await api("PUT", "profiles/default", body)
    assert (status, "change it there" in answer["error"]["message"]) == (400, True)


async def test_an_override_is_taken_back_with_null_and_the_others_stay(api: Api) -> None:
    async def put(**settings: object) -> tuple[int, dict[str, Any]]:
        status, body = await api("PUT", "profiles/default", {"organizationSettings": settings})
        return status, body["organizationSettings"]

    assert await put(**{TASK_DELETES: 1, CATEGORY: False}) == (200, {TASK_DELETES: 1, CATEGORY: False})
    assert await put(**{CATEGORY: True}) == (200, {TASK_DELETES: 1, CATEGORY: True})
    assert await put(**{TASK_DELETES: None, PAST_DELETES: None}) == (200, {CATEGORY: True})
    assert (await api.settings())[TASK_DELETES]["source"] == "default"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ([], "must be an object"),
        ({"NoSuchSetting": True}, "Known settings: AllowSaveAsDraftAppointment, "),
        ({TASK_DELETES: 3}, "must be a whole number from 0 to 2"),
        ({TASK_DELETES: -1}, "must be a whole number from 0 to 2"),
        ({TASK_DELETES: True}, "must be a whole number from 0 to 2"),
        ({CATEGORY: 1}, "must be true or false"),
        ({CATEGORY: "true"}, "must be true or false"),
        ({CATEGORY: False, TASK_DELETES: 9}, "must be a whole number"),
    ],
)
async def test_a_wrong_override_is_refused_whole_and_in_words(api: Api, settings: object, said: str) -> None:
    status, answer = await api("PUT", "profiles/default", {"organizationSettings": settings})
    assert status == 400
    assert said in answer["error"]["message"]
    assert (await api("GET", "profiles/default"))[1]["organizationSettings"] == {}


# --- a profile's own settings ---------------------------------------------------------------------

DEFAULTS = {
    "synchronizeContacts": True,
    "synchronizeTasks": True,
    "taskPollingMinutes": 12,
    "contactAddresses": "one",
    "contactDeletion": "unlink",
    "companyFromParent": True,
    "reconcileHours": 24,
}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("synchronizeContacts", [False, True]),
        ("synchronizeTasks", [False, True]),
        ("taskPollingMinutes", [0, 1440]),
        ("contactAddresses", ["three", "one"]),
        ("contactDeletion", ["deleteOwned", "unlink"]),
        ("companyFromParent", [False, True]),
        ("reconcileHours", [1, 168]),
    ],
)
async def test_settings_of_contacts_and_tasks_are_kept(api: Api, name: str, values: list[object]) -> None:
    assert (await api("GET", "profiles/default"))[1].items() >= DEFAULTS.items()
    for value in values:
        status, changed = await api("PUT", "profiles/default", {name: value})
        assert (status, changed[name]) == (200, value)
        assert (await api("GET", "profiles/default"))[1] == changed
    assert changed.items() >= {**DEFAULTS, name: values[-1]}.items()


@pytest.mark.parametrize(
    "body",
    [
        {"synchronizeContacts": 1},
        {"synchronizeTasks": "no"},
        {"taskPollingMinutes": 1441},
        {"taskPollingMinutes": -1},
        {"taskPollingMinutes": True},
        {"contactAddresses": "two"},
        {"contactDeletion": "delete"},
        {"companyFromParent": None},
        {"reconcileHours": 0},
        {"reconcileHours": 169},
        {"brake": {"percent": 0}},
        {"brake": {"percent": 101}},
    ],
)
async def test_settings_out_of_range_are_refused_with_the_range(api: Api, body: dict[str, Any]) -> None:
    _, before = await api("GET", "profiles/default")
    status, answer = await api("PUT", "profiles/default", body)
    assert status == 400
    (name,) = body
    assert f"'{name}" in answer["error"]["message"]
    assert (await api("GET", "profiles/default"))[1] == before


@rule("FLT-10")
async def test_the_brakes_three_limits_are_set_one_by_one(api: Api) -> None:
    _, changed = await api("PUT", "profiles/default", {"brake": {"percent": 10}})
    assert changed["brake"] == {"items": 25, "people": 200, "percent": 10}
    _, changed = await api("PUT", "profiles/default", {"brake": {"items": 7}})
    assert changed["brake"] == {"items": 7, "people": 200, "percent": 10}


# --- the description ------------------------------------------------------------------------------


async def test_the_description_has_every_property_that_is_answered(api: Api) -> None:
    schemas = description()["components"]["schemas"]
    for path, name in ((FIELDS, "Field"), (SETTINGS_PATH, "OrganizationSetting")):
        _, body = await api("GET", path)
        for each in body["value"]:
            assert set(each) == set(schemas[name]["required"]), each
    _, profile = await api("GET", "profiles/default")
    assert set(profile) == set(schemas["Profile"]["required"])
    assert set(profile) == set(schemas["ProfileChanges"]["properties"])
    put = description()["paths"]["/api/admin/profiles/{id}/fields"]["put"]
    assert put["requestBody"]["required"]
