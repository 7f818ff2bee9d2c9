"""Ids that we choose ourselves, so that a repeated create meets the first one.

They contain the generation, which rises each time a link ends: a re-created item never meets its old self.
"""

from __future__ import annotations

import hashlib
from uuid import UUID, uuid5

_NAMESPACE = UUID("6f1d3c1e-5b0a-4a58-9d4e-2f0f7a5c9b11")


def appointment_id(organization: str, ical_uid: str, generation: int, table: str = "appointment") -> str:
    """The Dynamics id of an Exchange-born appointment or series: concurrent trackers compute the same one."""
    return str(uuid5(_NAMESPACE, f"{table}|{organization}|{ical_uid}|{generation}"))


def record_id(organization: str, mailbox: str, item_id: str, generation: int, table: str) -> str:
    """The Dynamics id of an Exchange-born contact or task: a create that is repeated meets the first one."""
    return str(uuid5(_NAMESPACE, f"{table}|{organization}|{mailbox}|{item_id}|{generation}"))


def transaction_id(mailbox: str, dynamics_id: str, generation: int) -> str:
    """The idempotency key of the event that a Dynamics row gets in a mailbox (Graph ``transactionId``)."""
    return str(uuid5(_NAMESPACE, f"event|{mailbox}|{dynamics_id}|{generation}"))


def attachment_id(dynamics_id: str, exchange_attachment: str, turn: int) -> str:
    """The Dynamics id of a copied file: a copy whose answer was lost is met, not made again."""
    return str(uuid5(_NAMESPACE, f"attachment|{dynamics_id}|{exchange_attachment}|{turn}"))


GLOBAL_OBJECT_ID_LIMIT = 300
"""Characters that the column takes."""


def global_object_id(ical_uid: str) -> str:
    """What ``globalobjectid`` holds of a meeting: its iCalUId, or that one's hash where it is too long."""
    if len(ical_uid) <= GLOBAL_OBJECT_ID_LIMIT:
        return ical_uid
    return f"sha256:{hashlib.sha256(ical_uid.encode()).hexdigest()}"
