"""The admin API's handlers for profiles: their settings, their fields, and the organization's settings."""

from __future__ import annotations

import re

from shared.model.profile import Profile
from shared.web import profile_fields, profile_organization, profile_settings
from shared.web.call import Call
from shared.web.http import Answer, BadRequest, json_answer, json_body

PROFILE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


async def list_all(call: Call) -> Answer:
    profiles = await call.services.profiles.all()
    return json_answer(200, {"value": [profile_settings.profile_json(each) for each in profiles]})


async def get(call: Call) -> Answer:
    return json_answer(200, profile_settings.profile_json(await _profile(call)))


async def put(call: Call) -> Answer:
    name = call.parts["id"]
    if not PROFILE_ID.fullmatch(name):
        raise BadRequest("A profile's id has letters, digits, '-' and '_', 64 at most.")
    profile = await call.services.profiles.get(name) or Profile(id=name)
    changed = profile_settings.profile_from(profile, json_body(call.request))
    await call.services.profiles.put(changed)
    return json_answer(200, profile_settings.profile_json(changed))


async def get_fields(call: Call) -> Answer:
    entity = call.request.query.get("entity", "").strip()
    return json_answer(200, {"value": profile_fields.fields_json(await _profile(call), entity)})


async def put_fields(call: Call) -> Answer:
    changed = profile_fields.with_directions(await _profile(call), json_body(call.request))
    await call.services.profiles.put(changed)
    return json_answer(200, {"value": profile_fields.fields_json(changed)})


async def get_settings(call: Call) -> Answer:
    """The organization's own values are read from Dynamics now."""
    profile = await _profile(call)
    organization = await call.services.dynamics.organization()
    return json_answer(200, {"value": profile_organization.settings_json(profile, organization)})


async def _profile(call: Call) -> Profile:
    name = call.parts["id"]
    found = await call.services.profiles.get(name) if PROFILE_ID.fullmatch(name) else None
    if found is None:
        raise BadRequest(
            "There is no profile with this id; GET /profiles lists them.", status=404, code="notFound"
        )
    return found
