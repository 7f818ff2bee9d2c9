"""What our service made Exchange send, against what people did in Dynamics: each guest is invited once for
every time that somebody invited them there, and told of changes and cancellations as often as there were any.
What people do in Exchange, Exchange tells by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

from tests.simulation.items import DYNAMICS, EXCHANGE, Item
from tests.simulation.mails import Mail, Mails
from tests.simulation.oracle.broken import NO_SURPRISE_MAIL, Broken

SOON = timedelta(minutes=10)


def of_mails(mails: Mails, items: Sequence[Item]) -> list[Broken]:
    return list(_surprises(mails.by_service, items))


def _surprises(sent: Sequence[Mail], items: Sequence[Item]) -> Iterator[Broken]:
    by_mark = {item.mark: item for item in items}
    told: Counter[tuple[str, str, str]] = Counter()
    for mail in sent:
        mark = next((word for word in mail.subject.split() if word in by_mark), "")
        if not mark:
            yield Broken(NO_SURPRISE_MAIL, f"about nothing that anybody made: {mail}")
        told.update((mark, mail.kind, address) for address in mail.to if mark)
    for (mark, kind, address), count in sorted(told.items()):
        item = by_mark[mark]
        due = allowed(item, kind, address)
        if count > due:
            yield Broken(NO_SURPRISE_MAIL, f"{count} of kind {kind} to {address}, {due} were due", item)


def _overtaken(item: Item) -> int:
    """Edits in Exchange right after our own write of a value from Dynamics: should the worker die before it
    notes that write, nobody can tell which came first, so that they conflict and Dynamics' is written
    again."""
    ours = [edit for edit in item.edits if edit.side == DYNAMICS]
    return sum(
        any(edit.seen == own.value and edit.field == own.field and edit.at - own.at < SOON for own in ours)
        for edit in item.edits
        if edit.side == EXCHANGE
    )


def allowed(item: Item, kind: str, address: str) -> int:
    """How many of a kind people gave reason for."""
    guests = item.guests
    if kind == "invitation":
        return guests.invited[address]
    if kind == "update":
        return guests.changes + _overtaken(item) if address in guests.ever else 0
    ended = int(DYNAMICS in item.deleted and address in guests.ever)
    return guests.withdrawn[address] + ended if kind == "cancellation" else 0
