"""Exceptions of a series: instances that were changed or deleted, and the action that makes them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from local.dataverse.errors import refuse
from local.dataverse.instances import (
    APPOINTMENT,
    EXCEPTION,
    FUTURE_EXCEPTION,
    INSTANCE,
    MASTER,
    Instances,
    Times,
)
from local.dataverse.payload import Changes
from local.dataverse.security import Caller
from local.dataverse.store import Row, Store
from local.dataverse.tables import TABLES
from local.dataverse.values import as_text

if TYPE_CHECKING:
    from local.dataverse.records import Records

TIMES = frozenset({"scheduledstart", "scheduledend"})
NO_ID = "00000000-0000-0000-0000-000000000000"
Window = tuple[datetime, datetime]


class Exceptions:
    """``modifiedfieldsmask`` names the changed columns, parties as one (its text is an assumption)."""

    def __init__(self, store: Store, records: Records, instances: Instances) -> None:
        self._store = store
        self._records = records
        self._instances = instances

    @staticmethod
    def changed_columns(instance: Row) -> set[str]:
        return set(filter(None, (instance.get("modifiedfieldsmask") or "").split(",")))

    def becomes(self, before: Row, row: Row, changes: Changes) -> Row:
        """What a write makes of an instance: an exception, which has to stay between its neighbours."""
        names = self.changed_columns(before) | changes.values.keys()
        if changes.state is not None or "statuscode" in changes.values:
            names |= {"statecode", "statuscode"}
        if changes.parties is not None:
            names.add("parties")
        master = self._instances.master(before)
        if master is not None and TIMES & changes.values.keys():
            self._check_order(master, row)
        kind = EXCEPTION if before["instancetypecode"] == INSTANCE else before["instancetypecode"]
        return {"instancetypecode": kind, "modifiedfieldsmask": ",".join(sorted(names))}

    def deleted(self, instance: Row, caller: Caller) -> None:
        """The master remembers the original start of what is gone."""
        master = self._instances.master(instance)
        if master is not None:
            self._remember(master, instance["originalstartdate"], caller)

    def create(
        self, master: Row, original: datetime, wanted: Changes | None, window: Window, caller: Caller
    ) -> str:
        """``CreateException``: change the instance of that original start or, without ``wanted``, delete
        it, whether it exists already or not. Answers the id of its row."""
        text = as_text(original)
        occurrence = self._instances.pattern(master).at(original)
        if occurrence is None:
            raise refuse("NotOfTheSeries", series=master["activityid"], start=text)
        there = self._instances.find(master["activityid"], text)
        if text in self._instances.deleted(master) or (there and there["instancetypecode"] != INSTANCE):
            raise refuse("InvalidInstanceType", message=f"{text} is an exception already.")
        if not window[0] <= original <= window[1]:
            raise refuse("OutsideExpansion", start=text)
        if wanted is None:
            return self._delete(master, there, text, caller)
        self._check_window(wanted, window)
        row = there
        if row is None:
            row = self._instances.insert(master, occurrence, caller, instancetypecode=FUTURE_EXCEPTION)
        elif wanted.empty:
            kind = {"instancetypecode": EXCEPTION}
            self._records.rewrite(TABLES[APPOINTMENT], row, kind, None, caller)
        self._records.update(TABLES[APPOINTMENT], row, wanted, caller)
        return str(row["activityid"])

    # --- inside ---------------------------------------------------------------------------------

    def _delete(self, master: Row, there: Row | None, original: str, caller: Caller) -> str:
        if there is None:
            self._remember(master, original, caller)
            return NO_ID
        self._records.delete(TABLES[APPOINTMENT], there, caller)
        return str(there["activityid"])

    def _remember(self, master: Row, original: str, caller: Caller) -> None:
        gone = sorted({*self._instances.deleted(master), original})
        values = {"deletedexceptionslist": ",".join(gone)}
        self._records.rewrite(TABLES[MASTER], master, values, None, caller)

    @staticmethod
    def _check_window(wanted: Changes, window: Window) -> None:
        start = wanted.values.get("scheduledstart")
        if start and not window[0] <= datetime.fromisoformat(start) <= window[1]:
            raise refuse("MovedOutsideExpansion", start=start)

    def _check_order(self, master: Row, row: Row) -> None:
        if not row.get("scheduledstart") or not row.get("scheduledend"):
            raise refuse("InvalidArgument", message="An instance needs a start and an end.")
        original, start, end = (
            datetime.fromisoformat(row[name])
            for name in ("originalstartdate", "scheduledstart", "scheduledend")
        )
        earlier, later = self._instances.neighbours(master, original)
        _check_between(earlier, start, end, later)


def _check_between(earlier: Times | None, start: datetime, end: datetime, later: Times | None) -> None:
    if later is not None and start >= later.start:
        raise refuse("SkipsOverLater", other=as_text(later.original))
    if earlier is not None and start <= earlier.start:
        raise refuse("SkipsOverEarlier", other=as_text(earlier.original))
    if later is not None and end > later.start:
        raise refuse("InstancesOverlap", other=as_text(later.original))
    if earlier is not None and start < earlier.end:
        raise refuse("InstancesOverlap", other=as_text(earlier.original))
