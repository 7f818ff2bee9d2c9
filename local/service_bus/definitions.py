"""Queue definitions, read from the file that also feeds the infrastructure (``infra/queues.json``)."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_FILE = Path(__file__).resolve().parents[2] / "infra" / "queues.json"

# Limits of the Standard tier.
MAX_MESSAGE_BYTES = 256 * 1024
MAX_SESSION_STATE_BYTES = 256 * 1024
MAX_ID_LENGTH = 128

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_UNIT_SECONDS = (86400, 3600, 60, 1)
_LOCK_SECONDS = (0.0, 300.0)
_DUPLICATE_WINDOW_SECONDS = (20.0, 7 * 86400.0)


@dataclass(frozen=True)
class QueueDefinition:
    """One queue; times in seconds. A time to live of infinity is the service's default."""

    name: str
    requires_session: bool = False
    lock_seconds: float = 60.0
    max_delivery_count: int = 10
    duplicate_window: float | None = None
    time_to_live: float = math.inf
    dead_letter_expired: bool = False
    max_bytes: int = 1024 * 1024 * 1024


def load_definitions(file: Path = DEFAULT_FILE) -> list[QueueDefinition]:
    rows = json.loads(file.read_text(encoding="utf-8"))["queues"]
    return [definition_of(row) for row in rows]


def definition_of(row: dict[str, Any]) -> QueueDefinition:
    """One row of the file. Unknown keys are refused: a misspelled one would silently change a queue."""
    unknown = set(row) - _KEYS
    if unknown:
        raise ValueError(f"queue {row.get('name')}: unknown properties {sorted(unknown)}")
    window = duration(row.get("duplicateDetectionHistoryTimeWindow", "PT10M"))
    definition = QueueDefinition(
        name=row["name"],
        requires_session=row.get("requiresSession", False),
        lock_seconds=duration(row.get("lockDuration", "PT1M")),
        max_delivery_count=row.get("maxDeliveryCount", 10),
        duplicate_window=window if row.get("requiresDuplicateDetection", False) else None,
        time_to_live=duration(row["defaultMessageTimeToLive"])
        if "defaultMessageTimeToLive" in row
        else math.inf,
        dead_letter_expired=row.get("deadLetteringOnMessageExpiration", False),
        max_bytes=row.get("maxSizeInMegabytes", 1024) * 1024 * 1024,
    )
    _check(definition, window)
    return definition


_KEYS = {
    "name",
    "requiresSession",
    "lockDuration",
    "maxDeliveryCount",
    "requiresDuplicateDetection",
    "duplicateDetectionHistoryTimeWindow",
    "defaultMessageTimeToLive",
    "deadLetteringOnMessageExpiration",
    "maxSizeInMegabytes",
}


def _check(definition: QueueDefinition, window: float) -> None:
    low, high = _LOCK_SECONDS
    if not low < definition.lock_seconds <= high:
        raise ValueError(f"queue {definition.name}: lockDuration must be at most five minutes")
    low, high = _DUPLICATE_WINDOW_SECONDS
    if not low <= window <= high:
        raise ValueError(f"queue {definition.name}: the duplicate detection window is 20 seconds to 7 days")
    if not 1 <= definition.max_delivery_count <= 2000:
        raise ValueError(f"queue {definition.name}: maxDeliveryCount must be 1 to 2000")


def duration(text: str) -> float:
    """Seconds of an ISO-8601 duration in days, hours, minutes and seconds."""
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()) or text.endswith("T"):
        raise ValueError(f"not a duration: {text!r}")
    return sum(float(number or 0) * unit for number, unit in zip(match.groups(), _UNIT_SECONDS, strict=True))
