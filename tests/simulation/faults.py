"""What goes wrong, and when: drawn from the seed, until it is told to be calm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random


class Killed(BaseException):
    """The worker dies here: nothing in the product may catch it."""


class Poisoned(Exception):  # noqa: N818 - an error of the worker's own, which no code of ours foresees
    """Whatever this worker is given, it fails."""


@dataclass
class Rates:
    """How often, of a hundred. ``request``: any of the faults of one request that reads, ``write`` of one
    that may change something; ``storage``: refused or its answer lost; ``kill``: at a step or a request of a
    pass, ten times as often at one that writes; ``token``: a place in a delta is not known any more;
    ``skew``: not a rate, but the seconds by which the clock of a worker's machine may be off."""

    request: float = 2.0
    write: float = 15.0
    storage: float = 0.5
    kill: float = 0.3
    notification: float = 20.0
    lock: float = 1.0
    token: float = 0.2
    skew: float = 120.0


CALM = Rates(0, 0, 0, 0, 0, 0, 0, 0)

SKEW = "skew"
REQUEST_FAULTS = (
    "unreachable",
    "cut before",
    "cut after",
    "status:401",
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
    change what happens to all others. ``happened`` counts; ``hits`` names each draw that went wrong. With
    ``allowed`` only those go wrong that it names: a story told again with fewer faults."""

    seed: int
    rates: Rates = field(default_factory=Rates)
    allowed: frozenset[str] | None = None
    happened: Counter[str] = field(default_factory=Counter)
    hits: list[str] = field(default_factory=list)
    heard: Callable[[str], None] | None = None
    _sources: dict[str, Random] = field(default_factory=dict)
    _drawn: Counter[str] = field(default_factory=Counter)

    def source(self, name: str) -> Random:
        if name not in self._sources:
            self._sources[name] = Random(f"{self.seed} {name}")
        return self._sources[name]

    def of_hundred(self, name: str, rate: float) -> bool:
        hit = self.source(name).random() * 100 < rate
        self._drawn[name] += 1
        key = f"{name}#{self._drawn[name]}"
        if self.allowed is not None:
            hit = rate > 0 and key in self.allowed
        if hit:
            self.happened[name] += 1
            self.hits.append(key)
            if self.heard is not None:
                self.heard(name)
        return hit

    def kind(self, name: str, kinds: tuple[str, ...]) -> str:
        """Of the draw just made by that name: the same one however many of the others happen."""
        return Random(f"{self.seed} kind of {name} {self._drawn[name]}").choice(kinds)

    def skew(self) -> float:
        """Of the clock of one of four machines, of which two are right."""
        if self.allowed is not None and SKEW not in self.allowed:
            return 0.0
        machine = self.source("machine").randrange(4)
        off = Random(f"{self.seed} machine {machine}").uniform(-self.rates.skew, self.rates.skew)
        self.happened["machine of a wrong clock"] += machine < 2 and self.rates.skew > 0
        return off if machine < 2 else 0.0

    def request_fault(self, part: str, *, writes: bool = False) -> str:
        """Empty: none."""
        rate, name = self.rates.write if writes else self.rates.request, f"request to {part}"
        if not self.of_hundred(name, rate):
            return ""
        fault = self.kind(name, REQUEST_FAULTS)
        self.happened[fault] += 1
        return fault

    def kill(self, where: str, *, writes: bool = False) -> None:
        if self.of_hundred("kill", self.rates.kill * (10 if writes else 1)):
            raise Killed(where)

    def seconds(self, name: str, least: float, most: float) -> float:
        return self.source(name).uniform(least, most)
