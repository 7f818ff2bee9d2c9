"""Runs functions for the triggers: the app's time-out, one log line per failure, a clean end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta

from local.functions_host.errors import InvocationError
from local.functions_host.functions import Function
from local.functions_host.invoker import Invoker
from local.functions_host.trigger_data import HttpAnswer, Trigger

log = logging.getLogger("functions_host")


class Invocations:
    """Every invocation of the app passes here."""

    def __init__(self, invoker: Invoker, timeout: timedelta) -> None:
        self._invoker = invoker
        self._timeout = timeout.total_seconds()
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def functions(self) -> Mapping[str, Function]:
        """The app's functions by name."""
        return {function.name: function for function in self._invoker.functions}

    async def run(self, function: Function, trigger: Trigger) -> HttpAnswer | None:
        """Run one function to its end; a failure is logged with its traceback and raised."""
        self._running += 1
        self._idle.clear()
        try:
            async with asyncio.timeout(self._timeout):
                return await self._invoker.invoke(function, trigger)
        except TimeoutError:
            log.error("%s was cancelled after the function time-out of %g s", function.name, self._timeout)
            raise InvocationError(function.name, "function time-out", "") from None
        except InvocationError as failure:
            log.error("%s failed: %s\n%s", function.name, failure.error, failure.trace)
            raise
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def finished(self, within: float) -> bool:
        """Wait until nothing runs any more; False when something still does."""
        try:
            async with asyncio.timeout(within):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True
