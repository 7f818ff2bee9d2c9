"""Requests as they are built, where links may lead, and what an answer is worth."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from hypothesis import given
from hypothesis import strategies as st
from stduritemplate import StdUriTemplate

from shared.credentials import DevelopmentCredential
from shared.errors import CursorExpired, ProfileBroken, Refused, Transient, UnknownResult
from shared.exchange.client import GraphClient, address, reply_of

ROOT = Path(__file__).parents[2]
BASE = "http://127.0.0.1:9/v1.0"


@pytest.fixture
async def client() -> AsyncIterator[GraphClient]:
    made = GraphClient(BASE, DevelopmentCredential("app"))
    yield made
    await made.close()


def test_the_package_can_be_imported_without_the_sdk() -> None:
    code = (
        "import sys, shared.exchange.graph, shared.exchange.subscriptions as s;"
        "print([m for m in sys.modules if m.split('.')[0] in ('msgraph', 'kiota_http', 'httpx', 'azure')])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert loaded.stdout.strip() == "[]"


def test_no_typed_model_of_the_sdk_is_imported() -> None:
    code = (
        "import sys; from shared.exchange.client import GraphClient;"
        f"c = GraphClient({BASE!r}, object()); u = c.graph.users.by_user_id('u');"
        "c.get('x', u.events.by_event_id('e')); c.write('x', 'POST', u.events, {});"
        "print([m for m in sys.modules if m.startswith('msgraph.generated.models')])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert loaded.stdout.strip() == "[]"


async def test_ids_are_encoded_in_paths(client: GraphClient) -> None:
    builder = client.graph.users.by_user_id("a/b").events.by_event_id("A/b+c==")
    part = client.as_part(client.get("x", builder, select=["id"], expand=["p($filter=id eq 'a b')"]), "1")
    assert part["url"] == (
        "/users/a%2Fb/events/A%2Fb%2Bc%3D%3D?$select=id&$expand=p%28%24filter%3Did%20eq%20%27a%20b%27%29"
    )
    assert part["headers"]["Prefer"].startswith('IdType="ImmutableId"')


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(_TEXT, st.one_of(_TEXT, st.lists(_TEXT, min_size=1, max_size=3)))
def test_addresses_are_what_the_sdks_own_templates_mean(user: str, select: Any) -> None:
    template = "{+baseurl}/users/{user%2Did}/events{?%24count,%24select}"
    places = {"baseurl": BASE, "user%2Did": user}
    theirs = StdUriTemplate.expand(template, {**places, "%24select": select})
    assert address(template, places, [("$select", select)]) == theirs.replace("?%24select", "?$select")


@pytest.mark.parametrize(
    "link",
    [
        "https://graph.microsoft.com/v1.0/users/x",
        "http://127.0.0.1:10/v1.0/users/x",
        "http://127.0.0.1:9@evil.example/v1.0/users/x",
        "http://127.0.0.1:9/v1.0evil",
        "//evil.example/v1.0/x",
        "/v1.0/users/x",
    ],
)
async def test_links_to_elsewhere_are_not_followed(client: GraphClient, link: str) -> None:
    assert not client.is_own(link)
    with pytest.raises(CursorExpired):
        client.follow("x", link)
    with pytest.raises(Refused):
        client.checked_link(link)


async def test_a_link_of_graphs_own_is_followed_as_it_is(client: GraphClient) -> None:
    link = f"{BASE}/users/x/calendarView/delta?$skiptoken=a%2Bb"
    request = client.follow("x", client.checked_link(link), 50)
    assert request.info.url == link
    assert "odata.maxpagesize=50" in str(request.info.headers.get("Prefer"))


async def test_writes_say_what_they_are_conditional_on(client: GraphClient) -> None:
    event = client.graph.users.by_user_id("u").events.by_event_id("e")
    patch = client.write("x", "PATCH", event, {"subject": "S"}, 'W/"k"')
    assert patch.write
    assert patch.info.headers.get("If-Match") == {'W/"k"'}
    assert patch.info.content == b'{"subject": "S"}'
    assert client.delete("x", event).info.headers.get("If-Match") == set()


def test_an_answer_that_cannot_be_read_is_unknown_after_a_write() -> None:
    with pytest.raises(Transient):
        reply_of(200, {}, b"<html>", write=False)
    with pytest.raises(UnknownResult):
        reply_of(201, {}, b'{"id": "cut o', write=True)
    with pytest.raises(UnknownResult):
        reply_of(200, {}, b"[]", write=True)


def test_an_empty_answer_is_an_answer() -> None:
    assert reply_of(204, {}, b"", write=True).body == {}


class _Failing:
    def __init__(self, error: Exception) -> None:
        self.error = error

    async def get_token(self, *_scopes: str, **_options: Any) -> Any:
        raise self.error


class _Answer:
    status_code = 401
    reason = ""


@pytest.mark.parametrize(
    ("error", "meant"),
    [
        (ServiceRequestError("no route to the token service"), Transient),
        (ClientAuthenticationError("the token service does not answer"), Transient),
        (ClientAuthenticationError("secret expired", response=_Answer()), ProfileBroken),  # type: ignore[arg-type]
    ],
)
async def test_only_a_credential_that_entra_refused_is_broken(
    error: Exception, meant: type[Exception]
) -> None:
    client = GraphClient(BASE, _Failing(error))
    with pytest.raises(meant):
        await client.send(client.get("x", client.graph.users.by_user_id("u")))
    await client.close()


async def test_nobody_there_means_that_nothing_was_done(client: GraphClient) -> None:
    event = client.graph.users.by_user_id("u").events
    with pytest.raises(Transient):
        await client.send(client.write("x", "POST", event, {}))
