"""What Exchange sends when a meeting changes, and what arrives in the attendees' calendars."""

from __future__ import annotations

from datetime import date
from typing import Any

from local.clock import Clock
from local.exchange import series
from local.exchange.attachments import Attachments
from local.exchange.calendars import Calendars
from local.exchange.directory import Directory
from local.exchange.event_input import DEFAULTS, NO_TIME, begin_end
from local.exchange.events import Events
from local.exchange.outbox import Outbox
from local.exchange.zones import utc_text

Json = dict[str, Any]

# What stays in the organizer's own copy: a PATCH of nothing else mails nobody.
OWN_COPY = frozenset({"categories", "isReminderOn", "reminderMinutesBeforeStart"})
# What an invitation or update brings to an attendee's copy.
CARRIED = (
    "subject",
    "body",
    "start",
    "end",
    "isAllDay",
    "location",
    "locations",
    "attendees",
    "recurrence",
    "importance",
    "sensitivity",
    "responseRequested",
    "allowNewTimeProposals",
    "hideAttendees",
    "isOnlineMeeting",
    "onlineMeetingProvider",
    "onlineMeeting",
)
_NOT_RESPONDED = {"response": "notResponded", "time": NO_TIME}


def address_of(attendee: Json) -> str:
    return str(attendee["emailAddress"]["address"])


