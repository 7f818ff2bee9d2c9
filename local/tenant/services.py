"""Talking to a stand-in as a person does: its public interface, and its control interface for set-up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

PERSON = "sample-tenant"


class RequestRefused(Exception):  # noqa: N818
    """A stand-in did not take a request; the text holds its answer."""


@dataclass(frozen=True)
class Service:
    """One stand-in: ``api`` is its public address, ``control`` the rig's."""

    http: aiohttp.ClientSession
    api: str
    control: str

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """One request to the public interface, as a person; the decoded answer, None when there is none."""
        sent = {"Authorization": f"Bearer {PERSON}", **(headers or {})}
        return await self._send(method, f"{self.api}{path}", body, sent, query or {})

    async def set_up(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the control interface."""
        return await self._send(method, f"{self.control}{path}", body, {}, {})

    async def _send(
        self, method: str, url: str, body: Any, headers: Mapping[str, str], query: Mapping[str, str]
    ) -> Any:
        async with self.http.request(method, url, json=body, headers=headers, params=query) as answer:
            text = await answer.text()
            if answer.status >= 400:
                raise RequestRefused(f"{method} {url} answered {answer.status}: {text[:500]}")
            return await answer.json(content_type=None) if text else None
