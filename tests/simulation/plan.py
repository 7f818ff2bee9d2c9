"""What one run is made of: its seed, its size, and which of its deeds and faults happen. A plan can be
written down and read again, and a smaller one is a shorter story of the same seed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from random import Random
from typing import Any

NAMES = ("anna", "bert", "cleo", "dora", "emil", "fred")
SIZES = ((4, 4), (5, 3), (6, 2), (6, 3), (5, 4), (6, 4))
"""Mailboxes and days of a world of the hunt: enough of them to share what a world costs."""
OFTEN = ((6, 2), (5, 2))
"""Of worlds whose mailboxes are looked at every few minutes, which costs thrice as much a day."""
LOST = (0.0, 2.0, 20.0)
"""Where notifications are seldom lost they are relied on, and where they often are they are doubted: a
mailbox is then read by another clock."""


@dataclass(frozen=True)
class Plan:
    """``deeds``: of each person on each day. ``only``: the names of what people do and of what befalls
    everybody that happens, None for all; ``faults``: the same of what goes wrong, by its draw.
    ``notifications``: of a hundred, those that are lost, late or told twice; ``polled``: ``often`` as
    profiles are from the start, ``seldom`` as an administrator may choose who relies on notifications."""

    seed: int
    mailboxes: int = 4
    days: int = 3
    deeds: int = 13
    hours: float = 24.0
    trouble: bool = True
    only: frozenset[str] | None = None
    faults: frozenset[str] | None = None
    notifications: float = 20.0
    polled: str = "often"

    def happens(self, name: str) -> bool:
        return self.only is None or name in self.only

    @property
    def names(self) -> tuple[str, ...]:
        return NAMES[: self.mailboxes]

    def written(self) -> dict[str, Any]:
        """As JSON; only what is not usual."""
        usual = {field.name: field.default for field in fields(self)}
        chosen = {name: value for name, value in asdict(self).items() if value != usual[name]}
        return {name: sorted(v) if isinstance(v, frozenset) else v for name, v in chosen.items()}

    def __str__(self) -> str:
        return json.dumps(self.written())


def read_plan(written: dict[str, Any]) -> Plan:
    sets = {name: _set(written.get(name)) for name in ("only", "faults")}
    return Plan(**{**written, **sets})


def _set(names: Iterable[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def of_the_hunt(seed: int) -> Plan:
    random = Random(f"{seed} size")
    polled = random.choice(("seldom", "seldom", "seldom", "often"))
    mailboxes, days = random.choice(OFTEN if polled == "often" else SIZES)
    return Plan(seed, mailboxes, days, notifications=random.choice(LOST), polled=polled)
