"""``python -m tools.state_backup export|restore FILE``: all state tables as one file, and back.

    python -m tools.state_backup export state.jsonl.gz --endpoint https://<account>.table.core.windows.net
    python -m tools.state_backup restore state.jsonl.gz --endpoint … [--replace]

You need Storage Table Data Reader (to export) or Contributor (to restore) on the state account, and the
worker stopped (docs/operations.md). The file holds what people wrote (the history's before-images): keep it
as safe as the account. Restoring into tables with rows is refused without --replace, which empties them.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import sys
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.data.tables import EdmType, EntityProperty, TableServiceClient

from shared.store.tables import NAMES

HISTORY = "history"
BATCH = 100
Row = dict[str, Any]


def connect(endpoint: str, connection_string: str) -> TableServiceClient:
    if connection_string:
        return TableServiceClient.from_connection_string(connection_string)
    from azure.identity import DefaultAzureCredential

    return TableServiceClient(endpoint, credential=DefaultAzureCredential())


def state_tables(service: TableServiceClient, prefix: str = "") -> list[str]:
    """Ours, the months of the history included; nothing else that may lie in the account."""
    names = [
        table.name.removeprefix(prefix) for table in service.list_tables() if table.name.startswith(prefix)
    ]
    months = [name for name in names if name.startswith(HISTORY) and name.removeprefix(HISTORY).isdigit()]
    return sorted([*months, *(name for name in names if name in NAMES)])


# --- rows as text ---------------------------------------------------------------------------------


def encode(value: Any) -> Any:
    """JSON with the type where JSON has none."""
    if isinstance(value, EntityProperty):
        return {"t": EdmType(value.edm_type).value, "v": str(value.value)}
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int | float):
        return {"t": "Edm.Int32" if isinstance(value, int) else "Edm.Double", "v": str(value)}
    if isinstance(value, bytes):
        return {"t": "Edm.Binary", "v": base64.b64encode(value).decode()}
    if isinstance(value, datetime):
        return {"t": "Edm.DateTime", "v": value.isoformat()}
    if isinstance(value, uuid.UUID):
        return {"t": "Edm.Guid", "v": str(value)}
    raise TypeError(f"a column of type {type(value).__name__} is not understood")


def decode(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    kind, text = value["t"], value["v"]
    readers: dict[str, Any] = {
        "Edm.Int32": int,
        "Edm.Int64": lambda number: EntityProperty(int(number), EdmType.INT64),
        "Edm.Double": float,
        "Edm.Binary": base64.b64decode,
        "Edm.DateTime": datetime.fromisoformat,
        "Edm.Guid": uuid.UUID,
    }
    return readers[kind](text)


# --- export and restore ---------------------------------------------------------------------------


def export(service: TableServiceClient, file: Path, prefix: str = "") -> dict[str, int]:
    """How many rows of which table."""
    counts: dict[str, int] = {}
    with gzip.open(file, "wt", encoding="utf-8") as out:
        for name in state_tables(service, prefix):
            counts[name] = 0
            for entity in service.get_table_client(prefix + name).list_entities():
                row = {key: encode(value) for key, value in entity.items()}
                out.write(json.dumps({"table": name, "row": row}) + "\n")
                counts[name] += 1
    return counts


def restore(service: TableServiceClient, file: Path, prefix: str = "", *, replace: bool) -> dict[str, int]:
    full = [name for name in state_tables(service, prefix) if _has_rows(service, prefix + name)]
    if full and not replace:
        sys.exit(f"these tables hold rows: {', '.join(full)}; say --replace to empty them first")
    for name in full:
        _empty(service, prefix + name)
    counts: dict[str, int] = {}
    for name, rows in groupby(_rows(file), key=lambda each: each[0]):
        _create(service, prefix + name)
        counts[name] = _write(service, prefix + name, (row for _, row in rows))
    return counts


def _rows(file: Path) -> Iterator[tuple[str, Row]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            found = json.loads(line)
            yield found["table"], {key: decode(value) for key, value in found["row"].items()}


def _write(service: TableServiceClient, table: str, rows: Iterable[Row]) -> int:
    """In transactions of one partition; an export is sorted by it."""
    client, count = service.get_table_client(table), 0
    for _, partition in groupby(rows, key=lambda row: row["PartitionKey"]):
        batch: list[Row] = []
        for row in partition:
            batch.append(row)
            if len(batch) == BATCH:
                count += _submit(client, batch)
        count += _submit(client, batch)
    return count


def _submit(client: Any, batch: list[Row]) -> int:
    """One by one when the transaction is too large as a whole (4 MiB)."""
    size, number = sum(len(json.dumps(row, default=str)) for row in batch), len(batch)
    if size < 3_000_000 and batch:
        client.submit_transaction([("upsert", row, {"mode": "replace"}) for row in batch])
    else:
        for row in batch:
            client.upsert_entity(row, mode="replace")
    batch.clear()
    return number


def _has_rows(service: TableServiceClient, table: str) -> bool:
    return any(True for _ in service.get_table_client(table).list_entities(results_per_page=1))


def _empty(service: TableServiceClient, table: str) -> None:
    client = service.get_table_client(table)
    for entity in client.list_entities(select=["PartitionKey", "RowKey"]):
        client.delete_entity(entity["PartitionKey"], entity["RowKey"])


def _create(service: TableServiceClient, table: str) -> None:
    try:
        service.create_table(table)
    except ResourceExistsError:
        return


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.state_backup", description=__doc__)
    parser.add_argument("what", choices=["export", "restore"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--endpoint", default="", help="https://<state account>.table.core.windows.net")
    parser.add_argument("--connection-string", default="", help="of a local emulator")
    parser.add_argument("--replace", action="store_true")
    options = parser.parse_args()
    service = connect(options.endpoint, options.connection_string)
    if options.what == "export":
        counts = export(service, options.file)
    else:
        counts = restore(service, options.file, replace=options.replace)
    for name, count in counts.items():
        print(f"{count:8} rows  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
