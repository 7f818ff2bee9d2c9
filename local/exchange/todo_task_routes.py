"""``/todo/lists/{id}/tasks``: the tasks of one list and their delta."""

from __future__ import annotations

from functools import partial
from typing import Any

from local.exchange.access import mailbox_of
from local.exchange.call import Answer, Call
from local.exchange.directory import Directory
from local.exchange.errors import bad_request, invalid_todo, item_not_found
from local.exchange.item_delta import Feed, ItemDelta
from local.exchange.item_lists import item_answer, list_answer, refuse_stale
from local.exchange.odata import ITEM_OPTIONS, LIST_OPTIONS, Options, parse_options
from local.exchange.preferences import Preferences
from local.exchange.routing import Router
from local.exchange.todo_input import CHILDREN, parse
from local.exchange.todo_lists import FLAGGED, TodoLists
from local.exchange.todo_routes import LISTS
from local.exchange.todo_tasks import TodoTasks
from local.exchange.todo_view import expanded, shown, with_children

Json = dict[str, Any]

TASKS = f"{LISTS}/{{list}}/tasks"
_DELTA_OPTIONS = frozenset({"$select", "$top", "$expand"})


class TodoTaskRoutes:
    """A task is found in its list only, by an id that changes when it moves."""

    def __init__(self, directory: Directory, lists: TodoLists, tasks: TodoTasks, delta: ItemDelta) -> None:
        self._directory = directory
        self._lists = lists
        self._tasks = tasks
        self._delta = delta

    def add_to(self, router: Router) -> None:
        router.add("GET", TASKS, self.list_tasks)
        router.add("POST", TASKS, self.create)
        router.add("GET", f"{TASKS}/delta", self.delta)
        for method, handler in (("GET", self.get), ("PATCH", self.patch), ("DELETE", self.delete)):
            router.add(method, f"{TASKS}/{{task}}", handler)

    # --- finding --------------------------------------------------------------------------------

    def _list(self, call: Call) -> tuple[Json, Json]:
        user = mailbox_of(call, self._directory)
        return user, self._lists.get(user, call.params["list"])

    def task(self, call: Call) -> tuple[Json, Json, Json]:
        """The mailbox, the list and the task that a path names."""
        user, row = self._list(call)
        task = self._tasks.store.get(user["id"], call.params["task"])
        if task["place"] != row["id"]:
            raise item_not_found()
        return user, row, task

    # --- handlers -------------------------------------------------------------------------------

    def list_tasks(self, call: Call) -> Answer:
        user, row = self._list(call)
        options = parse_options(call, LIST_OPTIONS, "todoTask", expanded)
        tasks = self._tasks.store.in_place(row["id"])
        return list_answer(call, tasks, options, partial(self._show, options), context(user, row))

    def get(self, call: Call) -> Answer:
        user, row, task = self.task(call)
        options = parse_options(call, ITEM_OPTIONS, "todoTask", expanded)
        return self._answer(call, user, row, task, options)

    def create(self, call: Call) -> Answer:
        """The flagged messages are the only ones who make tasks in their list."""
        user, row = self._list(call)
        if row["wellKnown"] == FLAGGED:
            raise invalid_todo("tasks cannot be created in this list.")
        body = dict(call.body())
        extensions = body.pop("extensions", None) or []
        sent = parse(body)
        children = {"extensions": extensions}
        for kind in ("linkedResources", "checklistItems"):
            children[kind] = sent.pop(kind, None) or []
        task = self._tasks.create(user, row["id"], sent, children)
        return self._answer(call, user, row, task, _all_of(children), 201)

    def patch(self, call: Call) -> Answer:
        user, row, task = self.task(call)
        refuse_stale(call, task)
        body = call.body()
        if set(body) & set(CHILDREN):
            raise invalid_todo("linked resources, checklist items and extensions have requests of their own.")
        sent = parse(body)
        if sent:
            task = self._tasks.change(task, sent)
        return self._answer(call, user, row, task, Options())

    def delete(self, call: Call) -> Answer:
        _, _, task = self.task(call)
        refuse_stale(call, task)
        self._tasks.store.remove(task)
        return Answer(204)

    def delta(self, call: Call) -> Answer:
        _, row = self._list(call)
        preferences = call.preferences

        def show(task: Json, expand: str) -> Json:
            return self._show(Options(**expanded(expand)), task, preferences)

        _refuse_extensions(call.query.get("$expand", ""))
        return self._delta.page(call, Feed(self._tasks.store, row["id"], "todoTask", _DELTA_OPTIONS, show))

    # --- answering ------------------------------------------------------------------------------

    def _show(self, options: Options, task: Json, preferences: Preferences) -> Json:
        row = shown(task, self._tasks.store.shown_id(task, preferences), preferences)
        return with_children(row, task, options.children)

    def _answer(
        self, call: Call, user: Json, row: Json, task: Json, options: Options, status: int = 200
    ) -> Answer:
        return item_answer(call, task, options, partial(self._show, options), context(user, row), status)


def context(user: Json, row: Json) -> str:
    return f"users('{user['id']}')/todo/lists('{row['id']}')/tasks"


def _refuse_extensions(expand: str) -> None:
    """A delta that is asked to expand extensions fails, as seen with that of messages."""
    if "extensions" in expanded(expand)["children"]:
        raise bad_request("Parsing OData Select and Expand failed: extensions cannot be expanded here.")


def _all_of(children: Json) -> Options:
    """The answer to a POST shows the linked resources and checklist items that were sent along."""
    kinds = [kind for kind in ("linkedResources", "checklistItems") if children[kind]]
    return Options(children=dict.fromkeys(kinds))
