"""One HTTP exchange with Dataverse: token, headers, and what a failed connection means.

Cookies are dropped: the affinity cookie would tie all requests to one web server and its budget.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from shared.dynamics.dataverse.budget import Budget
from shared.dynamics.dataverse.messages import Answer, Request
from shared.errors import ProfileBroken, SyncError, Transient, UnknownResult

if TYPE_CHECKING:
    from httpx import AsyncBaseTransport

# No write starts within this time of a pass's deadline (design: the fence).
TIME_OUT = 30.0
CONNECT_TIME_OUT = 10.0
SERVICE = "/api/data/v9.2"
ADVISED = "x-ms-dop-hint"
NO_IDENTITY_SERVICE = "no token for Dataverse: the identity service cannot be reached"


class AccessToken(Protocol):
    @property
    def token(self) -> str: ...


class Credential(Protocol):
    """An azure-identity credential of its ``aio`` flavour; it keeps and renews tokens itself."""

    async def get_token(self, *scopes: str) -> AccessToken: ...


class Transport:
    """Sends requests within ``budget``. ``carrier`` carries them instead of sockets."""

    def __init__(
        self, url: str, credential: Credential, budget: Budget, carrier: AsyncBaseTransport | None = None
    ) -> None:
        # Deferred: who only imports this package needs no HTTP.
        from http.cookiejar import CookieJar, DefaultCookiePolicy

        import httpx
        from azure.core.exceptions import AzureError

        # httpx logs every URL, and filters hold addresses.
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self.url = url.rstrip("/")
        self.root = self.url + SERVICE
        self._scope = self.url + "/.default"
        self._credential = credential
        self._budget = budget
        self._httpx = httpx
        self._azure_error = AzureError
        at_once = budget.allowance.at_once_at_most
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(TIME_OUT, connect=CONNECT_TIME_OUT),
            limits=httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
            transport=carrier,
        )

    async def close(self) -> None:
        await self._http.aclose()

    def url_of(self, path: str) -> str:
        """The absolute URL. A link to another host is never followed: it would get our token."""
        if "://" not in path:
            return f"{self.root}/{path}"
        if not self.owns(path):
            raise ProfileBroken(
                "Dataverse's links lead to another host than the one it is called at: DATAVERSE_URL must "
                "name the host that they have"
            )
        return path

    def owns(self, link: str) -> bool:
        if link.startswith(self.root + "/"):  # As good as all of them; taking a URL apart costs more.
            return True
        own, given = self._httpx.URL(self.root), self._httpx.URL(link)
        same_host = (own.scheme, own.host, own.port) == (given.scheme, given.host, given.port)
        return same_host and given.path.startswith(own.path + "/")

    async def send(self, request: Request, headers: dict[str, str]) -> Answer:
        """Raises Transient when nothing was sent, and when a read got no answer; UnknownResult when a write
        may have arrived."""
        url = self.url_of(request.path)
        token = await self._token()
        content = request.content()
        all_headers = {**headers, **request.headers, "Authorization": f"Bearer {token}"}
        if request.body is not None:
            all_headers["Content-Type"] = "application/json"
        return await self.exchange(request.method, url, all_headers, content, request.kind, request.reads)

    async def post_batch(self, content: bytes, headers: dict[str, str], *, reads: bool) -> Answer:
        token = await self._token()
        all_headers = {**headers, "Authorization": f"Bearer {token}"}
        return await self.exchange("POST", f"{self.root}/$batch", all_headers, content, "POST /$batch", reads)

    async def exchange(
        self, method: str, url: str, headers: dict[str, str], content: bytes, kind: str, reads: bool
    ) -> Answer:
        http = self._httpx
        try:
            async with self._budget.request():
                answer = await self._http.request(method, url, headers=headers, content=content or None)
        except (http.ConnectError, http.ConnectTimeout, http.PoolTimeout) as error:
            raise Transient(f"{kind}: no connection to Dataverse ({type(error).__name__})") from None
        except http.UnsupportedProtocol:
            raise ProfileBroken("DATAVERSE_URL is not an http(s) address") from None
        except http.HTTPError as error:
            lost = Transient if reads else UnknownResult
            raise lost(f"{kind}: the answer was lost ({type(error).__name__})") from None
        self._budget.advise(answer.headers.get(ADVISED))
        return Answer(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.content)

    async def _token(self) -> str:
        try:
            return (await self._credential.get_token(self._scope)).token
        except self._azure_error as error:
            raise _token_error(error) from None
        except (OSError, TimeoutError):
            raise Transient(NO_IDENTITY_SERVICE) from None


def _token_error(error: Exception) -> SyncError:
    """A credential that is refused must be mended; one that cannot be asked just now is an outage."""
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import CredentialUnavailableError

    outage = isinstance(error, CredentialUnavailableError) or (getattr(error, "status_code", 0) or 0) >= 500
    if isinstance(error, ClientAuthenticationError) and not outage:
        return ProfileBroken("no token for Dataverse: the application's credential is refused")
    return Transient(NO_IDENTITY_SERVICE)
