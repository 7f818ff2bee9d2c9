"""Looks one item up by whichever id somebody asked for, on both sides, linked and tracked or not."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shared.engine.filters import known_filters
from shared.engine.gather import TABLE, Touched
from shared.engine.kinds import AnySituation
from shared.engine.pair import Pairing
from shared.engine.personal_found import of_kind
from shared.engine.personal_pairing import PersonalPairing
from shared.engine.personal_touched import PersonalTouched
from shared.engine.ports import Agenda
from shared.engine.services import Services
from shared.engine.waiting import Waiting
from shared.errors import Refused
from shared.model.appointment import SERIES, SERVICE, Absence
from shared.model.link import Link
from shared.model.personal import CONTACT, PERSONAL_TABLES, TASK, kind_of
from shared.model.profile import Profile
from shared.model.sync_filter import Filters
from shared.rules.personal_situation import PersonalSituation
from shared.rules.situation import AppointmentSituation, Context
from shared.rules.tracking import normal_guid

GUID = re.compile(r"\{?[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?")


def item_id(text: str) -> str:
    """A GUID as we write it, however it was pasted; Exchange's ids as they are, for their case counts."""
    text = text.strip()
    return normal_guid(text) if GUID.fullmatch(text) else text


class Looking:
    """Looks items of one mailbox up."""

    def __init__(self, services: Services, context: Context, profile: Profile, agenda: Agenda) -> None:
        self.context = context
        self._services = services
        self._profile = profile
        self._agenda = agenda
        self._waiting = Waiting()

    async def up(self, wanted: str, link: Link | None) -> Sequence[AnySituation]:
        """What this id names: most likely first. Nothing where it names nothing."""
        held = self._agenda.held
        found = await self._services.decisions.of_mailbox(self.context.mailbox.id) if held else ()
        self._waiting = Waiting.of(held, {decision.id: decision for decision in found})
        if link is not None and link.table in PERSONAL_TABLES:
            return await self._personal(kind_of(link.table), wanted, link)
        meetings = await self._meetings(wanted, link)
        if link is not None or any(s.event is not None or s.row is not None for s in meetings):
            return meetings
        for kind in (CONTACT, TASK):
            others = await self._personal(kind, wanted, None)
            if others:
                return others
        return meetings

    def told(self, situation: AnySituation) -> AnySituation:
        """With what an administrator has answered about it."""
        if isinstance(situation, PersonalSituation):
            return situation
        return self._waiting.told(situation)

    # --- appointments -----------------------------------------------------------------------------

    async def _meetings(self, wanted: str, link: Link | None) -> Sequence[AppointmentSituation]:
        found = await self._paired(_touch(wanted, link))
        unknown = all(s.event is None and s.row is None for s in found)
        if link is not None or not unknown or not GUID.fullmatch(wanted):
            return found
        for table in (SERIES, SERVICE):
            touched = Touched()
            touched.force(table, wanted)
            other = await self._paired(touched)
            if any(s.record not in (None, Absence.PHYSICAL) for s in other):
                return other
        return found

    async def _paired(self, touched: Touched) -> Sequence[AppointmentSituation]:
        """Text that is no id of Exchange's is refused by it: then there is nothing to explain."""
        try:
            pairing = Pairing(self._services, self.context, await self._filters(), everything=True)
            return (await pairing.pair(touched)).situations
        except Refused:
            return []

    async def _filters(self) -> Filters:
        services, mailbox = self._services, self.context.mailbox
        return (await known_filters(services, mailbox, self._profile, self._agenda, ask=False)).filters

    # --- contacts and tasks -----------------------------------------------------------------------

    async def _personal(self, kind: str, wanted: str, link: Link | None) -> Sequence[PersonalSituation]:
        pairing = PersonalPairing(self._services, self.context, await self._filters(), kind, everything=True)
        for touched in _personal_touches(kind, wanted, link):
            try:
                paired = await pairing.pair(touched, self._waiting.answers(), named=self._waiting.named())
                found = paired.situations
            except Refused:
                continue
            if any(s.item is not None or s.record not in (None, Absence.PHYSICAL) for s in found):
                return found
        return []


def _touch(wanted: str, link: Link | None) -> Touched:
    touched = Touched()
    if link is not None:
        touched.force(link.table, link.dynamics_id)
        touched.look.update([link.exchange_id] if link.exchange_id else [])
    elif GUID.fullmatch(wanted):
        touched.force(TABLE, wanted)
    else:
        touched.look.add(wanted)
    return touched


def _personal_touches(kind: str, wanted: str, link: Link | None) -> Sequence[PersonalTouched]:
    """Where the item may be, one after the other."""
    if link is not None:
        touched = PersonalTouched(kind)
        touched.force(link.table, link.dynamics_id)
        if link.exchange_id:
            touched.look[link.exchange_id] = str(link.markers.get("place") or "")
        return [touched]
    if not GUID.fullmatch(wanted):
        return [PersonalTouched(kind, look={wanted: ""})]
    return [PersonalTouched(kind, records={wanted: table}, forced={wanted}) for table in of_kind(kind)]
