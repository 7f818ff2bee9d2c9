"""What the service says about each item when an administrator asks: linked or not, and by which rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.simulation.items import Item
from tests.simulation.oracle.broken import CONVERGES, EXPLAINS_ITSELF, Broken

LINKED, NOT_LINKED = "linked", "untracked"


def of_answer(item: Item, answer: Mapping[str, Any], *, linked: bool) -> Iterator[Broken]:
    """``answer``: to ``explain`` about an item that one side shows; ``linked``: what it is to be."""
    link, skipped = answer["link"], answer["skipped"]
    state = link["state"] if link else ""
    if linked and state != LINKED:
        yield Broken(EXPLAINS_ITSELF, f"not told to be linked: {dict(answer)}", item)
    if answer["actions"]:
        yield Broken(CONVERGES, f"something is still to be done: {answer['actions']}", item)
    if not answer["sentence"]:
        yield Broken(EXPLAINS_ITSELF, "there is no sentence about it", item)
    if linked:
        return
    if state == LINKED:
        yield Broken(EXPLAINS_ITSELF, f"told to be linked, though nobody wants it: {dict(answer)}", item)
    named = bool(link and link["reason"] and link["rules"]) or any(s["rules"] for s in skipped)
    if not named:
        yield Broken(EXPLAINS_ITSELF, f"no rule says why it is left alone: {dict(answer)}", item)
