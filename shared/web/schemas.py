"""The shapes of what the admin API takes and answers, as JSON Schema for its OpenAPI description."""

from __future__ import annotations

from typing import Any

from shared.jobs.messages import QUEUES
from shared.mailboxes.conditions import KINDS
from shared.model.alert import Severity
from shared.model.decision import ActionKind
from shared.model.link import LinkState, Role
from shared.model.mailbox import MailboxState
from shared.model.organization_settings import EVERYTHING
from shared.model.profile import ContactAddresses, ContactDeletion, PrivateItems
from shared.model.scheduling import SchedulingPolicy
from shared.model.values import Direction, Side
from shared.rules.drift import Drift
from shared.web.profile_settings import POLLING, RETRIES, WINDOW_LIMIT, Limits
from shared.web.watch import ACTIONS

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
NUMBER: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
MOMENT: Schema = {"type": ["string", "null"], "format": "date-time"}
TEXTS: Schema = {"type": "array", "items": TEXT}
VALUES: Schema = {"type": "object", "description": "field names and values"}


def reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(optional: Schema | None = None, **required: Schema) -> Schema:
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def _closed(required: list[str], **properties: Schema) -> Schema:
    return {
        "type": "object",
        "required": required,
        "additionalProperties": False,
        "properties": properties,
    }


def _list_of(name: str) -> Schema:
    return _object({"nextLink": TEXT}, value={"type": "array", "items": reference(name)})


def _choice(values: type[Any]) -> Schema:
    return {"type": "string", "enum": [each.value for each in values]}


def _range(lowest: int, highest: int) -> Schema:
    return {"type": "integer", "minimum": lowest, "maximum": highest}


def _numbers(limits: Limits, **meanings: str) -> Schema:
    parts = {
        name: {**_range(lowest, highest), "description": meanings[name]}
        for name, (_, lowest, highest) in limits.items()
    }
    return {"type": "object", "additionalProperties": False, "properties": parts}


