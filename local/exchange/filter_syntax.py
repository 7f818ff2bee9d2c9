"""Parses ``$filter``: comparisons, ``and``/``or``/``not``, string functions, ``cast`` and lambdas."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from local.exchange.errors import GraphError, bad_request

COMPARISONS = ("eq", "ne", "gt", "ge", "lt", "le")
FUNCTIONS = ("startswith", "endswith", "contains")

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')"
    r"|(?P<moment>\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2})?)?)"
    r"|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_][\w.]*(?:/[A-Za-z_][\w.]*)*)"
    r"|(?P<mark>[(),:]))"
)


@dataclass(frozen=True)
class Literal:
    value: Any


@dataclass(frozen=True)
class Path:
    """A property, its parts joined by ``/``."""

    parts: tuple[str, ...]


@dataclass(frozen=True)
class Cast:
    operand: Path
    type_name: str


@dataclass(frozen=True)
class Comparison:
    operator: str
    left: Path | Cast | Literal
    right: Path | Cast | Literal


@dataclass(frozen=True)
class StringTest:
    function: str
    operand: Path | Cast | Literal
    argument: Path | Cast | Literal


@dataclass(frozen=True)
class Junction:
    """``and`` / ``or``."""

    operator: str
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Negation:
    part: Node


@dataclass(frozen=True)
class Lambda:
    """``path/any(x: …)``; without a body it asks for any element at all."""

    path: tuple[str, ...]
    kind: str
    variable: str
    body: Node | None


Node = Comparison | StringTest | Junction | Negation | Lambda | Path
Operand = Path | Cast | Literal


def parse_filter(text: str) -> Node:
    parser = _Parser(text)
    node = parser.disjunction()
    parser.expect_end()
    return node


def syntax_error(text: str) -> GraphError:
    return bad_request(f"Invalid filter clause: syntax error in '{text}'.")


class _Parser:
    """Recursive descent over the tokens."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._next = 0

    def disjunction(self) -> Node:
        return self._junction("or", self._conjunction)

    def _conjunction(self) -> Node:
        return self._junction("and", self._factor)

    def _junction(self, word: str, part: Any) -> Node:
        parts = [part()]
        while self._peek_word(word):
            self._take()
            parts.append(part())
        return parts[0] if len(parts) == 1 else Junction(word, tuple(parts))

    def _factor(self) -> Node:
        if self._peek_word("not"):
            self._take()
            return Negation(self._factor())
        if self._peek() == ("mark", "("):
            self._take()
            inner = self.disjunction()
            self._expect(")")
            return inner
        return self._test()

    def _test(self) -> Node:
        kind, text = self._peek()
        if kind == "word" and text.lower() in FUNCTIONS:
            return self._string_test()
        if (
            kind == "word"
            and text.split("/")[-1].lower() in ("any", "all")
            and self._peek(1) == ("mark", "(")
        ):
            return self._lambda()
        left = self._operand()
        if not any(self._peek_word(word) for word in COMPARISONS):
            if isinstance(left, Path):
                return left
            raise syntax_error(self._text)
        operator = self._take()[1].lower()
        return Comparison(operator, left, self._operand())

    def _string_test(self) -> StringTest:
        function = self._take()[1].lower()
        self._expect("(")
        operand = self._operand()
        self._expect(",")
        argument = self._operand()
        self._expect(")")
        return StringTest(function, operand, argument)

    def _lambda(self) -> Lambda:
        *path, kind = self._take()[1].split("/")
        self._expect("(")
        if self._peek() == ("mark", ")"):
            self._take()
            return Lambda(tuple(path), kind.lower(), "", None)
        variable = self._take()[1]
        self._expect(":")
        body = self.disjunction()
        self._expect(")")
        return Lambda(tuple(path), kind.lower(), variable, body)

    def _operand(self) -> Operand:
        kind, text = self._take()
        if kind == "string":
            return Literal(text[1:-1].replace("''", "'"))
        if kind == "number":
            return Literal(float(text) if "." in text else int(text))
        if kind == "moment":
            return Literal(text)
        if kind != "word":
            raise syntax_error(self._text)
        if text.lower() in ("true", "false", "null"):
            return Literal({"true": True, "false": False, "null": None}[text.lower()])
        if text.lower() == "cast":
            return self._cast()
        return Path(tuple(text.split("/")))

    def _cast(self) -> Cast:
        self._expect("(")
        operand = self._operand()
        self._expect(",")
        type_name = self._take()[1]
        self._expect(")")
        if not isinstance(operand, Path):
            raise syntax_error(self._text)
        return Cast(operand, type_name)

    def _peek(self, ahead: int = 0) -> tuple[str, str]:
        position = self._next + ahead
        return self._tokens[position] if position < len(self._tokens) else ("end", "")

    def _peek_word(self, word: str) -> bool:
        kind, text = self._peek()
        return kind == "word" and text.lower() == word

    def _take(self) -> tuple[str, str]:
        token = self._peek()
        self._next += 1
        return token

    def _expect(self, mark: str) -> None:
        if self._take() != ("mark", mark):
            raise syntax_error(self._text)

    def expect_end(self) -> None:
        if self._next != len(self._tokens):
            raise syntax_error(self._text)


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position = 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            raise syntax_error(text)
        kind = match.lastgroup or ""
        found.append((kind, match[kind]))
        position = match.end()
    return found
