"""``host.json``: the part of it that this host obeys, with the real host's defaults."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from local.functions_host.errors import AppError

TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,7}))?")


@dataclass(frozen=True)
class ServiceBusOptions:
    """``extensions.serviceBus``: shared by all queue functions of the app."""

    max_concurrent_sessions: int = 8
    max_concurrent_calls: int = 16 * (os.cpu_count() or 1)
    session_idle_timeout: timedelta = timedelta(seconds=60)
    max_auto_lock_renewal: timedelta = timedelta(minutes=5)
    auto_complete: bool = True


@dataclass(frozen=True)
class HostOptions:
    """What ``host.json`` says."""

    route_prefix: str = "api"
    function_timeout: timedelta = timedelta(minutes=30)
    service_bus: ServiceBusOptions = ServiceBusOptions()


def parse_time_span(text: str) -> timedelta:
    """A .NET TimeSpan (``[d.]hh:mm:ss[.fffffff]``)."""
    match = TIME_SPAN.fullmatch(text)
    if match is None:
        raise AppError(f"'{text}' is no time span (hh:mm:ss)")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[:4])
    fraction = float(f"0.{match[5] or 0}")
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds + fraction)


def read_host_json(app_directory: Path) -> HostOptions:
    """The options of the app in that directory."""
    try:
        document = json.loads((app_directory / "host.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AppError(f"host.json cannot be read: {error}") from error
    if document.get("version") != "2.0":
        raise AppError('host.json must say "version": "2.0"')
    extensions = document.get("extensions", {})
    return HostOptions(
        route_prefix=str(extensions.get("http", {}).get("routePrefix", "api")).strip("/"),
        function_timeout=parse_time_span(document.get("functionTimeout", "00:30:00")),
        service_bus=_service_bus(extensions.get("serviceBus", {})),
    )


def _service_bus(section: dict[str, Any]) -> ServiceBusOptions:
    default = ServiceBusOptions()
    return ServiceBusOptions(
        max_concurrent_sessions=_count(section, "maxConcurrentSessions", default.max_concurrent_sessions),
        max_concurrent_calls=_count(section, "maxConcurrentCalls", default.max_concurrent_calls),
        session_idle_timeout=parse_time_span(section.get("sessionIdleTimeout", "00:01:00")),
        max_auto_lock_renewal=parse_time_span(section.get("maxAutoLockRenewalDuration", "00:05:00")),
        auto_complete=bool(section.get("autoCompleteMessages", default.auto_complete)),
    )


def _count(section: dict[str, Any], name: str, default: int) -> int:
    value = section.get(name, default)
    if not isinstance(value, int) or value < 1:
        raise AppError(f"extensions.serviceBus.{name} must be a whole number above 0")
    return value
