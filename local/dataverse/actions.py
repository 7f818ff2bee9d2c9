"""The actions on appointments and series, with the binding and parameters of their Web API reference."""

from __future__ import annotations

from typing import Any, ClassVar

from local.dataverse.booking import Booking
from local.dataverse.call import Call, Reply
from local.dataverse.errors import refuse
from local.dataverse.expansion import FULL
from local.dataverse.instances import APPOINTMENT, MASTER, SHARED, is_instance
from local.dataverse.options import Options
from local.dataverse.parameters import NAMESPACE, Entity, Parameters, row_id
from local.dataverse.pattern import END_DATE, local_day, midnight
from local.dataverse.payload import Changes, PayloadReader
from local.dataverse.records import Records
from local.dataverse.representation import etag
from local.dataverse.schema import Table
from local.dataverse.security import Security
from local.dataverse.session import Session
from local.dataverse.store import Row, Store
from local.dataverse.tables import TABLES
from local.dataverse.values import as_text

SERVICE = "serviceappointment"
NOT_CLOSED = frozenset({0, 3})
CANCELED = 2


class Actions:
    UNBOUND: ClassVar[frozenset[str]] = frozenset(
        {"Book", "Reschedule", "Validate", "CreateInstance", "DeleteOpenInstances"}
    )

    def __init__(self, store: Store, records: Records, security: Security) -> None:
        self._store = store
        self._records = records
        self._security = security
        self._series = records.series
        self._booking = Booking(store, records)

    # --- where a request may lead -----------------------------------------------------------------

    def unbound(self, call: Call, session: Session, name: str) -> Reply:
        handlers = {
            "Book": self._book,
            "Reschedule": self._book,
            "Validate": self._validate,
            "CreateInstance": self._create_instance,
            "DeleteOpenInstances": self._delete_open_instances,
        }
        return handlers[name](call, session, name)

    def is_on_set(self, table: Table, name: str) -> bool:
        return table.name == MASTER and name == "CreateException"

    def on_row(self, call: Call, session: Session, table: Table, key: str, name: str) -> Reply:
        if table.name != APPOINTMENT or name != "AddRecurrence":
            raise refuse("UnknownSegment", segment=f"{NAMESPACE}{name}")
        return self._add_recurrence(call, session, self._records.get(table, key))

    # --- exceptions and instances -----------------------------------------------------------------

    def create_exception(self, call: Call, session: Session) -> Reply:
        name = "CreateException"
        parameters = Parameters(call, name, ("Target", "OriginalStartDate", "IsDeleted"))
        table, target = parameters.entity("Target", APPOINTMENT)
        original, deleted = parameters.moment("OriginalStartDate"), parameters.flag("IsDeleted")
        master = self._series_of(table, target)
        self._security.require("write", session.caller, TABLES[MASTER], master)
        reader = PayloadReader(call.references)
        wanted = None if deleted else reader.read(table, target, creating=False)
        window = self._series.expansion.window()
        key = self._series.exceptions.create(master, original, wanted, window, session.caller)
        return _response(call, name, {"id": key})

    def _series_of(self, table: Table, target: dict[str, Any]) -> Row:
        """The series that the target names, itself or through the instance that it is."""
        series = target.get("seriesid")
        if series is None and row_id(table, target):
            series = (self._store.get(table.name, row_id(table, target) or "") or {}).get("seriesid")
        found = self._store.get(MASTER, str(series).lower()) if series else None
        if found is None:
            raise refuse("InvalidSeriesId", series=series)
        return found

    def _create_instance(self, call: Call, session: Session, name: str) -> Reply:
        parameters = Parameters(call, name, ("Target", "Count"))
        master = self._master(session, parameters.entity("Target", MASTER))
        if master["expansionstatecode"] == FULL:
            raise refuse("SeriesComplete", series=master["activityid"])
        count = parameters.number("Count")
        if count < 1:
            raise refuse("InvalidArgument", message="Count must be at least 1.")
        expanded = self._series.expansion.expand(master, count, session.caller)
        return _response(call, name, {"SeriesCanBeExpanded": expanded["expansionstatecode"] != FULL})

    def _delete_open_instances(self, call: Call, session: Session, name: str) -> Reply:
        """Ends a series: what is open after the date goes, what is open before it gets the given state."""
        parameters = Parameters(call, name, ("Target", "SeriesEndDate", "StateOfPastInstances"))
        master = self._master(session, parameters.entity("Target", MASTER))
        end, state = parameters.moment("SeriesEndDate"), parameters.number("StateOfPastInstances")
        table = TABLES[APPOINTMENT]
        if state not in table.state_defaults:
            raise refuse("InvalidOption", value=state, column="statecode", table=table.name)
        rows = self._series.instances.rows(master["activityid"])
        past = [row for row in rows if row["originalstartdate"] < as_text(end)]
        for row in rows:
            if row["statecode"] not in NOT_CLOSED:
                continue
            if row in past:
                values = {"statecode": state, "statuscode": table.state_defaults[state]}
                self._records.rewrite(table, row, values, None, session.caller)
            else:
                self._records.erase(table, row, session.caller)
        self._end(master, past, session)
        return Reply(204)

    def _end(self, master: Row, past: list[Row], session: Session) -> None:
        values: Row = {
            "statecode": CANCELED,
            "statuscode": TABLES[MASTER].state_defaults[CANCELED],
            "expansionstatecode": FULL,
            "nextexpansioninstancedate": None,
        }
        if past:
            zone = self._series.instances.zone(master)
            day = midnight(local_day(past[-1]["originalstartdate"], zone), zone)
            ended = {"patternendtype": END_DATE, "patternenddate": day, "effectiveenddate": day}
            values |= {**ended, "occurrences": None}
        self._series.expansion.end(master["activityid"])
        self._records.rewrite(TABLES[MASTER], master, values, None, session.caller)

    def _master(self, session: Session, entity: Entity) -> Row:
        table, target = entity
        master = self._records.get(table, row_id(table, target) or "")
        self._security.require("write", session.caller, table, master)
        return master

    # --- an appointment becomes a series ----------------------------------------------------------

    def _add_recurrence(self, call: Call, session: Session, row: Row) -> Reply:
        """A new master takes what the appointment has; the appointment is deleted."""
        table = TABLES[APPOINTMENT]
        self._security.require("write", session.caller, table, row)
        if is_instance(table, row):
            raise refuse("InvalidInstanceType", message="it belongs to a series already.")
        _, target = Parameters(call, "AddRecurrence", ("Target",)).entity("Target", MASTER)
        wanted = PayloadReader(call.references).read(TABLES[MASTER], target, creating=True)
        master = self._records.create(TABLES[MASTER], self._with_row(wanted, row), session.caller)
        self._records.delete(table, self._records.get(table, row["activityid"]), session.caller)
        body = {"@odata.context": f"{call.base_url}/$metadata#{TABLES[MASTER].entity_set}/$entity"}
        body |= session.representation.row(TABLES[MASTER], master, Options())
        return Reply(200, body, {"ETag": etag(master)})

    def _with_row(self, wanted: Changes, row: Row) -> Changes:
        copied = {name: row[name] for name in SHARED if row.get(name) is not None and name != "statecode"}
        for name, column in (("starttime", "scheduledstart"), ("endtime", "scheduledend")):
            if row.get(column) and name not in wanted.values:
                copied[name] = row[column]
        if "duration" in wanted.values:
            copied.pop("endtime", None)
        state = wanted.state
        if state is None and "statuscode" not in wanted.values:
            state = row["statecode"]
        elif "statuscode" not in wanted.values:
            copied.pop("statuscode")
        parties = wanted.parties
        if parties is None:
            parties = self._series.instances.drafts(row["activityid"])
        return Changes({**copied, **wanted.values}, parties, state)

    # --- booking --------------------------------------------------------------------------------

    def _book(self, call: Call, session: Session, name: str) -> Reply:
        parameters = Parameters(call, name, ("Target", "ReturnNotifications"))
        entity = parameters.entity("Target", APPOINTMENT, MASTER, SERVICE)
        run = self._booking.book if name == "Book" else self._booking.reschedule
        result = run(entity, PayloadReader(call.references), session.caller)
        return _response(call, name, {"ValidationResult": result, "Notifications": []})

    def _validate(self, call: Call, session: Session, name: str) -> Reply:
        entities = Parameters(call, name, ("Activities",)).entities(
            "Activities", APPOINTMENT, MASTER, SERVICE
        )
        reader = PayloadReader(call.references)
        results = [self._booking.validate(entity, reader, session.caller) for entity in entities]
        return _response(call, name, {"Result": results})


def _response(call: Call, name: str, body: dict[str, Any]) -> Reply:
    context = f"{call.base_url}/$metadata#{NAMESPACE}{name}Response"
    return Reply(200, {"@odata.context": context, **body})
