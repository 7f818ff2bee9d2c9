"""Links that are lost while all else stands: their events are found by the stamp. Ids that we choose hold
the generation of the link, which nobody knows then: what is made later must not meet what was made before."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.doubles.forgetting import ALL_LINKS, forget
from tests.doubles.stories import only, subscribed
from tests.doubles.world import EPOCH
from tests.marks import rule
from tests.rules.build import at
from tests.unit import test_engine_services as services
from tests.unit.test_engine_services import DELETE_LEAVERS, party, settled

ROW = "66666666-6666-4666-8666-666666666666"
GUEST = "guest@fabrikam.example"


@rule("LNK-3", "LNK-7", "PAIN-2")
@pytest.mark.parametrize("ended", [False, True])
async def test_a_meeting_whose_link_is_lost_is_not_sent_again(ended):
    """Though Exchange has forgotten under which key it was made."""
    service, ada = await subscribed("ada")
    user = service.dynamics.users[ada.address]
    guests = [[GUEST, "required"]]
    service.dynamics.add(ROW, user, subject="Visit", time=at(EPOCH + timedelta(days=3)), attendees=guests)
    await service.settle()
    event = only(ada.items)
    if ended:
        ada.edit(event.id, categories=())
        await service.settle()
    await forget(service, ALL_LINKS)
    ada._transactions.clear()
    service.dynamics.edit(ROW, importance=2)
    await service.settle()
    assert only(ada.items).id == event.id
    assert [link.linked async for link in service.services.store.links(ada.id)] == ([] if ended else [True])
    assert service.exchange.mails == [("invitation", GUEST)]


@rule("LNK-3", "LNK-8")
async def test_a_copy_that_went_and_came_does_so_again_after_its_link_was_lost():
    service, ada, bob = await settled("ada", "bob")
    service.dynamics.settings.update(DELETE_LEAVERS)

    async def goes_and_comes():
        service.dynamics.set_parties(services.ROW, party(service, bob))
        await service.settle()
        assert not ada.items
        service.dynamics.set_parties(services.ROW, party(service, ada), party(service, bob))
        await service.settle()
        assert only(ada.items).value("subject") == "Repair"

    await goes_and_comes()
    for _ in range(2):
        await service.services.store.delete_mailbox(ada.id)
        await service.run_pass(ada, "enable")
        await goes_and_comes()
    assert not service.exchange.mails
