"""Between Azure Functions' HTTP types and ours."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import azure.functions as func

from shared.web.http import Answer, Request


def request_of(req: func.HttpRequest, path: str = "") -> Request:
    return Request(req.method.upper(), path, dict(req.params), dict(req.headers), req.get_body() or b"")


def response_of(answer: Answer) -> func.HttpResponse:
    return func.HttpResponse(
        body=answer.body,
        status_code=answer.status,
        headers=dict(answer.headers),
        mimetype=answer.content_type.split(";")[0],
        charset="utf-8",
    )


def waited_seconds(enqueued: datetime | None, now: datetime) -> float:
    """How long a message lay in its queue since it could be received; without a zone the time is UTC."""
    if enqueued is None:
        return 0.0
    moment = enqueued if enqueued.tzinfo else enqueued.replace(tzinfo=UTC)
    return max((now - moment).total_seconds(), 0.0)


def traceparent_of(context: Any) -> str:
    """The host's own trace context of this invocation, so that its record and ours share a trace."""
    return str(getattr(getattr(context, "trace_context", None), "trace_parent", None) or "")
