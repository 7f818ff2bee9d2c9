"""Planned faults: the answers they give instead of the real one."""

from __future__ import annotations

from local.dataverse.call import Reply
from local.dataverse.errors import ERRORS

CODES = {429: ERRORS["TooManyRequests"].code, 500: "0x80040216", 502: "0x80040216", 503: "0x80044151"}


def faulty_reply(status: int, retry_after: int | None) -> Reply:
    """A 429 always says when to come back, as the real service does."""
    wait = retry_after if retry_after is not None or status != 429 else 1
    headers = {} if wait is None else {"Retry-After": str(wait)}
    message = f"The stand-in was told to answer {status}."
    return Reply(status, {"error": {"code": CODES.get(status, "0x80040216"), "message": message}}, headers)
