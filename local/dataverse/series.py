"""Recurring appointments as the server keeps them: what writing a master does to its instances, and what
writing an instance makes of it."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from itertools import islice, pairwise
from typing import TYPE_CHECKING
from uuid import uuid4

from local.dataverse import pattern as patterns
from local.dataverse.callers import Callers
from local.dataverse.errors import refuse
from local.dataverse.exceptions import Exceptions
from local.dataverse.expansion import Expansion
from local.dataverse.instances import APPOINTMENT, MASTER, SHARED, Instances
from local.dataverse.pattern import END_DATE, OCCURRENCES, Pattern, midnight, read_pattern
from local.dataverse.payload import Changes
from local.dataverse.security import Caller
from local.dataverse.store import Row, Store
from local.dataverse.tables import TABLES
from local.dataverse.values import as_text

if TYPE_CHECKING:
    from local.dataverse.records import Records

COMPUTED = frozenset({"effectivestartdate", "effectiveenddate"})  # writable, but to no effect
COMPARED = 100  # consecutive occurrences looked at for overlaps; a pattern repeats itself well before


class Series:
    """Called by ``Records`` before and after it writes masters and instances."""

    def __init__(self, store: Store, records: Records) -> None:
        self._store = store
        self._records = records
        self._callers = Callers(store)
        self.instances = Instances(store, records)
        self.expansion = Expansion(store, records, self.instances)
        self.exceptions = Exceptions(store, records, self.instances)

    # --- masters --------------------------------------------------------------------------------

    def new_master(self, row: Row, caller: Caller) -> Row:
        """What the server fills on a new master, in the caller's zone."""
        zone = self._callers.zone(caller.user)
        timed = _with_times(row, frozenset(row))
        pattern = read_pattern(timed, zone)
        key = row["activityid"]
        self.instances.keep_zone(key, zone)
        return {**timed, "groupid": [MASTER, key], **_effective(timed, pattern)}

    def master_created(self, master: Row, caller: Caller) -> Row:
        return self.expansion.begin(master, caller)

    def change_master(self, before: Row, values: Row, changes: Changes, caller: Caller) -> Row:
        """``values`` are what the caller wants; they are stored with what follows from them."""
        values = {name: value for name, value in values.items() if name not in COMPUTED}
        if values.keys() & patterns.COLUMNS:
            return self._change_pattern(before, values, changes, caller)
        stored = self._records.rewrite(TABLES[MASTER], before, values, changes.parties, caller)
        self._flow(before, stored, changes, caller)
        return self._records.get(TABLES[MASTER], stored["activityid"])

    def master_deleted(self, master: Row, caller: Caller) -> None:
        """The instances go too, whatever state they are in."""
        key = master["activityid"]
        self.expansion.end(key)
        self.instances.keep_zone(key, None)
        for row in self.instances.rows(key):
            self._records.erase(TABLES[APPOINTMENT], row, caller)

    # --- inside ---------------------------------------------------------------------------------

    def _flow(self, before: Row, master: Row, changes: Changes, caller: Caller) -> None:
        """Basic columns reach every instance but the exceptions that changed the same column."""
        names = {name for name in SHARED if name in changes.values}
        if master["statecode"] != before["statecode"] or changes.state is not None:
            names |= {"statecode", "statuscode"}
        drafts = None if changes.parties is None else self.instances.drafts(master["activityid"])
        if not names and drafts is None:
            return
        for instance in self.instances.rows(master["activityid"]):
            own = self.exceptions.changed_columns(instance)
            values = {name: master.get(name) for name in names - own}
            parties = None if "parties" in own else drafts
            if values or parties is not None:
                self._records.rewrite(TABLES[APPOINTMENT], instance, values, parties, caller)

    def _change_pattern(self, before: Row, values: Row, changes: Changes, caller: Caller) -> Row:
        """The future is made anew, under new ids; what has begun already stays, as a series of its own.
        Naming a pattern column is enough, whether its value is another or not (an assumption)."""
        zone = self._callers.zone(caller.user)
        timed = _with_times({**before, **values}, values.keys())
        pattern = read_pattern(timed, zone)
        now = self._store.clock.now()
        rows = self.instances.rows(before["activityid"])
        past = [each for each in rows if each["originalstartdate"] < as_text(now)]
        if self._has_begun(before, now):
            timed, pattern = _from_now(timed, pattern, now)
        if past:
            self._split_off(before, past, caller)
        for each in rows[len(past) :]:
            self._records.erase(TABLES[APPOINTMENT], each, caller)
        self.instances.keep_zone(before["activityid"], zone)
        fresh = {"deletedexceptionslist": None, "lastexpandedinstancedate": None}
        wanted = {**timed, **_effective(timed, pattern), **fresh}
        different = {
            name: value for name, value in wanted.items() if name in values or before.get(name) != value
        }
        stored = self._records.rewrite(TABLES[MASTER], before, different, changes.parties, caller)
        return self.expansion.begin(stored, caller)

    def _has_begun(self, master: Row, now: datetime) -> bool:
        first = next(self.instances.pattern(master).occurrences(), None)
        return first is not None and first.start < now

    def _split_off(self, before: Row, past: list[Row], caller: Caller) -> None:
        """The instances of the past move to a new master that ends with them."""
        zone = self.instances.zone(before)
        last = past[-1]["originalstartdate"]
        key = str(uuid4())
        self.instances.keep_zone(key, zone)
        gone = [text for text in self.instances.deleted(before) if text <= last]
        end = midnight(patterns.local_day(last, zone), zone)
        history = {
            **before,
            "activityid": key,
            "patternendtype": END_DATE,
            "occurrences": None,
            "patternenddate": end,
            "effectiveenddate": end,
            "expansionstatecode": 2,
            "lastexpandedinstancedate": last,
            "nextexpansioninstancedate": None,
            "deletedexceptionslist": ",".join(gone) or None,
        }
        drafts = self.instances.drafts(before["activityid"])
        self._records.insert(TABLES[MASTER], history, drafts, caller)
        for instance in past:
            self._records.rewrite(TABLES[APPOINTMENT], instance, {"seriesid": key}, None, caller)


