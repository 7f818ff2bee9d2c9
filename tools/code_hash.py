"""What the code is, whatever its commit: two versions with the same hash behave alike."""

from __future__ import annotations

import hashlib
from pathlib import Path

ROOT = Path(__file__).parents[1]
SERVICE = ("function_app.py", "host.json", "requirements.txt", "shared")
"""All that runs in Azure."""


def hash_of(*names: str, root: Path = ROOT) -> str:
    """Of these files, and all in these folders."""
    digest = hashlib.sha256()
    for path in sorted(path for name in names for path in _files(root / name)):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    return [path for path in place.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
