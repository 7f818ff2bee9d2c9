"""The brake: a pass that would delete, cancel, unlink or mail unusually many stops before the first and asks
(FLT-10, PAIN-1, PAIN-2; design, promise 5)."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from shared.model.decision import Decision
from shared.model.profile import Brake

FEWEST = 3
"""So few items are no mass, whatever part of the mailbox they are: with two contacts linked, each deletion
would be half of them."""
AN_EARLIER_QUESTION = "an earlier question is still open"


@dataclass(frozen=True, slots=True)
class Braked:
    """``go``: decisions to carry out now. ``held``: those that wait. ``question``: for the administrator."""

    go: tuple[Decision, ...]
    held: tuple[Decision, ...] = ()
    question: str = ""


def is_grave(decision: Decision) -> bool:
    """It deletes, cancels, unlinks or mails."""
    return bool(decision.mails) or any(action.destructive for action in decision.actions)


def is_graver(decision: Decision, planned: Decision) -> bool:
    """It would do what the brake has not weighed: the item changed after the pass had been planned."""
    deletes = any(action.destructive for action in decision.actions)
    foreseen = any(action.destructive for action in planned.actions)
    return (deletes and not foreseen) or not decision.mails <= planned.mails


def people_mailed(decisions: Sequence[Decision]) -> int:
    """How many different people Exchange would mail."""
    return len(frozenset[str]().union(*(decision.mails for decision in decisions)))


def apply_brake(
    decisions: Sequence[Decision],
    brake: Brake,
    approved: Set[str],
    *,
    waiting: bool,
    linked: int | None = None,
) -> Braked:
    """``approved``: dynamics ids of items an administrator let go; they do not count. ``waiting``: an
    earlier question is still open, so everything grave waits until it is answered. ``linked``: how many items
    the mailbox has linked, of which ``brake.percent`` is a part; None: nobody counted, so the part does not
    matter."""
    counted = [d for d in decisions if is_grave(d) and d.item.dynamics not in approved]
    load = _Load(
        actions=sum(action.destructive for d in counted for action in d.actions),
        items=sum(any(action.destructive for action in d.actions) for d in counted),
        people=people_mailed(counted),
        linked=linked,
    )
    exceeded = _exceeded(load, brake)
    if not waiting and not exceeded:
        return Braked(tuple(decisions))
    held = {id(d) for d in counted}
    go = tuple(d for d in decisions if id(d) not in held)
    return Braked(go, tuple(counted), _question(load, exceeded or [AN_EARLIER_QUESTION]))


@dataclass(frozen=True, slots=True)
class _Load:
    """What one pass would do: grave actions, the items they concern, people mailed, and of how many."""

    actions: int
    items: int
    people: int
    linked: int | None


def _exceeded(load: _Load, brake: Brake) -> list[str]:
    """The limits that the pass would exceed, in words."""
    limits = []
    if load.actions > brake.items:
        limits.append(f"more than {brake.items} items")
    if load.people > brake.people:
        limits.append(f"more than {brake.people} people")
    if load.linked and load.items >= FEWEST and load.items * 100 > brake.percent * load.linked:
        limits.append(f"more than {brake.percent} % of the {load.linked} items that the mailbox has linked")
    return limits


def _question(load: _Load, limits: Sequence[str]) -> str:
    return (
        f"One pass would delete, cancel or unlink {load.actions} items and mail {load.people} people: "
        f"{' and '.join(limits)}. Go on?"
    )
