"""Files of appointments through the adapter, over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from shared.errors import Conflict, NotFound, Refused, UnknownResult
from shared.model.appointment import DynamicsAppointment
from shared.model.attachment import FileKind, FileLimits, NewFile
from tests.marks import rule
from tests.wire.dataverse_adapter import Connected, connected
from tests.wire.dataverse_org import Person

MINUTES = NewFile("minutes of the meeting.txt", "text/plain", b"what was said")
THREE_MB = bytes(range(256)) * (3 * 4096)
SET = "activitymimeattachments"


@pytest.fixture
async def here() -> AsyncIterator[Connected]:
    async with connected() as running:
        yield running


@pytest.fixture
async def anna(here: Connected) -> Person:
    return await here.person("Anna")


@pytest.fixture
async def row(here: Connected, anna: Person) -> DynamicsAppointment:
    return await here.row(anna)


async def add(here: Connected, row: DynamicsAppointment, anna: Person, file: NewFile, key: str = "") -> str:
    key = key or str(uuid4())
    await here.adapter.add_attachment(row.id, file, key, as_user=anna.id)
    return key


@rule("APPT-11")
async def test_a_file_is_attached_listed_and_read(
    here: Connected, anna: Person, row: DynamicsAppointment
) -> None:
    assert row.attachment_count == 0
    await here.sent()
    key = await add(here, row, anna, MINUTES)
    (file,) = await here.adapter.attachments(row.id, as_user=anna.id)
    assert (file.id, file.name, file.content_type) == (key, MINUTES.name, "text/plain")
    assert (file.size, file.kind, file.sha256) == (13, FileKind.FILE, "")
    assert await here.adapter.attachment_content(file.id, as_user=anna.id) == MINUTES.content
    assert await here.sent() == {f"PATCH /{SET}({{id}})": 1, f"GET /{SET}": 1, f"GET /{SET}({{id}})": 1}
    after = await here.read(row.id, anna)
    assert after.attachment_count == 1
    assert after.etag != row.etag


async def test_three_megabytes_come_back_as_they_went(
    here: Connected, anna: Person, row: DynamicsAppointment
) -> None:
    key = await add(here, row, anna, NewFile("film.mp4", "", THREE_MB))
    assert await here.adapter.attachment_content(key, as_user=anna.id) == THREE_MB
    (file,) = await here.adapter.attachments(row.id, as_user=anna.id)
    assert (file.size, file.content_type) == (len(THREE_MB), "application/octet-stream")


@rule("APPT-11")
async def test_a_repeated_copy_meets_the_first_one(
    here: Connected, anna: Person, row: DynamicsAppointment
) -> None:
    key = await add(here, row, anna, MINUTES)
    with pytest.raises(Conflict):
        await add(here, row, anna, MINUTES, key)
    assert len(await here.adapter.attachments(row.id, as_user=anna.id)) == 1


async def test_an_answer_that_is_lost_leaves_the_result_unknown(
    here: Connected, anna: Person, row: DynamicsAppointment
) -> None:
    await here.fault("drop-after", method="PATCH", path=SET)
    with pytest.raises(UnknownResult):
        await add(here, row, anna, MINUTES)
    assert len(await here.adapter.attachments(row.id, as_user=anna.id)) == 1


async def test_a_file_is_removed_once(here: Connected, anna: Person, row: DynamicsAppointment) -> None:
    key = await add(here, row, anna, MINUTES)
    await here.adapter.remove_attachment(key, as_user=anna.id)
    assert await here.adapter.attachments(row.id, as_user=anna.id) == []
    with pytest.raises(NotFound):
        await here.adapter.remove_attachment(key, as_user=anna.id)
    with pytest.raises(NotFound):
        await here.adapter.attachment_content(key, as_user=anna.id)


async def test_the_appointment_may_be_gone(here: Connected, anna: Person, row: DynamicsAppointment) -> None:
    await here.delete(row.id)
    with pytest.raises((NotFound, Refused)):
        await add(here, row, anna, MINUTES)


@rule("APPT-11")
async def test_the_limits_are_the_organizations(
    here: Connected, anna: Person, row: DynamicsAppointment
) -> None:
    usual = (await here.adapter.organization()).files
    assert usual.largest == 5_242_880
    assert {"exe", "js", "vbs"} <= usual.blocked
    columns = {"blockedattachments": "TXT;.bat; ;", "maxuploadfilesize": 100}
    await here.org.control("PUT", "organization", columns)
    assert (await here.adapter.organization()).files == FileLimits(100, frozenset({"txt", "bat"}))
    for file, why in ((MINUTES, "blocks files"), (NewFile("large.bin", "", b"x" * 76), "larger than")):
        with pytest.raises(Refused, match=why):
            await add(here, row, anna, file)
    await add(here, row, anna, NewFile("fits.bin", "", b"x" * 75))


async def test_what_the_user_may_not_see_is_refused(
    here: Connected, anna: Person, row: DynamicsAppointment
) -> None:
    boris = await here.person("Boris")
    key = await add(here, row, anna, MINUTES)
    with pytest.raises(Refused):
        await here.adapter.attachment_content(key, as_user=boris.id)
    assert await here.adapter.attachments(row.id, as_user=boris.id) == []
