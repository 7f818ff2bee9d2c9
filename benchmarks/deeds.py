"""What people of a simulated world do to their items, on either side, in the fewest requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.wire.people import CATEGORY, Person

Json = dict[str, Any]
EXCHANGE, DYNAMICS = "Exchange", "Dynamics"
SIDES = (EXCHANGE, DYNAMICS)


@dataclass(frozen=True)
class Kind:
    """``name`` is Exchange's word, ``link`` that of the links; ``title`` and ``column`` hold the item's
    name."""

    name: str
    link: str
    entity_set: str
    title: str
    column: str


EVENT = Kind("event", "appointment", "appointments", "subject", "subject")
CONTACT = Kind("contact", "contact", "contacts", "surname", "lastname")
TASK = Kind("task", "task", "tasks", "title", "subject")
KINDS = (EVENT, CONTACT, TASK)


async def make(person: Person, kind: Kind, side: str, name: str, now: datetime) -> None:
    if side == DYNAMICS:
        await person.make(kind.entity_set, **_columns(person, kind, name, now))
    else:
        body = {"categories": [CATEGORY], kind.title: name, **(_times(now) if kind is EVENT else {})}
        await person.graph("POST", await _folder(person, kind), body)


async def edit(person: Person, kind: Kind, side: str, ids: tuple[str, str], name: str) -> None:
    """``ids``: the item's and the row's."""
    if side == DYNAMICS:
        await person.edit(kind.entity_set, ids[1], **{kind.column: name})
    else:
        await person.graph("PATCH", f"{await _folder(person, kind)}/{ids[0]}", {kind.title: name})


async def delete(person: Person, kind: Kind, side: str, ids: tuple[str, str]) -> None:
    if side == DYNAMICS:
        await person.delete(kind.entity_set, ids[1])
    else:
        await person.graph("DELETE", f"{await _folder(person, kind)}/{ids[0]}")


async def linked(person: Person, kind: Kind) -> list[tuple[str, str]]:
    """Item and row of each link that holds, the newest last."""
    links = [link for link in await person.links(kind.link) if link.linked and link.exchange_id]
    return [(str(link.exchange_id), link.dynamics_id) for link in links]


async def _folder(person: Person, kind: Kind) -> str:
    return f"todo/lists/{await person.default_list()}/tasks" if kind is TASK else f"{kind.name}s"


def _columns(person: Person, kind: Kind, name: str, now: datetime) -> Json:
    if kind is CONTACT:
        return {kind.column: name, "firstname": "Kim"}
    if kind is TASK:
        return {kind.column: name, "scheduledend": _text(_soon(now))}
    user = f"/systemusers({person.user})"
    return {
        kind.column: name,
        "scheduledstart": _text(_soon(now)),
        "scheduledend": _text(_soon(now) + timedelta(hours=1)),
        "appointment_activity_parties": [{"participationtypemask": 7, "partyid_systemuser@odata.bind": user}],
    }


def _times(now: datetime) -> Json:
    edges = (("start", _soon(now)), ("end", _soon(now) + timedelta(hours=1)))
    return {name: {"dateTime": f"{at:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"} for name, at in edges}


def _soon(now: datetime) -> datetime:
    return (now + timedelta(days=3)).replace(minute=0, second=0, microsecond=0)


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
