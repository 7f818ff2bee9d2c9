"""Puts msgraph-sdk together: HTTP client, adapter and request builders. Importing this loads the SDK."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from azure.core.exceptions import AzureError
from kiota_abstractions.native_response_handler import NativeResponseHandler
from kiota_abstractions.request_information import RequestInformation
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from kiota_http.middleware import ParametersNameDecodingHandler
from kiota_http.middleware.options import ResponseHandlerOption
from kiota_http.observability_options import ObservabilityOptions
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.graph_request_adapter import options as graph_options
from msgraph_core import GraphClientFactory  # type: ignore[import-untyped]
from msgraph_core.middleware import GraphTelemetryHandler  # type: ignore[import-untyped]
from msgraph_core.middleware.options import (  # type: ignore[import-untyped]
    GraphTelemetryHandlerOption,
)

TIMEOUT_SECONDS = 30.0
PUBLIC_SCOPE = "https://graph.microsoft.com/.default"


@dataclass(frozen=True)
class Sdk:
    """``unsent_errors``: those of the transport after which nothing can have reached Graph. ``transport``:
    what carries requests instead of sockets."""

    http: httpx.AsyncClient
    adapter: GraphRequestAdapter
    service: GraphServiceClient
    transport_errors: tuple[type[Exception], ...] = (httpx.RequestError,)
    unsent_errors: tuple[type[Exception], ...] = (
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.PoolTimeout,
        httpx.UnsupportedProtocol,
    )
    credential_errors: tuple[type[Exception], ...] = (AzureError,)
    transport: httpx.AsyncBaseTransport | None = None

    async def send(self, info: RequestInformation) -> httpx.Response:
        """The native answer, whatever its status: what it means is our own table's business."""
        info.add_request_options([ResponseHandlerOption(NativeResponseHandler())])
        response: httpx.Response = await self.adapter.send_primitive_async(info, "bytes", {})
        return response

    async def put(self, url: str, content: bytes, headers: Mapping[str, str]) -> httpx.Response:
        """Outside of Graph: by a client that knows neither our token nor the SDK's middleware."""
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, transport=self.transport) as outside:
            return await outside.put(url, content=content, headers=dict(headers))


def connect(base_url: str, credential: Any, transport: httpx.AsyncBaseTransport | None = None) -> Sdk:
    """``base_url`` must be set before the builders are made: they take it from the adapter once."""
    http = _http_client(transport, secure=urlsplit(base_url).scheme == "https")
    adapter = GraphRequestAdapter(_authentication(base_url, credential), http)
    adapter.base_url = base_url
    # URLs may hold addresses; they belong in no trace and no log.
    adapter.observability_options = ObservabilityOptions(include_euii_attributes=False)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return Sdk(http, adapter, GraphServiceClient(request_adapter=adapter), transport=transport)


def _http_client(transport: httpx.AsyncBaseTransport | None, *, secure: bool) -> httpx.AsyncClient:
    """Only two of the SDK's middlewares: no retries, no redirects (which would carry the token along)."""
    middleware = [
        ParametersNameDecodingHandler(),
        GraphTelemetryHandler(options=graph_options[GraphTelemetryHandlerOption.get_key()]),
    ]
    client = httpx.AsyncClient(
        timeout=TIMEOUT_SECONDS,
        http2=secure,
        transport=transport,
        limits=httpx.Limits(max_connections=100, max_keepalive_connections=50),
    )
    GraphClientFactory.create_with_custom_middleware(middleware, client=client)
    return client


def _authentication(base_url: str, credential: Any) -> AzureIdentityAuthenticationProvider:
    """An empty list of hosts would send the token to every host; without scopes one would be derived from
    the host's name, which is right for the national clouds and wrong for a stand-in."""
    address = urlsplit(base_url)
    host = address.hostname or ""
    scope = f"https://{host}/.default" if address.scheme == "https" else PUBLIC_SCOPE
    return AzureIdentityAuthenticationProvider(credential, scopes=[scope], allowed_hosts=[host])
