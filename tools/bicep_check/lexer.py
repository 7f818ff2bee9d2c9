"""From text to tokens. Strings with ``${…}`` become a token that holds their parts, each lexed by itself."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tools.bicep_check.syntax import BicepError

_TOKEN = re.compile(
    r"(?P<space>[ \t\r]+|//[^\n]*|/\*.*?\*/)"
    r"|(?P<newline>\n)"
    r"|(?P<number>\d+)"
    r"|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<symbol>\?\?|\.\?|&&|\|\||==|!=|=~|!~|<=|>=|=>|::|\.\.\.|[@{}\[\]().,:?=<>+\-*/%!|])",
    re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'", "$": "$"}


@dataclass(frozen=True, slots=True)
class Token:
    """``kind``: word, number, symbol, newline, string or end. ``parts``: of a string, texts and tokens."""

    kind: str
    text: str
    line: int
    parts: tuple[str | tuple[Token, ...], ...] = ()


def tokens(text: str, line: int = 1) -> list[Token]:
    found, at, line = _until(text, 0, line, closing=None)
    if at != len(text):
        raise BicepError(line, f"unexpected {text[at]!r}")
    return found


def _until(text: str, at: int, line: int, closing: str | None) -> tuple[list[Token], int, int]:
    """Tokens up to the end, or to the ``}`` that closes an interpolation."""
    found: list[Token] = []
    depth = 0
    while at < len(text):
        if text[at] == "'":
            token, at = _string(text, at, line)
            found.append(token)
            line += token.text.count("\n")
            continue
        match = _TOKEN.match(text, at)
        if match is None:
            raise BicepError(line, f"unexpected {text[at]!r}")
        value = match[0]
        if closing and value == closing and depth == 0:
            return [*found, Token("end", "", line)], at + 1, line
        depth += (value == "{") - (value == "}")
        if match.lastgroup != "space":
            found.append(Token(str(match.lastgroup), value, line))
        line += value.count("\n")
        at = match.end()
    if closing:
        raise BicepError(line, "the string's ${ is not closed")
    return [*found, Token("end", "", line)], at, line


def _string(text: str, at: int, line: int) -> tuple[Token, int]:
    begin = at
    if text.startswith("'''", at):
        end = text.find("'''", at + 3)
        if end < 0:
            raise BicepError(line, "the ''' string is not closed")
        return Token("string", text[begin : end + 3], line, (text[at + 3 : end].removeprefix("\n"),)), end + 3
    parts: list[str | tuple[Token, ...]] = []
    piece, at = "", at + 1
    while at < len(text) and text[at] not in "'\n":
        if text.startswith("${", at):
            inner, at, _ = _until(text, at + 2, line, closing="}")
            parts += [piece, tuple(inner)]
            piece = ""
        elif text[at] == "\\":
            escape = text[at + 1 : at + 2]
            if escape not in _ESCAPES:
                raise BicepError(line, f"the string has an unknown escape \\{escape}")
            piece, at = piece + _ESCAPES[escape], at + 2
        else:
            piece, at = piece + text[at], at + 1
    if at >= len(text) or text[at] != "'":
        raise BicepError(line, "the string is not closed")
    return Token("string", text[begin : at + 1], line, (*parts, piece)), at + 1
