"""The admin API, as the demonstration uses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp


class AdminRefused(Exception):  # noqa: N818
    """The admin API did not take a request; the text holds its answer."""


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One row of a mailbox's history, with the mailbox it is about."""

    mailbox: str
    at: datetime
    row: Mapping[str, Any]

    @property
    def subject(self) -> str:
        return str(self.row["item"]["subject"] or "")


@dataclass(frozen=True)
class Admin:
    """``base`` is the address under ``admin`` in the endpoints file."""

    http: aiohttp.ClientSession
    base: str

    async def subscribe(self, address: str) -> str:
        """Subscribe a mailbox for the Dynamics user of the same address; its id."""
        body = {"address": address, "dynamicsUser": address}
        return str((await self._ask("POST", f"{self.base}/mailboxes", body))["id"])

    async def history(self, name: str, mailbox_id: str) -> list[HistoryRow]:
        """All of a mailbox's history, oldest first."""
        rows: list[HistoryRow] = []
        url: str | None = f"{self.base}/mailboxes/{mailbox_id}/history"
        while url:
            page = await self._ask("GET", url)
            rows += [HistoryRow(name, datetime.fromisoformat(row["at"]), row) for row in page["value"]]
            url = page.get("nextLink")
        return sorted(rows, key=lambda row: row.at)

    async def decisions(self) -> list[Mapping[str, Any]]:
        """What waits for an administrator."""
        return list((await self._ask("GET", f"{self.base}/decisions"))["value"])

    async def answer(self, decision: Mapping[str, Any], answer: str) -> None:
        await self._ask("POST", f"{self.base}/decisions/{decision['id']}", {"answer": answer})

    async def _ask(self, method: str, url: str, body: Any = None) -> Any:
        async with self.http.request(method, url, json=body) as answer:
            if answer.status >= 400:
                text = (await answer.text())[:500]
                raise AdminRefused(f"{method} {url} answered {answer.status}: {text}")
            return await answer.json()
