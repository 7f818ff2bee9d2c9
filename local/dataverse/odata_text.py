"""The text of OData query options: splitting, tokens and literals."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from local.dataverse.errors import Refusal, refuse
from local.dataverse.values import as_guid, as_text, parse_date_time

TokenKind = Literal["text", "date-time", "date", "guid", "number", "name", "punctuation", "end"]
TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>'(?:[^']|'')*')
    | (?P<datetime>\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d))
    | (?P<guid>[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})
    | (?P<date>\d{4}-\d\d-\d\d)
    | (?P<number>-?\d+(?:\.\d+)?)
    | (?P<name>[A-Za-z_@$][\w.]*)
    | (?P<punctuation>[(),:/=\[\]])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Token:
    kind: TokenKind
    text: str
    value: Any = None


END = Token("end", "")
WORDS = {"null": None, "true": True, "false": False}


def syntax_error(message: str) -> Refusal:
    return refuse("InvalidQuery", message=f"Syntax error: {message}")


def tokens(text: str) -> list[Token]:
    """All tokens of a filter expression, ending with ``END``."""
    found: list[Token] = []
    position = 0
    while position < len(text.rstrip()):
        match = TOKEN.match(text, position)
        if match is None:
            raise syntax_error(f"unexpected character at position {position} in '{text}'.")
        found.append(_token(match))
        position = match.end()
    return [*found, END]


def _token(match: re.Match[str]) -> Token:
    kind = match.lastgroup or ""
    text = match[kind]
    if kind == "text":
        return Token("text", text, text[1:-1].replace("''", "'"))
    if kind == "datetime":
        moment = parse_date_time(text)
        if moment is None:
            raise syntax_error(f"'{text}' is not a date-time.")
        return Token("date-time", text, as_text(moment))
    if kind == "guid":
        return Token("guid", text, as_guid(text))
    if kind == "number":
        return Token("number", text, float(text) if "." in text else int(text))
    if kind == "date":
        return Token("date", text, text)
    return Token("name" if kind == "name" else "punctuation", text, WORDS.get(text))


def split(text: str, separator: str) -> list[str]:
    """The parts between separators that are not inside quotes or parentheses; empty text has none."""
    parts: list[str] = []
    depth = 0
    quoted = False
    start = 0
    for position, character in enumerate(text):
        if character == "'":
            quoted = not quoted
        elif not quoted and character in "()":
            depth += 1 if character == "(" else -1
        elif character == separator and depth == 0 and not quoted:
            parts.append(text[start:position])
            start = position + 1
    if depth or quoted:
        raise syntax_error(f"unbalanced parentheses or quotes in '{text}'.")
    parts.append(text[start:])
    return [part.strip() for part in parts if part.strip()]
