"""What a message says: which mailbox, or which organization's feed, and why. Never any data of an item."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, TypeVar

from shared.errors import Refused
from shared.model.values import Value

MAILBOX_SYNC = "mailbox-sync"
MAILBOX_BULK = "mailbox-bulk"
DYNAMICS_FEED = "dynamics-feed"
FIRST_SYNC = "first sync"
"""The cause of every slice."""
QUEUES = (MAILBOX_SYNC, MAILBOX_BULK, DYNAMICS_FEED)

SESSION_ID_LIMIT = 128
"""Service Bus allows no more characters in a session id."""

_T = TypeVar("_T", "Job", "FeedJob")


class BadMessage(Refused):
    """A message that is none of ours: nothing can be done with it, now or later."""


@dataclass(frozen=True, slots=True)
class Job:
    """Look at this mailbox. ``attempt`` counts retries of ours; ``after``: of a first sync, which generation
    of the fence it follows; ``request`` and ``options`` belong to a
    question (preview, explain) whose answer is waited for; ``traceparent`` ties the trace together."""

    mailbox: str
    cause: str
    attempt: int = 0
    request: str = ""
    options: Mapping[str, Value] = field(default_factory=dict)
    traceparent: str = ""
    after: int = 0


@dataclass(frozen=True, slots=True)
class FeedJob:
    """Read the change feed of this organization."""

    organization: str
    cause: str
    attempt: int = 0
    traceparent: str = ""


def to_text(job: Job | FeedJob) -> str:
    """The message body; what has its default is left out."""
    return json.dumps({name: value for name, value in asdict(job).items() if value not in ("", 0, {})})


def job(body: str | bytes, session: str | None = None) -> Job:
    """The job of a message of ``mailbox-sync`` or ``mailbox-bulk``. Raises BadMessage; also where it stands
    in another mailbox's session, for then two passes of one mailbox could run side by side."""
    found = _parsed(Job, body, "mailbox")
    _check_session(found.mailbox, session)
    return found


def feed_job(body: str | bytes, session: str | None = None) -> FeedJob:
    """The job of a message of ``dynamics-feed``, in its organization's session. Raises BadMessage."""
    found = _parsed(FeedJob, body, "organization")
    _check_session(found.organization, session)
    return found


def _check_session(expected: str, session: str | None) -> None:
    if session is not None and session != expected:
        raise BadMessage("not a job: it stands in another session than its own")


def _parsed(kind: type[_T], body: str | bytes, session: str) -> _T:
    data: dict[str, Any] = _json_object(body)
    known = {each.name for each in fields(kind)}
    problems = [*_wrong_texts(data, required=(session, "cause")), *_wrong_others(data)]
    if problems:
        raise BadMessage(f"not a job: {'; '.join(problems)}")
    return kind(**{name: value for name, value in data.items() if name in known})


def _json_object(body: str | bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except ValueError as error:
        raise BadMessage(f"not a job: the body is not JSON ({error})") from error
    if not isinstance(data, dict):
        raise BadMessage("not a job: the body is not a JSON object")
    return data


def _wrong_texts(data: dict[str, Any], required: tuple[str, ...]) -> list[str]:
    missing = [f"{name} is missing" for name in required if not data.get(name)]
    texts = (*required, "request", "traceparent")
    return missing + [f"{name} is not a text" for name in texts if not isinstance(data.get(name, ""), str)]


def _wrong_others(data: dict[str, Any]) -> list[str]:
    options = data.get("options", {})
    problems = [f"{name} is not a count" for name in ("attempt", "after") if not _is_count(data.get(name, 0))]
    if not isinstance(options, dict):
        problems.append("options is not an object")
    return problems


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def bucket_end(now: datetime) -> datetime:
    """When the one-second bucket of ``now`` is over: the time at which its one message is delivered, so
    that the pass sees everything that the merged hints were about."""
    return datetime.fromtimestamp(math.floor(now.timestamp()) + 1, UTC)


def merge_key(session: str, cause: str, now: datetime) -> str:
    """The message id shared by all hints of one cause within a second. A hash, as ids hold 128 characters."""
    return _hashed(session, cause, math.floor(now.timestamp()))


def slice_key(mailbox: str, after: int, attempt: int) -> str:
    """The message id of whoever asks for the slice that follows this generation of the fence."""
    return _hashed(mailbox, FIRST_SYNC, after, attempt)


def _hashed(*parts: str | int) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
