"""A push of Dynamics about a sync filter: somebody's own, or one of the system (FLT-3).

No feed tells of filters, and nobody lists other people's. So the message says which one, and who did it: ids,
never what the filter says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.model.feed_tables import PUSH

USER_FILTER, SYSTEM_FILTER = "userquery", "savedquery"
FILTER_TABLES = frozenset({USER_FILTER, SYSTEM_FILTER})
ABOUT_SYSTEM = f"{PUSH} {SYSTEM_FILTER}"
_ABOUT_USER = f"{PUSH} {USER_FILTER}"


@dataclass(frozen=True, slots=True)
class FilterPush:
    """``users``: who is said to have changed it, and for whom."""

    filter_id: str
    users: tuple[str, ...]

    @property
    def cause(self) -> str:
        """What the push is called on the queue."""
        return " ".join((_ABOUT_USER, self.filter_id, *self.users))


def from_context(context: Mapping[str, Any]) -> FilterPush:
    """Of what Dataverse posts. Raises ValueError when it is nothing of the kind."""
    users = dict.fromkeys(_id(context.get(name)) for name in ("UserId", "InitiatingUserId"))
    return FilterPush(_id(context.get("PrimaryEntityId")), tuple(users))


def from_cause(cause: str) -> FilterPush | None:
    """None: the cause is about something else. Raises ValueError when it is cut or torn."""
    if not cause.startswith(f"{_ABOUT_USER} "):
        return None
    filter_id, *users = cause.removeprefix(f"{_ABOUT_USER} ").split(" ")
    return FilterPush(_id(filter_id), tuple(_id(user) for user in users))


def shown(cause: str) -> str:
    """A cause as it may stand in a log: without ids."""
    return " ".join(cause.split(" ")[:2]) if cause.startswith(PUSH) else cause


def _id(value: object) -> str:
    return str(UUID(str(value)))
