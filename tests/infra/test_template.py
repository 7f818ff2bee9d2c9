"""The Bicep template has no problem that we can find without Azure, and each planted fault is found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from shared.jobs import messages
from tools.bicep_check import sources, types
from tools.bicep_check.__main__ import problems
from tools.bicep_check.evaluate import evaluate
from tools.bicep_check.service import settings_of
from tools.bicep_check.template import GROUP, INFRA, MAIN, PARAMETERS

# What is planted: in which file, what is replaced by what, and a part of the sentence that must come.
FAULTS: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("faults.json").read_text())


@pytest.fixture
def infra(tmp_path: Path) -> Path:
    return Path(shutil.copytree(INFRA, tmp_path / "infra"))


def test_the_template_has_no_problem() -> None:
    assert [str(problem) for problem in problems()] == []


def test_there_are_more_than_twenty_planted_faults() -> None:
    assert len(FAULTS) >= 20


@pytest.mark.parametrize("fault", FAULTS)
def test_each_planted_fault_is_found(infra: Path, fault: str) -> None:
    planted = FAULTS[fault]
    file = infra / planted["file"]
    text = file.read_text()
    assert planted["old"] in text, "the template changed; plant the fault anew"
    file.write_text(text.replace(planted["old"], planted["new"], 1))
    found = [str(problem) for problem in problems(infra)]
    assert any(planted["says"] in problem for problem in found), found


def test_the_group_deploys_the_same_without_azd() -> None:
    whole, alone = evaluate(MAIN, PARAMETERS), evaluate(GROUP, PARAMETERS)
    assert alone.problems == []
    kinds = [sorted(r.type for r in each.resources) for each in (whole, alone)]
    assert [k for k in kinds[0] if k != "Microsoft.Resources/resourceGroups"] == kinds[1]


def test_the_queues_are_those_of_the_code() -> None:
    rows = json.loads((INFRA / "queues.json").read_text())["queues"]
    assert {row["name"] for row in rows} == set(messages.QUEUES)


@pytest.mark.parametrize("version", ["3.13", "3.12"])
def test_python_can_be_chosen(version: str) -> None:
    evaluation = evaluate(MAIN, {**PARAMETERS, "pythonVersion": version})
    sites = evaluation.of("Microsoft.Web/sites")
    assert evaluation.problems == []
    assert {s.properties["functionAppConfig"]["runtime"]["version"] for s in sites} == {version}


def test_another_python_is_refused() -> None:
    found = evaluate(MAIN, {**PARAMETERS, "pythonVersion": "3.11"}).problems
    assert any("pythonVersion" in str(problem) for problem in found)


def test_without_a_budget_there_is_none() -> None:
    evaluation = evaluate(MAIN, {**PARAMETERS, "monthlyBudget": 0})
    assert evaluation.of("Microsoft.Consumption/budgets") == []


def test_the_notification_address_is_the_edge() -> None:
    evaluation = evaluate(MAIN, PARAMETERS)
    sites = {s.body["tags"]["azd-service-name"]: s for s in evaluation.of("Microsoft.Web/sites")}
    settings = settings_of(evaluation, sites["worker"])
    assert settings["PUBLIC_BASE_URL"] == f"https://{sites['ingest'].name}.azurewebsites.net"


def test_the_table_of_types_is_the_one_that_was_asked_for() -> None:
    """types.json is written by hand-run code; it must not lag behind the versions named there."""
    versions = {key: row[0] for key, row in sources.VERSIONS.items()}
    assert versions == {key: row["version"] for key, row in types.table().items()}
    assert all(row["source"].startswith("azure-mgmt-") for row in types.table().values())
