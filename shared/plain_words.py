"""What went wrong, as a sentence that an administrator can act on. The services' own words stay out: they
may quote what people wrote."""

from __future__ import annotations

from shared.errors import (
    Conflict,
    CursorExpired,
    FenceLost,
    MailboxBroken,
    NotFound,
    OutOfBudget,
    ProfileBroken,
    Refused,
    SyncError,
    Throttled,
    Transient,
    UnknownResult,
)
from shared.model.mailbox import Mailbox

SENTENCES: tuple[tuple[type[SyncError], str], ...] = (
    (OutOfBudget, "So much is asked of Dynamics 365 now that this waits for its turn; it comes by itself."),
    (Throttled, "Exchange Online or Dynamics 365 asks for patience; try again in a moment."),
    (Transient, "Exchange Online or Dynamics 365 could not be reached, or failed; try again in a moment."),
    (UnknownResult, "An answer of Exchange Online or Dynamics 365 was lost; look again in a moment."),
    (Conflict, "It was changed at the same time; read it again and repeat."),
    (NotFound, "Something that this needs is not there any more."),
    (Refused, "Exchange Online or Dynamics 365 refused a request and will refuse it again."),
    (CursorExpired, "A feed has to be read from its beginning; the next pass does that."),
    (MailboxBroken, "This mailbox cannot be used: somebody has to mend its licence, its rights or its user."),
    (
        ProfileBroken,
        "The service itself is not let in: somebody has to mend its permissions in Exchange Online or "
        "Dynamics 365.",
    ),
    (FenceLost, "Another worker has this mailbox; try again in a moment."),
)


def sentence(error: SyncError) -> str:
    """The first that fits, with the service's code if there is one."""
    text = next((text for kind, text in SENTENCES if isinstance(error, kind)), "It failed; try again.")
    return f"{text} ({error.code})" if error.code else text


def keeps_failing_so(mailbox: Mailbox, error: SyncError, times: int) -> bool:
    """So many passes in a row failed before, the last of them with this very sentence: no accident, such as a
    token that expired in the middle of an outage."""
    return mailbox.failures >= times and mailbox.last_error == sentence(error)
