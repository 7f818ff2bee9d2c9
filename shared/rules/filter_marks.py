"""What sync filters say of an appointment, and what its link remembers of that (FLT-4, FLT-6, FLT-10)."""

from __future__ import annotations

from dataclasses import replace

from shared.model.decision import Decision
from shared.model.link import Link, LinkState
from shared.rules.situation import AppointmentSituation
from shared.rules.skips import Reason

IN_FILTER = "inFilter"
"""Marker: the row was seen to match the owner's filters; only what matched can leave."""
LEFT = "leftFilter"
"""Marker of an ended link: nothing but a filter ended it, so a filter brings it back."""
KEPT, REMOVED = "kept", "removed"
"""What became of the event when its row left."""
SENTENCE = "the appointment does not match a sync filter of the mailbox's owner any more"
RULES = ("FLT-10", "SET-1")


def leaves(link: Link, matches: bool | None) -> bool:
    return matches is False and bool(link.markers.get(IN_FILTER))


def has_left(situation: AppointmentSituation, link: Link) -> bool:
    """It matched and does not any more. What never matched (a meeting that somebody tracks in Outlook) does
    not leave."""
    return leaves(link, situation.in_filter)


def comes_back(situation: AppointmentSituation, link: Link) -> bool:
    """A row that only a filter had ended matches again. A kept event that its owner deleted since then stays
    deleted: it may have been a meeting, and its attendees know."""
    left = link.markers.get(LEFT) if link.state is LinkState.LEFT_FILTER else None
    there = situation.event is not None or left == REMOVED
    return bool(left) and there and situation.in_filter is True and situation.row is not None


def may_come_back(link: Link) -> bool:
    return link.state is LinkState.LEFT_FILTER and bool(link.markers.get(LEFT))


def ended_by_filter(decision: Decision, *, removed: bool) -> Decision:
    link = decision.link
    assert link is not None
    markers = {**link.markers, LEFT: REMOVED if removed else KEPT}
    return replace(decision, link=replace(link, markers=markers))


def kept_by_decision(situation: AppointmentSituation, link: Link) -> Decision:
    """An administrator wants it to stay linked: it counts as one that never matched."""
    kept = replace(link, markers={**link.markers, IN_FILTER: False})
    return Decision(situation.ref(), skips=(Reason.STAYS_LINKED.skip(),), link=kept)


def remembered(decision: Decision, situation: AppointmentSituation) -> Decision:
    """The decision, with a link that remembers that its row matches."""
    link = decision.link
    if not situation.in_filter or link is None or not link.linked or link.markers.get(IN_FILTER):
        return decision
    return replace(decision, link=replace(link, markers={**link.markers, IN_FILTER: True}))
