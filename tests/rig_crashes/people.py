"""People who edit on both sides while parts of the rig die, and remember what they did: all that the oracle
knows. A deed whose answer never came may have happened or not; nobody repeats it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from random import Random
from typing import Any

import httpx
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient

from local.rig.azurite import connection_string
from local.rig.directory import RigDirectory
from local.rig.record import running_record
from shared.model.link import LinkState
from shared.store.chunks import text_of as text_of_chunks
from shared.store.link_rows import index_key, link_key, name_of
from tests.wire.road import Json, Person, Road, address_party, text_of
from tests.wire.road_personal import Desk
from tests.wire.road_series import Team, weekly, weekly_columns

EXCHANGE, DYNAMICS = SIDES = ("exchange", "dynamics")
WEEKS = 4
STATE_TABLE = "state"


class Kind(StrEnum):
    EVENT = "event"
    MEETING = "meeting"
    SERIES = "series"
    CONTACT = "contact"
    TASK = "task"

    @property
    def is_event(self) -> bool:
        return self in (Kind.EVENT, Kind.MEETING, Kind.SERIES)


@dataclass(frozen=True)
class Place:
    """Where a field of ours stands: a path in Exchange, a column in Dynamics."""

    exchange: tuple[str, ...]
    dynamics: str


_OF_EVENTS = {
    "words": Place(("subject",), "subject"),
    "place": Place(("location", "displayName"), "location"),
}
FIELDS = {
    **dict.fromkeys((Kind.EVENT, Kind.MEETING, Kind.SERIES), _OF_EVENTS),
    Kind.CONTACT: {"words": Place(("surname",), "lastname"), "job": Place(("jobTitle",), "jobtitle")},
    Kind.TASK: {"words": Place(("title",), "subject"), "text": Place(("body", "content"), "description")},
}
SETS = {
    Kind.EVENT: ("appointments", "activityid"),
    Kind.MEETING: ("appointments", "activityid"),
    Kind.SERIES: ("recurringappointmentmasters", "activityid"),
    Kind.CONTACT: ("contacts", "contactid"),
    Kind.TASK: ("tasks", "activityid"),
}


class RefusedError(Exception):
    """A service said no."""


@dataclass
class CrashRoad(Road):
    """A refusal is an answer here, and no failure of the test."""

    def ask(self, method: str, url: str, body: Any = None, *, ok: Sequence[int] = (), **more: Any) -> Any:
        answer = self.http.request(method, url, json=body, **more)
        if answer.status_code not in ok and not answer.is_success:
            raise RefusedError(f"{method} {url}: {answer.status_code} {answer.text[:300]}")
        return answer.json() if answer.content else None


@dataclass(frozen=True)
class Edit:
    """``seen``: what stood there when the person wrote over it. ``sure``: an answer came."""

    side: str
    field: str
    value: str
    seen: str
    sure: bool = True


@dataclass
class Item:
    """What somebody made. ``sure``: an answer came. ``mails``: after how many deeds a guest may get one."""

    mark: str
    kind: Kind
    owner: Person
    born: str
    day: date
    guest: str = ""
    sure: bool = True
    edits: list[Edit] = field(default_factory=list)
    deleted: dict[str, bool] = field(default_factory=dict)
    """Where, and whether an answer came."""
    unmade: bool = False
    """Deleted on the side where it was not born, before the pass that had made it there was over."""
    days: int = 0
    """Deeds about one day of a series: Exchange mails about each such day apart from the series."""
    touched: int = 0
    """Deeds of which the guest is told; of a series for it and for each such day."""
    cut: int = 0
    """How often the guest may be told that something does not take place."""

    def unseen(self, name: str) -> list[Edit]:
        """The edits of a field that surely happened, and that nobody saw and then wrote over."""
        edits = [edit for edit in self.edits if edit.field == name]
        seen = {edit.seen for edit in edits}
        return [edit for edit in edits if edit.sure and edit.value not in seen]


@dataclass
class People:
    """``story``: what they did, in order."""

    road: CrashRoad
    random: Random
    everybody: Sequence[Person]
    tell: Callable[[str], None]
    items: list[Item] = field(default_factory=list)
    _serial: int = 0

    # --- one deed ---------------------------------------------------------------------------------

    def act(self) -> None:
        """Whatever comes to somebody's mind."""
        person = self.random.choice(self.everybody)
        own = [item for item in self.items if item.owner is person and not item.deleted]
        names, weights = ("make", "edit", "edit both", "occurrence", "delete"), (4, 6, 3, 2, 1)
        deed = self.random.choices(names, weights)[0]
        if deed == "make" or not own:
            self._make(person)
            return
        series = [item for item in own if item.kind is Kind.SERIES]
        if deed == "occurrence" and series:
            self._occurrence(self.random.choice(series), self.random.choice(SIDES))
            return
        item = self.random.choice(own)
        first, second = self.random.sample(SIDES, 2)
        name = self.random.choice(sorted(FIELDS[item.kind]))
        if deed == "delete":
            self._delete(item, first)
            return
        self._edit(item, first, name)
        if deed == "edit both":
            self._edit(item, second, name)

    def _make(self, person: Person) -> None:
        self._serial += 1
        kind, born = self.random.choice(tuple(Kind)), self.random.choice(SIDES)
        day = self.road.now().date() + timedelta(days=self.random.randint(2, 12))
        item = Item(f"C{self._serial:03d}", kind, person, born, day)
        if kind is Kind.MEETING or (kind is Kind.SERIES and self.random.random() < 0.5):
            item.guest = self.road.outsider()
        values = {name: self._value(item, name) for name in FIELDS[kind]}
        make = _MAKERS[born][kind]
        done = self._try(item, born, f"makes {values} {item.guest}", lambda: make(self.road, item, values))
        if done is None:
            return
        item.sure = done
        item.edits = [Edit(born, name, value, "", done) for name, value in values.items()]
        self.items.append(item)

    def _edit(self, item: Item, side: str, name: str) -> None:
        found = self._look(item, side)
        if found is None:
            return
        value, seen = self._value(item, name), value_of(item, side, found, name)
        done = self._try(
            item, side, f"{name} := {value}", lambda: self._write(item, side, found, name, value)
        )
        if done is not None:
            item.edits.append(Edit(side, name, value, seen, done))
            item.touched += 1

    def _write(self, item: Item, side: str, found: Json, name: str, value: str) -> None:
        place = FIELDS[item.kind][name]
        if side == EXCHANGE:
            changes = exchange_value(place, value)
            self.road.graph(item.owner, "PATCH", self._path(item, found), changes)
        elif item.kind is Kind.SERIES:
            Team(self.road, item.owner).change_master(found["activityid"], **{place.dynamics: value})
        else:
            self.road.dataverse("PATCH", self._row(item, found), {place.dynamics: value})

    def _delete(self, item: Item, side: str) -> None:
        found = self._look(item, side)
        if found is None:
            return
        unmade = side != item.born and not self._is_linked(item, side, found)
        if side == EXCHANGE:
            path = self._path(item, found)
            done = self._try(item, side, "deletes it", lambda: self.road.graph(item.owner, "DELETE", path))
        else:
            row = self._row(item, found)
            done = self._try(item, side, "deletes it", lambda: self.road.dataverse("DELETE", row))
        if done is not None:
            item.deleted[side], item.unmade = done, unmade
            item.cut += 1 + item.days

    def _occurrence(self, item: Item, side: str) -> None:
        """One occurrence gets a place of its own, or does not take place."""
        master = self._look(item, side)
        if master is None:
            return
        cancel, value = self.random.random() < 0.3, self._value(item, "place")
        what = "drops one of its days" if cancel else f"of one day, place := {value}"
        number = self.random.random()
        done = self._try(
            item,
            side,
            what,
            lambda: self._change_occurrence(item, side, master, number, "" if cancel else value),
        )
        if done is not None:
            item.days, item.touched, item.cut = item.days + 1, item.touched + 1, item.cut + cancel

    def _change_occurrence(self, item: Item, side: str, master: Json, number: float, value: str) -> None:
        team = Team(self.road, item.owner)
        rows = occurrences(self.road, item, side, master)
        if len(rows) < 2:
            raise RefusedError("there is no day to change")
        row = rows[int(number * len(rows))]
        if side == EXCHANGE and value:
            team.edit(row["id"], location={"displayName": value})
        elif side == EXCHANGE:
            self.road.graph(item.owner, "DELETE", f"/events/{row['id']}")
        elif value:
            team.change_instance(row, location=value)
        else:
            team.delete_instance(row)

    # --- inside -----------------------------------------------------------------------------------

    def _try(self, item: Item, side: str, what: str, deed: Callable[[], Any]) -> bool | None:
        """True: done. False: no answer came. None: surely not done."""
        name = f"{item.owner.address.partition('@')[0]} {item.kind} {item.mark} in {side}: {what}"
        try:
            deed()
        except (httpx.ConnectError, httpx.ConnectTimeout):
            return None  # Nobody is there, as everybody would notice.
        except httpx.TransportError as error:
            self.tell(f"{name}; no answer: {error!r}")
            return False
        except RefusedError as refusal:
            self.tell(f"{name}; refused: {refusal}")
            return None
        self.tell(name)
        return True

    def _look(self, item: Item, side: str) -> Json | None:
        """The item there; None where it has not come yet, or nobody answers."""
        try:
            found = found_there(self.road, item, side)
        except (httpx.TransportError, RefusedError):
            return None
        return found[0] if found else None

    def _value(self, item: Item, name: str) -> str:
        self._serial += 1
        return f"{item.mark} v{self._serial:04d}" if name == "words" else f"v{self._serial:04d}"

    def _path(self, item: Item, found: Json) -> str:
        if item.kind is Kind.TASK:
            return f"/todo/lists/{Desk(self.road, item.owner).default_list()}/tasks/{found['id']}"
        return f"/contacts/{found['id']}" if item.kind is Kind.CONTACT else f"/events/{found['id']}"

    @staticmethod
    def _row(item: Item, found: Json) -> str:
        entity_set, key = SETS[item.kind]
        return f"/{entity_set}({found[key]})"

    def _is_linked(self, item: Item, side: str, found: Json) -> bool:
        """The service knows by now that the two are linked. Azurite itself is never away."""
        port = running_record(RigDirectory(self.road.directory)).ports.azurite
        with TableClient.from_connection_string(connection_string(port), STATE_TABLE) as table:
            try:
                if side == EXCHANGE:
                    name = table.get_entity(item.owner.mailbox, index_key(found["id"]))["link"]
                else:
                    entity_set, key = SETS[item.kind]
                    name = name_of(entity_set.removesuffix("s"), found[key])
                row = table.get_entity(item.owner.mailbox, link_key(name))
            except ResourceNotFoundError:
                return False
        return bool(json.loads(text_of_chunks("link", row)).get("state", "linked") == LinkState.LINKED)


