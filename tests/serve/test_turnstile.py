from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from itertools import pairwise
from typing import Any

from serve.turnstile import Turnstile


async def rounds_of(
    tasks: int, leave: Callable[[int], bool] = lambda _: False
) -> list[tuple[int, int]]:
    """Send tasks through; list who passed and in which round of the loop."""
    turnstile, passed, now = Turnstile(), [], 0

    async def go(name: int) -> None:
        await turnstile.pass_through()
        passed.append((name, now))

    going = [asyncio.create_task(go(name)) for name in range(tasks)]
    await asyncio.sleep(0)
    for name, task in enumerate(going):
        if leave(name):
            task.cancel()
    for now in range(1, 3 * tasks):  # noqa: B007 - tasks read it
        await asyncio.sleep(0)
    await asyncio.gather(*going, return_exceptions=True)
    return passed


def run(work: Coroutine[Any, Any, list[tuple[int, int]]]) -> list[tuple[int, int]]:
    """Run on a loop of its own."""
    return asyncio.run(work)


def test_one_passes_in_each_round_in_order_of_arrival() -> None:
    """Of tasks that come at once each has a round of the loop to itself."""
    passed = run(rounds_of(20))

    assert [name for name, _ in passed] == list(range(20))
    assert all(earlier < later for (_, earlier), (_, later) in pairwise(passed))


def test_who_leaves_the_queue_does_not_hold_it_up() -> None:
    """Clients that go away while they wait cost the others nothing."""
    passed = run(rounds_of(20, leave=lambda name: name % 3 == 1))

    assert [name for name, _ in passed] == [n for n in range(20) if n % 3 != 1]


def test_alone_nobody_waits() -> None:
    """With nobody else there the turn is at once, again and again."""

    async def alone() -> list[tuple[int, int]]:
        turnstile = Turnstile()
        for _ in range(3):
            turn = turnstile.pass_through()
            assert not asyncio.isfuture(turn)
            try:
                turn.send(None)  # finishes without suspending
            except StopIteration:
                pass
            else:
                raise AssertionError("it had to wait")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return []

    run(alone())
