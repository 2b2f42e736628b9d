"""Carol and Alice see and hear each other; whatever breaks, they do again. Both browsers are scripted, their media is real."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import msgspec
import pytest
import structlog
from aioice import ice

from presence.booking.requests import Booked
from presence.bus.memory import MemoryBus, Room
from presence.clock import SystemClock
from presence.config import Config
from presence.live.frames import Close
from tests.calls.cast import admitted, booked, calls_of, in_time
from tests.calls.coturn import Coturn, coturn
from tests.calls.peer import TalkingHost, TalkingVisitor
from tests.chat.cast import Bank, bank_at, configuration
from tests.chat.stage import copied_bank, copied_sqlite
from tests.live.redis import Redis
from tests.support import MONDAY, FrozenClock

PLANTED = "candidate:4242 1 udp 1 192.0.2.42 9 typ host"
SIGNALS = (PLANTED, "192.0.2.42", "ice-ufrag", "a=fingerprint", "typ host")  # parts of descriptions and candidates
OTHERS = ("aioice", "aiortc", "websockets", "aiosqlite")  # loggers of our scripted browsers, and one that never stops


@pytest.fixture
def database_url(settled_sqlite: Path, tmp_path: Path) -> str:
    """Media does not care which database it is; what is stored is tested on both in its own files."""
    return copied_sqlite(settled_sqlite, tmp_path)


@pytest.fixture(autouse=True)
def on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Media stays on this machine, whatever networks that has."""
    monkeypatch.setattr(ice, "get_host_addresses", lambda *_, **__: ["127.0.0.1"])


@pytest.fixture
async def carol(bank: Bank, one: Booked) -> AsyncIterator[TalkingVisitor]:
    async with TalkingVisitor(bank, one) as there, there.page():
        yield there


@pytest.fixture
async def alice(bank: Bank, one: Booked) -> AsyncIterator[TalkingHost]:
    async with TalkingHost(bank, "alice", one) as there, there.page():
        yield there


async def talk(carol: TalkingVisitor, alice: TalkingHost) -> int:
    """Both come, Alice lets Carol in, and they see and hear each other; the generation."""
    await carol.enter()
    await alice.enter()
    gen = await admitted(carol, alice)
    await both(carol, alice, gen)
    return gen


async def both(carol: TalkingVisitor, alice: TalkingHost, gen: int) -> None:
    """They see and hear each other, in a generation."""
    await asyncio.gather(carol.sees_and_hears(gen=gen), alice.sees_and_hears(gen=gen))
    assert carol.gen == alice.gen == gen


async def test_they_see_and_hear_each_other(carol: TalkingVisitor, alice: TalkingHost) -> None:
    assert await talk(carol, alice) == 1
    assert carol.dropped == alice.dropped == 0
    assert carol.heard("sdp")[0]["description"]["type"] == "offer"  # Alice is impolite and offers first
    assert [frame["description"]["type"] for frame in alice.heard("sdp")] == ["answer"]


async def test_carol_comes_last_and_alice_was_ready_long_before(carol: TalkingVisitor, alice: TalkingHost) -> None:
    await alice.enter()
    await alice.ready()
    await carol.enter()
    await alice.sees(peer__here=True)
    await alice.send({"t": "admit"})
    await carol.sees(state="admitted")
    assert alice.line is None  # Carol still looks at her devices
    await carol.ready()
    await both(carol, alice, 1)


# -- generations ----------------------------------------------------------------------------------------------------


async def test_what_is_of_another_generation_is_dropped(carol: TalkingVisitor, alice: TalkingHost) -> None:
    gen = await talk(carol, alice)
    for wrong in (gen - 1, gen + 1):
        await alice.offer(wrong)
        await alice.send({"t": "ice", "gen": wrong, "candidate": None})
    heard = len(carol.heard("sdp")) + len(carol.heard("ice"))
    await alice.send({"t": "media", "mic": False, "cam": True})
    await carol.until(lambda frame: frame["t"] == "media")  # which was sent after them
    assert len(carol.heard("sdp")) + len(carol.heard("ice")) == heard
    await both(carol, alice, gen)


async def test_a_rebuild_raises_the_generation_once_and_they_connect_anew(
    carol: TalkingVisitor, alice: TalkingHost
) -> None:
    gen = await talk(carol, alice)
    await asyncio.gather(*(one.send({"t": "rebuild", "gen": gen}) for one in (carol, alice)))
    await both(carol, alice, gen + 1)
    await carol.send({"t": "rebuild", "gen": gen})  # of a generation that is over
    await carol.beat()
    assert carol.gen == gen + 1
    assert carol.lines == alice.lines == 2


