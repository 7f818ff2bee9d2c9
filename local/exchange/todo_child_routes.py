"""``linkedResources``, ``checklistItems`` and ``extensions`` of one task."""

from __future__ import annotations

from functools import partial
from typing import Any

from local.exchange.call import Answer, Call
from local.exchange.errors import item_not_found
from local.exchange.routing import Router
from local.exchange.todo_children import plain_id, refuse_second, shown
from local.exchange.todo_input import CHILDREN
from local.exchange.todo_task_routes import TASKS, TodoTaskRoutes, context
from local.exchange.todo_tasks import TodoTasks

Json = dict[str, Any]


class TodoChildRoutes:
    """Extensions are addressed by their name, and are not listed."""

    def __init__(self, tasks: TodoTasks, task_routes: TodoTaskRoutes) -> None:
        self._tasks = tasks
        self._one = task_routes

    def add_to(self, router: Router) -> None:
        for kind in CHILDREN:
            collection = f"{TASKS}/{{task}}/{kind}"
            if kind != "extensions":
                router.add("GET", collection, partial(self.list_children, kind))
            router.add("POST", collection, partial(self.create, kind))
            router.add("GET", f"{collection}/{{child}}", partial(self.get, kind))
            router.add("PATCH", f"{collection}/{{child}}", partial(self.patch, kind))
            router.add("DELETE", f"{collection}/{{child}}", partial(self.delete, kind))

    def list_children(self, kind: str, call: Call) -> Answer:
        user, row, task = self._one.task(call)
        where = f"{call.root}/$metadata#{context(user, row)}('{call.params['task']}')/{kind}"
        return Answer(200, {"@odata.context": where, "value": [shown(kind, each) for each in task[kind]]})

    def get(self, kind: str, call: Call) -> Answer:
        _, _, task = self._one.task(call)
        return self._answer(kind, call, _found(kind, call, task))

    def create(self, kind: str, call: Call) -> Answer:
        _, _, task = self._one.task(call)
        new = self._tasks.children.new(kind, call.body())
        refuse_second(kind, task[kind], new)
        self._tasks.store.keep(task, **{kind: [*task[kind], new]})
        return self._answer(kind, call, new, 201)

    def patch(self, kind: str, call: Call) -> Answer:
        _, _, task = self._one.task(call)
        old = _found(kind, call, task)
        new = self._tasks.children.changed(kind, old, call.body())
        self._tasks.store.keep(task, **{kind: [new if row is old else row for row in task[kind]]})
        return self._answer(kind, call, new)

    def delete(self, kind: str, call: Call) -> Answer:
        _, _, task = self._one.task(call)
        old = _found(kind, call, task)
        self._tasks.store.keep(task, **{kind: [row for row in task[kind] if row is not old]})
        return Answer(204)

    def _answer(self, kind: str, call: Call, child: Json, status: int = 200) -> Answer:
        user, row, _ = self._one.task(call)
        where = f"{call.root}/$metadata#{context(user, row)}('{call.params['task']}')/{kind}/$entity"
        return Answer(status, {"@odata.context": where, **shown(kind, child)})


def _found(kind: str, call: Call, task: Json) -> Json:
    wanted = plain_id(kind, call.params["child"])
    found: Json | None = next((row for row in task[kind] if row["id"].lower() == wanted), None)
    if found is None:
        raise item_not_found()
    return found
