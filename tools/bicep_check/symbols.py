"""What can be said of a file without evaluating it: names, functions, decorators, duplicates, cycles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tools.bicep_check.functions import FUNCTIONS
from tools.bicep_check.syntax import Call, Declaration, File, Literal, Loop, Name, Node, Object

NAMESPACES = frozenset({"az", "sys"})
DECORATORS = {
    "description": ("param", "var", "output", "resource", "module"),
    "secure": ("param", "output"),
    "allowed": ("param",),
    "minLength": ("param",),
    "maxLength": ("param",),
    "minValue": ("param",),
    "maxValue": ("param",),
    "batchSize": ("resource", "module"),
}
UNUSED = "is not used"
PARAMETER_TYPES = frozenset({"string", "int", "bool", "object", "array"})


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong, and where."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{Path(self.path).name}:{self.line}: {self.text}"


def check_symbols(file: File) -> list[Problem]:
    """Everything wrong with the names of one file."""
    found = [*_declared_twice(file), *_decorators(file), *_types(file)]
    known = {each.name for each in file.declarations if each.kind != "output"}
    used: set[str] = set()
    for each in file.declarations:
        for node, bound in _scoped(each):
            found += _node(file, node, known, bound)
            used |= {node.name} if isinstance(node, Name) else set()
    for each in file.declarations:
        if each.kind in ("param", "var") and each.name not in used:
            found.append(Problem(file.path, each.line, f"{each.kind} '{each.name}' {UNUSED}"))
    return found + _cycles(file)


def _declared_twice(file: File) -> list[Problem]:
    found, seen = [], set()
    for each in file.declarations:
        key = (each.kind == "output", each.name)
        if key in seen:
            found.append(Problem(file.path, each.line, f"'{each.name}' is declared twice"))
        seen.add(key)
    return found


def _decorators(file: File) -> list[Problem]:
    found = []
    for each in file.declarations:
        for decorator in each.decorators:
            if each.kind not in DECORATORS.get(decorator.name, ()):
                text = f"@{decorator.name} is no decorator of a {each.kind}"
                found.append(Problem(file.path, decorator.line, text))
    return found


def _types(file: File) -> list[Problem]:
    return [
        Problem(file.path, each.line, f"'{each.type}' is no type of a {each.kind}")
        for each in file.declarations
        if each.kind in ("param", "output") and each.type not in PARAMETER_TYPES
    ]


def _node(file: File, node: Node, known: set[str], bound: frozenset[str]) -> list[Problem]:
    if isinstance(node, Name) and node.name not in known | bound | NAMESPACES:
        return [Problem(file.path, node.line, f"'{node.name}' is declared nowhere")]
    if isinstance(node, Call) and node.of is None:
        function = FUNCTIONS.get(node.name)
        if function is None:
            return [Problem(file.path, node.line, f"there is no function '{node.name}'")]
        if not function.least <= len(node.arguments) <= function.most:
            text = f"'{node.name}' does not take {len(node.arguments)} arguments"
            return [Problem(file.path, node.line, text)]
    if isinstance(node, Object):
        return _twice(file, node)
    return []


def _twice(file: File, node: Object) -> list[Problem]:
    keys = [each.key.value for each in node.properties if isinstance(each.key, Literal)]
    return [
        Problem(file.path, node.line, f"property '{key}' is given twice")
        for key in sorted({str(key) for key in keys if keys.count(key) > 1})
    ]


def _nodes(declaration: Declaration) -> Iterator[Node]:
    return (node for node, _ in _scoped(declaration))


def _scoped(declaration: Declaration) -> Iterator[tuple[Node, frozenset[str]]]:
    """Every node, with the names that the loops around it bring."""
    roots: list[Node] = [argument for each in declaration.decorators for argument in each.arguments]
    for root in [*roots, *([declaration.value] if declaration.value else [])]:
        yield from _inside(root, frozenset())


def _inside(node: Node, bound: frozenset[str]) -> Iterator[tuple[Node, frozenset[str]]]:
    yield node, bound
    for each in _children(node):
        inner = bound | {node.item, node.index} if isinstance(node, Loop) and each is node.body else bound
        yield from _inside(each, inner)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything in it."""
    return (each for each, _ in _inside(node, frozenset()))


def _children(node: Node) -> Iterator[Node]:
    for each in fields(node):
        value: Any = getattr(node, each.name)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Node):
                yield item


def _cycles(file: File) -> list[Problem]:
    needs = {
        each.name: {node.name for node in _nodes(each) if isinstance(node, Name)}
        for each in file.declarations
        if each.kind != "output"
    }
    lines = {each.name: each.line for each in file.declarations}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> list[Problem]:
        if name in way:
            text = " needs ".join((*way[way.index(name) :], name))
            return [Problem(file.path, lines[name], f"a cycle: {text}")]
        if name in done or name not in needs:
            return []
        found = [problem for each in sorted(needs[name]) for problem in visit(each, (*way, name))]
        done.add(name)
        return found

    return [problem for name in needs for problem in visit(name, ())]
