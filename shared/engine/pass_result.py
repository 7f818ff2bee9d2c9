"""What a pass did."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class PassResult:
    """``again_at``: when it wants to go on (None: not before the next hint). ``generation``:
    of the fence, at its end; ``over``: it was the last slice of a first sync."""

    actions: int = 0
    skipped: int = 0
    echoes: int = 0
    untracked: int = 0
    unfinished: int = 0
    under_way: int = 0
    """Of the unfinished, those that wait for what was begun with them: nothing failed."""
    held: int = 0
    again_at: datetime | None = None
    errors: list[str] = field(default_factory=list)
    generation: int = 0
    over: bool = False
    untold: int = 0
    """Changes in Exchange that this pass met, but for the echoes of our own."""
    covered: bool = False
    tasks_read_at: datetime | None = None
    tracks_tasks: bool = False
    noted: dict[str, datetime | bool] = field(default_factory=dict)
    """What is to be noted on the mailbox, in one with when the next pass is."""

    @property
    def failed(self) -> int:
        """Items of which each repeat comes later than the one before."""
        return self.unfinished - self.under_way

    @property
    def found(self) -> int:
        """What people had done."""
        return self.actions + self.skipped + self.untracked + self.unfinished + self.held
