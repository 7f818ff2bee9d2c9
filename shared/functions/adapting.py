"""Between Azure Functions' HTTP types and ours."""

from __future__ import annotations

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
