"""Ids that we choose hold the generation of the link. A link that was lost and found by its stamp does not
know its own any more, and must not meet what an earlier one made."""

from __future__ import annotations

from tests.doubles.stories import only
from tests.marks import rule
from tests.unit.test_engine_services import DELETE_LEAVERS, ROW, party, settled


@rule("LNK-3", "LNK-8")
async def test_a_copy_that_went_and_came_does_so_again_after_its_link_was_lost():
    service, ada, bob = await settled("ada", "bob")
    service.dynamics.settings.update(DELETE_LEAVERS)

    async def goes_and_comes():
        service.dynamics.set_parties(ROW, party(service, bob))
        await service.settle()
        assert not ada.items
        service.dynamics.set_parties(ROW, party(service, ada), party(service, bob))
        await service.settle()
        assert only(ada.items).value("subject") == "Repair"

    await goes_and_comes()
    for _ in range(2):
        await service.services.store.delete_mailbox(ada.id)
        await service.run_pass(ada, "enable")
        await goes_and_comes()
    assert not service.exchange.mails
