"""Private items (APPT-9): what of them Dynamics may see, and the private flag (SET-5).

Whatever its owner marked as other than normal counts as private: ``private``, ``confidential``, and
``personal`` too, for what is shown once cannot be hidden again. Masking is a view of an event's values: the
merge, the base and the history see the masked values, so that the neutral subject is never a change that
could travel back. Rules about mail look at the event itself: its attendees are real.
"""

from __future__ import annotations

from dataclasses import replace

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
    """The event, marked where its content stays out of Dynamics. An exception of a series that is private
    while the series is not shows its time only; the rest reads as the series does."""
    if choice is PrivateItems.FULL:
        return event if not event.masked else replace(event, masked=False)
    exceptions = {day: _plain(exception, event) for day, exception in event.exceptions.items()}
    masked = is_private(event.value("sensitivity"))
    if event.masked is masked and exceptions == event.exceptions:
        return event
    return replace(event, masked=masked, exceptions=exceptions)


def _plain(exception: ExchangeEvent, series: ExchangeEvent) -> ExchangeEvent:
    if not is_private(exception.value("sensitivity")):
        return exception
    shown = {name: series.value(name) if name in MASKS else value for name, value in exception.values.items()}
    return replace(exception, values=shown)


def stays_out(event: ExchangeEvent, choice: PrivateItems) -> bool:
    """Nothing of it goes to Dynamics. Of a private series nothing does, whichever is chosen: its occurrences
    would each have to be masked as well."""
    return event.masked and (choice is PrivateItems.SKIP or event.is_series)


def subject_of(event: ExchangeEvent) -> str:
    """As it may be shown to an administrator."""
    return NEUTRAL_SUBJECT if event.masked else str(event.value("subject") or "")
