"""One trace from the notification to the mirrored change, on the whole road, and readable locally."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.wire.road import Road, running_road

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    with running_road(tmp_path_factory.mktemp("telemetry") / "rig") as started:
        yield started


def written(road: Road) -> list[dict[str, Any]]:
    return [json.loads(line) for line in road.local("telemetry", "--json").splitlines() if line]


def spans(road: Road, **values: Any) -> list[dict[str, Any]]:
    rows = [row for row in written(road) if row["line"] == "span"]
    return [row for row in rows if all(row.get(key) == value for key, value in values.items())]


def test_a_notification_and_its_pass_share_a_trace_and_name_nobody(road: Road) -> None:
    ann = road.person("ann")
    road.settle()
    road.add_event(ann, subject="Secret plan")
    road.eventually(lambda: road.appointments(ann) or None)
    (passed,) = [row for row in spans(road, cause="notification") if row["actions"]]
    assert passed["parent"], "the pass belongs to the call that asked for it"
    assert passed["waited_s"] < 10
    everything = json.dumps(written(road))
    for text in ("Secret", ann.address, ann.mailbox, ann.user):
        assert text not in everything


def test_a_change_in_dynamics_shares_its_trace_with_the_feed_and_the_pass(road: Road) -> None:
    ben = road.person("ben")
    road.settle()
    road.add_appointment(ben, subject="From Dynamics")
    road.eventually(lambda: road.events(ben) or None)
    (feed,) = [row for row in spans(road, name="feed", cause="push calendar") if row["routed"]][-1:]
    passed = [row for row in spans(road, name="pass", trace=feed["trace"]) if row.get("actions")]
    assert passed
    assert passed[0]["parent"] == feed["span"]


def test_the_page_shows_sums_rules_and_the_state(road: Road) -> None:
    page = road.local("telemetry")
    for word in (
        "passes",
        "requests to graph",
        "requests to dataverse",
        "decisions by rule",
        "APPT-",
        "actions",
    ):
        assert word in page


def test_a_handful_of_lines_says_it_all(road: Road) -> None:
    """No line per item: ten more events are the same few lines."""
    cat = road.person("cat")
    road.settle()
    before = len(written(road))
    for number in range(10):
        road.add_event(cat, subject=f"Event {number}")
    road.settle()
    assert len(road.appointments(cat)) == 10
    assert len(written(road)) - before < 60
