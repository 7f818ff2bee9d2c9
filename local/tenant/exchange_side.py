"""The sample tenant in Exchange: mailboxes, events and meetings, tracked and not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from local.tenant.days import When, when
from local.tenant.repeats import for_graph
from local.tenant.services import RequestRefused, Service
from local.tenant.tenant import TenantUser

Json = Mapping[str, Any]
CATEGORY = "Tracked to Dynamics 365"
PUBLIC_STRINGS = "{00020329-0000-0000-C000-000000000046}"
OBJECT_TYPES = {"account": 1, "contact": 2, "appointment": 4201}
DELIVERY_SECONDS = 5.0
POLL_SECONDS = 0.05
SERIES_END = timedelta(days=730)


@dataclass(frozen=True)
class Calendars:
    """Fills calendars. ``addresses``: name and address of everybody, by short name; ``rows``: Dynamics ids
    by kind and short name."""

    exchange: Service
    users: Mapping[str, TenantUser]
    addresses: Mapping[str, tuple[str, str]]
    rows: Mapping[str, Mapping[str, str]]
    organization_id: str
    now: datetime

    async def add(self, item: Json) -> str:
        """One event as its organizer makes it, or as it comes from outside; returns its id."""
        if "from" in item:
            made = await self._deliver(item)
        else:
            made = await self._create(item, self.users[item["mailbox"]])
        for key in item.get("alsoTrackedBy", ()):
            attendee = self.users[key]
            copy = await self._copy_of(item, attendee)
            await self._as(attendee, "PATCH", f"/events/{copy}", {"categories": [CATEGORY]})
        return made

    async def _create(self, item: Json, organizer: TenantUser) -> str:
        tracking = item.get("tracking", {})
        event = {
            **item["event"],
            **when(item["when"], self.now, organizer.time_zone).for_graph(),
            "attendees": self._attendees(item),
            "categories": [CATEGORY] if tracking.get("category") else [],
        }
        if "repeats" in item:
            event |= for_graph(item["repeats"], self._when(item))
        if "state" in tracking:
            event["singleValueExtendedProperties"] = self._stamps(tracking)
        made = str((await self._as(organizer, "POST", "/events", event))["id"])
        for exception in item.get("exceptions", ()):
            await self._except(made, exception, organizer)
        return made

    async def _except(self, series: str, exception: Json, organizer: TenantUser) -> None:
        """One occurrence, by its number, at another time of its day or cancelled."""
        query = {
            "startDateTime": f"{self.now:%Y-%m-%dT%H:%M:%SZ}",
            "endDateTime": f"{self.now + SERIES_END:%Y-%m-%dT%H:%M:%SZ}",
        }
        page = await self._as(organizer, "GET", f"/events/{series}/instances", query=query)
        occurrences = sorted(page["value"], key=lambda each: str(each["start"]["dateTime"]))
        occurrence = occurrences[exception["number"] - 1]
        if exception.get("cancelled"):
            await self._as(organizer, "POST", f"/events/{occurrence['id']}/cancel", {"comment": ""})
            return
        day = datetime.fromisoformat(occurrence["start"]["dateTime"][:10]).date()
        moved = {
            name: {"dateTime": f"{day}T{exception[edge]}:00", "timeZone": organizer.time_zone}
            for name, edge in (("start", "from"), ("end", "to"))
        }
        await self._as(organizer, "PATCH", f"/events/{occurrence['id']}", moved)

    async def _deliver(self, item: Json) -> str:
        recipients = [self.users[key] for key in item["to"]]
        meeting = {
            **item["event"],
            **self._when(item).for_graph(),
            "organizer": {"emailAddress": self._address(item["from"])},
            "attendees": [{"type": "required", "emailAddress": self._address(key)} for key in item["to"]],
        }
        body = {"to": [user.address for user in recipients], "meeting": meeting}
        await self.exchange.set_up("POST", "/deliver", body)
        return await self._copy_of(item, recipients[0])

    async def _copy_of(self, item: Json, attendee: TenantUser) -> str:
        """The attendee's own copy of a meeting, as soon as it has come."""
        start, end = self._when(item).utc()
        query = {
            "startDateTime": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "endDateTime": f"{end:%Y-%m-%dT%H:%M:%SZ}",
            "$select": "id,subject",
        }
        deadline = asyncio.get_running_loop().time() + DELIVERY_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            page = await self._as(attendee, "GET", "/calendarView", query=query)
            for event in page["value"]:
                if event["subject"] == item["event"]["subject"]:
                    return str(event["id"])
            await asyncio.sleep(POLL_SECONDS)
        raise RequestRefused(f"'{item['event']['subject']}' did not reach {attendee.address}")

    def _when(self, item: Json) -> When:
        organizer = self.users.get(item.get("mailbox", ""))
        return when(item["when"], self.now, organizer.time_zone if organizer else "UTC")

    def _attendees(self, item: Json) -> list[dict[str, Any]]:
        return [
            {"type": kind, "emailAddress": self._address(key)}
            for kind in ("required", "optional")
            for key in item.get(kind, ())
        ]

    def _address(self, key: str) -> dict[str, str]:
        name, address = self.addresses[key]
        return {"name": name, "address": address}

    def _stamps(self, tracking: Json) -> list[dict[str, str]]:
        """The named properties that the Outlook app and Microsoft's own sync leave on a tracked item."""
        stamps = [_stamp("Double", "crmLinkState", f"{tracking['state']:.1f}")]
        stamps.append(_stamp("String", "crmorgid", self.organization_id))
        for kind, key in tracking.get("regarding", {}).items():
            stamps.append(_stamp("String", "crmRegardingObjectId", f"{{{self.rows[kind][key]}}}"))
            stamps.append(_stamp("String", "crmRegardingObjectTypeCode", str(OBJECT_TYPES[kind])))
        if "appointment" in tracking:
            stamps.append(
                _stamp("String", "crmid", f"{{{self.rows['appointment'][tracking['appointment']]}}}")
            )
            stamps.append(_stamp("String", "crmObjectTypeCode", str(OBJECT_TYPES["appointment"])))
        return stamps

    async def _as(
        self,
        user: TenantUser,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """As that person, with ids that stay (the service's own kind)."""
        headers = {"X-Act-As": user.address, "Prefer": 'IdType="ImmutableId"'}
        path = f"/users/{user.exchange_id}{path}"
        return await self.exchange.ask(method, path, body, headers=headers, query=query)


def _stamp(kind: str, name: str, value: str) -> dict[str, str]:
    return {"id": f"{kind} {PUBLIC_STRINGS} Name {name}", "value": value}


async def add_mailbox(exchange: Service, user: Json) -> str:
    """A licensed user with an empty mailbox; the id."""
    answer = await exchange.set_up(
        "POST",
        "/users",
        {"userPrincipalName": user["address"], "displayName": user["name"], "timeZone": user["timeZone"]},
    )
    return str(answer["id"])
