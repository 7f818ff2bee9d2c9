"""The instances of a series: what one shows, and what its master keeps of those that differ.

An instance is a row like an event's, made from its master when it is asked for. The master alone is stored:
``exceptions`` by the date of their slot (only what was overridden), and the dates ``cancelled``. An instance
has, more than an event: ``master`` (ids), ``day`` (the slot's date in the series' zone), ``slotStart``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any

from local.exchange.errors import GraphError, item_not_found
from local.exchange.event_input import begin_end
from local.exchange.recurrence import Occurrence, dates, occurrence_id, occurrences, slot
from local.exchange.zones import zone_of

Json = dict[str, Any]

NO_EXCEPTIONS: Json = {"exceptions": {}, "cancelled": []}
# What an exception keeps of its own besides properties, when it differs from the master's.
_OWN_FACTS = ("responseStatus", "attachments", "intendedShowAs")
_TIMES = ("recurrence", "isAllDay", "start", "end")


def is_master(event: Json) -> bool:
    return bool(event["props"]["recurrence"])


def instances(master: Json, start: float, end: float) -> Iterator[Json]:
    """Those that touch the window, by their slots; an exception counts at the time it was moved to."""
    gone = {*master["cancelled"], *master["exceptions"]}
    found = [
        _row(master, occurrence)
        for occurrence in occurrences(master["props"], start, end)
        if occurrence.date.isoformat() not in gone
    ]
    found += [row for row in exceptions(master) if _touches(row, start, end)]
    yield from sorted(found, key=lambda row: str(row["day"]))


def exceptions(master: Json) -> list[Json]:
    return [
        _row(master, slot(master["props"], date.fromisoformat(day))) for day in sorted(master["exceptions"])
    ]


def instance(master: Json, day: date) -> Json:
    """The instance of a slot; a cancelled one and a day outside the pattern are equally unknown."""
    if not is_master(master) or day.isoformat() in master["cancelled"]:
        raise item_not_found()
    if day.isoformat() not in master["exceptions"] and not _in_pattern(master, day):
        raise item_not_found()
    return _row(master, slot(master["props"], day))


def instance_at(master: Json, day: date) -> Json | None:
    """Like ``instance``; None where there is none."""
    try:
        return instance(master, day)
    except GraphError:
        return None


def _in_pattern(master: Json, day: date) -> bool:
    noon = datetime.combine(day, time(12), UTC).timestamp()
    near = occurrences(master["props"], noon - 3 * 86_400, noon + 3 * 86_400)
    return any(occurrence.date == day for occurrence in near)


def _touches(row: Json, start: float, end: float) -> bool:
    begins, ends = row["startsAt"], row["endsAt"]
    return bool(begins < end and (ends > start or begins == ends == start))


def plain(master: Json, day: date) -> Json:
    """The instance of a slot as if nothing had been changed in it."""
    bare = {**master, "exceptions": {}, "extended": {}}
    return _row(bare, slot(master["props"], day))


def _row(master: Json, occurrence: Occurrence) -> Json:
    day = occurrence.date.isoformat()
    own: Json | None = master["exceptions"].get(day)
    props = {**_slot_props(master["props"], occurrence.date), **(own or {}).get("props", {})}
    props["attendees"] = _answered(props["attendees"], (own or {}).get("answers", {}))
    begins, ends = begin_end(props)
    kept = (
        {name: own[name] for name in (*_OWN_FACTS, "changeKey", "modified", "seq") if name in own}
        if own
        else {}
    )
    return {
        **master,
        **kept,
        **NO_EXCEPTIONS,
        "id": occurrence_id(master["id"], occurrence.date),
        "restId": occurrence_id(master["restId"], occurrence.date),
        "master": {"id": master["id"], "restId": master["restId"], "iCalUId": master["iCalUId"]},
        "iCalUId": dated_uid(master["iCalUId"], occurrence.date),
        "type": "exception" if own is not None else "occurrence",
        "transactionId": None,
        "day": day,
        "slotStart": occurrence.start,
        "extended": own["extended"] if own else {},
        "props": props,
        "startsAt": begins,
        "endsAt": ends,
    }


def _slot_props(props: Json, day: date) -> Json:
    shift = day - date.fromisoformat(props["start"]["dateTime"][:10])

    def later(moment: Json) -> Json:
        value = datetime.fromisoformat(moment["dateTime"]) + shift
        return {**moment, "dateTime": value.isoformat(timespec="microseconds")}

    return {**props, "recurrence": None, "start": later(props["start"]), "end": later(props["end"])}


def dated_uid(uid: str, day: date) -> str:
    """An occurrence's iCalUId has its day where the series' has zeros."""
    return f"{uid[:32]}{day.year:04X}{day.month:02X}{day.day:02X}{uid[40:]}"


def split_uid(uid: str) -> tuple[str, date] | None:
    """The series' iCalUId and the day of an instance's; None where it is no instance's."""
    try:
        day = date(int(uid[32:36], 16), int(uid[36:38], 16), int(uid[38:40], 16))
    except ValueError:
        return None
    return f"{uid[:32]}00000000{uid[40:]}", day


