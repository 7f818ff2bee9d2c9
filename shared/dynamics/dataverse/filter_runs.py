"""Running sync filters (FLT-4, FLT-6): Dataverse says what matches, with the user's own rights.

Several filters, and as many ids as there are, go in one ``$batch``: a part of it may be longer than a URL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from shared.dynamics.dataverse.client import Client
from shared.dynamics.dataverse.fetch_filters import (
    PAGE,
    UnreadableFilter,
    limit_of,
    limited,
    narrowed,
    of_ids,
    parse,
)
from shared.dynamics.dataverse.messages import Answer, Json, Request
from shared.dynamics.dataverse.odata import (
    FORMATTED,
    LOGICAL_NAME,
    address,
    chunks,
    guid,
    is_guid,
    lookup,
    with_annotations,
)
from shared.dynamics.dataverse.organized import MORE
from shared.dynamics.dataverse.records import parent_name
from shared.dynamics.dataverse.tables import FEEDS, Feed
from shared.engine.ports import ChangedRow
from shared.errors import Refused, SyncError
from shared.model.personal import CONTACT
from shared.model.sync_filter import SyncFilter

COOKIE = "Microsoft.Dynamics.CRM.fetchxmlpagingcookie"
PREFER = with_annotations(LOGICAL_NAME, FORMATTED, MORE, COOKIE)
PARENT = "parentcustomerid"
LONGEST_URL = 60_000
"""Dataverse takes 65,536 characters in a part of a ``$batch``."""
LONGEST_ID = len(quote("<value></value>")) + 36
MOST_IDS = 500


async def matching(
    client: Client, filters: Sequence[SyncFilter], ids: Sequence[str] | None, as_user: str
) -> Sequence[ChangedRow]:
    """The union of what the filters find, each row once. What is no GUID is no row's id."""
    wanted = None if ids is None else sorted({guid(row_id) for row_id in ids if is_guid(row_id)})
    if not filters or wanted == []:
        return []
    fetches = [(each, _parsed(each)) for each in filters]
    plain = [_Query(each, fetch) for each, fetch in fetches if limit_of(fetch) is None]
    within = [_Limited(each, fetch) for each, fetch in fetches if limit_of(fetch) is not None]
    found = await _run(client, [part for query in plain for part in query.narrowed_to(wanted)], as_user)
    if within:
        found |= await _run_limited(client, within, wanted, as_user)
    table = filters[0].table
    return [_changed(row, table) for row in found.values()]


def _parsed(sync_filter: SyncFilter) -> Element:
    try:
        return parse(sync_filter.fetch_xml, sync_filter.table)
    except UnreadableFilter as error:
        raise Refused(f"{_called(sync_filter)} cannot be run: {error}") from None


def _called(sync_filter: SyncFilter) -> str:
    return f'the sync filter "{sync_filter.name}" ({sync_filter.table} {sync_filter.id})'


# --- queries --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Query:
    """One page of a filter, of some ids or of all."""

    sync_filter: SyncFilter
    fetch: Element
    ids: tuple[str, ...] | None = None
    page: int = 1
    cookie: str = ""

    @property
    def feed(self) -> Feed:
        return FEEDS[self.sync_filter.table]

    @property
    def columns(self) -> Sequence[str]:
        parent = (PARENT,) if self.sync_filter.table == CONTACT else ()
        return (self.feed.key, "ownerid", *parent)

    def request(self) -> Request:
        text = narrowed(self.fetch, self.feed.key, self.columns, self.ids, self.page, self.cookie)
        return Request("GET", address(self.feed.entity_set, fetchXml=text), {"Prefer": PREFER})

    def narrowed_to(self, ids: Sequence[str] | None) -> list[_Query]:
        """As many queries as the length of an address asks for."""
        if ids is None:
            return [self]
        room = (LONGEST_URL - len(self.request().path)) // LONGEST_ID
        size = max(1, min(room, MOST_IDS))
        return [replace(self, ids=tuple(chunk)) for chunk in chunks(ids, size)]

    def following(self, body: Json) -> _Query | None:
        """The next page, if there is one."""
        rows = body.get("value") or ()
        if not body.get(f"@{MORE}", len(rows) == PAGE):
            return None
        return replace(self, page=self.page + 1, cookie=_cookie(body.get(f"@{COOKIE}")))


@dataclass(frozen=True, slots=True)
class _Limited:
    """A filter that wants the first so many rows: it is run whole, whatever ids are asked about."""

    sync_filter: SyncFilter
    fetch: Element

    def request(self) -> Request:
        feed = FEEDS[self.sync_filter.table]
        path = address(feed.entity_set, fetchXml=limited(self.fetch, feed.key))
        return Request("GET", path, {"Prefer": PREFER})


def _cookie(annotation: object) -> str:
    """The cookie stands in an attribute of a piece of XML, encoded twice."""
    if not annotation:
        return ""
    text = ElementTree.fromstring(str(annotation)).get("pagingcookie", "")  # noqa: S314 - Dataverse's own
    return unquote(unquote(text))


# --- running --------------------------------------------------------------------------------------


async def _run(client: Client, queries: Iterable[_Query], as_user: str) -> dict[str, Json]:
    """Page by page, all queries side by side."""
    found: dict[str, Json] = {}
    pending = list(queries)
    while pending:
        requests = [query.request() for query in pending]
        answers = await client.read_batch(requests, as_user=as_user)
        following = []
        for query, request, answer in zip(pending, requests, answers, strict=True):
            body = _body(client, query.sync_filter, request, answer, as_user)
            found |= {str(row[query.feed.key]).lower(): row for row in body.get("value") or ()}
            following.append(query.following(body))
        pending = [query for query in following if query is not None]
    return found


async def _run_limited(
    client: Client, queries: Sequence[_Limited], wanted: Sequence[str] | None, as_user: str
) -> dict[str, Json]:
    """First what is within the limits, then its versions: what is distinct comes without them."""
    requests = [query.request() for query in queries]
    answers = await client.read_batch(requests, as_user=as_user)
    table = queries[0].sync_filter.table
    key = FEEDS[table].key
    within: set[str] = set()
    for query, request, answer in zip(queries, requests, answers, strict=True):
        body = _body(client, query.sync_filter, request, answer, as_user)
        within |= {str(row[key]).lower() for row in body.get("value") or ()}
    asked = within if wanted is None else within.intersection(wanted)
    versions = _Query(queries[0].sync_filter, of_ids(table)).narrowed_to(sorted(asked))
    return await _run(client, versions, as_user)


def _body(client: Client, sync_filter: SyncFilter, request: Request, answer: Answer, as_user: str) -> Json:
    if answer.ok:
        return client.body_of(request, answer)
    error: SyncError = client.error(request, answer, as_user)
    if isinstance(error, Refused):
        text = f"{_called(sync_filter)} cannot be run: {error}"
        raise Refused(text, code=error.code, status=error.status)
    raise error


def _changed(row: Json, table: str) -> ChangedRow:
    return ChangedRow(
        id=str(row[FEEDS[table].key]).lower(),
        version=str(row["@odata.etag"]),
        owner=lookup(row, "ownerid"),
        company=parent_name(row, PARENT) if table == CONTACT else None,
    )
