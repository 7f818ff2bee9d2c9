"""``$batch``: up to 20 calls in one envelope, each throttled, counted and answered by itself."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

from local.control import Fault
from local.exchange.call import Answer, Call, split_path, split_query
from local.exchange.errors import GraphError, bad_request
from local.exchange.service import GraphService
from local.wire import ConnectionCut

Json = dict[str, Any]

MAX_PARTS = 20
PARALLEL_PER_MAILBOX = 4
_WRITES = ("POST", "PATCH", "PUT")


async def answer_batch(envelope: Call, service: GraphService) -> Answer:
    """Raises ``ConnectionCut`` where a fault drops one of the parts."""
    parts = _checked_parts(envelope.body())
    calls = {part["id"]: _call(part, envelope) for part in parts}
    faults = {key: service.take_fault(call) for key, call in calls.items()}
    if any(fault and fault.do == "drop-before" for fault in faults.values()):
        raise ConnectionCut
    answers = await _run(parts, calls, faults, service)
    if any(fault and fault.do == "drop-after" for fault in faults.values()):
        raise ConnectionCut
    # The order is the service's own business: clients must go by id.
    return Answer(
        200, {"responses": [_response(part["id"], answers[part["id"]]) for part in reversed(parts)]}
    )


async def _run(
    parts: list[Json], calls: dict[str, Call], faults: dict[str, Fault | None], service: GraphService
) -> dict[str, Answer]:
    """Parts of one mailbox run four at a time, in any order; one that depends on others waits for them."""
    slots: dict[str, asyncio.Semaphore] = {}
    tasks: dict[str, asyncio.Task[Answer]] = {}

    async def run(part: Json) -> Answer:
        call = calls[part["id"]]
        needed = [await tasks[key] for key in part.get("dependsOn") or []]
        if any(answer.status >= 400 for answer in needed):
            error = GraphError(424, "FailedDependency", "A request that this one depends on has failed.")
            return service.refusal(error, call)
        mailbox = call.segments[1].lower() if len(call.segments) > 1 else ""
        async with slots.setdefault(mailbox, asyncio.Semaphore(PARALLEL_PER_MAILBOX)):
            return await service.perform(call, faults[part["id"]])

    for part in parts:
        tasks[part["id"]] = asyncio.create_task(run(part))
    return {key: await task for key, task in tasks.items()}


def _response(identifier: str, answer: Answer) -> Json:
    headers = {"Cache-Control": "private", **answer.headers}
    if answer.body is None:
        return {"id": identifier, "status": answer.status, "headers": headers, "body": None}
    if isinstance(answer.body, bytes):
        body = base64.b64encode(answer.body).decode()
        return {"id": identifier, "status": answer.status, "headers": headers, "body": body}
    headers["Content-Type"] = "application/json; odata.metadata=minimal; odata.streaming=true; charset=utf-8"
    return {"id": identifier, "status": answer.status, "headers": headers, "body": answer.body}


def _call(part: Json, envelope: Call) -> Call:
    """A part inherits who is asking from its envelope, and nothing else."""
    path, _, query = part["url"].partition("?")
    own = {str(name).lower(): str(value) for name, value in (part.get("headers") or {}).items()}
    inherited = {
        name: envelope.headers[name] for name in ("authorization", "x-act-as") if name in envelope.headers
    }
    return Call(
        method=part["method"].upper(),
        segments=split_path(path),
        query=split_query(query),
        headers={**inherited, **{name: value for name, value in own.items() if name != "authorization"}},
        root=envelope.root,
        raw_query=query,
        json_body=part.get("body"),
    )


# --- the envelope -------------------------------------------------------------------------------


def _checked_parts(body: Json) -> list[Json]:
    parts = body.get("requests")
    if not isinstance(parts, list) or not parts:
        raise bad_request("Invalid batch payload format.")
    if len(parts) > MAX_PARTS:
        raise bad_request(f"Number of batch request steps exceeds the maximum value of {MAX_PARTS}.")
    seen: set[str] = set()
    for part in parts:
        _check_part(part, seen)
        seen.add(part["id"])
    return parts


def _check_part(part: Any, seen: set[str]) -> None:
    if not isinstance(part, Mapping) or not all(
        isinstance(part.get(name), str) for name in ("id", "method", "url")
    ):
        raise bad_request("Invalid batch payload format.")
    if part["id"] in seen:
        raise bad_request("Request Id has to be unique in a batch.")
    url = part["url"]
    if "://" in url or url.strip("/").lower().startswith("$batch"):
        raise bad_request(f"Invalid request URL in request id : {part['id']}.")
    has_type = any(str(name).lower() == "content-type" for name in part.get("headers") or {})
    if part["method"].upper() in _WRITES and (part.get("body") is None or not has_type):
        raise bad_request(f"Write request id : {part['id']} does not contain Content-Type header or body.")
    for needed in part.get("dependsOn") or []:
        if needed not in seen:
            raise bad_request(
                f"Request id : {part['id']} depends on {needed}, which does not come before it."
            )
