"""The artefact: what is left out of msgraph-sdk is never missed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from tools import package

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pruned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site-packages folder with what is left of msgraph."""
    spec = find_spec("msgraph")
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).parent
    target = tmp_path_factory.mktemp("site") / "msgraph"
    generated = source / "generated"

    def left_out(folder: str, names: list[str]) -> set[str]:
        here = Path(folder)
        if here != generated and generated not in here.parents:
            return {"__pycache__"} & set(names)
        return {name for name in names if name == "__pycache__" or not _on_the_way(here / name, generated)}

    shutil.copytree(source, target, ignore=left_out)
    return target.parent


def _on_the_way(path: Path, generated: Path) -> bool:
    """Kept itself, or a folder that leads to something kept."""
    relative = path.relative_to(generated)
    if path.is_dir():
        return any(package.is_kept(each.relative_to(generated)) for each in path.rglob("*.py"))
    return package.is_kept(relative)


def test_the_pruned_tree_is_the_one_that_is_imported_and_is_small(pruned: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-c", "import msgraph; print(msgraph.__file__)"],
        env={**os.environ, "PYTHONPATH": str(pruned)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.startswith(str(pruned))
    assert sum(path.stat().st_size for path in pruned.rglob("*.py")) < 12e6
    assert not (pruned / "msgraph" / "generated" / "models").exists()


def test_pruning_removes_files_and_empty_folders(tmp_path: Path) -> None:
    generated = tmp_path / "msgraph" / "generated"
    for name in ("base.py", "models/event.py", "users/item/events/e.py", "users/item/chats/c.py", "x/y/z.py"):
        (generated / name).parent.mkdir(parents=True, exist_ok=True)
        (generated / name).write_text("")
    (generated / "kiota-dom-export.txt").write_text("")
    package.prune(tmp_path)
    left = sorted(path.relative_to(generated).as_posix() for path in generated.rglob("*"))
    assert left == ["base.py", "users", "users/item", "users/item/events", "users/item/events/e.py"]


@pytest.mark.parametrize(("python", "wanted"), [("3.13", "2."), ("3.12", "1.")])
def test_each_python_gets_its_line_of_azure_functions(python: str, wanted: str) -> None:
    (line,) = [each for each in package.requirements_for(python) if each.startswith("azure-functions==")]
    assert line.split("==")[1].startswith(wanted)
    assert len(package.requirements_for(python)) == len(package.requirements_for("3.13"))


def test_what_is_built_already_is_not_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[Path] = []
    monkeypatch.setattr(package, "_install", lambda target, python: installed.append(target))
    monkeypatch.setattr(package, "_compile", lambda folder: None)
    folder = tmp_path / "app"
    package.build(folder, "3.13")
    package.build(folder, "3.13")
    assert len(installed) == 1
    assert (folder / "shared" / "wiring.py").exists()
    package.build(folder, "3.12")
    (folder / package.BUILT_OF).write_text("of something older")
    package.build(folder, "3.12")
    assert len(installed) == 3


def test_the_same_content_gives_the_same_file(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "b.py").write_text("1")
    package.pack(folder, tmp_path / "one.zip")
    os.utime(folder / "a" / "b.py", (1, 1))
    package.pack(folder, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert zipfile.ZipFile(tmp_path / "one.zip").namelist() == ["a/b.py"]
