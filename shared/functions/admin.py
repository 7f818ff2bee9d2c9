"""Role ``worker``: the admin API, one catch-all route.

The host refuses routes that begin with the literal ``admin`` (its own surface), whatever the route prefix;
a parameter that can only be ``admin`` gives the same address and is allowed.
"""

from __future__ import annotations

import azure.functions as func

from shared import wiring
from shared.functions.adapting import request_of, response_of
from shared.web import admin_api

blueprint = func.Blueprint()
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@blueprint.function_name("sync_administration")
@blueprint.route("{surface:regex(^admin$)}/{*path}", methods=METHODS, auth_level=func.AuthLevel.ANONYMOUS)
async def sync_administration(req: func.HttpRequest) -> func.HttpResponse:
    """Guarded by the platform (Entra app roles) in Azure, by the loopback address locally."""
    request = request_of(req, str(req.route_params.get("path") or ""))
    answer = await admin_api.handle(
        await wiring.services(), request, wiring.settings().admin_auth, examine=wiring.examine
    )
    return response_of(answer)
