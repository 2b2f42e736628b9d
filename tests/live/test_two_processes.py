"""Two processes on one PostgreSQL, with Redis between them: who is on one talks to who is on the other."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from presence.app import create_app
from presence.config import Config
from presence.errors import ConfigError
from presence.live.frames import Close
from tests.chat.cast import SOON, Adviser, Bank, Customer, bank_at, configuration
from tests.chat.stage import copied_bank
from tests.live.redis import Redis
from tests.support import FrozenClock

pytestmark = pytest.mark.postgres
RESUMES = 5.0  # seconds


@pytest.fixture
def shared(settled_postgres: str, tmp_path: Path, redis: Redis) -> Iterator[Config]:
    with copied_bank(settled_postgres) as address:
        config = configuration(address, tmp_path)
        yield msgspec.structs.replace(config, chat=msgspec.structs.replace(config.chat, redis_url=redis.url))


@pytest.fixture
async def here(shared: Config, clock: FrozenClock) -> AsyncIterator[Bank]:
    async with bank_at(shared, clock) as served:
        yield served


@pytest.fixture
async def there(shared: Config, clock: FrozenClock) -> AsyncIterator[Bank]:
    async with bank_at(shared, clock) as served:
        yield served


async def test_they_talk_write_and_see_each_other_across(here: Bank, there: Bank) -> None:
    async with Customer(here, "Carol") as carol, Adviser(there, "alice") as alice:
        await carol.connect()
        await carol.send({"t": "watch", "what": ["adviser:alice"]})
        await carol.until(lambda f: f["t"] == "presence" and f["state"] == "available")
        c = await carol.begin("Good morning!")
        card = await alice.until(lambda f: f["t"] == "card" and f["c"] == c and f["row"]["offered"] is not None)
        assert card["row"]["customer"]["here"] is True
        await alice.take(c)
        await carol.event("joined", name="Alice Martin")
        await alice.say(c, "How may I help?")
        await carol.event("text", text="How may I help?")
        await carol.send({"t": "typing", "c": c})
        assert (await alice.until(lambda f: f["t"] == "typing"))["by"] == "customer"
        await carol.say(c, "I want to move my account.")
        await alice.event("text", text="I want to move my account.")
        await alice.post("/desk/presence", wish="away")
        await carol.until(lambda f: f["t"] == "presence" and f["state"] == "away")
        for one in (carol, alice):
            seqs = [event["seq"] for event in one.events(c)]
            assert seqs == sorted(set(seqs))
        await alice.http.post("/sign-out", data={"csrf": alice.http.headers["X-CSRF-Token"]})
        await carol.until(lambda f: f["t"] == "presence" and f["state"] == "offline")


async def test_signing_out_on_one_ends_the_devices_on_the_other(here: Bank, there: Bank) -> None:
    async with Adviser(here, "alice") as desk, Adviser(there, "alice") as tablet:
        await desk.http.post("/sign-out", data={"csrf": desk.http.headers["X-CSRF-Token"]})
        assert await tablet.closed() == Close.SIGNED_OUT


async def test_two_pages_on_two_processes_begin_one_conversation(here: Bank, there: Bank) -> None:
    async with Customer(here, "Carol") as one, Customer(there, "Carol") as other:
        await one.session()
        other.http.cookies = one.http.cookies
        bodies = [{"id": uuid.uuid4().hex, "text": f"{n}", "name": "Carol", "email": one.email} for n in range(2)]
        answers = await asyncio.gather(
            one.post("/chat/conversations", **bodies[0]), other.post("/chat/conversations", **bodies[1])
        )
        assert sorted(answer.status_code for answer in answers) == [200, 201]
        (c,) = {answer.json()["c"] for answer in answers}
        await one.connect({c: 0})
        texts = [(await one.event("text", text=f"{n}"))["seq"] for n in range(2)]
        assert len(set(texts)) == 2


async def test_redis_dies_and_comes_back_and_nothing_is_lost(here: Bank, there: Bank, redis: Redis) -> None:
    async with Customer(here, "Carol") as carol, Adviser(there, "alice") as alice:
        c = await carol.begin()
        await alice.take(c)
        redis.kill()
        lost = await carol.say(c, "While Redis is away")
        assert lost["t"] == "ack"
        redis.start()
        back = time.monotonic()
        await alice.event("text", text="While Redis is away")
        assert time.monotonic() - back < RESUMES + 1  # of slack for a slow machine
        for bank in (here, there):
            async with asyncio.timeout(SOON):
                await bank.chat._bus.hearing.wait()  # type: ignore[attr-defined]
        assert time.monotonic() - back < RESUMES + 1
        said = time.monotonic()
        await alice.say(c, "And now?")
        await carol.event("text", text="And now?")
        assert time.monotonic() - said < 2
        for one in (carol, alice):
            seqs = [event["seq"] for event in one.events(c)]
            assert seqs == sorted(set(seqs))


async def test_another_process_without_the_bus_is_refused(here: Bank, shared: Config) -> None:
    alone = msgspec.structs.replace(shared, chat=msgspec.structs.replace(shared.chat, redis_url=""))
    app = create_app(alone)
    with pytest.raises(ConfigError, match="redis_url"):
        async with app.router.lifespan_context(app):
            pass
    async with Adviser(here, "alice"):
        pass
