"""Service appointments in memory: the part of ``MemoryDynamics`` that has them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from shared.engine.ports import ChangedRow, Window
from shared.model.appointment import SERVICE, SERVICE_ROLES, Absence, DynamicsAppointment
from shared.model.party import Party, RecordRef
from shared.rules import attendees


class Clock(Protocol):
    def forward(self, seconds: float = 1) -> None: ...


class ServiceAppointments(ABC):
    """``service_scheduling`` False: the organization has no such table."""

    clock: Clock
    rows: dict[str, DynamicsAppointment]
    hidden: set[str]
    service_scheduling: bool = True
    asked_for_services: int = 0
    """How often the table was asked for anything."""

    @abstractmethod
    def _put(self, row: DynamicsAppointment) -> DynamicsAppointment: ...
    @abstractmethod
    def _read(self, row_id: str) -> DynamicsAppointment | Absence: ...

    # --- people -----------------------------------------------------------------------------------

    def add_service(self, row_id: str, *parties: Party, **values: Any) -> DynamicsAppointment:
        """A dispatcher plans one; its parties are not mailed by Dynamics."""
        blank: dict[str, Any] = {
            "time": None,
            "subject": "",
            "body": "",
            "location": "",
            "importance": 1,
            "showAs": [3, 4],
            "organizer": None,
            "regarding": None,
        }
        shown = {**blank, **values, "attendees": listed(parties)}
        return self._put(DynamicsAppointment(row_id, "", None, shown, parties, table=SERVICE))

    def set_parties(self, row_id: str, *parties: Party) -> None:
        """A dispatcher gives it to somebody else."""
        self.clock.forward()
        row = self.rows[row_id]
        self._put(replace(row, parties=parties, values={**row.values, "attendees": listed(parties)}))

    # --- the port ---------------------------------------------------------------------------------

    async def service_appointments(
        self, ids: Sequence[str], *, as_user: str
    ) -> Mapping[str, DynamicsAppointment | Absence]:
        del as_user
        self.asked_for_services += 1
        return {i: self._read(i) for i in ids} if self.service_scheduling else {}

    async def service_appointments_of(
        self, user_id: str, window: Window, *, as_user: str
    ) -> Sequence[ChangedRow]:
        del window, as_user
        self.asked_for_services += 1
        mine = [row for row in self._services() if user_id in _users(row) and row.id not in self.hidden]
        return [ChangedRow(row.id, row.etag) for row in mine]

    async def service_parties(self, ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        self.asked_for_services += 1
        return {row.id: _users(row) for row in self._services() if row.id in ids}

    def _services(self) -> list[DynamicsAppointment]:
        return [row for row in self.rows.values() if row.table == SERVICE] if self.service_scheduling else []


def user(user_id: str, role: int = 10) -> Party:
    return Party(role, None, RecordRef("systemuser", user_id))


def listed(parties: Sequence[Party]) -> Any:
    roles = {5: "required", 6: "optional"}
    return attendees.as_value(
        (p.address.lower(), roles[p.role]) for p in parties if p.address and p.role in roles
    )


def _users(row: DynamicsAppointment) -> list[str]:
    found = [p.ref.id for p in row.parties if p.ref and p.role in SERVICE_ROLES]
    return list(dict.fromkeys(found))
