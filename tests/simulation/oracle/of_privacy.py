"""Whose data is where: what nobody tracked is in nobody's Dynamics, a row belongs to its own user, and only
who is invited has a copy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from tests.simulation.items import Item
from tests.simulation.oracle.broken import NO_LEAK, Broken
from tests.wire.people import Person


def of_private(item: Item, tables: Iterable[str]) -> Iterator[Broken]:
    """``tables``: all that Dynamics holds, as text."""
    if item.private and any(_stands_in(item, table) for table in tables):
        yield Broken(NO_LEAK, "nobody tracked it, and it is in Dynamics", item)


def of_owner(item: Item, rows: Iterable[dict[str, Any]]) -> Iterator[Broken]:
    for row in rows:
        if row["_ownerid_value"] != item.owner.user:
            yield Broken(NO_LEAK, f"its row belongs to {row['_ownerid_value']}", item)


def of_copies(item: Item, mailboxes: Iterable[tuple[Person, str]]) -> Iterator[Broken]:
    """``mailboxes``: with all that each shows, as text."""
    for person, shown in mailboxes:
        entitled = person is item.owner or person.address in item.guests.ever
        if not entitled and _stands_in(item, shown):
            yield Broken(NO_LEAK, f"it is in the mailbox of {person.address}", item)


def _stands_in(item: Item, text: str) -> bool:
    """As a word: an id may hold the same letters by chance."""
    return item.mark in text and re.search(rf"(?<![\w=-]){item.mark}(?![\w=-])", text) is not None
