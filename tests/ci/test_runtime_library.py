"""The trigger contract on Python 3.13: the host and the app on Microsoft's own runtime library."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from local.functions_host.functions import QUEUE, TIMER
from local.rig.directory import RigDirectory
from local.rig.lifecycle import UpOptions, down, up
from local.rig.parts import FUNCTIONS_PYTHON
from tests.ci.python313 import python313
from tests.runtime.running_host import ROOT, running_host
from tests.runtime.test_host_app_contract import NO_APP, functions

INDEX = """
import asyncio, json, sys
from pathlib import Path
from local.functions_host.invoker import load_app
invoker = asyncio.run(load_app(Path(sys.argv[1])))
assert type(invoker).__name__ == "LibraryInvoker"
print(json.dumps({function.name: function.trigger for function in invoker.functions}))
"""
HEAD = "import azure.functions as func\napp = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"
FAULTS = {
    "a parameter without a binding": "@app.route(route='a')\n"
    "async def f(req: func.HttpRequest, other: str) -> str: return ''\n",
    "a binding without a parameter": "@app.route(route='a', trigger_arg_name='request')\n"
    "async def f(req: func.HttpRequest) -> str: return ''\n",
    "a wrong annotation": "@app.timer_trigger(arg_name='t', schedule='0 0 0 * * *')\n"
    "async def f(t: func.HttpRequest) -> None: ...\n",
    "two apps": "second = func.FunctionApp()\n"
    "@app.route(route='a')\nasync def f(req: func.HttpRequest) -> str: return ''\n",
    "two functions of one name": "@app.route(route='a')\n@app.function_name('x')\n"
    "async def f(req: func.HttpRequest) -> str: return ''\n"
    "@app.route(route='b')\n@app.function_name('x')\n"
    "async def g(req: func.HttpRequest) -> str: return ''\n",
}


@pytest.fixture(scope="module")
def python() -> str:
    return str(python313())


def test_the_host_behaves_alike_on_the_runtime_library(python: str) -> None:
    """The host's own tests, once more, with the host on 3.13."""
    files = [
        str(ROOT / "tests" / "runtime" / f"test_host_{name}.py") for name in ("http_and_timers", "queues")
    ]
    rerun = subprocess.run(
        [sys.executable, "-m", "pytest", "-n0", "-p", "no:cacheprovider", *files],
        cwd=ROOT,
        env={**os.environ, "HOST_PYTHON": python},
        capture_output=True,
        text=True,
        check=False,
    )
    assert rerun.returncode == 0, rerun.stdout[-8000:]


@pytest.mark.parametrize("fault", FAULTS)
def test_the_library_refuses_an_app_whose_bindings_do_not_fit(
    python: str, tmp_path: Path, fault: str
) -> None:
    (tmp_path / "function_app.py").write_text(HEAD + FAULTS[fault])
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0"}))
    with (
        pytest.raises(AssertionError, match="the app cannot start"),
        running_host(tmp_path, tmp_path, python=python),
    ):
        pass


@NO_APP
@pytest.mark.parametrize("role", ["all", "ingest", "worker"])
def test_the_app_is_indexed_by_the_library_as_by_the_decorators(python: str, role: str) -> None:
    settings = json.loads((ROOT / "local.settings.json.template").read_text())["Values"]
    indexed = subprocess.run(
        [python, "-c", INDEX, str(ROOT)],
        cwd=ROOT,
        env={**os.environ, **settings, "SYNC_ROLE": role},
        capture_output=True,
        text=True,
        check=False,
    )
    assert indexed.returncode == 0, indexed.stderr
    assert json.loads(indexed.stdout) == {f.name: f.trigger for f in functions(role)}


@NO_APP
def test_each_function_of_the_app_runs_on_the_library(
    python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole rig, empty, with the functions host on 3.13; timers, queues and every HTTP function."""
    monkeypatch.setenv(FUNCTIONS_PYTHON, python)
    directory = RigDirectory(tmp_path / "rig")
    up(directory, UpOptions(empty=True), print)
    try:
        address = json.loads(directory.endpoints.read_text())["functions"]
        assert {name: _run(address, name, kind) for name, kind in _kinds().items()} == dict.fromkeys(
            _kinds(), 200
        )
        assert "Traceback" not in directory.log("functions").read_text()
    finally:
        down(directory, print)


def _kinds() -> dict[str, str]:
    return {function.name: function.kind for function in functions("all")}


def _run(address: str, name: str, kind: str) -> int:
    """Invoke by hand: queue functions with a job of a mailbox that is not there, HTTP ones with no body."""
    job = json.dumps({"mailbox": "nobody", "organization": "nobody", "cause": "check"})
    message = {"input": job, "sessionId": "nobody"}
    body = {QUEUE: message, TIMER: {}}.get(kind, {"input": "", "method": "GET"})
    return httpx.post(f"{address}/admin/functions/{name}", json=body, timeout=60, trust_env=False).status_code
