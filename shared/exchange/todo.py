"""The To Do tasks of one mailbox, in all of its lists, as the engine uses them.

Graph notifies nobody of tasks, so they are polled: the deltas of all lists are one ``$batch``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from shared.engine.ports import ItemPage
from shared.errors import Conflict, CursorExpired, NotFound, Refused, SyncError, UnknownResult
from shared.exchange import todo_extension, todo_fields, todo_links
from shared.exchange.channel import Channel
from shared.exchange.client import Json, Reply, Request
from shared.exchange.errors import UNREADABLE
from shared.exchange.todo_feed import FeedPage
from shared.model.event import Stamps
from shared.model.personal import (
    CreateItem,
    DeleteItem,
    ExchangeItem,
    MarkItem,
    Place,
    PlacedId,
    UpdateItem,
)
from shared.model.values import Values
from shared.rules.tracking import has_category

PAGE_SIZE = 100


class TodoTasks:
    """Implements the engine's ``PersonalItems``. A task is found in its list only, by an id that changes when
    it moves. ``user`` builds the requests of the mailbox."""

    def __init__(self, channel: Channel, user: Callable[[], Any], time_zone: str) -> None:
        # Notes are plain text, whatever form the organization's appointments have.
        self._channel = channel.asking_for("text")
        self._client = self._channel.client
        self._user = user
        self._time_zone = time_zone
        self._known: list[Place] = []

    def _lists(self) -> Any:
        return self._user().todo.lists

    def _tasks(self, place: str) -> Any:
        return self._lists().by_todo_task_list_id(place).tasks

    def _task(self, place: str, task_id: str) -> Any:
        return self._tasks(place).by_todo_task_id(task_id)

    # --- lists ------------------------------------------------------------------------------------

    async def places(self) -> Sequence[Place]:
        request = self._client.get("todo_lists", self._lists(), PAGE_SIZE, top=PAGE_SIZE)
        self._known = [
            todo_fields.place_of(row) async for row in self._channel.rows(request, PAGE_SIZE) if row.get("id")
        ]
        return self._known

    async def _own_lists(self) -> list[str]:
        """As read last by this object; a pass is short."""
        return [place.id for place in self._known or await self.places() if place.own]

    async def _default_list(self) -> str:
        for place in self._known or await self.places():
            if place.is_default:
                return place.id
        raise Refused("the mailbox has no default task list", code="noDefaultList")

    # --- the feed ---------------------------------------------------------------------------------

    async def changes(self, links: Mapping[str, str | None]) -> Mapping[str, ItemPage]:
        pages: dict[str, ItemPage] = {}
        requests: dict[str, Request] = {}
        for place, link in links.items():
            try:
                requests[place] = self._delta(place, link)
            except CursorExpired:
                pages[place] = ItemPage(expired=True)
        for place, answer in (await self._channel.answer_each(requests)).items():
            pages[place] = self._page(place, answer)
        return pages

    def _delta(self, place: str, link: str | None) -> Request:
        """What is expanded in a round's first request holds for all that follow."""
        if link:
            return self._client.follow("todo_delta", link, PAGE_SIZE)
        expand = list(todo_fields.FEED_EXPAND)
        return self._client.get("todo_delta", self._tasks(place).delta, PAGE_SIZE, expand=expand)

    def _page(self, place: str, answer: Json | SyncError) -> ItemPage:
        if isinstance(answer, CursorExpired):
            return ItemPage(expired=True)
        if isinstance(answer, NotFound):
            return ItemPage(gone=True)
        if isinstance(answer, SyncError):
            raise answer
        following = answer.get("@odata.deltaLink") or answer.get("@odata.nextLink")
        page = FeedPage(place, self._time_zone)
        for number, row in enumerate(answer.get("value") or ()):
            page.take(number, row)
        return page.done(self._client.checked_link(following), complete="@odata.deltaLink" in answer)

    # --- reading by id ----------------------------------------------------------------------------

    async def items(self, ids: Sequence[PlacedId]) -> Mapping[str, ExchangeItem | None]:
        """An id without a list is sought in all of the mailbox's own lists."""
        wanted: dict[tuple[str, str], Request] = {}
        for placed in ids:
            for place in [placed.place] if placed.place else await self._own_lists():
                wanted[placed.id, place] = self._whole(place, placed.id)
        found: dict[str, ExchangeItem | None] = {placed.id: None for placed in ids}
        for (task_id, place), body in (await self._read(wanted)).items():
            if body is not None:
                found[task_id] = self._decoded(body, place)
        return found

    async def tracked(self, place: str, link: str) -> ItemPage:
        """Graph does not filter by linked resources, so the list is read through."""
        kind, client = "tracked_tasks", self._client
        if link:
            request = client.follow(kind, link, PAGE_SIZE)
        else:
            expand = list(todo_fields.EXPAND)
            request = client.get(kind, self._tasks(place), PAGE_SIZE, expand=expand, top=PAGE_SIZE)
        body = (await self._channel.send(request)).body
        page = FeedPage(place, self._time_zone, whole=True)
        for number, row in enumerate(body.get("value") or ()):
            page.take(number, row)
        page.items = [task for task in page.items if _is_marked(task)]
        following = body.get("@odata.nextLink")
        return page.done(client.checked_link(following) if following else "", complete=not following)

    def _whole(self, place: str, task_id: str) -> Request:
        return self._client.get("todo_task", self._task(place, task_id), expand=list(todo_fields.EXPAND))

    async def _read(self, wanted: Mapping[tuple[str, str], Request]) -> dict[tuple[str, str], Json | None]:
        keys = dict(enumerate(wanted))
        bodies = await self._channel.read_each({str(n): wanted[key] for n, key in keys.items()})
        return {key: bodies[str(n)] for n, key in keys.items()}

    def _decoded(self, body: Json, place: str) -> ExchangeItem:
        """A task that cannot be read must not look like one that is gone."""
        try:
            return todo_fields.decode(body, place, self._time_zone, whole=True)
        except todo_fields.UnreadableTask as error:
            raise Refused(f"a task cannot be read: {error}", code=UNREADABLE) from error

    # --- finding ----------------------------------------------------------------------------------

    async def find_by_crm_id(self, dynamics_id: str) -> Sequence[ExchangeItem]:
        row_id = dynamics_id.strip("{}").lower()
        return (await self.find_by_crm_ids([row_id]))[row_id]

    async def find_by_crm_ids(self, dynamics_ids: Collection[str]) -> Mapping[str, Sequence[ExchangeItem]]:
        """Graph does not filter by linked resources."""
        named: dict[str, list[ExchangeItem]] = {row_id: [] for row_id in dynamics_ids}
        found = [task for task in await self._listed("todo_find") if _row_of(task) in named]
        for task in (await self.items([PlacedId(task.id, task.place) for task in found])).values():
            if task is not None and _row_of(task) in named:
                named[_row_of(task)].append(task)
        return named

    async def search(self, emails: Sequence[str], name: str) -> Sequence[ExchangeItem]:  # noqa: ARG002
        """Nobody's address is in a task: only its title counts."""
        if not name.strip():
            return []
        text = name.replace("'", "''")
        return await self._listed("todo_search", filter=f"title eq '{text}'")

    async def _listed(self, kind: str, **query: Any) -> list[ExchangeItem]:
        """Tasks of all own lists, with their linked resources; the lists' first pages come together."""
        expand = list(todo_fields.FEED_EXPAND)
        first = {
            place: self._client.get(
                kind, self._tasks(place), PAGE_SIZE, expand=expand, top=PAGE_SIZE, **query
            )
            for place in await self._own_lists()
        }
        found: list[ExchangeItem] = []
        for place, body in (await self._channel.read_each(first)).items():
            page = FeedPage(place, self._time_zone)
            for number, row in enumerate(await self._all_rows(kind, body or {})):
                page.take(number, row)
            found += page.items
        return found

    async def _all_rows(self, kind: str, body: Json) -> list[Json]:
        rows = list(body.get("value") or ())
        link = body.get("@odata.nextLink")
        if link is None:
            return rows
        request = self._client.follow(kind, self._client.checked_link(link), PAGE_SIZE)
        return rows + [row async for row in self._channel.rows(request, PAGE_SIZE)]

    # --- writing ----------------------------------------------------------------------------------

    async def create(self, write: CreateItem) -> ExchangeItem:
        place = write.place or await self._default_list()
        body = todo_fields.create(write, self._time_zone)
        request = self._client.write("create_task", "POST", self._tasks(place), body)
        return todo_fields.created(self._written(await self._channel.send(request), place), write)

    async def update(self, write: UpdateItem) -> ExchangeItem:
        """The task itself first, on the condition that nobody changed it; its extension has no version."""
        item = write.item
        body = todo_fields.update(write, self._time_zone)
        written = await self._patch("update_task", item, body) if body else item
        if not todo_extension.concerns(write.values):
            return written
        values = {**item.values, **write.values}
        if not item.extended and not todo_extension.says_something(values):
            return written
        await self._put_extension(item, values, _noted(item.stamps))
        return todo_fields.extended(written, values)

    async def mark(self, write: MarkItem) -> ExchangeItem:
        item = write.item
        if write.categories is not None:
            item = await self._patch("mark_task", item, {"categories": list(write.categories)})
        if write.stamps.link_state is None:
            return item
        if not write.stamps.tracked:
            return await self._untrack(item)
        stamps = todo_links.merged(write.stamps, item.stamps)
        resource = todo_links.encode(stamps, write.link_url, write.link_name)
        answer = await self._put_link(item, resource)
        return replace(item, stamps=todo_links.as_read(stamps), resource_id=str(answer.get("id") or ""))

    async def _untrack(self, item: ExchangeItem) -> ExchangeItem:
        """The row is noted before its link goes: a task that was moved meanwhile is known again by it."""
        former = todo_links.former(item.stamps) if item.whole else None  # else it holds what we do not know
        if former is not None and not _noted(item.stamps):
            await self._put_extension(item, item.values, former)
            item = replace(item, extended=True)
        await self._remove_link(item)
        return replace(item, stamps=todo_links.decode_former(former), resource_id="")

    async def delete(self, write: DeleteItem) -> None:
        builder = self._task(write.item.place, write.item.id)
        await self._channel.send(self._client.delete("delete_task", builder, write.item.etag or None))

    async def _patch(self, kind: str, item: ExchangeItem, body: Json) -> ExchangeItem:
        builder = self._task(item.place, item.id)
        request = self._client.write(kind, "PATCH", builder, body, item.etag or None)
        return todo_fields.kept(self._written(await self._channel.send(request), item.place), item)

    def _written(self, reply: Reply, place: str) -> ExchangeItem:
        """The write was done, but what Graph has stored is not known."""
        try:
            return todo_fields.decode(reply.body, place, self._time_zone, whole=True)
        except todo_fields.UnreadableTask as error:
            raise UnknownResult(f"the answer to a write cannot be read: {error}", code=UNREADABLE) from error

    # --- what hangs on a task ---------------------------------------------------------------------

    async def _put_extension(self, item: ExchangeItem, values: Values, former: str | None) -> None:
        """Made where there was none, replaced where there was one; either may have changed meanwhile."""
        extensions = self._task(item.place, item.id).extensions
        body = todo_extension.encode(values, former)
        made = self._client.write("task_extension", "POST", extensions, body)
        named = extensions.by_extension_id(todo_extension.NAME)
        changed = self._client.write("task_extension", "PATCH", named, body)
        first, otherwise = (changed, made) if item.extended else (made, changed)
        try:
            await self._channel.send(first)
        except (Conflict, NotFound):
            await self._channel.send(otherwise)

    async def _put_link(self, item: ExchangeItem, resource: Json) -> Json:
        links = self._task(item.place, item.id).linked_resources
        known = await self._link_id(item)
        if known:
            builder = links.by_linked_resource_id(known)
            try:
                request = self._client.write("task_link", "PATCH", builder, resource)
                return {"id": known, **(await self._channel.send(request)).body}
            except NotFound:
                pass  # somebody took it off: it is made anew
        return (await self._channel.send(self._client.write("task_link", "POST", links, resource))).body

    async def _remove_link(self, item: ExchangeItem) -> None:
        known = await self._link_id(item)
        if not known:
            return
        builder = self._task(item.place, item.id).linked_resources.by_linked_resource_id(known)
        try:
            await self._channel.send(self._client.delete("task_link", builder))
        except NotFound:
            return

    async def _link_id(self, item: ExchangeItem) -> str:
        """A feed may not show linked resources, nor an answer to a POST: then they are asked for."""
        if item.resource_id or (item.stamps is not None and not item.stamps.tracked):
            return item.resource_id
        request = self._client.get("task_links", self._task(item.place, item.id).linked_resources)
        resource = todo_links.ours([row async for row in self._channel.rows(request)])
        return str(resource["id"]) if resource else ""


def _noted(stamps: Stamps | None) -> str | None:
    """The row that a task has had, and has no more."""
    return None if stamps is None or stamps.tracked else todo_links.former(stamps)


def _is_marked(task: ExchangeItem) -> bool:
    return bool(_row_of(task)) or has_category(task.categories)


def _row_of(task: ExchangeItem) -> str:
    """The row that it names."""
    return str((task.stamps.crm_id if task.stamps else None) or "")
