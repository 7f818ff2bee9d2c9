"""The Dynamics organization and its settings (SET)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dateutil.relativedelta import relativedelta

from shared.model.attachment import FileLimits
from shared.model.organization_settings import DEFAULTS, FUTURE_MONTHS, PAST_MONTHS


@dataclass(frozen=True, slots=True)
class Expansion:
    """How many months back and ahead Dynamics has the instances of a series (APPT-34, SET-47)."""

    past_months: int = int(DEFAULTS[PAST_MONTHS])
    future_months: int = int(DEFAULTS[FUTURE_MONTHS])

    def reaches(self, moment: datetime, now: datetime) -> bool:
        earliest = now - relativedelta(months=self.past_months)
        return earliest <= moment <= now + relativedelta(months=self.future_months)


@dataclass(frozen=True, slots=True)
class Organization:
    """``settings`` holds what the organization really has set; absent ones have the default. ``url``: where
    people open its rows."""

    id: str
    settings: Mapping[str, bool | int | str] = field(default_factory=dict)
    files: FileLimits = field(default_factory=FileLimits)
    expansion: Expansion = field(default_factory=Expansion)
    url: str = ""

    def own(self, name: str) -> bool | int | str | None:
        """What the organization itself says; None where it says nothing, so that the default holds."""
        months = {PAST_MONTHS: self.expansion.past_months, FUTURE_MONTHS: self.expansion.future_months}
        return months.get(name, self.settings.get(name))

    def flag(self, name: str) -> bool:
        value = self.settings.get(name, DEFAULTS[name])
        return value if isinstance(value, bool) else str(value).strip().lower() in ("true", "1")

    def number(self, name: str) -> int:
        """A numeric setting; what is no number has the default."""
        value, default = self.settings.get(name, DEFAULTS[name]), DEFAULTS[name]
        return int(value) if str(value).strip().lstrip("-").isdigit() else int(default)
