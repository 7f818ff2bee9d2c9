"""The calendars of a mailbox, and the feed of each: ``calendarView/delta``, a page at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from shared.engine.ports import CalendarRef, ChangedItem, EventPage, Window
from shared.errors import Refused
from shared.exchange import events, stamps
from shared.exchange.channel import Channel
from shared.exchange.client import Json, Request
from shared.exchange.newest import NEWEST, newest
from shared.model.event import ExchangeEvent, Stamps
from shared.rules.tracking import TRACKED_CATEGORY

PAGE_SIZE = 100
_FIELDS = ("id", "name", "isDefaultCalendar", "canEdit", "owner")

Read = Callable[[Sequence[str]], Awaitable[Mapping[str, ExchangeEvent | None]]]


class Calendars:
    """``user`` builds the requests of the mailbox; ``read`` reads events by id."""

    def __init__(self, channel: Channel, user: Callable[[], Any], read: Read) -> None:
        self._channel = channel
        self._client = channel.client
        self._user = user
        self._read = read
        self._known: list[CalendarRef] = []

    async def known(self) -> list[CalendarRef]:
        """As read last by this object; a pass is short."""
        return self._known or await self.own()

    async def own(self) -> list[CalendarRef]:
        """The default one and those with the same owner that can be edited: not Birthdays, not holidays, not
        what others share."""
        request = self._client.get(
            "calendars", self._user().calendars, PAGE_SIZE, select=list(_FIELDS), top=100
        )
        rows = [row async for row in self._channel.rows(request, PAGE_SIZE)]
        owner = next((_owner(row) for row in rows if row.get("isDefaultCalendar")), None)
        self._known = [_reference(row) for row in rows if _is_own(row, owner)]
        return self._known

    async def changes(self, calendar: CalendarRef, window: Window, link: str | None) -> EventPage:
        request = self._client.follow("delta", link, PAGE_SIZE) if link else self._first(calendar, window)
        body = (await self._channel.send(request)).body
        done = "@odata.deltaLink" in body
        following = self._client.checked_link(body.get("@odata.deltaLink") or body.get("@odata.nextLink"))
        page = _Page(calendar.id)
        for number, row in enumerate(body.get("value") or ()):
            page.take(number, row)
        await self._complete(page)
        return EventPage(tuple(page.events), tuple(page.removed), following, done, page.broken)

    async def tracked(self, calendar: CalendarRef, link: str) -> EventPage:
        """A list's ``$expand`` shows the stamps, which a feed cannot."""
        kind, client = "tracked_events", self._client
        request = client.follow(kind, link) if link else self._marked(kind, calendar)
        body = (await self._channel.send(request)).body
        following = body.get("@odata.nextLink")
        page = _Page(calendar.id, Stamps())
        for number, row in enumerate(body.get("value") or ()):
            page.take(number, row)
        await self._complete(page)
        onward = client.checked_link(following) if following else ""
        return EventPage(tuple(page.events), (), onward, not following, page.broken)

    def _marked(self, kind: str, calendar: CalendarRef) -> Request:
        return self._client.get(
            kind,
            self._place(calendar).events,
            filter=stamps.marked(TRACKED_CATEGORY),
            select=list(events.FIELDS),
            expand=[stamps.EXPAND],
            top=PAGE_SIZE,
        )

    async def newest(self, since: datetime) -> list[ChangedItem]:
        found = []
        for calendar in await self.known():
            request = self._client.get("newest_events", self._place(calendar).events, **NEWEST)
            found += await newest(self._channel, request, since, calendar.id)
        return found

    def _place(self, calendar: CalendarRef) -> Any:
        user = self._user()
        return user if calendar.is_default else user.calendars.by_calendar_id(calendar.id)

    def _first(self, calendar: CalendarRef, window: Window) -> Request:
        return self._client.get(
            "delta",
            self._place(calendar).calendar_view.delta,
            PAGE_SIZE,
            startDateTime=_utc(window.start),
            endDateTime=_utc(window.end),
        )

    async def _complete(self, page: _Page) -> None:
        """Rows that show only what changed are read by id; one that is gone meanwhile is a removed row."""
        if not page.partial:
            return
        try:
            found = await self._read(page.partial)
        except Refused as error:
            page.broken |= dict.fromkeys(page.partial, str(error))
            return
        for event_id in page.partial:
            event = found[event_id]
            if event is None:
                page.removed.append(event_id)
            else:
                page.events.append(event)


class _Page:
    """What a page's rows turn out to be. ``marks``: the stamps of rows that show none."""

    def __init__(self, calendar_id: str, marks: Stamps | None = None) -> None:
        self.events: list[ExchangeEvent] = []
        self.removed: list[str] = []
        self.partial: list[str] = []
        self.broken: dict[str, str] = {}
        self._calendar_id = calendar_id
        self._marks = marks

    def take(self, number: int, row: Any) -> None:
        event_id = row.get("id") if isinstance(row, dict) else None
        if not isinstance(event_id, str) or not event_id:
            self.broken[f"row {number}"] = "no id"
        elif "@removed" in row:
            self.removed.append(event_id)
        elif not events.is_complete(row):
            self.partial.append(event_id)
        else:
            self._decode(event_id, row)

    def _decode(self, event_id: str, row: Json) -> None:
        try:
            self.events.append(events.decode(row, calendar_id=self._calendar_id, marks=self._marks))
        except events.UnreadableEvent as error:
            self.broken[event_id] = str(error)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _owner(row: Json) -> str:
    return str((row.get("owner") or {}).get("address") or "").lower()


def _is_own(row: Json, owner: str | None) -> bool:
    return bool(row.get("isDefaultCalendar")) or (bool(row.get("canEdit")) and _owner(row) == owner)


def _reference(row: Json) -> CalendarRef:
    return CalendarRef(str(row["id"]), str(row.get("name") or ""), bool(row.get("isDefaultCalendar")))
