"""What a person sees of HTML, as plain text: line by line, each line with its place in the markup."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser

BLOCKS = frozenset(
    {"p", "div", "br", "tr", "li", "ul", "ol", "table", "hr", "blockquote", "pre"}
    | {"h1", "h2", "h3", "h4", "h5", "h6"}
)
_UNSEEN = frozenset({"head", "style", "script", "title"})
_SPACES = re.compile(r"[ \t\r\n\f]+")
_LINK = re.compile(r"(?:https?|tel):[^\s<>\"]+", re.IGNORECASE)
_TARGET = re.compile(r"<(?:https?|tel|mailto|cid):[^>\s]*>|\[cid:[^\]\s]*\]", re.IGNORECASE)
_WORDS = re.compile(r"[^\W_]+")


@dataclass(slots=True)
class Line:
    """One line as it is shown. ``start`` and ``end``: where what it shows stands in the source; ``links``:
    where it leads to."""

    text: str = ""
    start: int = -1
    end: int = -1
    links: list[str] = field(default_factory=list)


@lru_cache(maxsize=32)
def text_of(markup: str) -> str:
    """The visible text. A link that is not its own label is shown behind it as ``<address>``, as Exchange
    does when it is asked for a text body."""
    lines = _read(_Reader(markup, exact=False), markup)
    return "\n".join(line.text.strip(" ") for line in lines).strip("\n")


def normal(text: str) -> str:
    """``\\n`` line ends, plain spaces, no blanks at the end of a line or of the text: servers differ in these
    and people do not see them."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ")
    return "\n".join(line.rstrip() for line in text.split("\n")).rstrip()


def skeleton(text: str) -> str:
    """The letters and digits of a text. Two renderings of one body (Exchange's own conversion and ours)
    differ in blanks, bullets and in how they show where links lead."""
    return "".join(_WORDS.findall(_TARGET.sub("", text)))


def lines_of_html(markup: str) -> list[Line]:
    return _read(_Reader(markup, exact=True), markup)


def lines_of_text(text: str) -> list[Line]:
    lines, start = [], 0
    for part in text.split("\n"):
        lines.append(Line(part, start, start + len(part), _LINK.findall(part)))
        start += len(part) + 1
    return lines


def _read(reader: _Reader, markup: str) -> list[Line]:
    reader.feed(markup)
    reader.close()
    return reader.finished()


class Offsets:
    """A parser tells lines and columns; this tells how far into the source that is."""

    def __init__(self, source: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", source))]

    def of(self, position: tuple[int, int]) -> int:
        line, column = position
        return self._starts[line - 1] + column


class _Reader(HTMLParser):
    """Collects what is shown; a block begins a new line. ``exact``: character references are read one by one,
    so that every piece of text is known to the character where it stands; otherwise places mean nothing."""

    def __init__(self, source: str, *, exact: bool) -> None:
        super().__init__(convert_charrefs=not exact)
        self._source = source
        self._offsets = Offsets(source)
        self._lines: list[Line] = []
        self._line = Line()
        self._pieces: list[str] = []
        self._unseen = 0
        self._as_typed = 0
        self._target: str | None = None
        self._label: list[str] = []

    # --- tags -------------------------------------------------------------------------------------

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in _UNSEEN
        self._as_typed += tag == "pre"
        if tag == "br":
            self._flush()
        elif tag in BLOCKS:
            self._new_line()
        elif tag == "a":
            self._target, self._label = dict(attrs).get("href"), []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """``<br/>``; of any other tag HTML ignores the slash."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self._unseen = max(0, self._unseen - (tag in _UNSEEN))
        self._as_typed = max(0, self._as_typed - (tag == "pre"))
        if tag == "a":
            self._show_target()
        if tag in BLOCKS and tag != "br":
            self._new_line()

    def _show_target(self) -> None:
        target, label, self._target = (self._target or "").strip(), "".join(self._label).strip(), None
        if not re.match(r"(?:https?|tel):", target, re.IGNORECASE):
            return
        self._line.links.append(target)
        if label and label != target:
            self._pieces.append(f"<{target}>")

    # --- text -------------------------------------------------------------------------------------

    def handle_data(self, data: str) -> None:
        start = self._offsets.of(self.getpos())
        if not self._as_typed:
            self._piece(_SPACES.sub(" ", data), start, start + len(data))
            return
        for number, part in enumerate(data.split("\n")):
            if number:
                self._flush()
            self._piece(part.removesuffix("\r"), start, start + len(part))
            start += len(part) + 1

    def handle_entityref(self, name: str) -> None:
        self._reference(len(name) + 1)

    def handle_charref(self, name: str) -> None:
        self._reference(len(name) + 2)

    def _reference(self, length: int) -> None:
        start = self._offsets.of(self.getpos())
        end = start + length
        end += self._source.startswith(";", end)
        self._piece(html.unescape(self._source[start:end]), start, end)

    def _piece(self, shown: str, start: int, end: int) -> None:
        if self._unseen:
            return
        if not self._as_typed and (not self._pieces or self._pieces[-1].endswith(" ")):
            shown = shown.removeprefix(" ")
        if not shown:
            return
        if self._line.start < 0 and shown.strip():
            self._line.start = start
        self._line.end = end
        self._pieces.append(shown)
        if self._target is not None:
            self._label.append(shown)

    # --- lines ------------------------------------------------------------------------------------

    def _flush(self) -> None:
        self._line.text = "".join(self._pieces)
        self._line.links += _LINK.findall(self._line.text)
        self._lines.append(self._line)
        self._line, self._pieces = Line(), []

    def _new_line(self) -> None:
        if self._pieces:
            self._flush()

    def finished(self) -> list[Line]:
        self._new_line()
        return self._lines
