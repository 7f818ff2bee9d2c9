"""The block that an online meeting puts into its body: the join link between two lines of underscores.

Graph warns that a meeting whose block is edited out stops being an online meeting. So an edit from Dynamics
replaces what stands around the block, and the block itself stays byte for byte. Dynamics shows the block as
well, because it came with the body: its copy is recognised line by line, whole or half deleted, and left out.
Both of Teams' layouts are known: the lines inside ``me-email-text``, and (until 2024) beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from shared.bodies import rich
from shared.bodies.forms import is_rich, markup_of, of_html
from shared.bodies.markup_tree import Document, Node, parsed
from shared.bodies.visible import Line, lines_of_html, lines_of_text, normal, skeleton
from shared.model.values import Value

# A rule inside the block becomes 32 underscores in Exchange's texts; the lines around it are 80 long.
_EDGE = re.compile(r"_{40,}")
_UNDERSCORES = re.compile(r"\s*_{5,}\s*")
_JOIN = re.compile(
    r"https://teams\.(?:microsoft|live|cloud\.microsoft)[\w.]*/(?:l/meetup-join|meet)/", re.IGNORECASE
)
_RELATED = re.compile(r"https://(?:teams\.|dialin\.teams\.|aka\.ms/JoinTeamsMeeting)", re.IGNORECASE)
_OPENED = re.compile(r"(?:\s*<(?!/|img\b|br\b|hr\b)[^<>]+>\s*)+$")
_RULE = "_"


@dataclass(frozen=True, slots=True)
class Signature:
    """How a block reads: its lines in order, reduced to their letters, and where they lead."""

    lines: tuple[str, ...]
    links: frozenset[str]


class UnknownBlock(ValueError):  # noqa: N818 - it names the finding
    """The body of an online meeting holds links, but none that looks like the meeting's."""


# --- in an Exchange document ----------------------------------------------------------------------


def spliced(document: str, join_url: str | None, value: Value) -> str:
    """``document`` with ``value`` as its content, around the block that it holds."""
    tree = parsed(document)
    begin, end = tree.inside
    span = _span(tree, join_url)
    if span is None:
        if any(line.links for line in lines_of_html(document)):
            raise UnknownBlock("the meeting's block was not recognised in the body")
        return f"{document[:begin]}{_division(value, markup_of(value))}{document[end:]}"
    block = document[slice(*span)]
    before, after = split(value, _signature(lines_of_html(block)))
    parts = (_division(value, before), block, _division(value, after))
    return f"{document[:begin]}{''.join(parts)}{document[end:]}"


def find(document: str, join_url: str | None) -> str | None:
    """The block as it stands in the document."""
    span = _span(parsed(document), join_url)
    return None if span is None else document[slice(*span)]


def _division(value: Value, part: str) -> str:
    markup = rich.sanitised(part if is_rich(value) else rich.from_text(part))
    return f"<div>{markup}</div>" if rich.shows_something(markup) else ""


def _span(tree: Document, join_url: str | None) -> tuple[int, int] | None:
    """From the last edge before the join link to the first one behind it; where an edge is missing, as far
    as the meeting's own elements and links reach."""
    joins = [mark for node in tree.nodes for mark in _marks_of_join(node, join_url)]
    if not joins:
        return None
    join = joins[0]
    edges = [mark for node in tree.nodes if not node.tag for mark in _marks(node, _EDGE)]
    before = [edge for edge in edges if edge.end <= join.start][-1:]
    after = [edge for edge in edges if edge.start >= join.start][:1]
    own = [] if before and after else _own_elements(tree, join)
    return _cover([*before, join, *own, *after])


@dataclass(frozen=True, slots=True)
class _Mark:
    node: Node
    start: int
    end: int


def _marks(node: Node, pattern: re.Pattern[str]) -> list[_Mark]:
    return [_Mark(node, node.start + m.start(), node.start + m.end()) for m in pattern.finditer(node.text)]


def _marks_of_join(node: Node, join_url: str | None) -> list[_Mark]:
    if node.tag == "a" and _is_join(node.attributes.get("href") or "", join_url):
        return [_Mark(node, node.start, node.end)]
    if not node.tag and (_JOIN.search(node.text) or (join_url and join_url in node.text)):
        return [_Mark(node, node.start, node.end)]
    return []


def _own_elements(tree: Document, join: _Mark) -> list[_Mark]:
    named = [n for n in join.node.ancestors() if "me-email-text" in (n.attributes.get("class") or "").split()]
    links = [n for n in tree.nodes if n.start > join.start and _RELATED.match(n.attributes.get("href") or "")]
    return [_Mark(node, node.start, node.end) for node in (*named[:1], *links[-1:])]


