"""The admin API: its routes, in one table that the dispatcher and the OpenAPI description both read."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, replace
from typing import Any

from shared.engine.ports import PendingDecision
from shared.engine.services import Services
from shared.errors import Conflict, NotFound, SyncError, Throttled
from shared.mailboxes import life_cycle
from shared.mailboxes.life_cycle import Rejected
from shared.plain_words import sentence
from shared.web import postponing, profiles, questions, views, watch
from shared.web.call import PATIENCE, Call, Examine, Handler, Patience, text
from shared.web.http import Answer, BadRequest, Request, error_answer, json_answer
from shared.web.principal import Principal, principal_of

PAGE = 100
ADDRESS = re.compile(r"[^\s@<>/\\]{1,64}@[^\s@<>/\\]{1,255}")

log = logging.getLogger("sync.admin")

# --- mailboxes ------------------------------------------------------------------------------------


async def _add_mailbox(call: Call) -> Answer:
    body = call.body("address", "dynamicsUser", "enable", "profile")
    address, user = text(body, "address"), text(body, "dynamicsUser")
    profile = text({"profile": "default", **body}, "profile")
    enable = body.get("enable", True)
    if not isinstance(enable, bool):
        raise BadRequest("'enable' must be true or false.")
    if not ADDRESS.fullmatch(address):
        raise BadRequest("'address' must be an e-mail address.")
    if not profiles.PROFILE_ID.fullmatch(profile):
        raise life_cycle.unknown_profile(profile)
    mailbox, new = await life_cycle.subscribe(call.services, address, user, enable=enable, profile=profile)
    return json_answer(201 if new else 200, views.mailbox_json(mailbox, call.services.now()))


async def _list_mailboxes(call: Call) -> Answer:
    after = call.request.query.get("after", "")
    everyone = sorted([m async for m in call.services.registry.all()], key=lambda m: m.id)
    rest = [m for m in everyone if m.id > after]
    now = call.services.now()
    view: dict[str, Any] = {"value": [views.mailbox_json(m, now) for m in rest[:PAGE]]}
    if len(rest) > PAGE:
        view["nextLink"] = call.link("mailboxes", after=rest[PAGE - 1].id)
    return json_answer(200, view)


async def _get_mailbox(call: Call) -> Answer:
    mailbox = await call.mailbox()
    services = call.services
    agenda = await services.store.agenda(mailbox.id, inbox_limit=PAGE)
    counts: dict[str, int] = {}
    async for link in services.store.links(mailbox.id):
        counts[link.state.value] = counts.get(link.state.value, 0) + 1
    rows = await services.subscriptions.of_mailbox(mailbox.id)
    return json_answer(200, views.mailbox_details(mailbox, services.now(), agenda, counts, rows))


async def _delete_mailbox(call: Call) -> Answer:
    await life_cycle.remove(call.services, await call.mailbox())
    return Answer(204)


async def _change_state(call: Call) -> Answer:
    verb = call.request.path.rsplit("/", 1)[-1]
    mailbox = await life_cycle.change_state(call.services, await call.mailbox(), verb)
    return json_answer(200, views.mailbox_json(mailbox, call.services.now()))


async def _sync_now(call: Call) -> Answer:
    mailbox = await call.mailbox()
    if mailbox.state.value != "active":
        raise BadRequest(
            f"The mailbox is {mailbox.state}; enable or resume it first.", status=409, code="notActive"
        )
    await call.services.jobs.again(mailbox.id, "sync now")
    return json_answer(202, {"id": mailbox.id, "state": mailbox.state.value})


# --- what happened --------------------------------------------------------------------------------


async def _history(call: Call) -> Answer:
    mailbox = await call.mailbox()
    item = questions.item_of(call)
    after = call.request.query.get("after") or None
    try:
        rows, more = await call.services.history.of_item(mailbox.id, item or None, limit=PAGE, after=after)
    except ValueError as error:
        raise BadRequest("'after' is not from one of our links.") from error
    view: dict[str, Any] = {"value": [views.history_json(row) for row in rows]}
    if more:
        query = {"item": item, "after": more} if item else {"after": more}
        view["nextLink"] = call.link(f"mailboxes/{mailbox.id}/history", **query)
    return json_answer(200, view)


# --- decisions ------------------------------------------------------------------------------------


async def _decisions(call: Call) -> Answer:
    waiting = await call.services.decisions.of_mailbox(call.request.query.get("mailbox") or None)
    return json_answer(200, {"value": [views.decision_json(d) for d in waiting if not d.answer]})


async def _answer_decision(call: Call) -> Answer:
    decision = await call.services.decisions.get(call.parts["id"])
    if decision is None:
        raise BadRequest(
            "There is no decision with this id; GET /decisions lists those that wait.",
            status=404,
            code="notFound",
        )
    answer = text(call.body("answer"), "answer")
    allowed = {"go-on", "drop", *(candidate.id for candidate in decision.candidates)}
    if answer not in allowed:
        raise BadRequest(f"'answer' must be one of: {', '.join(sorted(allowed))}.")
    await _store_answer(call, decision, answer)
    return json_answer(200, {**views.decision_json(decision), "answer": answer})


async def _store_answer(call: Call, decision: PendingDecision, answer: str) -> None:
    if decision.answer and decision.answer != answer:
        raise BadRequest(f"It was answered already: {decision.answer}.", status=409, code="answered")
    await call.services.decisions.put(replace(decision, answer=answer))
    await call.services.jobs.again(decision.mailbox, "decision")


async def _doctor(call: Call) -> Answer:
    """From here, with the rights of the deployed worker (``shared/doctor``)."""
    if call.examine is None:
        raise BadRequest(
            "This function app cannot examine itself; run python -m shared.doctor.",
            status=404,
            code="notFound",
        )
    return json_answer(200, {"value": list(await call.examine())})


# --- the table ------------------------------------------------------------------------------------


async def _describe(_call: Call) -> Answer:
    from shared.web.openapi import description  # made from the table below

    return json_answer(200, description())


@dataclass(frozen=True, slots=True)
class Route:
    """``statuses``: what it answers besides 401, 403 and failures. ``reads``: changes nothing, so that
    Sync.Reader may call it; by default what GET does."""

    method: str
    path: str
    handler: Handler
    summary: str
    statuses: tuple[int, ...] = (200,)
    reads: bool = False

    @property
    def for_readers(self) -> bool:
        return self.reads or self.method == "GET"

    def match(self, path: str) -> dict[str, str] | None:
        found = re.fullmatch(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", self.path), path)
        return found.groupdict() if found else None


_QUESTION = (200, 202, 400, 404)
ROUTES: tuple[Route, ...] = (
    Route("POST", "mailboxes", _add_mailbox, "Subscribe a mailbox", (201, 200, 400, 404, 409)),
    Route("GET", "mailboxes", _list_mailboxes, "List the mailboxes"),
    Route("GET", "mailboxes/{id}", _get_mailbox, "One mailbox: state, feeds, last pass, counts", (200, 404)),
    Route("DELETE", "mailboxes/{id}", _delete_mailbox, "Stop a mailbox; all items stay", (204, 404, 409)),
    Route("POST", "mailboxes/{id}/enable", _change_state, "Enable a mailbox", (200, 404, 409)),
    Route("POST", "mailboxes/{id}/pause", _change_state, "Pause a mailbox", (200, 404, 409)),
    Route("POST", "mailboxes/{id}/resume", _change_state, "Resume a mailbox", (200, 404, 409)),
    Route(
        "POST",
        "mailboxes/{id}/postpone",
        postponing.postpone,
        "Do nothing in a mailbox before a time",
        (200, 400, 404),
    ),
    Route("POST", "mailboxes/{id}/sync", _sync_now, "Sync now", (202, 404, 409)),
    Route(
        "POST", "mailboxes/{id}/preview", questions.preview, "What a pass would do now", _QUESTION, reads=True
    ),
    Route(
        "POST",
        "mailboxes/{id}/verify",
        questions.verify,
        "Compare the mailbox with Dynamics as both are now, and mend what drifted if told to",
        (*_QUESTION, 409),
    ),
    Route("GET", "mailboxes/{id}/explain", questions.explain, "The decision for one item now", _QUESTION),
    Route(
        "GET",
        "mailboxes/{id}/answers/{number}",
        questions.answer,
        "The answer to a question",
        (200, 202, 404),
    ),
    Route(
        "GET", "mailboxes/{id}/history", _history, "What was decided, when, by which rule", (200, 400, 404)
    ),
    Route("GET", "decisions", _decisions, "What waits for an administrator"),
    Route("POST", "decisions/{id}", _answer_decision, "Answer a decision", (200, 400, 404, 409)),
    Route("GET", "alerts", watch.alerts, "What is wrong now; with all=true what was lately, too", (200, 400)),
    Route("GET", "deadletters", watch.dead_letters, "Jobs that Service Bus gave up", (200, 400)),
    Route(
        "POST", "deadletters/{id}", watch.act, "Send a dead job again, or drop its record", (200, 400, 404)
    ),
    Route("GET", "profiles", profiles.list_all, "List the profiles"),
    Route("GET", "profiles/{id}", profiles.get, "One profile", (200, 404)),
    Route("PUT", "profiles/{id}", profiles.put, "Change a profile's settings", (200, 400)),
    Route("GET", "profiles/{id}/fields", profiles.get_fields, "Fields and their directions", (200, 400, 404)),
    Route("PUT", "profiles/{id}/fields", profiles.put_fields, "Change where fields go", (200, 400, 404)),
    Route(
        "GET",
        "profiles/{id}/settings",
        profiles.get_settings,
        "The organization's settings as this profile has them",
        (200, 404),
    ),
    Route("POST", "doctor", _doctor, "Check permissions, settings, queues, feeds and the clock"),
    Route("GET", "openapi.json", _describe, "This description"),
)


async def handle(
    services: Services,
    request: Request,
    admin_auth: str,
    patience: Patience = PATIENCE,
    examine: Examine | None = None,
) -> Answer:
    """Authorise, dispatch, and turn every failure into a plain sentence."""
    try:
        principal = principal_of(request, admin_auth)
        if not principal.may_read:
            return _forbidden()
        return await _dispatch(Call(services, request, {}, patience, examine), principal)
    except BadRequest as error:
        return error_answer(error.status, error.code, str(error))
    except Rejected as error:
        return error_answer(error.status or 400, error.code, str(error))
    except SyncError as error:
        log.warning("admin call failed: %s %s", type(error).__name__, error.code)
        return _failed(error)


def _forbidden() -> Answer:
    return error_answer(403, "forbidden", "This needs the app role Sync.Admin (Sync.Reader to read).")


_STATUSES: tuple[tuple[type[SyncError], int, str], ...] = (
    (Conflict, 409, "conflict"),
    (NotFound, 404, "notFound"),
    (Throttled, 503, "throttled"),
)


def _failed(error: SyncError) -> Answer:
    status, code = next(
        ((status, code) for kind, status, code in _STATUSES if isinstance(error, kind)),
        (502, error.code or type(error).__name__),
    )
    answer = error_answer(status, code, sentence(error))
    if isinstance(error, Throttled):
        return replace(answer, headers={**answer.headers, "Retry-After": str(int(error.retry_after) + 1)})
    return answer


async def _dispatch(call: Call, principal: Principal) -> Answer:
    request = call.request
    path = request.path.strip("/")
    found = [(route, parts) for route in ROUTES if (parts := route.match(path)) is not None]
    if not found:
        return error_answer(404, "notFound", "There is nothing at this address; see /api/admin/openapi.json.")
    for route, parts in found:
        if route.method == request.method:
            if not (route.for_readers or principal.may_write):
                return _forbidden()
            answer = await route.handler(replace(call, parts=parts))
            if not route.for_readers:
                log.info("%s %s by %s: %d", route.method, route.path, principal.id, answer.status)
            return answer
    allowed = ", ".join(sorted(route.method for route, _ in found))
    answer = error_answer(405, "methodNotAllowed", f"Allowed here: {allowed}.")
    return replace(answer, headers={**answer.headers, "Allow": allowed})