_MAILBOX: Schema = {
    "id": TEXT,
    "address": TEXT,
    "displayName": TEXT,
    "dynamicsUser": TEXT,
    "state": _choice(MailboxState),
    "profile": TEXT,
    "timeZone": TEXT,
    "lastPassAt": MOMENT,
    "lastPassMilliseconds": NUMBER,
    "nextDueAt": MOMENT,
    "retryAt": MOMENT,
    "lagSeconds": {"type": ["number", "null"]},
    "lastError": TEXT_OR_NULL,
    "schedulingNote": TEXT_OR_NULL,
    "failures": NUMBER,
    "reconciledAt": MOMENT,
    "nextPollAt": MOMENT,
    "subscribedUntil": MOMENT,
    "postponedUntil": MOMENT,
}
_FEED = _object(feed=TEXT, readTo=MOMENT, complete=FLAG, windowStart=MOMENT, windowEnd=MOMENT)
_PREVIEW: dict[str, Any] = {
    "complete": {"type": "boolean", "description": "false: more than one pass would be needed"},
    "actions": {"type": "array", "items": reference("Action")},
    "skipped": {"type": "array", "items": reference("Skip")},
    "peopleMailed": {"type": "integer", "minimum": 0, "description": "different people Exchange would mail"},
}
_SETTINGS: Schema = {
    "brake": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "items": {
                **NUMBER,
                "description": "how many items one pass may delete, cancel or unlink before it asks",
            },
            "people": {**NUMBER, "description": "how many people one pass may mail before it asks"},
            "percent": {
                **_range(1, 100),
                "description": "which part of the items that the mailbox has linked one pass may delete, "
                "cancel or unlink before it asks; one or two items never matter, 100 is any part (FLT-10)",
            },
        },
    },
    "windowPastDays": {
        **_range(0, WINDOW_LIMIT),
        "description": "how many days back the calendars are read; both windows together 1825 days at most",
    },
    "windowFutureDays": {
        **_range(0, WINDOW_LIMIT),
        "description": "how many days ahead the calendars are read",
    },
    "trackCategorizedContacts": {**FLAG, "description": "the category tracks contacts too (X-6)"},
    "completeWhenShownAsFree": {
        **FLAG,
        "description": "a canceled appointment that is set to free in Exchange becomes completed (APPT-27)",
    },
    "privateAppointments": {
        **_choice(PrivateItems),
        "description": "what of an event that is not of normal sensitivity Dynamics gets (APPT-9): full; "
        "subjectOnly: a neutral subject, time and show-as; skip: nothing",
    },
    "recreateDeletedPastInstances": {
        **FLAG,
        "description": "as Microsoft's sync does (APPT-33): tracking a series brings back the past instances "
        "that its organizer had deleted, and invites their attendees again; off unless you need exactly that",
    },
    "synchronizeAttachments": {
        **FLAG,
        "description": "files of single appointments travel both ways (APPT-11, FLD-2); off, they stay where "
        "they are and nothing is asked about them",
    },
    "schedulingConflicts": {
        **_choice(SchedulingPolicy),
        "description": "what happens when a change in Exchange takes the time of somebody who is busy in "
        "Dynamics (APPT-29): it is saved; saved, and said; or an administrator is asked first",
    },
    "synchronizeContacts": {**FLAG, "description": "off: contacts stay as they are, on both sides"},
    "contactAddresses": {
        **_choice(ContactAddresses),
        "description": "postal addresses of contacts (CONT-2): one, the business address; or three, the home "
        "and the other address too",
    },
    "contactDeletion": {
        **_choice(ContactDeletion),
        "description": "a contact deleted in Exchange (CONT-4) is unlinked and stays in Dynamics; or its row "
        "is deleted, where its owner is the mailbox's user",
    },
    "companyFromParent": {
        **FLAG,
        "description": "the name of a contact's account is written into Company in Exchange (CONT-6)",
    },
    "synchronizeTasks": {**FLAG, "description": "off: tasks stay as they are, on both sides"},
    "taskPollingMinutes": {
        **_range(0, 1440),
        "description": "how often the task lists are read, of whose changes Graph notifies nobody; 0: only "
        "when somebody asks for it (sync now)",
    },
    "filterPollingMinutes": {
        **_range(0, 1440),
        "description": "how often each mailbox asks Dynamics for its owner's sync filters; 0: when Dynamics "
        "tells that they changed, and with every comparison",
    },
    "reconcileHours": {
        **_range(1, 168),
        "description": "how often all links are compared with Dynamics, whatever was notified",
    },
    "itemPolling": _numbers(
        POLLING,
        busyMinutes="how often calendars and contacts of a busy mailbox are read, whatever was notified "
        "(MBX-14)",
        normalMinutes="in one where little was changed of late",
        quietMinutes="in a quiet one, at most",
        notifiedMinutes="in one of which change notifications tell of everything",
    ),
    "itemRetries": _numbers(
        RETRIES,
        shortestSeconds="how soon a mailbox is tried again after its first failure; four times as long each "
        "time (MBX-17)",
        longestSeconds="after how long later",
        timedOutSeconds="the least wait after a service did not answer in time",
        failures="after how many failures in a row there is an alert (MBX-16); the mailbox is tried on",
        outageMinutes="how often it is tried then, in the end",
    ),
    "directions": {
        "type": "object",
        "description": "per entity of the field map the fields that go another way than by default (FLD-33); "
        "an entity that is named is replaced whole. A series follows the appointments except in what is "
        "named for recurringappointmentmaster. See profiles/{id}/fields",
        "additionalProperties": {"type": "object", "additionalProperties": _choice(Direction)},
    },
    "organizationSettings": {
        "type": "object",
        "description": "the organization's settings that this profile has otherwise (SET); only those named "
        "change, null takes one back. See profiles/{id}/settings",
        "additionalProperties": {"type": ["boolean", "integer", "null"]},
    },
}
_FIELD_CHANGE: Schema = {
    "entity": TEXT,
    "field": TEXT,
    "direction": {**_choice(Direction), "description": "both ways, one way, or none (FLD-33)"},
}

