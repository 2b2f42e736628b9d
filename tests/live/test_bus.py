"""One contract for every bus: hints arrive at all others, not at who told them; and Redis may come and go."""

import asyncio
from collections.abc import Callable

import pytest
from redis import asyncio as asyncio_redis

from presence.bus import Bus
from presence.bus.memory import MemoryBus, Room
from presence.bus.redis import RedisBus
from tests.live.redis import Redis

SOON = 10.0
Make = Callable[[], Bus]


@pytest.fixture(params=["memory", "redis"])
def make(request: pytest.FixtureRequest) -> Make:
    """Makes buses that hear each other."""
    if request.param == "memory":
        room = Room()
        return lambda: MemoryBus(room)
    server: Redis = request.getfixturevalue("redis")
    return lambda: RedisBus(server.url)


class Ear:
    """Hears, and can be waited for."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self._more = asyncio.Event()

    def __call__(self, topic: str, text: str) -> None:
        self.heard.append((topic, text))
        self._more.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(SOON):
            while len(self.heard) < count:
                self._more.clear()
                await self._more.wait()


async def ready(bus: Bus) -> None:
    if isinstance(bus, RedisBus):
        async with asyncio.timeout(SOON):
            await bus.hearing.wait()


async def test_hints_arrive_at_all_others_in_order_and_not_at_who_told_them(make: Make) -> None:
    buses, ears = [make(), make(), make()], [Ear(), Ear(), Ear()]
    for bus, ear in zip(buses, ears, strict=True):
        await bus.open(ear)
        await ready(bus)
    for number in range(100):
        buses[0].publish("conversation", f"7 {number}")
    buses[1].publish("presence", "")
    await ears[2].until(101)
    await ears[1].until(100)
    await ears[0].until(1)
    assert ears[0].heard == [("presence", "")]
    assert ears[1].heard == [("conversation", f"7 {number}") for number in range(100)]
    for bus in buses:
        await bus.close()


async def test_nothing_is_heard_after_the_end(make: Make) -> None:
    one, other, ear = make(), make(), Ear()
    await one.open(Ear())
    await other.open(ear)
    await ready(other)
    await other.close()
    one.publish("presence", "")
    await one.close()
    assert ear.heard == []


async def test_redis_may_die_and_come_back(redis: Redis) -> None:
    one, other, ear = RedisBus(redis.url), RedisBus(redis.url), Ear()
    await one.open(Ear())
    await other.open(ear)
    await ready(other)
    redis.kill()
    one.publish("conversation", "1 1")  # lost, and nobody is told
    async with asyncio.timeout(SOON):
        while other.hearing.is_set():
            await asyncio.sleep(0)
    redis.start()
    await ready(other)
    one.publish("conversation", "1 2")
    async with asyncio.timeout(SOON):
        while ("conversation", "1 2") not in ear.heard:
            one.publish("conversation", "1 2")
            await ear.until(len(ear.heard) + 1)
    await one.close()
    await other.close()


async def test_another_installation_on_the_same_redis_is_not_heard(redis: Redis) -> None:
    ours, theirs, ear = RedisBus(redis.url, "ours"), RedisBus(redis.url, "theirs"), Ear()
    another = RedisBus(redis.url, "ours")
    await ours.open(ear)
    await ready(ours)
    await theirs.open(Ear())
    await another.open(Ear())
    theirs.publish("signed out", "adviser:1")
    another.publish("presence", "")
    await ear.until(1)
    assert ear.heard == [("presence", "")]
    for bus in (ours, theirs, another):
        await bus.close()


async def test_a_hint_that_nobody_understands_does_not_deafen(redis: Redis) -> None:
    heard = Ear()

    def hear(topic: str, text: str) -> None:
        if topic == "broken":
            raise ValueError(text)
        heard(topic, text)

    one, other = RedisBus(redis.url), RedisBus(redis.url)
    await one.open(Ear())
    await other.open(hear)
    await ready(other)
    async with asyncio_redis.from_url(redis.url) as client:
        await client.publish("presence:", b"\xff no hint of ours")
    one.publish("broken", "")
    one.publish("presence", "")
    await heard.until(1)
    for bus in (one, other):
        await bus.close()
