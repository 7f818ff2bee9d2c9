"""``python -m tools.bicep_check``: every problem of the template, and 1 when there is any."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.bicep_check.evaluate import evaluate
from tools.bicep_check.parameters import check_parameters
from tools.bicep_check.secrets import check_secrets
from tools.bicep_check.service import check_service
from tools.bicep_check.symbols import UNUSED, Problem
from tools.bicep_check.template import INFRA, PARAMETERS
from tools.bicep_check.types import check_types


def problems(infra: Path = INFRA, parameters: Mapping[str, Any] = PARAMETERS) -> list[Problem]:
    """What is wrong with the template in that folder. What it deploys is looked at when it can be read."""
    evaluation = evaluate(infra / "main.bicep", parameters)
    found = set(evaluation.problems)
    for path in sorted(infra.rglob("*.bicep")):
        found |= set(check_secrets(path))
    found |= set(check_parameters(infra))
    found |= set(check_types(evaluation))
    if all(each.text.endswith(UNUSED) for each in evaluation.problems):
        found |= set(check_service(evaluation, infra))
    return sorted(found)


if __name__ == "__main__":
    wrong = problems()
    for each in wrong:
        print(each)
    sys.exit(1 if wrong else 0)
