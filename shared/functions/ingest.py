"""Role ``ingest``: the public endpoints. They may look up subscriptions and send to the queues, no more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import azure.functions as func

from shared import telemetry, wiring
from shared.errors import SyncError
from shared.functions.adapting import request_of, response_of, traceparent_of
from shared.web import notifications
from shared.web.http import Answer, error_answer

blueprint = func.Blueprint()


async def _with_edge(
    context: func.Context, handle: Callable[[wiring.Edge], Awaitable[Answer]]
) -> func.HttpResponse:
    """503 while queues or tables cannot be reached: whoever tells us something tells it again. The messages
    that are sent belong to the trace of this call."""
    with telemetry.span("edge", traceparent_of(context), quiet=True):
        try:
            edge = await wiring.edge()
        except SyncError:
            return response_of(error_answer(503, "notReady", "It could not be queued; send it again."))
        return response_of(await handle(edge))


@blueprint.function_name("graph_notifications")
@blueprint.route("graph/notifications", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def graph_notifications(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Change notifications of Microsoft Graph; anonymous, guarded by the client state."""
    return await _with_edge(
        context,
        lambda edge: notifications.graph(
            request_of(req), edge.subscriptions, edge.jobs, edge.now, lifecycle=False
        ),
    )


@blueprint.function_name("graph_lifecycle")
@blueprint.route("graph/lifecycle", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def graph_lifecycle(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Lifecycle events of our subscriptions; anonymous, guarded by the client state."""
    return await _with_edge(
        context,
        lambda edge: notifications.graph(
            request_of(req), edge.subscriptions, edge.jobs, edge.now, lifecycle=True
        ),
    )


@blueprint.function_name("dynamics_changes")
@blueprint.route("dynamics/changes", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def dynamics_changes(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Dataverse's web hook; anonymous, guarded by its key."""
    settings = wiring.settings()
    key, session = settings.dataverse_webhook_key, wiring.feed_session(settings)
    return await _with_edge(
        context, lambda edge: notifications.dynamics(request_of(req), key, session, edge.jobs, edge.now)
    )


@blueprint.function_name("health")
@blueprint.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def health(req: func.HttpRequest) -> func.HttpResponse:
    """Alive, in which role. Says nothing about anybody."""
    del req
    settings = wiring.settings()
    return func.HttpResponse(f'{{"status":"ok","role":"{settings.role}"}}', mimetype="application/json")
