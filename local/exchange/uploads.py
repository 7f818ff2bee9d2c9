"""Upload sessions: a file of 3 to 150 MB comes in pieces, in order, to a URL that needs no authorization.

The URL is on another path (in the service on another host), carries its own token and dies after a while.
Pieces are journaled as they come, so an upload goes on after a restart.
"""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from typing import Any

from local.clock import Clock
from local.exchange.attachments import Attachments
from local.exchange.call import Answer, Call
from local.exchange.errors import GraphError, bad_request, item_not_found
from local.exchange.event_view import event_id
from local.exchange.events import Events
from local.exchange.identifiers import Identifiers
from local.exchange.zones import utc_text
from local.journaled import JournaledTables

Json = dict[str, Any]

UPLOAD_PATH = "/api/v2.0"
LARGEST_PIECE = 4 * 1024 * 1024
LIFE = timedelta(hours=24)
_RANGE = re.compile(r"^bytes (\d+)-(\d+)/(\d+)$")


class Uploads:
    """Rows of the table ``uploads``; their pieces are in ``pieces``, by session and first byte."""

    def __init__(
        self,
        tables: JournaledTables,
        clock: Clock,
        identifiers: Identifiers,
        events: Events,
        attachments: Attachments,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._identifiers = identifiers
        self._events = events
        self._attachments = attachments

    def begin(self, event: Json, wanted: Json, call: Call) -> Json:
        """A new session as Graph answers it."""
        shown = event_id(event, call.preferences)
        expires = utc_text(self._clock.now() + LIFE)
        row = {
            **wanted,
            "id": self._identifiers.attachment(),
            "token": self._identifiers.guid(),
            "user": event["user"],
            "event": shown,
            "received": 0,
            "expires": expires,
            "expiresAt": (self._clock.now() + LIFE).timestamp(),
        }
        self._tables.put("uploads", row["id"], row)
        host = call.root.removesuffix("/v1.0")
        place = f"{host}{UPLOAD_PATH}/Users('{row['user']}')/Events('{shown}')"
        url = f"{place}/AttachmentSessions('{row['id']}')?authtoken={row['token']}"
        return {"uploadUrl": url, "expirationDateTime": expires, "nextExpectedRanges": ["0-"]}

    # --- the pre-authenticated URL ---------------------------------------------------------------

    def answer(self, call: Call) -> Answer:
        """PUT of a piece, or DELETE of the session."""
        if "authorization" in call.headers:
            raise GraphError(
                401,
                "InvalidAuthenticationToken",
                "The upload URL is pre-authenticated: send no Authorization.",
            )
        session = self._session(call)
        if call.method == "DELETE":
            self._end(session)
            return Answer(204)
        if call.method != "PUT":
            raise GraphError(405, "ErrorInvalidRequest", "The OData request is not supported.")
        return self._put(session, call)

    def _session(self, call: Call) -> Json:
        names = [segment.lower() for segment in call.segments[::2]]
        if names != ["users", "events", "attachmentsessions"] or len(call.segments) != 6:
            raise item_not_found()
        session: Json | None = self._tables.get("uploads", call.segments[5])
        place = (call.segments[1], call.segments[3])
        if session is None or place != (session["user"], session["event"]):
            raise item_not_found()
        if call.query.get("authtoken") != session["token"] or session["expiresAt"] <= self._clock.time():
            raise GraphError(
                401, "InvalidAuthenticationToken", "The upload URL's token is invalid or expired."
            )
        return session

    def _put(self, session: Json, call: Call) -> Answer:
        content = call.content or b""
        self._check_piece(session, call, content)
        event = self._events.get(session["user"], session["event"])
        received = session["received"] + len(content)
        self._attachments.check_room(event, received)
        self._tables.put("pieces", _piece(session), base64.b64encode(content).decode())
        session = {**session, "received": received}
        if received == session["size"]:
            return self._finished(session, event, call)
        self._tables.put("uploads", session["id"], session)
        context = f"{call.root}/$metadata#Users('{session['user']}')/Events('{session['event']}')"
        body = {
            "@odata.context": f"{context}/AttachmentSessions/$entity",
            "ExpirationDateTime": session["expires"],
            "nextExpectedRanges": [str(received)],
        }
        return Answer(200, body)

    @staticmethod
    def _check_piece(session: Json, call: Call, content: bytes) -> None:
        """In order, of the size it says, within the file, and plain bytes."""
        found = _RANGE.match(call.headers.get("content-range", ""))
        if found is None:
            raise bad_request("The Content-Range header is missing or malformed.", "ErrorInvalidRequest")
        if call.headers.get("content-type", "").partition(";")[0].strip() != "application/octet-stream":
            raise bad_request("The Content-Type must be application/octet-stream.", "ErrorInvalidRequest")
        first, last, total = (int(number) for number in found.groups())
        if total != session["size"] or last >= total or len(content) != last - first + 1:
            raise bad_request(
                "The Content-Range does not fit the content or the file.", "ErrorInvalidRequest"
            )
        if len(content) > LARGEST_PIECE:
            raise bad_request("A piece has at most 4 MB.", "ErrorInvalidRequest")
        if first != session["received"]:
            raise GraphError(416, "ErrorInvalidRequest", f"The next byte expected is {session['received']}.")

    def _finished(self, session: Json, event: Json, call: Call) -> Answer:
        pieces = self._tables.table("pieces")
        keys = sorted(key for key in pieces if key.startswith(f"{session['id']} "))
        content = b"".join(base64.b64decode(pieces[key]) for key in keys)
        reference = self._attachments.new(session["facts"], content)
        self._events.change(event, event["props"], attachments=[*event["attachments"], reference])
        self._end(session)
        place = f"{call.root}/Users('{session['user']}')/Events('{session['event']}')"
        return Answer(201, None, {"Location": f"{place}/Attachments('{reference['id']}')"})

    def _end(self, session: Json) -> None:
        for key in [key for key in self._tables.table("pieces") if key.startswith(f"{session['id']} ")]:
            self._tables.delete("pieces", key)
        self._tables.delete("uploads", session["id"])


def _piece(session: Json) -> str:
    return f"{session['id']} {session['received']:012d}"
