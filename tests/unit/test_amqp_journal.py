"""The journal: what was flushed comes back, what was torn does not, and locks do not survive."""

from __future__ import annotations

from pathlib import Path

from local.service_bus.definitions import QueueDefinition
from local.service_bus.journal import Change, Journal
from tests.unit.amqp_bench import content, queue, replayed


def journal_with(file: Path, *batches: list[Change]) -> Journal:
    journal = Journal(file)
    journal.start([])
    for batch in batches:
        for change in batch:
            journal.append(change)
        journal.flush()
    return journal


def test_flushed_changes_come_back_in_order(tmp_path: Path) -> None:
    file = tmp_path / "state" / "journal"
    journal = journal_with(file, [["q", "a"]], [["q", "b"], ["q", "c"]])
    journal.append(["q", "never flushed"])
    assert list(Journal(file).replay()) == [["q", "a"], ["q", "b"], ["q", "c"]]


def test_a_torn_flush_counts_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    journal_with(file, [["q", "a"]], [["q", "b"], ["q", "c"]]).close()
    whole = file.read_bytes()
    kept = len(whole.splitlines()[0]) + 1
    for cut in range(kept, len(whole)):
        file.write_bytes(whole[:cut])
        assert list(Journal(file).replay()) == [["q", "a"]]


def test_starting_leaves_only_the_snapshot(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    journal_with(file, [["q", "long"], ["q", "history"]]).close()
    Journal(file).start([["q", "short"]])
    assert list(Journal(file).replay()) == [["q", "short"]]


def test_a_message_that_was_out_at_the_kill_has_had_a_failed_delivery() -> None:
    changes: list[Change] = []
    bench = queue(changes)
    bench.send([content("a"), content("b")], 0)
    assert bench.receive(bench.main, None, 0) is not None
    revived = replayed(changes, bench, 1)
    assert [message.delivery_count for message in revived.peek(revived.main, 0, 9)] == [1, 0]
    assert revived.counts().active == 2


def test_history_schedule_states_and_dead_letters_survive() -> None:
    changes: list[Change] = []
    bench = queue(changes, duplicate_window=20.0)
    bench.send([content("a", message_id="1"), content("b", due=10)], 0)
    bench.set_session_state("s", b"\x00state", 0)
    delivery = bench.receive(bench.main, None, 0)
    assert delivery is not None
    bench.dead_letter(bench.main, delivery.token, "why", "because", 0)
    revived = replayed(changes, bench, 5)
    revived.send([content("again", message_id="1")], 5)
    assert (revived.counts().active, revived.counts().scheduled) == (0, 1)
    assert revived.session_state("s") == b"\x00state"
    assert revived.peek(revived.dead, 0, 9)[0].dead == ("why", "because")
    assert revived.pass_time(10).changed


def test_a_snapshot_leads_to_the_same_queue() -> None:
    changes: list[Change] = []
    bench = queue(changes, duplicate_window=20.0)
    bench.send([content("a", message_id="1"), content("b", due=10), content("c", message_id="2")], 0)
    bench.receive_and_delete(bench.main, None, 0)
    revived = replayed(list(bench.store.snapshot()), bench, 0)
    assert revived.counts() == bench.counts()
    assert revived.store.next_sequence == bench.store.next_sequence
    assert revived.store.seen_ids == bench.store.seen_ids


def test_a_definition_may_change_between_runs() -> None:
    changes: list[Change] = []
    bench = queue(changes)
    bench.send([content("a")], 0)
    bench.definition = QueueDefinition("q", time_to_live=5.0)
    assert replayed(changes, bench, 6).counts().active == 0
