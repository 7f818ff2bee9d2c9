"""HTTP routes as the Functions host matches them: ``{id}``, ``{id:int?}``, ``{kind:alpha}``, ``{*rest}``.

More specific routes win, segment by segment: a literal before a constrained parameter, before a plain
one, before a catch-all. A request with a method that no function of the route takes is answered 404,
as the real host does (Azure/azure-functions-host#10098), not 405.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from local.functions_host.errors import AppError
from local.functions_host.functions import HTTP, Function

PARAMETER = re.compile(
    r"\{(?P<catch_all>\*{0,2})(?P<name>[A-Za-z_]\w*)"
    r"(?::(?P<constraint>\w+)(?:\((?P<argument>[^/]*)\))?)?(?P<optional>\?)?\}"
)
RESERVED = ("admin", "runtime")
CONSTRAINTS = {
    None: r"[^/]+",
    "alpha": r"[A-Za-z]+",
    "int": r"-?[0-9]+",
    "long": r"-?[0-9]+",
    "guid": r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}",
    "bool": r"(?:[Tt]rue|[Ff]alse|TRUE|FALSE)",
}
LITERAL, CONSTRAINED, PLAIN, CATCH_ALL = range(4)


@dataclass(frozen=True)
class Route:
    """A function's route: what matches it, and how specific it is."""

    function: Function
    pattern: re.Pattern[str]
    rank: tuple[int, ...]

    @staticmethod
    def of(function: Function, prefix: str) -> Route:
        """The route of an HTTP function under the app's prefix."""
        template = str(function.trigger.get("route") or function.name)
        if template.strip("/").lower().startswith(RESERVED):
            # The real host refuses these whatever the prefix (Azure/azure-functions-host#1781).
            raise AppError(f"'{template}': the specified route conflicts with one or more built in routes")
        segments = [part for part in f"{prefix}/{template}".split("/") if part]
        compiled = [_segment(segment, template) for segment in segments]
        pattern = "".join(expression for expression, _ in compiled)
        return Route(function, re.compile(pattern + "/?"), tuple(rank for _, rank in compiled))


class Routes:
    """All routes of the app."""

    def __init__(self, functions: Iterable[Function], prefix: str) -> None:
        routes = [Route.of(function, prefix) for function in functions if function.kind == HTTP]
        self._routes = sorted(routes, key=lambda route: route.rank)

    def find(self, method: str, path: str) -> tuple[Function, Mapping[str, str]] | None:
        """The function for a request (path as sent, still percent-encoded), with its route parameters."""
        for route in self._routes:
            match = route.pattern.fullmatch(path)
            methods = route.function.methods
            if match and (not methods or method in methods):
                found = match.groupdict()
                return route.function, {name: unquote(value) for name, value in found.items() if value}
        return None


def _segment(segment: str, template: str) -> tuple[str, int]:
    """A template's segment as a regular expression, its slash included, and its rank."""
    match = PARAMETER.fullmatch(segment)
    if match is None:
        if "{" in segment or "}" in segment:
            raise AppError(f"'{template}': a parameter must fill its segment in this host")
        return "/" + f"(?i:{re.escape(segment)})", LITERAL
    name, constraint = match["name"], match["constraint"]
    if constraint == "regex" and match["argument"]:
        return f"/(?P<{name}>(?i:{match['argument'].strip('^$')}))", CONSTRAINED
    if constraint not in CONSTRAINTS or match["argument"]:
        raise AppError(f"'{template}': the constraint '{constraint}' is not known to this host")
    if match["catch_all"]:
        return f"(?:/(?P<{name}>.*))?", CATCH_ALL
    expression = f"/(?P<{name}>{CONSTRAINTS[constraint]})"
    rank = CONSTRAINED if constraint else PLAIN
    return (f"(?:{expression})?" if match["optional"] else expression), rank
