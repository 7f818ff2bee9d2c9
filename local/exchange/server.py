"""The stand-in for Exchange Online as an HTTP server: Graph under ``/v1.0``, control under ``/_control``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random, SystemRandom
from types import TracebackType

import aiohttp
from aiohttp import web

from local.clock import Clock
from local.control import Control, carry_out, drop
from local.exchange.attachment_routes import AttachmentRoutes
from local.exchange.attachments import Attachments
from local.exchange.batch import ConnectionCutError, answer_batch
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
from local.exchange.notifier import Notifier
from local.exchange.outbox import Outbox
from local.exchange.permission_routes import PermissionRoutes
from local.exchange.personal_items import PersonalItems
from local.exchange.response_routes import ResponseRoutes
from local.exchange.service import GraphService, planned_refusal
from local.exchange.subscriptions import SubscriptionRoutes, Subscriptions
from local.exchange.uploads import UPLOAD_PATH, Uploads
from local.exchange.view_routes import ViewRoutes
from local.journaled import JournaledTables

LARGEST_BODY = 4 * 1024 * 1024
LATENCY_SECONDS = 0.004
_JSON = "application/json; odata.metadata=minimal; odata.streaming=true; charset=utf-8"


class ExchangeOnline:
    """``async with ExchangeOnline() as exchange: exchange.url``, on loopback, on a free port by default."""

    def __init__(
        self,
        clock: Clock | None = None,
        journal: Path | None = None,
        port: int = 0,
        random: Random | None = None,
        latency: float = LATENCY_SECONDS,
    ) -> None:
        self.clock = clock or Clock()
        self._tables = JournaledTables(journal)
        self._port = port
        self._identifiers = Identifiers(random or SystemRandom())
        self._latency = latency
        self._runner: web.AppRunner | None = None

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """Where Graph is."""
        return f"{self.host}/v1.0"

    @property
    def control_url(self) -> str:
        return f"{self.host}/_control"

    async def __aenter__(self) -> ExchangeOnline:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        self._session = aiohttp.ClientSession()
        kept_offset = self._tables.get("control", "clock")
        if kept_offset is not None:
            self.clock.advance(float(kept_offset) - self.clock.own_offset)
        app = self._build()
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self._notifier.start()

    async def stop(self) -> None:
        await self._notifier.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        await self._session.close()
        self._tables.close()

    def _build(self) -> web.Application:
        """The composition root: every part with what it needs."""
        tables, clock, identifiers = self._tables, self.clock, self._identifiers
        version, outbox = Version(tables), Outbox(tables, clock)
        directory, calendars = Directory(tables, identifiers), Calendars(tables, identifiers)
        events = Events(tables, identifiers, clock, version)
        personal = PersonalItems(Parts(tables, identifiers, clock, version))
        for user in directory.all():  # of a journal from before mailboxes had contacts and tasks
            personal.equip(user)
        attachments = Attachments(tables, identifiers, clock)
        events.listeners.append(attachments.event_changed)
        self._uploads = Uploads(tables, clock, identifiers, events, attachments)
        meetings = Meetings(directory, calendars, events, attachments, outbox, clock)
        tokens = DeltaTokens(tables, clock)
        subscriptions = Subscriptions(tables, clock, directory, personal.folders, identifiers)
        self._notifier = Notifier(tables, clock, events, subscriptions, identifiers, self._session)
        personal.contacts.listeners.append(self._notifier.contact_changed)
        control = Control(tables, clock)
        self._service = GraphService(tables, clock, directory, identifiers, control, self._latency)
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
        SubscriptionRoutes(subscriptions, identifiers, self._session).add_to(router)
        app = web.Application(client_max_size=LARGEST_BODY)
        control.add_routes(app)
        ControlRoutes(
            tables,
            directory,
            calendars,
            events,
            meetings,
            attachments,
            personal,
            outbox,
            self._notifier,
            subscriptions,
            tokens,
            version,
            identifiers,
        ).add_to(app)
        app.router.add_route("*", "/{path:.*}", self._serve)
        return app

    # --- one request ----------------------------------------------------------------------------

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        call = _read_call(request, self.url)
        if call is None:
            return web.Response(status=404)
        try:
            call.content = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return _written(self._service.refusal(_too_large(), call))
        if call.upload:
            return await self._serve_upload(call, request)
        handle = self._batch if call.path.lower() == "/$batch" else self._single
        fault = self._service.take_fault(call)

        async def answer() -> web.StreamResponse:
            try:
                return _written(await handle(call))
            except ConnectionCutError:
                return drop(request)

        if fault is not None and fault.status is not None:
            return _written(await self._service.perform(call, fault))
        return await carry_out(fault, request, answer, lambda status, _: web.Response(status=status))

    async def _serve_upload(self, call: Call, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.StreamResponse:
            return _written(self._service.perform_upload(call, self._uploads.answer))

        def refuse(status: int, retry_after: int | None) -> web.StreamResponse:
            return _written(self._service.refusal(planned_refusal(status, retry_after), call))

        return await carry_out(self._service.take_fault(call), request, answer, refuse)

    async def _single(self, call: Call) -> Answer:
        return await self._service.perform(call)

    async def _batch(self, call: Call) -> Answer:
        try:
            self._service.admit_batch(call)
            return await answer_batch(call, self._service)
        except GraphError as error:
            return self._service.refusal(error, call)


def _read_call(request: web.Request, root: str) -> Call | None:
    """Without its content; None for a path that is nobody's."""
    raw_path, _, raw_query = request.raw_path.partition("?")
    upload = raw_path.startswith(f"{UPLOAD_PATH}/")
    version = UPLOAD_PATH if upload else "/v1.0"
    if not upload and raw_path.strip("/").partition("/")[0] != "v1.0":
        return None
    path = raw_path.lstrip("/")[len(version) :]
    return Call(
        method=request.method,
        segments=split_path(path),
        query=split_query(raw_query),
        headers={name.lower(): value for name, value in request.headers.items()},
        root=f"http://{request.host}{version}" if request.host else root,
        raw_query=raw_query,
        content=b"",
        upload=upload,
    )


def _too_large() -> GraphError:
    return GraphError(413, "BadRequest", "The maximum request length supported is 4MB.")


def _written(answer: Answer) -> web.Response:
    response = web.Response(status=answer.status, body=answer.payload(), headers=answer.headers)
    if answer.body is not None and not isinstance(answer.body, bytes):
        response.headers["Content-Type"] = _JSON
    return response


async def serve(port: int, state: Path | None, clock_file: Path | None, stopped: asyncio.Event) -> None:
    """Run until told to stop."""
    journal = state / "exchange.journal" if state else None
    async with ExchangeOnline(Clock(clock_file), journal, port):
        await stopped.wait()
