"""The artefact as it is deployed: built for Python 3.13 on Linux x64, started by Microsoft's library."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.ci.python313 import python313
from tools.package import LIMIT_MB, PACKAGES

ROOT = Path(__file__).parents[2]
SHOW = "import json, sys; from pathlib import Path; from tools.cold_start import measure;"
SHOW += "print(json.dumps({r: measure(Path(sys.argv[1]), r) for r in ('ingest', 'worker')}))"


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build") / "app"
    command = [str(python313()), "-m", "tools.package", "--folder", str(folder)]
    subprocess.run([*command, "--zip", f"{folder}.zip"], cwd=ROOT, check=True)
    return folder


def test_it_has_the_app_and_nothing_of_the_rig(artefact: Path) -> None:
    assert {path.name for path in artefact.iterdir()} >= {"function_app.py", "host.json", "shared"}
    assert not any((artefact / name).exists() for name in ("local", "tests", "tools", "docs", "infra"))
    assert not list(artefact.rglob("local.settings.json*"))
    assert (artefact / PACKAGES / "msgraph").is_dir()


def test_it_is_small(artefact: Path) -> None:
    size = sum(path.stat().st_size for path in artefact.rglob("*") if path.is_file())
    assert size < LIMIT_MB * 1e6
    assert Path(f"{artefact}.zip").stat().st_size < 40e6


def test_compiled_packages_are_for_linux_and_3_13(artefact: Path) -> None:
    native = [path.name for path in artefact.rglob("*.so")]
    assert native
    foreign = [name for name in native if "-" in name and "x86_64-linux-gnu" not in name]
    assert foreign == []
    assert not [name for name in native if "cpython-3" in name and "cpython-313-" not in name]


def test_the_runtime_library_starts_it_and_the_clients_can_be_made(artefact: Path) -> None:
    """The app starts within seconds; in Azure it has thirty."""
    shown = subprocess.run(
        [str(python313()), "-c", SHOW, str(artefact)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    rows = json.loads(shown.stdout)
    assert (rows["ingest"]["functions"], rows["worker"]["functions"]) == (4, 8)
    for role, row in rows.items():
        print(f"cold start of {role}: {row['total']:.2f} s, {row['megabytes']:.0f} MB")
        assert row["total"] < 15
