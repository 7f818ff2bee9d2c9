"""azure.yaml, the workflows and the documents name what is there."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from shared.web.admin_api import ROUTES
from tools.bicep_check.evaluate import evaluate
from tools.bicep_check.service import ALERTS
from tools.bicep_check.template import GROUP, MAIN, PARAMETERS

ROOT = Path(__file__).parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"
DOCS = ("README.md", "docs/deploy.md", "docs/operations.md")


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_azd_deploys_the_two_apps_of_the_template_from_the_built_folder() -> None:
    services = re.findall(r"^  (\w+):\n    project: (\S+)\n", text("azure.yaml"), re.MULTILINE)
    sites = evaluate(MAIN, PARAMETERS).of("Microsoft.Web/sites")
    assert {name for name, _ in services} == {site.body["tags"]["azd-service-name"] for site in sites}
    assert {folder for _, folder in services} == {"./build/app"}
    assert text("azure.yaml").count("remoteBuild: false") == 2
    assert "tools.package --folder build/app" in text("azure.yaml")


@pytest.mark.parametrize(
    "command",
    [
        "az bicep build",
        "az bicep lint",
        "az deployment group what-if",
        "make lint",
        "make test",
        "tools.package",
    ],
)
def test_the_pipeline_checks_before_it_deploys(command: str) -> None:
    check, _, deploy = text(".github/workflows/deploy.yml").partition("\n  deploy:\n")
    assert command in check
    assert "needs: check" in deploy
    assert "environment: production" in deploy
    assert "az deployment group create" in deploy
    assert "config-zip" in deploy


def test_the_pipeline_signs_in_without_a_secret() -> None:
    workflow = text(".github/workflows/deploy.yml")
    assert "id-token: write" in workflow
    assert set(re.findall(r"secrets\.(\w+)", workflow)) == {"DATAVERSE_WEBHOOK_KEY"}


def test_the_pipeline_gives_parameters_and_reads_outputs_that_the_template_has() -> None:
    workflow = text(".github/workflows/deploy.yml")
    given = set(re.findall(r"^\s+(\w+)=\$\{\{ vars", workflow, re.MULTILINE)) | {"dataverseWebhookKey"}
    evaluation = evaluate(GROUP, {**PARAMETERS})
    assert given <= set(PARAMETERS)
    assert set(re.findall(r"\.(\w+)\.value", workflow)) <= set(evaluation.outputs)


def test_every_alert_has_a_page_in_operations() -> None:
    """Under its own name, which is what the mail says."""
    headings = set(re.findall(r"^### `([\w-]+)`", text("docs/operations.md"), re.MULTILINE))
    assert headings == ALERTS | {"sync-monthly"}


@pytest.mark.parametrize("name", DOCS)
def test_documents_name_files_commands_and_outputs_that_exist(name: str) -> None:
    page = text(name)
    for path in re.findall(
        r"(?<![./\w])(?:infra|tools|shared|docs|tests|local)/[\w/.-]+\.(?:py|bicep|json|ps1|md|yml)", page
    ):
        assert (ROOT / path).exists(), path
    for module in re.findall(r"-m ((?:tools|shared|local)[\w.]*)", page):
        assert (ROOT / module.replace(".", "/")).exists() or (
            ROOT / f"{module.replace('.', '/')}.py"
        ).exists()
    for link in re.findall(r"\]\(([\w/.-]+\.md)", page):
        assert ((ROOT / name).parent / link).exists(), link
    outputs = set(evaluate(MAIN, PARAMETERS).outputs) | {"ADMIN_CLIENT_ID"}
    written = set(
        re.findall(r"\$(?:env:)?\{?((?:WORKER|INGEST|ADMIN_CLIENT)_\w+|AZURE_RESOURCE_GROUP)", page)
    )
    assert written <= outputs


def test_documents_call_only_what_the_admin_api_has() -> None:
    for name in DOCS:
        for method, path in re.findall(r"(GET|POST|PUT|DELETE) (?:…|\{admin\})/([\w/{}.-]+)", text(name)):
            shaped = re.sub(r"\{\w+\}", "x", path)
            found = [route for route in ROUTES if route.method == method and route.match(shaped) is not None]
            assert found, f"{name}: {method} {path}"


@pytest.mark.parametrize("name", DOCS)
def test_documents_use_options_that_the_commands_have(name: str) -> None:
    """Of our own commands; each is asked for its help."""
    page = text(name).replace("\\\n", " ")
    ours = r"python3? (infra/scripts/\w+\.py|-m (?:tools|shared)\.[\w.]+)([^\n`|#]*)"
    for command, rest in re.findall(ours, page):
        options = set(re.findall(r"(?<!\S)--[\w-]+", rest))
        if options:
            assert options <= _options(command), f"{command}: {options - _options(command)}"


@cache
def _options(command: str) -> set[str]:
    shown = subprocess.run(
        [sys.executable, *command.split(), "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(re.findall(r"--[\w-]+", shown.stdout))
