"""Calls the app's functions through Microsoft's ``azure-functions-runtime`` (Python 3.13 on).

The library does what the worker does in Azure: it indexes the app, checks every binding against its
parameter's type, decodes, executes and encodes. It takes its protobuf messages injected; plain objects
do. ``native_invocation`` is its entry without protobuf. Both are internals, so the version is pinned.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as runtime
from azure_functions_runtime import handle_event, native_invocation
from azure_functions_runtime.bindings.datumdef import Datum

from local.functions_host.errors import AppError, InvocationError
from local.functions_host.functions import HTTP, Function
from local.functions_host.invoker import as_http_answer
from local.functions_host.trigger_data import HttpAnswer, Trigger


class Protos:
    """Stands in for the worker's protobuf module: the messages that indexing builds."""

    class BindingInfo(SimpleNamespace):
        undefined, in_, out, inout = 0, 0, 1, 2

    class StatusResult(SimpleNamespace):
        Failure, Success = 0, 1

    RpcFunctionMetadata = SimpleNamespace
    RpcException = SimpleNamespace
    RpcRetryOptions = SimpleNamespace
    WorkerInitResponse = SimpleNamespace
    WorkerMetadata = SimpleNamespace


class LibraryInvoker:
    """The functions that the library indexed. Its registry is global: one app per process."""

    def __init__(self, indexed: Sequence[Any]) -> None:
        self.functions = [Function.from_raw_bindings(entry.name, entry.raw_bindings) for entry in indexed]
        self._ids = {entry.name: entry.function_id for entry in indexed}

    @staticmethod
    async def load(directory: Path) -> LibraryInvoker:
        """Index the app as the worker does when it is started."""
        # The library logs each failure with its traceback too; this host reports it once.
        logging.getLogger("azure.functions").setLevel(logging.CRITICAL)
        runtime.start_threadpool_executor()
        init = SimpleNamespace(capabilities={}, function_app_directory=str(directory))
        request = SimpleNamespace(
            request=SimpleNamespace(worker_init_request=init),
            properties={"host": "127.0.0.1", "protos": Protos},
        )
        response = await runtime.worker_init_request(request)
        if response.result.status != Protos.StatusResult.Success:
            raise AppError(response.result.exception.message)
        return LibraryInvoker(handle_event._metadata_result or [])

    async def invoke(self, function: Function, trigger: Trigger) -> HttpAnswer | None:
        """Hand the data to the library; it decodes, calls and encodes."""
        inputs = [(function.parameter, trigger.datum(Datum))]
        succeeded, result, _outputs, error, trace = await native_invocation.invocation_request_native(
            str(uuid.uuid4()), self._ids[function.name], inputs, trigger.metadata(Datum)
        )
        if not succeeded:
            raise InvocationError(function.name, str(error), str(trace))
        return as_http_answer(result) if function.kind == HTTP else None
