"""People who make, edit and delete their items on both sides, and remember what they did. What a deed is, is
drawn from its own name, so that leaving one out changes as little as possible of all others."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests.simulation.items import DYNAMICS, EXCHANGE, SIDES, Edit, Item
from tests.simulation.kinds import KINDS, Kind
from tests.simulation.kinds.events import Events
from tests.simulation.world import World
from tests.wire.people import Person

USUAL_KINDS = (
    *("event",) * 4,
    *("contact",) * 4,
    *("task",) * 3,
    *("series",) * 2,
    *("phonecall", "letter", "fax"),
)
MEETINGS = 0.3
PAUSES = (0, 0.3, 2, 20, 120)
AHEAD = (100, 320)
"""Hours after which an event begins: later than a world lasts, for of a meeting that is past nobody is told
(APPT-23)."""

Special = Callable[["Humans", "Deed", Item], Awaitable[None]]


@dataclass
class Deed:
    """One thing that comes to somebody's mind; ``name`` is ``anna.<day>.<number>``."""

    name: str
    person: Person
    random: Random
    values: int = 0

    @property
    def mark(self) -> str:
        who, day, number = self.name.split(".")
        return f"{who[0].upper()}{int(day):02d}{int(number):02d}"

    def value(self, item: Item, name: str) -> str:
        """Unlike any other, and of a form that the field takes."""
        self.values += 1
        token = f"v{self.mark}{self.values:02d}"
        if name == "words":
            return f"{item.mark} {token}"
        if name == "mail":
            return f"{token.lower()}@outside.example"
        return token

    def pick(self, items: list[Item]) -> Item:
        """The same one as long as it is there, whoever else is."""
        return min(items, key=lambda item: zlib.crc32(f"{self.name} {item.mark}".encode()))


