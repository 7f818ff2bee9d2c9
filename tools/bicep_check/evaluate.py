"""What a template would deploy: its resources with every value worked out, modules included.

Values that only a deployment can tell (an identity's ids, an address) come from ``RUNTIME``; reading any
other property of a resource is a problem.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tools.bicep_check import syntax
from tools.bicep_check.functions import FUNCTIONS, ONLY_AS_DEFAULT, guid, text
from tools.bicep_check.parser import parse_file
from tools.bicep_check.symbols import Problem, check_symbols

RUNTIME: Mapping[str, Mapping[str, str]] = {
    "Microsoft.ManagedIdentity/userAssignedIdentities": {
        "properties.principalId": "principal of {name}",
        "properties.clientId": "client of {name}",
    },
    "Microsoft.Storage/storageAccounts": {
        "properties.primaryEndpoints.blob": "https://{name}.blob.core.windows.net/",
        "properties.primaryEndpoints.table": "https://{name}.table.core.windows.net/",
    },
    "Microsoft.ServiceBus/namespaces": {
        "properties.serviceBusEndpoint": "https://{name}.servicebus.windows.net:443/"
    },
    "Microsoft.Insights/components": {"properties.ConnectionString": "InstrumentationKey=of {name}"},
    "Microsoft.Web/sites": {"properties.defaultHostName": "{name}.azurewebsites.net"},
}
RESOURCE_GROUP = "Microsoft.Resources/resourceGroups"
_CHECKS: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "allowed": ("must be one of {}", lambda value, limit: value in limit),
    "minLength": ("must have {} characters or more", lambda value, limit: len(value) >= limit),
    "maxLength": ("must have at most {} characters", lambda value, limit: len(value) <= limit),
    "minValue": ("must be {} or more", lambda value, limit: value >= limit),
    "maxValue": ("must be at most {}", lambda value, limit: value <= limit),
}
_PYTHON: dict[str, type] = {"string": str, "int": int, "bool": bool, "object": dict, "array": list}


class Located(dict[str, Any]):
    """An object that knows the line of each of its properties."""

    def __init__(self, values: Mapping[str, Any], lines: Mapping[str, int]) -> None:
        super().__init__(values)
        self.lines = dict(lines)


@dataclass(eq=False)
class Resource:
    """One resource of the deployment."""

    path: str
    line: int
    symbol: str
    type: str
    version: str
    existing: bool
    name: str = ""
    parent: Resource | None = None
    scope: Resource | None = None
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        return f"{self.parent.full_name}/{self.name}" if self.parent else self.name

    @property
    def id(self) -> str:
        if self.parent:
            return f"{self.parent.id}/{self.type.rsplit('/', 1)[1]}/{self.name}"
        return f"/providers/{self.type}/{self.name}"

    @property
    def properties(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body.get("properties") or {}
        return found


@dataclass(frozen=True)
class _Path:
    """A property of a resource that Azure will tell, on the way to a name that ``RUNTIME`` has."""

    resource: Resource
    path: str


@dataclass
class _Module:
    name: str
    outputs: dict[str, Any]


@dataclass
class Evaluation:
    """The whole template. ``resources`` leaves out what a condition leaves out."""

    resources: list[Resource] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def of(self, kind: str) -> list[Resource]:
        """What is deployed of one type."""
        return [each for each in self.resources if each.type == kind and not each.existing]


class _Stop(Exception):  # noqa: N818
    """One expression cannot be worked out; why is among the problems already."""


def evaluate(main: Path, parameters: Mapping[str, Any]) -> Evaluation:
    result = Evaluation()
    result.outputs = _File(main, result).run(parameters, line=1, caller=str(main))
    return result


class _File:
    def __init__(self, path: Path, result: Evaluation) -> None:
        self._path = path
        self._result = result
        self._values: dict[str, Any] = {}
        self._declared: dict[str, syntax.Declaration] = {}
        self._default = False
        self._scope = ""

    def run(self, parameters: Mapping[str, Any], line: int, caller: str) -> dict[str, Any]:
        try:
            file = parse_file(self._path)
        except syntax.BicepError as error:
            self._problem(error.line, error.text)
            return {}
        self._scope = file.scope
        problems = check_symbols(file)
        self._result.problems += problems
        if any("cycle" in each.text or "declared" in each.text for each in problems):
            return {}
        self._declared = {each.name: each for each in file.declarations if each.kind != "output"}
        self._take(file, parameters, line, caller)
        for each in file.declarations:
            if each.kind in ("resource", "module"):
                self._quietly(partial(self._symbol, each.name, 0))
        outputs = {each.name: self._quietly(partial(self._eval, each.value)) for each in file.of("output")}
        for each in file.of("var"):
            self._quietly(partial(self._symbol, each.name, 0))
        return outputs

    def _problem(self, line: int, what: str) -> None:
        self._result.problems.append(Problem(str(self._path), line, what))

    def _stop(self, line: int, what: str) -> _Stop:
        self._problem(line, what)
        return _Stop()

    def _quietly(self, work: Callable[[], Any]) -> Any:
        """Problems are noted where they arise; the rest of the file is looked at all the same."""
        try:
            return work()
        except _Stop:
            return None

    # --- parameters -------------------------------------------------------------------------------

    def _take(self, file: syntax.File, given: Mapping[str, Any], line: int, caller: str) -> None:
        known = {each.name: each for each in file.of("param")}
        for name in sorted(set(given) - set(known)):
            self._result.problems.append(
                Problem(caller, line, f"{self._path.name} has no parameter '{name}'")
            )
        for name, declaration in known.items():
            if name not in given and declaration.value is None:
                text_ = f"parameter '{name}' of {self._path.name} is missing"
                self._result.problems.append(Problem(caller, line, text_))
            self._values[name] = self._parameter(declaration, given)

    def _parameter(self, declaration: syntax.Declaration, given: Mapping[str, Any]) -> Any:
        if declaration.name in given:
            value = given[declaration.name]
        else:
            self._default = True
            value = self._quietly(lambda: self._eval(declaration.value)) if declaration.value else None
            self._default = False
        wanted = _PYTHON.get(declaration.type)
        if value is not None and wanted and not _is_a(value, wanted):
            self._problem(declaration.line, f"parameter '{declaration.name}' is given a {_kind(value)}")
            return value
        for decorator in declaration.decorators:
            if decorator.name in _CHECKS and value is not None:
                sentence, holds = _CHECKS[decorator.name]
                limit = self._eval(decorator.arguments[0])
                if not holds(value, limit):
                    self._problem(
                        declaration.line,
                        f"parameter '{declaration.name}' {sentence.format(limit)}, not {value!r}",
                    )
        return value

    # --- declarations -----------------------------------------------------------------------------

    def _symbol(self, name: str, line: int) -> Any:
        if name not in self._values:
            declaration = self._declared.get(name)
            if declaration is None:
                raise self._stop(line, f"'{name}' is declared nowhere")
            if declaration.kind == "resource":
                self._resources(declaration)
            elif declaration.kind == "module":
                self._modules(declaration)
            else:
                self._values[name] = self._eval(declaration.value)
        return self._values[name]

    def _resources(self, declaration: syntax.Declaration) -> None:
        value = declaration.value
        if isinstance(value, syntax.Loop):
            rows = self._each(value, lambda body: self._resource(declaration, body))
            self._values[declaration.name] = rows
        elif isinstance(value, syntax.If):
            wanted = bool(self._eval(value.condition))
            self._values[declaration.name] = self._resource(declaration, value.body) if wanted else None
        elif value is not None:
            self._values[declaration.name] = self._resource(declaration, value)

    def _resource(self, declaration: syntax.Declaration, body: syntax.Node) -> Resource:
        kind, at, version = declaration.type.partition("@")
        if (kind == RESOURCE_GROUP) != (self._scope == "subscription"):
            self._problem(declaration.line, f"a {kind} cannot be deployed to a {self._scope}")
        if not at:
            raise self._stop(declaration.line, f"'{declaration.type}' names no API version")
        resource = Resource(
            str(self._path), declaration.line, declaration.name, kind, version, declaration.existing
        )
        self._values.setdefault(declaration.name, resource)
        self._result.resources.append(resource)
        evaluated = self._eval(body)
        if not isinstance(evaluated, Located):
            raise self._stop(declaration.line, "a resource is an object")
        resource.body = evaluated
        resource.name = str(evaluated.get("name", ""))
        if not resource.name:
            self._problem(declaration.line, f"resource '{declaration.name}' has no name")
        resource.parent, resource.scope = evaluated.get("parent"), evaluated.get("scope")
        expected = 1 + (kind.count("/") - 1 if resource.parent is None and kind.count("/") > 1 else 0)
        if resource.name.count("/") + 1 != expected:
            self._problem(declaration.line, f"resource '{declaration.name}' has no parent")
        if resource.parent and not kind.startswith(resource.parent.type + "/"):
            self._problem(declaration.line, f"a {kind} cannot be part of a {resource.parent.type}")
        return resource

    def _modules(self, declaration: syntax.Declaration) -> None:
        value = declaration.value
        if not isinstance(value, syntax.Object):
            raise self._stop(
                declaration.line, "a module in a loop or under a condition is not understood here"
            )
        path = self._path.parent / declaration.type
        if not path.exists():
            raise self._stop(declaration.line, f"module file '{declaration.type}' does not exist")
        body = self._eval(value)
        unknown = sorted(set(body) - {"name", "scope", "params", "dependsOn"})
        if unknown:
            self._problem(declaration.line, f"a module has no '{unknown[0]}'")
        if not body.get("name"):
            self._problem(declaration.line, f"module '{declaration.name}' has no name")
        if "scope" not in body and _scope_of(path) != self._scope:
            self._problem(declaration.line, f"module '{declaration.name}' needs a scope")
        outputs = _File(path, self._result).run(body.get("params") or {}, declaration.line, str(self._path))
        self._values[declaration.name] = _Module(str(body.get("name", "")), outputs)

    # --- expressions ------------------------------------------------------------------------------

    def _eval(self, node: syntax.Node | None) -> Any:
        match node:
            case syntax.Literal(value=value):
                return value
            case syntax.Text(parts=parts):
                return "".join(part if isinstance(part, str) else text(self._eval(part)) for part in parts)
            case syntax.Name(name=name, line=line):
                return self._symbol(name, line)
            case syntax.Array(items=items):
                return [self._eval(item) for item in items]
            case syntax.Object():
                return self._object(node)
            case syntax.Loop():
                return self._each(node, self._eval)
            case syntax.Ternary(condition=condition, then=then, otherwise=otherwise):
                return self._eval(then) if self._eval(condition) else self._eval(otherwise)
            case syntax.Member(of=of, name=name, line=line):
                return self._member(self._eval(of), name, line)
            case syntax.Index(of=of, index=index, line=line):
                return self._index(self._eval(of), self._eval(index), line)
            case syntax.Unary(operator=operator, operand=operand):
                value = self._eval(operand)
                return not value if operator == "!" else -value
            case syntax.Binary():
                return self._binary(node)
            case syntax.Call():
                return self._call(node)
        raise AssertionError(f"not an expression: {node}")

    def _object(self, node: syntax.Object) -> Located:
        values, lines = {}, {}
        for each in node.properties:
            key = str(self._eval(each.key))
            values[key] = self._quietly(partial(self._eval, each.value))
            lines[key] = each.line
        return Located(values, lines)

    def _each(self, loop: syntax.Loop, work: Callable[[syntax.Node], Any]) -> list[Any]:
        over = self._eval(loop.over)
        if not isinstance(over, list):
            raise self._stop(loop.line, "only an array can be looped over")
        hidden = {name: self._values[name] for name in (loop.item, loop.index) if name in self._values}
        found = []
        for index, item in enumerate(over):
            self._values |= {loop.item: item, **({loop.index: index} if loop.index else {})}
            found.append(work(loop.body))
        for name in (loop.item, loop.index):
            self._values.pop(name, None)
        self._values |= hidden
        return found

    def _member(self, value: Any, name: str, line: int) -> Any:
        if isinstance(value, Resource):
            if name in ("id", "name", "type"):
                return getattr(value, name)
            return self._runtime(_Path(value, name), line)
        if isinstance(value, _Path):
            return self._runtime(_Path(value.resource, f"{value.path}.{name}"), line)
        if isinstance(value, _Module):
            if name == "name":
                return value.name
            if name == "outputs":
                return value.outputs
        if isinstance(value, dict) and name in value:
            return value[name]
        raise self._stop(line, f"there is no '{name}' in it")

    def _runtime(self, path: _Path, line: int) -> Any:
        known = RUNTIME.get(path.resource.type, {})
        if path.path in known:
            made_up = known[path.path].format(name=path.resource.name)
            return guid(made_up) if " of " in made_up and "Key" not in made_up else made_up
        if any(each.startswith(path.path + ".") for each in known):
            return path
        raise self._stop(line, f"'{path.path}' of {path.resource.type} is not known to be told by Azure")

    def _index(self, value: Any, index: Any, line: int) -> Any:
        try:
            return value[index]
        except (KeyError, IndexError, TypeError):
            raise self._stop(line, f"there is no [{index!r}] in it") from None

    def _binary(self, node: syntax.Binary) -> Any:
        left = self._eval(node.left)
        if node.operator == "&&":
            return left and self._eval(node.right)
        if node.operator == "||":
            return left or self._eval(node.right)
        right = self._eval(node.right)
        operators: dict[str, Callable[[], Any]] = {
            "??": lambda: right if left is None else left,
            "==": lambda: left == right,
            "!=": lambda: left != right,
            "<": lambda: left < right,
            ">": lambda: left > right,
            "<=": lambda: left <= right,
            ">=": lambda: left >= right,
            "+": lambda: left + right,
            "-": lambda: left - right,
            "*": lambda: left * right,
        }
        if node.operator not in operators:
            raise self._stop(node.line, f"the operator {node.operator} is not understood here")
        try:
            return operators[node.operator]()
        except TypeError:
            raise self._stop(node.line, f"{node.operator} does not go with these values") from None

    def _call(self, node: syntax.Call) -> Any:
        if node.of is not None or node.name not in FUNCTIONS:
            raise self._stop(node.line, f"there is no function '{node.name}'")
        if node.name in ONLY_AS_DEFAULT and not self._default:
            raise self._stop(node.line, f"{node.name}() is allowed in the default of a parameter only")
        arguments = [self._eval(argument) for argument in node.arguments]
        if node.name in ("loadJsonContent", "loadTextContent"):
            return self._load(node, str(arguments[0]))
        try:
            return FUNCTIONS[node.name].run(*arguments)
        except (TypeError, ValueError, AttributeError):
            raise self._stop(node.line, f"'{node.name}' cannot take these values") from None

    def _load(self, node: syntax.Call, name: str) -> Any:
        path = self._path.parent / name
        if not path.exists():
            raise self._stop(node.line, f"file '{name}' does not exist")
        content = path.read_text(encoding="utf-8")
        return json.loads(content) if node.name == "loadJsonContent" else content


def _scope_of(path: Path) -> str:
    try:
        return parse_file(path).scope
    except syntax.BicepError:
        return ""  # is reported where the file is evaluated


def _is_a(value: Any, wanted: type) -> bool:
    return isinstance(value, wanted) and not (wanted is int and isinstance(value, bool))


def _kind(value: Any) -> str:
    names = {kind: name for name, kind in _PYTHON.items()}
    return names.get(type(value), "object" if isinstance(value, dict) else type(value).__name__)
