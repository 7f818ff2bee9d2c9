"""Builders: a contact's or task's two sides, its link and its surroundings, with one thing changed at a
time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shared.model.decision import Action, ActionKind, Decision
from shared.model.event import Stamps
from shared.model.link import Base, Link
from shared.model.party import RecordRef
from shared.model.personal import CONTACT, TASK, DynamicsRecord, ExchangeItem, kind_of
from shared.model.values import Side
from shared.rules import field_table
from shared.rules.personal import decide
from shared.rules.personal_situation import PersonalSituation
from shared.rules.situation import Context
from tests.rules.build import CATEGORY, MY_USER, ORGANIZATION, OTHER_USER, context

ROW = "77777777-7777-7777-7777-777777777777"
MINE = RecordRef("systemuser", MY_USER)
THEIRS = RecordRef("systemuser", OTHER_USER)
EMPTY: dict[str, Any] = {"address": {}, "name": {}, "list": [], "date": None, "regarding": None}
LINKED = Stamps(link_state=2.0, crm_id=ROW, org_id=ORGANIZATION)


def _blank(side: Side) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for row in field_table.of_entity(CONTACT):
        values[row.name] = EMPTY.get(row.kind, "")
        if row.kind == "list" and side is Side.DYNAMICS:
            values[row.name] = ""
    return values


MARY = {"name": {"givenName": "Mary", "surname": "Jones"}, "email1": "mary@fabrikam.example"}


def contact(**changes: Any) -> ExchangeItem:
    """A tracked contact of mine. Keyword arguments that name a field change its value; others the item."""
    values = {**_blank(Side.EXCHANGE), **MARY}
    fields = {name: changes.pop(name) for name in list(changes) if name in values}
    base = ExchangeItem(
        kind=CONTACT,
        id="contact-1",
        etag='W/"c1"',
        place="default",
        values={**values, **fields},
        categories=(CATEGORY,),
        stamps=Stamps(),
        display_name="Mary Jones",
    )
    return replace(base, **changes)


def contact_row(**changes: Any) -> DynamicsRecord:
    """Her row, which I own."""
    values = {**_blank(Side.DYNAMICS), **MARY, "status": [0, 1]}
    fields = {name: changes.pop(name) for name in list(changes) if name in values}
    base = DynamicsRecord(
        CONTACT, ROW, 'W/"100"', {**values, **fields}, owner=MINE, name=changes.pop("name_", "Mary Jones")
    )
    return replace(base, **changes)


def task(**changes: Any) -> ExchangeItem:
    values: dict[str, Any] = {
        "subject": "Call Mary",
        "notes": "",
        "importance": "normal",
        "status": "notStarted",
        "start": None,
        "due": "2026-03-04",
        "completed": None,
        "percent": None,
        "regarding": None,
    }
    fields = {name: changes.pop(name) for name in list(changes) if name in values}
    base = ExchangeItem(
        kind=TASK,
        id="task-1",
        etag='W/"t1"',
        place="list-1",
        values={**values, **fields},
        categories=(CATEGORY,),
        stamps=Stamps(),
    )
    return replace(base, **changes)


def task_row(**changes: Any) -> DynamicsRecord:
    values: dict[str, Any] = {
        "subject": "Call Mary",
        "notes": "",
        "importance": 1,
        "status": [0, 2],
        "start": None,
        "due": "2026-03-04T00:00:00Z",
        "completed": None,
        "percent": None,
        "regarding": None,
    }
    fields = {name: changes.pop(name) for name in list(changes) if name in values}
    base = DynamicsRecord(
        changes.pop("table", TASK), ROW, 'W/"100"', {**values, **fields}, owner=MINE, name="Call Mary"
    )
    return replace(base, **changes)


def linked(item: ExchangeItem, record: DynamicsRecord, **markers: Any) -> Link:
    """A link of the two as they were when both last agreed."""
    return Link(
        kind=kind_of(record.table),
        table=record.table,
        dynamics_id=record.id,
        exchange_id=item.id,
        exchange_etag=item.etag,
        dynamics_etag=record.etag,
        base=Base(dict(item.values), dict(record.values)),
        markers={
            "category": True,
            "stamp": 2.0,
            "owned": True,
            "inFilter": True,
            "place": item.place,
            **({"addresses": "one"} if item.kind == CONTACT else {}),
            **markers,
        },
    )


def pair(
    item: ExchangeItem | None = None, record: DynamicsRecord | None = None, **markers: Any
) -> PersonalSituation:
    """A linked contact in step; both sides may have changed since (pass what they show now)."""
    now_item, now_row = item or contact(stamps=LINKED), record or contact_row()
    is_task = now_item.kind == TASK or now_row.table != CONTACT
    if is_task and item is None:
        now_item = task(stamps=LINKED)
    if is_task and record is None:
        now_row = task_row()
    known = linked(task(stamps=LINKED), task_row(table=now_row.table), **markers) if is_task else None
    known = known or linked(contact(stamps=LINKED), contact_row(), **markers)
    return PersonalSituation(
        kind_of(now_row.table), link=known, item=now_item, record=now_row, in_filter=True
    )


def decided(situation: PersonalSituation, surroundings: Context | None = None) -> Decision:
    return decide(situation, surroundings or context())


def done(decision: Decision, kind: ActionKind, side: Side) -> Action | None:
    """The one action of this kind on that side, if there is one."""
    found = [action for action in decision.actions if action.kind is kind and action.side is side]
    assert len(found) <= 1
    return found[0] if found else None
