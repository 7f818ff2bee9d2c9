"""A mailbox without contacts and tasks, and a Dynamics whose users want none: for stories about
appointments."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from shared.engine.ports import ChangedItem, ChangedRow, FilterOwner, ItemPage, Likeness
from shared.errors import NotFound
from shared.model.appointment import APPOINTMENT, SERIES, SERVICE, Absence
from shared.model.personal import (
    CreateItem,
    CreateRecord,
    DeleteItem,
    DeleteRecord,
    DynamicsRecord,
    ExchangeItem,
    FieldRights,
    MarkItem,
    Match,
    Place,
    PlacedId,
    UpdateItem,
    UpdateRecord,
)
from shared.model.sync_filter import Filters, SyncFilter, union

WRONG = "nobody has contacts or tasks here"


class NoItems:
    """No folders, no lists, nothing in them; nothing can be made."""

    async def places(self) -> Sequence[Place]:
        return []

    async def newest(self, since: datetime) -> Sequence[ChangedItem]:
        return []

    async def changes(self, links: Mapping[str, str | None]) -> Mapping[str, ItemPage]:
        return {place: ItemPage(gone=True) for place in links}

    async def tracked(self, place: str, link: str) -> ItemPage:
        return ItemPage()

    async def items(self, ids: Sequence[PlacedId]) -> Mapping[str, ExchangeItem | None]:
        return {placed.id: None for placed in ids}

    async def find_by_crm_id(self, dynamics_id: str) -> Sequence[ExchangeItem]:
        return []

    async def find_by_crm_ids(self, dynamics_ids: Collection[str]) -> Mapping[str, Sequence[ExchangeItem]]:
        return {row_id: [] for row_id in dynamics_ids}

    async def search(self, emails: Sequence[str], name: str) -> Sequence[ExchangeItem]:
        return []

    async def create(self, write: CreateItem) -> ExchangeItem:
        raise AssertionError(WRONG)

    async def update(self, write: UpdateItem) -> ExchangeItem:
        raise AssertionError(WRONG)

    async def mark(self, write: MarkItem) -> ExchangeItem:
        raise AssertionError(WRONG)

    async def delete(self, write: DeleteItem) -> None:
        raise NotFound(write.item.id)


class NoRecords:
    """Part of a Dynamics double: no contacts, no tasks, no filters."""

    async def records(
        self, table: str, ids: Sequence[str], *, as_user: str
    ) -> Mapping[str, DynamicsRecord | Absence]:
        return dict.fromkeys(ids, Absence.PHYSICAL)

    async def create_record(self, write: CreateRecord, *, as_user: str) -> DynamicsRecord:
        raise AssertionError(WRONG)

    async def update_record(self, write: UpdateRecord, *, as_user: str) -> DynamicsRecord:
        raise AssertionError(WRONG)

    async def delete_record(self, write: DeleteRecord, *, as_user: str) -> None:
        raise NotFound(write.id)

    async def contacts_like(self, wanted: Sequence[Likeness], *, as_user: str) -> Sequence[Sequence[Match]]:
        return [[] for _ in wanted]

    async def tasks_called(self, subjects: Sequence[str], *, as_user: str) -> Sequence[DynamicsRecord]:
        return []

    async def field_rights(self, table: str, *, as_user: str) -> FieldRights:
        return FieldRights()

    async def sync_filters(self, user_id: str) -> Filters:
        """The usual ones of appointments, and no others."""
        tables = (APPOINTMENT, SERIES, SERVICE)
        return union(SyncFilter(table, table, "Mine", "", "1", usual=True) for table in tables)

    async def system_filters(self) -> Sequence[str]:
        return []

    async def filter_owner(self, filter_id: str) -> FilterOwner | None:
        """Nobody changes one."""
        del filter_id
        return None

    async def matching(
        self, filters: Sequence[SyncFilter], ids: Sequence[str] | None, *, as_user: str
    ) -> Sequence[ChangedRow]:
        return []
