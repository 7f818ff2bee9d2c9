"""Change tracking: everything once, then only what changed, and the ids of what is gone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from local.dataverse.errors import refuse
from local.dataverse.options import Options, read_options
from local.dataverse.queries import context, decode_cookie, encode_cookie, link
from local.dataverse.representation import Representation
from local.dataverse.schema import Table
from local.dataverse.store import Store

FORBIDDEN = ("$filter", "$orderby", "$expand", "$top")
TOKEN = re.compile(r"^(\d+)!(\d\d/\d\d/\d{4} \d\d:\d\d:\d\d)$")
TOKEN_TIME = "%m/%d/%Y %H:%M:%S"  # noqa: S105 - a time format
DEAD = "tokens-dead-up-to"


class ChangeTracking:
    """The feed of one table. Tokens hold a row version and the time they were given out."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def expire_all(self) -> None:
        """Every token given out so far is dead: a token holds no version above the present one."""
        self._store.journal.put("meta", DEAD, self._store.next_version())

    def check(self, table: Table, query: dict[str, str]) -> None:
        if not table.change_tracking:
            raise refuse("ChangeTrackingNotEnabled", table=table.name)
        for option in FORBIDDEN:
            if option in query:
                raise refuse("NotWithChangeTracking", option=option)

    def answer(
        self,
        table: Table,
        query: dict[str, str],
        size: int,
        base_url: str,
        representation: Representation,
    ) -> dict[str, Any]:
        """One page; the last one carries the new delta link."""
        options = read_options(table, {k: v for k, v in query.items() if k == "$select"})
        select = {"$select": query["$select"]} if "$select" in query else {}
        cookie = self._position(query)
        since = cookie["since"]
        rows = self._store.changed_since(table.name, cookie["after"])
        page = rows[:size]
        delta = "" if since is None else "/$delta"
        body: dict[str, Any] = {"@odata.context": context(base_url, table, options, delta)}
        body["value"] = [representation.row(table, row, Options(options.select)) for row in page]
        if len(rows) > size:
            following = {**cookie, "after": page[-1]["versionnumber"]}
            token = encode_cookie(following)
            body["@odata.nextLink"] = link(base_url, table.entity_set, select, skiptoken=token)
            return body
        if since is not None:
            removed = self._store.removed_since(table.name, since)
            body["value"] += [_removed(base_url, table, row_id) for row_id in removed]
        token = self._token(cookie["start"])
        body["@odata.deltaLink"] = link(base_url, table.entity_set, select, deltatoken=token)
        return body

    def count(self, table: Table, token: str) -> int:
        """How many changes the delta of a token holds."""
        since = self._read_token(token)
        changed = self._store.changed_since(table.name, since)
        return len(changed) + len(self._store.removed_since(table.name, since))

    # --- inside ---------------------------------------------------------------------------------

    def _position(self, query: dict[str, str]) -> dict[str, Any]:
        """Where the page starts. ``start`` is the version at the first page: what changes while pages
        are read comes again in the next delta."""
        if "$skiptoken" in query:
            return decode_cookie(query["$skiptoken"])
        if "$deltatoken" in query:
            since = self._read_token(query["$deltatoken"])
            return {"since": since, "after": since, "start": self._store.version}
        return {"since": None, "after": 0, "start": self._store.version}

    def _token(self, version: int) -> str:
        return f"{version}!{self._store.clock.now().astimezone(UTC).strftime(TOKEN_TIME)}"

    def _read_token(self, text: str) -> int:
        match = TOKEN.match(text)
        if match is None:
            raise refuse("InvalidQuery", message="The delta token is not valid.")
        given = datetime.strptime(match[2], TOKEN_TIME).replace(tzinfo=UTC)
        version = int(match[1])
        dead = int(self._store.journal.get("meta", DEAD) or 0)
        if version < dead or self._store.clock.now() - given > self.lifetime():
            raise refuse("ExpiredVersionStamp")
        return version

    def lifetime(self) -> timedelta:
        organization = self._store.rows("organization")
        return timedelta(days=organization[0]["expirechangetrackingindays"] if organization else 7)


def _removed(base_url: str, table: Table, row_id: str) -> dict[str, Any]:
    return {
        "@odata.context": f"{base_url}/$metadata#{table.entity_set}/$deletedEntity",
        "id": row_id,
        "reason": "deleted",
    }