@dataclass
class Humans:
    """``story`` is what they did, in order; ``special`` are the deeds that only some kinds have."""

    world: World
    items: list[Item] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    special: Mapping[str, Sequence[Special]] = field(default_factory=dict)

    # --- one deed ---------------------------------------------------------------------------------

    async def act(self, deed: Deed) -> None:
        """Whatever comes to mind."""
        own = [item for item in self.items if item.owner is deed.person and item.alive]
        wish = deed.random.choices(
            ("make", "edit", "edit both", "special", "delete", "delete both", "edit deleted", "private"),
            (5, 6, 4, 5, 1, 0.4, 0.4, 0.3),
        )[0]
        gone = [item for item in self.items if item.owner is deed.person and item.is_untracked]
        if gone and deed.random.random() < 0.2:
            await self._track_again(deed.pick(gone))
            return
        if wish == "private":
            await self._make_private(deed)
            return
        if wish == "make" or len(own) < 3:
            await self.make(deed)
            return
        item = deed.pick(own)
        if wish == "special" and self.special.get(item.kind):
            await deed.random.choice(self.special[item.kind])(self, deed, item)
        elif wish in ("edit", "special"):
            await self.edit(deed, item, self.side(deed))
        elif wish == "edit both":
            await self._edit_both(deed, item)
        else:
            await self._end(deed, item, wish)

    @staticmethod
    def side(deed: Deed) -> str:
        return deed.random.choice(SIDES)

    async def _edit_both(self, deed: Deed, item: Item) -> None:
        first, second = deed.random.sample(SIDES, 2)
        name = deed.random.choice(sorted(KINDS[item.kind].fields))
        await self.edit(deed, item, first, name)
        await self.pause(deed)
        if item.alive:
            await self.edit(deed, item, second, name)

    async def _end(self, deed: Deed, item: Item, wish: str) -> None:
        first, second = deed.random.sample(SIDES, 2)
        await self.delete(item, first)
        if wish == "delete both":
            await self.pause(deed)
            await self.delete(item, second)
        elif wish == "edit deleted":
            await self.pause(deed)
            await self.edit(deed, item, second)

    async def pause(self, deed: Deed) -> None:
        await self.world.run_for(timedelta(seconds=deed.random.choice(PAUSES)))

    # --- making -----------------------------------------------------------------------------------

    async def make(self, deed: Deed) -> None:
        kind = self._kind_to_make(deed)
        side = deed.random.choice(KINDS[kind].born)
        item = self.new(deed, kind, side)
        values = {name: deed.value(item, name) for name in KINDS[kind].fields}
        self.tell(item, side, f"made {values}")
        made = KINDS[kind]
        if type(made) is Events and deed.random.random() < MEETINGS:
            guests = self.candidates(deed, item)[: deed.random.randint(1, 2)]
            self.tell(item, side, f"invited {guests}")
            item.guests.ever.update(guests)
            if side == DYNAMICS:
                item.guests.invited.update(guests)
            await made.make(item, side, values, [self.guest(made, side, guest) for guest in guests])
        else:
            await made.make(item, side, values)
        self.remember(item, side, values)
        self.items.append(item)

    def _kind_to_make(self, deed: Deed) -> str:
        """Somebody's first items are of kinds that they had none of: who has one kind edits one kind."""
        had = {item.kind for item in self.items if item.owner is deed.person and item.alive}
        return deed.random.choice([kind for kind in USUAL_KINDS if kind not in had or len(had) > 3])

    def candidates(self, deed: Deed, item: Item) -> list[str]:
        """Somebody outside, and a colleague."""
        others = [person.address for person in self.world.everybody if person is not item.owner]
        found = [f"guest.{deed.mark.lower()}@outside.example"]
        found += deed.random.sample(others, min(1, len(others)))
        deed.random.shuffle(found)
        return found

    def guest(self, kind: Events, side: str, address: str) -> dict[str, Any]:
        """As that side names them."""
        known = [person for person in self.world.everybody if person.address == address]
        return kind.guest(side, address, known[0] if known else None)

    async def _make_private(self, deed: Deed) -> None:
        """Of no concern to anybody else: never tracked."""
        kind = deed.random.choice(("event", "contact", "task"))
        item = self.new(deed, kind, EXCHANGE)
        item.private = True
        values = {name: deed.value(item, name) for name in KINDS[kind].fields}
        self.tell(item, EXCHANGE, f"made for nobody else {values}")
        await KINDS[kind].make(item, EXCHANGE, values)
        self.items.append(item)

    async def _track_again(self, item: Item) -> None:
        """From now on what either side shows is what has to be kept."""
        kind = KINDS[item.kind]
        rows = {side: await kind.seen(item, side) for side in SIDES}
        if rows[EXCHANGE] is None:
            return
        self.tell(item, EXCHANGE, "tracked again")
        item.untracked, item.retracked, item.edits, item.facts = None, self.now, [], []
        for side, row in rows.items():
            if row is not None:
                self.remember(item, side, {name: kind.value(side, row, name) for name in kind.fields})
        await kind.track(item, tracked=True)

    def new(self, deed: Deed, kind: str, side: str) -> Item:
        start = self.world.clock.now().replace(minute=0, second=0, microsecond=0)
        start += timedelta(hours=deed.random.randint(*AHEAD))
        return Item(deed.mark, kind, deed.person, side, start)

    def remember(self, item: Item, side: str, values: dict[str, str]) -> None:
        now = self.world.clock.now()
        item.edits += [Edit(now, side, name, value) for name, value in values.items()]

    # --- editing ----------------------------------------------------------------------------------

    async def edit(self, deed: Deed, item: Item, side: str, name: str = "") -> None:
        row = await KINDS[item.kind].seen(item, side)
        if row is None:
            return
        name = name or deed.random.choice(sorted(KINDS[item.kind].fields))
        value = deed.value(item, name)
        self.tell(item, side, f"{name} := {value}")
        seen = KINDS[item.kind].value(side, row, name)
        item.edits.append(Edit(self.world.clock.now(), side, name, value, seen))
        self.changed(item, side)
        await KINDS[item.kind].write(item, side, name, value)

    def set_fact(self, item: Item, side: str, row: Mapping[str, Any], name: str, value: str) -> None:
        """``row``: what they saw before."""
        seen = KINDS[item.kind].facts(side, row)[name]
        self.tell(item, side, f"{name} := {value}")
        item.facts.append(Edit(self.now, side, name, value, seen))
        self.changed(item, side)

    async def delete(self, item: Item, side: str) -> None:
        row = await KINDS[item.kind].seen(item, side)
        if row is None:
            return
        self.tell(item, side, "deleted")
        item.deleted[side] = self.world.clock.now()
        if side != item.born:
            item_id = str(row["id"]) if side == EXCHANGE else item.ids[EXCHANGE]
            item.unknown = not await self._is_linked(item, item_id)
        await KINDS[item.kind].delete(item, side)

    async def _is_linked(self, item: Item, item_id: str) -> bool:
        """The service knows by now that this is the row's item."""
        links = await self.world.links.links_by_exchange(item.owner.mailbox, [item_id])
        return item_id in links and links[item_id].linked

    # --- what guests have to be told --------------------------------------------------------------

    def changed(self, item: Item, side: str) -> None:
        item.guests.changes += side == DYNAMICS

    def invited(self, item: Item, side: str, addresses: Sequence[str]) -> None:
        item.guests.ever.update(addresses)
        if side == DYNAMICS:
            item.guests.invited.update(addresses)
            item.guests.changes += 1

    def withdrew(self, item: Item, side: str, address: str) -> None:
        if side == DYNAMICS:
            item.guests.withdrawn[address] += 1
            item.guests.changes += 1

    # --- remembering ------------------------------------------------------------------------------

    def tell(self, item: Item, side: str, what: str) -> None:
        now = self.world.clock.now()
        name = item.owner.address.partition("@")[0]
        self.world.diary.edited(item.owner.mailbox, item.kind, side)
        self.story.append(f"{now:%a %H:%M:%S.%f} {name} {item.kind} {item.mark} in {side}: {what}")

    @property
    def now(self) -> datetime:
        return self.world.clock.now()

    @staticmethod
    def kind(item: Item) -> Kind:
        return KINDS[item.kind]
