"""The seven ways in which a service can fail us; the engine knows only these.

Which status and code of which service means which of them is a table of data beside each adapter.
"""

from __future__ import annotations


class SyncError(Exception):
    """``code`` is the service's own code, ``status`` its HTTP status if there was one."""

    def __init__(self, message: str, *, code: str = "", status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class Throttled(SyncError):  # noqa: N818 - the design's word
    """Come back after ``retry_after`` seconds; nothing was done."""

    def __init__(
        self, message: str, *, retry_after: float, code: str = "", status: int | None = None
    ) -> None:
        super().__init__(message, code=code, status=status)
        self.retry_after = retry_after


class OutOfBudget(Throttled):
    """What we allow ourselves is used up: nobody was asked, and nobody refused."""


class UnderWay(Throttled):
    """This item has to wait, for what was begun with it may still take effect; its neighbours need not."""


class Transient(SyncError):  # noqa: N818
    """Nothing was done, and the same request may work later."""


class UnknownResult(SyncError):  # noqa: N818
    """The write may or may not have happened: read back, never repeat."""


class Conflict(SyncError):  # noqa: N818
    """The item changed since it was read, or is there already: read again, decide again."""


class Refused(SyncError):  # noqa: N818
    """Permanent for this item: record it, go on with the others."""


class NotFound(Refused):
    """There is no such item."""


class CursorExpired(SyncError):  # noqa: N818
    """The feed's token is dead: read the whole round again."""


class MailboxBroken(SyncError):  # noqa: N818
    """Something about this mailbox that a person must mend (MBX-16)."""


class ProfileBroken(SyncError):  # noqa: N818
    """Something about the connection that a person must mend; it stops every mailbox of the profile."""


class FenceLost(SyncError):  # noqa: N818
    """Another worker has the mailbox: stop without another write."""
