"""Who calls the admin API (docs/security.md): the platform's word, or the loopback developer."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
from dataclasses import dataclass

from shared.web.http import BadRequest, Request

ADMIN = "Sync.Admin"
READER = "Sync.Reader"
ROLE_CLAIMS = frozenset({"roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"})


@dataclass(frozen=True, slots=True)
class Principal:
    name: str
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
    raise BadRequest("The admin API is not guarded by anything.", status=401, code="unauthorized")


def _from_platform(header: str) -> Principal:
    if not header:
        raise BadRequest("Sign in first.", status=401, code="unauthorized")
    try:
        token = json.loads(base64.b64decode(header, validate=True))
        claims = [(str(c["typ"]), str(c["val"])) for c in token.get("claims") or ()]
        role_type = str(token.get("role_typ") or "roles")
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadRequest("The principal cannot be read.", status=401, code="unauthorized") from error
    kinds = ROLE_CLAIMS | {role_type}
    roles = frozenset(value for kind, value in claims if kind in kinds)
    name = next((value for kind, value in claims if kind in ("preferred_username", "appid")), "")
    return Principal(name, roles)


def _from_loopback(request: Request) -> Principal:
    """Only for development: the caller must have come to this machine under a loopback name."""
    host = request.header("host").rsplit(":", 1)[0].strip("[]")
    if request.header("x-forwarded-for") or not _is_loopback(host):
        raise BadRequest("Only callers from this machine are let in.", status=401, code="unauthorized")
    return Principal("developer", frozenset({ADMIN}))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
