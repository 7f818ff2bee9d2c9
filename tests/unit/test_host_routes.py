"""Route templates and host.json: what the host matches and what it refuses."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from local.functions_host.app_settings import resolve, service_bus_connection
from local.functions_host.errors import AppError
from local.functions_host.functions import Function
from local.functions_host.host_json import parse_time_span, read_host_json
from local.functions_host.http_routes import Routes


def function(name: str, route: str, methods: list[str] | None = None) -> Function:
    return Function(name, {"type": "httpTrigger", "name": "req", "route": route, "methods": methods})


ROUTES = Routes(
    [
        function("catch", "{*rest}", ["GET"]),
        function("one", "mailboxes/{id}", ["GET"]),
        function("delete", "mailboxes/{id}", ["DELETE"]),
        function("number", "mailboxes/{id:int}"),
        function("literal", "mailboxes/all"),
        function("optional", "pages/{page:int?}"),
        function("under", "mailboxes/{id}/files/{*path}"),
        function("regex", "{surface:regex(^admin$)}/{*path}", ["PATCH"]),
    ],
    "api",
)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/api/mailboxes/abc", ("one", {"id": "abc"})),
        ("GET", "/api/Mailboxes/ABC", ("one", {"id": "ABC"})),
        ("DELETE", "/api/mailboxes/abc", ("delete", {"id": "abc"})),
        ("PUT", "/api/mailboxes/12", ("number", {"id": "12"})),
        ("GET", "/api/mailboxes/all", ("literal", {})),
        ("GET", "/api/mailboxes/a%2Fb%20c", ("one", {"id": "a/b c"})),
        ("GET", "/api/pages", ("optional", {})),
        ("GET", "/api/pages/3", ("optional", {"page": "3"})),
        ("GET", "/api/mailboxes/x/files/a/b", ("under", {"id": "x", "path": "a/b"})),
        ("GET", "/api/elsewhere/deep", ("catch", {"rest": "elsewhere/deep"})),
        ("PATCH", "/api/admin/a/b", ("regex", {"surface": "admin", "path": "a/b"})),
        ("PATCH", "/api/administration/a", None),
        ("POST", "/api/pages/three", None),
        ("PUT", "/api/mailboxes/abc", None),
        ("GET", "/other/mailboxes/abc", None),
    ],
)
def test_the_most_specific_route_answers(method: str, path: str, expected: object) -> None:
    found = ROUTES.find(method, path)
    assert (found and (found[0].name, found[1])) == expected


@pytest.mark.parametrize("route", ["a-{id}", "{id:even}", "{id", "x/{a}{b}", "admin/x", "Runtime"])
def test_templates_the_host_cannot_match_are_refused(route: str) -> None:
    with pytest.raises(AppError):
        Routes([function("f", route)], "api")


@pytest.mark.parametrize(
    "bindings",
    [
        [
            {"type": "httpTrigger", "name": "req", "authLevel": "FUNCTION"},
            {"type": "http", "name": "$return"},
        ],
        [{"type": "serviceBusTrigger", "name": "m", "topicName": "t"}],
        [{"type": "serviceBusTrigger", "name": "m", "queueName": "q", "cardinality": "MANY"}],
        [{"type": "blobTrigger", "name": "b"}],
        [{"type": "timerTrigger", "name": "t"}, {"type": "serviceBus", "name": "out"}],
        [{"type": "http", "name": "$return"}],
    ],
)
def test_bindings_the_host_does_not_serve_are_refused(bindings: list[dict[str, str]]) -> None:
    with pytest.raises(AppError):
        Function.from_raw_bindings("f", [json.dumps(binding) for binding in bindings])


def test_settings_are_resolved_and_missing_ones_named() -> None:
    assert resolve("at %TIME% on %DAY%", {"TIME": "noon", "DAY": "Monday"}) == "at noon on Monday"
    with pytest.raises(AppError, match="%NOPE%"):
        resolve("%NOPE%", {})


def test_a_connection_is_found_under_either_name_only_as_a_connection_string() -> None:
    assert service_bus_connection("Bus", {"AzureWebJobsBus": "Endpoint=sb://x"}) == "Endpoint=sb://x"
    with pytest.raises(AppError, match="Bus"):
        service_bus_connection("Bus", {"Bus__fullyQualifiedNamespace": "x.servicebus.windows.net"})


def test_host_json_is_read_with_the_real_hosts_defaults(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    options = read_host_json(tmp_path)
    assert options.route_prefix == "api"
    assert options.service_bus.max_concurrent_sessions == 8
    assert options.service_bus.session_idle_timeout == timedelta(minutes=1)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        '{"version": "2.0", "functionTimeout": "10 min"}',
        '{"version": "2.0", "extensions": {"serviceBus": {"maxConcurrentSessions": "32"}}}',
    ],
)
def test_a_wrong_host_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "host.json").write_text(text)
    with pytest.raises(AppError):
        read_host_json(tmp_path)


def test_time_spans() -> None:
    assert parse_time_span("1.02:03:04.5") == timedelta(days=1, hours=2, minutes=3, seconds=4.5)
