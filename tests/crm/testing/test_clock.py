"""The clock that tests move."""

import asyncio

from crm.testing.clock import Clock


def test_actions_run_at_their_own_time_in_the_order_asked() -> None:
    """An action sees its own time, and those of one time keep their order."""
    clock = Clock()
    seen: list[tuple[str, float]] = []
    clock.after(9, lambda: seen.append(("late", clock.elapsed)))
    clock.after(3, lambda: seen.append(("first", clock.elapsed)))
    clock.after(3, lambda: seen.append(("second", clock.elapsed)))

    clock.move(10)

    assert seen == [("first", 3.0), ("second", 3.0), ("late", 9.0)]


def test_a_sleeper_sleeps_until_the_clock_is_moved() -> None:
    """No real time wakes a sleeper, moving the clock does."""

    async def tell() -> list[str]:
        clock, said = Clock(), []

        async def sleeper() -> None:
            await clock.sleep(60)
            said.append(f"awake at {clock.elapsed:.0f}")

        task = asyncio.ensure_future(sleeper())
        await clock.advance(59)
        said.append("still asleep")
        await clock.advance(100)
        await task
        return said

    assert asyncio.run(tell()) == ["still asleep", "awake at 60"]


def test_a_chain_of_sleeps_is_walked_in_one_advance() -> None:
    """A sleeper that sleeps again within an advance wakes at its own times."""

    async def tell() -> list[float]:
        clock, times = Clock(), []

        async def sleeper() -> None:
            for _ in range(3):
                await clock.sleep(10)
                times.append(clock.elapsed)

        task = asyncio.ensure_future(sleeper())
        await clock.advance(35)
        await task
        return times

    assert asyncio.run(tell()) == [10.0, 20.0, 30.0]
