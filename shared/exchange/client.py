"""The one door to Microsoft Graph: msgraph-sdk's request builders and adapter, raw JSON in and out.

The SDK's typed models cost about 9.5 ms per event; here no model is imported. Its retries are left out: a
POST that is repeated after a 504 invites people twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from shared import telemetry
from shared.errors import CursorExpired, ProfileBroken, Refused, SyncError, Transient, UnknownResult
from shared.exchange.errors import UNREADABLE, code_of, error_of, seconds_of

if TYPE_CHECKING:
    import httpx
    from kiota_abstractions.base_request_builder import BaseRequestBuilder
    from kiota_abstractions.request_information import RequestInformation

Json = dict[str, Any]

PREFERENCES = 'IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type='
_JSON_TYPE = "application/json"
_REFUSED_CREDENTIAL = (400, 401, 403)
_RAW_URL = "request-raw-url"
"""Kiota's name of the parameter that is the whole address."""
_PLACE = re.compile(r"\{(\+?)([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Request:
    """One request: what the SDK built, what it is counted as, and whether it may change anything. ``raw``:
    what it answers is no JSON."""

    kind: str
    info: RequestInformation
    write: bool = False
    raw: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful answer. Header names are in lower case."""

    status: int
    body: Json = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""


class GraphClient:
    """Builds requests and sends them; every failure comes out as one of the engine's errors.

    ``body_type``: in which form Graph is asked for bodies, ``text`` or ``html``."""

    body_type = "text"

    def __init__(
        self, base_url: str, credential: Any, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        # Imported here: ingest must not load the SDK, and the worker loads it when it is wired, not before.
        from shared.exchange.sdk import connect

        self.base_url = base_url.rstrip("/")
        self._sdk = connect(self.base_url, credential, transport)
        self.graph = self._sdk.service

    async def close(self) -> None:
        await self._sdk.http.aclose()

    def asking_for(self, body_type: str) -> GraphClient:
        """The same client for bodies in the other form."""
        other = copy(self)
        other.body_type = body_type
        return other

    # --- building ---------------------------------------------------------------------------------

    def get(self, kind: str, builder: BaseRequestBuilder, page_size: int = 0, **query: Any) -> Request:
        """``query`` names OData options without their dollar (``select=…``), except the window's two."""
        info = builder.to_get_request_information()
        plain = ("startDateTime", "endDateTime")
        options = [(name if name in plain else f"${name}", value) for name, value in query.items()]
        self._prefer(info, page_size)
        return self._request(kind, info, options)

    def raw(self, kind: str, builder: BaseRequestBuilder) -> Request:
        """The raw content (``$value``) of what a builder leads to."""
        from kiota_abstractions.method import Method
        from kiota_abstractions.request_information import RequestInformation

        template = builder.url_template.partition("{?")[0] + "/$value"
        info = RequestInformation(Method.GET, template, dict(builder.path_parameters))
        self._prefer(info)
        return self._request(kind, info, raw=True)

    def may_upload_to(self, url: str) -> bool:
        """An upload goes to a host of its own, but never in the clear where Graph itself is not."""
        secure = urlsplit(self.base_url).scheme == "https"
        return urlsplit(url).scheme == "https" or (not secure and self._is_same_host(url))

    def _is_same_host(self, url: str) -> bool:
        return urlsplit(url).netloc.lower() == urlsplit(self.base_url).netloc.lower()

    def follow(self, kind: str, link: str, page_size: int = 0) -> Request:
        """The page behind a link that was kept. A link to elsewhere (the service's address was changed) is
        worth nothing any more."""
        if not self.is_own(link):
            raise CursorExpired("the link leads to another host", code="foreignLink")
        builder = self.graph.users.with_url(link)
        return self.get(kind, builder, page_size)

    def is_own(self, link: str) -> bool:
        """True when a link stays on Graph's host: the token must go nowhere else."""
        own, theirs = urlsplit(self.base_url), urlsplit(link)
        same_place = (own.scheme, own.netloc.lower()) == (theirs.scheme, theirs.netloc.lower())
        return same_place and theirs.path.startswith(own.path + "/")

    def checked_link(self, link: Any) -> str:
        """A link out of an answer, to be followed or kept."""
        if not isinstance(link, str) or not self.is_own(link):
            raise Refused("Graph's answer links to another host", code="foreignLink")
        return link

    def delete(self, kind: str, builder: BaseRequestBuilder, etag: str | None = None) -> Request:
        info = builder.to_delete_request_information()
        self._prefer(info)
        _if_match(info, etag)
        return self._request(kind, info, write=True)

    def write(
        self,
        kind: str,
        method: str,
        builder: BaseRequestBuilder | None,
        body: Json,
        etag: str | None = None,
        *,
        effect: bool = True,
    ) -> Request:
        """A POST or PATCH with a raw body; without a builder it is ``$batch``. ``effect`` False: it only
        reads."""
        from kiota_abstractions.method import Method
        from kiota_abstractions.request_information import RequestInformation

        template = builder.url_template if builder else "{+baseurl}/$batch"
        parameters = dict(builder.path_parameters) if builder else {}
        info = RequestInformation(Method[method], template, parameters)
        info.headers.try_add("Accept", _JSON_TYPE)
        # As it is, not escaped: a request holds 4 MB, and an escaped character is six bytes.
        content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        info.set_stream_content(content, _JSON_TYPE)
        self._prefer(info)
        _if_match(info, etag)
        return self._request(kind, info, write=effect)

    def _request(
        self,
        kind: str,
        info: RequestInformation,
        options: Iterable[tuple[str, Any]] = (),
        *,
        write: bool = False,
        raw: bool = False,
    ) -> Request:
        """With its address written out once. Kiota expands a request's template three times on its way,
        character by character: a fifth of the CPU time of an idle pass."""
        if _RAW_URL not in info.path_parameters:
            self._sdk.adapter.set_base_url_for_request_information(info)
            info.url = address(str(info.url_template), info.path_parameters, options)
        return Request(kind, info, write, raw)

    def as_part(self, request: Request, identifier: str) -> Json:
        """A GET as a part of a ``$batch``."""
        headers = {"Prefer": ", ".join(sorted(request.info.headers.get("Prefer")))}
        url = request.info.url.removeprefix(self.base_url)
        return {"id": identifier, "method": "GET", "url": url, "headers": headers}

    def _prefer(self, info: RequestInformation, page_size: int = 0) -> None:
        """One value: Kiota joins several in an order of its own."""
        size = f", odata.maxpagesize={page_size}" if page_size else ""
        info.headers.add("Prefer", f'{PREFERENCES}"{self.body_type}"{size}')

    # --- sending ----------------------------------------------------------------------------------

    async def send(self, request: Request) -> Reply:
        telemetry.sums.request("graph")
        try:
            response = await self._sdk.send(request.info)
        except self._sdk.transport_errors as error:
            raise self._lost(error, write=request.write) from error
        except self._sdk.credential_errors as error:
            raise _no_token(error) from error
        headers = {name.lower(): value for name, value in response.headers.items()}
        if request.raw and response.is_success:
            return Reply(response.status_code, headers=headers, content=response.content)
        return reply_of(response.status_code, headers, response.content, write=request.write)

    async def put_outside(self, url: str, content: bytes, headers: Mapping[str, str], *, write: bool) -> None:
        """To a pre-authenticated URL: without our token, and without following it anywhere."""
        try:
            response = await self._sdk.put(url, content, headers)
        except self._sdk.transport_errors as error:
            raise self._lost(error, write=write) from error
        found = {name.lower(): value for name, value in response.headers.items()}
        reply_of(response.status_code, found, response.content, write=write)

    def _lost(self, error: Exception, *, write: bool) -> SyncError:
        """No answer. Before the request left, nothing was done; afterwards a write is unknown."""
        kind = type(error).__name__
        if write and not isinstance(error, self._sdk.unsent_errors):
            return UnknownResult(f"no answer from Graph: {kind}", code=kind)
        return Transient(f"no answer from Graph: {kind}", code=kind)


def reply_of(status: int, headers: Mapping[str, str], content: bytes, *, write: bool) -> Reply:
    """The answer, or the error it means."""
    try:
        body = json.loads(content) if content else {}
    except ValueError:
        body = None
    return checked_reply(status, headers, body, write=write)


def checked_reply(status: int, headers: Mapping[str, str], body: Any, *, write: bool) -> Reply:
    """As ``reply_of``, for a body that is parsed already; one that is no object cannot be understood."""
    if not 200 <= status < 300:
        raise error_of(status, code_of(body), seconds_of(headers.get("retry-after")), write=write)
    if not isinstance(body, dict):
        lost = UnknownResult if write else Transient
        raise lost(f"Graph answered {status} without a readable body", code=UNREADABLE, status=status)
    return Reply(status, body, headers)


def _no_token(error: Exception) -> SyncError:
    """Entra refused the service's own credential: a person must mend it. Everything else passes."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    kind = ProfileBroken if status in _REFUSED_CREDENTIAL else Transient
    return kind(f"no token: {type(error).__name__}", code=type(error).__name__, status=status)


def _if_match(info: RequestInformation, etag: str | None) -> None:
    if etag:
        info.headers.add("If-Match", etag)


def address(template: str, places: Mapping[str, Any], options: Iterable[tuple[str, Any]] = ()) -> str:
    """What Kiota's URI template means (RFC 6570: ``{name}`` escaped, ``{+name}`` as it is), with these
    options instead of the ones that it lists."""

    def value(place: re.Match[str]) -> str:
        text = str(places[place[2]])
        return text if place[1] else _escaped(text)

    path = _PLACE.sub(value, re.split(r"\{?\?", template)[0])
    query = "&".join(f"{name}={_option(value)}" for name, value in options)
    return f"{path}?{query}" if query else path


def _option(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(_option(each) for each in value)
    return _escaped(str(value).lower() if isinstance(value, bool) else str(value))


@lru_cache(4096)
def _escaped(text: str) -> str:
    return quote(text, safe="")
