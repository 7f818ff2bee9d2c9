"""The app's clock and its credential."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.clock import clock
from shared.credentials import DevelopmentCredential, credential
from shared.settings import Settings
from tests.unit.test_settings import AZURE, LOCAL


def test_without_a_file_it_is_now() -> None:
    assert abs(clock()() - datetime.now(UTC)) < timedelta(seconds=5)


def test_the_clock_follows_its_file(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    now = clock(file)
    assert abs(now() - datetime.now(UTC)) < timedelta(seconds=5)
    for written_at, seconds in enumerate((3600, 7200), start=1):
        file.write_text(str(seconds))
        os.utime(file, ns=(written_at, written_at))
        assert abs(now() - datetime.now(UTC) - timedelta(seconds=seconds)) < timedelta(seconds=5)
    file.unlink()
    assert abs(now() - datetime.now(UTC)) < timedelta(seconds=5)


async def test_on_one_machine_the_token_is_the_one_set() -> None:
    async with credential(Settings.from_environment(LOCAL)) as found:
        assert (await found.get_token("https://graph.microsoft.com/.default")).token == "app"


async def test_in_azure_it_is_the_managed_identity_of_that_client_id() -> None:
    async with credential(Settings.from_environment(AZURE)) as found:
        assert type(found).__name__ == "ManagedIdentityCredential"
    async with credential(Settings.from_environment({**AZURE, "ServiceBus__clientId": ""})) as found:
        assert type(found).__name__ == "DefaultAzureCredential"
        assert not isinstance(found, DevelopmentCredential)
