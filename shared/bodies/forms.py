"""The canonical value of a body: a plain text is a string, a rich one ``{"html": …}``.

The value says which form it is, so that switching rich bodies on or off (SET-47) changes how bodies cross
over and never what a stored one is. Values of different forms are compared by what a person reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeGuard

from shared.bodies import rich
from shared.bodies.visible import normal, skeleton, text_of
from shared.model.values import Value

HTML = "html"
_WRAPPER = "<div></div>"
_LONGEST_CHARACTER = 6
"""Bytes of one character at most: a blank that has to be kept, or an ampersand."""


def of_html(markup: str) -> Value:
    """HTML as a value; one that shows nothing is the empty text."""
    kept = rich.sanitised(markup)
    return {HTML: kept} if rich.shows_something(kept) else ""


def of_column(text: str) -> Value:
    """What a text column of Dynamics holds: an editor of rich text leaves markup from end to end, whatever
    the organization's setting is now."""
    return of_html(text) if rich.is_enveloped(text) else normal(text)


def to_column(value: Value) -> str | None:
    """As ``of_column`` reads it again; None for an empty body."""
    return f"<div>{markup_of(value)}</div>" if is_rich(value) else str(value or "") or None


def is_rich(value: object) -> TypeGuard[Mapping[str, Value]]:
    return isinstance(value, Mapping) and value.keys() == {HTML}


def markup_of(value: Value) -> str:
    return str(value[HTML]) if isinstance(value, Mapping) else rich.from_text(str(value or ""))


def plain(value: Value) -> str:
    """The visible text."""
    if isinstance(value, Mapping):
        return normal(text_of(str(value.get(HTML, ""))))
    return str(value or "")


def enriched(value: Value) -> Value:
    """As HTML: a text that holds markup is taken at its word, for that is what Dynamics shows it as."""
    if is_rich(value):
        return value
    return _enriched(str(value or ""))


@lru_cache(maxsize=32)
def _enriched(text: str) -> Value:
    return of_html(text if rich.has_tags(text) else rich.from_text(text))


def same_words(left: object, right: object) -> bool:
    """One body in its two forms."""
    if is_rich(left) == is_rich(right) or not (_is_body(left) and _is_body(right)):
        return False
    return skeleton(plain(left)) == skeleton(plain(right))


def _is_body(value: object) -> TypeGuard[Value]:
    return isinstance(value, str) or is_rich(value)


# --- length ---------------------------------------------------------------------------------------


def cut_text(text: str, limit: int) -> str:
    """``text`` within ``limit`` UTF-16 units, cut at a character boundary."""
    if len(text) * 2 <= limit:
        return text
    encoded = text.encode("utf-16-le", "surrogatepass")
    if len(encoded) <= limit * 2:
        return text
    return encoded[: limit * 2].decode("utf-16-le", "ignore")


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def fitted_to_column(value: Value, limit: int) -> Value:
    """A body that the column takes. HTML that is too long is cut as the text it shows, for half a table is
    none."""
    if not is_rich(value):
        return cut_text(str(value or ""), limit)
    return _shortened(value, limit, lambda markup: units(markup) + len(_WRAPPER))


def fitted_to_request(value: Value, limit: int) -> Value:
    """A body that fits into a request of so many bytes. A text counts as the HTML that it may have to be
    written as."""
    if not is_rich(value) and len(str(value or "")) * _LONGEST_CHARACTER <= limit:
        return value
    return _shortened(
        value, limit, lambda markup: len(json.dumps(markup, ensure_ascii=False).encode("utf-8", "replace"))
    )


def _shortened(value: Value, limit: int, size: Callable[[str], int]) -> Value:
    """The value, or as much of its text, from the beginning, as fits."""
    if size(markup_of(value)) <= limit:
        return value
    text = plain(value)
    fits, too_long = 0, len(text) + 1
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if size(rich.from_text(text[:middle])) <= limit:
            fits = middle
        else:
            too_long = middle
    return of_html(rich.from_text(text[:fits])) if is_rich(value) else text[:fits]
