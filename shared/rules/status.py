"""Show-as in Exchange and state/status in Dynamics (APPT-14 to APPT-19, APPT-27)."""

from __future__ import annotations

from shared.model.appointment import StateCode
from shared.model.values import Value

OPEN_FREE = (0, 1)
OPEN_TENTATIVE = (0, 2)
COMPLETED = (1, 3)
CANCELED = (2, 4)
BUSY = (3, 5)
OUT_OF_OFFICE = (3, 6)

SHOW_AS: dict[tuple[int, int], str] = {
    OPEN_FREE: "free",  # APPT-14
    OPEN_TENTATIVE: "tentative",  # APPT-15
    BUSY: "busy",  # APPT-16
    OUT_OF_OFFICE: "oof",  # APPT-17
    COMPLETED: "free",  # APPT-18
    CANCELED: "free",  # APPT-19
}

# A customer's own status reason reads like its state's default one.
SHOW_AS_OF_STATE: dict[int, str] = {0: "free", 1: "free", 2: "free", 3: "busy"}

STATUS: dict[str, tuple[int, int]] = {
    "free": OPEN_FREE,  # APPT-14
    "tentative": OPEN_TENTATIVE,  # APPT-15
    "busy": BUSY,  # APPT-16
    "oof": OUT_OF_OFFICE,  # APPT-17
    "workingElsewhere": OPEN_FREE,  # APPT-19
}


def status_pair(value: Value) -> tuple[int, int]:
    """``[statecode, statuscode]`` as a pair."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(f"not a state and a status: {value!r}")
    return int(str(value[0])), int(str(value[1]))


def to_exchange(value: Value) -> Value:
    pair = status_pair(value)
    return SHOW_AS.get(pair, SHOW_AS_OF_STATE[pair[0]])


def to_dynamics(value: Value) -> Value:
    """None when Dynamics has no status for it (``unknown``)."""
    pair = STATUS.get(str(value))
    return list(pair) if pair else None


def is_closed(value: Value) -> bool:
    return status_pair(value)[0] in (StateCode.COMPLETED, StateCode.CANCELED)


def is_free_or_closed(value: Value) -> bool:
    """Free, completed and canceled appointments get no reminder (APPT-21)."""
    return status_pair(value) == OPEN_FREE or is_closed(value)