SCHEMAS: dict[str, Schema] = {
    "Error": _object(error=_object(code=TEXT, message=TEXT)),
    "Item": _object(kind=TEXT, exchange=TEXT_OR_NULL, dynamics=TEXT_OR_NULL, subject=TEXT),
    "Action": _object(
        {"fields": TEXTS, "mails": NUMBER},
        kind=_choice(ActionKind),
        side=_choice(Side),
        item=reference("Item"),
        rules=TEXTS,
        reason=TEXT,
    ),
    "Skip": _object({"fields": TEXTS}, item=reference("Item"), code=TEXT, rules=TEXTS, reason=TEXT),
    "Mailbox": _object(**_MAILBOX),
    "MailboxDetails": _object(
        **_MAILBOX,
        notes=TEXTS,
        feeds={"type": "array", "items": _FEED},
        inbox=NUMBER,
        waiting=NUMBER,
        counts={"type": "object", "additionalProperties": NUMBER},
        subscriptions={"type": "array", "items": _object(resource=TEXT, expiresAt=MOMENT)},
    ),
    "Mailboxes": _list_of("Mailbox"),
    "NewMailbox": _closed(
        ["address", "dynamicsUser"],
        address={"type": "string", "format": "email"},
        dynamicsUser={"type": "string", "description": "systemuserid or internalemailaddress"},
        enable={"type": "boolean", "default": True},
        profile={"type": "string", "default": "default"},
    ),
    "State": _object(id=TEXT, state=_choice(MailboxState)),
    "Preview": _object(
        {"nextLink": TEXT},
        **_PREVIEW,
        untracked=NUMBER,
        brake=TEXT_OR_NULL,
        filters={
            "type": "array",
            "description": "per Dynamics table its active sync filters and how many rows enter and leave",
            "items": _object(table=TEXT, names=TEXTS, enters=NUMBER, leaves=NUMBER),
        },
    ),
    "Link": _object(
        state=_choice(LinkState), role=_choice(Role), generation=NUMBER, reason=TEXT, rules=TEXTS
    ),
    "Explanation": _object(
        **_PREVIEW,
        found=FLAG,
        item={"anyOf": [reference("Item"), {"type": "null"}]},
        link={"anyOf": [reference("Link"), {"type": "null"}]},
        sentence=TEXT,
    ),
    "VerifyOptions": _closed(
        [],
        mend={
            **FLAG,
            "description": "false (default): report only; true: what drifted is mended by ordinary passes, "
            "under the brake",
        },
    ),
    "Drift": _object(
        {"fields": {**TEXTS, "description": "what is apart; of an occurrence field@date"}},
        item=reference("Item"),
        drift=_choice(Drift),
        side=_choice(Side),
        reason=TEXT,
        rules=TEXTS,
        mends={**FLAG, "description": "a pass mends it by the rules; false: a person has to decide"},
    ),
    "Verification": _object(
        {"nextLink": TEXT},
        complete={**FLAG, "description": "false: what was found so far; look again"},
        inStep={**FLAG, "description": "complete, nothing drifted, and everything could be read"},
        counts={
            "type": "object",
            "description": "per kind: inExchange (marked items), inDynamics (rows that belong in Exchange), "
            "linked, ended, inStep, leftAlone (by a rule), waiting (for an answer)",
            "additionalProperties": {"type": "object", "additionalProperties": NUMBER},
        },
        drift={
            "type": "object",
            "description": "how many items of each kind of drift",
            "additionalProperties": NUMBER,
        },
        value={"type": "array", "items": reference("Drift")},
        leftOut={
            "type": "object",
            "description": "kinds that were not compared, and why",
            "additionalProperties": TEXT,
        },
        unreadable={**NUMBER, "description": "items that could not be read"},
        mending={**NUMBER, "description": "items that were given to the next passes"},
    ),
    "Answer": {"anyOf": [reference("Preview"), reference("Explanation"), reference("Verification")]},
    "Busy": _object(status=TEXT),
    "HistoryRow": _object(
        {"before": VALUES, "after": VALUES, "lost": VALUES},
        at=MOMENT,
        item=reference("Item"),
        action=TEXT,
        side=TEXT,
        rules=TEXTS,
        reason=TEXT,
        outcome={
            "type": "string",
            "enum": ["done", "repeated", "conflict", "refused", "waiting", "undone"],
        },
    ),
    "History": _list_of("HistoryRow"),
    "Decision": _object(
        {
            "item": reference("Item"),
            "candidates": {"type": "array", "items": _object(id=TEXT, label=TEXT)},
            "answer": TEXT,
        },
        id=TEXT,
        mailbox=TEXT,
        kind={"type": "string", "enum": ["brake", "ambiguous", "scheduling", "conflict"]},
        question=TEXT,
        askedAt=MOMENT,
    ),
    "Decisions": _list_of("Decision"),
    "Postponement": _closed(
        ["until"], until={**MOMENT, "description": "nothing is done before this time; null: at once again"}
    ),
    "DecisionAnswer": _closed(["answer"], answer={"type": "string", "description": "go-on, drop, or an id"}),
    "Alert": _object(
        what={"type": "string", "enum": list(KINDS)},
        severity=_choice(Severity),
        sentence=TEXT,
        mailbox=TEXT_OR_NULL,
        count={**NUMBER, "description": "how many things it is about"},
        raisedAt=MOMENT,
        lastSeenAt=MOMENT,
        clearedAt=MOMENT,
    ),
    "Alerts": _list_of("Alert"),
    "DeadLetter": _object(
        {"action": {"type": "string", "enum": list(ACTIONS), "description": "what was done with it now"}},
        id=TEXT,
        queue={"type": "string", "enum": list(QUEUES)},
        mailbox={**TEXT_OR_NULL, "description": "whose job it was; null for the change feed"},
        cause={**TEXT_OR_NULL, "description": "why it was sent; null: its body cannot be read"},
        reason={**TEXT, "description": "Service Bus' own word"},
        description=TEXT,
        deliveries={**NUMBER, "description": "how often it was tried"},
        enqueuedAt=MOMENT,
        recordedAt=MOMENT,
        body={**TEXT, "description": "the message: a mailbox and a cause, never any data of an item"},
    ),
    "DeadLetters": _list_of("DeadLetter"),
    "DeadLetterAction": _closed(
        ["action"],
        action={
            "type": "string",
            "enum": list(ACTIONS),
            "description": "replay: send the job again, under an id of its own; drop: the next pass did its "
            "work. Both take it out of the list",
        },
    ),
    "Profile": _object(id=TEXT, **_SETTINGS),
    "Profiles": _list_of("Profile"),
    "ProfileChanges": _closed([], id=TEXT, **_SETTINGS),
    "Field": _object(
        **_FIELD_CHANGE,
        label=TEXT,
        rule=TEXT,
        exchange=TEXT,
        dynamics=TEXTS,
        default=_choice(Direction),
        settable=FLAG,
        computed=FLAG,
        limits={"type": "object", "additionalProperties": NUMBER, "description": "longest text by column"},
        tooLong={"enum": ["cut", "leave", None], "description": "cut it and say so, or leave it and say so"},
        setting={**TEXT_OR_NULL, "description": "the setting that turns the field on"},
    ),
    "Fields": _list_of("Field"),
    "FieldChange": {
        **_object(**_FIELD_CHANGE),
        "description": "what else GET shows of a field may stay in it and is not looked at",
    },
    "FieldChanges": _closed(["value"], value={"type": "array", "items": reference("FieldChange")}),
    "OrganizationSetting": _object(
        id=TEXT,
        name=TEXT,
        type={"type": "string", "enum": ["boolean", "integer"]},
        value={"type": ["boolean", "integer"]},
        source={"type": "string", "enum": ["profile", "organization", "default"]},
        default={"type": ["boolean", "integer"]},
        organization={"type": ["boolean", "integer", "string", "null"]},
        overridable=FLAG,
        meaning=TEXT,
        touches={"type": "array", "items": {"type": "string", "enum": list(EVERYTHING)}},
    ),
    "OrganizationSettings": _list_of("OrganizationSetting"),
    "Finding": _object(
        {"fix": TEXT}, check=TEXT, level={"type": "string", "enum": ["ok", "note", "failed"]}, sentence=TEXT
    ),
    "Findings": _list_of("Finding"),
    "Description": {"type": "object"},
}
