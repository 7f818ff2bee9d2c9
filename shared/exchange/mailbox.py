"""One mailbox of Exchange Online, as the engine uses it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.bodies import meeting_block
from shared.engine.ports import CalendarRef, ChangedItem, EventPage, MailboxInfo, Window
from shared.errors import Refused, UnknownResult
from shared.exchange import directory, event_writes, events, series, stamps
from shared.exchange.attachments import EventAttachments
from shared.exchange.calendars import Calendars
from shared.exchange.channel import Channel
from shared.exchange.client import Json, Reply
from shared.exchange.contacts import GraphContacts
from shared.exchange.errors import UNREADABLE
from shared.exchange.occurrences import Occurrences
from shared.exchange.todo import TodoTasks
from shared.model.attachment import Attachment, NewFile
from shared.model.decision import (
    CancelEvent,
    CreateEvent,
    DeleteEvent,
    MarkEvent,
    RemoveOccurrence,
    UpdateEvent,
    UpdateOccurrence,
)
from shared.model.event import ExchangeEvent, Stamps
from shared.model.values import Value

LIST_SIZE = 100
NO_BLOCK = "meetingBlockUnknown"


class GraphMailbox:
    """Implements the engine's ``ExchangeMailbox``. ``time_zone``: the zone that times are written in, by the
    name Exchange gives it. ``requests``: what this object sent, by kind."""

    def __init__(self, channel: Channel, mailbox_id: str, time_zone: str) -> None:
        self._channel = channel
        self._client = channel.client
        self._id = mailbox_id
        self._time_zone = time_zone
        self._calendars = Calendars(channel, self._user, self.events)
        self._occurrences = Occurrences(channel, self._event)
        self._attachments = EventAttachments(channel, self._event)
        self._tasks = TodoTasks(channel, self._user, time_zone)
        self._contacts = GraphContacts(channel, self._user)
        self.requests = channel.requests

    @property
    def contacts(self) -> GraphContacts:
        return self._contacts

    def _user(self) -> Any:
        return self._client.graph.users.by_user_id(self._id)

    def _event(self, event_id: str) -> Any:
        return self._user().events.by_event_id(event_id)

    async def info(self) -> MailboxInfo:
        return await directory.mailbox_info(self._channel, self._id)

    @property
    def tasks(self) -> TodoTasks:
        return self._tasks

    # --- the feed ---------------------------------------------------------------------------------

    async def calendars(self) -> Sequence[CalendarRef]:
        return await self._calendars.own()

    async def calendar_changes(self, calendar: CalendarRef, window: Window, link: str | None) -> EventPage:
        return await self._calendars.changes(calendar, window, link)

    async def tracked_events(self, calendar: CalendarRef, link: str) -> EventPage:
        return await self._calendars.tracked(calendar, link)

    async def newest_events(self, since: datetime) -> Sequence[ChangedItem]:
        return await self._calendars.newest(since)

    async def newest_contacts(self, since: datetime) -> Sequence[ChangedItem]:
        return await self._contacts.newest(since)

    # --- reading by id ----------------------------------------------------------------------------

    async def events(self, ids: Sequence[str]) -> Mapping[str, ExchangeEvent | None]:
        bodies = await self._each("event", ids, events.FIELDS, (stamps.EXPAND,))
        return {event_id: _read(body) if body is not None else None for event_id, body in bodies.items()}

    async def series(self, ids: Sequence[str]) -> Mapping[str, ExchangeEvent | None]:
        bodies = await self._each("series", ids, series.FIELDS, series.EXPAND)
        return {
            event_id: _read(await self._with_all(body), series.decode) if body is not None else None
            for event_id, body in bodies.items()
        }

    async def _with_all(self, body: Json) -> Json:
        """Should Graph page what it expands: an exception that is missing would pass for a plain one."""
        link = body.get(series.MORE_EXCEPTIONS)
        if link is None:
            return body
        request = self._client.follow("series", self._client.checked_link(link))
        more = [row async for row in self._channel.rows(request)]
        return {**body, series.EXCEPTIONS: [*body[series.EXCEPTIONS], *more]}

    async def stamps(self, ids: Sequence[str]) -> Mapping[str, Stamps | None]:
        bodies = await self._each("stamps", ids, ("id",), (stamps.EXPAND,))
        return {
            event_id: events.decode_stamps(body) if body is not None else None
            for event_id, body in bodies.items()
        }

    async def _each(
        self, kind: str, ids: Sequence[str], select: Sequence[str], expand: Sequence[str]
    ) -> dict[str, Json | None]:
        requests = {
            event_id: self._client.get(kind, self._event(event_id), select=list(select), expand=list(expand))
            for event_id in ids
        }
        return await self._channel.read_each(requests) if requests else {}

    # --- finding ----------------------------------------------------------------------------------

    async def stamped_events(self) -> Mapping[str, Stamps]:
        rows = await self._search("stamped_events", stamps.STAMPED, ["id"])
        return {str(row["id"]): events.decode_stamps(row) for row in rows}

    async def find_by_ical_uid(self, ical_uid: str) -> Sequence[ExchangeEvent]:
        text = ical_uid.replace("'", "''")
        rows = await self._search("find_by_ical_uid", f"iCalUId eq '{text}'", list(events.FIELDS))
        return [_read(row) for row in rows]

    async def find_by_crm_id(self, dynamics_id: str) -> Sequence[ExchangeEvent]:
        rows = await self._search("find_by_crm_id", stamps.names_row(dynamics_id), list(events.FIELDS))
        return [_read(row) for row in rows]

    async def _search(self, kind: str, condition: str, select: list[str]) -> list[Json]:
        """In every calendar of the mailbox: ``/users/{id}/events`` lists the default one only."""
        rows: list[Json] = []
        for calendar in await self._calendars.known():
            user = self._user()
            place = user if calendar.is_default else user.calendars.by_calendar_id(calendar.id)
            request = self._client.get(
                kind, place.events, filter=condition, select=select, expand=[stamps.EXPAND], top=LIST_SIZE
            )
            rows += [row async for row in self._channel.rows(request)]
        return rows

    # --- writing ----------------------------------------------------------------------------------

    async def create_event(self, write: CreateEvent) -> ExchangeEvent:
        body = event_writes.create(write, self._time_zone)
        request = self._client.write("create_event", "POST", self._user().events, body)
        return _written(await self._channel.send(request), write.stamps)

    async def update_event(self, write: UpdateEvent) -> ExchangeEvent:
        """The answer shows no stamps."""
        body = event_writes.update(write, self._time_zone)
        if write.keeps_meeting and "body" in write.values:
            body["body"] = await self._around_meeting(write.id, write.values["body"])
        self._occurrences.forget(write.id)
        return _written(await self._patch("update_event", write.id, body, write.etag))

    async def update_occurrence(self, write: UpdateOccurrence) -> ExchangeEvent:
        body = event_writes.occurrence(write, self._time_zone)

        async def send(event_id: str, etag: str | None) -> Reply:
            if write.keeps_meeting and "body" in write.values:
                body["body"] = await self._around_meeting(event_id, write.values["body"])
            return await self._patch("update_occurrence", event_id, body, etag)

        return _written(await self._occurrences.apply(write, send))

    async def remove_occurrence(self, write: RemoveOccurrence) -> None:
        """A cancellation cannot be made conditional."""

        async def send(event_id: str, etag: str | None) -> None:
            if write.cancel:
                await self._cancel("cancel_occurrence", event_id, {})
            else:
                await self._delete("delete_occurrence", event_id, etag)

        await self._occurrences.apply(write, send)

    async def _around_meeting(self, event_id: str, value: Value) -> Json:
        """The body as it is stored, with the meeting's block where it was and the new content around it."""
        client = self._client.asking_for("html")
        request = client.get("meeting_body", self._event(event_id), select=["id", "body", "onlineMeeting"])
        found = (await self._channel.send(request)).body
        document = str((found.get("body") or {}).get("content") or "")
        try:
            content = meeting_block.spliced(document, events.join_url(found.get("onlineMeeting")), value)
        except meeting_block.UnknownBlock as error:
            raise Refused(f"{error}; writing it could end the online meeting", code=NO_BLOCK) from error
        return event_writes.html_body(content)

    async def mark_event(self, write: MarkEvent) -> ExchangeEvent:
        """The answer has the stamps that were written, not those that were left alone."""
        body = event_writes.mark(write)
        return _written(await self._patch("mark_event", write.id, body, write.etag), write.stamps)

    async def _patch(self, kind: str, event_id: str, body: Json, etag: str | None) -> Reply:
        return await self._channel.send(self._client.write(kind, "PATCH", self._event(event_id), body, etag))

    async def cancel_event(self, write: CancelEvent) -> None:
        await self._cancel("cancel_event", write.id, {"comment": write.comment} if write.comment else {})

    async def _cancel(self, kind: str, event_id: str, body: Json) -> None:
        await self._channel.send(self._client.write(kind, "POST", self._event(event_id).cancel, body))

    async def delete_event(self, write: DeleteEvent) -> None:
        await self._delete("delete_event", write.id, write.etag)

    async def _delete(self, kind: str, event_id: str, etag: str | None) -> None:
        await self._channel.send(self._client.delete(kind, self._event(event_id), etag))

    # --- attachments ------------------------------------------------------------------------------

    async def attachments(self, event_id: str) -> Sequence[Attachment]:
        return await self._attachments.all(event_id)

    async def attachment_content(self, event_id: str, attachment_id: str) -> bytes:
        return await self._attachments.content(event_id, attachment_id)

    async def add_attachment(self, event_id: str, file: NewFile) -> None:
        await self._attachments.add(event_id, file)

    async def remove_attachment(self, event_id: str, attachment_id: str) -> None:
        await self._attachments.remove(event_id, attachment_id)


def _decoded(body: Json) -> ExchangeEvent:
    return events.decode(body, marks=Stamps())


def _read(body: Json, decode: Callable[[Json], ExchangeEvent] = _decoded) -> ExchangeEvent:
    """An event that cannot be read must not look like one that is gone."""
    try:
        return decode(body)
    except events.UnreadableEvent as error:
        raise Refused(f"an event cannot be read: {error}", code=UNREADABLE) from error


def _written(reply: Reply, marks: Stamps | None = None) -> ExchangeEvent:
    """The write was done, but what Graph has stored is not known."""
    try:
        return events.decode(reply.body, marks=stamps.as_read(marks) if marks else None)
    except events.UnreadableEvent as error:
        raise UnknownResult(f"the answer to a write cannot be read: {error}", code=UNREADABLE) from error
