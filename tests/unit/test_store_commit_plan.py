"""How a commit is divided into transactions."""

from __future__ import annotations

from dataclasses import replace

from shared.engine.ports import Changes, Cursor, HeldRow, InboxRow
from shared.model.link import Base, Link
from shared.store import commit_plan, limits, link_rows
from shared.store.commit_plan import Known, Unit
from tests.contracts.mailbox_store import link

MAILBOX = "m"


def plan(changes: Changes, known: Known | None = None) -> list[Unit]:
    stored = [link_rows.store(MAILBOX, each) for each in changes.links]
    return commit_plan.transactions(MAILBOX, changes, stored, known or Known())


def keys_of(transaction: Unit) -> list[str]:
    return [operation.row_key for operation in transaction]


def test_nothing_to_write_is_still_a_transaction_for_the_fence() -> None:
    assert plan(Changes()) == [[]]


def test_a_link_stands_with_its_index_and_its_inbox_rows() -> None:
    one = link(1)
    rows = [InboxRow("appointment", one.dynamics_id, "", "e1"), InboxRow("event", "AAMk/+=1", "", "e2")]
    changes = Changes(links=[one], inbox_removed=rows, cursors=[Cursor("calendar", "x", True)])
    (transaction,) = plan(changes)
    kinds = [key.split(":")[:2] for key in keys_of(transaction)]
    assert [kind[0] for kind in kinds] == ["l", "x", "a", "a", "a"]
    assert keys_of(transaction)[-1] == "a:cursor:calendar"
    assert [each.etag for each in transaction if each.optional] == ["e1", "e2"]


def test_cursors_come_last_and_additions_first() -> None:
    changes = Changes(
        links=[link(n) for n in range(200)],
        inbox_added=[InboxRow("reconcile", "daily")],
        held_added=[HeldRow("appointment", "1", "d")],
        cursors=[Cursor("calendar", "x", True)],
        dropped_cursors=["old"],
    )
    transactions = plan(changes)
    assert keys_of(transactions[0])[:2] == ["a:held:appointment:1", "a:inbox:reconcile:daily"]
    assert keys_of(transactions[-1])[-2:] == ["a:cursor:old", "a:cursor:calendar"]
    assert all(len(transaction) < limits.OPERATIONS for transaction in transactions)


def test_no_link_is_divided() -> None:
    transactions = plan(Changes(links=[link(n) for n in range(200)]))
    for transaction in transactions:
        links = [key for key in keys_of(transaction) if key.startswith("l:")]
        index = [key for key in keys_of(transaction) if key.startswith("x:")]
        assert len(links) == len(index)


def test_transactions_stay_within_the_size_of_a_request() -> None:
    def bulky(number: int) -> Link:
        text = "".join(chr(0x4E00 + (number * 7919 + n * 104_729) % 20_000) for n in range(60_000))
        return replace(link(number), base=Base({"body": text}, {}))

    transactions = plan(Changes(links=[bulky(n) for n in range(40)]))
    assert len(transactions) > 1
    for transaction in transactions:
        assert sum(limits.request_bytes(each.entity) for each in transaction) <= limits.TRANSACTION_BYTES


def test_a_row_is_once_in_a_commit_whatever_is_asked() -> None:
    first, second = link(1), link(2, exchange_id="AAMk/+=1")
    row = InboxRow("appointment", first.dynamics_id)
    changes = Changes(
        links=[first, second, first],
        dropped_links=[first],
        inbox_added=[row, row],
        inbox_removed=[row, row],
        held_added=[HeldRow("a", "1", "d")],
        held_removed=[HeldRow("a", "1", "d")],
        cursors=[Cursor("c", "1", True), Cursor("c", "2", True)],
        dropped_cursors=["c"],
    )
    (transaction,) = plan(changes)
    assert len(set(keys_of(transaction))) == len(transaction)
    assert not any(operation.optional for operation in transaction)


def test_values_that_a_link_no_longer_has_are_removed() -> None:
    one = link(1)
    name = link_rows.name_of(one.table, one.dynamics_id)
    known = Known(values={name: frozenset({f"v:{name}:old:000"})})
    (transaction,) = plan(Changes(links=[one]), known)
    assert keys_of(transaction)[-1] == f"v:{name}:old:000"
    assert transaction[-1].optional