# -- what breaks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["carol", "alice"])
async def test_a_socket_breaks_media_goes_on_and_the_page_comes_back(
    who: str, carol: TalkingVisitor, alice: TalkingHost
) -> None:
    gen = await talk(carol, alice)
    one, other = (carol, alice) if who == "carol" else (alice, carol)
    since = len(other.frames)
    one.vanish()
    await one.closed()
    await other.sees(since, peer__here=False)
    assert carol.line is not None
    assert alice.line is not None
    await asyncio.gather(carol.line.more(5), alice.line.more(5))
    since = len(other.frames)
    room = await one.come_back()
    assert (room["gen"], room["state"], room["peer"]["ready"]) == (gen, "admitted", True)
    room = await other.sees(since, peer__here=True, peer__ready=True)
    assert room["gen"] == gen
    await one.send({"t": "media", "mic": True, "cam": False})
    await other.until(lambda frame: frame["t"] == "media")  # signals reach the new socket and come from it
    await both(carol, alice, gen)
    assert carol.lines == alice.lines == 1


@pytest.mark.parametrize("who", ["carol", "alice"])
async def test_a_page_is_loaded_anew(who: str, carol: TalkingVisitor, alice: TalkingHost) -> None:
    gen = await talk(carol, alice)
    room = await (carol if who == "carol" else alice).reload()
    assert room["gen"] == gen + 1
    await both(carol, alice, gen + 1)


async def test_the_newest_page_takes_over(bank: Bank, one: Booked, carol: TalkingVisitor, alice: TalkingHost) -> None:
    gen = await talk(carol, alice)
    async with TalkingVisitor(bank, one) as telephone, telephone.page():
        await telephone.enter()
        assert await carol.closed() == Close.TAKEN_OVER
        assert carol.heard("bye") == [{"t": "bye", "why": "taken-over"}]
        await telephone.ready()
        await both(telephone, alice, gen + 1)


async def test_the_server_is_stopped_and_started_again(config: Config, clock: FrozenClock) -> None:
    async with bank_at(config, clock) as bank:
        one = await booked(bank)
        in_time(bank, one)
        carol, alice = TalkingVisitor(bank, one), TalkingHost(bank, "alice", one)
        await alice.sign_in()
        pages = carol.page(), alice.page()
        for page in pages:
            await page.__aenter__()
        gen = await talk(carol, alice)
    assert carol.line is not None
    assert alice.line is not None
    await asyncio.gather(carol.line.more(5), alice.line.more(5))  # without any server
    for talking in (carol, alice):
        assert await talking.closed() == Close.GOING
        assert talking.heard("drain")
    async with bank_at(config, clock, port=bank.port) as bank:
        since = {talking: len(talking.frames) for talking in (carol, alice)}
        for talking in (carol, alice):
            talking.bank = bank
            room = await talking.come_back()
            assert (room["gen"], room["state"]) == (gen, "admitted")
        for talking in (carol, alice):
            await talking.sees(since[talking], peer__here=True, peer__ready=True)
        await both(carol, alice, gen)
        await carol.send({"t": "rebuild", "gen": gen})  # and they can still make another one
        await both(carol, alice, gen + 1)
        for page in pages:
            await page.__aexit__(None, None, None)
        for talking in (carol, alice):
            await talking.__aexit__(None, None, None)


# -- TURN -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coturn]:
    with coturn(tmp_path_factory.mktemp("coturn")) as running:
        yield running


@pytest.fixture
def relayed(config: Config, relay: Coturn) -> Config:
    """All media goes through coturn. Its clock is the real one, the bank's stands still: credentials last that much longer."""
    lasts = SystemClock().now() - MONDAY + 3600
    return msgspec.structs.replace(config, calls=relay.config(relay_only=True, turn_lifetime=lasts))


async def test_all_goes_through_coturn_where_it_has_to(relayed: Config, clock: FrozenClock) -> None:
    async with bank_at(relayed, clock) as bank:
        one = await booked(bank)
        in_time(bank, one)
        async with (
            TalkingVisitor(bank, one) as carol,
            TalkingHost(bank, "alice", one) as alice,
            carol.page(),
            alice.page(),
        ):
            await carol.enter()
            await alice.enter()
            await carol.send({"t": "turn"})
            await alice.send({"t": "hold", "text": "One moment"}, {"t": "turn"})
            await carol.sees(state="held")
            await carol.beat()
            await alice.beat()
            assert carol.heard("turn") == alice.heard("turn") == []  # nobody has been let in
            await admitted(carol, alice)
            await both(carol, alice, 1)
            found = [frame["candidate"] for one in (carol, alice) for frame in one.heard("ice")]
            assert len([candidate for candidate in found if candidate]) >= 2
            assert all("typ relay" in candidate["candidate"] for candidate in found if candidate)
            first = carol.heard("turn")[0]
            clock.advance(60)
            since = len(carol.frames)
            await carol.send({"t": "turn"})
            fresh = await carol.until(lambda frame: frame["t"] == "turn", since)
            assert fresh["until"] == first["until"] + 60_000
            names = [one.heard("turn")[0]["ice_servers"][0]["username"].partition(":")[2] for one in (carol, alice)]
            assert len(set(names)) == 2


