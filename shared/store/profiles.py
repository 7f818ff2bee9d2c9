"""Table ``profiles``: the settings that mailboxes follow. ``default`` is there without a row."""

from __future__ import annotations

import json
from collections.abc import Sequence

from shared.model.profile import Profile
from shared.store import chunks, keys
from shared.store.codec import dumps, from_json, to_json
from shared.store.tables import Row, Tables

_PARTITION = "profile"


class TableProfileStore:
    def __init__(self, tables: Tables) -> None:
        self._table = tables.table("profiles")

    async def get(self, profile_id: str) -> Profile | None:
        row = await self._table.get(_PARTITION, keys.encode(profile_id))
        if row is not None:
            return _profile(row)
        return Profile() if profile_id == Profile().id else None

    async def put(self, profile: Profile) -> None:
        columns = chunks.text_columns("profile", dumps(to_json(profile)))
        await self._table.put({"PartitionKey": _PARTITION, "RowKey": keys.encode(profile.id), **columns})

    async def all(self) -> Sequence[Profile]:
        found = {Profile().id: Profile()}
        async for row in self._table.query("PartitionKey eq @p", {"p": _PARTITION}):
            profile = _profile(row)
            found[profile.id] = profile
        return [found[name] for name in sorted(found)]


def _profile(row: Row) -> Profile:
    return from_json(Profile, json.loads(chunks.text_of("profile", row)))
