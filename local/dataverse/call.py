"""One request to the Web API and its answer, whether it came alone or inside a ``$batch``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from multidict import CIMultiDict

from local.dataverse.errors import refuse

PATH_PREFIX = "/api/data/v9.2/"


@dataclass(frozen=True)
class Call:
    """``path`` is below the service root and decoded, ``query`` is as it came."""

    method: str
    path: str
    query: str
    headers: CIMultiDict[str]
    body: bytes
    base_url: str
    references: Mapping[str, str] = field(default_factory=dict)

    @property
    def preferences(self) -> dict[str, str]:
        """The ``Prefer`` header: ``name=value`` or bare names, several headers or one."""
        found: dict[str, str] = {}
        for header in self.headers.getall("Prefer", []):
            for part in _split_preferences(header):
                name, _, value = part.partition("=")
                found[name.strip().lower()] = value.strip().strip('"')
        return found

    def json_object(self) -> dict[str, Any]:
        kind = self.headers.get("Content-Type", "")
        if not kind.startswith("application/json"):
            raise refuse("UnsupportedMediaType", type=kind)
        try:
            body = json.loads(self.body)
        except ValueError as error:
            message = f"Invalid JSON. {error}"
            raise refuse("InvalidPayload", entity_set=self.path, message=message) from error
        if not isinstance(body, dict):
            raise refuse("InvalidPayload", entity_set=self.path, message="An object was expected.")
        return body


@dataclass
class Reply:
    """An answer; ``body`` is JSON, text or nothing."""

    status: int
    body: dict[str, Any] | str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        if self.body is None:
            return b""
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body, ensure_ascii=False).encode()


def _split_preferences(header: str) -> list[str]:
    parts: list[str] = []
    quoted = False
    start = 0
    for position, character in enumerate(header):
        if character == '"':
            quoted = not quoted
        elif character in ",;" and not quoted:
            parts.append(header[start:position])
            start = position + 1
    parts.append(header[start:])
    return [part for part in parts if part.strip()]
