"""What can go wrong: the app is not as it must be, or one of its functions failed."""

from __future__ import annotations


class AppError(Exception):
    """The app cannot be started: indexing failed, or a binding, schedule or setting is wrong."""


class InvocationError(Exception):
    """A function raised, or its result was none the worker can send back."""

    def __init__(self, function: str, error: str, trace: str) -> None:
        super().__init__(f"{function}: {error}")
        self.function = function
        self.error = error
        self.trace = trace
