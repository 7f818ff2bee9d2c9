"""Actions on a meeting: the organizer cancels, an attendee accepts, declines or is not sure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.exchange.access import mailbox_of
from local.exchange.call import Answer, Call
from local.exchange.directory import Directory
from local.exchange.errors import body_unreadable, invalid_request
from local.exchange.event_routes import EventRoutes
from local.exchange.events import Events
from local.exchange.meetings import Meetings
from local.exchange.routing import Router
from local.exchange.validation import checked

Json = dict[str, Any]

_RESPONSES = {"accept": "accepted", "tentativelyAccept": "tentativelyAccepted", "decline": "declined"}


class ResponseRoutes:
    """All answer 202 with nothing."""

    def __init__(
        self, directory: Directory, events: Events, meetings: Meetings, event_routes: EventRoutes
    ) -> None:
        self._directory = directory
        self._events = events
        self._meetings = meetings
        self._one = event_routes

    def add_to(self, router: Router) -> None:
        for place in ("users/{user}", "users/{user}/calendar", "users/{user}/calendars/{calendar}"):
            event = f"{place}/events/{{event}}"
            router.add("POST", f"{event}/cancel", self.cancel)
            for action, response in _RESPONSES.items():
                router.add("POST", f"{event}/{action}", self._responder(response))

    def cancel(self, call: Call) -> Answer:
        _parameters(call, {"comment": str})
        user = mailbox_of(call, self._directory)
        event = self._one.event(call, user)
        if not event["isOrganizer"]:
            raise invalid_request("You need to be an organizer to cancel a meeting.")
        self._meetings.cancelled(event)
        self._events.remove(event)
        return Answer(202)

    def _responder(self, response: str) -> Callable[[Call], Answer]:
        def respond(call: Call) -> Answer:
            return self._respond(call, response)

        return respond

    def _respond(self, call: Call, response: str) -> Answer:
        kinds: dict[str, type] = {"comment": str, "sendresponse": bool}
        if response != "accepted":
            kinds["proposednewtime"] = dict
        sent = _parameters(call, kinds)
        user = mailbox_of(call, self._directory)
        copy = self._one.event(call, user)
        if copy["isOrganizer"]:
            raise invalid_request("You can't respond to this meeting because you're the meeting organizer.")
        if copy["isCancelled"]:
            raise invalid_request("You can't respond to this meeting because it has been cancelled.")
        send = sent.get("sendresponse", True)
        proposal = self._proposal(copy, sent.get("proposednewtime"), send=send)
        self._meetings.answered(copy, response, send=send, proposal=proposal)
        return Answer(202)

    @staticmethod
    def _proposal(copy: Json, sent: Json | None, *, send: bool) -> Json | None:
        if sent is None:
            return None
        if not send or not copy["props"]["allowNewTimeProposals"]:
            raise invalid_request("The meeting does not allow a new time to be proposed.")
        return checked("timeSlot", sent)


def _parameters(call: Call, kinds: dict[str, type]) -> Json:
    """An action's parameters, their names in any case as the documentation itself writes them."""
    sent = {name.lower(): value for name, value in call.body(required=False).items() if value is not None}
    for name, value in sent.items():
        if name not in kinds:
            raise body_unreadable(f"The parameter '{name}' in the request payload is not a valid parameter.")
        if not isinstance(value, kinds[name]):
            raise body_unreadable(f"Cannot convert the parameter '{name}' to its type.")
    return sent
