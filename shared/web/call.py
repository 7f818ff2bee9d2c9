"""One call of the admin API, as its handlers see it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.engine.services import Services
from shared.model.mailbox import Mailbox
from shared.web.http import Answer, BadRequest, Request

Handler = Callable[["Call"], Awaitable[Answer]]
Examine = Callable[[], Awaitable[Sequence[Mapping[str, Any]]]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call waits for the answer of the mailbox's session, and how often it looks; in seconds."""

    wait: float = 18.0
    every: float = 0.1


PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Call:
    """One authorised call."""

    services: Services
    request: Request
    parts: dict[str, str]
    patience: Patience = PATIENCE
    examine: Examine | None = None

    async def mailbox(self) -> Mailbox:
        found = await self.services.registry.get(self.parts["id"])
        if found is None:
            raise BadRequest(
                "There is no mailbox with this id; GET /mailboxes lists them.", status=404, code="notFound"
            )
        return found
