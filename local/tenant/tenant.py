"""What was loaded: the users and the ids of everything, under the short names of the data files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TenantUser:
    """``user_id`` is the Dynamics ``systemuserid``; None: no user of Dynamics."""

    key: str
    address: str
    name: str
    time_zone: str
    exchange_id: str
    user_id: str | None


@dataclass(frozen=True, slots=True)
class Tenant:
    """``events`` gives the organizer's event, or the first recipient's copy of a meeting from outside;
    ``outlook_contacts`` and ``todo_tasks`` are items of Exchange, ``contacts`` and ``activities`` rows."""

    users: tuple[TenantUser, ...]
    accounts: Mapping[str, str] = field(default_factory=dict)
    contacts: Mapping[str, str] = field(default_factory=dict)
    appointments: Mapping[str, str] = field(default_factory=dict)
    events: Mapping[str, str] = field(default_factory=dict)
    outlook_contacts: Mapping[str, str] = field(default_factory=dict)
    todo_tasks: Mapping[str, str] = field(default_factory=dict)
    activities: Mapping[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[TenantUser]:
        return iter(self.users)

    def user(self, key: str) -> TenantUser:
        return next(user for user in self.users if user.key == key)

    @property
    def synchronized(self) -> tuple[TenantUser, ...]:
        """Those that are users on both sides: the ones to subscribe."""
        return tuple(user for user in self.users if user.user_id is not None)
