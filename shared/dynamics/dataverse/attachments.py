"""Files of appointments: rows of ``activitymimeattachment``, whose body is the file in Base64."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from shared.dynamics.dataverse.activities import APPOINTMENTS
from shared.dynamics.dataverse.client import WRITE_TAG, Client
from shared.dynamics.dataverse.messages import Json, Request
from shared.dynamics.dataverse.odata import address, guid
from shared.errors import Refused
from shared.model.appointment import APPOINTMENT
from shared.model.attachment import Attachment, FileKind, NewFile

SET = "activitymimeattachments"
KEY = "activitymimeattachmentid"
COLUMNS = f"{KEY},filename,mimetype,filesize,attachmentcontentid"
LONGEST_TYPE = 256
PLAIN_BYTES = "application/octet-stream"


async def of_row(client: Client, row_id: str, as_user: str) -> Sequence[Attachment]:
    """Without the bodies: a list of them could be as long as all files together."""
    path = address(SET, select=COLUMNS, filter=f"_objectid_value eq {guid(row_id)}")
    return [decode(row) for row in await client.rows(path, as_user=as_user)]


def decode(row: Json) -> Attachment:
    """What has a content id is an image of the body."""
    inline = bool(row.get("attachmentcontentid"))
    return Attachment(
        id=str(row[KEY]).lower(),
        name=str(row.get("filename") or ""),
        version=str(row["@odata.etag"]),
        size=int(row.get("filesize") or 0),
        kind=FileKind.INLINE if inline else FileKind.FILE,
        content_type=str(row.get("mimetype") or ""),
    )


async def content(client: Client, attachment_id: str, as_user: str) -> bytes:
    body: Any = (await client.read(address(SET, attachment_id, select="body"), as_user=as_user)).get("body")
    try:
        return base64.b64decode(str(body or ""), validate=True)
    except binascii.Error:
        raise Refused("a file's content cannot be read", code="unreadable") from None


async def add(client: Client, row_id: str, file: NewFile, key: str, as_user: str) -> None:
    """Under the chosen id, if it is free."""
    body = {
        f"objectid_{APPOINTMENT}@odata.bind": f"/{APPOINTMENTS.entity_set}({guid(row_id)})",
        "objecttypecode": APPOINTMENT,
        "subject": file.name,
        "filename": file.name,
        "mimetype": (file.content_type or PLAIN_BYTES)[:LONGEST_TYPE],
        "body": base64.b64encode(file.content).decode("ascii"),
    }
    path = address(SET, key, tag=WRITE_TAG)
    request = Request("PATCH", path, {"If-None-Match": "*"}, body, about=(guid(row_id),))
    await client.send(request, as_user=as_user)


async def remove(client: Client, attachment_id: str, as_user: str) -> None:
    await client.send(Request("DELETE", address(SET, attachment_id, tag=WRITE_TAG)), as_user=as_user)
