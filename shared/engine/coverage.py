"""What change notifications would have told, had they come: for the net to know how far it may rely on them.

A subscription tells of the default calendar and the default contacts folder. Whoever has others is polled as
if nothing were notified.
"""

from __future__ import annotations

import json

from shared.engine.closed_kinds import places_feed
from shared.engine.gather import CALENDARS_FEED, Touched
from shared.engine.ports import Agenda
from shared.model.personal import CONTACT


def is_covered(agenda: Agenda, touched: Touched) -> bool:
    """Whether all calendars and contact folders that are read are the default ones."""
    cursors = {**agenda.cursors, **{cursor.feed: cursor for cursor in touched.cursors}}
    lists = [cursors[feed].link for feed in (CALENDARS_FEED, places_feed(CONTACT)) if feed in cursors]
    return CALENDARS_FEED in cursors and all(
        entry["is_default"] for places in lists for entry in json.loads(places)
    )


def changes_seen(touched: Touched) -> int:
    """How many items the feeds of calendars and contacts show as changed. A full round shows everything,
    changed or not."""
    contacts = touched.personal.of(CONTACT)
    if touched.full_round or contacts.full_round:
        return 0
    return len(touched.rows.keys() | touched.masters) + len(contacts.rows.keys() | contacts.removed)
