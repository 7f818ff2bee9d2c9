"""What goes wrong, and when: drawn from the seed, until it is told to be calm."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random


class Killed(BaseException):
    """The worker dies here: nothing in the product may catch it."""


@dataclass
class Rates:
    """How often, of a hundred. ``request``: any of the faults of one request that reads, ``write`` of one
    that may change something; ``storage``: refused or its answer lost; ``kill``: at a step or a request of a
    pass, ten times as often at one that writes."""

    request: float = 2.0
    write: float = 15.0
    storage: float = 0.5
    kill: float = 0.3
    notification: float = 20.0
    lock: float = 1.0


CALM = Rates(0, 0, 0, 0, 0, 0)

REQUEST_FAULTS = (
    "unreachable",
    "cut before",
    "cut after",
    "status:429",
    "status:429 soon",
    "status:429 late",
    "status:503",
    "status:504 after",
    "delay",
)


@dataclass
class Chance:
    """One source of chance for each thing that may go wrong, so that one more request of one kind does not
    change what happens to all others. ``happened`` counts."""

    seed: int
    rates: Rates = field(default_factory=Rates)
    happened: Counter[str] = field(default_factory=Counter)
    _sources: dict[str, Random] = field(default_factory=dict)

    def source(self, name: str) -> Random:
        if name not in self._sources:
            self._sources[name] = Random(f"{self.seed} {name}")
        return self._sources[name]

    def of_hundred(self, name: str, rate: float) -> bool:
        hit = self.source(name).random() * 100 < rate
        self.happened[name] += hit
        return hit

    def request_fault(self, part: str, *, writes: bool = False) -> str:
        """Empty: none."""
        rate = self.rates.write if writes else self.rates.request
        if not self.of_hundred(f"request to {part}", rate):
            return ""
        fault = self.source(f"kind of fault of {part}").choice(REQUEST_FAULTS)
        self.happened[fault] += 1
        return fault

    def kill(self, where: str, *, writes: bool = False) -> None:
        if self.of_hundred("kill", self.rates.kill * (10 if writes else 1)):
            raise Killed(where)

    def seconds(self, name: str, least: float, most: float) -> float:
        return self.source(name).uniform(least, most)
