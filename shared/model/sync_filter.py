"""Sync filters: which Dynamics rows a user wants in Outlook (FLT-1 to FLT-10)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class FilterOrigin(StrEnum):
    """FLT-3: the user's own, the organization's for everybody, or a default template that stands in until the
    user has filters of their own."""

    USER = "user"
    SYSTEM = "system"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True)
class SyncFilter:
    """One active filter. ``version`` changes whenever the filter does. ``usual``: it is what the product's
    own template says (own and open rows; appointments in which one takes part), so that rows of others are
    not asked about."""

    id: str
    table: str
    name: str
    fetch_xml: str
    version: str
    origin: FilterOrigin = FilterOrigin.USER
    usual: bool = False


@dataclass(frozen=True, slots=True)
class Filters:
    """All active filters of one user. Several of a table are a union; none means nothing (FLT-4).
    ``unread``: Dynamics would not show them, so nobody knows what they take."""

    filters: tuple[SyncFilter, ...] = ()
    unread: bool = False

    def of(self, table: str) -> tuple[SyncFilter, ...]:
        return tuple(each for each in self.filters if each.table == table)

    @property
    def custom_tables(self) -> frozenset[str]:
        """Tables of which this user may want rows that others own."""
        return frozenset(each.table for each in self.filters if not each.usual)

    @property
    def fingerprint(self) -> str:
        """Changes when any filter is added, changed, switched off or removed."""
        if self.unread:
            return "unread"
        return ";".join(sorted(f"{each.table}:{each.id}:{each.version}" for each in self.filters))


def union(filters: Iterable[SyncFilter]) -> Filters:
    return Filters(tuple(sorted(filters, key=lambda each: (each.table, each.id))))
