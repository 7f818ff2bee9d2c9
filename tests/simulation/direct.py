"""The service's two HTTP clients without HTTP: what they are handed goes straight to the carrier. What the
SDKs make of it is proved on real sockets (tests/wire); here it would take a third of each simulated day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from kiota_abstractions.request_information import RequestInformation
from multidict import CIMultiDict

from local.control import SERVICE_TOKEN
from local.wire import WireAnswer, WireRequest
from shared.dynamics.dataverse.system import Dataverse
from shared.exchange.graph import GraphExchange
from shared.exchange.sdk import Sdk
from tests.simulation.transport import InProcess


@dataclass(frozen=True)
class Answered:
    """As much of ``httpx.Response`` as the adapters look at."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status_code < 300


@dataclass(frozen=True)
class DirectSdk(Sdk):
    """Has the SDK build requests, and sends them itself."""

    carrier: InProcess | None = None

    async def send(self, info: RequestInformation) -> Any:
        assert self.carrier is not None
        headers = CIMultiDict(info.request_headers)
        headers["Authorization"] = f"Bearer {SERVICE_TOKEN}"
        assert info.http_method is not None
        return await _carried(self.carrier, info.http_method.value, info.url, headers, info.content or b"")


class DirectHttp:
    """In the place of ``httpx.AsyncClient``."""

    def __init__(self, carrier: InProcess) -> None:
        self._carrier = carrier

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes | None
    ) -> Answered:
        return await _carried(self._carrier, method, url, CIMultiDict(headers), content or b"")

    async def aclose(self) -> None:
        """Holds nothing."""


async def _carried(
    carrier: InProcess, method: str, url: str, headers: CIMultiDict[str], content: bytes
) -> Answered:
    host, _, target = url.partition("://")[2].partition("/")
    headers["Host"] = host
    if content:
        headers["Content-Length"] = str(len(content))
    answer: WireAnswer = await carrier.carry(WireRequest(method, f"/{target}", headers, content, host))
    return Answered(answer.status, CIMultiDict(answer.headers), answer.content)


def go_straight(graph: GraphExchange, dynamics: Dataverse, carrier: InProcess) -> None:
    """Both adapters send through ``carrier`` from now on."""
    client = graph._client
    known = {part.name: getattr(client._sdk, part.name) for part in fields(client._sdk)}
    client._sdk = DirectSdk(**known, carrier=carrier)
    dynamics._client._transport._http = DirectHttp(carrier)  # type: ignore[assignment]
