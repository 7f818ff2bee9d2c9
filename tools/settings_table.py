"""``python -m tools.settings_table [--check]``: docs/settings.md, the table of all app settings."""

from __future__ import annotations

import sys
from pathlib import Path

from shared.settings import TABLE, Setting
from tools.bicep_check.evaluate import evaluate
from tools.bicep_check.kinds import SITE
from tools.bicep_check.service import one_machine, settings_of
from tools.bicep_check.template import MAIN, PARAMETERS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "settings.md"
HEAD = """# App settings

Generated from `shared/settings.py` and the Bicep by `python -m tools.settings_table`. What is missing or
wrong is told at the start of the app, all at once. In Azure the template sets every one of them; change them
there (a parameter, or `infra/group.bicep`), because a deployment replaces what was changed in the portal.

| setting | meaning | default | in Azure |
|---|---|---|---|
"""
TAIL = """
Besides these the platform reads `AzureWebJobsStorage__*`, `APPLICATIONINSIGHTS_*` and
`OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID`; `infra/modules/function-app.bicep` sets them. What an administrator
changes while the service runs (brake, directions, windows) is no app setting but a profile:
`PUT /api/admin/profiles/{id}`.
"""


def page() -> str:
    evaluation = evaluate(MAIN, PARAMETERS)
    apps = {str(s.body["tags"]["azd-service-name"]): settings_of(evaluation, s) for s in evaluation.of(SITE)}
    return HEAD + "".join(_row(each, apps) for each in TABLE) + TAIL


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
