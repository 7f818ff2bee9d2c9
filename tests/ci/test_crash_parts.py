"""Any part of the rig is killed while edits go on: nothing is lost, doubled, or mailed twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.wire.road import Road, address_party, running_road


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    with running_road(tmp_path_factory.mktemp("road") / "rig") as started:
        yield started


@pytest.mark.parametrize("part", ["functions", "service_bus", "exchange", "dataverse", "tables"])
def test_a_killed_part_loses_and_doubles_nothing(road: Road, part: str) -> None:
    ann, guest = road.person("ann"), road.outsider()
    road.settle()
    road.outbox()
    event = road.add_event(ann, subject="Before")
    row = road.add_appointment(ann, address_party(5, guest), subject="Visit")
    road.local("kill", part)
    if part != "exchange":
        road.edit_event(ann, event, subject="While it was away")
    if part != "dataverse":
        road.edit_appointment(row, location="While it was away")
    road.local("start", part)
    road.settle(timeout=100)
    mine = {each["subject"]: each for each in road.appointments(ann)}
    assert set(mine) == {"Visit", "Before" if part == "exchange" else "While it was away"}
    events = {each["subject"]: each for each in road.events(ann)}
    assert set(events) == set(mine)
    assert events["Visit"]["location"]["displayName"] == ("" if part == "dataverse" else "While it was away")
    kinds = [kind for kind, people in road.outbox() if people == [guest]]
    assert kinds.count("invitation") == 1
    assert set(kinds) <= {"invitation", "update"}
