"""From tokens to a file. What the template does not use (lambdas, types, imports) is refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tools.bicep_check.lexer import Token, tokens
from tools.bicep_check.syntax import (
    Array,
    BicepError,
    Binary,
    Call,
    Declaration,
    Decorator,
    File,
    If,
    Index,
    Literal,
    Loop,
    Member,
    Name,
    Node,
    Object,
    Property,
    Ternary,
    Text,
    Unary,
)

BINARY = (
    ("??",),
    ("||",),
    ("&&",),
    ("==", "!=", "=~", "!~"),
    ("<", ">", "<=", ">="),
    ("+", "-"),
    ("*", "/", "%"),
)
_KEYWORDS = ("targetScope", "metadata", "param", "var", "resource", "module", "output")


def parse_file(path: Path) -> File:
    return parse(path.read_text(encoding="utf-8"), str(path))


def parse(text: str, path: str = "") -> File:
    """Raises BicepError at the first line that cannot be read."""
    return _Parser(tokens(text)).file(path)


class _Parser:
    def __init__(self, found: Sequence[Token]) -> None:
        self._tokens = found
        self._at = 0

    # --- tokens -----------------------------------------------------------------------------------

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    def _is(self, *texts: str) -> bool:
        return self._token.kind in ("symbol", "word") and self._token.text in texts

    def _next(self) -> Token:
        token = self._token
        self._at += token.kind != "end"
        return token

    def _accept(self, text: str) -> bool:
        if self._is(text):
            self._next()
            return True
        return False

    def _expect(self, text: str) -> Token:
        if not self._is(text):
            raise self._unexpected(f"'{text}'")
        return self._next()

    def _word(self) -> str:
        if self._token.kind != "word":
            raise self._unexpected("a name")
        return self._next().text

    def _unexpected(self, wanted: str) -> BicepError:
        shown = {"newline": "the end of the line", "end": "the end of the file"}
        return BicepError(
            self._token.line, f"{wanted} expected, not {shown.get(self._token.kind, self._token.text)}"
        )

    def _skip_lines(self) -> None:
        while self._token.kind == "newline":
            self._next()

    # --- statements -------------------------------------------------------------------------------

    def file(self, path: str) -> File:
        result = File(path)
        self._skip_lines()
        while self._token.kind != "end":
            self._statement(result)
            if self._token.kind not in ("newline", "end"):
                raise self._unexpected("the end of the line")
            self._skip_lines()
        return result

    def _statement(self, result: File) -> None:
        decorators = self._decorators()
        line, keyword = self._token.line, self._word()
        if keyword not in _KEYWORDS:
            raise BicepError(line, f"'{keyword}' begins no statement that is used here")
        if keyword == "targetScope":
            self._expect("=")
            result.scope = str(self._string().value)
            return
        name = self._word()
        if keyword == "metadata":
            self._expect("=")
            self._expression()
            return
        read = {"param": self._param, "var": self._var, "output": self._output}.get(keyword, self._deployed)
        result.declarations.append(read(line, keyword, name, decorators))

    def _decorators(self) -> tuple[Decorator, ...]:
        found = []
        while self._is("@"):
            line = self._next().line
            name = self._word()
            found.append(Decorator(line, name, self._arguments()))
            self._skip_lines()
        return tuple(found)

    def _param(self, line: int, kind: str, name: str, decorators: tuple[Decorator, ...]) -> Declaration:
        of = self._word()
        value = self._expression() if self._accept("=") else None
        return Declaration(line, kind, name, of, value, decorators=decorators)

    def _var(self, line: int, kind: str, name: str, decorators: tuple[Decorator, ...]) -> Declaration:
        self._expect("=")
        return Declaration(line, kind, name, "", self._expression(), decorators=decorators)

    def _output(self, line: int, kind: str, name: str, decorators: tuple[Decorator, ...]) -> Declaration:
        of = self._word()
        self._expect("=")
        return Declaration(line, kind, name, of, self._expression(), decorators=decorators)

    def _deployed(self, line: int, kind: str, name: str, decorators: tuple[Decorator, ...]) -> Declaration:
        of = str(self._string().value)
        existing = self._accept("existing")
        self._expect("=")
        value: Node
        if self._is("if"):
            begin = self._next().line
            self._expect("(")
            condition = self._expression()
            self._expect(")")
            value = If(begin, condition, self._object())
        elif self._is("["):
            value = self._array()
        else:
            value = self._object()
        return Declaration(line, kind, name, of, value, existing, decorators)

    def _string(self) -> Literal:
        node = self._primary()
        if not isinstance(node, Literal) or not isinstance(node.value, str):
            raise BicepError(node.line, "a plain string expected")
        return node

    # --- expressions ------------------------------------------------------------------------------

    def _expression(self) -> Node:
        condition = self._binary(0)
        if not self._is("?"):
            return condition
        line = self._next().line
        then = self._expression()
        self._expect(":")
        return Ternary(line, condition, then, self._expression())

    def _binary(self, level: int) -> Node:
        if level == len(BINARY):
            return self._unary()
        left = self._binary(level + 1)
        while self._is(*BINARY[level]):
            operator = self._next()
            left = Binary(operator.line, operator.text, left, self._binary(level + 1))
        return left

    def _unary(self) -> Node:
        if self._is("!", "-"):
            operator = self._next()
            return Unary(operator.line, operator.text, self._unary())
        return self._postfix()

    def _postfix(self) -> Node:
        node = self._primary()
        while self._is(".", "[", "!"):
            line = self._token.line
            if self._accept("."):
                name = self._word()
                if self._is("("):
                    node = Call(line, name, self._arguments(), node)
                else:
                    node = Member(line, node, name)
            elif self._accept("["):
                node = Index(line, node, self._expression())
                self._expect("]")
            else:
                self._next()  # "not null": says nothing about the value
        return node

    def _primary(self) -> Node:
        token = self._token
        if token.kind == "string":
            return _text(self._next())
        if token.kind == "number":
            return Literal(token.line, int(self._next().text))
        if self._is("{"):
            return self._object()
        if self._is("["):
            return self._array()
        if self._accept("("):
            self._skip_lines()
            inner = self._expression()
            self._skip_lines()
            self._expect(")")
            return inner
        name = self._word()
        if name in ("true", "false", "null"):
            return Literal(token.line, {"true": True, "false": False, "null": None}[name])
        if self._is("("):
            return Call(token.line, name, self._arguments())
        return Name(token.line, name)

    def _arguments(self) -> tuple[Node, ...]:
        self._expect("(")
        found = []
        self._skip_lines()
        while not self._is(")"):
            found.append(self._expression())
            self._skip_lines()
            if not self._is(")"):
                self._expect(",")
                self._skip_lines()
        self._expect(")")
        return tuple(found)

    def _object(self) -> Object:
        line = self._expect("{").line
        found = []
        self._skip_lines()
        while not self._is("}"):
            found.append(self._property())
            self._separator("}")
        self._expect("}")
        return Object(line, tuple(found))

    def _property(self) -> Property:
        token = self._token
        key: Node = _text(self._next()) if token.kind == "string" else Literal(token.line, self._word())
        self._expect(":")
        return Property(token.line, key, self._expression())

    def _array(self) -> Node:
        line = self._expect("[").line
        if self._is("for"):
            return self._loop(line)
        found = []
        self._skip_lines()
        while not self._is("]"):
            found.append(self._expression())
            self._separator("]")
        self._expect("]")
        return Array(line, tuple(found))

    def _separator(self, closing: str) -> None:
        """Commas or line ends stand between items."""
        if self._is(closing):
            return
        if not self._accept(",") and self._token.kind != "newline":
            raise self._unexpected(f"',' or '{closing}'")
        self._skip_lines()

    def _loop(self, line: int) -> Loop:
        self._expect("for")
        index = ""
        if self._accept("("):
            item = self._word()
            self._expect(",")
            index = self._word()
            self._expect(")")
        else:
            item = self._word()
        self._expect("in")
        over = self._expression()
        self._expect(":")
        self._skip_lines()
        body = self._expression()
        self._skip_lines()
        self._expect("]")
        return Loop(line, item, index, over, body)


def _text(token: Token) -> Node:
    if all(isinstance(part, str) for part in token.parts):
        return Literal(token.line, "".join(str(part) for part in token.parts))
    parts = [part if isinstance(part, str) else _inner(part) for part in token.parts]
    return Text(token.line, tuple(part for part in parts if part != ""))


def _inner(found: Sequence[Token]) -> Node:
    parser = _Parser(found)
    node = parser._expression()
    if parser._token.kind != "end":
        raise parser._unexpected("'}'")
    return node
