"""Round trips: rows through encode and decode, batches through writer and reader."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bodies.visible import normal
from shared.dynamics.dataverse.activities import APPOINTMENTS
from shared.dynamics.dataverse.appointments import (
    ATTENDEE_ROLES,
    decode,
    encode,
)
from shared.dynamics.dataverse.batch import BrokenBatch, ChangeSet, Part, read, write
from shared.dynamics.dataverse.messages import Request
from shared.dynamics.dataverse.odata import LOGICAL_NAME, instant
from shared.dynamics.dataverse.tables import ENTITY_SETS
from shared.model.party import Party, RecordRef

Json = dict[str, Any]
PARTIES = APPOINTMENTS.parties
SETS = {entity_set: table for table, entity_set in ENTITY_SETS.items()}
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)

guids = st.uuids().map(str)
texts = st.text(max_size=40)
addresses = st.from_regex(r"[A-Za-z0-9.+']{1,10}@[a-z]{1,8}\.org", fullmatch=True)
refs = st.builds(RecordRef, st.sampled_from(["contact", "account", "systemuser", "queue"]), guids)
attendees = st.builds(Party, st.sampled_from(sorted(ATTENDEE_ROLES)), addresses, st.none() | refs)
instants = st.integers(0, 10**7).map(lambda seconds: instant(MONDAY + timedelta(seconds=seconds)))
times = st.fixed_dictionaries({"allDay": st.booleans(), "start": instants, "end": instants})
regardings = st.none() | st.fixed_dictionaries({"table": st.sampled_from(sorted(ENTITY_SETS)), "id": guids})
values = st.fixed_dictionaries(
    {
        "time": times,
        "subject": texts,
        "location": texts,
        "body": texts.map(normal),
        "sensitivity": st.booleans(),
        "importance": st.sampled_from([0, 1, 2]),
        "showAs": st.sampled_from([[0, 1], [0, 2], [1, 3], [2, 4], [3, 5], [3, 6]]),
        "regarding": regardings,
    }
)


def as_shown(body: Json) -> Json:
    """The row that Dataverse would show after storing ``body``: binds become look-ups."""
    shown: Json = {"activityid": str(UUID(int=1)), "@odata.etag": 'W/"1"'}
    for name, value in body.items():
        if name == PARTIES:
            shown[PARTIES] = [_row(party, "partyid") for party in value]
        elif not name.endswith("@odata.bind"):
            shown[name] = value
    return shown | _lookup(body, "regardingobjectid")


def _row(party: Json, column: str) -> Json:
    return {k: v for k, v in party.items() if "@" not in k} | _lookup(party, column)


def _lookup(body: Json, column: str) -> Json:
    for name, value in body.items():
        if name.startswith(column) and name.endswith("@odata.bind") and value:
            entity_set, _, row_id = value.strip("/)").partition("(")
            return {f"_{column}_value": row_id, f"_{column}_value@{LOGICAL_NAME}": SETS[entity_set]}
    return {f"_{column}_value": None}


@given(values, st.lists(attendees, max_size=6), guids)
def test_what_is_written_is_what_is_read(given_values: Json, parties: list[Party], organizer: str) -> None:
    head = Party(7, "organizer@contoso.com", RecordRef("systemuser", organizer))
    decoded = decode(as_shown(json.loads(json.dumps(encode(given_values, [head, *parties])))))
    shown = dict(decoded.values)
    expected = sorted({(str(p.address).lower(), ATTENDEE_ROLES[p.role]) for p in parties})
    assert shown.pop("attendees") == [list(pair) for pair in expected]
    assert shown.pop("organizer") == organizer
    assert shown == given_values
    assert decoded.parties == (head, *parties)


@given(st.text(max_size=200))
def test_normalising_twice_changes_nothing_and_line_ends_do_not_matter(text: str) -> None:
    once = normal(text)
    assert normal(once) == once
    assert normal(once.replace("\n", " \r\n")) == once


# --- batches --------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
bodies = st.dictionaries(st.text(), json_values, max_size=4)
paths = st.from_regex(r"[a-z]{1,9}\([0-9a-f]{1,8}\)(\?\$select=[a-z,]{1,9})?", fullmatch=True)
reads = st.builds(Request, st.just("GET"), paths)
writes = st.builds(Request, st.just("PATCH"), paths, st.just({"If-Match": 'W/"1"'}), bodies)
change_sets = st.lists(writes, min_size=1, max_size=3).map(lambda requests: ChangeSet(tuple(requests)))
batches = st.lists(reads | writes | change_sets, min_size=1, max_size=5)


def echo(body: bytes) -> bytes:
    """An answer with the same parts: each request line becomes a status line; method and path, headers."""
    lines = []
    for line in body.split(b"\r\n"):
        if line.endswith(b" HTTP/1.1"):
            method, path, _ = line.split(b" ")
            lines += [b"HTTP/1.1 200 OK", b"X-Asked: " + method + b" " + path]
        else:
            lines.append(line)
    return b"\r\n".join(lines)


def flat(parts: list[Part]) -> list[Request]:
    return [r for part in parts for r in (part.requests if isinstance(part, ChangeSet) else (part,))]


@given(batches)
def test_what_the_writer_writes_the_reader_reads(parts: list[Part]) -> None:
    body = write(parts, name="f00d", root="/api/data/v9.2", headers={"Accept": "application/json"})
    answers = read('multipart/mixed; boundary="batch_f00d"', echo(body))
    requests = flat(parts)
    assert [answer.headers["x-asked"] for answer in answers] == [
        f"{request.method} /api/data/v9.2/{request.path}" for request in requests
    ]
    assert [answer.json() for answer in answers] == [request.body or {} for request in requests]


@given(batches, st.data())
def test_a_torn_answer_is_never_taken_for_a_whole_one(parts: list[Part], data: st.DataObject) -> None:
    body = echo(write(parts, name="f00d", root="/api", headers={}))
    end = body.rindex(b"--batch_f00d--")
    torn = body[: data.draw(st.integers(0, end))]
    with pytest.raises(BrokenBatch):
        read("multipart/mixed; boundary=batch_f00d", torn)


@given(st.binary(max_size=300))
def test_garbage_is_refused_and_nothing_else_happens(garbage: bytes) -> None:
    with suppress(BrokenBatch):
        read("multipart/mixed; boundary=b", b"--b\r\n" + garbage)
