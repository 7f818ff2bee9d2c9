"""What a request is counted as."""

from __future__ import annotations

import json

import pytest
from multidict import CIMultiDict

from benchmarks.idle import COMPARISON, POLLING, RENEWAL, TASKS, TIMERS, purpose, split
from benchmarks.items import carrying, total
from benchmarks.ledger import EDGE, FEED, PASS, Ledger, Work, kind_of, kinds_of
from local.wire import WireRequest

EVENT = "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0Axxxxxxxxxxxxxxxxxxxxxxxx_xxxxxxxAAA="


USER = "/users/9b7f2c1e-0000-4000-8000-000000000001"
ROW = "9b7f2c1e-0000-4000-8000-000000000002"


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        (f"/v1.0{USER}/events/{EVENT}?$select=id", "/users/{id}/events/{id}"),
        (f"http://h/v1.0{USER}/calendarView/delta?$deltatoken=x", "/users/{id}/calendarView/delta"),
        (f"/api/data/v9.2/appointments({ROW})", "/appointments(id)"),
        ("/api/data/v9.2/appointments?$filter=a eq 'b'", "/appointments"),
    ],
)
def test_ids_are_left_out(target: str, kind: str) -> None:
    assert kind_of("GET", target) == f"GET {kind}"


def batch(target: str, body: str) -> WireRequest:
    return WireRequest("POST", target, CIMultiDict(), body.encode())


def test_parts_of_a_graph_batch_count_each() -> None:
    parts = [{"method": "GET", "url": "/users/a/events"}, {"method": "PATCH", "url": "/x"}]
    request = batch("/v1.0/$batch", json.dumps({"requests": parts}))
    assert list(kinds_of(request)) == ["GET /users/a/events", "PATCH /x"]


def test_parts_of_a_dataverse_batch_count_each() -> None:
    parts = ("GET /api/data/v9.2/contacts?x=1", "PATCH /api/data/v9.2/tasks(1)")
    body = "".join(f"--b\r\n\r\n{part} HTTP/1.1\r\n\r\n" for part in parts)
    request = batch("/api/data/v9.2/$batch", body)
    assert list(kinds_of(request)) == ["GET /contacts", "PATCH /tasks(id)"]


def work(of: str, cause: str, **asked: str) -> Work:
    made = Work(of, cause)
    for part, kind in asked.items():
        made.asked[part, kind] += 1
    return made


def test_the_pass_that_wrote_and_the_feed_before_it_carried_a_change_from_dynamics() -> None:
    feed, hinted = work(FEED, "push calendar", dataverse="GET /a"), work(PASS, "dynamics", graph="PATCH /e")
    echo = work(PASS, "notification", graph="GET /delta")
    assert carrying([work(FEED, "net"), feed, hinted, echo], "graph") == [feed, hinted]
    assert total([feed, hinted])["messages"] == 2


def test_a_change_from_exchange_needs_no_feed() -> None:
    told = work(PASS, "notification", graph="GET /delta", dataverse="PATCH /a")
    assert carrying([work(FEED, "net"), told, work(FEED, "push")], "dataverse") == [told]


def test_where_nothing_is_written_the_pass_that_was_asked_for_counts() -> None:
    told = work(PASS, "contacts", graph="GET /delta")
    assert carrying([work(PASS, "due"), told], "dataverse") == [told]


def test_what_a_mailbox_costs_is_told_from_what_all_share() -> None:
    assert purpose(EDGE, "storage", "GET mailboxes") == TIMERS
    assert purpose(EDGE, "graph", "PATCH /subscriptions/{id}") == RENEWAL
    assert purpose(PASS, "graph", "GET /users/{id}/todo/lists/{id}/tasks/delta") == TASKS
    assert purpose(PASS, "dataverse", "GET /userqueries") == COMPARISON
    assert purpose(PASS, "graph", "GET /users/{id}/calendarView/delta") == POLLING


def test_days_and_mailboxes_are_divided_by() -> None:
    ledger = Ledger({str(n): work(PASS, "due", graph="GET /delta", dataverse="GET /a") for n in range(12)})
    ledger.works["timer"] = work(EDGE, EDGE, storage="GET mailboxes")
    own, timers, kinds = split(ledger, 3, 2)
    assert own[POLLING] == {"graph": 2, "dataverse": 0, "storage": 0, "messages": 2}
    assert timers["storage"] == 0.5
    assert kinds == {"GET /a": 2}
