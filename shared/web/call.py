"""One call of the admin API, as its handlers see it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from shared.engine.services import Services
from shared.model.mailbox import Mailbox
from shared.web.http import Answer, BadRequest, Request, json_body

Handler = Callable[["Call"], Awaitable[Answer]]
ID_LIMIT = 1024

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

    def body(self, *known: str) -> dict[str, Any]:
        """The body, which has no properties but these."""
        body = json_body(self.request)
        unknown = set(body) - set(known)
        if unknown:
            raise BadRequest(f"Unknown properties: {', '.join(sorted(unknown))}. Known: {', '.join(known)}.")
        return body

    def link(self, path: str, **query: str) -> str:
        """A link to where the caller reached us."""
        host = self.request.header("host")
        scheme = "https" if self.request.header("x-forwarded-proto") == "https" else "http"
        tail = f"?{urlencode(query)}" if query else ""
        return f"{f'{scheme}://{host}' if host else ''}/api/admin/{path}{tail}"


def text(body: dict[str, Any], name: str) -> str:
    """A text among a body's properties."""
    wanted = f"a text of at most {ID_LIMIT} characters"
    if name not in body:
        raise BadRequest(f"'{name}' is missing; give {wanted}.")
    value = body[name]
    if not isinstance(value, str) or not value.strip() or len(value) > ID_LIMIT:
        raise BadRequest(f"'{name}' must be {wanted}, and not empty.")
    return value.strip()
