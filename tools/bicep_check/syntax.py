"""The parts of a Bicep file. Every node knows its line, so that a problem can be found."""

from __future__ import annotations

from dataclasses import dataclass, field


class BicepError(Exception):
    """The file cannot be read; ``line`` says where."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line
        self.text = text


@dataclass(frozen=True, slots=True)
class Node:
    line: int


@dataclass(frozen=True, slots=True)
class Literal(Node):
    value: str | int | bool | None


@dataclass(frozen=True, slots=True)
class Text(Node):
    """A string with ``${…}`` in it."""

    parts: tuple[str | Node, ...]


@dataclass(frozen=True, slots=True)
class Name(Node):
    name: str


@dataclass(frozen=True, slots=True)
class Member(Node):
    of: Node
    name: str


@dataclass(frozen=True, slots=True)
class Index(Node):
    of: Node
    index: Node


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function, or with ``of`` a function of a namespace or resource."""

    name: str
    arguments: tuple[Node, ...]
    of: Node | None = None


@dataclass(frozen=True, slots=True)
class Unary(Node):
    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(Node):
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Ternary(Node):
    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Property(Node):
    key: Node
    value: Node


@dataclass(frozen=True, slots=True)
class Object(Node):
    properties: tuple[Property, ...]


@dataclass(frozen=True, slots=True)
class Array(Node):
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Loop(Node):
    """``[for item in list: body]`` or ``[for (item, index) in list: body]``."""

    item: str
    index: str
    over: Node
    body: Node


@dataclass(frozen=True, slots=True)
class If(Node):
    """``= if (condition) {…}`` of a resource or module."""

    condition: Node
    body: Node


@dataclass(frozen=True, slots=True)
class Decorator(Node):
    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Declaration(Node):
    """``kind``: param, var, output, resource or module. ``type``: of a param or output, ``type@version`` of a
    resource, the path of a module."""

    kind: str
    name: str
    type: str = ""
    value: Node | None = None
    existing: bool = False
    decorators: tuple[Decorator, ...] = ()

    def decorator(self, name: str) -> Decorator | None:
        return next((each for each in self.decorators if each.name == name), None)


@dataclass(slots=True)
class File:
    """One file, its declarations in order."""

    path: str
    scope: str = "resourceGroup"
    declarations: list[Declaration] = field(default_factory=list)

    def of(self, kind: str) -> list[Declaration]:
        return [each for each in self.declarations if each.kind == kind]
