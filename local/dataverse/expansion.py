"""Bringing the instances of a series into being: the first ones at once, the rest by a job, in batches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from dateutil.relativedelta import relativedelta

from local.dataverse.instances import EXCEPTION, FUTURE_EXCEPTION, MASTER, Instances
from local.dataverse.organization import organization
from local.dataverse.pattern import Occurrence
from local.dataverse.security import Caller
from local.dataverse.store import Row, Store
from local.dataverse.tables import TABLES

if TYPE_CHECKING:
    from local.dataverse.records import Records

JOBS = "series-jobs"
UNEXPANDED, PARTIAL, FULL = 0, 1, 2


class Expansion:
    """A job row says which series is not complete and before when its next batch does not run."""

    def __init__(self, store: Store, records: Records, instances: Instances) -> None:
        self._store = store
        self._records = records
        self._instances = instances

    def window(self) -> tuple[datetime, datetime]:
        """Between these moments instances are made."""
        row, now = organization(self._store), self._store.clock.now()
        past = now - relativedelta(months=row["pastexpansionwindow"])
        return past, now + relativedelta(months=row["futureexpansionwindow"])

    def begin(self, master: Row, caller: Caller) -> Row:
        """What happens in the request itself."""
        at_once = int(organization(self._store)["recurrenceexpansionsynchcreatemax"])
        return self.expand(master, at_once, caller)

    def end(self, master_id: str) -> None:
        """No further instance will be made."""
        self._store.note(JOBS, master_id, None)

    def expand(self, master: Row, count: int, caller: Caller) -> Row:
        """Make the next ``count`` instances, as far as they are inside the window."""
        _, latest = self.window()
        last = master.get("lastexpandedinstancedate")
        following: Occurrence | None = None
        for occurrence in self._missing(master):
            if count == 0 or occurrence.start > latest:
                following = occurrence
                break
            self._make(master, occurrence, caller)
            last, count = occurrence.start_text, count - 1
        return self._note_progress(master, last, following)

    # --- the job --------------------------------------------------------------------------------

    def run_due(self) -> None:
        """Run the batches whose time has come: several of a series when the clock has jumped."""
        while due := self._due():
            for master in due:
                batch = int(organization(self._store)["recurrenceexpansionjobbatchsize"])
                with self._store.atomic():
                    self.expand(master, batch, self._system(master))

    def waiting(self) -> int:
        """How many series will get instances without anybody doing anything, within the interval."""
        return len([None for master in self._unfinished() if self._in_window(master)])

    def _due(self) -> list[Row]:
        now = self._store.clock.time()
        jobs = self._store.notes(JOBS)
        return [
            master
            for master in self._unfinished()
            if jobs[master["activityid"]] <= now and self._in_window(master)
        ]

    def _unfinished(self) -> list[Row]:
        rows = (self._store.get(MASTER, key) for key in list(self._store.notes(JOBS)))
        return [row for row in rows if row is not None]

    def _in_window(self, master: Row) -> bool:
        following = master.get("nextexpansioninstancedate")
        return following is not None and datetime.fromisoformat(following) <= self.window()[1]

    @staticmethod
    def _system(master: Row) -> Caller:
        """The job runs as the series' creator, on behalf of nobody."""
        return Caller(master["createdby"][1], "administrator")

    # --- inside ---------------------------------------------------------------------------------

    def _missing(self, master: Row) -> Iterator[Occurrence]:
        earliest, _ = self.window()
        last = master.get("lastexpandedinstancedate")
        after = datetime.fromisoformat(last) if last else None
        gone = set(self._instances.deleted(master))
        for occurrence in self._instances.pattern(master).occurrences(after):
            if occurrence.end > earliest and occurrence.start_text not in gone:
                yield occurrence

    def _make(self, master: Row, occurrence: Occurrence, caller: Caller) -> None:
        """An exception that was made before its time has come takes the instance's place."""
        there = self._instances.find(master["activityid"], occurrence.start_text)
        if there is None:
            self._instances.insert(master, occurrence, caller)
        elif there["instancetypecode"] == FUTURE_EXCEPTION:
            table = TABLES["appointment"]
            self._records.rewrite(table, there, {"instancetypecode": EXCEPTION}, None, caller)

    def _next_batch(self, master_id: str) -> float:
        """One interval after the batch that was due last, or after now when this is the first."""
        interval = int(organization(self._store)["recurrenceexpansionjobbatchinterval"])
        now = self._store.clock.time()
        return min(float(self._store.notes(JOBS).get(master_id, now)), now) + interval

    def _note_progress(self, master: Row, last: str | None, following: Occurrence | None) -> Row:
        """The master tells how far it got: a new version, but no change that anybody is told of."""
        key = master["activityid"]
        self._store.note(JOBS, key, self._next_batch(key) if following else None)
        state = (PARTIAL if last else UNEXPANDED) if following else FULL
        progress = {
            "expansionstatecode": state,
            "lastexpandedinstancedate": last,
            "nextexpansioninstancedate": following.start_text if following else None,
        }
        current = self._records.get(TABLES[MASTER], key)
        return self._store.put(TABLES[MASTER], {**current, **progress})
