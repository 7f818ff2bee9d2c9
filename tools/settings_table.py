"""``python -m tools.settings_table [--check]``: docs/settings.md, the tables of all settings."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shared.model.organization_settings import SETTINGS, OrganizationSetting
from shared.model.profile import Profile
from shared.settings import TABLE, Setting
from shared.web.profile_settings import profile_json
from shared.web.schemas import SCHEMAS
from tools.bicep_check.evaluate import evaluate
from tools.bicep_check.kinds import SITE
from tools.bicep_check.service import one_machine, settings_of
from tools.bicep_check.template import MAIN, PARAMETERS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "settings.md"
HEAD = """# Settings

## App settings

Generated from `shared/settings.py` and the Bicep by `python -m tools.settings_table`. What is missing or
wrong is told at the start of the app, all at once. In Azure the template sets every one of them; change them
there (a parameter, or `infra/group.bicep`), because a deployment replaces what was changed in the portal.

| setting | meaning | default | in Azure |
|---|---|---|---|
"""
TAIL = """
Besides these the platform reads `AzureWebJobsStorage__*`, `APPLICATIONINSIGHTS_*` and
`OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID`; `infra/modules/function-app.bicep` sets them.
"""
PROFILE_HEAD = """
## Profiles

What an administrator changes while the service runs is no app setting but a profile, which mailboxes follow:
`PUT /api/admin/profiles/{id}` with those settings that change. The directions of fields are in
[fields.md](fields.md).

| setting | meaning | default | values |
|---|---|---|---|
"""
ORGANIZATION_HEAD = """
## The organization's settings

Dynamics' own settings of these names (OrgDbOrgSettings and columns of the organization) are read and
followed: a change holds within a minute, and at once where a mailbox is compared (`sync now`).
`GET /api/admin/profiles/{id}/settings` shows what holds, and why: a profile may say otherwise in its
`organizationSettings`, else the organization counts, else the default.

| rule | setting | meaning | default | values | concerns |
|---|---|---|---|---|---|
"""


def page() -> str:
    evaluation = evaluate(MAIN, PARAMETERS)
    apps = {str(s.body["tags"]["azd-service-name"]): settings_of(evaluation, s) for s in evaluation.of(SITE)}
    return "".join(
        (
            HEAD,
            *(_row(each, apps) for each in TABLE),
            TAIL,
            PROFILE_HEAD,
            *(_profile_row(name, value) for name, value in profile_settings()),
            ORGANIZATION_HEAD,
            *(_organization_row(each) for each in SETTINGS),
        )
    )


def profile_settings() -> Iterator[tuple[str, Any]]:
    """Names and defaults, with the parts of what has parts."""
    for name, value in profile_json(Profile()).items():
        if name in ("brake", "itemPolling", "itemRetries"):
            yield from ((f"{name}.{part}", limit) for part, limit in value.items())
        elif name != "id":
            yield name, value


def _profile_row(name: str, default: Any) -> str:
    schema = SCHEMAS["ProfileChanges"]
    for part in name.split("."):
        schema = schema["properties"][part]
    meaning = schema["description"]
    return f"| `{name}` | {meaning[0].upper()}{meaning[1:]} | `{json.dumps(default)}` | {_values(schema)} |\n"


def _values(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if "maximum" in schema:
        return f"{schema['minimum']} to {schema['maximum']}"
    return {"boolean": "`true`, `false`", "integer": "0 or more", "object": "object"}[schema["type"]]


def _organization_row(setting: OrganizationSetting) -> str:
    values = "only shown" if not setting.overridable else "`true`, `false`"
    if setting.bounds:
        values = f"{setting.bounds[0]} to {setting.bounds[1]}"
    return (
        f"| {setting.id} | `{setting.name}` | {setting.meaning} | `{json.dumps(setting.default)}` "
        f"| {values} | {', '.join(setting.touches)} |\n"
    )


def _row(setting: Setting, apps: dict[str, dict[str, str]]) -> str:
    where = [name for name in sorted(apps) if setting.name in apps[name]]
    azure = "never: for one machine" if one_machine(setting) else ", ".join(where)
    default = f"`{setting.default}`" if setting.default else ""
    secret = " (secret)" if setting.secret else ""
    return f"| `{setting.name}` | {setting.meaning}{secret} | {default} | {azure} |\n"


if __name__ == "__main__":
    if "--check" in sys.argv and PAGE.read_text(encoding="utf-8") != page():
        sys.exit("docs/settings.md is not what the code says; run python -m tools.settings_table")
    PAGE.write_text(page(), encoding="utf-8")
