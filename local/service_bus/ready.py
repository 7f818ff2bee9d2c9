"""Two small orders: messages that are ready by sequence number, and things that fall due by time."""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

Key = TypeVar("Key")


class ReadySequence:
    """Sequence numbers in order. Almost all come in at the end and go out, or come back, at the front."""

    def __init__(self) -> None:
        self._numbers: deque[int] = deque()

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers)

    def add(self, number: int) -> None:
        if not self._numbers or number > self._numbers[-1]:
            self._numbers.append(number)
        elif number < self._numbers[0]:
            self._numbers.appendleft(number)
        else:
            insort(self._numbers, number)

    def first(self) -> int:
        return self._numbers[0]

    def remove(self, number: int) -> None:
        if self._numbers and self._numbers[0] == number:
            self._numbers.popleft()
            return
        index = bisect_left(self._numbers, number)
        if index == len(self._numbers) or self._numbers[index] != number:
            raise KeyError(number)
        del self._numbers[index]


class Deadlines(Generic[Key]):
    """Keys by time. A key may stand here several times, or no longer matter: who pops it checks."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Key]] = []
        self._serial = 0

    def add(self, at: float, key: Key) -> None:
        self._serial += 1
        heapq.heappush(self._heap, (at, self._serial, key))

    def due(self, now: float) -> Iterator[Key]:
        """Take out what is due."""
        while self._heap and self._heap[0][0] <= now:
            yield heapq.heappop(self._heap)[2]
