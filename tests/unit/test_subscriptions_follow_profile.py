"""What Graph is asked to tell of a mailbox follows its profile: no contacts, no subscription to them."""

from __future__ import annotations

from shared.mailboxes import overview
from shared.mailboxes.change_notifications import ensure
from shared.mailboxes.renewals import renew_all
from shared.model.mailbox import Mailbox
from tests.doubles.service import Service


async def watched(service: Service, mailbox: Mailbox) -> list[str]:
    rows = await service.services.subscriptions.of_mailbox(mailbox.id)
    return sorted(row.resource.rsplit("/", 1)[-1] for row in rows)


async def test_a_profile_without_contacts_ends_their_subscription_and_with_them_it_comes_back() -> None:
    service = Service()
    box = service.person("ann", 1)
    await service.subscribe(box)
    mailbox = await service.services.registry.get(box.id)
    assert mailbox is not None
    await service.settle()
    assert await watched(service, mailbox) == ["contacts", "events"]
    await service.profile(synchronize_contacts=False)
    await renew_all(service.services)
    assert await watched(service, mailbox) == ["events"]
    assert len(await service.exchange.subscriptions()) == 1
    assert await overview.subscriptions_of_all(service.services) == (0, 0)
    assert await ensure(service.services, mailbox) == 0
    await service.profile(synchronize_contacts=True)
    assert await overview.subscriptions_of_all(service.services) == (1, 0)
    assert (await renew_all(service.services)).recreated == 1
    assert await watched(service, mailbox) == ["contacts", "events"]
