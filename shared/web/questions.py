"""Questions to a mailbox: preview, explain, verify. They are answered in the mailbox's session; a call waits
for the answer, or says where it will be."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Mapping
from typing import Any

from shared.engine.looking import item_id
from shared.engine.verify_progress import PROGRESS
from shared.mailboxes import verification
from shared.model.mailbox import Mailbox, MailboxState
from shared.web.call import ID_LIMIT, Call
from shared.web.http import Answer, BadRequest, json_answer

PAGE = 100
ANSWER_ID = re.compile(r"[0-9a-f]{16}")
NUMBER = re.compile(r"[0-9]{1,6}")


async def preview(call: Call) -> Answer:
    return await _ask(call, "preview", {})


async def explain(call: Call) -> Answer:
    return await _ask(call, "explain", {"item": item_of(call, required=True)})


async def verify(call: Call) -> Answer:
    """Reports only, unless the body says ``mend``: then what drifted waits for the passes of the mailbox,
    which must be active."""
    mend = call.body("mend").get("mend", False)
    if not isinstance(mend, bool):
        raise BadRequest("'mend' must be true or false.")
    mailbox = await call.mailbox()
    if mend and mailbox.state is not MailboxState.ACTIVE:
        raise BadRequest(
            f"The mailbox is {mailbox.state}; enable or resume it first, or verify without mending.",
            status=409,
            code="notActive",
        )
    return await _ask(call, verification.CAUSE, {"mend": mend})


def item_of(call: Call, *, required: bool = False) -> str:
    """Either side's id: Exchange's as it is, a GUID in any spelling."""
    text = call.request.query.get("item", "").strip()
    if required and not text:
        raise BadRequest("Say which item: ?item=<Exchange id or Dynamics id>.")
    if len(text) > ID_LIMIT:
        raise BadRequest("'item' is longer than any id.")
    return item_id(text)


async def answer(call: Call) -> Answer:
    """What a question came to; of a verification that is under way, what was found so far."""
    mailbox, number = await call.mailbox(), call.parts["number"]
    if not ANSWER_ID.fullmatch(number):
        raise BadRequest(
            "There is no answer with this number; ask the question anew.", status=404, code="notFound"
        )
    found = await call.services.answers.get(mailbox.id, number)
    return _not_yet(call, mailbox, number) if found is None else _answered(call, mailbox, number, found)


async def _ask(call: Call, what: str, options: dict[str, str | bool]) -> Answer:
    mailbox = await call.mailbox()
    number = secrets.token_hex(8)
    await call.services.jobs.ask(mailbox.id, what, number, options)
    loop = asyncio.get_running_loop()
    until = loop.time() + call.patience.wait
    while loop.time() < until:
        found = await call.services.answers.get(mailbox.id, number)
        if found is not None and PROGRESS not in found:
            return _answered(call, mailbox, number, found)
        await asyncio.sleep(call.patience.every)
    return _not_yet(call, mailbox, number)


def _not_yet(call: Call, mailbox: Mailbox, number: str) -> Answer:
    where = call.link(f"mailboxes/{mailbox.id}/answers/{number}")
    return json_answer(202, {"status": "the mailbox is busy; ask again at Location"}, Location=where)


def _answered(call: Call, mailbox: Mailbox, number: str, found: Mapping[str, Any]) -> Answer:
    if "error" in found:
        return json_answer(502, found)
    view = {name: part for name, part in found.items() if name != PROGRESS}
    if "value" not in view:
        return json_answer(200, view)
    after = call.request.query.get("after", "0")
    if not NUMBER.fullmatch(after):
        raise BadRequest("'after' is not from one of our links.")
    rows = view["value"][int(after) :]
    view["value"] = rows[:PAGE]
    if len(rows) > PAGE:
        where = f"mailboxes/{mailbox.id}/answers/{number}"
        view["nextLink"] = call.link(where, after=str(int(after) + PAGE))
    return json_answer(200, view)
