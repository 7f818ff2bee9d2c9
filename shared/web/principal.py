"""Who calls the admin API (docs/security.md): the platform's word, or the loopback developer."""

from __future__ import annotations

import base64
import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.web.http import BadRequest, Request, parse_json

ADMIN = "Sync.Admin"
READER = "Sync.Reader"
ROLE_CLAIMS = frozenset({"roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"})
ID_CLAIMS = ("oid", "http://schemas.microsoft.com/identity/claims/objectidentifier", "appid", "azp")
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
"""A proxy adds one of these, so the caller is not on this machine even if the proxy is."""

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]{1,5})?")
_PLAIN_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class Principal:
    """``id`` is the caller's object id, the only thing about a caller that is ever logged."""

    id: str
    roles: frozenset[str]

    @property
    def may_read(self) -> bool:
        return bool(self.roles & {ADMIN, READER})

    @property
    def may_write(self) -> bool:
        return ADMIN in self.roles


def principal_of(request: Request, admin_auth: str) -> Principal:
    """Raises BadRequest (401). ``x-ms-client-principal`` is trusted only where the setting says that the
    platform guards the app: elsewhere anybody could send it."""
    if admin_auth == "platform":
        return _from_platform(request.header("x-ms-client-principal"))
    if admin_auth == "loopback":
        return _from_loopback(request)
    raise _unknown("The admin API is not guarded by anything.")


def _unknown(message: str) -> BadRequest:
    return BadRequest(message, status=401, code="unauthorized")


def _from_platform(header: str) -> Principal:
    if not header:
        raise _unknown("Sign in first.")
    try:
        token = parse_json(base64.b64decode(header, validate=True))
        claims = [(str(c["typ"]), str(c["val"])) for c in token.get("claims") or ()]
        role_type = str(token.get("role_typ") or "roles")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unknown("The principal cannot be read.") from error
    kinds = ROLE_CLAIMS | {role_type}
    roles = frozenset(value for kind, value in claims if kind in kinds)
    known = next((value for kind, value in claims if kind in ID_CLAIMS), "")
    return Principal(known if _PLAIN_ID.fullmatch(known) else "unknown", roles)


def _from_loopback(request: Request) -> Principal:
    """Only for development: the caller must have come to this machine under a loopback name, and not by way
    of another site's page in the developer's browser."""
    forwarded = any(request.header(name) for name in FORWARDED)
    if forwarded or not _is_loopback(request.header("host")) or not _is_own_page(request.header("origin")):
        raise _unknown("Only callers from this machine are let in.")
    return Principal("developer", frozenset({ADMIN}))


def _is_own_page(origin: str) -> bool:
    """Browsers name the page's origin; programs send none."""
    try:
        return not origin or _is_loopback(urlsplit(origin).netloc)
    except ValueError:
        return False


def _is_loopback(authority: str) -> bool:
    found = _HOST.fullmatch(authority)
    if found is None:
        return False
    host = found[1].strip("[]").lower()
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
