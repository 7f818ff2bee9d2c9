"""Which cursors a pass that found nothing writes down."""

from __future__ import annotations

from datetime import timedelta

from shared.engine.closed_kinds import NOTES
from shared.engine.filters import FEED as FILTERS_FEED
from shared.engine.gather import Touched
from shared.engine.ports import Agenda, Cursor

CURSOR_AGE = timedelta(minutes=30)


def worth_saving(touched: Touched, agenda: Agenda) -> list[Cursor]:
    """An idle pass has no news but a new token; the old one serves as well, so it is saved now and then.
    Filters are written down only when they are others."""
    return [
        cursor
        for cursor in touched.cursors
        if cursor.feed == FILTERS_FEED or _is_stale(agenda.cursors.get(cursor.feed), cursor)
    ]


def _is_stale(saved: Cursor | None, cursor: Cursor) -> bool:
    if saved is None or saved.updated_at is None or cursor.updated_at is None:
        return True
    changed = (saved.complete, saved.window, saved.round) != (cursor.complete, cursor.window, cursor.round)
    noted = cursor.feed in NOTES or not cursor.complete  # in the middle of a round a page may be empty
    changed |= noted and saved.link != cursor.link
    return changed or cursor.updated_at - saved.updated_at > CURSOR_AGE
