"""A story told to an empty service, and how a worker's death or a lost answer must not change its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from tests.doubles.service import Killed, Service
from tests.doubles.world import MemoryMailbox

T = TypeVar("T")
Story = Callable[..., Awaitable[None]]
"""What happens, given the service and its mailboxes."""
Outcome = Callable[..., Awaitable[Any]]
"""What people see in the end, given the service and its mailboxes: both sides' content and every mail."""


def only(rows: Mapping[str, T]) -> T:
    (one,) = rows.values()
    return one


async def history(service: Service, box: MemoryMailbox, item: str | None = None) -> Sequence[Any]:
    rows, _ = await service.services.history.of_item(box.id, item, limit=100, after=None)
    return rows


async def subscribed(*names: str) -> tuple[Any, ...]:
    """A service and its mailboxes, in step."""
    service = Service()
    boxes = [service.person(name, number) for number, name in enumerate(names, 1)]
    for box in boxes:
        await service.subscribe(box)
    await service.settle()
    return service, *boxes


async def told(story: Story, *names: str) -> tuple[Any, ...]:
    """Up to where synchronization begins."""
    service, *boxes = await subscribed(*(names or ("ada",)))
    await story(service, *boxes)
    service.steps.clear()
    return service, *boxes


async def ended(story: Story, outcome: Outcome, *names: str) -> tuple[Any, list[str]]:
    """How the story ends undisturbed, and the steps until then."""
    service, *boxes = await told(story, *names)
    await service.settle()
    return await outcome(service, *boxes), list(service.steps)


async def settle_with_restarts(service: Service) -> None:
    """A killed worker's message is delivered again: the pass simply runs once more."""
    for _ in range(3):
        try:
            await service.settle()
        except Killed:
            continue
        return
    raise AssertionError("killed more than once")


async def assert_deaths_change_nothing(story: Story, outcome: Outcome, *names: str) -> None:
    """Killed between any two steps, the story ends the same."""
    expected, steps = await ended(story, outcome, *names)
    assert len(steps) > 4
    for number, step in enumerate(steps, 1):
        service, *boxes = await told(story, *names)
        service.kill_at = number
        await settle_with_restarts(service)
        await service.settle()
        assert await outcome(service, *boxes) == expected, f"killed at step {number} ({step})"


async def assert_a_lost_answer_changes_nothing(
    write: str, story: Story, outcome: Outcome, *names: str
) -> None:
    """A write whose answer is lost is read back, and not repeated."""
    expected, _ = await ended(story, outcome, *names)
    service, *boxes = await told(story, *names)
    service.exchange.lose_answers_of.add(write)
    service.dynamics.lose_answers_of.add(write)
    await service.settle()
    assert write not in service.exchange.lose_answers_of or write not in service.dynamics.lose_answers_of
    assert await outcome(service, *boxes) == expected


async def overtaken(service: Service, box: MemoryMailbox, number: int) -> None:
    """A lost session lock: a second worker runs through while the first stands at a step."""
    service.overtake_at = number
    service.overtaker = box
    await service.run_pass(box)
