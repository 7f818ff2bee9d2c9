"""Calls the app's functions directly (Python 3.11 and 3.12), with the real trigger objects.

The trigger data is decoded and the answer encoded by the converters of ``azure-functions``, the ones
the worker uses. Of what the runtime library checks on 3.13 this way checks the parameters' names only,
not their types.
"""

from __future__ import annotations

import importlib
import inspect
import traceback
import uuid
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import azure.functions as func
from azure.functions import meta

from local.functions_host.errors import AppError, InvocationError
from local.functions_host.functions import HTTP, Function
from local.functions_host.invoker import as_http_answer
from local.functions_host.trigger_data import HttpAnswer, Trigger

UNTYPED: Any = meta  # the converters have no annotations
CONVERTERS = UNTYPED.get_binding_registry()


class DirectInvoker:
    """The functions of an imported ``function_app`` module."""

    def __init__(self, module: ModuleType) -> None:
        self.functions: list[Function] = []
        self._calls: dict[str, Callable[..., Any]] = {}
        for indexed in _find_app(module).get_functions():
            name = str(indexed.get_function_name())
            self.functions.append(Function.from_raw_bindings(name, indexed.get_raw_bindings()))
            self._calls[name] = indexed.get_user_function()
            _check_parameters(self.functions[-1], self._calls[name])

    @staticmethod
    def load() -> DirectInvoker:
        """Import ``function_app`` from the module path."""
        try:
            return DirectInvoker(importlib.import_module("function_app"))
        except Exception as error:
            raise AppError(str(error)) from error

    async def invoke(self, function: Function, trigger: Trigger) -> HttpAnswer | None:
        """Decode, call, encode."""
        try:
            result = await self._call(function, trigger)
            if function.kind != HTTP:
                _check_nothing(function, result)
                return None
            encode = CONVERTERS.get("http").encode
            return as_http_answer(None if result is None else encode(result, expected_type=None))
        except Exception as error:
            raise InvocationError(function.name, repr(error), traceback.format_exc()) from error

    async def _call(self, function: Function, trigger: Trigger) -> Any:
        decode = CONVERTERS.get(function.kind).decode
        data = trigger.datum(meta.Datum)
        arguments = {function.parameter: decode(data, trigger_metadata=trigger.metadata(meta.Datum))}
        call = self._calls[function.name]
        if "context" in inspect.signature(call).parameters:
            arguments["context"] = SimpleNamespace(
                invocation_id=str(uuid.uuid4()), function_name=function.name
            )
        result = call(**arguments)
        return await result if inspect.isawaitable(result) else result


def _find_app(module: ModuleType) -> func.FunctionApp:
    apps = [value for value in vars(module).values() if isinstance(value, func.FunctionApp)]
    if len(apps) != 1:
        raise ValueError(f"function_app.py must have exactly one FunctionApp, it has {len(apps)}")
    return apps[0]


def _check_parameters(function: Function, call: Callable[..., Any]) -> None:
    parameters = set(inspect.signature(call).parameters) - {"context"}
    if parameters != {function.parameter}:
        raise ValueError(f"{function.name} takes {sorted(parameters)}, its binding is '{function.parameter}'")


def _check_nothing(function: Function, result: Any) -> None:
    if result is not None:
        raise TypeError(f"{function.name} has no $return binding but returned a value")
