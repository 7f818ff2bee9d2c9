"""A secure parameter stays secure: what it flows into must be ``@secure`` too, and no output may hold it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tools.bicep_check.parser import parse_file
from tools.bicep_check.symbols import Problem, walk
from tools.bicep_check.syntax import BicepError, Declaration, File, Literal, Name, Node, Object


def check_secrets(path: Path) -> list[Problem]:
    """For one file; modules are looked at for their parameters only, as each file is checked by itself."""
    try:
        file = parse_file(path)
    except BicepError:
        return []  # is reported where the file is read
    secret = _secret_names(file)
    found = list(_outputs(file, secret))
    for module in file.of("module"):
        found += _module(file, path, module, secret)
    return found


def _secret_names(file: File) -> set[str]:
    """Secure parameters, and variables made of them."""
    names = {each.name for each in file.of("param") if each.decorator("secure")}
    while True:
        more = {each.name for each in file.of("var") if each.value and _mentions(each.value, names)}
        if more <= names:
            return names
        names |= more


def _mentions(node: Node, names: set[str]) -> bool:
    return any(isinstance(each, Name) and each.name in names for each in walk(node))


def _outputs(file: File, secret: set[str]) -> Iterator[Problem]:
    for each in file.of("output"):
        if each.value and _mentions(each.value, secret) and not each.decorator("secure"):
            yield Problem(file.path, each.line, f"output '{each.name}' shows a secret")


def _module(file: File, path: Path, module: Declaration, secret: set[str]) -> Iterator[Problem]:
    target = path.parent / module.type
    if not isinstance(module.value, Object) or not target.exists():
        return
    try:
        secure = {each.name for each in parse_file(target).of("param") if each.decorator("secure")}
    except BicepError:
        return
    params = next(
        (each.value for each in module.value.properties if _key(each.key) == "params"), Object(0, ())
    )
    for each in params.properties if isinstance(params, Object) else ():
        name = _key(each.key)
        if _mentions(each.value, secret) and name not in secure:
            yield Problem(
                file.path, each.line, f"a secret goes into parameter '{name}', which is not @secure"
            )


def _key(node: Node) -> str:
    return str(node.value) if isinstance(node, Literal) else ""
