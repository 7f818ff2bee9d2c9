"""The admin API's handler for mailboxes in which nothing is to be done for a while (MBX-15)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from shared.web import views
from shared.web.call import Call, text
from shared.web.http import Answer, BadRequest, json_answer

LONGEST = timedelta(days=366)


async def postpone(call: Call) -> Answer:
    """Hints and the net are not followed before that time; null: they are again. What an administrator asks
    for is done all the same."""
    mailbox, now = await call.mailbox(), call.services.now()
    until = _moment(call.body("until"))
    if until is not None and not now < until <= now + LONGEST:
        raise BadRequest(f"'until' must be a time to come, at most {LONGEST.days} days ahead, or null.")
    changed = {"postponed_until": until, "due_at": until or now}
    await call.services.registry.patch(mailbox.id, **changed)
    mailbox = replace(mailbox, postponed_until=until, due_at=until or now)
    return json_answer(200, views.mailbox_json(mailbox, now))


def _moment(body: dict[str, Any]) -> datetime | None:
    if "until" in body and body["until"] is None:
        return None
    try:
        found = datetime.fromisoformat(text(body, "until"))
    except ValueError as error:
        raise BadRequest("'until' must be a time like 2026-12-01T08:00:00Z, or null.") from error
    if found.tzinfo is None:
        raise BadRequest("'until' must say its time zone, as 2026-12-01T08:00:00Z does.")
    return found
