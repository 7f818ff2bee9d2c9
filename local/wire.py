"""One request to a stand-in and its answer, whatever carries them: a socket, or a call in this process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from multidict import CIMultiDict


class ConnectionCut(Exception):  # noqa: N818 - what happens to the connection, not an error of ours
    """The client gets no answer: whoever carries the request cuts its connection."""


class Unreachable(Exception):  # noqa: N818 - of somebody else's endpoint
    """Nobody answered a request that a stand-in sent, or not in time."""


@dataclass(frozen=True)
class WireRequest:
    """``target`` is the path with its query as they came; ``too_large``: the content was not read to its
    end."""

    method: str
    target: str
    headers: CIMultiDict[str]
    content: bytes = b""
    host: str = ""
    too_large: bool = False

    @property
    def raw_path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def raw_query(self) -> str:
        return self.target.partition("?")[2]


@dataclass
class WireAnswer:
    status: int
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class StandIn(Protocol):
    """A service, as far as whoever talks to it can see."""

    async def answer(self, request: WireRequest) -> WireAnswer:
        """Raises ``ConnectionCut`` where a planned fault cuts the connection."""


@dataclass(frozen=True)
class Received:
    """What an endpoint outside answered to a stand-in."""

    status: int
    content_type: str = ""
    text: str = ""


class Outgoing(Protocol):
    """How a stand-in reaches the endpoints that it was told of."""

    async def post(self, url: str, content: bytes, headers: Mapping[str, str], seconds: float) -> Received:
        """Raises ``Unreachable`` when there is no answer within so many seconds."""
