"""`settle`: what it waits for, what it triggers, and what it says when it is not over in time."""

from collections.abc import Iterator

import pytest
from azure.data.tables import TableServiceClient

from tests.wire.running_rig import Rig, running_rig


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running_rig(tmp_path_factory.mktemp("rig") / "local") as started:
        yield started


def passes(rig: Rig) -> list[dict[str, str]]:
    return list(rig.get("functions", "/api/seen")["passes"])


def plan(rig: Rig, *steps: dict[str, object]) -> int:
    """Say what the next passes do; the number of passes so far."""
    rig.post("functions", "/api/plan", list(steps))
    return len(passes(rig))


def unsettled(rig: Rig, reason: str) -> str:
    """What `settle` says in vain, with more time while it does not name `reason`: on a busy machine a round
    may still be running when the shorter time is over, and it says no more than that."""
    shown = ""
    for timeout in ("2", "8", "30"):
        shown = rig.run("settle", "--timeout", timeout, expected=1)
        if reason in shown:
            break
    return shown


def test_each_active_mailbox_gets_a_pass_and_no_other(rig: Rig) -> None:
    before = plan(rig)
    rig.run("settle")
    new = passes(rig)[before:]
    assert sorted(p["session"] for p in new) == ["m1", "m3"]
    assert all(p["mailbox"] == p["session"] and p["cause"] == "settle" for p in new)
    assert "dynamics_feed" in rig.get("functions", "/api/seen")["timers"]


def test_a_change_made_by_a_pass_brings_another_round(rig: Rig) -> None:
    before = plan(rig, {"user": "one@example.com"})
    rig.run("settle")
    assert len(passes(rig)) - before == 4


def test_scheduled_work_is_waited_for(rig: Rig) -> None:
    before = plan(rig, {"later": 2})
    rig.run("settle")
    assert "later" in [p["cause"] for p in passes(rig)[before:]]


def test_scheduled_work_beyond_the_time_out_is_pending(rig: Rig) -> None:
    plan(rig, {"later": 60})
    shown = unsettled(rig, "1 scheduled")
    assert "queue mailbox-sync: " in shown
    assert "1 scheduled, the next scheduled one due in" in shown  # a hint may be on its way as well
    rig.run("advance", "60")
    rig.run("settle")


def test_an_inbox_row_of_an_active_mailbox_is_pending_others_are_not(rig: Rig) -> None:
    with TableServiceClient.from_connection_string(rig.endpoints["table_storage"]) as service:
        state = service.create_table_if_not_exists("state")
        state.create_entity({"PartitionKey": "m2", "RowKey": "a:inbox:appointment:1"})
        state.create_entity({"PartitionKey": "m1", "RowKey": "a:link:appointment:1"})
        rig.run("settle")
        state.create_entity({"PartitionKey": "m1", "RowKey": "a:inbox:appointment:2"})
        try:
            assert "mailbox m1: inbox row" in unsettled(rig, "mailbox m1: inbox row")
        finally:
            state.delete_entity("m1", "a:inbox:appointment:2")


def test_a_part_that_is_away_is_pending_and_settle_goes_on_when_it_is_back(rig: Rig) -> None:
    rig.run("kill", "tables")
    assert "pending" in rig.run("settle", "--timeout", "3", expected=1)
    rig.run("start", "tables")
    rig.run("settle")


def test_dead_letters_do_not_block_but_are_told(rig: Rig) -> None:
    plan(rig, {"fail": True})
    shown = rig.run("settle", "--timeout", "60")
    assert "warning: queue mailbox-sync has" in shown
