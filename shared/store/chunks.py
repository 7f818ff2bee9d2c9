"""Texts longer than a property: several properties of a row, or compressed in rows of their own."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

TEXT_CHUNK = 32_000
"""Characters in a property; the service's limit is 32 K UTF-16 units."""
TEXT_LIMIT = 12 * TEXT_CHUNK
"""Longest text that a row may hold beside its other columns: 750 KiB of its 1 MiB."""
BINARY_CHUNK = 64_000
CHUNKS_PER_ROW = 11
"""704,000 bytes: within 1 MiB also as base64, which is how Azurite measures a row."""


def text_columns(name: str, text: str) -> dict[str, str]:
    """``name``, ``name_1``, ``name_2`` … as many as the text needs. A *merge* would leave chunks of an
    earlier, longer text: replace the row, or keep the number of chunks."""
    width = TEXT_CHUNK if text.isascii() else TEXT_CHUNK // 2
    pieces = [text[start : start + width] for start in range(0, len(text), width)] or [""]
    return {_name(name, index): piece for index, piece in enumerate(pieces)}


def text_of(name: str, row: Mapping[str, Any]) -> str:
    """The text again; empty when the row has no such column."""
    return "".join(_chunks(name, row))


def names(name: str, number: int) -> Iterator[str]:
    """The columns of a text in so many pieces."""
    return (_name(name, index) for index in range(number))


def packed_rows(text: str) -> list[dict[str, bytes]]:
    """The text compressed, as the columns of one or more rows."""
    data = zlib.compress(text.encode("utf-8", "surrogatepass"))
    pieces = [data[start : start + BINARY_CHUNK] for start in range(0, len(data), BINARY_CHUNK)]
    return [
        {_name("data", index): piece for index, piece in enumerate(pieces[start : start + CHUNKS_PER_ROW])}
        for start in range(0, len(pieces), CHUNKS_PER_ROW)
    ]


def unpacked(rows: Sequence[Mapping[str, Any]]) -> str:
    """Raises ValueError when rows are missing or do not belong together."""
    data = b"".join(piece for row in rows for piece in _chunks("data", row))
    try:
        return zlib.decompress(data).decode("utf-8", "surrogatepass")
    except zlib.error as error:
        raise ValueError("rows of a packed text are missing or damaged") from error


def _chunks(name: str, row: Mapping[str, Any]) -> Iterator[Any]:
    for index in count():
        column = _name(name, index)
        if column not in row:
            return
        yield row[column]


def _name(name: str, index: int) -> str:
    return f"{name}_{index}" if index else name