def _cover(marks: Sequence[_Mark]) -> tuple[int, int]:
    """The smallest row of neighbours that holds all marks, with the elements that hold nothing else."""
    lines = [mark.node.ancestors() for mark in marks]
    depth = 0
    while all(len(line) > depth + 1 for line in lines) and len({id(line[depth + 1]) for line in lines}) == 1:
        depth += 1
    common = lines[0][depth]
    if not common.tag:
        return min(m.start for m in marks), max(m.end for m in marks)
    ends = [
        (line[depth + 1], mark) if len(line) > depth + 1 else (common, mark)
        for line, mark in zip(lines, marks, strict=True)
    ]
    start = min(node.start if node.tag else mark.start for node, mark in ends)
    end = max(node.end if node.tag else mark.end for node, mark in ends)
    return _widened(common, start, end)


def _widened(common: Node, start: int, end: int) -> tuple[int, int]:
    while common.parent is not None and common.tag not in ("body", "html"):
        others = [c for c in common.children if c.end <= start or c.start >= end]
        outside = [c for c in common.children if c.start < start < c.end or c.start < end < c.end]
        if any(not other.is_blank for other in others) or outside:
            break
        start, end, common = common.start, common.end, common.parent
    return start, end


# --- in a value -----------------------------------------------------------------------------------


def signature(value: Value, join_url: str | None) -> Signature | None:
    """Of the block in a body as Exchange shows it; None where there is none."""
    lines = _lines(value)
    join = next((n for n, line in enumerate(lines) if any(_is_join(u, join_url) for u in line.links)), None)
    if join is None:
        return None
    edges = [number for number, line in enumerate(lines) if _EDGE.search(line.text)]
    first = max((number for number in edges if number < join), default=join)
    last = min((number for number in edges if number > join), default=join)
    return _signature(lines[first : last + 1])


def without(value: Value, block: Signature | None) -> Value:
    """A body without its copy of the block."""
    if block is None:
        return value
    before, after = split(value, block)
    if is_rich(value):
        return of_html(f"{before}{after}")
    return normal("\n".join(part.strip("\n") for part in (before, after)).strip("\n"))


def split(value: Value, block: Signature) -> tuple[str, str]:
    """What stands before and after the block's copies, in the value's own form. A value without one is all
    before."""
    source = markup_of(value) if is_rich(value) else str(value or "")
    spans = _copies(_lines(value), block)
    if not spans:
        return source, ""
    before = source[: spans[0][0]]
    gaps = zip([end for _, end in spans], [start for start, _ in spans[1:]] + [len(source)], strict=True)
    after = [source[end:start] for end, start in gaps]
    if not is_rich(value):
        return before.rstrip("\n"), "\n".join(part.strip("\n") for part in after if part.strip("\n"))
    return _OPENED.sub("", before), "".join(_OPENED.sub("", part) for part in after)


def _lines(value: Value) -> list[Line]:
    return lines_of_html(markup_of(value)) if is_rich(value) else lines_of_text(str(value or ""))


def _signature(lines: Iterable[Line]) -> Signature:
    shown = list(lines)
    words = tuple(word for line in shown if (word := _word(line)))
    return Signature(words, frozenset(_plain(url) for line in shown for url in line.links))


def _word(line: Line) -> str:
    return _RULE if _UNDERSCORES.fullmatch(line.text) else skeleton(line.text)


def _copies(lines: Sequence[Line], block: Signature) -> list[tuple[int, int]]:
    """Runs of lines that are the block's, in its order, some perhaps missing: enough of them to be no
    coincidence."""
    spans: list[tuple[int, int]] = []
    words = [_word(line) for line in lines]
    number = 0
    while number < len(lines):
        run = _run(words, number, block)
        if _is_copy([lines[n] for n in run], block):
            spans.append((lines[run[0]].start, lines[run[-1]].end))
            number = run[-1] + 1
        else:
            number += 1
    return spans


def _run(words: Sequence[str], begin: int, block: Signature) -> list[int]:
    """The numbers of the lines from ``begin`` on that follow each other in the block too."""
    run: list[int] = []
    reached = 0
    for number in range(begin, len(words)):
        word = words[number]
        if not word:
            if not run:
                break
            continue
        if word not in block.lines[reached:]:
            break
        reached = block.lines.index(word, reached) + 1
        run.append(number)
    return run


def _is_copy(run: Sequence[Line], block: Signature) -> bool:
    if any(_plain(url) in block.links and _RELATED.match(url) for line in run for url in line.links):
        return True
    said = [line for line in run if _word(line) != _RULE]
    return len(said) >= 2 or (bool(said) and len(run) > len(said))


def _is_join(url: str, join_url: str | None) -> bool:
    return bool(_JOIN.match(url)) or (bool(join_url) and _plain(url) == _plain(join_url or ""))


def _plain(url: str) -> str:
    """Links are escaped in more than one way."""
    return unquote(url).lower()
