"""What the rig asks of the functions host: which functions there are, and to run one now."""

from __future__ import annotations

from typing import Any

import httpx

from local.rig.directory import RigError

RUN_SECONDS = 660.0  # a little more than the app's function time-out


async def run_function(functions: str, name: str) -> None:
    """Run one function and wait for its end; its failure is an error here."""
    async with httpx.AsyncClient(base_url=functions, timeout=RUN_SECONDS, trust_env=False) as client:
        try:
            response = await client.post(f"/admin/functions/{name}")
        except httpx.TransportError as error:
            raise RigError(f"the functions host does not answer: {error!r}") from error
    if response.is_error:
        raise RigError(f"{name}: {response.json()['error']['message']}")


async def run_timer(functions: str, name: str) -> None:
    """Run one timer; another name is refused with the names there are."""
    timers = await timer_names(functions)
    if name not in timers:
        raise RigError(f"there is no timer '{name}'; there are: {', '.join(timers)}")
    await run_function(functions, name)


async def timer_names(functions: str) -> list[str]:
    async with httpx.AsyncClient(base_url=functions, timeout=30, trust_env=False) as client:
        try:
            listed: list[dict[str, Any]] = (await client.get("/admin/functions")).json()
        except httpx.TransportError as error:
            raise RigError(f"the functions host does not answer: {error!r}") from error
    kinds = {entry["name"]: entry["config"]["bindings"][0]["type"] for entry in listed}
    return sorted(name for name, kind in kinds.items() if kind == "timerTrigger")
