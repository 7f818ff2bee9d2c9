"""A profile's settings in the admin API: how they look, and how they are changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Any

from shared.model.profile import Brake, ContactAddresses, ContactDeletion, PrivateItems, Profile
from shared.model.scheduling import SchedulingPolicy
from shared.web.http import BadRequest
from shared.web.profile_fields import with_entities
from shared.web.profile_organization import with_overrides

WINDOW_LIMIT = 1825
BRAKE_LIMIT = 1_000_000
MINUTES_A_DAY = 1440
HOURS_A_WEEK = 168

Check = Callable[[str, Any], Any]
"""The value of a setting of that name, or BadRequest."""


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadRequest(f"'{name}' must be true or false.")
    return value


def _number(name: str, value: Any, lowest: int, highest: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise BadRequest(f"'{name}' must be a whole number from {lowest} to {highest}.")
    return value


def _within(lowest: int, highest: int) -> Check:
    return lambda name, value: _number(name, value, lowest, highest)


def _one_of(choices: type[StrEnum]) -> Check:
    def check(name: str, value: Any) -> StrEnum:
        allowed = [choice.value for choice in choices]
        if value not in allowed:
            raise BadRequest(f"'{name}' must be one of: {', '.join(allowed)}.")
        return choices(value)

    return check


_PLAIN: dict[str, tuple[str, Check]] = {
    "windowPastDays": ("window_past_days", _within(0, WINDOW_LIMIT)),
    "windowFutureDays": ("window_future_days", _within(0, WINDOW_LIMIT)),
    "trackCategorizedContacts": ("track_categorized_contacts", _flag),
    "completeWhenShownAsFree": ("complete_when_shown_as_free", _flag),
    "privateAppointments": ("private_appointments", _one_of(PrivateItems)),
    "recreateDeletedPastInstances": ("recreate_deleted_past_instances", _flag),
    "synchronizeAttachments": ("synchronize_attachments", _flag),
    "schedulingConflicts": ("scheduling_conflicts", _one_of(SchedulingPolicy)),
    "synchronizeContacts": ("synchronize_contacts", _flag),
    "contactAddresses": ("contact_addresses", _one_of(ContactAddresses)),
    "contactDeletion": ("contact_deletion", _one_of(ContactDeletion)),
    "companyFromParent": ("company_from_parent", _flag),
    "synchronizeTasks": ("synchronize_tasks", _flag),
    "taskPollingMinutes": ("task_polling_minutes", _within(0, MINUTES_A_DAY)),
    "reconcileHours": ("reconcile_hours", _within(1, HOURS_A_WEEK)),
}
"""Settings that are one value, with the attribute of Profile that holds it."""


def profile_json(profile: Profile) -> dict[str, Any]:
    brake = profile.brake
    return {
        "id": profile.id,
        "brake": {"items": brake.items, "people": brake.people, "percent": brake.percent},
        **{name: getattr(profile, attribute) for name, (attribute, _) in _PLAIN.items()},
        "directions": {
            entity: {name: direction.value for name, direction in fields.items()}
            for entity, fields in profile.directions.items()
        },
        "organizationSettings": dict(profile.settings),
    }


def profile_from(profile: Profile, body: dict[str, Any]) -> Profile:
    """``profile`` with the settings named in ``body``; unknown ones are refused (BadRequest)."""
    for name, value in body.items():
        if name == "id":
            if value != profile.id:
                raise BadRequest("A profile's id cannot be changed.")
        elif name in _PLAIN:
            attribute, check = _PLAIN[name]
            profile = replace(profile, **{attribute: check(name, value)})
        elif name in _WITH_PARTS:
            profile = _WITH_PARTS[name](profile, value)
        else:
            known = ", ".join(sorted({*_PLAIN, *_WITH_PARTS}))
            raise BadRequest(f"There is no setting '{name}'. Known settings: {known}.", code="unknownSetting")
    if profile.window_past_days + profile.window_future_days > WINDOW_LIMIT:
        raise BadRequest(f"The calendar window may span at most {WINDOW_LIMIT} days (Exchange's limit).")
    return profile


def _brake(profile: Profile, value: Any) -> Profile:
    if not isinstance(value, dict) or set(value) - {"items", "people", "percent"}:
        raise BadRequest("'brake' must be an object with 'items', 'people' and 'percent'.")
    brake = profile.brake
    items = _number("brake.items", value.get("items", brake.items), 0, BRAKE_LIMIT)
    people = _number("brake.people", value.get("people", brake.people), 0, BRAKE_LIMIT)
    percent = _number("brake.percent", value.get("percent", brake.percent), 1, 100)
    return replace(profile, brake=Brake(items, people, percent))


_WITH_PARTS: dict[str, Callable[[Profile, Any], Profile]] = {
    "brake": _brake,
    "directions": with_entities,
    "organizationSettings": with_overrides,
}
