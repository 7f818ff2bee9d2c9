"""Field-level security (FLD-35): which synchronized columns are secured, and what a user may do with them.

A secured column that a user may not read shows as empty, which must not be taken for a change. Both answers
are remembered for an hour: that is how long a right that was just taken away may go unnoticed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from shared.dynamics.dataverse.client import Client
from shared.dynamics.dataverse.errors import Now
from shared.dynamics.dataverse.messages import Json
from shared.dynamics.dataverse.odata import address, guid
from shared.model.personal import FieldRights
from shared.rules.field_table import of_entity

REMEMBERED = timedelta(hours=1)
NOT_ALLOWED = 0
PRIVILEGES = "Microsoft.Dynamics.CRM.RetrievePrincipalAttributePrivileges"
Said = TypeVar("Said")


@dataclass(frozen=True, slots=True)
class _Remembered(Generic[Said]):
    said: Said
    until: datetime


class FieldSecurity:
    """Of one organization. Nothing is asked about a user while no synchronized column is secured."""

    def __init__(self, client: Client, now: Now) -> None:
        self._client = client
        self._now = now
        self._columns: dict[str, _Remembered[Mapping[str, str]]] = {}
        self._privileges: dict[str, _Remembered[Mapping[str, Json]]] = {}

    async def rights(self, table: str, as_user: str) -> FieldRights:
        secured = await self._remembered(self._columns, table, self._secured)
        if not secured:
            return FieldRights()
        privileges = await self._remembered(self._privileges, guid(as_user), self._privileges_of)
        return FieldRights(
            unreadable=_closed(secured, privileges, "CanRead"),
            not_creatable=_closed(secured, privileges, "CanCreate"),
            not_updatable=_closed(secured, privileges, "CanUpdate"),
        )

    async def _secured(self, table: str) -> Mapping[str, str]:
        """The names of the secured columns that the field map knows, by their metadata ids."""
        path = address(
            f"EntityDefinitions(LogicalName='{table}')/Attributes",
            select="LogicalName,MetadataId",
            filter="IsSecured eq true",
        )
        rows = await self._client.rows(path, as_user=None, organization_wide=True)
        synced = {column for field in of_entity(table) for column in field.dynamics}
        return {
            str(row["MetadataId"]).lower(): str(row["LogicalName"])
            for row in rows
            if row["LogicalName"] in synced
        }

    async def _privileges_of(self, user_id: str) -> Mapping[str, Json]:
        """What the user's field security profiles allow, and those of the user's teams, in all tables; a
        column that no profile names is closed."""
        path = f"{address('systemusers', user_id)}/{PRIVILEGES}"
        body = await self._client.read(path, as_user=None, organization_wide=True)
        return {str(each["AttributeId"]).lower(): each for each in body.get("AttributePrivileges") or ()}

    async def _remembered(
        self,
        memory: dict[str, _Remembered[Said]],
        key: str,
        ask: Callable[[str], Awaitable[Said]],
    ) -> Said:
        known, now = memory.get(key), self._now()
        if known is None or known.until <= now:
            known = memory[key] = _Remembered(await ask(key), now + REMEMBERED)
        return known.said


def _closed(secured: Mapping[str, str], privileges: Mapping[str, Json], right: str) -> frozenset[str]:
    return frozenset(
        column
        for attribute, column in secured.items()
        if int(privileges.get(attribute, {}).get(right) or NOT_ALLOWED) == NOT_ALLOWED
    )
