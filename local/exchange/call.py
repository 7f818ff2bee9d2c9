"""One Graph call, whether it came as a request of its own or as a part of a ``$batch``, and its answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from local.exchange.errors import body_unreadable, invalid_request
from local.exchange.preferences import Preferences, parse_preferences

Json = dict[str, Any]

_KEYED = re.compile(r"^([^()]+)\('(.*)'\)$", re.DOTALL)
_ZONES = re.compile(
    r"^(supportedTimeZones)\(TimeZoneStandard=(?:microsoft\.graph\.timeZoneStandard)?'(\w+)'\)$",
    re.IGNORECASE,
)
_NAMESPACE = "microsoft.graph."


@dataclass(frozen=True)
class Caller:
    """Who asks: the service (``Bearer app``) or a person, perhaps named by ``X-Act-As``."""

    service: bool
    act_as: str | None = None


@dataclass
class Call:
    """What a handler needs to know of a request. ``params``: the ids in the path, by their route's names."""

    method: str
    segments: list[str]
    query: dict[str, str]
    headers: Mapping[str, str]
    root: str
    raw_query: str = ""
    content: bytes | None = None
    json_body: Any = None
    caller: Caller = field(default_factory=lambda: Caller(service=False))
    params: dict[str, str] = field(default_factory=dict)
    template: str = ""
    upload: bool = False  # a pre-authenticated one, outside Graph
    _preferences: Preferences | None = None

    @property
    def path(self) -> str:
        return "/" + "/".join(self.segments)

    @property
    def preferences(self) -> Preferences:
        if self._preferences is None:
            self._preferences = parse_preferences(self.headers.get("prefer", ""))
        return self._preferences

    def parameter(self, name: str) -> str | None:
        """A query parameter that is not an OData option; its name in any case."""
        return next((value for key, value in self.query.items() if key.lower() == name.lower()), None)

    def body(self, *, required: bool = True) -> Json:
        """The JSON object sent."""
        value = self.json_body if self.content is None else self._parsed()
        if value is None and not required:
            return {}
        if value is None:
            raise invalid_request("Empty Payload. JSON content expected.")
        if not isinstance(value, dict):
            raise body_unreadable(
                "An unexpected 'StartArray' node was found when reading from the JSON reader. "
                "A 'StartObject' node was expected."
            )
        return value

    def _parsed(self) -> Any:
        if not self.content:
            return None
        if "json" not in self.headers.get("content-type", ""):
            raise body_unreadable(
                "A supported MIME type could not be found that matches the content type of the response."
            )
        try:
            return json.loads(self.content)
        except ValueError as error:
            raise body_unreadable(f"Unable to read JSON request payload: {error}") from error


@dataclass
class Answer:
    """Status, body (JSON; bytes as they are; None: empty) and headers."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def payload(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body, ensure_ascii=False).encode()


def split_path(raw: str) -> list[str]:
    """Decoded segments; ``users('a')`` is two, and ``microsoft.graph.delta()`` is ``delta``."""
    segments: list[str] = []
    for raw_part in raw.strip("/").split("/"):
        part = unquote(raw_part)
        keyed = _KEYED.match(part)
        if zones := _ZONES.match(part):
            segments += [zones[1], zones[2]]
        elif keyed:
            segments += [keyed[1], keyed[2]]
        elif part:
            segments.append(part.removeprefix(_NAMESPACE).removesuffix("()"))
    return segments


def split_query(raw: str) -> dict[str, str]:
    return dict(parse_qsl(raw, keep_blank_values=True))
