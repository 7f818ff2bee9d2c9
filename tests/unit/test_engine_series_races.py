"""A person edits one occurrence of a series in the moment in which a pass writes to the series."""

from __future__ import annotations

import pytest

from shared.model.decision import MarkEvent
from shared.model.event import ExchangeEvent
from tests.doubles.service import Service
from tests.doubles.stories import only
from tests.doubles.world import MemoryMailbox
from tests.marks import rule
from tests.unit.test_engine_series import add_event, at, views


@rule("APPT-28", "APPT-35")
async def test_an_occurrence_edited_just_before_its_new_series_is_marked_is_no_echo(
    service: Service, ada: MemoryMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to marking shows the series only, in a version that covers the person's edit."""
    event = add_event(ada)
    mark = ada.mark_event

    async def edited_before(write: MarkEvent) -> ExchangeEvent:
        monkeypatch.undo()
        ada.edit_occurrence(event.id, "2026-03-16", location="Room 9")
        ada.remove_occurrence_of(event.id, "2026-03-23")
        return await mark(write)

    monkeypatch.setattr(ada, "mark_event", edited_before)
    await service.settle()
    exchange, dynamics = views(ada.items[event.id], only(service.dynamics.rows))
    assert dynamics == {"2026-03-16": {"location": "Room 9"}, "2026-03-23": "cancelled"}
    assert dynamics == exchange
    assert not service.exchange.mails


@rule("APPT-28", "APPT-35")
async def test_a_series_that_nobody_touches_meanwhile_is_not_read_once_more(
    service: Service, ada: MemoryMailbox
) -> None:
    event = add_event(ada)
    ada.edit_occurrence(event.id, "2026-03-16", time=at("2026-03-16", 14))
    await service.settle()
    (link,) = [link async for link in service.services.store.links(ada.id)]
    assert link.exchange_etag == ada.items[event.id].etag
