"""Every app setting, typed, with its default and meaning, as a table that docs and Bicep are checked by."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


class Role(StrEnum):
    """Which functions this deployment has. ``ingest`` is the public edge with the fewest rights."""

    ALL = "all"
    INGEST = "ingest"
    WORKER = "worker"


class AdminAuth(StrEnum):
    """Who vouches for the caller of the admin API: the platform in front of us, or the loopback interface."""

    PLATFORM = "platform"
    LOOPBACK = "loopback"


class SettingsError(ValueError):
    """All that is wrong with the app settings, at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("app settings: " + "; ".join(problems))
        self.problems = problems


def _text(value: str) -> str:
    return value


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is not an http(s) URL")
    if parts.query or parts.fragment or parts.username:
        raise ValueError("must be a bare URL, without query, fragment or user")
    if parts.scheme == "http" and not is_loopback(value):
        raise ValueError("must be https (http is for loopback only)")
    return value.rstrip("/")


def _host_url(value: str) -> str:
    url = _url(value)
    if urlsplit(url).path:
        raise ValueError("must have no path")
    return url


def _schedule(value: str) -> str:
    if len(value.split()) != 6:
        raise ValueError("is not an NCRONTAB expression of six fields")
    return value


def _days(value: str) -> int:
    if not value.isdigit() or not 1 <= int(value) <= 3650:
        raise ValueError("is not a number of days between 1 and 3650")
    return int(value)


def _minutes(value: str) -> int:
    if not value.isdigit() or not 1 <= int(value) <= 1440:
        raise ValueError("is not a number of minutes between 1 and 1440")
    return int(value)


def is_loopback(url: str) -> bool:
    """Whether a URL or ``host:port`` stays on this machine."""
    host = urlsplit(url if "://" in url else f"//{url}").hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Setting:
    """One app setting. ``field``: its attribute of ``Settings``; ``required_by``: the roles that cannot do
    without; ``default`` None = empty. ``local_only`` ones are refused in Azure; a secret is never printed."""

    name: str
    field: str
    meaning: str
    default: str | None = None
    parse: Callable[[str], Any] = _text
    required_by: frozenset[Role] = frozenset()
    secret: bool = False
    local_only: bool = False


_ANY = frozenset(Role)
_WORKER = frozenset({Role.ALL, Role.WORKER})

