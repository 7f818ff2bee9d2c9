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


def pairs(value: Value) -> list[tuple[str, str]]:
    """``[[address, role], …]`` as pairs."""
    if not isinstance(value, list | tuple):
        return []
    return [(str(entry[0]), str(entry[1])) for entry in value if isinstance(entry, list | tuple)]


def as_value(attendees: Iterable[tuple[str, str]]) -> Value:
    return [[address, role] for address, role in sorted(attendees)]


def to_dynamics(value: Value) -> Value:
    return as_value((address, role) for address, role in pairs(value) if role != RESOURCE)


def to_exchange(value: Value, present: Value) -> Value:
    """What Exchange shall list: the parties, and the rooms it has now."""
    rooms = [(address, role) for address, role in pairs(present) if role == RESOURCE]
    named = {address for address, _ in rooms}
    return as_value([pair for pair in pairs(value) if pair[0] not in named] + rooms)


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
        for address, role in pairs(value)
        if role in ROLES
    ]
    head = [organizer] if organizer else []
    return (*head, *listed, *kept)
