"""The JSON of a ``RemoteExecutionContext``: what an asynchronous step posts about one change."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

from local.dataverse.records import Event
from local.dataverse.schema import OPTION_TYPES, Column
from local.dataverse.store import Row
from local.dataverse.values import formatted

LARGEST_MESSAGE = 256 * 1024
CONTRACTS = "http://schemas.microsoft.com/xrm/2011/Contracts"
NO_ID = "00000000-0000-0000-0000-000000000000"
STRIPPED = ("ParentContext", "InputParameters", "PreEntityImages", "PostEntityImages")


def execution_context(event: Event, organization: Row, now: datetime) -> dict[str, Any]:
    """``Target`` holds only the changed columns; of a deleted row only the reference is left."""
    row_id = event.row[event.table.primary_id]
    target = _reference(event.table.name, row_id) if event.message == "Delete" else _entity(event)
    correlation = str(uuid4())
    return {
        "BusinessUnitId": (event.row.get("owningbusinessunit") or [None, NO_ID])[1],
        "CorrelationId": correlation,
        "Depth": 1,
        "InitiatingUserId": event.caller.behind or event.caller.user,
        "InputParameters": [{"key": "Target", "value": target}],
        "IsExecutingOffline": False,
        "IsInTransaction": False,
        "IsOfflinePlayback": False,
        "IsolationMode": 1,
        "MessageName": event.message,
        "Mode": 1,
        "OperationCreatedOn": _date(now),
        "OperationId": str(uuid4()),
        "OrganizationId": organization["organizationid"],
        "OrganizationName": organization["name"],
        "OutputParameters": [{"key": "id", "value": row_id}] if event.message == "Create" else [],
        "OwningExtension": {"Id": NO_ID, "KeyAttributes": [], "LogicalName": "sdkmessageprocessingstep"},
        "ParentContext": None,
        "PostEntityImages": [],
        "PreEntityImages": [],
        "PrimaryEntityId": row_id,
        "PrimaryEntityName": event.table.name,
        "RequestId": correlation,
        "SecondaryEntityName": "none",
        "SharedVariables": [{"key": "tag", "value": event.caller.tag}] if event.caller.tag else [],
        "Stage": 40,
        "UserId": event.caller.user,
    }


def stripped(message: dict[str, Any]) -> dict[str, Any]:
    """The message without its large parts, as it is sent when it exceeds the size limit."""
    small: dict[str, Any] = {name: ([] if name != "ParentContext" else None) for name in STRIPPED}
    exceeded = [{"key": "MessageMaxSizeExceeded", "value": True}]
    return {**message, **small, "SharedVariables": [*message["SharedVariables"], *exceeded]}


def _entity(event: Event) -> dict[str, Any]:
    columns = [event.table.by_name[name] for name in event.changed]
    texts = ((column.name, formatted(column, event.changed[column.name])) for column in columns)
    return {
        "__type": f"Entity:{CONTRACTS}",
        "Attributes": [
            {"key": column.name, "value": _value(column, event.changed[column.name])} for column in columns
        ],
        "EntityState": None,
        "FormattedValues": [{"key": name, "value": text} for name, text in texts if text is not None],
        "Id": event.row[event.table.primary_id],
        "KeyAttributes": [],
        "LogicalName": event.table.name,
        "RelatedEntities": [],
        "RowVersion": str(event.row["versionnumber"]),
    }


def _value(column: Column, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, list):
        return _reference(value[0], value[1])
    if column.type in OPTION_TYPES:
        return {"__type": f"OptionSetValue:{CONTRACTS}", "Value": value}
    if column.type == "datetime":
        return _date(datetime.fromisoformat(value))
    return value


def _reference(table: str, row_id: str) -> dict[str, Any]:
    return {
        "__type": f"EntityReference:{CONTRACTS}",
        "Id": row_id,
        "KeyAttributes": [],
        "LogicalName": table,
        "Name": None,
        "RowVersion": None,
    }


def _date(moment: datetime) -> str:
    return f"/Date({int(moment.timestamp() * 1000)})/"
