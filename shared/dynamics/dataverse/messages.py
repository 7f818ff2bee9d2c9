"""A request to the Web API and its answer, whether it travels alone or as a part of a ``$batch``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

_KEY = re.compile(r"\([^()]*\)")


@dataclass(frozen=True, slots=True)
class Request:
    """``path`` is below the service root, encoded, with its query; or an absolute link that Dataverse gave.

    ``organization_wide``: when the right to do this is missing, no mailbox can work (feed, settings),
    so the refusal is the connection's and not one item's. ``about``: ids of rows that it is about, where the
    path does not name them.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Json | None = None
    organization_wide: bool = False
    repeatable: bool = False
    about: tuple[str, ...] = ()

    @property
    def reads(self) -> bool:
        """Repeating it is harmless: a GET, or a batch of GETs."""
        return self.method == "GET" or self.repeatable

    @property
    def kind(self) -> str:
        """What it is counted and logged as: no ids, no query, so nothing of anybody's data."""
        path = self.path.partition("?")[0].rpartition("/api/data/v9.2/")[2]
        return f"{self.method} /{_KEY.sub('({id})', path)}"

    def content(self) -> bytes:
        """ASCII, so that neither charset nor a lone surrogate from a cut text can break it."""
        return b"" if self.body is None else json.dumps(self.body).encode("ascii")


@dataclass(frozen=True, slots=True)
class Answer:
    """Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Json:
        """The body as an object; empty when there is none. Raises ValueError for anything else."""
        if not self.content.strip():
            return {}
        body = json.loads(self.content)
        if not isinstance(body, dict):
            raise ValueError("a JSON object was expected")
        return body
