"""The functions that the template may call; the values that only Azure knows are made up."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
TENANT = "22222222-2222-2222-2222-222222222222"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
_NAMESPACE = uuid.UUID("33333333-3333-3333-3333-333333333333")


@dataclass(frozen=True, slots=True)
class Function:
    least: int
    most: int
    run: Callable[..., Any]


def unique(*parts: Any) -> str:
    """Thirteen small letters and digits that depend on the arguments, as the real one gives."""
    digest = hashlib.sha256("|".join(str(part) for part in parts).encode()).hexdigest()
    return "u" + digest[:12]


def guid(*parts: Any) -> str:
    return str(uuid.uuid5(_NAMESPACE, "|".join(str(part) for part in parts)))


def union(*parts: Any) -> Any:
    if all(isinstance(part, list) for part in parts):
        return [item for part in parts for item in part]
    merged: dict[str, Any] = {}
    for part in parts:
        merged |= part
    return merged


def json_value(text: str) -> Any:
    return json.loads(text)


def subscription_resource_id(kind: str, *names: str) -> str:
    return f"/subscriptions/{SUBSCRIPTION}/providers/{kind}/{'/'.join(names)}"


def text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool | dict | list) else str(value)


def utc_now(form: str = "") -> str:
    return {"yyyy-MM-01": "2026-12-01"}.get(form, "2026-12-01T00:00:00Z")


def _read_elsewhere(*_arguments: Any) -> Any:
    raise AssertionError("evaluated where the file's folder is known")


FUNCTIONS: dict[str, Function] = {
    "uniqueString": Function(1, 9, unique),
    "guid": Function(1, 9, guid),
    "union": Function(2, 9, union),
    "json": Function(1, 1, json_value),
    "string": Function(1, 1, text),
    "empty": Function(1, 1, lambda value: not value),
    "split": Function(2, 2, lambda value, by: value.split(by)),
    "replace": Function(3, 3, lambda value, old, new: value.replace(old, new)),
    "toLower": Function(1, 1, lambda value: value.lower()),
    "subscriptionResourceId": Function(2, 5, subscription_resource_id),
    "utcNow": Function(0, 1, utc_now),
    "resourceGroup": Function(0, 0, lambda: {"id": GROUP, "name": "rg", "location": "westeurope"}),
    "subscription": Function(
        0, 0, lambda: {"id": f"/subscriptions/{SUBSCRIPTION}", "subscriptionId": SUBSCRIPTION}
    ),
    "tenant": Function(0, 0, lambda: {"tenantId": TENANT}),
    "environment": Function(
        0, 0, lambda: {"authentication": {"loginEndpoint": "https://login.microsoftonline.com/"}}
    ),
    "loadJsonContent": Function(1, 2, _read_elsewhere),
    "loadTextContent": Function(1, 2, _read_elsewhere),
}
ONLY_AS_DEFAULT = frozenset({"utcNow"})
"""Functions that only the default of a parameter may call."""
