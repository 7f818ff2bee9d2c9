"""Private items (APPT-9): what of them Dynamics may see, and the private flag (SET-5).

Whatever its owner marked as other than normal counts as private: ``private``, ``confidential``, and
``personal`` too, for what is shown once cannot be hidden again. Masking is a view of an event's values: the
merge, the base and the history see the masked values, so that the neutral subject is never a change that
could travel back. Rules about mail look at the event itself: its attendees are real.
"""

from __future__ import annotations

from dataclasses import replace

from shared.model.appointment import DynamicsAppointment
from shared.model.event import ExchangeEvent
from shared.model.profile import PrivateItems
from shared.model.values import Value, Values

NEUTRAL_SUBJECT = "Private appointment"
NORMAL = "normal"
MASKS: Values = {
    "subject": NEUTRAL_SUBJECT,
    "body": "",
    "location": "",
    "importance": NORMAL,
    "attendees": [],
}
"""What Dynamics gets of a masked item; its time, its show-as and what it regards are its own."""


def is_private(sensitivity: Value) -> bool:
    return sensitivity not in (None, "", NORMAL)


def masked_values(values: Values) -> Values:
    """The values as Dynamics may see them; of a field that is not shown nothing is invented."""
    return {name: MASKS.get(name, value) for name, value in values.items()}


def applied(event: ExchangeEvent, choice: PrivateItems) -> ExchangeEvent:
    """The event, marked where its content stays out of Dynamics. So is every exception of a private series,
    and one that is private in a series that is not: of those only the time shows, the rest reads as the
    series does."""
    hides = choice is not PrivateItems.FULL
    masked = hides and is_private(event.value("sensitivity"))
    exceptions = {
        day: replace(exception, masked=masked or (hides and is_private(exception.value("sensitivity"))))
        for day, exception in event.exceptions.items()
    }
    return replace(event, masked=masked, exceptions=exceptions)


def shown(item: ExchangeEvent | DynamicsAppointment) -> Values:
    """Its values as Dynamics, the history and a preview may have them."""
    return masked_values(item.values) if isinstance(item, ExchangeEvent) and item.masked else item.values


def hides(event: ExchangeEvent | None, name: str) -> bool:
    """Whether this field of it is kept from Dynamics; what Dynamics says there is then not taken either."""
    return event is not None and event.masked and name in MASKS


def stays_out(event: ExchangeEvent, choice: PrivateItems) -> bool:
    """Nothing of it goes to Dynamics."""
    return event.masked and choice is PrivateItems.SKIP


def subject_of(event: ExchangeEvent) -> str:
    """As it may be shown to an administrator."""
    return NEUTRAL_SUBJECT if event.masked else str(event.value("subject") or "")
