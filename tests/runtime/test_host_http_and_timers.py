"""The host as a process around a sample app: HTTP, timers by the moved clock, running by hand, stopping."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.runtime.running_host import APPS, RunningHost, running_host, wait_for

APP = APPS / "http_timer"
SETTINGS = {"HOURLY": "0 0 * * * *"}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    with running_host(APP, tmp_path_factory.mktemp("host"), SETTINGS) as started:
        yield started


def runs(host: RunningHost) -> dict[str, list[dict[str, object]]]:
    return host.http.get("/api/runs").json()["runs"]


def test_a_function_sees_the_request_and_its_answer_is_sent_whole(host: RunningHost) -> None:
    answer = host.http.post("/api/items/12?x=1&y=a%20b", content="hello", headers={"X-Sample": "s"})
    assert answer.status_code == 201
    assert answer.headers["X-Answer"] == "yes"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["set-cookie"] == "a=1; Path=/"
    seen = answer.json()
    assert (seen["method"], seen["id"], seen["body"], seen["header"]) == ("POST", "12", "hello", "s")
    assert seen["query"] == {"x": "1", "y": "a b"}
    assert seen["url"].endswith("/api/items/12?x=1&y=a%20b")


def test_routes_pick_the_function(host: RunningHost) -> None:
    assert host.http.get("/api/items/special").text == "special"
    assert host.http.get("/api/abc/things/a%2Fb").text == "abc:a/b:things"
    assert host.http.get("/api/files/a/b").text == "a/b"
    assert host.http.get("/api/items/nine").status_code == 404


def test_a_method_nobody_takes_is_404_as_in_azure(host: RunningHost) -> None:
    assert host.http.delete("/api/items/1").status_code == 404


def test_a_failing_function_is_an_empty_500_and_a_traceback_in_the_log(host: RunningHost) -> None:
    answer = host.http.get("/api/broken")
    assert (answer.status_code, answer.content) == (500, b"")
    assert "ValueError: secret detail" in host.logged()


def test_the_function_time_out_ends_a_function(host: RunningHost) -> None:
    assert host.http.get("/api/too_long").status_code == 500
    assert "time-out of 2 s" in host.logged()


def test_a_timer_does_not_run_at_start_but_when_the_clock_is_moved_past_its_time(host: RunningHost) -> None:
    before = len(runs(host)["hourly"])
    host.advance(3600)
    wait_for(lambda: len(runs(host)["hourly"]) == before + 1)
    host.advance(5 * 3600)
    wait_for(lambda: len(runs(host)["hourly"]) == before + 2)
    assert runs(host)["hourly"][-1]["Next"] > runs(host)["hourly"][-1]["Last"]


def test_a_timer_never_overlaps_itself(host: RunningHost) -> None:
    wait_for(lambda: len(runs(host)["slow"]) >= 2)
    assert host.http.post("/admin/functions/slow").status_code == 200
    assert host.http.get("/api/runs").json()["most"] == 1


def test_a_function_is_run_by_hand_and_answered_at_its_end(host: RunningHost) -> None:
    before = len(runs(host)["hourly"])
    assert host.http.post("/admin/functions/hourly").status_code == 200
    assert len(runs(host)["hourly"]) == before + 1
    assert host.http.post("/admin/functions/items", json={"input": "x"}).json()["status"] == 201


def test_running_by_hand_shows_the_error_and_the_names(host: RunningHost) -> None:
    failed = host.http.post("/admin/functions/failing")
    assert failed.status_code == 500
    assert "the timer is broken" in failed.json()["error"]["message"]
    unknown = host.http.post("/admin/functions/nope")
    assert unknown.status_code == 404
    assert "hourly" in unknown.json()["error"]["message"]


def test_the_functions_are_listed_with_their_bindings(host: RunningHost) -> None:
    listed = {
        entry["name"]: entry["config"]["bindings"][0] for entry in host.http.get("/admin/functions").json()
    }
    assert listed["hourly"]["schedule"] == "%HOURLY%"
    assert listed["files"]["type"] == "httpTrigger"


def test_sigterm_lets_a_running_function_end(tmp_path: Path) -> None:
    with running_host(APP, tmp_path, SETTINGS) as host:
        wait_for(lambda: len(runs(host)["slow"]) >= 1)
        assert host.terminate() == 0
        assert "cut short" not in host.logged()
        with pytest.raises(httpx.TransportError):
            host.http.get("/admin/host/status")


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("import nothing_of_this_name", "nothing_of_this_name"),
        ("app = None", "function_app.py"),
        (
            "import azure.functions as func\napp = func.FunctionApp()\n"
            "@app.timer_trigger(arg_name='t', schedule='61 * * * * *')\n"
            "async def f(t: func.TimerRequest) -> None: ...\n",
            "61 is not in 0-59",
        ),
        (
            "import azure.functions as func\napp = func.FunctionApp()\n"
            "@app.timer_trigger(arg_name='t', schedule='%UNSET_SCHEDULE%')\n"
            "async def f(t: func.TimerRequest) -> None: ...\n",
            "UNSET_SCHEDULE",
        ),
    ],
)
def test_an_app_that_cannot_start_says_why(tmp_path: Path, source: str, complaint: str) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "function_app.py").write_text(source)
    (app / "host.json").write_text(json.dumps({"version": "2.0"}))
    with pytest.raises(AssertionError, match="the host ended") as ended, running_host(app, tmp_path):
        pass
    assert complaint in str(ended.value)
