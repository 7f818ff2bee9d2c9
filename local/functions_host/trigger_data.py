"""Trigger data in the worker's currency (``Datum``), the same for both ways of calling a function."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from azure.servicebus import ServiceBusReceivedMessage

MakeDatum = Callable[[Any, str], Any]  # the Datum class of the library that takes it
SCHEDULE_FORMAT = "%Y-%m-%dT%H:%M:%S.%f+00:00"


@dataclass(frozen=True)
class TimerTick:
    """A timer is due."""

    last: datetime | None
    next: datetime
    past_due: bool = False

    def datum(self, make: MakeDatum) -> Any:
        status = {
            "Last": self.last.strftime(SCHEDULE_FORMAT) if self.last else "0001-01-01T00:00:00+00:00",
            "Next": self.next.strftime(SCHEDULE_FORMAT),
            "LastUpdated": (self.last or self.next).strftime(SCHEDULE_FORMAT),
        }
        timer = {"IsPastDue": self.past_due, "Schedule": {"AdjustForDST": True}, "ScheduleStatus": status}
        return make(json.dumps(timer), "json")

    def metadata(self, make: MakeDatum) -> dict[str, Any]:
        del make
        return {}


@dataclass(frozen=True)
class HttpCall:
    """A request that came to one of the app's routes."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    route: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def datum(self, make: MakeDatum) -> Any:
        def texts(values: Mapping[str, str]) -> dict[str, Any]:
            return {name: make(value, "string") for name, value in values.items()}

        request = {
            "method": make(self.method, "string"),
            "url": make(self.url, "string"),
            "headers": texts(self.headers),
            "query": texts(self.query),
            "params": texts(self.route),
            "body": make(self.body, "bytes"),
        }
        return make(request, "http")

    def metadata(self, make: MakeDatum) -> dict[str, Any]:
        del make
        return {}


@dataclass(frozen=True)
class QueueMessage:
    """A message of a queue: its body and the broker's properties under the names the worker knows."""

    body: bytes
    properties: Mapping[str, Any]

    @staticmethod
    def received(message: ServiceBusReceivedMessage) -> QueueMessage:
        """From a message as the SDK hands it out."""
        application_properties = _plain(message.application_properties or {})
        properties = {
            "MessageId": message.message_id or "",
            "SessionId": message.session_id,
            # The SDK counts earlier failures, the trigger counts deliveries.
            "DeliveryCount": (message.delivery_count or 0) + 1,
            "SequenceNumber": message.sequence_number,
            "EnqueuedSequenceNumber": message.enqueued_sequence_number,
            "EnqueuedTimeUtc": _iso(message.enqueued_time_utc),
            "LockToken": str(message.lock_token) if message.lock_token else None,
            "CorrelationId": message.correlation_id,
            "ContentType": message.content_type,
            "Subject": message.subject,
            "Label": message.subject,
            "ReplyTo": message.reply_to,
            "To": message.to,
            "PartitionKey": message.partition_key,
            "DeadLetterReason": message.dead_letter_reason,
            "DeadLetterErrorDescription": message.dead_letter_error_description,
            "DeadLetterSource": message.dead_letter_source,
            "ApplicationProperties": application_properties,
            "UserProperties": application_properties,
        }
        return QueueMessage(_body(message), properties)

    @staticmethod
    def by_hand(text: str, session_id: str | None) -> QueueMessage:
        """From what a person posts to ``/admin/functions/{name}``."""
        properties: dict[str, Any] = {
            "MessageId": "by-hand",
            "SessionId": session_id,
            "DeliveryCount": 1,
            "ApplicationProperties": {},
            "UserProperties": {},
        }
        return QueueMessage(text.encode(), properties)

    def datum(self, make: MakeDatum) -> Any:
        return make(self.body, "bytes")

    def metadata(self, make: MakeDatum) -> dict[str, Any]:
        # A property without a value is left out, as the host does.
        present = {name: value for name, value in self.properties.items() if value is not None}
        return {name: make(json.dumps(value), "json") for name, value in present.items()}


Trigger = TimerTick | HttpCall | QueueMessage


@dataclass(frozen=True)
class HttpAnswer:
    """What a function answered to a request."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @staticmethod
    def from_datum(datum: Any) -> HttpAnswer:
        """From the worker's result: a whole answer, or a text."""
        if datum.type == "string":
            return HttpAnswer(200, (("content-type", "text/plain; charset=utf-8"),), datum.value.encode())
        answer = datum.value
        headers = [(name, value.value) for name, value in answer["headers"].items()]
        for cookies in answer.get("cookies") or ():
            headers += [("set-cookie", cookie.OutputString()) for cookie in cookies.values()]
        return HttpAnswer(int(answer["status_code"].value), tuple(headers), answer["body"].value)


def _iso(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if moment else None


def _body(message: ServiceBusReceivedMessage) -> bytes:
    body = message.body
    if isinstance(body, bytes):
        return body
    return b"".join(bytes(part) for part in body)


def _plain(properties: Mapping[Any, Any]) -> dict[str, Any]:
    """Application properties as JSON can hold them; AMQP's keys and texts arrive as bytes."""

    def text(value: Any) -> Any:
        return value.decode() if isinstance(value, bytes) else value

    return {str(text(name)): _jsonable(text(value)) for name, value in properties.items()}


def _jsonable(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
