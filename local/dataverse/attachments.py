"""What the server does with attached files: refuses them, measures them, counts them."""

from __future__ import annotations

import base64
import binascii

from local.dataverse.errors import refuse
from local.dataverse.organization import organization
from local.dataverse.store import Row, Store
from local.dataverse.tables import TABLES

ATTACHMENT = "activitymimeattachment"


class Attachments:
    """The limit is one on the text that travels, a third longer than the file."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def checked(self, row: Row) -> Row:
        """The columns that follow from the others, or a refusal."""
        reference = row.get("objectid")
        if not reference or row.get("objecttypecode") != reference[0]:
            message = "An attachment needs an activity and its objecttypecode."
            raise refuse("InvalidArgument", message=message)
        self._check_name(row.get("filename") or "")
        activity = self._store.get(*reference) or {}
        owner = {name: activity.get(name) for name in ("ownerid", "owninguser", "owningbusinessunit")}
        return {**owner, "filesize": self._size(row.get("body") or "")}

    def count(self, attachment: Row) -> None:
        """The appointment's version moves with its count, but nobody is told of an update."""
        table, row_id = attachment["objectid"]
        activity = self._store.get(table, row_id)
        if activity is not None:
            count = len(self._store.referring(ATTACHMENT, "objectid", row_id))
            self._store.put(TABLES[table], {**activity, "attachmentcount": count})

    # --- inside ---------------------------------------------------------------------------------

    def _check_name(self, name: str) -> None:
        blocked = str(organization(self._store).get("blockedattachments") or "").casefold().split(";")
        if name.rpartition(".")[2].casefold() in filter(None, blocked) and "." in name:
            raise refuse("AttachmentBlocked")

    def _size(self, body: str) -> int:
        if len(body) > organization(self._store)["maxuploadfilesize"]:
            raise refuse("AttachmentTooLarge")
        try:
            return len(base64.b64decode(body, validate=True))
        except binascii.Error as error:
            message = "The body of an attachment must be Base64."
            raise refuse("InvalidArgument", message=message) from error
