"""What people remember of what they made: all that the oracle knows. Every value is unlike every other, and
every item carries its mark, so that both are found anywhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from tests.wire.people import Person

EXCHANGE, DYNAMICS = "exchange", "dynamics"
SIDES = (EXCHANGE, DYNAMICS)
CLOSED, NOT_CLOSED = "closed", "open"
ARRIVES = timedelta(hours=2)
"""Within which what was made is on the other side, even after an hour of trouble."""


@dataclass(frozen=True)
class Edit:
    """``seen``: what stood there before it."""

    at: datetime
    side: str
    field: str
    value: str
    seen: str = ""


@dataclass
class Slots:
    """Of a series, by the date of the slot: what was written into an occurrence, when it was taken out, and
    when its pattern changed, which makes every slot plain."""

    edits: dict[date, list[Edit]] = field(default_factory=dict)
    removed: dict[date, tuple[str, datetime]] = field(default_factory=dict)
    patterns: list[tuple[str, datetime]] = field(default_factory=list)


@dataclass
class Guests:
    """Whom people invited, and took out again: by address, how often in Dynamics, where our service has to
    tell them. ``changes``: what was done there that Exchange tells guests of. ``tracked``: when one of them
    last tracked the copy that the invitation had brought."""

    invited: Counter[str] = field(default_factory=Counter)
    withdrawn: Counter[str] = field(default_factory=Counter)
    changes: int = 0
    ever: set[str] = field(default_factory=set)
    tracked: datetime | None = None


@dataclass
class Item:
    """What somebody made. ``edits``: of texts; ``facts``: of times and states. ``deleted``: where and when;
    ``untracked``: since when its owner wants it left alone; ``private``: never tracked, nobody's business."""

    mark: str
    kind: str
    owner: Person
    born: str
    start: datetime
    edits: list[Edit] = field(default_factory=list)
    facts: list[Edit] = field(default_factory=list)
    deleted: dict[str, datetime] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    place: str = ""
    untracked: datetime | None = None
    retracked: datetime | None = None
    private: bool = False
    unknown: bool = False
    """Deleted on the other side before the pass that had made it there was over."""
    arrives: timedelta = ARRIVES
    """Within which what was done about it is known, however long its mailbox had no pass."""
    slots: Slots = field(default_factory=Slots)
    guests: Guests = field(default_factory=Guests)

    @property
    def alive(self) -> bool:
        return not self.deleted and self.untracked is None and not self.private

    @property
    def wanted_anew(self) -> bool:
        """Its owner tracked it again, or a guest tracked it, too, and its row was deleted before anybody
        could look: nothing tells which came first, so that it may get a new row as well as none."""
        gone = self.deleted.get(DYNAMICS)
        wishes = [at for at in (self.retracked, self.guests.tracked) if at is not None]
        return gone is not None and any(gone - at < self.arrives for at in wishes)

    @property
    def hardly_open(self) -> bool:
        """Made in Dynamics and closed there before anybody looked, and any trouble was over: its filter takes
        open ones only, so that it may never come to Exchange."""
        if self.born != DYNAMICS:
            return False
        begun: datetime | None = self.edits[0].at
        for fact in self.facts:
            if fact.field != "state":
                continue
            if fact.value == CLOSED and begun is not None and fact.at - begun > self.arrives:
                return False
            begun = None if fact.value == CLOSED else fact.at
        return begun is None

    @property
    def is_untracked(self) -> bool:
        return self.untracked is not None and not self.deleted

    def unseen(self, name: str) -> list[Edit]:
        """The edits of a field that nobody saw and then wrote over."""
        return unseen([edit for edit in self.edits if edit.field == name])


LONG_AFTER = timedelta(hours=6)
"""Whatever had happened to the service, it had done with the edit before by then: a pass that dies after it
wrote and before it committed does not know that the other side has seen what it wrote."""


def undisputed(edits: list[Edit]) -> str:
    """What whoever wrote last wrote long after, and knowing what stood there; empty where that is not so."""
    if len(edits) < 2 or edits[-1].seen != edits[-2].value or edits[-1].at - edits[-2].at < LONG_AFTER:
        return ""
    return edits[-1].value


def unseen(edits: list[Edit]) -> list[Edit]:
    seen = {edit.seen for edit in edits}
    return [edit for edit in edits if edit.value not in seen]
