"""The limits of Table Storage, checked before anything is sent.

Azurite is kinder than the service, and the service's words are poor. Sizes are the service's own: two
bytes a character of keys, names and texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.errors import Refused
from shared.store import keys

KIB = 1024
KEY_BYTES = 1 * KIB
PROPERTY_BYTES = 64 * KIB
ENTITY_BYTES = 1024 * KIB
CUSTOM_PROPERTIES = 252
OPERATIONS = 100
TRANSACTION_BYTES = 4 * 1024 * KIB

OVERHEAD_PER_OPERATION = 700
"""Headers of one operation inside the multipart body, generously."""

_SYSTEM = frozenset({"PartitionKey", "RowKey", "Timestamp"})


class LimitExceeded(Refused):
    """Storage would never take this: the item is refused, its neighbours go on."""


def utf16_bytes(text: str) -> int:
    return 2 * len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass"))


def value_bytes(value: object) -> int:
    if isinstance(value, str):
        return utf16_bytes(value)
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, bool):
        return 1
    return 8 if isinstance(value, int | float | datetime) else 16


def entity_bytes(entity: Mapping[str, Any]) -> int:
    """What the entity counts as in storage."""
    names = (name for name in entity if name not in _SYSTEM)
    properties = sum(8 + utf16_bytes(name) + value_bytes(entity[name]) + 4 for name in names)
    return 4 + utf16_bytes(entity["PartitionKey"]) + utf16_bytes(entity["RowKey"]) + properties


def request_bytes(entity: Mapping[str, Any]) -> int:
    """About what the entity adds to a transaction's body: JSON, binary values as base64."""
    size = OVERHEAD_PER_OPERATION
    for name, value in entity.items():
        size += 2 * len(name) + 40
        if isinstance(value, bytes):
            size += len(value) * 4 // 3
        elif isinstance(value, str):
            size += len(value) + value.count('"') + value.count("\\") if value.isascii() else 6 * len(value)
    return size


def check_entity(entity: Mapping[str, Any]) -> None:
    """Raises LimitExceeded naming the row and the limit."""
    row = f"row {entity['RowKey'][:80]!r}"
    for name in ("PartitionKey", "RowKey"):
        if utf16_bytes(entity[name]) > KEY_BYTES:
            raise LimitExceeded(f"{row}: {name} is longer than {KEY_BYTES // 2} characters")
        if not keys.is_safe(entity[name]):
            raise LimitExceeded(f"{row}: {name} holds a character that storage forbids")
    custom = [name for name in entity if name not in _SYSTEM]
    if len(custom) > CUSTOM_PROPERTIES:
        raise LimitExceeded(f"{row}: {len(custom)} properties, the limit is {CUSTOM_PROPERTIES}")
    for name in custom:
        if value_bytes(entity[name]) > PROPERTY_BYTES:
            raise LimitExceeded(f"{row}: property {name} is larger than 64 KiB")
    if entity_bytes(entity) > ENTITY_BYTES:
        raise LimitExceeded(f"{row}: the entity is larger than 1 MiB")


def check_transaction(entities: Sequence[Mapping[str, Any]]) -> None:
    """Raises LimitExceeded for what can be no transaction."""
    if not 1 <= len(entities) <= OPERATIONS:
        raise LimitExceeded(f"{len(entities)} operations in a transaction, the limit is {OPERATIONS}")
    if len({entity["PartitionKey"] for entity in entities}) != 1:
        raise LimitExceeded("a transaction has one partition")
    if len({entity["RowKey"] for entity in entities}) != len(entities):
        raise LimitExceeded("a row is more than once in a transaction")
    if sum(map(request_bytes, entities)) > TRANSACTION_BYTES:
        raise LimitExceeded("the transaction is larger than 4 MiB")
