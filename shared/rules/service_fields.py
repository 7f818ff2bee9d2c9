"""The fields of service appointments (FLD-12): all of them fixed, and all go to Outlook only."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from shared.model.appointment import SERVICE
from shared.model.values import Value
from shared.rules import appointment_fields, status
from shared.rules.field_table import of_entity
from shared.rules.merge import Crossing

RULE = "FLD-12"
REGARDING = "regarding"
NAMES = tuple(row.name for row in of_entity(SERVICE) if row.merged and row.name != "attendees")
"""The parties are not among them: they are kept in the stamp, for an event with attendees mails them
(APPT-26 b, X-1). The organizer is always the mailbox itself (APPT-37)."""

SHOW_AS: dict[tuple[int, int], str] = {
    (0, 1): "tentative",  # Requested: nobody has promised it yet
    (0, 2): "tentative",
    (3, 3): "busy",  # Pending
    (3, 4): "busy",  # Reserved
    (3, 6): "busy",  # In Progress
    (3, 7): "busy",  # Arrived
    (1, 8): "free",  # Completed, as APPT-18
    (2, 9): "free",  # Canceled, as APPT-19
    (2, 10): "free",  # No Show
}
# A customer's own status reason reads like its state's default one.
SHOW_AS_OF_STATE = {0: "tentative", 1: "free", 2: "free", 3: "busy"}


def show_as(value: Value) -> str:
    pair = status.status_pair(value)
    return SHOW_AS.get(pair, SHOW_AS_OF_STATE[pair[0]])


def crossing(name: str, zone: ZoneInfo) -> Crossing:
    """How a value reads in Exchange; of show-as nothing ever goes the other way."""
    if name == "showAs":
        return Crossing(lambda _: None, show_as)
    return appointment_fields.crossing(appointment_fields.BY_NAME[name], zone, None)
