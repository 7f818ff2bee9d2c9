"""Role ``ingest``: the public endpoints. They may look up subscriptions and send to the queues, no more."""

from __future__ import annotations

import azure.functions as func

from shared import wiring
from shared.functions.adapting import request_of, response_of
from shared.web import notifications

blueprint = func.Blueprint()


@blueprint.function_name("graph_notifications")
@blueprint.route("graph/notifications", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def graph_notifications(req: func.HttpRequest) -> func.HttpResponse:
    """Change notifications of Microsoft Graph; anonymous, guarded by the client state."""
    edge = await wiring.edge()
    answer = await notifications.graph(
        request_of(req), edge.subscriptions, edge.jobs, edge.now, lifecycle=False
    )
    return response_of(answer)


@blueprint.function_name("graph_lifecycle")
@blueprint.route("graph/lifecycle", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def graph_lifecycle(req: func.HttpRequest) -> func.HttpResponse:
    """Lifecycle events of our subscriptions; anonymous, guarded by the client state."""
    edge = await wiring.edge()
    answer = await notifications.graph(
        request_of(req), edge.subscriptions, edge.jobs, edge.now, lifecycle=True
    )
    return response_of(answer)


@blueprint.function_name("dynamics_changes")
@blueprint.route("dynamics/changes", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def dynamics_changes(req: func.HttpRequest) -> func.HttpResponse:
    """Dataverse's web hook; anonymous, guarded by its key."""
    edge = await wiring.edge()
    settings = edge.settings
    answer = await notifications.dynamics(
        request_of(req), settings.dataverse_webhook_key, wiring.feed_session(settings), edge.jobs, edge.now
    )
    return response_of(answer)


@blueprint.function_name("health")
@blueprint.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def health(req: func.HttpRequest) -> func.HttpResponse:
    """Alive, in which role. Says nothing about anybody."""
    del req
    settings = wiring.settings()
    return func.HttpResponse(f'{{"status":"ok","role":"{settings.role}"}}', mimetype="application/json")