# -- two processes --------------------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(settled_postgres: str, tmp_path: Path) -> Iterator[Config]:
    """One database for two processes."""
    with copied_bank(settled_postgres) as address:
        yield configuration(address, tmp_path)


@pytest.mark.postgres
@pytest.mark.parametrize("bus", ["memory", "redis"])
async def test_they_are_on_different_processes(
    bus: str, elsewhere: Config, clock: FrozenClock, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    between = Room()
    if bus == "redis":
        redis: Redis = request.getfixturevalue("redis")
        elsewhere = msgspec.structs.replace(
            elsewhere, chat=msgspec.structs.replace(elsewhere.chat, redis_url=redis.url)
        )

    def process() -> AbstractAsyncContextManager[Bank]:
        return bank_at(elsewhere, clock, bus=MemoryBus(between) if bus == "memory" else None)

    async with process() as here, process() as there:
        one = await booked(here)
        in_time(here, one)
        async with (
            TalkingVisitor(here, one) as carol,
            TalkingHost(there, "alice", one) as alice,
            carol.page(),
            alice.page(),
        ):
            assert await talk(carol, alice) == 1
            since = len(alice.frames)
            carol.vanish()
            await carol.closed()
            await alice.sees(since, peer__here=False)
            carol.bank = there  # the proxy has sent her elsewhere
            await carol.come_back()
            await both(carol, alice, 1)
            carol.vanish()
            await carol.closed()
            carol.bank = here
            await carol.come_back()
            await alice.send({"t": "rebuild", "gen": 1})
            await both(carol, alice, 2)
            await alice.reload()
            await both(carol, alice, 3)


@pytest.mark.long
@pytest.mark.postgres
async def test_redis_is_away_while_they_talk(elsewhere: Config, clock: FrozenClock, redis: Redis) -> None:
    elsewhere = msgspec.structs.replace(elsewhere, chat=msgspec.structs.replace(elsewhere.chat, redis_url=redis.url))
    async with bank_at(elsewhere, clock) as here, bank_at(elsewhere, clock) as there:
        one = await booked(here)
        in_time(here, one)
        async with (
            TalkingVisitor(here, one) as carol,
            TalkingHost(there, "alice", one) as alice,
            carol.page(),
            alice.page(),
        ):
            await talk(carol, alice)
            redis.kill()
            await both(carol, alice, 1)  # media does not pass it
            since = len(alice.frames)
            carol.vanish()
            await carol.closed()
            await alice.sees(since, peer__here=False)  # by the next look at the table
            since = len(alice.frames)
            await carol.come_back()
            await alice.sees(since, peer__here=True)
            redis.start()
            for bank in (here, there):
                async with asyncio.timeout(10):
                    await bank.chat._bus.hearing.wait()  # type: ignore[attr-defined]
            await carol.send({"t": "rebuild", "gen": 1})
            await both(carol, alice, 2)


# -- what nobody else is to know ------------------------------------------------------------------------------------


async def test_what_browsers_tell_each_other_is_neither_stored_nor_logged(
    carol: TalkingVisitor,
    alice: TalkingHost,
    bank: Bank,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in OTHERS:
        caplog.set_level(logging.WARNING, name)
    with structlog.testing.capture_logs(processors=[structlog.processors.format_exc_info]) as lines:
        gen = await talk(carol, alice)
        planted = {"candidate": PLANTED, "sdpMid": "0", "sdpMLineIndex": 0}
        since = len(carol.frames)
        await alice.send({"t": "ice", "gen": gen, "candidate": planted})
        await carol.until(lambda frame: frame["t"] == "ice" and frame["candidate"] == planted, since)
        await alice.send({"t": "ice", "gen": gen, "candidate": {**planted, "more": "x" * 5_000}})  # too long
        await alice.send({"t": "ice", "gen": gen + 7, "candidate": planted})  # of no generation
        await alice.offer(gen, {"type": "offer", "sdp": PLANTED * 900})  # too long
        await alice.beat()
        await alice.send({"t": "ice", "gen": PLANTED, "candidate": planted})  # not a frame at all
        assert await alice.closed() == Close.BAD_FRAME
        await carol.sees(since, peer__here=False)
        await carol.send({"t": "ice", "gen": gen, "candidate": planted})  # to nobody
        await carol.beat()
        await alice.come_back()
        since = len(carol.frames)
        monkeypatch.setattr(calls_of(bank).relay, "signal", broken)
        await alice.send({"t": "ice", "gen": gen, "candidate": planted})
        await carol.sees(since, peer__here=False)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]  # noqa: ASYNC240
    assert {file.name for file in files} >= {"presence.db", "presence.db-wal"}
    for file in files:
        content = file.read_bytes()
        assert [word for word in SIGNALS if word.encode() in content] == [], file
    said = "\n".join([*map(str, lines), *(one.getMessage() for one in caplog.records)])
    assert "RuntimeError: it broke" in said
    assert [word for word in SIGNALS if word in said] == []


def broken(*_: object) -> None:
    raise RuntimeError("it broke")
