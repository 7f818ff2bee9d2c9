"""The admin API's handlers for what went wrong: alerts, and jobs that Service Bus gave up."""

from __future__ import annotations

import logging
import re
from typing import Any

from shared.jobs.messages import DYNAMICS_FEED, QUEUES
from shared.mailboxes.alerts import KEPT
from shared.model.alert import Alert
from shared.model.dead_letter import DeadLetter
from shared.web import views
from shared.web.call import Call, text
from shared.web.http import Answer, BadRequest, json_answer

PAGE = 100
REPLAY, DROP = ACTIONS = ("replay", "drop")
LETTER_ID = re.compile(r"[0-9]{17}-[0-9a-f]{16}")

log = logging.getLogger("sync.admin")


async def alerts(call: Call) -> Answer:
    """Those that go on first, then the newest."""
    wanted = call.request.query.get("all", "false")
    if wanted not in ("true", "false"):
        raise BadRequest("'all' must be true or false.")
    after = call.services.now() - KEPT
    found = [
        alert
        for alert in await call.services.alerts.all()
        if alert.active or (wanted == "true" and alert.cleared_at is not None and alert.cleared_at >= after)
    ]
    return json_answer(200, {"value": [views.alert_json(alert) for alert in sorted(found, key=_order)]})


def _order(alert: Alert) -> tuple[bool, float]:
    return not alert.active, -(alert.raised_at or alert.first_seen_at).timestamp()


async def dead_letters(call: Call) -> Answer:
    query = call.request.query
    mailbox, queue, after = query.get("mailbox", ""), query.get("queue", ""), query.get("after", "")
    if queue and queue not in QUEUES:
        raise BadRequest(f"'queue' must be one of: {', '.join(QUEUES)}.")
    if after and not LETTER_ID.fullmatch(after):
        raise BadRequest("'after' is not from one of our links.")
    letters, more = await call.services.dead_letters.page(
        session=mailbox or None, queue=queue or None, limit=PAGE, after=after
    )
    view: dict[str, Any] = {"value": [views.dead_letter_json(letter) for letter in letters]}
    if more:
        given = {name: value for name, value in (("mailbox", mailbox), ("queue", queue)) if value}
        view["nextLink"] = call.link("deadletters", **given, after=letters[-1].id)
    return json_answer(200, view)


async def act(call: Call) -> Answer:
    """Replay or drop. The message is sent before the record goes: rather a job twice than none."""
    letter = await _letter(call)
    action = text(call.body("action"), "action")
    if action not in ACTIONS:
        raise BadRequest(f"'action' must be one of: {', '.join(ACTIONS)}.")
    if action == REPLAY:
        await _replay(call, letter)
    await call.services.dead_letters.remove(letter.id)
    log.info("dead letter %s of %s: %s", letter.id, letter.queue, action)
    return json_answer(200, {**views.dead_letter_json(letter), "action": action})


async def _letter(call: Call) -> DeadLetter:
    name = call.parts["id"]
    found = await call.services.dead_letters.get(name) if LETTER_ID.fullmatch(name) else None
    if found is None:
        raise BadRequest(
            "There is no dead letter with this id; GET /deadletters lists them.", status=404, code="notFound"
        )
    return found


async def _replay(call: Call, letter: DeadLetter) -> None:
    """A mailbox that waits because its jobs died would not follow its hint: it is asked for now."""
    if letter.queue != DYNAMICS_FEED and await call.services.registry.get(letter.session) is not None:
        await call.services.registry.patch(letter.session, retry_at=None)
    await call.services.jobs.resend(letter.queue, letter.session, letter.body)
