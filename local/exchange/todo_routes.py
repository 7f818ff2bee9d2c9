"""``/todo/lists``: the lists of a mailbox and their delta."""

from __future__ import annotations

from typing import Any

from local.exchange.access import mailbox_of
from local.exchange.call import Answer, Call
from local.exchange.directory import Directory
from local.exchange.item_delta import Feed, ItemDelta
from local.exchange.item_lists import item_answer, list_answer, refuse_stale
from local.exchange.item_store import ItemStore
from local.exchange.odata import Options, parse_options
from local.exchange.preferences import Preferences
from local.exchange.routing import Router
from local.exchange.todo_lists import TodoLists, shown

Json = dict[str, Any]

LISTS = "users/{user}/todo/lists"
_LIST = frozenset({"$select", "$top", "$skip", "$count", "$filter", "$orderby"})


class TodoListRoutes:
    """Lists; their tasks are in ``todo_task_routes``."""

    def __init__(self, directory: Directory, lists: TodoLists, tasks: ItemStore, delta: ItemDelta) -> None:
        self._directory = directory
        self._lists = lists
        self._tasks = tasks
        self._delta = delta

    def add_to(self, router: Router) -> None:
        router.add("GET", LISTS, self.list_lists)
        router.add("POST", LISTS, self.create)
        router.add("GET", f"{LISTS}/delta", self.delta)
        for method, handler in (("GET", self.get), ("PATCH", self.patch), ("DELETE", self.delete)):
            router.add(method, f"{LISTS}/{{list}}", handler)

    def _list(self, call: Call) -> tuple[Json, Json]:
        user = mailbox_of(call, self._directory)
        return user, self._lists.get(user, call.params["list"])

    def list_lists(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        options = parse_options(call, _LIST, "todoTaskList")
        return list_answer(call, self._lists.of(user), options, _show, _context(user))

    def get(self, call: Call) -> Answer:
        user, row = self._list(call)
        options = parse_options(call, frozenset({"$select"}), "todoTaskList")
        return item_answer(call, row, options, _show, _context(user))

    def create(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        row = self._lists.create(user, call.body())
        return item_answer(call, row, Options(), _show, _context(user), 201)

    def patch(self, call: Call) -> Answer:
        user, row = self._list(call)
        refuse_stale(call, row)
        return item_answer(call, self._lists.rename(row, call.body()), Options(), _show, _context(user))

    def delete(self, call: Call) -> Answer:
        """Its tasks go with it."""
        _, row = self._list(call)
        refuse_stale(call, row)
        self._lists.delete(row)
        for task in self._tasks.in_place(row["id"]):
            self._tasks.remove(task)
        return Answer(204)

    def delta(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        return self._delta.page(
            call, Feed(self._lists.store, user["id"], "todoTaskList", frozenset(), lambda row, _: shown(row))
        )


def _show(row: Json, _preferences: Preferences) -> Json:
    return shown(row)


def _context(user: Json) -> str:
    return f"users('{user['id']}')/todo/lists"
