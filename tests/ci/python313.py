"""A Python 3.13 with Microsoft's runtime library for functions, in an environment of its own."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".venv313"
# In Azure the platform brings the library; its internals are used here, so its version is pinned.
LIBRARY = "azure-functions-runtime==1.3.0"


def python313() -> Path:
    """The environment's Python, made when needed. Without any 3.13: a failure in CI, a skip elsewhere."""
    base = _find()
    if base is None:
        message = "no Python 3.13 that runs: the app is not checked on Microsoft's runtime library"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    python = ENVIRONMENT / "bin" / "python"
    stamp = ENVIRONMENT / f".made-of-{_key()}"
    if not stamp.exists():
        _make(base, python)
        stamp.touch()
    return python


def _find() -> str | None:
    """``python3.13``, if it is more than a shim without a version behind it; else one that pyenv has."""
    candidates = ["python3.13"]
    if shutil.which("pyenv"):
        root = subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=False).stdout.strip()
        versions = sorted(Path(root, "versions").glob("3.13.*"), reverse=True)
        candidates += [str(version / "bin" / "python3.13") for version in versions]
    return next((candidate for candidate in candidates if _runs(candidate)), None)


def _runs(candidate: str) -> bool:
    try:
        shown = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return False
    return shown.returncode == 0 and shown.stdout.startswith("Python 3.13.")


def _make(base: str, python: Path) -> None:
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    subprocess.run([base, "-m", "venv", str(ENVIRONMENT)], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "-r", str(ROOT / "requirements.txt"), LIBRARY], check=True)


def _key() -> str:
    content = (ROOT / "requirements.txt").read_bytes() + LIBRARY.encode()
    return hashlib.sha256(content).hexdigest()[:16]
