"""The rows of a series: finding them, making one, and the times of the ones beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from local.dataverse.parties import IMPLICIT
from local.dataverse.pattern import Occurrence, Pattern, read_pattern
from local.dataverse.schema import Table
from local.dataverse.security import Caller
from local.dataverse.store import Row, Store
from local.dataverse.tables import TABLES
from local.dataverse.values import as_text
from shared.model.timezones import zone

if TYPE_CHECKING:
    from local.dataverse.records import Records

MASTER, APPOINTMENT = "recurringappointmentmaster", "appointment"
INSTANCE, EXCEPTION, FUTURE_EXCEPTION = 2, 3, 4
RECURRING = frozenset({INSTANCE, EXCEPTION, FUTURE_EXCEPTION})
# What the master's rows have in common with it; parties come beside. That the global object id is
# among them is an assumption.
SHARED = (
    "subject",
    "location",
    "description",
    "category",
    "subcategory",
    "isalldayevent",
    "prioritycode",
    "ismapiprivate",
    "globalobjectid",
    "regardingobjectid",
    "ownerid",
    "statecode",
    "statuscode",
)
PARTY_COLUMNS = (
    "partyid",
    "participationtypemask",
    "addressused",
    "unresolvedpartyname",
    "exchangeentryid",
    "effort",
    "donotemail",
    "donotphone",
    "donotfax",
    "donotpostalmail",
)
ZONES = "series-zones"


@dataclass(frozen=True)
class Times:
    """Where one instance is now and where its pattern had it."""

    original: datetime
    start: datetime
    end: datetime


class Instances:
    """``deletedexceptionslist`` holds original starts in UTC, separated by commas (an assumption)."""

    def __init__(self, store: Store, records: Records) -> None:
        self._store = store
        self._records = records

    # --- the series -----------------------------------------------------------------------------

    def master(self, instance: Row) -> Row | None:
        series = instance.get("seriesid")
        return self._store.get(MASTER, series) if series else None

    def zone(self, master: Row) -> ZoneInfo:
        """The zone of whoever wrote the pattern: nothing on the row tells it."""
        return zone(str(self._store.notes(ZONES).get(master["activityid"], "UTC")))

    def keep_zone(self, master_id: str, where: ZoneInfo | None) -> None:
        self._store.note(ZONES, master_id, where.key if where else None)

    def pattern(self, master: Row) -> Pattern:
        return read_pattern(master, self.zone(master))

    def rows(self, master_id: str) -> list[Row]:
        """The instances that exist, in the order of the pattern."""
        rows = self._store.referring(APPOINTMENT, "seriesid", master_id)
        return sorted(rows, key=lambda row: str(row["originalstartdate"]))

    @staticmethod
    def deleted(master: Row) -> list[str]:
        text = master.get("deletedexceptionslist")
        return text.split(",") if text else []

    def find(self, master_id: str, original: str) -> Row | None:
        rows = self._store.referring(APPOINTMENT, "seriesid", master_id)
        return next((row for row in rows if row["originalstartdate"] == original), None)

    # --- one instance ---------------------------------------------------------------------------

    def insert(self, master: Row, occurrence: Occurrence, caller: Caller, **values: Any) -> Row:
        row = {name: master.get(name) for name in SHARED} | {
            "activityid": str(uuid4()),
            "seriesid": master["activityid"],
            "instancetypecode": INSTANCE,
            "originalstartdate": occurrence.start_text,
            "scheduledstart": occurrence.start_text,
            "scheduledend": as_text(occurrence.end),
            **values,
        }
        drafts = self.drafts(master["activityid"])
        return self._records.insert(TABLES[APPOINTMENT], row, drafts, caller)

    def drafts(self, activity_id: str) -> list[Row]:
        """The settable parties of an activity, to be set on another; deleted contacts stay behind."""
        return [
            {name: party[name] for name in PARTY_COLUMNS if party.get(name) is not None}
            for party in self._records.parties.of(activity_id)
            if party["participationtypemask"] not in IMPLICIT and not party.get("ispartydeleted")
        ]

    def neighbours(self, master: Row, original: datetime) -> tuple[Times | None, Times | None]:
        """The instance before and the one after, whether they exist already or not."""
        known = {row["originalstartdate"]: row for row in self.rows(master["activityid"])}
        gone = set(self.deleted(master))
        before: Times | None = None
        for occurrence in self.pattern(master).occurrences():
            if occurrence.start == original or occurrence.start_text in gone:
                continue
            times = _times(occurrence, known.get(occurrence.start_text))
            if occurrence.start > original:
                return before, times
            before = times
        return before, None


def is_instance(table: Table, row: Row) -> bool:
    return table.name == APPOINTMENT and row.get("instancetypecode") in RECURRING


def _times(occurrence: Occurrence, row: Row | None) -> Times:
    if row is None or not row.get("scheduledstart") or not row.get("scheduledend"):
        return Times(occurrence.start, occurrence.start, occurrence.end)
    start, end = (datetime.fromisoformat(row[name]) for name in ("scheduledstart", "scheduledend"))
    return Times(occurrence.start, start, end)
