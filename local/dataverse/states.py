"""State and status reason: which pairs are allowed and what follows from giving only one."""

from __future__ import annotations

from local.dataverse.errors import refuse
from local.dataverse.payload import Changes
from local.dataverse.schema import Table
from local.dataverse.store import Row


def on_create(table: Table, changes: Changes, row_id: str) -> Row:
    """A row starts open, but where its table lets the creator choose. Asking for another state, or a
    status reason of one, is refused here: the real service ignores or refuses it depending on the
    table, so nobody may rely on either."""
    if "statecode" not in table.by_name:
        return {}
    state = changes.state or 0
    status = changes.values.get("statuscode")
    if status is None:
        status = table.state_defaults[state]
    _check(table, state, status, row_id)
    if state and not table.by_name["statecode"].create:
        raise _invalid(table, state, status, row_id)
    return {"statecode": state, "statuscode": status}


def on_update(table: Table, changes: Changes, before: Row) -> Row:
    """The pair after an update: a state alone brings its default reason, a reason must fit the state."""
    status = changes.values.get("statuscode")
    if "statecode" not in table.by_name or (changes.state is None and status is None):
        return {}
    state = before["statecode"] if changes.state is None else changes.state
    if status is None:
        status = table.state_defaults[state]
    _check(table, state, status, before[table.primary_id])
    return {"statecode": state, "statuscode": status}


def on_closing(table: Table, values: Row, before: Row, now: str) -> Row:
    """When it was done, where nobody said so; reopening leaves what is there."""
    column = table.closed_column
    if column is None or before["statecode"] != 0 or values.get("statecode", 0) == 0:
        return {}
    known = values.get(column) if column in values else before.get(column)
    return {} if known else {column: now}


def _check(table: Table, state: int, status: int, row_id: str) -> None:
    reason = next(option for option in table.by_name["statuscode"].options if option.value == status)
    if reason.state != state:
        raise _invalid(table, state, status, row_id)


def _invalid(table: Table, state: int, status: int, row_id: str) -> Exception:
    label = table.by_name["statecode"].label(state)
    return refuse(
        "InvalidStatusForState", status=status, state=label, table=table.label.replace(" ", ""), id=row_id
    )