class Meetings:
    """Sends for organizers and delivers to the local mailboxes at once."""

    def __init__(
        self,
        directory: Directory,
        calendars: Calendars,
        events: Events,
        attachments: Attachments,
        outbox: Outbox,
        clock: Clock,
    ) -> None:
        self._directory = directory
        self._calendars = calendars
        self._events = events
        self._attachments = attachments
        self._outbox = outbox
        self._clock = clock

    # --- the organizer --------------------------------------------------------------------------

    def created(self, event: Json) -> None:
        self._mail("invitation", event, self._others(event))

    def changed(self, before: Json, after: Json, named: set[str]) -> None:
        """After a PATCH that named these properties: one message for the event, and one for each exception of
        a series."""
        mailing = named - OWN_COPY
        if not mailing or not before["isOrganizer"]:
            return
        self._tell(before, after, mailing)
        for old in series.exceptions(before):
            if old["day"] in after["exceptions"]:
                self._tell(old, series.instance(after, date.fromisoformat(old["day"])), mailing)
            else:
                self._mail("cancellation", old, self._only_here(old, before))

    def _tell(self, before: Json, after: Json, mailing: set[str]) -> None:
        """Who is new, who is out, and who hears of the rest."""
        old = {address_of(row).lower(): row for row in self._others(before)}
        new = {address_of(row).lower(): row for row in self._others(after)}
        kept = [row for key, row in new.items() if key in old]
        if mailing == {"attendees"}:
            kept = [row for row in kept if _differs(row, old[address_of(row).lower()])]
        self._mail("invitation", after, [row for key, row in new.items() if key not in old])
        self._mail("cancellation", after, [row for key, row in old.items() if key not in new])
        self._mail("update", after, kept)

    def cancelled(self, event: Json) -> None:
        """The organizer deleted or cancelled the meeting or one instance of it. The exceptions of a series
        that are still to come are cancelled one by one (MS-OXOCAL 3.1.4.9)."""
        if not event["isOrganizer"]:
            return
        self._mail("cancellation", event, self._others(event))
        for row in series.exceptions(event):
            if row["startsAt"] > self._clock.time():
                self._mail("cancellation", row, self._others(row))

    def _only_here(self, exception: Json, master: Json) -> list[Json]:
        """The attendees of an exception whom no message about its series reaches."""
        reached = {address_of(row).lower() for row in self._others(master)}
        return [row for row in self._others(exception) if address_of(row).lower() not in reached]

    def _others(self, event: Json) -> list[Json]:
        own = event["organizer"]["address"].lower()
        return [row for row in event["props"]["attendees"] if address_of(row).lower() != own]

    def _mail(self, kind: str, event: Json, attendees: list[Json]) -> None:
        recipients = [address_of(row) for row in attendees]
        prefix = "Canceled: " if kind == "cancellation" else ""
        self._outbox.send(kind, event["organizer"]["address"], recipients, prefix + event["props"]["subject"])
        for address in recipients:
            if kind == "cancellation":
                self.withdraw(address, event["iCalUId"])
            else:
                self.deliver(address, event)

    # --- arriving -------------------------------------------------------------------------------

    def deliver(self, address: str, meeting: Json) -> Json | None:
        """An invitation or update stands in the recipient's calendar; None when the address is not local."""
        user = self._directory.by_address(address)
        if user is None or not user["mailbox"]:
            return None
        carried = {name: meeting["props"][name] for name in CARRIED if name in meeting["props"]}
        if carried.get("hideAttendees"):
            carried["attendees"] = [row for row in carried["attendees"] if self._is(user, row)]
        copy = self._copy(user, meeting)
        if copy is None:
            return self._new_copy(user, meeting, carried)
        return self._renewed_copy(copy, meeting, carried)

    def _copy(self, user: Json, meeting: Json) -> Json | None:
        """What the recipient has of it: an instance belongs into the copy of its series, even where its owner
        took it out; who is not invited to the series has it as an event of its own."""
        copy = self._events.copy_of(user["id"], meeting["iCalUId"])
        if "master" not in meeting:
            return copy
        if copy is None:
            whole = self._events.copy_of(user["id"], meeting["master"]["iCalUId"])
            if whole is None or meeting["day"] not in whole["cancelled"]:
                return None
            copy = series.plain(whole, date.fromisoformat(meeting["day"]))
        return None if "master" in copy and copy["isCancelled"] else copy

    def _is(self, user: Json, attendee: Json) -> bool:
        found = self._directory.by_address(address_of(attendee))
        return found is not None and found["id"] == user["id"]

    def _new_copy(self, user: Json, meeting: Json, carried: Json) -> Json:
        props = {**DEFAULTS, **carried, "showAs": "tentative"}
        return self._events.create(
            user,
            self._calendars.default(user)["id"],
            props,
            iCalUId=meeting["iCalUId"],
            isOrganizer=False,
            organizer=meeting["organizer"],
            responseStatus=_NOT_RESPONDED,
            intendedShowAs=meeting["props"]["showAs"],
            cancelled=meeting.get("cancelled", []),
            attachments=self._attachments.copied(meeting),
        )

    def _renewed_copy(self, copy: Json, meeting: Json, carried: Json) -> Json:
        """An update overwrites the attendee's copy; a new time asks for a new answer."""
        props = {**copy["props"], "location": None, **carried}
        facts: Json = {"intendedShowAs": meeting["props"]["showAs"], "organizer": meeting["organizer"]}
        facts["attachments"] = self._attachments.delivered(copy, meeting)
        if reschedules(copy["props"], props) or copy["isCancelled"]:
            props["showAs"] = "tentative"
            facts |= {"responseStatus": _NOT_RESPONDED}
        if copy["isCancelled"]:
            facts |= {"isCancelled": False, "cancelled": meeting.get("cancelled", [])}
        return self._events.change(copy, props, **facts)

    def withdraw(self, address: str, ical_uid: str) -> Json | None:
        """A cancellation arrives: the copy stays, marked and free, until its owner removes it; an instance of
        a series goes at once."""
        user = self._directory.by_address(address)
        copy = self._events.copy_of(user["id"], ical_uid) if user else None
        if copy is None or copy["isCancelled"] or copy["isOrganizer"]:
            return copy
        if "master" in copy:
            self._events.remove(copy)
            return copy
        subject = f"Canceled: {copy['props']['subject']}"
        return self._events.change(
            copy, {**copy["props"], "subject": subject, "showAs": "free"}, isCancelled=True
        )

    # --- answers --------------------------------------------------------------------------------

    def answered(self, copy: Json, response: str, *, send: bool, proposal: Json | None) -> None:
        """An attendee accepted, declined or is not sure; the organizer hears of it when ``send`` is set."""
        now = utc_text(self._clock.now())
        status = {"response": response, "time": now}
        if response == "declined":
            self._events.remove(copy)
        else:
            accepted = response == "accepted"
            show_as = copy.get("intendedShowAs", "busy") if accepted else "tentative"
            attendees = self._with_status(copy["props"]["attendees"], copy["user"], status)
            props = {**copy["props"], "showAs": show_as, "attendees": attendees}
            self._events.change(copy, props, responseStatus=status)
        if send:
            self._respond(copy, response, status, proposal)

    def _respond(self, copy: Json, response: str, status: Json, proposal: Json | None) -> None:
        prefix = {"accepted": "Accepted", "declined": "Declined"}.get(response, "Tentative")
        user = self._directory.mailbox(copy["user"])
        organizer = copy["organizer"]["address"]
        self._outbox.send("response", user["mail"], [organizer], f"{prefix}: {copy['props']['subject']}")
        owner = self._directory.by_address(organizer)
        original = self._events.copy_of(owner["id"], copy["iCalUId"]) if owner else None
        if original is None or not original["isOrganizer"]:
            return
        attendees = self._with_status(original["props"]["attendees"], user["id"], status, proposal)
        self._events.change(original, {**original["props"], "attendees": attendees})

    def _with_status(
        self, attendees: list[Json], user_id: str, status: Json, proposal: Json | None = None
    ) -> list[Json]:
        user = self._directory.mailbox(user_id)
        extra = {"proposedNewTime": proposal} if proposal else {}
        return [{**row, "status": status, **extra} if self._is(user, row) else row for row in attendees]


def reschedules(before: Json, after: Json) -> bool:
    """True when the change asks the attendees for a new answer."""
    if any(before[name] != after[name] for name in ("isAllDay", "recurrence")):
        return True
    return begin_end(before) != begin_end(after)


def with_statuses(before: list[Json], after: list[Json], *, rescheduled: bool) -> list[Json]:
    """A PATCH replaces the list of attendees; who stays keeps the answer given, unless the time is new."""
    if rescheduled:
        return [{**row, "status": {"response": "none", "time": NO_TIME}} for row in after]
    given = {address_of(row).lower(): row["status"] for row in before}
    return [{**row, "status": given.get(address_of(row).lower(), row["status"])} for row in after]


def _differs(new: Json, old: Json) -> bool:
    return bool(new["type"] != old["type"] or new["emailAddress"] != old["emailAddress"])
