"""``$batch``: operations one after another, change sets all or nothing, faults and counts per part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit

from local.control import Fault, Sleep
from local.dataverse.call import PATH_PREFIX, Call, Reply
from local.dataverse.callers import OBJECT_ID_HEADER, USER_ID_HEADER
from local.dataverse.errors import refuse
from local.dataverse.faults import faulty_reply
from local.dataverse.multipart import (
    Part,
    PartRequest,
    boundary,
    malformed,
    read_parts,
    read_request,
    write_parts,
    write_reply,
)
from local.dataverse.store import Store
from local.dataverse.web_api import BATCH_URL_LIMIT, WebApi
from local.wire import ConnectionCut

MAXIMUM_OPERATIONS = 1000
INHERITED = ("Authorization", OBJECT_ID_HEADER, USER_ID_HEADER)


@dataclass(frozen=True)
class Operation:
    call: Call
    content_id: str | None


@dataclass(frozen=True)
class ChangeSet:
    operations: tuple[Operation, ...]


@dataclass
class BatchReply:
    status: int
    content_type: str
    body: bytes


class _ChangeSetFailedError(Exception):
    def __init__(self, reply: Reply, content_id: str | None) -> None:
        super().__init__(reply.status)
        self.reply = reply
        self.content_id = content_id


class Batches:
    """Runs envelopes. ``take_fault`` counts a part and says what is to go wrong with it."""

    def __init__(
        self, api: WebApi, store: Store, take_fault: Callable[[Call], Fault | None], sleep: Sleep
    ) -> None:
        self._api = api
        self._store = store
        self._take_fault = take_fault
        self._sleep = sleep

    async def answer(self, envelope: Call) -> BatchReply:
        """All parts' answers in order; stops after the first failure unless told to go on."""
        items = _read(envelope)
        go_on = "odata.continue-on-error" in envelope.preferences
        written: list[bytes] = []
        failed = cut = False
        for item in items:
            if isinstance(item, ChangeSet):
                part, ok, cut_now = await self._change_set(item)
            else:
                part, ok, cut_now = await self._operation(item)
            written.append(part)
            cut |= cut_now
            if not ok and not go_on:
                failed = True
                break
        if cut:
            raise ConnectionCut
        content_type, body = write_parts("batchresponse", written)
        return BatchReply(400 if failed else 200, content_type, body)

    async def _operation(self, operation: Operation) -> tuple[bytes, bool, bool]:
        fault = self._take_fault(operation.call)
        await self._wait(fault)
        reply = self._run(operation.call, fault)
        return write_reply(reply, operation.content_id), reply.status < 400, _cuts(fault)

    async def _change_set(self, change_set: ChangeSet) -> tuple[bytes, bool, bool]:
        faults = [self._take_fault(operation.call) for operation in change_set.operations]
        for fault in faults:
            await self._wait(fault)
        mark = len(self._api.records.events)
        try:
            with self._store.atomic():
                parts = self._run_all(change_set, faults)
        except _ChangeSetFailedError as failure:
            del self._api.records.events[mark:]
            return write_reply(failure.reply, failure.content_id), False, False
        except ConnectionCut:
            del self._api.records.events[mark:]
            raise
        content_type, body = write_parts("changesetresponse", parts)
        head = f"Content-Type: {content_type}\r\n\r\n".encode()
        return head + body, True, any(_cuts(fault) for fault in faults)

    def _run_all(self, change_set: ChangeSet, faults: list[Fault | None]) -> list[bytes]:
        references: dict[str, str] = {}
        parts: list[bytes] = []
        for operation, fault in zip(change_set.operations, faults, strict=True):
            call = self._api.resolve(replace(operation.call, references=references))
            reply = self._run(call, fault)
            if reply.status >= 400:
                raise _ChangeSetFailedError(reply, operation.content_id)
            if operation.content_id and "OData-EntityId" in reply.headers:
                row = reply.headers["OData-EntityId"].removeprefix(f"{call.base_url}/")
                references = {**references, f"${operation.content_id}": row}
            parts.append(write_reply(reply, operation.content_id))
        return parts

    async def _wait(self, fault: Fault | None) -> None:
        if fault is not None and fault.do == "delay":
            await self._sleep(fault.seconds)

    def _run(self, call: Call, fault: Fault | None) -> Reply:
        if fault is not None and fault.do == "drop-before":
            raise ConnectionCut
        if fault is not None and fault.status is not None:
            return faulty_reply(fault.status, fault.retry_after)
        return self._api.answer(call)


def _cuts(fault: Fault | None) -> bool:
    return fault is not None and fault.do == "drop-after"


def _read(envelope: Call) -> list[Operation | ChangeSet]:
    """The envelope's items, all read before the first is run."""
    mark = boundary(envelope.headers.get("Content-Type", ""))
    items: list[Operation | ChangeSet] = []
    count = 0
    for part in read_parts(envelope.body, mark):
        item = _item(envelope, part)
        count += len(item.operations) if isinstance(item, ChangeSet) else 1
        items.append(item)
    if count > MAXIMUM_OPERATIONS:
        raise refuse("BatchTooLarge", limit=MAXIMUM_OPERATIONS)
    return items


def _item(envelope: Call, part: Part) -> Operation | ChangeSet:
    if not part.content_type.startswith("multipart/mixed"):
        return _operation(envelope, read_request(part))
    inner = read_parts(part.content, boundary(part.content_type))
    operations = tuple(_operation(envelope, read_request(each)) for each in inner)
    if any(operation.call.method == "GET" for operation in operations):
        raise malformed("a change set must not contain GET requests.")
    if any(operation.content_id is None for operation in operations):
        raise malformed("every request of a change set needs a Content-ID.")
    return ChangeSet(operations)


def _operation(envelope: Call, request: PartRequest) -> Operation:
    if len(request.url) > BATCH_URL_LIMIT:
        raise refuse("UrlTooLong", limit=BATCH_URL_LIMIT)
    parts = urlsplit(request.url)
    path = unquote(parts.path)
    if path.startswith(PATH_PREFIX):
        path = path.removeprefix(PATH_PREFIX)
    elif path.lstrip("/").startswith("$"):
        path = path.lstrip("/")
    else:
        raise malformed(f"'{request.url}' does not lead to {PATH_PREFIX}.")
    if path == "$batch":
        raise malformed("batches cannot be nested.")
    headers = request.headers.copy()
    for name in INHERITED:
        if name not in headers and name in envelope.headers:
            headers[name] = envelope.headers[name]
    call = Call(request.method, path, parts.query, headers, request.body, envelope.base_url)
    return Operation(call, request.content_id)