def _with_times(row: Row, given: AbstractSet[str]) -> Row:
    """``endtime`` and ``duration`` say the same; what was given last leads, ``endtime`` before the other."""
    start, end, duration = row.get("starttime"), row.get("endtime"), row.get("duration")
    if not start:
        return row
    begins = datetime.fromisoformat(start)
    if duration is not None and (not end or ("duration" in given and "endtime" not in given)):
        return {**row, "endtime": as_text(begins + timedelta(minutes=duration))}
    if not end:
        return row
    span = datetime.fromisoformat(end) - begins
    return {**row, "duration": max(0, int(span.total_seconds() // 60))}


def _effective(row: Row, pattern: Pattern) -> Row:
    """What follows from the pattern; days are written as midnights of its zone."""
    start = list(islice(pattern.occurrences(), COMPARED))
    if not start:
        raise refuse("InvalidPattern", message="It has no occurrence.")
    if any(one.end > other.start for one, other in pairwise(start)):
        raise refuse("PatternOverlaps")
    last = None if row["patternendtype"] == patterns.NO_END else pattern.last()
    days = {
        name: midnight(patterns.local_day(row[name], pattern.zone), pattern.zone)
        for name in ("patternstartdate", "patternenddate")
        if row.get(name)
    }
    return {
        **days,
        "effectivestartdate": midnight(start[0].day, pattern.zone),
        "effectiveenddate": midnight(last.day, pattern.zone) if last else None,
        "scheduledstart": start[0].start_text,
        "scheduledend": as_text(start[0].end),
    }


def _from_now(row: Row, pattern: Pattern, now: datetime) -> tuple[Row, Pattern]:
    """The part of a series that has not begun yet, as a series of its own."""
    passed = 0
    for occurrence in pattern.occurrences():
        if occurrence.start >= now:
            break
        passed += 1
    else:
        raise refuse("SeriesInThePast")
    rest = {**row, "patternstartdate": midnight(occurrence.day, pattern.zone)}
    if row["patternendtype"] == OCCURRENCES:
        rest["occurrences"] = row["occurrences"] - passed
    return rest, read_pattern(rest, pattern.zone)
