"""Role ``worker``: the admin API, one catch-all route.

The host refuses routes that begin with the literal ``admin`` (its own surface), whatever the route prefix;
a parameter that can only be ``admin`` gives the same address and is allowed.
"""

from __future__ import annotations

import azure.functions as func

from shared import wiring
from shared.errors import SyncError
from shared.functions.adapting import request_of, response_of
from shared.web import admin_api
from shared.web.http import error_answer

blueprint = func.Blueprint()
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@blueprint.function_name("sync_administration")
@blueprint.route("{surface:regex(^admin$)}/{*path}", methods=METHODS, auth_level=func.AuthLevel.ANONYMOUS)
async def sync_administration(req: func.HttpRequest) -> func.HttpResponse:
    """Guarded by the platform (Entra app roles) in Azure, by the loopback address locally."""
    request = request_of(req, str(req.route_params.get("path") or ""))
    try:
        services = await wiring.services()
    except SyncError as error:
        code = error.code or type(error).__name__
        return response_of(
            error_answer(503, "notReady", f"Table Storage cannot be reached ({code}); ask again in a minute.")
        )
    answer = await admin_api.handle(services, request, wiring.settings().admin_auth, examine=wiring.examine)
    return response_of(answer)
