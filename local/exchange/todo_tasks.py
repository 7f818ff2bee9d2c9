"""The tasks of every list: made, changed, completed."""

from __future__ import annotations

from typing import Any

from local.exchange.item_store import ItemStore, Parts
from local.exchange.todo_children import NONE, Children, refuse_second
from local.exchange.todo_input import DEFAULTS, following, settled

Json = dict[str, Any]


class TodoTasks:
    """``store`` holds them by list."""

    def __init__(self, parts: Parts) -> None:
        self.store = ItemStore(parts, "todoTasks", immutable=False)
        self.children = Children(parts)
        self._parts = parts

    def create(self, user: Json, list_id: str, sent: Json, children: Json) -> Json:
        """``children`` are as sent."""
        made: Json = {**NONE}
        for kind, bodies in children.items():
            for body in bodies:
                new = self.children.new(kind, body)
                refuse_second(kind, made[kind], new)
                made[kind] = [*made[kind], new]
        props = settled(DEFAULTS, sent, self._parts.clock.now().date())
        return self.store.add(user["id"], list_id, props=props, bodyModified=self._parts.now(), **made)

    def change(self, task: Json, sent: Json) -> Json:
        """A recurring task that is completed does not recur any more: the next one does."""
        props = settled(task["props"], sent, self._parts.clock.now().date())
        completed = props["status"] == "completed" != task["props"]["status"]
        body_modified = self._parts.now() if "body" in sent else task["bodyModified"]
        if not (completed and props["recurrence"]):
            return self.store.change(task, props=props, bodyModified=body_modified)
        upcoming = following(props)
        done = self.store.change(task, props={**props, "recurrence": None}, bodyModified=body_modified)
        if upcoming is not None:
            facts = {"props": upcoming, "bodyModified": body_modified}
            self.store.add(task["user"], task["place"], **facts, **self.children.copied(task, anew=True))
        return done
