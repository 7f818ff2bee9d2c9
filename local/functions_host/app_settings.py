"""App settings as bindings name them: ``%NAME%`` in texts, and connections to Service Bus."""

from __future__ import annotations

import re
from collections.abc import Mapping

from local.functions_host.errors import AppError

NAMED = re.compile(r"%([^%]+)%")


def resolve(text: str, settings: Mapping[str, str]) -> str:
    """The text with every ``%NAME%`` replaced by the app setting of that name."""

    def value(match: re.Match[str]) -> str:
        try:
            return settings[match[1]]
        except KeyError:
            raise AppError(f"'%{match[1]}%' does not resolve to an app setting") from None

    return NAMED.sub(value, text)


def service_bus_connection(name: str, settings: Mapping[str, str]) -> str:
    """The connection string behind a binding's ``connection``; the prefixed name is Azure's fallback."""
    for candidate in (name, f"AzureWebJobs{name}"):
        if settings.get(candidate):
            return settings[candidate]
    raise AppError(
        f"the Service Bus connection '{name}' is not an app setting (a connection string; "
        "identity connections work in Azure only)"
    )
