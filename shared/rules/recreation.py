"""Past instances that were deleted, made again, as Microsoft's sync does when a series is tracked (APPT-33).

Off unless a profile asks for exactly that. Graph cannot bring an occurrence back into its series, so it comes
as an event of its own, and its attendees are invited.
"""

from __future__ import annotations

from shared.model.decision import Action, ActionKind, CreateEvent
from shared.model.event import Stamps
from shared.model.values import Side
from shared.rules import attendees, keys
from shared.rules.occurrence_views import plain_exchange_time
from shared.rules.occurrences import SeriesNow
from shared.rules.situation import Context


def recreation(now: SeriesNow, date: str, context: Context) -> Action:
    """The event that stands for the occurrence of this date."""
    series = now.slots.exchange
    assert series is not None
    values = {
        name: value
        for name, value in now.event.values.items()
        if name not in ("recurrence", "organizer", "regarding", "sensitivity")
    }
    values["time"] = plain_exchange_time(series, date)
    return Action(
        ActionKind.CREATE,
        Side.EXCHANGE,
        ("APPT-33",),
        f"the past occurrence of {date} counts as missing (recreateDeletedPastInstances)",
        CreateEvent(
            keys.transaction_id(context.mailbox.id, f"{now.row.id}@{date}", 1),
            values,
            Stamps(),
            (),
            None,
            now.event.attendee_names,
        ),
        mails=attendees.addresses(now.event.value("attendees")),
        after={"time": values["time"]},
        occurrence=date,
    )
