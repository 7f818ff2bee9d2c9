"""The organization's settings in the admin API (SET): what holds for a profile, why, and overriding them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shared.model.organization import Organization
from shared.model.organization_settings import BY_NAME, SETTINGS, OrganizationSetting
from shared.model.profile import Profile
from shared.model.values import Value
from shared.web.http import BadRequest


def settings_json(profile: Profile, organization: Organization) -> list[dict[str, Any]]:
    """All of them, in the table's order."""
    return [_setting_json(setting, profile, organization) for setting in SETTINGS]


def _setting_json(
    setting: OrganizationSetting, profile: Profile, organization: Organization
) -> dict[str, Any]:
    own = organization.own(setting.name)
    overridden = setting.name in profile.settings
    value = profile.settings[setting.name] if overridden else _read(setting, organization)
    return {
        "id": setting.id,
        "name": setting.name,
        "type": setting.type,
        "value": value,
        "source": "profile" if overridden else "default" if own is None else "organization",
        "default": setting.default,
        "organization": own,
        "overridable": setting.overridable,
        "meaning": setting.meaning,
        "touches": list(setting.touches),
    }


def _read(setting: OrganizationSetting, organization: Organization) -> Value:
    """As the rules read it: what is no value of its type counts as the default."""
    own = organization.own(setting.name)
    known = {} if own is None else {setting.name: own}
    read = replace(organization, settings=known)
    return read.flag(setting.name) if setting.type == "boolean" else read.number(setting.name)


def with_overrides(profile: Profile, value: Any) -> Profile:
    """``profile`` with the overrides named in ``value``; null takes one back. Raises BadRequest."""
    if not isinstance(value, dict):
        raise BadRequest("'organizationSettings' must be an object: names and values, null to take one back.")
    settings = dict(profile.settings)
    for name, wanted in value.items():
        setting = _overridable(name)
        if wanted is None:
            settings.pop(name, None)
        else:
            settings[name] = _valid(setting, wanted)
    return replace(profile, settings=settings)


def _overridable(name: str) -> OrganizationSetting:
    setting = BY_NAME.get(name)
    if setting is None:
        known = ", ".join(sorted(each.name for each in SETTINGS if each.overridable))
        raise BadRequest(
            f"There is no organization setting '{name}' that this version reads. Known settings: {known}.",
            code="unknownSetting",
        )
    if not setting.overridable:
        raise BadRequest(f"'{name}' says what Dynamics itself does; change it there.")
    return setting


def _valid(setting: OrganizationSetting, value: Any) -> bool | int:
    if isinstance(setting.default, bool):
        if not isinstance(value, bool):
            raise BadRequest(f"'{setting.name}' must be true or false, or null to take it back.")
        return value
    lowest, highest = setting.bounds or (0, 1_000_000)
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise BadRequest(
            f"'{setting.name}' must be a whole number from {lowest} to {highest}, or null to take it back."
        )
    return value