TABLE: tuple[Setting, ...] = (
    Setting("SYNC_ROLE", "role", "Which functions run here: all, ingest or worker", "all", Role),
    Setting("ServiceBus", "service_bus", "Service Bus connection string (local)", secret=True),
    Setting(
        "ServiceBus__fullyQualifiedNamespace",
        "service_bus_namespace",
        "Service Bus host name, reached with the managed identity",
    ),
    Setting(
        "ServiceBus__credential",
        "service_bus_credential",
        "How the trigger authenticates; read by the Functions host",
    ),
    Setting("ServiceBus__clientId", "client_id", "Client id of the user-assigned managed identity"),
    Setting("STATE_TABLES", "state_tables", "Table Storage connection string (local)", secret=True),
    Setting(
        "STATE_TABLES__endpoint",
        "state_tables_endpoint",
        "Table Storage endpoint, reached with the managed identity",
        parse=_host_url,
    ),
    Setting(
        "GRAPH_BASE_URL",
        "graph_base_url",
        "Microsoft Graph with its version",
        "https://graph.microsoft.com/v1.0",
        _url,
    ),
    Setting(
        "DATAVERSE_URL",
        "dataverse_url",
        "The Dynamics organization, without a path; its host name also names the feed's session",
        parse=_host_url,
        required_by=_ANY,
    ),
    Setting(
        "PUBLIC_BASE_URL",
        "public_base_url",
        "Where Graph reaches the notification functions",
        parse=_host_url,
        required_by=_WORKER,
    ),
    Setting(
        "DEVELOPMENT_TOKEN",
        "development_token",
        "Bearer token instead of a managed identity; loopback services only",
        secret=True,
        local_only=True,
    ),
    Setting(
        "CLOCK_OFFSET_FILE",
        "clock_offset_file",
        "File with the seconds by which the rig's clock is ahead",
        parse=Path,
        local_only=True,
    ),
    Setting(
        "ADMIN_AUTH",
        "admin_auth",
        "Who vouches for administrators: platform (Easy Auth) or loopback (local only)",
        "platform",
        AdminAuth,
    ),
    Setting(
        "DATAVERSE_WEBHOOK_KEY",
        "dataverse_webhook_key",
        "Secret that the Dataverse webhook sends; empty: the endpoint refuses all",
        secret=True,
    ),
    Setting("HISTORY_DAYS", "history_days", "How long the history is kept, in days", "90", _days),
    Setting(
        "SYSTEM_FILTERS_MINUTES",
        "system_filters_minutes",
        "How often the sync filters of the system are looked at, in minutes, once for the organization",
        "12",
        _minutes,
    ),
    Setting(
        "DUE_MAILBOXES_SCHEDULE",
        "due_mailboxes_schedule",
        "When due mailboxes are fanned out (NCRONTAB)",
        "0 * * * * *",
        _schedule,
    ),
    Setting(
        "DYNAMICS_FEED_SCHEDULE",
        "dynamics_feed_schedule",
        "When the Dynamics change feed is read without a push (NCRONTAB)",
        "15,45 * * * * *",
        _schedule,
    ),
    Setting(
        "RENEW_SUBSCRIPTIONS_SCHEDULE",
        "renew_subscriptions_schedule",
        "When subscriptions are renewed and missing ones made (NCRONTAB)",
        "0 */30 * * * *",
        _schedule,
    ),
    Setting(
        "WATCH_SCHEDULE",
        "watch_schedule",
        "When dead jobs are recorded, and alerts raised and cleared (NCRONTAB)",
        "20 */5 * * * *",
        _schedule,
    ),
)


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """The app settings of this process; see ``TABLE`` for what each means. An unset text is empty."""

    role: Role
    service_bus: str
    service_bus_namespace: str
    service_bus_credential: str
    client_id: str
    state_tables: str
    state_tables_endpoint: str
    graph_base_url: str
    dataverse_url: str
    public_base_url: str
    development_token: str
    clock_offset_file: Path | None
    admin_auth: AdminAuth
    dataverse_webhook_key: str
    history_days: int
    system_filters_minutes: int
    due_mailboxes_schedule: str
    dynamics_feed_schedule: str
    renew_subscriptions_schedule: str
    watch_schedule: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Raises SettingsError naming everything that is wrong."""
        problems: list[str] = []
        values = {each.field: _value(each, environment, problems) for each in TABLE}
        problems += _missing(values, environment)
        if not problems:
            problems += _not_local(values)
        if problems:
            raise SettingsError(problems)
        return cls(**values)

    def __repr__(self) -> str:
        """Without the secrets."""
        shown = (each for each in TABLE if not each.secret)
        return f"Settings({', '.join(f'{each.name}={getattr(self, each.field)}' for each in shown)})"


def _value(setting: Setting, environment: Mapping[str, str], problems: list[str]) -> Any:
    text = environment.get(setting.name, "").strip() or setting.default or ""
    if not text:
        return None if setting.parse is Path else ""
    try:
        return setting.parse(text)
    except ValueError as error:
        problems.append(f"{setting.name} {_reason(setting, error)}")
        return ""


def _reason(setting: Setting, error: ValueError) -> str:
    if isinstance(setting.parse, type) and issubclass(setting.parse, StrEnum):
        return f"must be one of {', '.join(setting.parse)}"
    return str(error)


def _missing(values: Mapping[str, Any], environment: Mapping[str, str]) -> list[str]:
    role = values["role"] or Role.ALL
    absent = (each for each in TABLE if not environment.get(each.name, "").strip())
    problems = [f"{each.name} is missing" for each in absent if role in each.required_by]
    for one, other in (
        ("service_bus", "service_bus_namespace"),
        ("state_tables", "state_tables_endpoint"),
    ):
        if bool(values[one]) == bool(values[other]):
            problems.append(f"set either {_name(one)} or {_name(other)}")
    return problems


def _not_local(values: Mapping[str, Any]) -> list[str]:
    """What is meant for one machine must not get anywhere else."""
    away = [
        _name(field)
        for field in ("graph_base_url", "dataverse_url", "public_base_url")
        if values[field] and not is_loopback(values[field])
    ]
    if not away:
        return []
    used = [each.name for each in TABLE if each.local_only and values[each.field]]
    if values["admin_auth"] is AdminAuth.LOOPBACK:
        used.append("ADMIN_AUTH=loopback")
    return [f"{name} is allowed on one machine only, but {', '.join(away)} is elsewhere" for name in used]


def _name(field: str) -> str:
    return next(each.name for each in TABLE if each.field == field)
