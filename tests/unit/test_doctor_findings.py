"""Findings that the rig cannot be brought into: change tracking switched off, a right that is half there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from shared.doctor import dynamics, edge
from shared.doctor.__main__ import as_text
from shared.doctor.finding import Finding, Level, failed, note, ok
from shared.dynamics.dataverse.tables import FEEDS


class Metadata:
    """A Dataverse that tracks changes of some tables only."""

    def __init__(self, tracked: set[str]) -> None:
        self._tracked = tracked

    async def rows(self, path: str, **_options: Any) -> list[dict[str, Any]]:
        table = next(each for each in FEEDS if f"'{each}'" in path or f"%27{each}%27" in path)
        return [{"LogicalName": table, "ChangeTrackingEnabled": table in self._tracked}]

    async def read(self, path: str, **_options: Any) -> dict[str, Any]:
        return {"value": [], "@odata.deltaLink": path}


@pytest.mark.parametrize("table", sorted(FEEDS))
async def test_a_table_whose_changes_are_not_tracked_is_named(table: str) -> None:
    patient: Any = SimpleNamespace(dataverse=Metadata(set(FEEDS) - {table}))
    (found,) = await dynamics._tracking(patient)
    assert found.level is Level.FAILED
    assert table in found.sentence
    assert "Track changes" in found.fix


async def test_with_tracking_on_there_is_nothing_to_say() -> None:
    patient: Any = SimpleNamespace(dataverse=Metadata(set(FEEDS)))
    assert await dynamics._tracking(patient) == []


@pytest.mark.parametrize(
    ("health", "notification", "says"),
    [
        (200, 202, "reaches its tables"),
        (200, 503, "does not reach"),
        (200, 404, "answers a notification with 404"),
        (500, 202, "answers 500"),
    ],
)
async def test_the_edge_is_asked_as_graph_asks_it(health: int, notification: int, says: str) -> None:
    async def answer_health(_request: web.Request) -> web.Response:
        return web.Response(status=health)

    async def answer_notification(request: web.Request) -> web.Response:
        assert (await request.json())["value"][0]["clientState"] == "doctor"
        return web.Response(status=notification)

    app = web.Application()
    app.router.add_get("/api/health", answer_health)
    app.router.add_post("/api/graph/notifications", answer_notification)
    async with TestServer(app) as server:
        address = str(server.make_url("")).rstrip("/")
        patient: Any = SimpleNamespace(settings=SimpleNamespace(public_base_url=address))
        (found,) = await edge.check(patient)
    assert says in found.sentence


async def test_an_edge_that_does_not_answer_is_found() -> None:
    patient: Any = SimpleNamespace(settings=SimpleNamespace(public_base_url="http://127.0.0.1:9"))
    (found,) = await edge.check(patient)
    assert found.level is Level.FAILED
    assert "PUBLIC_BASE_URL" in found.fix


def test_the_page_says_what_to_do_and_how_much_failed() -> None:
    rows: list[Finding] = [ok("a", "Fine."), note("b", "Odd.", "Look."), failed("c", "Broken.", "Mend it.")]
    page = as_text(rows)
    assert page.splitlines()[-1] == "1 failed, 2 did not."
    assert "fix: Mend it." in page
    assert as_text(rows[:2]).endswith("Nothing failed.")
