"""Files on appointments over the wire."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.wire.dataverse_org import Json, Org, error_code, meeting, organization

ATTACHMENTS = "activitymimeattachments"
TEXT = base64.b64encode(b"minutes of the meeting").decode()


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    async with organization() as running:
        yield running


def attachment(appointment: Json, **columns: Any) -> Json:
    return {
        "objectid_appointment@odata.bind": f"/appointments({appointment['activityid']})",
        "objecttypecode": "appointment",
        "subject": "Minutes",
        "filename": "minutes.txt",
        "mimetype": "text/plain",
        "attachmentnumber": 1,
        "body": TEXT,
        **columns,
    }


async def test_a_file_is_attached_measured_and_counted(org: Org) -> None:
    ida = await org.person("Ida")
    made = await org.make("appointments", meeting(ida))
    file = await org.make(ATTACHMENTS, attachment(made), user=ida)
    assert (file["filesize"], file["body"], file["_objectid_value"]) == (22, TEXT, made["activityid"])
    assert file["_ownerid_value"] == ida.id
    after = await org.get(f"appointments({made['activityid']})?$expand=appointment_activity_mime_attachment")
    assert after["attachmentcount"] == 1
    assert [row["filename"] for row in after["appointment_activity_mime_attachment"]] == ["minutes.txt"]
    found = await org.values(f"{ATTACHMENTS}?$filter=_objectid_value eq {made['activityid']}")
    assert [row["activitymimeattachmentid"] for row in found] == [file["activitymimeattachmentid"]]


async def test_the_activity_is_named_by_either_navigation_property(org: Org) -> None:
    ida = await org.person("Ida")
    made = await org.make("appointments", meeting(ida))
    body = attachment(made)
    body["objectid_activitypointer@odata.bind"] = body.pop("objectid_appointment@odata.bind")
    assert (await org.make(ATTACHMENTS, body))["_objectid_value"] == made["activityid"]


async def test_the_count_moves_the_appointment_and_is_not_for_writing(org: Org) -> None:
    ida = await org.person("Ida")
    made = await org.make("appointments", meeting(ida, attachmentcount=7))
    assert made["attachmentcount"] == 0
    file = await org.make(ATTACHMENTS, attachment(made))
    path = f"appointments({made['activityid']})"
    with_file = await org.get(path)
    assert with_file["@odata.etag"] != made["@odata.etag"]
    await org.change(path, {"attachmentcount": 7, "subject": "Other"})
    assert (await org.get(path))["attachmentcount"] == 1
    response = await org.call("DELETE", f"{ATTACHMENTS}({file['activitymimeattachmentid']})")
    assert response.status_code == 204
    assert (await org.get(path))["attachmentcount"] == 0


async def test_deleting_the_appointment_deletes_its_files(org: Org) -> None:
    ida = await org.person("Ida")
    made = await org.make("appointments", meeting(ida))
    await org.make(ATTACHMENTS, attachment(made))
    await org.call("DELETE", f"appointments({made['activityid']})")
    assert await org.values(ATTACHMENTS) == []


async def test_a_file_is_replaced(org: Org) -> None:
    ida = await org.person("Ida")
    made = await org.make("appointments", meeting(ida))
    file = await org.make(ATTACHMENTS, attachment(made))
    path = f"{ATTACHMENTS}({file['activitymimeattachmentid']})"
    await org.change(path, {"body": base64.b64encode(b"new").decode(), "filesize": 99})
    assert (await org.get(path))["filesize"] == 3
    blocked = await org.call("PATCH", path, {"filename": "minutes.exe"})
    assert error_code(blocked) == (400, "0x80043e09")


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"filename": "run.exe"}, "0x80043e09"),
        ({"filename": "RUN.Js"}, "0x80043e09"),
        ({"filename": "x" * 256}, "0x80044331"),
        ({"mimetype": "x" * 257}, "0x80044331"),
        ({"body": "no base64!"}, "0x80040203"),
        ({"objecttypecode": None}, "0x80040203"),
        ({"objecttypecode": "email"}, "0x80040203"),
    ],
)
async def test_what_the_organization_does_not_take_is_refused(org: Org, columns: Json, code: str) -> None:
    ida = await org.person("Ida")
    made = await org.make("appointments", meeting(ida))
    response = await org.call("POST", ATTACHMENTS, attachment(made, **columns))
    assert error_code(response) == (400, code)
    assert (await org.get(f"appointments({made['activityid']})"))["@odata.etag"] == made["@odata.etag"]


async def test_an_attachment_needs_an_activity(org: Org) -> None:
    response = await org.call("POST", ATTACHMENTS, {"objecttypecode": "appointment", "filename": "a.txt"})
    assert error_code(response) == (400, "0x80040203")


async def test_the_limit_is_one_on_the_encoded_file(org: Org) -> None:
    ida = await org.person("Ida")
    made = await org.make("appointments", meeting(ida))
    await org.control("PUT", "organization", {"maxuploadfilesize": 100})
    fits = base64.b64encode(b"x" * 75).decode()
    await org.make(ATTACHMENTS, attachment(made, body=fits))
    too_big = base64.b64encode(b"x" * 76).decode()
    response = await org.call("POST", ATTACHMENTS, attachment(made, body=too_big))
    assert error_code(response) == (400, "0x80044a02")


async def test_limits_and_blocked_extensions_are_columns_of_the_organization(org: Org) -> None:
    columns = "blockedattachments,maxuploadfilesize,appointmentricheditorexperience"
    (row,) = await org.values(f"organizations?$select={columns}")
    assert row["maxuploadfilesize"] == 5_242_880
    assert row["appointmentricheditorexperience"] is False
    assert {"exe", "js", "vbs"} <= set(row["blockedattachments"].split(";"))
    await org.control("PUT", "organization", {"blockedattachments": "txt", "maxuploadfilesize": 10})
    ida = await org.person("Ida")
    made = await org.make("appointments", meeting(ida))
    response = await org.call("POST", ATTACHMENTS, attachment(made))
    assert error_code(response) == (400, "0x80043e09")


async def test_rights_on_a_file_are_those_on_its_appointment(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    made = await org.make("appointments", meeting(ida), user=ida)
    file = await org.make(ATTACHMENTS, attachment(made), user=ida)
    path = f"{ATTACHMENTS}({file['activitymimeattachmentid']})"
    assert error_code(await org.call("GET", path, user=bo)) == (403, "0x80040220")
    assert await org.values(ATTACHMENTS, user=bo) == []
    assert error_code(await org.call("DELETE", path, user=bo)) == (403, "0x80040220")
    response = await org.call("POST", ATTACHMENTS, attachment(made), user=bo)
    assert error_code(response) == (403, "0x80040220")
