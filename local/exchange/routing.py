"""Which handler answers which path. Segments match in any case; counts use the spelling given here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from local.exchange.call import Answer, Call
from local.exchange.errors import GraphError, bad_request, unknown_segment

Handler = Callable[[Call], Answer | Awaitable[Answer]]

_COLLECTIONS = {
    "users",
    "calendars",
    "events",
    "subscriptions",
    "mastercategories",
    "calendarpermissions",
    "attachments",
    "contacts",
    "contactfolders",
    "childfolders",
    "lists",
    "tasks",
    "linkedresources",
    "checklistitems",
    "extensions",
}


@dataclass
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    parameter: str | None = None
    parameter_child: _Node | None = None
    handlers: dict[str, Handler] = field(default_factory=dict)


class Router:
    """A tree of path segments; ``{name}`` stands for an id."""

    def __init__(self) -> None:
        self._root = _Node()

    def add(self, method: str, pattern: str, handler: Handler) -> None:
        node = self._root
        for segment in pattern.split("/"):
            node = self._child(node, segment)
        node.handlers[method] = handler

    @staticmethod
    def _child(node: _Node, segment: str) -> _Node:
        if segment.startswith("{"):
            node.parameter = segment.strip("{}")
            node.parameter_child = node.parameter_child or _Node()
            return node.parameter_child
        node.names[segment.lower()] = segment
        return node.children.setdefault(segment.lower(), _Node())

    def find(self, call: Call) -> Handler:
        """The handler; fills in the call's path parameters and template."""
        node, template = self._root, ""
        for segment in call.segments:
            known = node.children.get(segment.lower())
            if known is not None:
                template += f"/{node.names[segment.lower()]}"
                node = known
            elif node.parameter_child is not None and node.parameter:
                call.params[node.parameter] = segment
                template += "/{id}"
                node = node.parameter_child
            else:
                call.template = template_of(call.segments)
                raise unknown_segment(segment)
        call.template = template
        if not node.handlers:
            raise bad_request(f"Unsupported segment type. '{call.segments[-1]}' cannot be addressed.")
        if call.method not in node.handlers:
            raise GraphError(405, "ErrorInvalidRequest", "The OData request is not supported.")
        return node.handlers[call.method]


def template_of(segments: list[str]) -> str:
    """The template of a path that has no route: what follows a collection is an id."""
    parts = [
        "{id}" if position and segments[position - 1].lower() in _COLLECTIONS else segment
        for position, segment in enumerate(segments)
    ]
    return "/" + "/".join(parts)
