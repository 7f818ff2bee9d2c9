"""The two scopes and their parameter files say the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from tools.bicep_check.parser import parse_file
from tools.bicep_check.symbols import Problem
from tools.bicep_check.syntax import BicepError, Declaration

_LINE = re.compile(r"line=\d+, ")


def check_parameters(infra: Path) -> list[Problem]:
    try:
        files = {name: parse_file(infra / f"{name}.bicep") for name in ("main", "group")}
    except BicepError:
        return []  # is reported where the file is read
    params = {name: {each.name: each for each in file.of("param")} for name, file in files.items()}
    return [
        *_alike(str(infra / "main.bicep"), params["main"], params["group"]),
        *_file(infra / "main.parameters.json", params["main"]),
        *_file(infra / "group.parameters.json", params["group"]),
    ]


def _alike(path: str, main: dict[str, Declaration], group: dict[str, Declaration]) -> Iterator[Problem]:
    for name in sorted(set(main) ^ set(group)):
        yield Problem(path, 1, f"parameter '{name}' is in one of main.bicep and group.bicep only")
    for name in sorted(set(main) & set(group)):
        if name != "location" and _shape(main[name]) != _shape(group[name]):
            yield Problem(path, main[name].line, f"parameter '{name}' differs from the one in group.bicep")


def _shape(declaration: Declaration) -> list[str]:
    """Type, default and limits, without their lines."""
    decorators = [each for each in declaration.decorators if each.name != "description"]
    parts = [declaration.value, *(each for d in decorators for each in d.arguments)]
    names = [declaration.type, *(each.name for each in decorators)]
    return [*names, *(_LINE.sub("", repr(part)) for part in parts)]


def _file(path: Path, params: dict[str, Declaration]) -> Iterator[Problem]:
    given = json.loads(path.read_text(encoding="utf-8"))["parameters"]
    for name in sorted(set(given) - set(params)):
        yield Problem(str(path), 1, f"there is no parameter '{name}'")
    for name, each in params.items():
        if each.value is None and name not in given:
            yield Problem(str(path), 1, f"parameter '{name}' is missing")
