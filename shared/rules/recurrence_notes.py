"""What is said otherwise about a series on the other side, or cannot be said there: how a person reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from shared.model.values import Value


class Note(Enum):
    """``(code, rules, sentence)``; the sentence may hold one ``{detail}``."""

    END_INSTEAD_OF_COUNT = (
        "end date instead of a count",
        ("APPT-28", "FLD-11"),
        "Dynamics counts 999 occurrences at most; these {detail} end on the date of the last one instead",
    )
    ZONE_DRIFT = (
        "zones drift apart",
        ("APPT-10", "APPT-28"),
        "Dynamics expands the series in the mailbox owner's time zone, whose clocks change on other days "
        "than those of the series' zone: from {detail} on some occurrences lie at another time there",
    )
    OTHER_DAY = (
        "another day in the owner's zone",
        ("APPT-10", "APPT-28"),
        "in the mailbox owner's time zone the occurrences begin a day {detail} than in the series' own",
    )
    START_MOVED = (
        "starts on its first occurrence",
        ("APPT-28",),
        "a series starts on a day of its pattern, here {detail}; the occurrences are the same",
    )
    INTERVAL_TOO_LONG = (
        "interval too long",
        ("FLD-11",),
        "Dynamics repeats after 1000 periods at most, this series after {detail}",
    )
    UNUSUAL_DAYS = (
        "unusual set of days",
        ("FLD-11",),
        "the nth of a month is one day of the week, a day, a working day or a weekend day in Dynamics; this "
        "series asks for the nth of {detail}",
    )
    ZONE_CROSSES_MIDNIGHT = (
        "midnight lies between the zones",
        ("APPT-10", "FLD-11"),
        "in the mailbox owner's time zone, in which Dynamics expands the series, its occurrences are not on "
        "days that one pattern describes",
    )
    SKIPPED_HOUR = (
        "first start skipped by the clocks",
        ("APPT-10",),
        "on {detail} clocks skip the time at which the series starts, and Dynamics knows its time of day "
        "from that first start only",
    )
    NO_OCCURRENCE = ("no occurrence", ("APPT-28",), "the pattern has no day between its start and its end")
    EVERY_OTHER_WORKING_DAY = (
        "rarer than every working day",
        ("FLD-11",),
        "Exchange says every working day, but not every {detail}th one",
    )
    NOT_A_PATTERN = ("not a pattern", ("FLD-11",), "the columns are no recurrence pattern: {detail}")

    @property
    def code(self) -> str:
        return str(self.value[0])

    @property
    def rules(self) -> tuple[str, ...]:
        rules: tuple[str, ...] = self.value[1]
        return rules


@dataclass(frozen=True, slots=True)
class Remark:
    """A note about one series, as a person reads it."""

    note: Note
    text: str

    @property
    def code(self) -> str:
        return self.note.code

    @property
    def rules(self) -> tuple[str, ...]:
        return self.note.rules


@dataclass(frozen=True, slots=True)
class Crossed:
    """``value`` for the other side, and what is said otherwise there; None: the last note says why not."""

    value: Mapping[str, Value] | None
    notes: tuple[Remark, ...] = ()


def remark(note: Note, detail: object = "") -> Remark:
    return Remark(note, str(note.value[2]).format(detail=detail))
