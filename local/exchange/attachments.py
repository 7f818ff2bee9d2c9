"""Attachments of events.

An event row holds references (``id``, ``inline``). The bytes are kept once, however many copies of a meeting
have them, as base64 in the journal.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from local.clock import Clock
from local.exchange.errors import bad_request, item_not_found
from local.exchange.identifiers import Identifiers
from local.exchange.zones import short_utc
from local.journaled import JournaledTables

Json = dict[str, Any]

# Sizes that Graph answers are those of the stored attachment, more than the file has bytes.
OVERHEAD_BYTES = 155
# The default limit of a whole item; administrators may raise it to 150 MB.
LARGEST_ITEM = 35 * 1024 * 1024


class Attachments:
    """Rows of the table ``attachments``, and ``files`` by the hash of their content."""

    def __init__(self, tables: JournaledTables, identifiers: Identifiers, clock: Clock) -> None:
        self._tables = tables
        self._identifiers = identifiers
        self._clock = clock

    # --- reading --------------------------------------------------------------------------------

    def of(self, event: Json) -> list[Json]:
        rows = self._tables.table("attachments")
        return [rows[reference["id"]] for reference in event["attachments"]]

    def get(self, event: Json, identifier: str) -> Json:
        found = next((row for row in self.of(event) if row["id"] == identifier), None)
        if found is None:
            raise item_not_found()
        return found

    def content(self, row: Json) -> bytes:
        return base64.b64decode(self._tables.table("files")[row["file"]])

    def shown(self, row: Json, *, item: bool = False) -> Json:
        """As Graph answers it; the attached item only when it is to be expanded."""
        base = {
            "@odata.type": f"#microsoft.graph.{row['kind']}Attachment",
            "id": row["id"],
            "lastModifiedDateTime": row["modified"],
            "name": row["name"],
            "contentType": row["contentType"],
            "size": row["size"],
            "isInline": row["isInline"],
        }
        if row["kind"] == "file":
            media = {"@odata.mediaContentType": row["contentType"]}
            where = {"contentId": row["contentId"], "contentLocation": None}
            return {**media, **base, **where, "contentBytes": self._tables.table("files")[row["file"]]}
        if row["kind"] == "item" and item:
            return {**base, "item": {"@odata.type": "#microsoft.graph.event", "id": "", **row["item"]}}
        return base

    # --- changing -------------------------------------------------------------------------------

    def new(self, facts: Json, content: bytes) -> Json:
        """A stored attachment; its reference. ``facts``: kind, name and what its kind has."""
        row = {
            "contentType": None,
            "contentId": None,
            "isInline": False,
            **facts,
            "id": self._identifiers.attachment(),
            "modified": short_utc(self._clock.now()),
            "size": len(content) + OVERHEAD_BYTES,
            "file": hashlib.sha256(content).hexdigest() if facts["kind"] == "file" else None,
        }
        if row["file"]:
            self._tables.put("files", row["file"], base64.b64encode(content).decode())
        return self._stored(row)

    def _stored(self, row: Json) -> Json:
        self._tables.put("attachments", row["id"], row)
        return {"id": row["id"], "inline": row["isInline"]}

    def check_room(self, event: Json, size: int) -> None:
        if sum(row["size"] for row in self.of(event)) + size > LARGEST_ITEM:
            raise bad_request("The message exceeds the maximum supported size.", "ErrorMessageSizeExceeded")

    def copied(self, source: Json) -> list[Json]:
        """References for another event with the same attachments."""
        return [self._stored({**row, "id": self._identifiers.attachment()}) for row in self.of(source)]

    def copied_exceptions(self, master: Json) -> Json:
        """The exceptions of a series for a copy of it."""
        return {
            day: {**own, "attachments": self.copied(own)} if "attachments" in own else own
            for day, own in master["exceptions"].items()
        }

    def delivered(self, copy: Json, meeting: Json) -> list[Json]:
        """What an attendee's copy has after an update: the organizer's attachments, under their old ids where
        nothing changed."""
        if [_content(row) for row in self.of(copy)] == [_content(row) for row in self.of(meeting)]:
            references: list[Json] = copy["attachments"]
            return references
        return self.copied(meeting)

    def forget(self, references: list[Json], *, kept: list[Json] | None = None) -> None:
        """Rows that no event has any more, and the files that only they had."""
        for reference in references:
            if reference in (kept or []):
                continue
            row = self._tables.get("attachments", reference["id"])
            self._tables.delete("attachments", reference["id"])
            others = self._tables.table("attachments").values()
            if row and row["file"] and all(other["file"] != row["file"] for other in others):
                self._tables.delete("files", row["file"])

    def event_changed(self, change: str, event: Json) -> None:
        """A listener: with an event goes what was attached to it and to its exceptions."""
        if change == "deleted" and "master" not in event:
            self.forget(references_of(event))


def references_of(event: Json) -> list[Json]:
    """Those of the event and of the exceptions that have their own."""
    own = [row for exception in event["exceptions"].values() for row in exception.get("attachments", [])]
    return [*event["attachments"], *(row for row in own if row not in event["attachments"])]


def _content(row: Json) -> tuple[Any, ...]:
    return tuple(
        row.get(name) for name in ("kind", "name", "contentType", "isInline", "contentId", "file", "item")
    )
