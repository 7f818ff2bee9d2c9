"""One function of the app, with what its bindings say, as the real host learns it: from their JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from local.functions_host.errors import AppError

TIMER, QUEUE, HTTP = "timerTrigger", "serviceBusTrigger", "httpTrigger"


@dataclass(frozen=True)
class Function:
    """A function's name and its trigger's properties (camel case, as in function.json)."""

    name: str
    trigger: dict[str, Any]

    @property
    def kind(self) -> str:
        return str(self.trigger["type"])

    @property
    def parameter(self) -> str:
        """The name of the parameter that takes the trigger's data."""
        return str(self.trigger["name"])

    @property
    def methods(self) -> frozenset[str]:
        """The HTTP methods it takes; empty means all."""
        return frozenset(str(method).upper() for method in self.trigger.get("methods") or ())

    @staticmethod
    def from_raw_bindings(name: str, raw_bindings: Iterable[str]) -> Function:
        """Read the bindings; anything beyond one served trigger and HTTP's answer is refused."""
        bindings = [json.loads(raw) for raw in raw_bindings]
        triggers = [binding for binding in bindings if str(binding["type"]).endswith("Trigger")]
        others = [binding for binding in bindings if binding not in triggers]
        if len(triggers) != 1 or triggers[0]["type"] not in (TIMER, QUEUE, HTTP):
            raise AppError(f"{name}: one timer, Service Bus queue or HTTP trigger is needed")
        if any(binding["type"] != "http" for binding in others):
            raise AppError(f"{name}: only triggers and the HTTP answer are served here")
        _check_trigger(name, triggers[0])
        return Function(name, triggers[0])


def _check_trigger(name: str, trigger: dict[str, Any]) -> None:
    if trigger["type"] == QUEUE and "queueName" not in trigger:
        raise AppError(f"{name}: topics are not served here")
    if trigger["type"] == QUEUE and str(trigger.get("cardinality", "ONE")).upper() != "ONE":
        raise AppError(f"{name}: batches (cardinality many) are not served here")
    if trigger["type"] == HTTP and str(trigger.get("authLevel", "FUNCTION")).upper() != "ANONYMOUS":
        raise AppError(f"{name}: this host has no keys; the auth level must be ANONYMOUS")
