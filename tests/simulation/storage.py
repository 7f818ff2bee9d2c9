"""Between the stores and their tables on a bad day: each request may be slow, be refused, lose its answer,
be made twice by the client, or take effect when nobody waits for it any more."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from azure.core.exceptions import HttpResponseError, ServiceResponseError
from azure.data.tables import TableErrorCode

from tests.doubles.table_service import Act, TableRequest
from tests.simulation.faults import Chance, Killed
from tests.simulation.workers import in_worker, outside

LATE = 5.0
"""Seconds after which at most a request that nobody waits for is done."""


class DisturbedStorage:
    """The wire of a ``TableService``: a store's method that makes several requests may be cut at any."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance

    async def __call__(self, request: TableRequest, act: Act) -> Any:
        chance, rate = self._chance, self._chance.rates.storage
        await asyncio.sleep(chance.seconds("storage", 0.001, 0.01))
        self._kill(request, "before")
        if chance.of_hundred("storage refuses", rate / 2):
            raise _busy()
        if chance.of_hundred("storage slow", rate / 4):
            await asyncio.sleep(chance.seconds("slow storage", 1, 20))
        if not request.writes:
            return act()
        if chance.of_hundred("storage late", rate / 8):
            self._later(act)
            raise ServiceResponseError("the connection was closed")
        if chance.of_hundred("storage asked twice", rate / 4):
            # The client repeats what was answered with 500, 503 or 504, whether it was done or not.
            with suppress(HttpResponseError):
                act()
        answer = act()
        await asyncio.sleep(chance.seconds("storage's answer", 0.001, 0.005))
        self._kill(request, "after")
        if chance.of_hundred("storage's answer lost", rate / 2):
            raise ServiceResponseError("the connection was closed")
        return answer

    def _kill(self, request: TableRequest, when: str) -> None:
        rate = self._chance.rates.kill * (1 if request.writes else 0.3)
        if in_worker() and self._chance.of_hundred("kill at storage", rate):
            raise Killed(f"{when} {request.kind} in {request.table}")

    def _later(self, act: Act) -> None:
        def done() -> None:
            with suppress(HttpResponseError):
                act()

        seconds = self._chance.seconds("late storage", 0.01, LATE)
        asyncio.get_running_loop().call_later(seconds, done, context=outside())


def _busy() -> HttpResponseError:
    error = HttpResponseError(message="ServerBusy\nErrorCode:ServerBusy")
    error.status_code = 503
    error.error_code = TableErrorCode.SERVER_BUSY  # type: ignore[attr-defined]
    return error
