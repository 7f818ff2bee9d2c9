"""The state as a file and back: every type of column, every table, and a service that goes on from there."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from azure.data.tables import EdmType, EntityProperty, TableServiceClient

from shared.model.mailbox import Mailbox
from shared.store.registry import TableMailboxRegistry
from shared.store.tables import Tables
from tests.wire.road import Road, running_road
from tools import state_backup


@pytest.fixture
def service(azurite: str) -> TableServiceClient:
    return TableServiceClient.from_connection_string(azurite)


@pytest.fixture
def prefix() -> str:
    return f"b{uuid.uuid4().hex[:12]}"


async def test_all_types_and_tables_come_back_as_they_were(
    service: TableServiceClient, azurite: str, prefix: str, tmp_path: Path
) -> None:
    async with Tables(azurite, prefix=prefix) as tables:
        await tables.ensure()
        await tables.create("history202612")
        registry = TableMailboxRegistry(tables)
        await registry.add(Mailbox("m-1", "ann@contoso.example", "u-1"))
    row = {
        "PartitionKey": "p",
        "RowKey": "r",
        "text": "Ünï 🙂",
        "yes": True,
        "number": 7,
        "large": EntityProperty(2**40, EdmType.INT64),
        "half": 0.5,
        "bytes": b"\x00\xff",
        "at": datetime(2026, 12, 1, 8, 30, tzinfo=UTC),
        "id": uuid.uuid4(),
    }
    client = service.get_table_client(prefix + "state")
    client.upsert_entity(row)
    for number in range(230):
        client.upsert_entity({"PartitionKey": "q", "RowKey": f"{number:04d}", "v": "x" * 1000})
    file = tmp_path / "state.jsonl.gz"
    counts = state_backup.export(service, file, prefix)
    assert counts["state"] == 231
    assert counts["history202612"] == 0
    other = f"c{uuid.uuid4().hex[:12]}"
    restored = state_backup.restore(service, file, other, replace=False)
    assert restored == {name: count for name, count in counts.items() if count}
    back = dict(service.get_table_client(other + "state").get_entity("p", "r"))
    assert back == row
    async with Tables(azurite, prefix=other) as tables:
        found = await TableMailboxRegistry(tables).get("m-1")
    assert found is not None
    assert found.address == "ann@contoso.example"


def test_tables_with_rows_are_not_written_over_unasked(
    service: TableServiceClient, prefix: str, tmp_path: Path
) -> None:
    service.create_table(prefix + "state")
    client = service.get_table_client(prefix + "state")
    client.upsert_entity({"PartitionKey": "p", "RowKey": "old"})
    file = tmp_path / "state.jsonl.gz"
    state_backup.export(service, file, prefix)
    client.upsert_entity({"PartitionKey": "p", "RowKey": "newer"})
    with pytest.raises(SystemExit, match="hold rows"):
        state_backup.restore(service, file, prefix, replace=False)
    state_backup.restore(service, file, prefix, replace=True)
    assert [row["RowKey"] for row in client.list_entities()] == ["old"]


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    with running_road(tmp_path_factory.mktemp("restore") / "rig") as started:
        yield started


def test_an_older_state_makes_no_duplicates_and_mails_nobody(road: Road, tmp_path: Path) -> None:
    """Restored state is behind: what was synced since the backup is recognised, not made again."""
    ann = road.person("ann")
    guest = road.outsider()
    road.add_event(ann, guest, subject="Before the backup")
    road.settle()
    file = tmp_path / "state.jsonl.gz"
    service = TableServiceClient.from_connection_string(str(road.endpoints["table_storage"]))
    state_backup.export(service, file)
    later = road.add_event(ann, subject="After the backup")
    road.settle()
    road.edit_event(ann, later, subject="After the backup, changed")
    road.settle()
    road.outbox()
    road.local("kill", "functions")
    state_backup.restore(service, file, replace=True)
    road.local("start", "functions")
    road.admin("POST", f"/mailboxes/{ann.mailbox}/sync")
    road.settle()
    assert len(road.appointments(ann)) == len(road.events(ann)) == 2
    assert {row["subject"] for row in road.appointments(ann)} == {
        "Before the backup",
        "After the backup, changed",
    }
    assert road.outbox() == []