# --- making ---------------------------------------------------------------------------------------


def _event_here(road: Road, item: Item, values: Json) -> None:
    guests = [item.guest] if item.guest else []
    times = road.times(road.noon().replace(year=item.day.year, month=item.day.month, day=item.day.day))
    location = {"displayName": values["place"]}
    road.add_event(item.owner, *guests, subject=values["words"], location=location, **times)


def _event_there(road: Road, item: Item, values: Json) -> None:
    start = road.noon().replace(year=item.day.year, month=item.day.month, day=item.day.day)
    road.add_appointment(
        item.owner,
        *([address_party(5, item.guest)] if item.guest else []),
        subject=values["words"],
        location=values["place"],
        scheduledstart=text_of(start),
        scheduledend=text_of(start + timedelta(hours=1)),
    )


def _series_here(road: Road, item: Item, values: Json) -> None:
    guests = [item.guest] if item.guest else []
    location = {"displayName": values["place"]}
    Team(road, item.owner).add(weekly(item.day, WEEKS), *guests, subject=values["words"], location=location)


def _series_there(road: Road, item: Item, values: Json) -> None:
    guests = [item.guest] if item.guest else []
    columns = {"subject": values["words"], "location": values["place"]}
    Team(road, item.owner).add_row(weekly_columns(item.day, WEEKS), *guests, **columns)


