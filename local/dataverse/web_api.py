"""From a request to its answer: which resource it names and what is to be done with it."""

from __future__ import annotations

from dataclasses import replace

from local.dataverse.access_actions import AccessActions
from local.dataverse.actions import Actions
from local.dataverse.attribute_privileges import AttributePrivileges
from local.dataverse.bulk import BulkMessages
from local.dataverse.call import Call, Reply
from local.dataverse.callers import Callers
from local.dataverse.duplicates import Duplicates
from local.dataverse.errors import Refusal, refuse
from local.dataverse.filter_actions import FilterActions
from local.dataverse.metadata import Metadata
from local.dataverse.organization import absent_tables, organization
from local.dataverse.parameters import NAMESPACE
from local.dataverse.paths import Segment, row_key, segments
from local.dataverse.records import Records
from local.dataverse.row_routes import RowRoutes
from local.dataverse.schema import Table
from local.dataverse.security import Security
from local.dataverse.session import Session, open_session
from local.dataverse.set_routes import SetRoutes
from local.dataverse.store import Store
from local.dataverse.tables import ENTITY_SETS
from local.dataverse.tracking import ChangeTracking

URL_LIMIT = 32_768
BATCH_URL_LIMIT = 65_536


class WebApi:
    """Answers single requests. Everything happens in one go: no other request is answered meanwhile."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.security = Security(store)
        self.duplicates = Duplicates(store)
        self._callers = Callers(store)
        self.records = Records(store, self.security)
        self.tracking = ChangeTracking(store)
        self._rows = RowRoutes(store, self.records, self.security, self.duplicates)
        self._sets = SetRoutes(self.records, self.security, self.tracking)
        self._bulk = BulkMessages(self.records, self.duplicates)
        self._actions = Actions(store, self.records, self.security)
        self._filters = FilterActions(store, self.records)
        self._access = AccessActions(store, self.records, self.security)
        self._metadata = Metadata(self.security.fields)
        self._privileges = AttributePrivileges(self.records, self.security.fields, self._callers)

    def answer(self, call: Call) -> Reply:
        """The answer, also when it is a refusal. A refused request has changed nothing."""
        mark = len(self.records.events)
        try:
            with self._store.atomic():
                return self._dispatch(call)
        except Refusal as refusal:
            del self.records.events[mark:]
            return Reply(refusal.status, refusal.body(), dict(refusal.headers))

    def run_jobs(self) -> None:
        """What the server does of its own accord, when its time has come."""
        self.records.series.expansion.run_due()

    def resolve(self, call: Call) -> Call:
        """A path that begins with a Content-ID (``$1``) as the path of the row it stands for."""
        first, slash, rest = call.path.partition("/")
        known = call.references.get(first)
        return replace(call, path=f"{known}{slash}{rest}") if known else call

    def _dispatch(self, call: Call) -> Reply:
        path = segments(call.path)
        if not path or path[0].name == "$metadata":
            raise refuse("NotInStandIn", feature="the service document and $metadata")
        session = open_session(call, self._store, self.security, self._callers)
        first = path[0]
        if first.name == "WhoAmI" and len(path) == 1:
            return self._who_am_i(call, session)
        if first.name in Actions.UNBOUND and len(path) == 1 and call.method == "POST":
            return self._actions.unbound(call, session, first.name)
        if first.name in AccessActions.UNBOUND and len(path) == 1 and call.method == "POST":
            return self._access.unbound(call, session, first.name)
        if first.name in FilterActions.UNBOUND and len(path) == 1 and call.method == "POST":
            return self._filters.reset(call, session, first.name)
        if first.name in Metadata.ROOTS:
            return self._metadata.answer(call, path)
        table = ENTITY_SETS.get(first.name)
        if table is None or table.name in absent_tables(self._store):
            raise refuse("UnknownSegment", segment=first.name)
        if first.key is None:
            return self._set(call, session, table, path[1:])
        return self._row(call, session, table, row_key(table, first.key), path[1:])

    def _set(self, call: Call, session: Session, table: Table, rest: list[Segment]) -> Reply:
        name = rest[0].name if rest else ""
        if len(rest) > 1:
            raise refuse("UnknownSegment", segment=rest[1].name)
        if name == "$count" and call.method == "GET":
            return self._sets.count(call, session, table)
        if name.startswith(NAMESPACE) and call.method == "POST":
            message = name.removeprefix(NAMESPACE)
            if self._actions.is_on_set(table, message):
                return self._actions.create_exception(call, session)
            return self._bulk.answer(call, session, table, message)
        if name:
            raise refuse("UnknownSegment", segment=name)
        if call.method == "GET":
            return self._sets.get(call, session, table)
        if call.method == "POST":
            return self._rows.post(call, session, table)
        raise refuse("MethodNotAllowed", method=call.method)

    def _row(self, call: Call, session: Session, table: Table, row_id: str, rest: list[Segment]) -> Reply:
        if not rest:
            handlers = {"GET": self._rows.get, "PATCH": self._rows.patch, "DELETE": self._rows.delete}
            if call.method not in handlers:
                raise refuse("MethodNotAllowed", method=call.method)
            return handlers[call.method](call, session, table, row_id)
        name = rest[0].name
        if len(rest) == 1 and name.startswith(NAMESPACE) and call.method == "POST":
            return self._row_action(call, session, table, row_id, name.removeprefix(NAMESPACE))
        if len(rest) == 1 and name.startswith(NAMESPACE) and call.method == "GET":
            return self._row_function(call, session, table, row_id, name.removeprefix(NAMESPACE))
        if len(rest) == 1:
            return self._rows.property(call, session, table, row_id, rest[0].name)
        if len(rest) == 2 and rest[1].name == "$ref":
            return self._rows.reference(call, session, table, row_id, rest[0].name)
        raise refuse("UnknownSegment", segment=rest[1].name)

    def _row_action(self, call: Call, session: Session, table: Table, row_id: str, name: str) -> Reply:
        if AccessActions.is_on_row(table, name):
            return self._access.on_team(call, session, row_id, name)
        if FilterActions.is_on_row(table, name):
            return self._filters.instantiate(call, session, row_id, name)
        return self._actions.on_row(call, session, table, row_id, name)

    def _row_function(self, call: Call, session: Session, table: Table, row_id: str, name: str) -> Reply:
        if not AttributePrivileges.is_on_row(table, name):
            raise refuse("UnknownSegment", segment=name)
        return self._privileges.answer(call, session, table, row_id)

    def _who_am_i(self, call: Call, session: Session) -> Reply:
        body = {
            "@odata.context": f"{call.base_url}/$metadata#{NAMESPACE}WhoAmIResponse",
            "BusinessUnitId": session.context.business_unit,
            "UserId": session.caller.user,
            "OrganizationId": organization(self._store)["organizationid"],
        }
        return Reply(200, body)
