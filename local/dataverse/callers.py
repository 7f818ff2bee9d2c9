"""From the headers of a request to the user it acts as."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from multidict import CIMultiDict

from local.control import SERVICE_TOKEN
from local.dataverse.errors import refuse
from local.dataverse.security import Caller
from local.dataverse.store import Row, Store
from shared.model.timezones import zone

OBJECT_ID_HEADER = "CallerObjectId"
USER_ID_HEADER = "MSCRMCallerID"
DEFAULT_ROLE = "usual"


class Callers:
    """Knows the application user, the administrator, and whom they may act for."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @staticmethod
    def is_service(headers: CIMultiDict[str]) -> bool:
        return headers.get("Authorization", "") == f"Bearer {SERVICE_TOKEN}"

    @staticmethod
    def authenticated(headers: CIMultiDict[str]) -> bool:
        kind, _, token = headers.get("Authorization", "").partition(" ")
        return kind == "Bearer" and bool(token.strip())

    def caller(self, headers: CIMultiDict[str]) -> Caller:
        """Both real callers may act on behalf of any enabled user."""
        service = self.is_service(headers)
        known = "application" if service else "administrator"
        user = str(self._store.journal.get("meta", known))
        impersonated = self._impersonated(headers)
        if impersonated is None:
            return Caller(user, "administrator", service=service)
        if impersonated.get("isdisabled"):
            raise refuse("UserDisabled", user=impersonated["systemuserid"])
        user_id = impersonated["systemuserid"]
        return Caller(user_id, self.role(user_id), behind=user, service=service)

    @property
    def administrators(self) -> frozenset[str]:
        """The two real callers."""
        return frozenset(
            str(self._store.journal.get("meta", who)) for who in ("application", "administrator")
        )

    def role(self, user: str) -> str:
        return str(self._profile(user).get("role", DEFAULT_ROLE))

    def zone(self, user: str) -> ZoneInfo:
        return zone(str(self._profile(user).get("timeZone", "UTC")))

    def business_unit(self, user: str) -> str | None:
        row = self._store.get("systemuser", user) or {}
        value = row.get("businessunitid")
        return value[1] if value else None

    def _profile(self, user: str) -> Mapping[str, str]:
        return self._store.journal.get("profiles", user) or {}

    def _impersonated(self, headers: CIMultiDict[str]) -> Row | None:
        object_id = headers.get(OBJECT_ID_HEADER)
        if object_id is not None:
            for row in self._store.rows("systemuser"):
                if row.get("azureactivedirectoryobjectid") == object_id.lower():
                    return row
            raise refuse("UnknownUser", user=object_id)
        user_id = headers.get(USER_ID_HEADER)
        if user_id is None:
            return None
        found = self._store.get("systemuser", user_id.strip("{}").lower())
        if found is None:
            raise refuse("UnknownUser", user=user_id)
        return found
