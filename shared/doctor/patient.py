"""What the doctor looks at: the connected services, and a few mailboxes as samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.engine.services import Services
from shared.model.mailbox import Mailbox, MailboxState
from shared.settings import Settings

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

    from shared.dynamics.dataverse.client import Client

SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Patient:
    """``dataverse``: a client of the doctor's own, for what the engine never asks. ``mailboxes``: all of
    them; ``samples``: the few active ones that are tried out."""

    settings: Settings
    services: Services
    credential: AsyncTokenCredential
    dataverse: Client
    mailboxes: Sequence[Mailbox]

    @property
    def samples(self) -> Sequence[Mailbox]:
        active = [each for each in self.mailboxes if each.state is MailboxState.ACTIVE]
        return sorted(active, key=lambda each: each.id)[:SAMPLES]
