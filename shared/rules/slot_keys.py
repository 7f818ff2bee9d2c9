"""One occurrence under both its names (APPT-36): the day of its slot in the series' zone, by which Exchange's
side knows it, and the original start, by which Dynamics does. Never by iCalUId or an instance's id.

A day has one occurrence at most, so the day is the key: the instant may differ by what clocks do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from shared.model import recurrence
from shared.model.recurrence import Recurrence
from shared.model.timezones import local_date
from shared.model.values import Value
from shared.rules.meeting_time import instant, text_of
from shared.rules.recurrence import as_dynamics_expands


@dataclass(frozen=True, slots=True)
class SlotKeys:
    """``there``: the series as Dynamics expands it in the owner's zone, ``shift`` its days against the
    series' own (a meeting at night may be on the next day there)."""

    there: Recurrence
    shift: timedelta
    zone: ZoneInfo

    def original_start(self, day: str) -> str | None:
        """``2026-03-09`` to ``2026-03-09T08:00:00Z``; None: the series has no occurrence on this day."""
        slot = recurrence.slot_of(self.there, date.fromisoformat(day) + self.shift)
        return text_of(slot.start) if slot else None

    def day(self, original_start: str) -> str | None:
        """``2026-03-09T08:00:00Z`` to ``2026-03-09``; None: the series has no occurrence on this day."""
        day = local_date(instant(original_start), self.zone)
        return (day - self.shift).isoformat() if recurrence.contains(self.there, day) else None


def slot_keys(value: Value, zone: ZoneInfo) -> SlotKeys | None:
    """Of Exchange's value of a series whose owner is in ``zone``. None: Dynamics cannot say the series."""
    expanded = as_dynamics_expands(value, zone)
    return None if expanded is None else SlotKeys(*expanded, zone)
