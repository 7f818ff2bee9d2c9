"""Attendees in Exchange and activity parties in Dynamics (APPT-7, FLD-6).

An attendee is its address as sent (``addressused``); a party once resolved stays while its address stays.
Rooms (``resource``) have no party list on an appointment: they stay in Exchange and are never uninvited.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from shared.model.party import ParticipationType, Party, RecordRef
from shared.model.values import Value

ROLES = {"required": ParticipationType.REQUIRED, "optional": ParticipationType.OPTIONAL}
RESOURCE = "resource"
ADDRESS_LIMIT = 320
"""Characters of an address that a party takes."""


def pairs(value: Value) -> list[tuple[str, str]]:
    """``[[address, role], …]`` as pairs."""
    if not isinstance(value, list | tuple):
        return []
    return [(str(entry[0]), str(entry[1])) for entry in value if isinstance(entry, list | tuple)]


def as_value(attendees: Iterable[tuple[str, str]]) -> Value:
    return [[address, role] for address, role in sorted(attendees)]


def to_dynamics(value: Value) -> Value:
    return as_value(pair for pair in pairs(value) if not _stays(*pair))


def to_exchange(value: Value, present: Value) -> Value:
    """What Exchange shall list: the parties, and whom it has that Dynamics cannot."""
    staying = [pair for pair in pairs(present) if _stays(*pair)]
    named = {address for address, _ in staying}
    return as_value([pair for pair in pairs(value) if pair[0] not in named] + staying)


def _stays(address: str, role: str) -> bool:
    return role == RESOURCE or len(address) > ADDRESS_LIMIT


def too_long(value: Value) -> bool:
    return any(len(address) > ADDRESS_LIMIT for address, _ in pairs(value))


def addresses(value: Value) -> tuple[str, ...]:
    return tuple(address for address, _ in pairs(value))


def parties_for(
    value: Value,
    present: Sequence[Party],
    resolved: Mapping[str, RecordRef],
    organizer: Party | None,
) -> tuple[Party, ...]:
    """The complete party list that makes a row show ``value``: a party that is there keeps its row while its
    address stays, a new address resolves to one row or stays an unresolved address (APPT-7), and parties
    that nobody can see in Exchange (without an address) are kept."""
    attendee_roles = set(ROLES.values())
    known = {p.address.lower(): p for p in present if p.address and p.role in attendee_roles}
    kept = [p for p in present if p.role in attendee_roles and not p.address]
    listed = [
        Party(ROLES[role], address, known[address].ref, known[address].name)
        if address in known
        else Party(ROLES[role], address, resolved.get(address))
        for address, role in pairs(to_dynamics(value))
        if role in ROLES
    ]
    head = [organizer] if organizer else []
    return (*head, *listed, *kept)
