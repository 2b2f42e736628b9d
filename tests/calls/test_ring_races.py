"""Everybody at once, on two processes that share a database: one wins, and all are told the same."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from presence.bus.memory import MemoryBus, Room
from presence.config import Config
from tests.calls.ring_cast import RINGS, Caller, Desk, calls_of, events_of, problem
from tests.chat.cast import Bank, bank_at, configuration
from tests.chat.stage import copied_bank
from tests.support import FrozenClock

pytestmark = pytest.mark.postgres
ADVISERS = ("alice", "mona")


@pytest.fixture
def shared(settled_postgres: str, tmp_path: Path) -> Iterator[Config]:
    with copied_bank(settled_postgres) as address:
        yield configuration(address, tmp_path)


@pytest.fixture
def room() -> Room:
    """What the processes hear each other by."""
    return Room()


@pytest.fixture
async def here(shared: Config, clock: FrozenClock, room: Room) -> AsyncIterator[Bank]:
    async with bank_at(shared, clock, bus=MemoryBus(room)) as served:
        yield served


@pytest.fixture
async def there(shared: Config, clock: FrozenClock, room: Room) -> AsyncIterator[Bank]:
    async with bank_at(shared, clock, bus=MemoryBus(room)) as served:
        yield served


async def seen(*banks: Bank) -> None:
    """Every process has seen who is there."""
    for bank in banks:
        await bank.chat.board.refresh()


async def test_it_rings_on_both_and_one_of_two_who_accept_at_once_wins(here: Bank, there: Bank) -> None:
    async with Desk(here, "alice") as alice, Desk(there, "mona") as mona, Caller(there, "Carol") as carol:
        await seen(here, there)
        call = await carol.ringing()
        for one in (alice, mona):
            await one.hears(call=call, state="ringing")
        answers = await asyncio.gather(alice.accepts(call), mona.accepts(call))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        winner, loser = (alice, mona) if answers[0].status_code == 200 else (mona, alice)
        lost = next(answer for answer in answers if answer.status_code == 409)
        assert (problem(lost)[1], lost.json()["name"]) == ("taken", f"{winner.slug.capitalize()} Martin")
        assert winner.slug.capitalize() in lost.json()["detail"]
        assert (await carol.hears(call=call, state="admitted"))["name"] == f"{winner.slug.capitalize()} Martin"
        await winner.hears(call=call, state="admitted")
        await loser.hears_nothing()
        c = carol.calls[0]["c"]
        assert [kind for kind, _ in await events_of(here, c)] == ["opened", "joined", "call"]


async def test_twenty_accept_at_once_from_every_tab(here: Bank, there: Bank) -> None:
    async with Caller(here, "Carol") as carol:
        desks = [Desk(bank, slug) for bank in (here, there) for slug in ADVISERS]
        for desk in desks:
            await desk.__aenter__()
        await seen(here, there)
        call = await carol.ringing()
        for desk in desks:
            await desk.hears(call=call, state="ringing")
        accepting = [desk for desk in desks for _ in range(5)]
        answers = await asyncio.gather(*(desk.accepts(call) for desk in accepting))
        won = {desk.slug for desk, answer in zip(accepting, answers, strict=True) if answer.status_code == 200}
        assert len(won) == 1
        assert {problem(answer) for answer in answers if answer.status_code != 200} == {(409, "taken")}
        kinds = [kind for kind, _ in await events_of(there, (await carol.hears(call=call, state="admitted"))["c"])]
        assert (kinds.count("joined"), kinds.count("call")) == (1, 1)
        for desk in desks:
            await desk.__aexit__()


async def test_cancel_and_accept_at_once_come_to_one_end(here: Bank, there: Bank) -> None:
    async with Desk(here, "alice") as alice, Caller(there, "Carol") as carol:
        await seen(here, there)
        for _ in range(5):
            call = await carol.ringing()
            await alice.hears(call=call, state="ringing")
            accepted, cancelled = await asyncio.gather(alice.accepts(call), carol.post(f"/calls/{call}/cancel"))
            if accepted.status_code == 200:
                assert problem(cancelled) == (409, "not-possible")
                await carol.hears(call=call, state="admitted")
                return
            assert (problem(accepted), cancelled.status_code) == ((409, "over"), 204)
            await alice.hears(call=call, state="ended")


async def test_both_ring_at_once_and_it_is_one_call(here: Bank, there: Bank) -> None:
    async with Desk(here, "alice") as alice, Caller(there, "Carol") as carol:
        await seen(here, there)
        c = await carol.begin()
        await alice.take(c)
        await alice.until(lambda frame: frame["t"] == "card" and frame["row"]["customer"]["here"])
        await seen(here, there)
        ringing, rung = await asyncio.gather(alice.rings_at(c), carol.rings())
        assert {ringing.status_code, rung.status_code} <= {200, 201}
        call = ringing.json()["call"]
        assert rung.json()["call"] == call
        for one in (alice, carol):
            await one.hears(call=call, state="admitted")


async def test_two_tabs_ring_at_once_and_it_is_one_call(here: Bank, there: Bank) -> None:
    async with Desk(here, "alice"), Caller(here, "Carol") as one, Caller(there, "Carol") as other:
        await seen(here, there)
        await one.session()
        other.http.cookies = one.http.cookies
        answers = await asyncio.gather(one.rings(id="1"), other.rings(id="2"))
        assert sorted(answer.status_code for answer in answers) == [201, 409]
        assert len({answer.json()["call"] for answer in answers}) == 1
        same = await asyncio.gather(one.rings(id="1"), other.rings(id="1"))
        assert len({answer.json()["call"] for answer in same}) == 1


async def test_a_ring_whose_process_has_died_is_ended_by_another_in_time(
    here: Bank, there: Bank, clock: FrozenClock
) -> None:
    async with Desk(there, "alice") as alice, Caller(there, "Carol") as carol, Caller(here, "Dave") as dave:
        await seen(here, there)
        calls_of(here).rings.stop()
        call = await dave.ringing()
        await alice.hears(call=call, state="ringing")
        clock.advance(RINGS - 1)
        await there.chat.leases.renew()
        await calls_of(there).rings.look()
        assert (await carol.rings()).status_code == 201  # it rings still, and Alice could answer both
        clock.advance(1)
        await calls_of(there).rings.look()
        assert (await alice.hears(call=call, state="ended"))["outcome"] == "missed"
        await dave.hears(call=call, state="ended")


async def test_a_lost_hint_is_made_good_by_a_look(here: Bank, there: Bank, room: Room) -> None:
    async with Desk(here, "alice") as alice, Caller(there, "Carol") as carol:
        await seen(here, there)
        room.buses.clear()  # nobody hears anybody any more
        call = await carol.ringing()
        await alice.hears(call=call, state="ringing")
        await alice.accepts(call)
        await carol.hears(call=call, state="admitted")
