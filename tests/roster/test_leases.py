"""Leases: what is connected counts, what has gone ends by itself, and a page change is not leaving."""

from presence.roster import leases
from presence.roster.keeping import LeaseKeeper
from presence.roster.presence import GRACE, LEASE, RENEW
from presence.storage.database import Database
from tests.support import FrozenClock

ALICE = "adviser:1"


async def there(database: Database, clock: FrozenClock, person: str = ALICE) -> bool:
    return person in await database.read(lambda sql: leases.reachable(sql, [person], clock.now()))


def test_a_page_change_and_a_killed_node_have_their_times() -> None:
    assert 10 <= GRACE <= 15
    assert LEASE == 45
    assert 2 * RENEW < LEASE  # one renewal may fail


async def test_a_connection_counts_while_its_node_renews_it(database: Database, clock: FrozenClock) -> None:
    node = LeaseKeeper(database, clock)
    await node.open("a", ALICE, engaged=True)
    for _ in range(10):
        clock.advance(RENEW)
        await node.renew()
        assert await there(database, clock)


async def test_a_dead_nodes_leases_end_by_themselves(database: Database, clock: FrozenClock) -> None:
    dead, alive = LeaseKeeper(database, clock), LeaseKeeper(database, clock)
    await dead.open("a", ALICE, engaged=True)
    clock.advance(LEASE - 1)
    await alive.renew()
    assert await there(database, clock)
    clock.advance(1)
    assert not await there(database, clock)


async def test_a_page_change_never_flaps(database: Database, clock: FrozenClock) -> None:
    node = LeaseKeeper(database, clock)
    await node.open("first", ALICE, engaged=True)
    for number in range(5):
        await node.close(f"{number - 1}" if number else "first")
        clock.advance(GRACE - 1)
        assert await there(database, clock)
        await node.open(f"{number}", ALICE, engaged=True)
        assert await there(database, clock)
    await node.close("4")
    clock.advance(GRACE)
    assert not await there(database, clock)


async def test_the_best_of_several_devices_counts(database: Database, clock: FrozenClock) -> None:
    node = LeaseKeeper(database, clock)
    await node.open("desk", ALICE, engaged=True)
    await node.open("phone", ALICE, engaged=False)
    assert await database.read(lambda sql: leases.reachable_advisers(sql, clock.now())) == {1: True}
    assert await node.engage("desk", engaged=False)
    assert not await node.engage("desk", engaged=False)
    assert await database.read(lambda sql: leases.reachable_advisers(sql, clock.now())) == {1: False}
    await node.close("desk")
    clock.advance(GRACE)
    await node.renew()
    assert await there(database, clock)


async def test_signing_out_and_silence_know_no_grace(database: Database, clock: FrozenClock) -> None:
    here, elsewhere = LeaseKeeper(database, clock), LeaseKeeper(database, clock)
    await here.open("desk", ALICE, engaged=True)
    await elsewhere.open("phone", ALICE, engaged=True)
    await here.open("others", "adviser:2", engaged=True)
    await here.sign_out(ALICE)
    assert not await there(database, clock)
    await here.close("desk")  # the connection's own end comes later
    assert not await there(database, clock)
    await here.lose("others")
    assert not await there(database, clock, "adviser:2")


async def test_what_was_swept_while_its_node_slept_counts_again(database: Database, clock: FrozenClock) -> None:
    sleeping, other = LeaseKeeper(database, clock), LeaseKeeper(database, clock)
    await sleeping.open("a", ALICE, engaged=False)
    clock.advance(3 * LEASE)
    await other.renew()
    assert not await there(database, clock)
    await sleeping.renew()
    assert await database.read(lambda sql: leases.reachable_advisers(sql, clock.now())) == {1: False}
