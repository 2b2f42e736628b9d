"""Carol is on one process and Alice on another: they meet all the same."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, update

from presence.booking.requests import Booked
from presence.bus.memory import MemoryBus, Room
from presence.config import Config
from presence.live.frames import Close
from presence.storage.tables import lease
from tests.calls.cast import CANDIDATE, OFFER, Host, Visitor, admitted, calls_of
from tests.chat.cast import Bank, bank_at, configuration
from tests.chat.stage import copied_bank
from tests.support import FrozenClock

pytestmark = pytest.mark.postgres


@pytest.fixture
def between() -> Room:
    return Room()


@pytest.fixture
def config(settled_postgres: str, tmp_path: Path) -> Iterator[Config]:
    with copied_bank(settled_postgres) as address:
        yield configuration(address, tmp_path)


@pytest.fixture
async def bank(config: Config, clock: FrozenClock, between: Room) -> AsyncIterator[Bank]:
    async with bank_at(config, clock, bus=MemoryBus(between)) as served:
        yield served


@pytest.fixture
async def there(config: Config, clock: FrozenClock, between: Room, bank: Bank) -> AsyncIterator[Bank]:
    """The other process, which begins after the first has its people."""
    async with bank_at(config, clock, bus=MemoryBus(between)) as served:
        yield served


@pytest.fixture
async def alice(there: Bank, one: Booked) -> AsyncIterator[Host]:
    async with Host(there, "alice", one) as host:
        yield host


async def test_they_meet_and_hear_each_other_across(carol: Visitor, alice: Host) -> None:
    await carol.enter()
    await alice.enter()
    gen = await admitted(carol, alice)
    await alice.offer(gen)
    assert (await carol.until(lambda f: f["t"] == "sdp"))["description"] == OFFER
    same = {"t": "ice", "gen": gen, "candidate": CANDIDATE}
    await carol.send({"t": "media", "mic": True, "cam": True}, same, same)
    await carol.send({"t": "media", "mic": False, "cam": True}, {"t": "media", "mic": True, "cam": True})
    await alice.until(lambda f: f["t"] == "media" and not f["mic"])
    await alice.until(lambda f: f["t"] == "media" and f["mic"], len(alice.frames) - 1)
    assert len(alice.heard("ice")) == 2
    assert [frame["mic"] for frame in alice.heard("media")] == [True, False, True]


async def test_a_page_on_the_other_process_takes_the_place(
    carol: Visitor, alice: Host, there: Bank, one: Booked
) -> None:
    await carol.enter()
    await alice.enter()
    await admitted(carol, alice)
    async with Visitor(there, one) as phone:
        await phone.enter()
        assert (await carol.until(lambda f: f["t"] == "bye"))["why"] == "taken-over"
        assert await carol.closed() == Close.TAKEN_OVER
        await alice.sees(gen=2)


async def test_an_offer_that_is_faster_than_the_news_of_its_generation_waits_for_it(
    bank: Bank, carol: Visitor, alice: Host, between: Room
) -> None:
    await carol.enter()
    await alice.enter()
    await admitted(carol, alice)
    here = next(bus for bus in between.buses if bus._hear == bank.chat._hear)
    hear, here._hear = here._hear, lambda topic, text: hear(topic, text) if topic == "signal" else None
    await alice.hang_up()
    assert (await alice.come())["gen"] == 2
    await alice.offer(2)
    assert (await carol.until(lambda f: f["t"] == "sdp"))["gen"] == 2
    kinds = [(frame["t"], frame.get("gen")) for frame in carol.frames if frame["t"] in {"room", "sdp"}]
    assert kinds[-2:] == [("room", 2), ("sdp", 2)]
    here._hear = hear


async def test_a_lost_hint_is_made_good_by_a_look(bank: Bank, carol: Visitor, alice: Host, between: Room) -> None:
    await carol.enter()
    here = next(bus for bus in between.buses if bus._hear == bank.chat._hear)
    here._hear = lambda _topic, _text: None
    await alice.enter()
    await alice.send({"t": "hold", "text": "One moment"})
    await alice.sees(state="held")
    await carol.beat()
    assert carol.room["state"] == "waiting"
    await calls_of(bank).look()
    assert (await carol.sees(state="held"))["peer"]["here"] is True


async def test_a_process_that_died_is_noticed_by_the_other(
    bank: Bank, carol: Visitor, alice: Host, clock: FrozenClock, there: Bank
) -> None:
    await carol.enter()
    await alice.enter()
    await admitted(carol, alice)
    dead = there.chat.leases.node

    def ended(connection: Connection) -> None:
        connection.execute(update(lease).where(lease.c.node == dead).values(expires_at=clock.now()))

    await bank.database.write(ended)
    await calls_of(bank).look()
    assert (await carol.sees(state="admitted", peer__here=False))["gen"] == 1
