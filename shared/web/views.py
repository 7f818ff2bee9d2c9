"""How mailboxes, decisions, history, alerts and dead letters look in the admin API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.engine import closed_kinds
from shared.engine.ports import Agenda, HistoryRow, PendingDecision, SubscriptionRow
from shared.engine.questions import item_json
from shared.jobs.messages import DYNAMICS_FEED
from shared.mailboxes.conditions import KINDS
from shared.mailboxes.overview import is_refused
from shared.model.alert import Alert
from shared.model.dead_letter import DeadLetter
from shared.model.mailbox import Mailbox


def moment(value: datetime | None) -> str | None:
    return value.isoformat().replace("+00:00", "Z") if value else None


def mailbox_json(mailbox: Mailbox, now: datetime) -> dict[str, Any]:
    lag = (now - mailbox.last_pass_at).total_seconds() if mailbox.last_pass_at else None
    return {
        "id": mailbox.id,
        "address": mailbox.address,
        "displayName": mailbox.display_name,
        "dynamicsUser": mailbox.user_id,
        "state": mailbox.state.value,
        "profile": mailbox.profile,
        "timeZone": mailbox.time_zone,
        "lastPassAt": moment(mailbox.last_pass_at),
        "lastPassMilliseconds": mailbox.last_pass_ms,
        "nextDueAt": moment(mailbox.due_at),
        "retryAt": moment(mailbox.retry_at),
        "lagSeconds": round(lag, 1) if lag is not None else None,
        "lastError": mailbox.last_error or None,
        "schedulingNote": mailbox.scheduling_note or None,
        "failures": mailbox.failures,
        "reconciledAt": moment(mailbox.reconciled_at),
        "nextPollAt": moment(mailbox.poll_at),
        "subscribedUntil": moment(mailbox.subscribed_until),
        "postponedUntil": moment(mailbox.postponed_until),
    }


def mailbox_details(
    mailbox: Mailbox,
    now: datetime,
    agenda: Agenda,
    counts: dict[str, int],
    subscriptions: Sequence[SubscriptionRow],
) -> dict[str, Any]:
    feeds = [
        {
            "feed": cursor.feed,
            "readTo": moment(cursor.updated_at),
            "complete": cursor.complete,
            "windowStart": moment(cursor.window.start) if cursor.window else None,
            "windowEnd": moment(cursor.window.end) if cursor.window else None,
        }
        for cursor in agenda.cursors.values()
        if cursor.feed.startswith("calendar:")
    ]
    return {
        **mailbox_json(mailbox, now),
        "notes": [*closed_kinds.notes_of(agenda).values(), *_refused(mailbox, now)],
        "feeds": feeds,
        "inbox": len(agenda.inbox),
        "waiting": len(agenda.held),
        "counts": counts,
        "subscriptions": [
            {"resource": row.resource, "expiresAt": moment(row.expires_at)} for row in subscriptions
        ],
    }


def _refused(mailbox: Mailbox, now: datetime) -> list[str]:
    if not is_refused(mailbox, now):
        return []
    again = moment(mailbox.subscribe_again_at)
    text = "change notifications are refused by Graph: the mailbox is polled, and Graph is asked again at"
    return [f"{text} {again}"]


def history_json(row: HistoryRow) -> dict[str, Any]:
    view: dict[str, Any] = {
        "at": moment(row.at),
        "item": item_json(row.item),
        "action": row.action,
        "side": row.side,
        "rules": list(row.rules),
        "reason": row.reason,
        "outcome": row.outcome,
    }
    for name in ("before", "after", "lost"):
        if getattr(row, name):
            view[name] = getattr(row, name)
    return view


def decision_json(decision: PendingDecision) -> dict[str, Any]:
    view: dict[str, Any] = {
        "id": decision.id,
        "mailbox": decision.mailbox,
        "kind": decision.kind.value,
        "question": decision.question,
        "askedAt": moment(decision.asked_at),
    }
    if decision.item:
        view["item"] = item_json(decision.item)
    if decision.candidates:
        view["candidates"] = [{"id": c.id, "label": c.label} for c in decision.candidates]
    return view


def alert_json(alert: Alert) -> dict[str, Any]:
    return {
        "what": alert.what,
        "severity": alert.severity.value,
        "sentence": KINDS[alert.what].sentence,
        "mailbox": alert.mailbox or None,
        "count": alert.count,
        "raisedAt": moment(alert.raised_at),
        "lastSeenAt": moment(alert.last_seen_at),
        "clearedAt": moment(alert.cleared_at),
    }


def dead_letter_json(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "queue": letter.queue,
        "mailbox": letter.session if letter.queue != DYNAMICS_FEED else None,
        "cause": letter.cause or None,
        "reason": letter.reason,
        "description": letter.description,
        "deliveries": letter.deliveries,
        "enqueuedAt": moment(letter.enqueued_at),
        "recordedAt": moment(letter.found_at),
        "body": letter.body,
    }
