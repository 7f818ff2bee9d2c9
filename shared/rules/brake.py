"""The brake: a pass that would delete, cancel, unlink or mail unusually many stops before the first and asks
(FLT-10, PAIN-1, PAIN-2; design, promise 5)."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from shared.model.decision import Decision
from shared.model.profile import Brake


@dataclass(frozen=True, slots=True)
class Braked:
    """``go``: decisions to carry out now. ``held``: those that wait. ``question``: for the administrator."""

    go: tuple[Decision, ...]
    held: tuple[Decision, ...] = ()
    question: str = ""


def is_grave(decision: Decision) -> bool:
    """It deletes, cancels, unlinks or mails."""
    return bool(decision.mails) or any(action.destructive for action in decision.actions)


def people_mailed(decisions: Sequence[Decision]) -> int:
    """How many different people Exchange would mail."""
    return len(frozenset[str]().union(*(decision.mails for decision in decisions)))


def apply_brake(decisions: Sequence[Decision], brake: Brake, approved: Set[str], *, waiting: bool) -> Braked:
    """``approved``: dynamics ids of items an administrator let go; they do not count. ``waiting``: an
    earlier question is still open, so everything grave joins it."""
    counted = [d for d in decisions if is_grave(d) and d.item.dynamics not in approved]
    items = sum(action.destructive for d in counted for action in d.actions)
    people = people_mailed(counted)
    if not waiting and items <= brake.items and people <= brake.people:
        return Braked(tuple(decisions))
    held = {id(d) for d in counted}
    go = tuple(d for d in decisions if id(d) not in held)
    return Braked(go, tuple(counted), _question(items, people, brake))


def _question(items: int, people: int, brake: Brake) -> str:
    return (
        f"One pass would delete, cancel or unlink {items} items and mail {people} people; "
        f"the brake is set to {brake.items} items and {brake.people} people. Go on?"
    )
