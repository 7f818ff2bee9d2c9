"""Every event of every mailbox, with the log of changes per calendar from which deltas are read.

An event is one JSON row: identity (``id`` immutable, ``restId`` normal), place (``user``, ``calendar``), the
state of the meeting, and ``props``, the writable properties in stored form. ``seq`` numbers the
last change.

A series is one row, its master's (see ``series``): ``wholeSeq`` numbers its last change that was not of a
single instance. Instances are read, changed and removed like events; what is written is their master.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from local.clock import Clock
from local.exchange import series
from local.exchange.change_log import ChangeLog
from local.exchange.errors import GraphError, item_not_found
from local.exchange.event_input import DEFAULTS, NO_TIME, begin_end, settled
from local.exchange.identifiers import Identifiers, legal
from local.exchange.recurrence import split_occurrence_id
from local.exchange.zones import utc_text
from local.journaled import JournaledTables

Json = dict[str, Any]
Listener = Callable[[str, Json], None]


class Version:
    """A number that rises with every change of business data."""

    def __init__(self, tables: JournaledTables) -> None:
        self._tables = tables

    @property
    def value(self) -> int:
        return int(self._tables.get("control", "version") or 0)

    def next(self) -> int:
        value = self.value + 1
        self._tables.put("control", "version", value)
        return value


class Events:
    """Create, change, move, remove and find events; ``listeners`` hear of every change."""

    def __init__(
        self, tables: JournaledTables, identifiers: Identifiers, clock: Clock, version: Version
    ) -> None:
        self._tables = tables
        self._identifiers = identifiers
        self._clock = clock
        self._version = version
        self.listeners: list[Listener] = []
        self._by_rest_id: dict[str, str] = {}
        self._by_uid: dict[tuple[str, str], list[str]] = {}
        self._by_calendar: dict[str, dict[str, None]] = {}
        self.log = ChangeLog(tables, "events", "tombstones", "calendar")
        for event in tables.table("events").values():
            self._index(event)

    def _index(self, event: Json) -> None:
        self._by_rest_id[event["restId"]] = event["id"]
        self._by_calendar.setdefault(event["calendar"], {})[event["id"]] = None
        same_uid = self._by_uid.setdefault((event["user"], event["iCalUId"]), [])
        if event["id"] not in same_uid:
            same_uid.append(event["id"])

    def _unindex(self, event: Json) -> None:
        self._by_rest_id.pop(event["restId"], None)
        self._by_calendar[event["calendar"]].pop(event["id"], None)
        self._by_uid[(event["user"], event["iCalUId"])].remove(event["id"])

    # --- finding --------------------------------------------------------------------------------

    def get(self, user_id: str, identifier: str) -> Json:
        """By either form of its id, an instance too; another mailbox's is as unknown as an invented one."""
        if not legal(identifier):
            raise GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.")
        found = split_occurrence_id(identifier)
        if found is not None:
            return series.instance(self.get(user_id, found[0]), found[1])
        key = self._by_rest_id.get(identifier, identifier)
        event: Json | None = self._tables.get("events", key)
        if event is None or event["user"] != user_id:
            raise item_not_found()
        return event

    def present(self, event_id: str) -> Json | None:
        """By immutable id, wherever it is; None when it is gone."""
        return self._tables.get("events", event_id)

    def in_calendar(self, calendar_id: str) -> list[Json]:
        rows = self._tables.table("events")
        return [rows[key] for key in self._by_calendar.get(calendar_id, {})]

    def copy_of(self, user_id: str, ical_uid: str) -> Json | None:
        """A mailbox's own copy of a meeting; of an instance in the copy of its series, or standing alone."""
        found = self._with_uid(user_id, ical_uid)
        split = series.split_uid(ical_uid)
        if found is not None or split is None:
            return found
        whole = self._with_uid(user_id, split[0])
        return series.instance_at(whole, split[1]) if whole else None

    def _with_uid(self, user_id: str, ical_uid: str) -> Json | None:
        found = self._by_uid.get((user_id, ical_uid)) or [""]
        event: Json | None = self._tables.get("events", found[0])
        return event

    # --- changing -------------------------------------------------------------------------------

    def create(self, user: Json, calendar_id: str, props: Json, **facts: Any) -> Json:
        """A new event. ``facts`` override what an own, uncancelled event of the mailbox would have."""
        now = utc_text(self._clock.now())
        event = {
            "id": self._identifiers.immutable(),
            "restId": self._identifiers.normal(calendar_id),
            "user": user["id"],
            "calendar": calendar_id,
            "created": now,
            "iCalUId": self._identifiers.ical_uid(),
            "isOrganizer": True,
            "organizer": {"name": user["displayName"], "address": user["mail"]},
            "isCancelled": False,
            "responseStatus": {"response": "organizer", "time": NO_TIME},
            "transactionId": None,
            "extended": {},
            "attachments": [],
            **series.NO_EXCEPTIONS,
            **facts,
            "props": settled({**DEFAULTS, **props}),
        }
        return self._put(event, "created")

    def change(self, event: Json, props: Json, **facts: Any) -> Json:
        """The event with other properties (a whole, consistent set) and facts."""
        props = settled(props)
        if "master" in event:
            return self._change_instance(event, props, facts)
        if series.starts_anew(event["props"], props):
            facts = {**facts, **series.NO_EXCEPTIONS}
        return self._put({**event, **facts, "props": props}, "updated")

    def _change_instance(self, row: Json, props: Json, facts: Json) -> Json:
        master = self._tables.table("events")[row["master"]["id"]]
        stamp = {**self._stamp(), "seq": self._version.value + 1}
        kept = series.with_exception(master, row, props, {**facts, **stamp})
        cancelled = [day for day in master["cancelled"] if day != row["day"]]
        master = self._put_part({**master, "exceptions": kept, "cancelled": cancelled})
        changed = series.instance(master, date.fromisoformat(row["day"]))
        self._tell("updated", changed)
        return changed

    def move(self, event: Json, calendar_id: str) -> Json:
        """To another calendar of the mailbox: only the immutable id stays."""
        self.log.bury(event, self._version.next())
        self._unindex(event)
        moved = {**event, "calendar": calendar_id, "restId": self._identifiers.normal(calendar_id)}
        return self._put(moved, "updated")

    def remove(self, event: Json) -> None:
        """An instance leaves no trace of its own: only its master says that it was cancelled."""
        if "master" in event:
            master = self._tables.table("events")[event["master"]["id"]]
            self._put_part({**master, **series.without(master, event["day"])})
            self._tell("deleted", event)
            return
        self.log.bury(event, self._version.next())
        self._unindex(event)
        self._tables.delete("events", event["id"])
        self._tell("deleted", event)

    def _put(self, event: Json, change: str) -> Json:
        """A change of the whole event; of a series its exceptions show it too and are new as well."""
        seq = self._version.next()
        fresh = {day: {**own, **self._stamp(), "seq": seq} for day, own in event["exceptions"].items()}
        return self._store({**event, "exceptions": fresh, "wholeSeq": seq}, seq, change)

    def _put_part(self, master: Json) -> Json:
        """A change of single instances: the master's changeKey moves, the other exceptions' do not."""
        return self._store(master, self._version.next(), "updated")

    def _stamp(self) -> Json:
        return {"changeKey": self._identifiers.change_key(), "modified": utc_text(self._clock.now())}

    def _store(self, event: Json, seq: int, change: str) -> Json:
        begins, ends = begin_end(event["props"])
        stored = {**event, **self._stamp(), "seq": seq, "startsAt": begins, "endsAt": ends}
        self._tables.put("events", stored["id"], stored)
        self._index(stored)
        self.log.record(stored)
        self._tell(change, stored)
        return stored

    def _tell(self, change: str, event: Json) -> None:
        for listener in self.listeners:
            listener(change, event)
