"""Lists of events: ``/events``, ``calendarView`` with its delta, and the ``instances`` of a series."""

from __future__ import annotations

from typing import Any

from local.exchange.access import mailbox_of
from local.exchange.calendar_view import parse_window, view_rows
from local.exchange.call import Answer, Call
from local.exchange.delta import CalendarDelta
from local.exchange.directory import Directory
from local.exchange.errors import bad_request
from local.exchange.event_routes import EventRoutes, applied, with_extended
from local.exchange.event_view import shown
from local.exchange.events import Events
from local.exchange.odata import Options, next_link, parse_options, projected, sort_rows
from local.exchange.preferences import Preferences
from local.exchange.routing import Router
from local.exchange.series import is_master

Json = dict[str, Any]

_IN_UTC = Preferences()


class ViewRoutes:
    """Handlers that answer many events."""

    def __init__(
        self, directory: Directory, events: Events, event_routes: EventRoutes, delta: CalendarDelta
    ) -> None:
        self._directory = directory
        self._events = events
        self._one = event_routes
        self._delta = delta

    def add_to(self, router: Router) -> None:
        for calendar in ("users/{user}", "users/{user}/calendar", "users/{user}/calendars/{calendar}"):
            router.add("GET", f"{calendar}/events", self.list_events)
            router.add("GET", f"{calendar}/events/{{event}}/instances", self.instances)
            router.add("GET", f"{calendar}/events/delta", self.events_delta)
            router.add("GET", f"{calendar}/calendarView", self.view)
            router.add("GET", f"{calendar}/calendarView/delta", self.delta)

    def list_events(self, call: Call) -> Answer:
        """Single events and series masters of one calendar."""
        user = mailbox_of(call, self._directory)
        events = self._events.in_calendar(self._one.calendar(call, user)["id"])
        options = parse_options(call)
        if options.test is None and not options.order:
            rows = [{"event": event} for event in events]
        else:
            rows = [{"event": event, "shown": shown(event, _IN_UTC)} for event in events]
        return self._page(call, user, rows, options, "events")

    def view(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        events = self._events.in_calendar(self._one.calendar(call, user)["id"])
        window, options = parse_window(call), parse_options(call)
        rows = list(view_rows(events, window, call.preferences))
        if not options.order:
            rows.sort(key=lambda row: str(row["shown"]["start"]["dateTime"]))
        return self._page(call, user, rows, options, "calendarView")

    def instances(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        master = self._one.event(call, user)
        window, options = parse_window(call), parse_options(call)
        if not is_master(master):
            raise bad_request("The event is not the master of a series.", "ErrorInvalidRequest")
        rows = list(view_rows([master], window, call.preferences))
        return self._page(call, user, rows, options, "instances")

    def delta(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        return self._delta.page(call, self._one.calendar(call, user)["id"])

    def events_delta(self, call: Call) -> Answer:
        """Only in beta, whatever the v1.0 metadata says."""
        mailbox_of(call, self._directory)
        raise bad_request(
            "Unsupported request: Change tracking is not supported against 'microsoft.graph.event'."
        )

    def _page(self, call: Call, user: Json, rows: list[Json], options: Options, name: str) -> Answer:
        if options.test is not None:
            rows = [row for row in rows if options.test({**row, "extended": row["event"]["extended"]})]
        rows = sort_rows(rows, options.order)
        size = min(options.top, call.preferences.page_size or options.top)
        page = rows[options.skip : options.skip + size]
        chosen = f"({','.join(options.select)})" if options.select else ""
        body: Json = {"@odata.context": f"{call.root}/$metadata#users('{user['id']}')/{name}{chosen}"}
        if options.count:
            body["@odata.count"] = len(rows)
        body["value"] = [self._row(call, row, options, name) for row in page]
        if options.skip + size < len(rows):
            body["@odata.nextLink"] = next_link(call, **{"$skip": str(options.skip + size)})
        return Answer(200, body, applied(call))

    def _row(self, call: Call, row: Json, options: Options, name: str) -> Json:
        whole = shown(row["event"], call.preferences) if name == "events" else row["shown"]
        return projected(with_extended(whole, row["event"], options), options.select)
