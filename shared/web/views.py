"""How mailboxes, decisions, history and profiles look in the admin API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.engine.ports import Agenda, HistoryRow, PendingDecision, SubscriptionRow
from shared.engine.questions import item_json
from shared.model.mailbox import Mailbox
from shared.model.organization import DEFAULTS
from shared.model.profile import Brake, PrivateItems, Profile
from shared.model.scheduling import SchedulingPolicy
from shared.model.values import Direction
from shared.rules.appointment_fields import FIELDS
from shared.web.http import BadRequest

WINDOW_LIMIT = 1825


def moment(value: datetime | None) -> str | None:
    return value.isoformat().replace("+00:00", "Z") if value else None


def mailbox_json(mailbox: Mailbox, now: datetime) -> dict[str, Any]:
    lag = (now - mailbox.last_pass_at).total_seconds() if mailbox.last_pass_at else None
    return {
        "id": mailbox.id,
        "address": mailbox.address,
        "displayName": mailbox.display_name,
        "dynamicsUser": mailbox.user_id,
        "state": mailbox.state.value,
        "profile": mailbox.profile,
        "timeZone": mailbox.time_zone,
        "lastPassAt": moment(mailbox.last_pass_at),
        "lastPassMilliseconds": mailbox.last_pass_ms,
        "nextDueAt": moment(mailbox.due_at),
        "retryAt": moment(mailbox.retry_at),
        "lagSeconds": round(lag, 1) if lag is not None else None,
        "lastError": mailbox.last_error or None,
        "schedulingNote": mailbox.scheduling_note or None,
        "failures": mailbox.failures,
        "reconciledAt": moment(mailbox.reconciled_at),
    }


def mailbox_details(
    mailbox: Mailbox,
    now: datetime,
    agenda: Agenda,
    counts: dict[str, int],
    subscriptions: Sequence[SubscriptionRow],
) -> dict[str, Any]:
    feeds = [
        {
            "feed": cursor.feed,
            "readTo": moment(cursor.updated_at),
            "complete": cursor.complete,
            "windowStart": moment(cursor.window.start) if cursor.window else None,
            "windowEnd": moment(cursor.window.end) if cursor.window else None,
        }
        for cursor in agenda.cursors.values()
        if cursor.feed.startswith("calendar:")
    ]
    return {
        **mailbox_json(mailbox, now),
        "feeds": feeds,
        "inbox": len(agenda.inbox),
        "waiting": len(agenda.held),
        "counts": counts,
        "subscriptions": [
            {"resource": row.resource, "expiresAt": moment(row.expires_at)} for row in subscriptions
        ],
    }


def history_json(row: HistoryRow) -> dict[str, Any]:
    view: dict[str, Any] = {
        "at": moment(row.at),
        "item": item_json(row.item),
        "action": row.action,
        "side": row.side,
        "rules": list(row.rules),
        "reason": row.reason,
        "outcome": row.outcome,
    }
    for name in ("before", "after", "lost"):
        if getattr(row, name):
            view[name] = getattr(row, name)
    return view


def decision_json(decision: PendingDecision) -> dict[str, Any]:
    view: dict[str, Any] = {
        "id": decision.id,
        "mailbox": decision.mailbox,
        "kind": decision.kind.value,
        "question": decision.question,
        "askedAt": moment(decision.asked_at),
    }
    if decision.item:
        view["item"] = item_json(decision.item)
    if decision.candidates:
        view["candidates"] = [{"id": c.id, "label": c.label} for c in decision.candidates]
    return view


# --- profiles -------------------------------------------------------------------------------------


def profile_json(profile: Profile) -> dict[str, Any]:
    return {
        "id": profile.id,
        "brake": {"items": profile.brake.items, "people": profile.brake.people},
        "windowPastDays": profile.window_past_days,
        "windowFutureDays": profile.window_future_days,
        "trackCategorizedContacts": profile.track_categorized_contacts,
        "completeWhenShownAsFree": profile.complete_when_shown_as_free,
        "privateAppointments": profile.private_appointments.value,
        "recreateDeletedPastInstances": profile.recreate_deleted_past_instances,
        "synchronizeAttachments": profile.synchronize_attachments,
        "schedulingConflicts": profile.scheduling_conflicts.value,
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
        elif name in _SETTINGS:
            profile = _SETTINGS[name](profile, value)
        else:
            known = ", ".join(sorted(_SETTINGS))
            raise BadRequest(f"There is no setting '{name}'. Known settings: {known}.", code="unknownSetting")
    if profile.window_past_days + profile.window_future_days > WINDOW_LIMIT:
        raise BadRequest(f"The calendar window may span at most {WINDOW_LIMIT} days (Exchange's limit).")
    return profile


def _brake(profile: Profile, value: Any) -> Profile:
    if not isinstance(value, dict) or set(value) - {"items", "people"}:
        raise BadRequest("'brake' must be an object with 'items' and 'people'.")
    items = _count("brake.items", value.get("items", profile.brake.items))
    people = _count("brake.people", value.get("people", profile.brake.people))
    return replace(profile, brake=Brake(items, people))


def _count(name: str, value: Any, highest: int = 1_000_000) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= highest:
        raise BadRequest(f"'{name}' must be a whole number from 0 to {highest}.")
    return value


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadRequest(f"'{name}' must be true or false.")
    return value


def _private_appointments(profile: Profile, value: Any) -> Profile:
    choices = [choice.value for choice in PrivateItems]
    if value not in choices:
        raise BadRequest(f"'privateAppointments' must be one of: {', '.join(choices)}.")
    return replace(profile, private_appointments=PrivateItems(value))


def _scheduling(profile: Profile, value: Any) -> Profile:
    try:
        policy = SchedulingPolicy(str(value))
    except ValueError as error:
        allowed = ", ".join(policy.value for policy in SchedulingPolicy)
        raise BadRequest(f"'schedulingConflicts' must be one of: {allowed}.") from error
    return replace(profile, scheduling_conflicts=policy)


def _directions(profile: Profile, value: Any) -> Profile:
    settable = {field.name for field in FIELDS if field.settable}
    if not isinstance(value, dict) or set(value) - {"appointment"}:
        raise BadRequest("'directions' must be an object with the key 'appointment'.")
    fields = value.get("appointment", {})
    if not isinstance(fields, dict):
        raise BadRequest("'directions.appointment' must be an object: field names and their directions.")
    chosen: dict[str, Direction] = {}
    for name, direction in fields.items():
        if name not in settable:
            raise BadRequest(f"The direction of '{name}' is fixed. Settable: {', '.join(sorted(settable))}.")
        try:
            chosen[name] = Direction(str(direction))
        except ValueError as error:
            allowed = ", ".join(d.value for d in Direction)
            raise BadRequest(f"'{direction}' is no direction. Directions: {allowed}.") from error
    return replace(profile, directions={"appointment": chosen})


def _organization_settings(profile: Profile, value: Any) -> Profile:
    if not isinstance(value, dict):
        raise BadRequest("'organizationSettings' must be an object.")
    for name, setting in value.items():
        if name not in DEFAULTS:
            raise BadRequest(f"There is no organization setting '{name}' that this version reads.")
        if isinstance(DEFAULTS[name], bool):
            _flag(name, setting)
        else:
            _count(name, setting)
    return replace(profile, settings=dict(value))


_SETTINGS = {
    "brake": _brake,
    "windowPastDays": lambda p, v: replace(p, window_past_days=_count("windowPastDays", v, WINDOW_LIMIT)),
    "windowFutureDays": lambda p, v: replace(
        p, window_future_days=_count("windowFutureDays", v, WINDOW_LIMIT)
    ),
    "trackCategorizedContacts": lambda p, v: replace(
        p, track_categorized_contacts=_flag("trackCategorizedContacts", v)
    ),
    "completeWhenShownAsFree": lambda p, v: replace(
        p, complete_when_shown_as_free=_flag("completeWhenShownAsFree", v)
    ),
    "privateAppointments": _private_appointments,
    "recreateDeletedPastInstances": lambda p, v: replace(
        p, recreate_deleted_past_instances=_flag("recreateDeletedPastInstances", v)
    ),
    "synchronizeAttachments": lambda p, v: replace(
        p, synchronize_attachments=_flag("synchronizeAttachments", v)
    ),
    "schedulingConflicts": _scheduling,
    "directions": _directions,
    "organizationSettings": _organization_settings,
}
