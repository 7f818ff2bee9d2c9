"""Every app setting that the code reads is in the Bicep, the template for local settings and the docs."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from shared import settings
from shared.settings import Settings
from tools import settings_table
from tools.bicep_check import service
from tools.bicep_check.__main__ import problems

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "local.settings.json.template"
HOST_ONLY = {"AzureWebJobsStorage", "FUNCTIONS_WORKER_RUNTIME"}


def template() -> dict[str, str]:
    return dict(json.loads(TEMPLATE.read_text())["Values"])


def test_the_settings_page_is_what_the_code_says() -> None:
    assert settings_table.PAGE.read_text() == settings_table.page()


def test_the_local_template_has_every_setting_and_no_other() -> None:
    assert template().keys() - HOST_ONLY == {each.name for each in settings.TABLE}


def test_the_local_template_is_accepted_once_the_names_are_filled_in() -> None:
    values = {
        name: value.replace("ORGANIZATION", "o").replace("APP", "a") for name, value in template().items()
    }
    assert Settings.from_environment(values).dataverse_url == "https://o.crm4.dynamics.com"


def test_a_setting_that_the_bicep_lacks_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody adds a setting to the code and forgets the rest."""
    more = replace(settings.TABLE[-1], name="NEW_SETTING")
    monkeypatch.setattr(service, "TABLE", (*settings.TABLE, more))
    assert [problem.text for problem in problems()] == ["the app setting NEW_SETTING is given to no app"]
    monkeypatch.setattr(settings_table, "TABLE", (*settings.TABLE, more))
    assert settings_table.PAGE.read_text() != settings_table.page()


def test_the_environment_is_read_in_no_other_place() -> None:
    """``function_app.py`` needs the role before anything is imported; all else goes through settings."""
    readers = {
        str(path.relative_to(ROOT))
        for path in [*(ROOT / "shared").rglob("*.py"), ROOT / "function_app.py"]
        if re.search(r"\benviron\b|\bgetenv\b", ast.unparse(ast.parse(path.read_text())))
    }
    assert readers <= {
        "function_app.py",
        "shared/settings.py",
        "shared/wiring.py",
        "shared/doctor/__main__.py",
    }
