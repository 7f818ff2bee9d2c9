"""Queue definitions: the project's own file, durations, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest

from local.service_bus.definitions import definition_of, duration, load_definitions


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT5M", 300), ("P1D", 86400), ("PT1H30M", 5400), ("P1DT0.5S", 86400.5), ("PT20S", 20)],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "P", "PT", "5M", "P1DT", "P1M", "PT5", "-PT5S"])
def test_other_texts_are_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        duration(text)


def test_the_projects_own_queues_are_readable() -> None:
    queues = {definition.name: definition for definition in load_definitions()}
    assert {"mailbox-sync", "mailbox-bulk", "dynamics-feed"} <= set(queues)
    assert all(queue.requires_session for queue in queues.values())


def test_the_services_defaults() -> None:
    queue = definition_of({"name": "plain"})
    assert (queue.lock_seconds, queue.max_delivery_count, queue.time_to_live) == (60, 10, math.inf)
    assert (queue.requires_session, queue.duplicate_window) == (False, None)


@pytest.mark.parametrize(
    "row",
    [
        {"requireSession": True},
        {"lockDuration": "PT6M"},
        {"duplicateDetectionHistoryTimeWindow": "PT5S"},
        {"maxDeliveryCount": 0},
    ],
)
def test_what_the_service_would_refuse_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="queue q"):
        definition_of({"name": "q", **row})
