"""Plain text tables for a terminal: aligned columns, the last one wrapped."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence

INDENT = "  "
GAP = "  "
CELL = 34
LAST_AT_LEAST = 24


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None) -> str:
    """Rows under their headings; nothing is coloured, nothing is cut but overlong middle cells."""
    width = width or max(shutil.get_terminal_size((118, 24)).columns, 80)
    cells = [[*(_cut(cell) for cell in row[:-1]), row[-1]] for row in rows]
    widths = [max(len(row[i]) for row in [list(headings), *cells]) for i in range(len(headings) - 1)]
    used = len(INDENT) + sum(widths) + len(GAP) * len(widths)
    last = max(width - used, LAST_AT_LEAST)
    lines = [_line(headings, widths)]
    for row in cells:
        first, *more = textwrap.wrap(row[-1], last) or [""]
        lines.append(_line([*row[:-1], first], widths))
        lines += [" " * used + text for text in more]
    return "\n".join(lines)


def heading(text: str) -> str:
    return f"\n{text}\n{'-' * len(text)}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=False)]
    return (INDENT + GAP.join([*padded, cells[-1]])).rstrip()


def _cut(text: str) -> str:
    return text if len(text) <= CELL else text[: CELL - 1] + "…"
