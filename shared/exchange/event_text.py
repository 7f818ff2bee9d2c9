"""Bodies as canonical plain text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

_BLOCKS = frozenset(
    {"p", "div", "br", "tr", "li", "ul", "ol", "table", "hr", "blockquote", "pre"}
    | {"h1", "h2", "h3", "h4", "h5", "h6"}
)
_UNSEEN = frozenset({"head", "style", "script", "title"})


def decode(body: Any) -> str:
    """Text is asked for in every request. Should Graph answer HTML all the same, its visible text stands in:
    markup must not be taken for what a person wrote."""
    content = body.get("content") if isinstance(body, dict) else None
    if not isinstance(content, str):
        return ""
    if str(body.get("contentType")).lower() == "html":
        content = _visible(content)
    return normal(content)


def normal(text: str) -> str:
    """``\\n`` line ends, plain spaces, no blanks at the end of a line or of the text: servers differ in these
    and people do not see them."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ")
    return "\n".join(line.rstrip() for line in text.split("\n")).rstrip()


def _visible(markup: str) -> str:
    parser = _Text()
    parser.feed(markup)
    parser.close()
    return parser.text()


class _Text(HTMLParser):
    """Collects what is shown; a block begins a new line."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._unseen += tag in _UNSEEN
        if tag == "br":
            self._parts.append("\n")
        elif tag in _BLOCKS:
            self._new_line()

    def handle_endtag(self, tag: str) -> None:
        self._unseen = max(0, self._unseen - (tag in _UNSEEN))
        if tag in _BLOCKS and tag != "br":
            self._new_line()

    def handle_data(self, data: str) -> None:
        shown = re.sub(r"[ \t\r\n]+", " ", data)
        if not self._unseen and not (shown == " " and self._at_line_start()):
            self._parts.append(shown)

    def _new_line(self) -> None:
        if not self._at_line_start():
            self._parts.append("\n")

    def _at_line_start(self) -> bool:
        return not self._parts or self._parts[-1].endswith("\n")

    def text(self) -> str:
        lines = (line.strip(" ") for line in "".join(self._parts).split("\n"))
        return "\n".join(lines).strip("\n")
