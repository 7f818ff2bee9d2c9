"""Where a series' fields go: as the appointments' do, until the series have directions of their own."""

from __future__ import annotations

import pytest

from shared.model.values import Direction
from tests.doubles.service import Service
from tests.doubles.stories import only, subscribed
from tests.marks import rule
from tests.unit.test_engine_series import MONDAY, add_event, at

LATER = "2026-03-16"
OUT = Direction.TO_EXCHANGE
CASES = [
    ({"appointment": {"location": OUT}}, False, False),
    ({"recurringappointmentmaster": {"location": OUT}}, True, False),
    (
        {"appointment": {"location": OUT}, "recurringappointmentmaster": {"location": Direction.BOTH}},
        False,
        True,
    ),
    ({}, True, True),
]


@rule("FLD-11", "FLD-33")
@pytest.mark.parametrize(("directions", "single_travels", "series_travels"), CASES)
async def test_a_series_goes_where_appointments_go_unless_it_has_a_way_of_its_own(
    directions: dict[str, dict[str, Direction]], single_travels: bool, series_travels: bool
) -> None:
    """The series itself, its new row, and its occurrences."""
    service, box = await subscribed("ada")
    await service.profile(directions=directions)
    single = box.add(
        subject="Alone", location="Created", time=at(MONDAY, 15), categories=("Tracked to Dynamics 365",)
    )
    series = add_event(box, location="Created")
    await service.settle()
    rows = {row.value("subject"): row for row in service.dynamics.rows.values()}
    assert (rows["Alone"].value("location") == "Created") is single_travels
    assert (rows["Team meeting"].value("location") == "Created") is series_travels

    box.edit(single.id, location="Edited")
    box.edit(series.id, location="Edited")
    await service.settle()
    box.edit_occurrence(series.id, LATER, location="Room 9")
    await service.settle()
    rows = {row.value("subject"): row for row in service.dynamics.rows.values()}
    assert (rows["Alone"].value("location") == "Edited") is single_travels
    assert (rows["Team meeting"].value("location") == "Edited") is series_travels
    assert ("Room 9" in exception_locations(service)) is series_travels


def exception_locations(service: Service) -> list[object]:
    (row,) = [each for each in service.dynamics.rows.values() if each.is_series]
    return [exception.value("location") for exception in row.exceptions.values()]


async def test_what_goes_to_dynamics_only_is_not_taken_from_there() -> None:
    service, box = await subscribed("ada")
    await service.profile(directions={"recurringappointmentmaster": {"subject": Direction.TO_DYNAMICS}})
    series = add_event(box)
    await service.settle()
    service.dynamics.edit(only(service.dynamics.rows).id, subject="Dynamics's")
    await service.settle()
    assert box.items[series.id].value("subject") == "Team meeting"
