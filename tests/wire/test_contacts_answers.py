"""Answers about contacts that the stand-in never gives but the service might."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.errors import Refused, UnknownResult
from shared.exchange.contact_folders import DEFAULT
from shared.model.event import Stamps
from shared.model.personal import CONTACT, CreateItem, ExchangeItem, MarkItem, PlacedId, UpdateItem
from tests.wire.test_graph_adapter_answers import Scripted, scripted

Json = dict[str, Any]
BARE: Json = {"id": "C", "@odata.etag": 'W/"k"', "parentFolderId": "F"}
ROW: Json = {**BARE, "categories": ["Red"], "displayName": "Eva"}
KNOWN = ExchangeItem(
    CONTACT, "C", "e", DEFAULT, {"pager": "7", "jobTitle": "Boss"}, ("Red",), Stamps(), display_name="Eva"
)


@pytest.fixture
async def service() -> AsyncIterator[Scripted]:
    async with scripted() as running:
        yield running


def batch(service: Scripted, *bodies: Json) -> None:
    parts = [{"id": str(number), "status": 200, "body": body} for number, body in enumerate(bodies)]
    service.answer({"responses": parts})


def folders(service: Scripted) -> None:
    """One contact in the default folder, and no other folder."""
    batch(service, {"value": [{"parentFolderId": "F"}]}, {"value": []})


async def test_rows_that_say_too_little_are_read_and_unreadable_ones_are_named(service: Scripted) -> None:
    rows = [ROW, {**BARE, "id": "P"}, {**ROW, "id": "B", "mobilePhone": 5}, {"id": "R", "@removed": {}}, "x"]
    service.page(rows, deltaLink=f"{service.base}/next")
    service.answer({**ROW, "id": "P", "surname": "Berg"})
    folders(service)
    page = (await service.mailbox.contacts.changes({DEFAULT: None}))[DEFAULT]
    assert [(item.id, item.whole) for item in page.items] == [("C", False), ("P", True)]
    assert page.removed == ("R",)
    assert page.broken == {"B": "not shaped like a contact", "row 4": "no id"}
    assert (page.link, page.complete) == (f"{service.base}/next", True)


async def test_a_row_that_says_too_little_and_is_gone_meanwhile_is_removed(service: Scripted) -> None:
    service.page([BARE], nextLink=f"{service.base}/next")
    service.fail(404, "ErrorItemNotFound")
    folders(service)
    page = (await service.mailbox.contacts.changes({DEFAULT: None}))[DEFAULT]
    assert (page.items, page.removed, page.complete) == ((), ("C",), False)


async def test_a_row_that_says_too_little_and_cannot_be_read_is_broken(service: Scripted) -> None:
    service.page([BARE], deltaLink=f"{service.base}/next")
    service.answer({**ROW, "mobilePhone": 5})
    folders(service)
    page = (await service.mailbox.contacts.changes({DEFAULT: None}))[DEFAULT]
    assert list(page.broken) == ["C"]


@pytest.mark.parametrize("link", ["https://elsewhere.example.com/v1.0/x", None])
async def test_a_page_that_leads_elsewhere_or_nowhere_is_refused(service: Scripted, link: str | None) -> None:
    service.page([], **({"nextLink": link} if link else {}))
    with pytest.raises(Refused):
        await service.mailbox.contacts.changes({DEFAULT: None})


async def test_a_contact_that_cannot_be_read_is_not_gone(service: Scripted) -> None:
    service.answer({**ROW, "@odata.etag": None})
    folders(service)
    with pytest.raises(Refused):
        await service.mailbox.contacts.items([PlacedId("C", DEFAULT)])


async def test_where_the_default_folder_is_empty_nothing_is_in_it(service: Scripted) -> None:
    """Asked again, for it may not be empty any more."""
    contacts = service.mailbox.contacts
    batch(service, {"value": []}, {"value": []})
    await contacts.places()
    service.answer(ROW)
    folders(service)
    assert (await contacts.items([PlacedId("C", DEFAULT)]))["C"] is not None


@pytest.mark.parametrize("body", [{}, {**ROW, "id": ""}, {**ROW, "birthday": "soon"}])
async def test_an_answer_to_a_write_that_cannot_be_read_is_unknown(service: Scripted, body: Json) -> None:
    contacts = service.mailbox.contacts
    for write in (
        contacts.create(CreateItem(CONTACT, {}, Stamps(), ())),
        contacts.update(UpdateItem(KNOWN, {"jobTitle": "x"})),
        contacts.mark(MarkItem(KNOWN, (), Stamps())),
    ):
        service.answer(body)
        with pytest.raises(UnknownResult):
            await write


async def test_a_short_answer_to_a_write_leaves_what_was_known_and_written(service: Scripted) -> None:
    service.answer({"id": "C", "@odata.etag": "new"})
    item = await service.mailbox.contacts.update(UpdateItem(KNOWN, {"jobTitle": "Chief"}))
    assert item.values == {"pager": "7", "jobTitle": "Chief", "regarding": None}
    assert (item.etag, item.categories, item.display_name, item.whole) == ("new", ("Red",), "Eva", True)
    assert service.asked[0].headers["If-Match"] == "e"
    assert json.loads(service.bodies[0]) == {"jobTitle": "Chief"}
