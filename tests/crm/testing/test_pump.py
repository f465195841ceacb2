"""The pump of events."""

import asyncio
from collections.abc import Callable

from crm.testing.clock import Clock
from crm.testing.pump import Message, Pump, Weather, asgi_poster


def messages(number: int) -> list[Message]:
    """Make numbered messages."""
    return [Message("http://us/hook", b"", name=str(n)) for n in range(number)]


def pumped(
    weather: Weather, *, number: int = 50, moves: tuple[float, ...] = (100,)
) -> tuple[list[str], Pump]:
    """Send messages through the weather and list what arrived, in order."""
    arrived: list[str] = []
    clock = Clock()

    async def post(message: Message) -> int:
        arrived.append(message.name)
        return 200

    async def run() -> Pump:
        pump = Pump(clock, post, weather=weather, seed=3)
        for message in messages(number):
            pump.send(message)
        for seconds in moves:
            clock.move(seconds)
            await pump.deliver()
        return pump

    pump = asyncio.run(run())
    return arrived, pump


IN_ORDER = [str(n) for n in range(50)]


def test_in_fair_weather_each_event_comes_once_in_order() -> None:
    """Without weather nothing is lost, doubled or shuffled."""
    arrived, _ = pumped(Weather())

    assert arrived == IN_ORDER


def test_lost_events_are_kept_for_the_test_only() -> None:
    """What is lost never arrives, and the pump can name it."""
    arrived, pump = pumped(Weather(lost=0.3))

    lost = [message.name for message in pump.lost]
    assert 5 <= len(lost) <= 25
    assert sorted(arrived + lost, key=int) == IN_ORDER


def test_doubled_events_come_two_to_most_copies_times() -> None:
    """Each doubled event comes at least twice and at most as often as said."""
    arrived, _ = pumped(Weather(doubled=1.0, most_copies=5))

    assert {arrived.count(name) for name in IN_ORDER} == {2, 3, 4, 5}


def test_shuffled_and_delayed_events_leave_their_order() -> None:
    """Shuffling and delay change the order, not the set."""
    for weather in (Weather(shuffled=True), Weather(delay=(0, 90))):
        arrived, _ = pumped(weather)

        assert arrived != IN_ORDER
        assert sorted(arrived, key=int) == IN_ORDER


def test_a_delayed_event_waits_for_the_clock() -> None:
    """An event is not posted before its delay is over."""
    arrived, pump = pumped(Weather(delay=(60, 60)), moves=(59,))

    assert arrived == []
    assert pump.waiting == 50


def test_what_failed_is_repeated_by_the_vendors_rule() -> None:
    """The rule gets status and attempt, and its wait is kept."""
    clock = Clock()

    def rule(status: int, attempt: int) -> float | None:
        return 300 if status == 500 and attempt < 3 else None

    async def broken(scope: object, receive: object, send: Callable) -> None:  # type: ignore[type-arg]
        await send({"type": "http.response.start", "status": 500, "headers": []})

    async def run() -> Pump:
        pump = Pump(clock, asgi_poster(broken), again=rule)
        pump.send(messages(1)[0])
        for _ in range(20):
            await pump.deliver()
            clock.move(100)
        return pump

    tries = [
        (each.at, each.attempt, each.status) for each in asyncio.run(run()).deliveries
    ]
    assert tries == [(0, 1, 500), (300, 2, 500), (600, 3, 500)]
