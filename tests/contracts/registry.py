"""What every MailboxRegistry does: one mailbox, one Dynamics user (MBX-3)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from shared.engine.ports import MailboxRegistry
from shared.errors import Conflict, NotFound
from shared.model.mailbox import Mailbox, MailboxState

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def mailbox(**changes: object) -> Mailbox:
    name = uuid4()
    made = Mailbox(id=str(name), address=f"{name.hex}@example.com", user_id=str(uuid4()))
    return replace(made, **changes)  # type: ignore[arg-type]


def plain(found: Mailbox | None) -> Mailbox | None:
    """Without its etag."""
    return found and replace(found, etag=None)


class MailboxRegistryContract:
    async def test_an_added_mailbox_is_found(self, registry: MailboxRegistry) -> None:
        new = mailbox(
            state=MailboxState.PAUSED,
            display_name="Zoë Müller",
            time_zone="W. Europe Standard Time",
            due_at=NOW,
            last_pass_at=NOW,
            last_pass_ms=1234,
            last_error="x" * 2000,
            failures=3,
            lag_seconds=0.5,
            reconciled_at=NOW,
            calendars_read_at=NOW,
            created_at=NOW,
            scheduling_note="Dynamics did not say (0x8006088a)",
        )
        added = await registry.add(new)
        assert added.etag
        assert await registry.get(new.id) == added
        assert await registry.by_user(new.user_id) == added
        assert plain(added) == new

    async def test_what_is_not_set_stays_unset(self, registry: MailboxRegistry) -> None:
        added = await registry.add(mailbox())
        found = await registry.get(added.id)
        assert found is not None
        assert (found.due_at, found.lag_seconds, found.last_error) == (None, None, "")

    async def test_unknown_ones(self, registry: MailboxRegistry) -> None:
        assert await registry.get("nobody") is None
        assert await registry.by_user("nobody") is None
        assert await registry.by_users([]) == {}

    @pytest.mark.rule("MBX-3")
    async def test_a_mailbox_a_user_or_an_address_is_mapped_once(self, registry: MailboxRegistry) -> None:
        first = await registry.add(mailbox())
        again = mailbox(id=first.id)
        same_user = mailbox(user_id=first.user_id)
        same_address = mailbox(address=first.address.upper())
        for clash in (again, same_user, same_address):
            with pytest.raises(Conflict):
                await registry.add(clash)
        assert await registry.get(first.id) == first
        assert await registry.by_user(first.user_id) == first
        assert await registry.by_user(again.user_id) is None
        for absent in (same_user, same_address):
            assert await registry.get(absent.id) is None

    @pytest.mark.rule("MBX-3")
    async def test_what_lost_a_clash_blocks_nobody(self, registry: MailboxRegistry) -> None:
        first = await registry.add(mailbox())
        loser = mailbox(user_id=first.user_id)
        with pytest.raises(Conflict):
            await registry.add(loser)
        await registry.add(replace(loser, user_id=str(uuid4())))
        await registry.add(mailbox())

    @pytest.mark.rule("MBX-3")
    async def test_of_ten_at_once_for_one_user_one_wins(self, registry: MailboxRegistry) -> None:
        user = str(uuid4())
        tries = [registry.add(mailbox(user_id=user)) for _ in range(10)]
        results = await asyncio.gather(*tries, return_exceptions=True)
        won = [each for each in results if isinstance(each, Mailbox)]
        assert len(won) <= 1
        assert all(isinstance(each, Conflict | Mailbox) for each in results)
        mapped = [each async for each in registry.all() if each.user_id == user]
        assert mapped == won
        if not won:
            await registry.add(mailbox(user_id=user))

    @pytest.mark.rule("MBX-3")
    async def test_of_ten_at_once_for_one_mailbox_one_wins(self, registry: MailboxRegistry) -> None:
        new = mailbox()
        tries = [registry.add(replace(new, user_id=str(uuid4()))) for _ in range(10)]
        results = await asyncio.gather(*tries, return_exceptions=True)
        won = [each for each in results if isinstance(each, Mailbox)]
        assert len(won) <= 1
        assert await registry.get(new.id) == (won[0] if won else None)

    async def test_a_removed_mailbox_frees_its_user(self, registry: MailboxRegistry) -> None:
        first = await registry.add(mailbox())
        await registry.remove(first)
        assert await registry.get(first.id) is None
        assert await registry.by_user(first.user_id) is None
        second = await registry.add(mailbox(user_id=first.user_id, address=first.address))
        assert await registry.by_user(first.user_id) == second
        await registry.remove(first)
        assert await registry.by_user(first.user_id) == second

    async def test_an_update_needs_the_latest_etag(self, registry: MailboxRegistry) -> None:
        first = await registry.add(mailbox())
        second = await registry.update(replace(first, state=MailboxState.PAUSED))
        with pytest.raises(Conflict):
            await registry.update(replace(first, state=MailboxState.BROKEN))
        assert await registry.get(first.id) == second
        assert second.state is MailboxState.PAUSED

    async def test_an_update_of_a_mailbox_that_is_not_there(self, registry: MailboxRegistry) -> None:
        first = await registry.add(mailbox())
        await registry.remove(first)
        with pytest.raises(NotFound):
            await registry.update(first)

    @pytest.mark.rule("MBX-3")
    async def test_an_update_may_change_user_and_address_to_free_ones_only(
        self, registry: MailboxRegistry
    ) -> None:
        first, other = await registry.add(mailbox()), await registry.add(mailbox())
        for taken in ({"user_id": other.user_id}, {"address": other.address}):
            read = await registry.get(first.id)
            assert read is not None
            with pytest.raises(Conflict, match="mailbox " + other.id):
                await registry.update(replace(read, **taken))
        read = await registry.get(first.id)
        assert read is not None
        moved = await registry.update(replace(read, user_id=str(uuid4()), address="new@example.com"))
        assert await registry.by_user(moved.user_id) == moved
        assert await registry.by_user(first.user_id) is None
        await registry.add(mailbox(user_id=first.user_id, address=first.address))

    async def test_a_patch_changes_only_what_it_names(self, registry: MailboxRegistry) -> None:
        first = await registry.add(mailbox(lag_seconds=3.0, due_at=NOW))
        await registry.patch(first.id, due_at=NOW + timedelta(hours=1), failures=2, lag_seconds=None)
        await registry.patch(first.id, state=MailboxState.BROKEN, last_error="no licence")
        expected = replace(
            first,
            due_at=NOW + timedelta(hours=1),
            failures=2,
            lag_seconds=None,
            state=MailboxState.BROKEN,
            last_error="no licence",
        )
        found = await registry.get(first.id)
        assert plain(found) == plain(expected)
        with pytest.raises(Conflict):
            await registry.update(first)

    async def test_a_patch_of_nothing_or_of_a_key_is_refused(self, registry: MailboxRegistry) -> None:
        first = await registry.add(mailbox())
        with pytest.raises(NotFound):
            await registry.patch("nobody", failures=1)
        for wrong in ("user_id", "id", "address", "etag", "nonsense"):
            with pytest.raises(ValueError, match=wrong):
                await registry.patch(first.id, **{wrong: "x"})

    async def test_by_users_finds_many(self, registry: MailboxRegistry) -> None:
        added = [await registry.add(mailbox()) for _ in range(20)]
        users = [each.user_id for each in added]
        assert await registry.by_users([*users, "nobody"]) == {each.user_id: each for each in added}

    async def test_due_are_the_active_ones_whose_time_has_come(self, registry: MailboxRegistry) -> None:
        past = await registry.add(mailbox(due_at=NOW - timedelta(seconds=1)))
        now = await registry.add(mailbox(due_at=NOW))
        never_read = await registry.add(mailbox())
        await registry.add(mailbox(due_at=NOW + timedelta(microseconds=1)))
        await registry.add(mailbox(due_at=NOW, state=MailboxState.PAUSED))
        found = {each.id async for each in registry.due(NOW)}
        assert found == {past.id, now.id, never_read.id}
        assert len([each async for each in registry.all()]) == 5
