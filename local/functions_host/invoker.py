"""The seam between this host and the app: index the functions, call one of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from local.functions_host.functions import Function
from local.functions_host.trigger_data import HttpAnswer, Trigger


class Invoker(Protocol):
    """Two ways to run the app's code: through Microsoft's runtime library, or by direct call."""

    @property
    def functions(self) -> Sequence[Function]:
        """The app's functions as indexed."""

    async def invoke(self, function: Function, trigger: Trigger) -> HttpAnswer | None:
        """Run one function; raises `InvocationError`. Only an HTTP function has an answer."""


async def load_app(directory: Path) -> Invoker:
    """Index ``function_app.py`` in that directory, by the runtime library where it exists (3.13 on)."""
    sys.path.insert(0, str(directory))
    if sys.version_info >= (3, 13):
        from local.functions_host.library_invoker import LibraryInvoker

        return await LibraryInvoker.load(directory)
    from local.functions_host.direct_invoker import DirectInvoker

    return DirectInvoker.load()


def as_http_answer(datum: Any) -> HttpAnswer:
    """An HTTP function's result; no result at all is an empty 204, as the host sends it."""
    return HttpAnswer(204, (), b"") if datum is None else HttpAnswer.from_datum(datum)
