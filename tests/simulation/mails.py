"""Every message that Exchange sent, and whether our service made it do so."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from local.exchange.outbox import Outbox
from tests.simulation.workers import asked_by_service


@dataclass(frozen=True)
class Mail:
    kind: str
    sender: str
    to: tuple[str, ...]
    subject: str
    at: str
    by_service: bool


@dataclass
class Mails:
    outbox: Outbox
    sent: list[Mail] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outbox.listeners.append(self._noted)

    def _noted(self, row: dict[str, Any]) -> None:
        mail = Mail(row["kind"], row["from"], tuple(row["to"]), row["subject"], row["at"], asked_by_service())
        self.sent.append(mail)

    @property
    def by_service(self) -> list[Mail]:
        return [mail for mail in self.sent if mail.by_service]
