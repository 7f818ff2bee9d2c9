"""A service that forgets its links, wholly or in part, and one that verifies what it has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shared.engine.ports import Changes
from shared.engine.verify import verify
from shared.engine.verify_progress import Report, from_json, to_json
from shared.model.profile import Profile
from tests.doubles.service import Service
from tests.doubles.tables import MemoryItemIndex, MemoryMailboxStore
from tests.doubles.world import MemoryMailbox

STATE, BOTH, SOME, ALL_LINKS = "table state", "tables state and items", "some links", "all links"
HOW = (STATE, BOTH, SOME, ALL_LINKS)


async def forget(service: Service, how: str, which: int = 0) -> None:
    """``which``: of the links in their order, those whose bit is set, where only some are lost."""
    if how in (STATE, BOTH):
        items = MemoryItemIndex() if how == BOTH else service.services.items
        service.services = replace(service.services, store=MemoryMailboxStore(), items=items)
        return
    number = 0
    for box in service.exchange.boxes.values():
        links = [link async for link in service.services.store.links(box.id)]
        lost = [link for n, link in enumerate(links, number) if how == ALL_LINKS or which >> n & 1]
        number += len(links)
        await _drop(service, box, Changes(dropped_links=lost))


async def _drop(service: Service, box: MemoryMailbox, changes: Changes) -> None:
    store = service.services.store
    agenda = await store.agenda(box.id, inbox_limit=1)
    fence = await store.claim(box.id, agenda.fence, deadline=service.clock(), lane="test")
    await store.commit(fence, changes)


async def verified(service: Service, box: MemoryMailbox, *, mend: bool = False) -> dict[str, Any]:
    """The whole report. Between slices it is what Table Storage would keep."""
    services, report = service.services, Report(mend=mend)
    mailbox = await services.registry.get(box.id)
    assert mailbox is not None
    profile = await services.profiles.get("default") or Profile()
    await verify(services, mailbox, profile, report)
    while not report.complete:
        report = from_json(to_json(report))
        await verify(services, mailbox, profile, report)
    return to_json(report)


async def mended(service: Service) -> None:
    """Every mailbox is verified and mended, and then in step."""
    boxes = list(service.exchange.boxes.values())
    for box in boxes:
        await verified(service, box, mend=True)
    await service.settle()
    for box in boxes:
        report = await verified(service, box)
        assert [found for found in report["value"] if found["mends"]] == []
