"""The stand-in for Exchange Online, whatever carries its requests: Graph under ``/v1.0``, control under
``/_control``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random, SystemRandom

from local.clock import Clock
from local.control import Control, ControlTable, Sleep, carry_out, is_control, tell_time
from local.exchange.attachment_routes import AttachmentRoutes
from local.exchange.attachments import Attachments
from local.exchange.batch import answer_batch
from local.exchange.calendars import Calendars
from local.exchange.call import Answer, Call, split_path, split_query
from local.exchange.control_routes import ControlRoutes
from local.exchange.delta import CalendarDelta, DeltaTokens
from local.exchange.directory import Directory
from local.exchange.errors import GraphError
from local.exchange.event_routes import EventRoutes
from local.exchange.events import Events, Version
from local.exchange.identifiers import Identifiers
from local.exchange.item_store import Parts
from local.exchange.mailbox_routes import MailboxRoutes
from local.exchange.meetings import Meetings
from local.exchange.notifier import Notifier, WakeAt
from local.exchange.outbox import Outbox
from local.exchange.permission_routes import PermissionRoutes
from local.exchange.personal_items import PersonalItems
from local.exchange.response_routes import ResponseRoutes
from local.exchange.service import GraphService, planned_refusal
from local.exchange.subscriptions import SubscriptionRoutes, Subscriptions
from local.exchange.uploads import UPLOAD_PATH, Uploads
from local.exchange.view_routes import ViewRoutes
from local.journaled import JournaledTables
from local.wire import Outgoing, WireAnswer, WireRequest

LARGEST_BODY = 4 * 1024 * 1024
LATENCY_SECONDS = 0.004
_JSON = "application/json; odata.metadata=minimal; odata.streaming=true; charset=utf-8"


class ExchangeStandIn:
    """``latency`` is how long it works on a request of the service, ``sleep`` how it waits for that;
    ``wake_at`` is told when the next notification is due, where nobody looks every moment."""

    def __init__(
        self,
        clock: Clock,
        outgoing: Outgoing,
        *,
        journal: Path | None = None,
        random: Random | None = None,
        latency: float = LATENCY_SECONDS,
        sleep: Sleep = asyncio.sleep,
        wake_at: WakeAt | None = None,
    ) -> None:
        self.clock = clock
        self._tables = JournaledTables(journal)
        self._identifiers = Identifiers(random or SystemRandom())
        self._latency = latency
        self._sleep = sleep
        kept_offset = self._tables.get("control", "clock")
        if kept_offset is not None:
            clock.advance(float(kept_offset) - clock.own_offset)
        self._routes = ControlTable()
        self._build(outgoing, wake_at)

    def close(self) -> None:
        self._tables.close()

    def _build(self, outgoing: Outgoing, wake_at: WakeAt | None) -> None:
        """The composition root: every part with what it needs."""
        tables, clock, identifiers = self._tables, self.clock, self._identifiers
        version, self.outbox = Version(tables), Outbox(tables, clock)
        directory, calendars = Directory(tables, identifiers), Calendars(tables, identifiers)
        events = Events(tables, identifiers, clock, version)
        personal = PersonalItems(Parts(tables, identifiers, clock, version))
        for user in directory.all():  # of a journal from before mailboxes had contacts and tasks
            personal.equip(user)
        attachments = Attachments(tables, identifiers, clock)
        events.listeners.append(attachments.event_changed)
        self._uploads = Uploads(tables, clock, identifiers, events, attachments)
        meetings = Meetings(directory, calendars, events, attachments, self.outbox, clock)
        tokens = DeltaTokens(tables, clock)
        subscriptions = Subscriptions(tables, clock, directory, personal.folders, identifiers)
        self.notifier = Notifier(tables, clock, events, subscriptions, identifiers, outgoing, wake_at)
        personal.contacts.listeners.append(self.notifier.contact_changed)
        control = Control(tables, clock)
        self._service = GraphService(
            tables, clock, directory, identifiers, control, self._latency, self._sleep
        )
        one = EventRoutes(tables, directory, calendars, events, meetings, attachments, identifiers)
        router = self._service.router
        one.add_to(router)
        ViewRoutes(directory, events, one, CalendarDelta(events, tokens)).add_to(router)
        ResponseRoutes(directory, events, meetings, one).add_to(router)
        MailboxRoutes(
            tables, directory, calendars, events, personal.contacts, one, identifiers, version
        ).add_to(router)
        personal.add_to(router, directory, tokens)
        AttachmentRoutes(directory, events, attachments, self._uploads, one).add_to(router)
        PermissionRoutes(tables, directory, one, identifiers).add_to(router)
        SubscriptionRoutes(subscriptions, identifiers, outgoing).add_to(router)
        control.add_to(self._routes)
        ControlRoutes(
            tables,
            directory,
            calendars,
            events,
            meetings,
            attachments,
            personal,
            self.outbox,
            self.notifier,
            subscriptions,
            tokens,
            version,
            identifiers,
        ).add_to(self._routes)

    # --- one request ----------------------------------------------------------------------------

    async def answer(self, request: WireRequest) -> WireAnswer:
        """Raises ``ConnectionCut`` where a planned fault cuts the connection."""
        answer = self._routes.answer(request) if is_control(request) else await self._answer(request)
        return tell_time(answer, self.clock)

    async def _answer(self, request: WireRequest) -> WireAnswer:
        call = _read_call(request)
        if call is None:
            return WireAnswer(404)
        if request.too_large or len(request.content) > LARGEST_BODY:
            return _written(self._service.refusal(_too_large(), call))
        if call.upload:
            return await self._upload(call)
        handle = self._batch if call.path.lower() == "/$batch" else self._single
        fault = self._service.take_fault(call)

        async def answer() -> WireAnswer:
            return _written(await handle(call))

        if fault is not None and fault.status is not None:
            return _written(await self._service.perform(call, fault))
        return await carry_out(fault, answer, lambda status, _: WireAnswer(status), self._sleep)

    async def _upload(self, call: Call) -> WireAnswer:
        async def answer() -> WireAnswer:
            return _written(self._service.perform_upload(call, self._uploads.answer))

        def refuse(status: int, retry_after: int | None) -> WireAnswer:
            return _written(self._service.refusal(planned_refusal(status, retry_after), call))

        return await carry_out(self._service.take_fault(call), answer, refuse, self._sleep)

    async def _single(self, call: Call) -> Answer:
        return await self._service.perform(call)

    async def _batch(self, call: Call) -> Answer:
        try:
            self._service.admit_batch(call)
            return await answer_batch(call, self._service)
        except GraphError as error:
            return self._service.refusal(error, call)


def _read_call(request: WireRequest) -> Call | None:
    """None for a path that is nobody's."""
    upload = request.raw_path.startswith(f"{UPLOAD_PATH}/")
    version = UPLOAD_PATH if upload else "/v1.0"
    if not upload and request.raw_path.strip("/").partition("/")[0] != "v1.0":
        return None
    path = request.raw_path.lstrip("/")[len(version) :]
    return Call(
        method=request.method,
        segments=split_path(path),
        query=split_query(request.raw_query),
        headers={name.lower(): value for name, value in request.headers.items()},
        root=f"http://{request.host}{version}",
        raw_query=request.raw_query,
        content=request.content,
        upload=upload,
    )


def _too_large() -> GraphError:
    return GraphError(413, "BadRequest", "The maximum request length supported is 4MB.")


def _written(answer: Answer) -> WireAnswer:
    headers = dict(answer.headers)
    if answer.body is not None and not isinstance(answer.body, bytes):
        headers["Content-Type"] = _JSON
    return WireAnswer(answer.status, answer.payload(), headers)
