"""One contract for every bus: hints arrive at all others, not at who told them; and Redis may come and go."""

import asyncio
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from presence.bus import Bus
from presence.bus.memory import MemoryBus, Room
from presence.bus.redis import RedisBus

SOON = 10.0
Make = Callable[[], Bus]


class Redis:
    """A server of the test's own."""

    def __init__(self, directory: Path) -> None:
        self._socket = directory / "redis.sock"
        self._directory = directory
        self.url = f"unix://{self._socket}"
        self.start()

    def start(self) -> None:
        binary = shutil.which("redis-server")
        if binary is None:
            pytest.fail("Redis is missing: apt-get install redis-server")
        words = [binary, "--port", "0", "--unixsocket", str(self._socket), "--save", "", "--dir", str(self._directory)]
        self._server = subprocess.Popen(words, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        self._server.kill()
        self._server.wait()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    server = Redis(tmp_path)
    yield server
    server.kill()


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
