"""The log of a hunt, and the hunt that goes on in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulation.log import Log, told_in
from tests.simulation.oracle.broken import NO_DUPLICATES, Broken
from tests.simulation.plan import of_the_hunt
from tests.simulation.run import Outcome
from tools.code_hash import SERVICE, hash_of


def world(seed: int, hostile: int, *, broken: bool = False) -> Outcome:
    why = [Broken(NO_DUPLICATES, "two of them")] if broken else []
    return Outcome(of_the_hunt(seed), hostile=hostile, broken=why)


def hunted(log: Log, *outcomes: Outcome) -> str:
    log.begin()
    for outcome in outcomes:
        log.world(outcome)
    log.end()
    assert log.path is not None
    return log.path.read_text()


def test_a_log_tells_its_worlds_and_which_of_them_broke_a_promise(tmp_path: Path) -> None:
    told = told_in(hunted(Log(tmp_path / "hunt.log"), world(7, 10), world(8, 4, broken=True), world(9, 6)))
    assert told.worlds == {7: (10, 0), 8: (4, 1), 9: (6, 0)}
    assert (told.hostile, told.broken) == (20, [8])


def test_a_hunt_that_goes_on_keeps_what_was_told_and_counts_each_world_once(tmp_path: Path) -> None:
    path = tmp_path / "hunt.log"
    first = hunted(Log(path), world(7, 10), world(8, 4, broken=True))
    text = hunted(Log(path, told_in(first)), world(8, 5), world(9, 6))
    assert text.startswith(first)
    assert told_in(text).worlds == {7: (10, 0), 8: (5, 0), 9: (6, 0)}
    assert "the whole log: 21 hostile mailbox-days in 3 worlds" in text
    assert text.endswith("worlds that broke a promise when they were told last: 0\n")


def test_a_new_hunt_begins_a_new_log(tmp_path: Path) -> None:
    path = tmp_path / "hunt.log"
    hunted(Log(path), world(7, 10))
    assert told_in(hunted(Log(path), world(8, 4))).worlds == {8: (4, 0)}


@pytest.mark.parametrize(
    "service", ["", "service 0123456789abcdef\n", "service {now}\nservice 0123456789abcdef\n"]
)
def test_a_log_of_another_service_is_not_gone_on_with(service: str) -> None:
    with pytest.raises(ValueError, match="begin a new one"):
        told_in(service.format(now=hash_of(*SERVICE)) + "7 6x2 12 200 300 400 500\n")