# --- changing -----------------------------------------------------------------------------------


def with_exception(master: Json, row: Json, props: Json, facts: Json) -> Json:
    """The master's ``exceptions`` after one of its instances got these properties and facts."""
    base = plain(master, date.fromisoformat(row["day"]))
    own: Json = dict(master["exceptions"].get(row["day"]) or {"extended": {}})
    own["props"], own["answers"] = _overridden(base["props"], props)
    own["extended"] = facts.pop("extended", own["extended"])
    for name in _OWN_FACTS:
        if name in facts and facts[name] != base.get(name):
            own[name] = facts[name]
        elif name in facts:
            own.pop(name, None)
    stamp = {name: facts[name] for name in ("changeKey", "modified", "seq")}
    return {**master["exceptions"], row["day"]: {**own, **stamp}}


def _overridden(base: Json, props: Json) -> tuple[Json, Json]:
    """Only what differs from the master's; answers of attendees apart, for they make no list of one's own."""
    names = {name for name in {*base, *props} if name != "attendees" and base.get(name) != props.get(name)}
    changed = {name: props.get(name) for name in names}
    if _invited(base["attendees"]) != _invited(props["attendees"]):
        return {**changed, "attendees": props["attendees"]}, {}
    before = {_key(row): _answer(row) for row in base["attendees"]}
    given = {_key(row): _answer(row) for row in props["attendees"] if _answer(row) != before[_key(row)]}
    return changed, given


def _key(attendee: Json) -> str:
    return str(attendee["emailAddress"]["address"]).lower()


def _answer(attendee: Json) -> Json:
    return {name: attendee[name] for name in ("status", "proposedNewTime") if name in attendee}


def _invited(rows: list[Json]) -> list[Json]:
    return [{"type": row["type"], "emailAddress": row["emailAddress"]} for row in rows]


def _answered(attendees: list[Json], answers: Json) -> list[Json]:
    return [{**row, **answers.get(_key(row), {})} for row in attendees]


def without(master: Json, day: str) -> Json:
    """The master's exceptions and cancelled dates after an instance was taken out."""
    rest = {key: value for key, value in master["exceptions"].items() if key != day}
    return {"exceptions": rest, "cancelled": sorted({*master["cancelled"], day})}


def starts_anew(before: Json, after: Json) -> bool:
    """A new pattern or time of a series: all its exceptions and cancellations are forgotten."""
    return any(before[name] != after[name] for name in _TIMES)


# --- neighbours ---------------------------------------------------------------------------------


def check_place(master: Json, row: Json, props: Json) -> None:
    """An instance stays strictly between its neighbours: neither on their days nor over their time."""
    begins, ends = begin_end(props)
    if (begins, ends) == (row["startsAt"], row["endsAt"]):
        return
    own_day = _day_of(master, props, begins)
    before, after = _neighbours(master, row["day"])
    if before and (
        own_day <= _day_of(master, before["props"], before["startsAt"]) or begins < before["endsAt"]
    ):
        raise _crossing()
    if after and (own_day >= _day_of(master, after["props"], after["startsAt"]) or ends > after["startsAt"]):
        raise _crossing()


def _neighbours(master: Json, day: str) -> tuple[Json | None, Json | None]:
    """Those of the slots before and after that are not cancelled."""
    before: date | None = None
    for found in dates(master["props"]["recurrence"]):
        if found.isoformat() in master["cancelled"] or found.isoformat() == day:
            continue
        if found.isoformat() > day:
            return _at(master, before), _at(master, found)
        before = found
    return _at(master, before), None


def _at(master: Json, day: date | None) -> Json | None:
    return _row(master, slot(master["props"], day)) if day else None


def _day_of(master: Json, props: Json, begins: float) -> date:
    """The day an instance stands on, in the zone of its series."""
    if props["isAllDay"]:
        return date.fromisoformat(props["start"]["dateTime"][:10])
    zone = zone_of(master["props"]["start"]["timeZone"])
    return datetime.fromtimestamp(begins, UTC).astimezone(zone).date()


def _crossing() -> GraphError:
    return GraphError(
        400,
        "ErrorOccurrenceCrossingBoundary",
        "Modified occurrence is crossing or overlapping adjacent occurrence.",
    )