def _contact_here(road: Road, item: Item, values: Json) -> None:
    Desk(road, item.owner).add_contact(givenName="Kim", surname=values["words"], jobTitle=values["job"])


def _contact_there(road: Road, item: Item, values: Json) -> None:
    columns = {"firstname": "Kim", "lastname": values["words"], "jobtitle": values["job"]}
    Desk(road, item.owner).make("contacts", **columns)


def _task_here(road: Road, item: Item, values: Json) -> None:
    body = {"content": values["text"], "contentType": "text"}
    Desk(road, item.owner).add_task(values["words"], body=body)


def _task_there(road: Road, item: Item, values: Json) -> None:
    columns = {
        "subject": values["words"],
        "description": values["text"],
        "scheduledend": f"{item.day}T12:00:00Z",
    }
    Desk(road, item.owner).make("tasks", **columns)


_MAKERS: dict[str, dict[Kind, Callable[[Road, Item, Json], None]]] = {
    EXCHANGE: {
        Kind.EVENT: _event_here,
        Kind.MEETING: _event_here,
        Kind.SERIES: _series_here,
        Kind.CONTACT: _contact_here,
        Kind.TASK: _task_here,
    },
    DYNAMICS: {
        Kind.EVENT: _event_there,
        Kind.MEETING: _event_there,
        Kind.SERIES: _series_there,
        Kind.CONTACT: _contact_there,
        Kind.TASK: _task_there,
    },
}


