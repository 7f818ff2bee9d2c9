"""What a link remembers of its row spares a reading, and never an edit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.model.event import ExchangeEvent
from shared.model.link import Base, Link, LinkState
from shared.model.party import ParticipationType, Party, RecordRef
from shared.rules import last_seen
from shared.store.codec import dumps, from_json, to_json
from tests.doubles.service import Service
from tests.doubles.stories import history, only
from tests.doubles.world import EPOCH, MemoryMailbox
from tests.rules.build import CATEGORY, at, event, link, row

FUTURE = EPOCH + timedelta(days=3)


# --- what is remembered ---------------------------------------------------------------------------


def remembering() -> Link:
    return last_seen.with_row(link(event(), row()), row())


def test_a_stored_link_knows_its_row_again() -> None:
    parties = (Party(ParticipationType.ORGANIZER, "a@b.example", RecordRef("systemuser", "u"), "Ada"),)
    seen = replace(row(), parties=parties, owner=RecordRef("systemuser", "u"), modified=EPOCH)
    known = last_seen.with_row(link(event(), seen), seen)
    stored = from_json(Link, to_json(known))
    found = last_seen.row_of(stored)
    assert found == replace(seen, remembered=True)
    assert dumps(to_json(stored)).count(str(seen.value("subject"))) == dumps(
        to_json(link(event(), seen))
    ).count(str(seen.value("subject"))), "values of the base are not stored twice"


@pytest.mark.parametrize(
    "changes",
    [
        {"dynamics_etag": 'W/"7777"'},
        {"intent": {"subject": ["dynamics", "x", "y"]}},
        {"state": LinkState.UNTRACKED},
        {"base": Base({}, {"subject": "something else"})},
        {"seen": None},
    ],
)
def test_what_is_not_certain_is_not_remembered(changes: dict[str, Any]) -> None:
    assert last_seen.row_of(remembering()) is not None
    assert last_seen.row_of(replace(remembering(), **changes)) is None


@pytest.mark.parametrize(
    "seen",
    [
        replace(row(), etag=""),
        replace(row(), table="serviceappointment"),
        replace(row(), parties=(Party(5, "a@b.example", None),) * (last_seen.MOST_PARTIES + 1)),
        replace(row(), values={**row().values, "body": "x" * (last_seen.MOST_CHARACTERS + 1)}),
    ],
    ids=["written blindly", "another table", "a crowd", "a large value that the base has otherwise"],
)
def test_what_is_large_or_of_no_version_is_forgotten(seen: Any) -> None:
    assert last_seen.with_row(remembering(), seen).seen is None


# --- what becomes of it ---------------------------------------------------------------------------


@pytest.fixture
async def meeting(service: Service, ada: MemoryMailbox) -> ExchangeEvent:
    made = ada.add(subject="Kick-off", time=at(FUTURE), categories=(CATEGORY,))
    await service.settle()
    return made


@pytest.fixture
def readings(service: Service, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The rows that are read, one entry each."""
    read, found = service.dynamics.appointments, list[str]()

    async def appointments(ids: Sequence[str], *, as_user: str) -> Any:
        found.extend(ids)
        return await read(ids, as_user=as_user)

    monkeypatch.setattr(service.dynamics, "appointments", appointments)
    return found


async def test_a_change_in_exchange_is_written_without_reading_the_row(
    service: Service, ada: MemoryMailbox, meeting: ExchangeEvent, readings: list[str]
) -> None:
    for number in range(3):
        ada.edit(meeting.id, subject=f"Kick-off {number}")
        await service.run_pass(ada)
    assert only(service.dynamics.rows).value("subject") == "Kick-off 2"
    assert readings == []


async def test_a_row_that_was_changed_meanwhile_is_read_and_neither_edit_is_lost(
    service: Service, ada: MemoryMailbox, meeting: ExchangeEvent, readings: list[str]
) -> None:
    there = only(service.dynamics.rows)
    ada.edit(meeting.id, subject="Of Ada")
    service.dynamics.edit(there.id, location="Of somebody in Dynamics")
    await service.run_pass(ada)
    assert readings == [there.id]
    for shown in (only(service.dynamics.rows), ada.items[meeting.id]):
        assert (shown.value("subject"), shown.value("location")) == ("Of Ada", "Of somebody in Dynamics")


async def test_rights_that_were_taken_away_meanwhile_are_noticed(
    service: Service, ada: MemoryMailbox, meeting: ExchangeEvent
) -> None:
    there = only(service.dynamics.rows)
    service.dynamics.hidden.add(there.id)
    ada.edit(meeting.id, subject="Too late")
    await service.run_pass(ada)
    assert only(service.dynamics.rows).value("subject") == "Kick-off"
    told = [each.reason for each in await history(service, ada, meeting.id)]
    assert not any("privilege" in reason for reason in told), "decided by what the reading showed"
    await service.run_pass(ada)
    (known,) = (await service.services.store.links_by_exchange(ada.id, [meeting.id])).values()
    assert not known.linked


async def test_nothing_but_an_update_is_decided_by_memory(
    service: Service, ada: MemoryMailbox, meeting: ExchangeEvent, readings: list[str]
) -> None:
    ada.edit(meeting.id, categories=())
    await service.run_pass(ada)
    assert len(readings) >= 1
