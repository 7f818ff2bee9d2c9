"""Who is asking, and whether a mailbox is theirs to use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.control import SERVICE_TOKEN
from local.exchange.call import Call, Caller
from local.exchange.directory import Directory
from local.exchange.errors import GraphError, access_denied, bad_request

Json = dict[str, Any]


def caller_of(headers: Mapping[str, str]) -> Caller:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise GraphError(401, "InvalidAuthenticationToken", "Access token is empty.")
    if token.strip() == SERVICE_TOKEN:
        return Caller(service=True)
    return Caller(service=False, act_as=headers.get("x-act-as") or None)


def mailbox_of(call: Call, directory: Directory) -> Json:
    """The mailbox that the path names, when the caller may open it."""
    user = directory.mailbox(call.params["user"])
    refuse_strangers(call, user, directory)
    return user


def refuse_strangers(call: Call, user: Json, directory: Directory) -> None:
    """The service and a person without ``X-Act-As`` (who is the owner) may; others need to be delegates."""
    if call.caller.service or call.caller.act_as is None:
        return
    person = directory.find(call.caller.act_as)
    if person is None or (person["id"] != user["id"] and person["id"] not in user["delegates"]):
        raise access_denied()


def resolve_me(call: Call, directory: Directory) -> None:
    """``/me`` is the person named by ``X-Act-As``; the service has no ``/me``."""
    if not call.segments or call.segments[0].lower() != "me":
        return
    person = directory.find(call.caller.act_as) if call.caller.act_as else None
    if person is None:
        raise bad_request("/me request is only valid with delegated authentication flow.")
    call.segments[:1] = ["users", person["id"]]