# --- looking --------------------------------------------------------------------------------------


def found_there(road: Road, item: Item, side: str) -> list[Json]:
    """Everything with this item's mark on that side."""
    place = FIELDS[item.kind]["words"]
    if side == DYNAMICS:
        return [row for row in _rows(road, item) if item.mark in str(row.get(place.dynamics))]
    desk = Desk(road, item.owner)
    if item.kind.is_event:
        rows = road.events(item.owner)
    else:
        rows = desk.contacts() if item.kind is Kind.CONTACT else desk.tasks()
    return [row for row in rows if item.mark in str(row.get(place.exchange[0]))]


def _rows(road: Road, item: Item) -> list[Json]:
    """Of a series, what Dynamics made of it by itself is no item of its own."""
    team = Team(road, item.owner)
    if item.kind is Kind.SERIES:
        return team.masters()
    if item.kind.is_event:
        return team.singles()
    return Desk(road, item.owner).rows(SETS[item.kind][0])


def value_of(item: Item, side: str, row: Json, name: str) -> str:
    place = FIELDS[item.kind][name]
    if side == DYNAMICS:
        return str(row.get(place.dynamics) or "").strip()
    found: Any = row
    for step in place.exchange:
        found = (found or {}).get(step)
    return str(found or "").strip()


def exchange_value(place: Place, value: str) -> Json:
    inner: Any = value
    for step in reversed(place.exchange):
        inner = {step: inner}
    if place.exchange[0] == "body":
        inner["body"]["contentType"] = "text"
    return dict(inner)


def occurrences(road: Road, item: Item, side: str, master: Json) -> list[Json]:
    """The days of a series as they stand there, in order."""
    team = Team(road, item.owner)
    return team.occurrences(master["id"]) if side == EXCHANGE else team.instances(master["activityid"])
