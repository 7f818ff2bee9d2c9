"""Whose turn it is among messages that wait: the same as a look at all of them would tell."""

from __future__ import annotations

from random import Random

import pytest

from tests.simulation.waiting import Message, Session, Waiting


def message(session: str, at: float, number: int) -> Message:
    return Message("q", session, b"", at, number)


@pytest.mark.parametrize("seed", range(20))
def test_due_sessions_are_drawn_once_each_and_their_messages_come_in_order(seed: int) -> None:
    random, waiting, now = Random(seed), Waiting(), 0.0
    kept: list[Message] = []
    taken: set[Session] = set()
    for number in range(400):
        what = random.choice(("add", "add", "time", "draw", "settle", "give back"))
        if what == "add":
            kept.append(message(f"s{random.randrange(12)}", now + random.choice((0, 0, 5, 50)), number))
            waiting.add(kept[-1])
        elif what == "time":
            now += random.uniform(0, 10)
        elif what == "draw":
            waiting.ripen(now)
            due = {("q", each.session) for each in kept if each.at <= now} - taken
            drawn = waiting.draw(random)
            assert (drawn in due) if due else drawn is None or drawn not in taken
            taken |= {drawn} if drawn else set()
        elif taken:
            session = random.choice(sorted(taken))
            mine = [each for each in kept if each.session == session[1] and each.at <= now]
            first = waiting.first(session, now)
            assert first is min(mine, key=lambda each: each.turn, default=None)
            if what == "settle" and first is not None:
                waiting.remove(first)
                kept.remove(first)
            elif what == "give back":
                waiting.give_back(session, now)
                taken.discard(session)
    assert waiting.taken == taken
    assert sorted(each.number for each in waiting) == sorted(each.number for each in kept)


def test_a_message_that_is_gone_can_be_taken_out_again() -> None:
    waiting = Waiting()
    one = message("s", 0, 1)
    waiting.add(one)
    waiting.remove(one)
    waiting.remove(one)
    assert (list(waiting), waiting.nothing_due(1)) == ([], True)
