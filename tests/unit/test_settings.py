"""App settings: defaults, everything wrong at once, and what must stay on one machine."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from shared.settings import TABLE, AdminAuth, Role, Settings, SettingsError, is_loopback

AZURE = {
    "SYNC_ROLE": "worker",
    "ServiceBus__fullyQualifiedNamespace": "sb.servicebus.windows.net",
    "ServiceBus__credential": "managedidentity",
    "ServiceBus__clientId": "id",
    "STATE_TABLES__endpoint": "https://state.table.core.windows.net/",
    "DATAVERSE_URL": "https://org.crm4.dynamics.com/",
    "PUBLIC_BASE_URL": "https://app.azurewebsites.net",
}
LOCAL = {
    "ServiceBus": "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=x;SharedAccessKey=y;UseDevelopmentEmulator=true",
    "STATE_TABLES": "UseDevelopmentStorage=true",
    "GRAPH_BASE_URL": "http://127.0.0.1:2/v1.0",
    "DATAVERSE_URL": "http://localhost:3",
    "PUBLIC_BASE_URL": "http://[::1]:4",
    "DEVELOPMENT_TOKEN": "app",
    "CLOCK_OFFSET_FILE": "/x/clock",
    "ADMIN_AUTH": "loopback",
}


def problems(environment: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(environment)
    return caught.value.problems


def test_settings_of_azure_have_defaults() -> None:
    settings = Settings.from_environment(AZURE)
    assert settings.role is Role.WORKER
    assert settings.graph_base_url == "https://graph.microsoft.com/v1.0"
    assert settings.dataverse_url == "https://org.crm4.dynamics.com"
    assert settings.state_tables_endpoint == "https://state.table.core.windows.net"
    assert (settings.admin_auth, settings.history_days) == (AdminAuth.PLATFORM, 90)
    assert (settings.development_token, settings.clock_offset_file) == ("", None)


def test_settings_of_one_machine() -> None:
    settings = Settings.from_environment(LOCAL)
    assert settings.role is Role.ALL
    assert settings.development_token == "app"
    assert settings.clock_offset_file == Path("/x/clock")
    assert settings.admin_auth is AdminAuth.LOOPBACK


def test_every_field_is_in_the_table_once() -> None:
    assert sorted(each.field for each in TABLE) == sorted(field.name for field in fields(Settings))
    assert len({each.name for each in TABLE}) == len(TABLE)


def test_all_problems_are_told_at_once() -> None:
    found = problems(
        {
            "SYNC_ROLE": "boss",
            "DATAVERSE_URL": "org.crm4.dynamics.com",
            "GRAPH_BASE_URL": "http://graph.microsoft.com/v1.0",
            "HISTORY_DAYS": "0",
            "DUE_MAILBOXES_SCHEDULE": "* * * * *",
            "ADMIN_AUTH": "trust-me",
        }
    )
    assert found == [
        "SYNC_ROLE must be one of all, ingest, worker",
        "GRAPH_BASE_URL must be https (http is for loopback only)",
        "DATAVERSE_URL is not an http(s) URL",
        "ADMIN_AUTH must be one of platform, loopback",
        "HISTORY_DAYS is not a number of days between 1 and 3650",
        "DUE_MAILBOXES_SCHEDULE is not an NCRONTAB expression of six fields",
        "PUBLIC_BASE_URL is missing",
        "set either ServiceBus or ServiceBus__fullyQualifiedNamespace",
        "set either STATE_TABLES or STATE_TABLES__endpoint",
    ]


def test_ingest_needs_no_public_address_of_its_own() -> None:
    environment = {**AZURE, "SYNC_ROLE": "ingest", "PUBLIC_BASE_URL": ""}
    assert Settings.from_environment(environment).role is Role.INGEST


@pytest.mark.parametrize("name", ["GRAPH_BASE_URL", "DATAVERSE_URL", "PUBLIC_BASE_URL"])
def test_what_is_for_one_machine_is_refused_elsewhere(name: str) -> None:
    found = problems({**LOCAL, name: "https://elsewhere.example.com"})
    assert [each.split(" is ")[0] for each in found] == [
        "DEVELOPMENT_TOKEN",
        "CLOCK_OFFSET_FILE",
        "ADMIN_AUTH=loopback",
    ]
    assert all(name in each for each in found)


def test_a_path_or_query_in_the_organizations_address_is_refused() -> None:
    assert problems({**AZURE, "DATAVERSE_URL": "https://org.crm4.dynamics.com/api"})[0].endswith("no path")
    assert "bare URL" in problems({**AZURE, "DATAVERSE_URL": "https://a:b@org.crm4.dynamics.com"})[0]


def test_secrets_are_not_shown() -> None:
    settings = Settings.from_environment({**LOCAL, "DATAVERSE_WEBHOOK_KEY": "s3cret"})
    assert "s3cret" not in repr(settings)
    assert "SharedAccessKey" not in repr(settings)
    assert "localhost:3" in repr(settings)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:80/x", True),
        ("http://127.9.9.9", True),
        ("http://localhost", True),
        ("http://[::1]:80", True),
        ("https://127.0.0.1.example.com", False),
        ("https://localhost.example.com", False),
        ("https://graph.microsoft.com/127.0.0.1", False),
        ("https://127.0.0.1@example.com", False),
    ],
)
def test_loopback(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected
