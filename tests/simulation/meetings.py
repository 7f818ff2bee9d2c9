"""Meetings: people invite guests, from outside and from among themselves, take them out again, and answer.
What Exchange tells guests of when it is done in Outlook is Exchange's affair; what is done in Dynamics is
ours, and remembered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tests.simulation.humans import Deed, Humans
from tests.simulation.items import EXCHANGE, Item
from tests.simulation.kinds import KINDS
from tests.simulation.kinds.events import Events
from tests.wire.people import CATEGORY

Json = dict[str, Any]


async def invite(humans: Humans, deed: Deed, item: Item) -> None:
    """One guest more, and whoever is shown there already."""
    kind, side = _kind(item), humans.side(deed)
    row = await kind.seen(item, side)
    if row is None:
        return
    present = await kind.guests_of(item, side, row)
    new = next((one for one in humans.candidates(deed, item) if one not in present), None)
    if new is None:
        return
    humans.tell(item, side, f"invited {new} besides {sorted(present)}")
    humans.invited(item, side, [new])
    await _set(humans, kind, item, side, [*present, new])


async def take_out(humans: Humans, deed: Deed, item: Item) -> None:
    kind, side = _kind(item), humans.side(deed)
    row = await kind.seen(item, side)
    present = await kind.guests_of(item, side, row) if row else []
    if not present:
        return
    out = deed.random.choice(sorted(present))
    left = [one for one in present if one != out]
    humans.tell(item, side, f"took out {out}, left {sorted(left)}")
    humans.withdrew(item, side, out)
    await _set(humans, kind, item, side, left)


async def answer(humans: Humans, deed: Deed, item: Item) -> None:
    """Of a guest whose mailbox is one of ours, in Outlook; Exchange tells the organizer."""
    inside = [person for person in humans.world.everybody if person.address in item.guests.ever]
    for guest in sorted(inside, key=lambda person: person.address):
        rows = (await guest.graph("GET", "events?$top=500"))["value"]
        copies = [row for row in rows if item.mark in row["subject"] and not row["isCancelled"]]
        if copies:
            word = deed.random.choice(("accept", "tentativelyAccept"))
            humans.tell(item, EXCHANGE, f"{guest.address}: {word}")
            await guest.graph("POST", f"events/{copies[0]['id']}/{word}", {"sendResponse": True})
            return


async def guest_tracks(humans: Humans, deed: Deed, item: Item) -> None:
    """A guest puts the category on the own copy: the row stays the organizer's, and stays one."""
    for guest in humans.world.everybody:
        if guest.address not in item.guests.ever:
            continue
        rows = (await guest.graph("GET", "events?$top=500"))["value"]
        for copy in [row for row in rows if item.mark in row["subject"] and not row["isCancelled"]]:
            humans.tell(item, EXCHANGE, f"tracked by {guest.address}, too")
            item.guests.tracked = humans.now
            await guest.graph("PATCH", f"events/{copy['id']}", {"categories": [CATEGORY]})


async def _set(humans: Humans, kind: Events, item: Item, side: str, addresses: list[str]) -> None:
    await kind.set_guests(item, side, [humans.guest(kind, side, address) for address in addresses])


def _kind(item: Item) -> Events:
    kind = KINDS[item.kind]
    assert isinstance(kind, Events)
    return kind


MEETING_DEEDS: tuple[Callable[[Humans, Deed, Item], Awaitable[None]], ...] = (
    invite,
    invite,
    take_out,
    answer,
    guest_tracks,
)
