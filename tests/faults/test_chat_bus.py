"""Two processes on one PostgreSQL: Redis dies again and again while connections break, and both sides have the same."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from bench.chat_faults import STEPS, break_often, compared
from bench.chat_party import Party
from presence.config import Config
from tests.chat.cast import Adviser, Customer, bank_at, configuration
from tests.chat.stage import copied_bank, settled_postgres
from tests.live.redis import Redis
from tests.support import FrozenClock

__all__ = ["settled_postgres"]
pytestmark = pytest.mark.postgres
LEVEL = 15.0  # seconds in which what a lost hint did not tell has come


@pytest.fixture
def shared(settled_postgres: str, tmp_path: Path, redis: Redis) -> Iterator[Config]:
    with copied_bank(settled_postgres) as address:
        config = configuration(address, tmp_path)
        yield msgspec.structs.replace(config, chat=msgspec.structs.replace(config.chat, redis_url=redis.url))


@pytest.mark.parametrize("rounds", [2, pytest.param(40, marks=pytest.mark.long)])
async def test_redis_dies_while_connections_break_and_nothing_is_lost_or_doubled(
    shared: Config, redis: Redis, clock: FrozenClock, rounds: int
) -> None:
    done = Counter[str]()
    async with (
        bank_at(shared, clock) as here,
        bank_at(shared, clock) as there,
        Customer(here, "Carol") as carol,
        Adviser(there, "alice") as alice,
    ):
        c = await carol.begin()
        await alice.take(c)
        carols, alices = await carol.token(), await alice.token()
        ours = Party(here.port, c, lambda: carols, "carol", random.Random(rounds))
        theirs = Party(there.port, c, lambda: alices, "alice", random.Random(-rounds))
        for _ in range(rounds):
            redis.kill()
            await asyncio.gather(break_often(ours, 10, done), break_often(theirs, 10, done))
            redis.start()
            await asyncio.gather(break_often(ours, 10, done), break_often(theirs, 10, done))
        await asyncio.gather(ours.settle(), theirs.settle())
        async with asyncio.timeout(LEVEL):
            while ours.log != theirs.log:
                await asyncio.sleep(0.05)
        await asyncio.gather(ours.vanish(), theirs.vanish())
    assert list(compared(ours, theirs)) == []
    assert done.total() == 40 * rounds
    assert set(done) <= set(STEPS)
    assert len(ours.log) > rounds
