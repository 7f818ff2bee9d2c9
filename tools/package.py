"""``python -m tools.package``: the artefact that is deployed: app and packages for Linux x64, built here.

    python -m tools.package --folder build/app            # what azd uploads
    python -m tools.package --zip build/app.zip           # what az functionapp deployment takes

Run it with the Python that the apps have (3.13), so that compiled modules fit and start faster. Nothing is
built in Azure: wheels only, for the platform that is asked for. Of msgraph-sdk only the request builders that
the service uses are taken; the rest is 350 MB of models and of other workloads.
"""

from __future__ import annotations

import argparse
import compileall
import hashlib
import py_compile
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
APP = ("function_app.py", "host.json", "requirements.txt")
CODE = "shared"
PACKAGES = Path(".python_packages") / "lib" / "site-packages"
PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64")
BUILT_OF = ".built-of"
LIMIT_MB = 120
"""More than this means that something big came along; look what it is before raising it."""

GENERATED = Path("msgraph") / "generated"
# What is taken of the generated builders: folders with their own files (deep: with everything below).
KEPT_SHALLOW = (".", "users", "users/item")
KEPT_DEEP = (
    "subscriptions",
    "users/item/calendar",
    "users/item/calendar_view",
    "users/item/calendars",
    "users/item/contact_folders",
    "users/item/contacts",
    "users/item/events",
    "users/item/mail_folders",
    "users/item/mailbox_settings",
    "users/item/messages",
    "users/item/outlook",
    "users/item/send_mail",
    "users/item/todo",
)
_MARKER = re.compile(r'python_version (<|>=) "(\d+\.\d+)"')
NOT_NEEDED = ("kiota-dom-export.txt", "kiota-lock.json")


def is_kept(generated_file: Path) -> bool:
    """Whether a file of ``msgraph/generated`` (relative to it) is taken."""
    if generated_file.name in NOT_NEEDED:
        return False
    folder = generated_file.parent.as_posix()
    return folder in KEPT_SHALLOW or any(
        folder == deep or folder.startswith(deep + "/") for deep in KEPT_DEEP
    )


def prune(site_packages: Path) -> None:
    """Remove what is never imported; empty folders go too."""
    generated = site_packages / GENERATED
    for path in sorted(generated.rglob("*"), reverse=True):
        if path.is_file() and not is_kept(path.relative_to(generated)):
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    shutil.rmtree(site_packages / "bin", ignore_errors=True)
    for record in site_packages.glob("*.dist-info/RECORD"):
        record.unlink()  # lists what pip installed: for uninstalling only


def requirements_for(python: str) -> list[str]:
    """pip reads markers with the Python that runs it, so they are read here, for the one that is wanted."""
    found = []
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        requirement, _, marker = line.partition("#")[0].partition(";")
        if requirement.strip() and (not marker.strip() or _holds(marker.strip(), python)):
            found.append(requirement.strip())
    return found


def _holds(marker: str, python: str) -> bool:
    found = _MARKER.fullmatch(marker)
    if found is None:
        sys.exit(f"requirements.txt has a marker that is not understood here: {marker}")
    version, limit = (tuple(map(int, text.split("."))) for text in (python, found[2]))
    return version < limit if found[1] == "<" else version >= limit


def fingerprint(python: str) -> str:
    """Of all that goes into the artefact."""
    digest = hashlib.sha256(f"{python} {sys.version_info[:2]}".encode())
    files = [*(ROOT / name for name in APP), Path(__file__), *sorted((ROOT / CODE).rglob("*"))]
    for path in files:
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def build(folder: Path, python: str) -> None:
    """Everything that the apps need, in one folder; nothing is done when it is there already."""
    stamp, wanted = folder / BUILT_OF, fingerprint(python)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in APP:
        shutil.copy2(ROOT / name, folder / name)
    shutil.copytree(ROOT / CODE, folder / CODE, ignore=shutil.ignore_patterns("__pycache__"))
    _install(folder / PACKAGES, python)
    prune(folder / PACKAGES)
    if python == f"{sys.version_info.major}.{sys.version_info.minor}":
        _compile(folder)
    stamp.write_text(wanted, encoding="utf-8")


def _install(target: Path, python: str) -> None:
    platforms = [part for platform in PLATFORMS for part in ("--platform", platform)]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    only = ["--no-compile", "--only-binary=:all:", "--implementation", "cp", "--python-version", python]
    subprocess.run(
        [*command, "--target", str(target), *only, *platforms, *requirements_for(python)], check=True
    )


def _compile(folder: Path) -> None:
    """The package is read-only in Azure: without this each cold start compiles anew. Not checked against the
    sources, because unpacking changes the times."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    if not compileall.compile_dir(folder, quiet=1, invalidation_mode=mode, workers=0):
        sys.exit("some modules do not compile")


def pack(folder: Path, file: Path) -> None:
    """The same content gives the same file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), (2026, 1, 1, 0, 0, 0))
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                archive.writestr(entry, path.read_bytes())


def sizes(folder: Path) -> Iterator[tuple[str, float]]:
    """The largest packages, in MB."""
    parts = sorted((folder / PACKAGES).iterdir())
    megabytes = {path.name: _bytes(path) / 1e6 for path in parts}
    yield from sorted(megabytes.items(), key=lambda each: -each[1])[:8]


def _bytes(path: Path) -> int:
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(each.stat().st_size for each in files)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.package", description=__doc__)
    parser.add_argument("--folder", type=Path, help="where the artefact is laid out")
    parser.add_argument("--zip", type=Path, help="and packed")
    parser.add_argument("--python", default="3.13", help="the apps' Python (pythonVersion of the template)")
    options = parser.parse_args()
    if not options.folder and not options.zip:
        parser.error("say --folder or --zip")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary) / "app"
        build(folder, options.python)
        total = _bytes(folder) / 1e6
        print(f"{total:.0f} MB for Python {options.python}; the largest packages:")
        for name, megabytes in sizes(folder):
            print(f"  {megabytes:6.1f} MB  {name}")
        if options.zip:
            pack(folder, options.zip)
            print(f"{options.zip}: {options.zip.stat().st_size / 1e6:.0f} MB")
    if total > LIMIT_MB:
        print(f"that is more than {LIMIT_MB} MB", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
