"""A document's elements and texts with their places in the source: enough to cut out a part byte for byte."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from shared.bodies.visible import BLOCKS, Offsets

_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
)
# A start tag that ends an element still open.
_ENDS = {"li": {"li"}, "tr": {"tr", "td", "th"}, "td": {"td", "th"}, "th": {"td", "th"}}


@dataclass(eq=False)
class Node:
    """An element, or a text (``tag`` empty). ``start`` to ``end`` is all of it, its tags included."""

    tag: str
    start: int
    end: int = -1
    parent: Node | None = None
    attributes: dict[str, str | None] = field(default_factory=dict)
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def ancestors(self) -> list[Node]:
        """From the root down to the node itself."""
        line: list[Node] = []
        node: Node | None = self
        while node is not None:
            line.append(node)
            node = node.parent
        return line[::-1]

    @property
    def is_blank(self) -> bool:
        """Nothing to see here."""
        return not self.text.strip() if not self.tag else self.tag != "img" and not self.children


@dataclass
class Document:
    """``nodes`` in the order of the source; ``inside``: where the content of the body begins and ends."""

    root: Node
    nodes: list[Node]
    inside: tuple[int, int]


def parsed(source: str) -> Document:
    builder = _Builder(source)
    builder.feed(source)
    builder.close()
    return builder.finished()


class _Builder(HTMLParser):
    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=False)
        self._offsets = Offsets(source)
        self._source = source
        self._open = [Node("#root", 0)]
        self._nodes: list[Node] = []
        self._body = [0, len(source)]

    def _here(self) -> int:
        return self._offsets.of(self.getpos())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        start = self._here()
        end = start + len(self.get_starttag_text() or "")
        if tag == "body":
            self._body[0] = end
        self._end_open(tag, start)
        node = Node(tag, start, end, self._open[-1], dict(attrs))
        self._add(node)
        if tag not in _VOID:
            self._open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def _end_open(self, tag: str, at: int) -> None:
        ends = _ENDS.get(tag, {"p"} if tag in BLOCKS and tag != "br" else set())
        if self._open[-1].tag in ends:
            self._open.pop().end = at

    def handle_endtag(self, tag: str) -> None:
        start = self._here()
        if tag == "body":
            self._body[1] = start
        if not any(node.tag == tag for node in self._open):
            return
        while (node := self._open.pop()).tag != tag:
            node.end = start
        node.end = self._source.find(">", start) + 1 or len(self._source)

    def handle_data(self, data: str) -> None:
        self._text(data, len(data))

    def handle_entityref(self, name: str) -> None:
        self._text(f"&{name}", len(name) + 1)

    def handle_charref(self, name: str) -> None:
        self._text(f"&#{name}", len(name) + 2)

    def _text(self, raw: str, length: int) -> None:
        """As it stands in the source; what follows directly on a text belongs to it."""
        start, parent = self._here(), self._open[-1]
        last = parent.children[-1] if parent.children else None
        if last is not None and not last.tag and last is self._nodes[-1]:
            last.text += self._source[last.end : start] + raw
            last.end = start + length
        else:
            self._add(Node("", start, start + length, parent, text=raw))

    def _add(self, node: Node) -> None:
        self._open[-1].children.append(node)
        self._nodes.append(node)

    def finished(self) -> Document:
        for node in self._open:
            node.end = len(self._source)
        return Document(self._open[0], self._nodes, (self._body[0], self._body[1]))
