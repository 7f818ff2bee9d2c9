"""Who we are to the services: the managed identity in Azure, a fixed token on one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azure.core.credentials import AccessToken

from shared.settings import Settings

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

FAR_AWAY = 4_102_444_800
"""The year 2100: the development token does not expire."""


class DevelopmentCredential:
    """Answers every scope with the one token. ``Settings`` lets it exist for loopback services only."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken(self._token, FAR_AWAY)

    async def close(self) -> None:
        """Nothing is open."""

    async def __aenter__(self) -> DevelopmentCredential:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()


def credential(settings: Settings) -> AsyncTokenCredential:
    """One credential for the whole process: it caches tokens. Whoever asked for it closes it."""
    if settings.development_token:
        return DevelopmentCredential(settings.development_token)
    return _azure_identity(settings.client_id)


def _azure_identity(client_id: str) -> AsyncTokenCredential:
    """Imported here, because it costs start-up time that one machine does not need."""
    from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential

    if client_id:
        return ManagedIdentityCredential(client_id=client_id)
    return DefaultAzureCredential()
