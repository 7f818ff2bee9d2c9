"""From an e-mail address to one row (APPT-7 in the order of EMI-11), among what the mailbox owner may read.

A single match is taken whatever its state. Of several only the active ones count; a row that the owner of
the mailbox owns beats those that others own, whatever its table; then the order of the tables decides, then
age. An address that a hundred rows have stays unresolved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.dynamics.dataverse.client import Client
from shared.dynamics.dataverse.errors import NO_SUCH_TABLE
from shared.dynamics.dataverse.messages import Answer, Request
from shared.dynamics.dataverse.odata import address, any_of, chunks, literal
from shared.dynamics.dataverse.queries import pages_of
from shared.dynamics.dataverse.tables import ADDRESS_BOOKS, AddressBook
from shared.errors import Refused
from shared.model.party import RecordRef

ADDRESSES_PER_FILTER = 25
TOO_MANY = 100


@dataclass(frozen=True, slots=True)
class Match:
    ref: RecordRef
    rank: int
    active: bool
    owned: bool
    created: str

    @property
    def order(self) -> tuple[bool, bool, int, str, str]:
        return (not self.active, not self.owned, self.rank, self.created, self.ref.id)


class AddressBooks:
    """Remembers which tables the organization does not have; they come and go with installed apps."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._absent: set[str] = set()

    async def resolve(
        self, addresses: Iterable[str], *, as_user: str, inactive_too: bool
    ) -> Mapping[str, RecordRef]:
        wanted = sorted({text.strip().lower() for text in addresses if text.strip()})
        found: dict[str, RecordRef] = {}
        for chunk in chunks(wanted, ADDRESSES_PER_FILTER):
            matches = await self._matches(chunk, as_user)
            for text in chunk:
                best = choose(matches.get(text, ()), inactive_too=inactive_too)
                if best is not None:
                    found[text] = best
        return found

    async def _matches(self, addresses: Sequence[str], as_user: str) -> dict[str, list[Match]]:
        books = [book for book in ADDRESS_BOOKS if book.attendee and book.table not in self._absent]
        requests = [_request(book, addresses) for book in books]
        answers = await self._client.read_batch(requests, as_user=as_user)
        wanted = frozenset(addresses)
        matches: dict[str, list[Match]] = {}
        for book, request, answer in zip(books, requests, answers, strict=True):
            if self._is_closed(book, request, answer, as_user):
                continue
            for row in await pages_of(self._client, request, answer, as_user):
                for text in _addresses_of(book, row) & wanted:
                    matches.setdefault(text, []).append(_match(book, row, as_user))
        return matches

    def _is_closed(self, book: AddressBook, request: Request, answer: Answer, as_user: str) -> bool:
        """No such table in this organization, or none that this user may read."""
        if answer.ok:
            return False
        error = self._client.error(request, answer, as_user)
        if error.status == 404 or error.code == NO_SUCH_TABLE:
            self._absent.add(book.table)
            return True
        if isinstance(error, Refused) and error.status == 403:
            return True
        raise error


def choose(matches: Sequence[Match], *, inactive_too: bool) -> RecordRef | None:
    """EMI-11; SET-23 lets inactive rows take part, behind the active ones."""
    if len(matches) >= TOO_MANY or not matches:
        return None
    if len(matches) == 1:
        return matches[0].ref
    candidates = [match for match in matches if match.active or inactive_too]
    return min(candidates, key=lambda match: match.order).ref if candidates else None


def _request(book: AddressBook, addresses: Sequence[str]) -> Request:
    literals = [literal(text) for text in addresses]
    columns = [book.key, *book.addresses, "createdon"]
    columns += [book.active[0]] if book.active else []
    columns += ["_ownerid_value"] if book.owned else []
    anywhere = " or ".join(any_of(column, literals) for column in book.addresses)
    return Request("GET", address(book.entity_set, select=",".join(columns), filter=anywhere))


def _addresses_of(book: AddressBook, row: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(str(row[column]).strip().lower() for column in book.addresses if row.get(column))


def _match(book: AddressBook, row: Mapping[str, Any], as_user: str) -> Match:
    row_id = str(row[book.key]).lower()
    owner = str(row.get("_ownerid_value") or "").lower()
    return Match(
        RecordRef(book.table, row_id),
        rank=ADDRESS_BOOKS.index(book),
        active=book.active is None or row.get(book.active[0]) == book.active[1],
        owned=owner == as_user.lower(),
        created=str(row.get("createdon") or ""),
    )
