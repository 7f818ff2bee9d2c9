"""A profile's settings in the admin API: how they look, and how they are changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from shared.model.profile import (
    Brake,
    ContactAddresses,
    ContactDeletion,
    Polling,
    PrivateItems,
    Profile,
    Retries,
)
from shared.model.scheduling import SchedulingPolicy
from shared.web.http import BadRequest
from shared.web.profile_fields import with_entities
from shared.web.profile_organization import with_overrides

WINDOW_LIMIT = 1825
BRAKE_LIMIT = 1_000_000
MINUTES_A_DAY = 1440
HOURS_A_WEEK = 168

Limits = Mapping[str, tuple[str, int, int]]
"""Of the whole numbers of a setting with parts: the attribute of each, and between what it lies."""
POLLING: Limits = {
    "busyMinutes": ("busy_minutes", 1, 60),
    "normalMinutes": ("normal_minutes", 1, 60),
    "quietMinutes": ("quiet_minutes", 1, 60),
    "notifiedMinutes": ("notified_minutes", 5, 360),
}
RETRIES: Limits = {
    "shortestSeconds": ("shortest_seconds", 1, 300),
    "longestSeconds": ("longest_seconds", 10, 3600),
    "timedOutSeconds": ("timed_out_seconds", 0, 3600),
    "failures": ("failures", 1, 100),
    "outageMinutes": ("outage_minutes", 5, 360),
}

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
    "filterPollingMinutes": ("filter_polling_minutes", _within(0, MINUTES_A_DAY)),
    "reconcileHours": ("reconcile_hours", _within(1, HOURS_A_WEEK)),
}
"""Settings that are one value, with the attribute of Profile that holds it."""


def profile_json(profile: Profile) -> dict[str, Any]:
    brake = profile.brake
    return {
        "id": profile.id,
        "brake": {"items": brake.items, "people": brake.people, "percent": brake.percent},
        **{name: getattr(profile, attribute) for name, (attribute, _) in _PLAIN.items()},
        "itemPolling": _parts_json(profile.item_polling, POLLING),
        "itemRetries": _parts_json(profile.item_retries, RETRIES),
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


def _parts_json(record: Polling | Retries, limits: Limits) -> dict[str, int]:
    return {name: getattr(record, attribute) for name, (attribute, _, _) in limits.items()}


def _parts(setting: str, value: Any, limits: Limits) -> dict[str, int]:
    """The attributes that are given, within their limits."""
    if not isinstance(value, dict) or set(value) - set(limits):
        raise BadRequest(f"'{setting}' must be an object with any of: {', '.join(limits)}.")
    return {
        limits[name][0]: _number(f"{setting}.{name}", number, *limits[name][1:])
        for name, number in value.items()
    }


def _polling(profile: Profile, value: Any) -> Profile:
    polling = replace(profile.item_polling, **_parts("itemPolling", value, POLLING))
    if not polling.busy_minutes <= polling.normal_minutes <= polling.quiet_minutes:
        raise BadRequest(
            "Busy mailboxes cannot be read less often than normal ones, nor those than quiet ones."
        )
    return replace(profile, item_polling=polling)


def _retries(profile: Profile, value: Any) -> Profile:
    retries = replace(profile.item_retries, **_parts("itemRetries", value, RETRIES))
    if retries.shortest_seconds > retries.longest_seconds:
        raise BadRequest("'itemRetries.shortestSeconds' is more than 'itemRetries.longestSeconds'.")
    return replace(profile, item_retries=retries)


_WITH_PARTS: dict[str, Callable[[Profile, Any], Profile]] = {
    "brake": _brake,
    "itemPolling": _polling,
    "itemRetries": _retries,
    "directions": with_entities,
    "organizationSettings": with_overrides,
}
