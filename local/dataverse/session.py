"""Everything one request reads with: who asks, what that person sees, how answers are written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import parse_qs

from local.dataverse.call import Call
from local.dataverse.callers import Callers
from local.dataverse.conditions import Context
from local.dataverse.fetch_run import FetchRun
from local.dataverse.filters import Evaluator
from local.dataverse.navigation import Navigation
from local.dataverse.queries import Collections
from local.dataverse.representation import Annotations, Representation
from local.dataverse.security import Caller, Security
from local.dataverse.sharing import teams_of
from local.dataverse.store import Store


@dataclass(frozen=True)
class Session:
    store: Store
    caller: Caller
    context: Context
    navigation: Navigation
    evaluator: Evaluator
    representation: Representation

    @property
    def collections(self) -> Collections:
        return Collections(self.store, self.navigation, self.evaluator, self.representation)

    @property
    def fetch(self) -> FetchRun:
        return FetchRun(self.store, self.navigation, self.context, self.representation)


def open_session(call: Call, store: Store, security: Security, callers: Callers) -> Session:
    caller = replace(callers.caller(call.headers), tag=_tag(call))
    zone, unit = callers.zone(caller.user), callers.business_unit(caller.user)
    context = Context(caller, store.clock.now(), zone, unit, teams_of(store, caller.user))
    navigation = Navigation(store, security, caller)
    evaluator = Evaluator(navigation, context)
    wanted = call.preferences.get("odata.include-annotations", "")
    annotations = Annotations(tuple(part.strip() for part in wanted.split(",") if part.strip()))
    representation = Representation(store, navigation, evaluator, annotations, call.base_url)
    return Session(store, caller, context, navigation, evaluator, representation)


def _tag(call: Call) -> str | None:
    return next(iter(parse_qs(call.query).get("tag", [])), None)
