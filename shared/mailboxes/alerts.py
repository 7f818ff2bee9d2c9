"""Alerts are raised once and cleared by themselves: what is measured is compared with what is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared import telemetry
from shared.engine.services import Services
from shared.mailboxes.conditions import KINDS, Condition, measure
from shared.model.alert import Alert

KEPT = timedelta(days=30)
"""How long a cleared alert can be read."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """``kept``: all rows as they are to be; ``dropped``: those to be removed."""

    kept: tuple[Alert, ...] = ()
    raised: tuple[Alert, ...] = ()
    cleared: tuple[Alert, ...] = ()
    dropped: tuple[Alert, ...] = ()


async def look(services: Services) -> Outcome:
    """Measure, and say what is new and what is over. A line that was written before the rows were is written
    again by the next run: rather twice than never."""
    known = await services.alerts.all()
    outcome = compared(known, await measure(services), services.now())
    for event, alerts in (("raised", outcome.raised), ("cleared", outcome.cleared)):
        for alert in alerts:
            _say(event, alert)
    unchanged = frozenset(known)  # thousands in an outage
    await services.alerts.put([alert for alert in outcome.kept if alert not in unchanged])
    await services.alerts.remove(outcome.dropped)
    return outcome


def compared(known: Sequence[Alert], found: Iterable[Condition], now: datetime) -> Outcome:
    """What becomes of the alerts, now that these conditions were found."""
    before = {alert.key: alert for alert in known}
    active = {alert.key for alert in known if alert.active}
    present = [_present(before.pop(each.key, None), each, now) for each in found]
    raised = tuple(alert for alert in present if alert.active and alert.key not in active)
    cleared = tuple(replace(alert, cleared_at=now) for alert in before.values() if alert.active)
    passed = tuple(alert for alert in before.values() if alert.raised_at is None)
    over = [(alert, now - alert.cleared_at > KEPT) for alert in before.values() if alert.cleared_at]
    old = tuple(alert for alert, forgotten in over if forgotten)
    kept = (*present, *cleared, *(alert for alert, forgotten in over if not forgotten))
    return Outcome(kept, raised, cleared, (*passed, *old))


def _present(alert: Alert | None, condition: Condition, now: datetime) -> Alert:
    """A condition that comes back after it was cleared begins anew."""
    kind = KINDS[condition.what]
    if alert is None or alert.cleared_at is not None:
        alert = Alert(condition.key, condition.what, kind.severity, now, now, condition.mailbox)
    alert = replace(alert, last_seen_at=now, count=condition.count)
    if alert.raised_at is None and now - alert.first_seen_at >= kind.patience:
        return replace(alert, raised_at=now)
    return alert


def _say(event: str, alert: Alert) -> None:
    """One line, without anybody's id; an Azure Monitor rule mails what is to be told."""
    mailbox = {"mailbox": telemetry.hashed(alert.mailbox)} if alert.mailbox else {}
    telemetry.measured(
        "alert",
        event=event,
        what=alert.what,
        severity=alert.severity.value,
        told=alert.severity.told,
        count=alert.count,
        **mailbox,
    )
