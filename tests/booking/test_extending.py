"""A conversation that needs longer: how much may be added, and whose time it is then."""

import asyncio

import pytest
from sqlalchemy import Connection
from starlette.applications import Starlette

from presence.booking import store
from presence.booking.ahead import Ahead, Running, ahead
from presence.booking.desk import Desk
from presence.booking.model import CELL, Appointment
from presence.booking.service import Booking
from presence.errors import Invalid, NotFound, NotPossible, SlotTaken
from presence.storage.tables import adviser_cell, outbox
from tests.booking.test_booking import carol, count, starts
from tests.support import HOUR, FrozenClock

MINUTE = 60


@pytest.fixture
def desk(app: Starlette) -> Desk:
    found: Desk = app.state.desk
    return found


async def running(booking: Booking, clock: FrozenClock, service: str = "talk", medium: str = "video") -> Appointment:
    """Carol's appointment in the morning, which began ten minutes ago."""
    clock.set((await starts(booking, service))[4] - 2 * HOUR)
    start = (await starts(booking, service))[4]
    booked = await booking.book(carol(start, service=service, adviser="alice", medium=medium))
    clock.set(start + 10 * MINUTE)
    return booked.appointment


async def book_after(booking: Booking, clock: FrozenClock, one: Appointment, minutes: int) -> Appointment:
    """Dave's appointment with Alice so many minutes after the end of another one, booked in time."""
    now = clock.now()
    clock.set(one.starts_at - 6 * HOUR)
    wanted = carol(one.ends_at + minutes * MINUTE, key=f"dave-{minutes}", email="dave@example.org", adviser="alice")
    booked = await booking.book(wanted)
    clock.set(now)
    assert booked.appointment.advisers[0].slug == "alice"
    return booked.appointment


async def look(app: Starlette, one: Appointment, now: int) -> Ahead:
    found: Ahead = await app.state.database.read(lambda connection: ahead(connection, Running.of(one), now))
    return found


async def test_it_may_take_as_long_as_nothing_of_the_advisers_is_in_the_way(
    app: Starlette, booking: Booking, clock: FrozenClock
) -> None:
    one = await running(booking, clock)
    assert await look(app, one, clock.now()) == (None, 30)
    after = await book_after(booking, clock, one, 15)
    assert await look(app, one, clock.now()) == (after.starts_at, 15)
    next_door = await book_after(booking, clock, one, 60)
    assert await look(app, one, clock.now()) == (after.starts_at, 15)
    assert await look(app, next_door, next_door.starts_at) == (None, 30)


async def test_alice_adds_a_quarter_of_an_hour_and_it_is_nobody_elses_then(
    app: Starlette, booking: Booking, desk: Desk, clock: FrozenClock
) -> None:
    one = await running(booking, clock)
    mails, alice = await count(app, outbox), one.advisers[0]
    longer = await desk.extend(alice.id, one.id, 15, one.ends_at)
    assert (longer.ends_at - one.ends_at, longer.sequence) == (15 * MINUTE, one.sequence + 1)
    found = await desk.appointment(alice.id, one.id)
    assert found.appointment == longer
    assert found.history[-1][1:] == (f"adviser:{alice.id}", "extended", "15")
    assert await count(app, adviser_cell) == 9
    assert await count(app, outbox) == mails
    assert [start for start in await starts(booking) if start < longer.ends_at] == []
    with pytest.raises(SlotTaken):
        await book_after(booking, clock, one, 0)
    after = await book_after(booking, clock, longer, 0)
    assert await look(app, longer, clock.now()) == (after.starts_at, 0)


async def test_the_next_appointments_time_is_not_taken(booking: Booking, desk: Desk, clock: FrozenClock) -> None:
    one = await running(booking, clock)
    await book_after(booking, clock, one, 15)
    (alice,) = one.advisers
    with pytest.raises(SlotTaken):
        await desk.extend(alice.id, one.id, 20, one.ends_at)
    assert (await desk.extend(alice.id, one.id, 15, one.ends_at)).ends_at == one.ends_at + 15 * MINUTE
    with pytest.raises(SlotTaken):
        await desk.extend(alice.id, one.id, 5, one.ends_at + 15 * MINUTE)
    with pytest.raises(NotPossible):
        await desk.extend(alice.id, one.id, 5, one.ends_at)  # it is not what she sees any more


async def test_clicking_three_times_at_once_adds_once(
    app: Starlette, booking: Booking, desk: Desk, clock: FrozenClock
) -> None:
    one = await running(booking, clock)
    await book_after(booking, clock, one, 30)
    (alice,) = one.advisers
    results = await asyncio.gather(*(desk.extend(alice.id, one.id, 15, one.ends_at) for _ in range(3)))
    assert {result.ends_at for result in results} == {one.ends_at + 15 * MINUTE}
    assert await count(app, adviser_cell) == 6 + 3 + 6


async def test_a_hold_is_in_the_way_until_it_runs_out(
    app: Starlette, booking: Booking, desk: Desk, clock: FrozenClock
) -> None:
    one = await running(booking, clock)
    (alice,) = one.advisers
    until = clock.now() + 5 * MINUTE

    def hold(connection: Connection) -> None:
        values = {"fingerprint": "f", "service_id": 1, "starts_at": one.ends_at, "ends_at": one.ends_at + 1800}
        id_ = store.add_hold(connection, {**values, "medium": "video", "expires_at": until})
        first, end = one.ends_at // CELL, one.ends_at // CELL + 6
        store.take(connection, [alice.id], first, end, starts_at=one.ends_at, hold_id=id_, expires_at=until)

    await app.state.database.write(hold)
    assert await look(app, one, clock.now()) == (None, 0)
    with pytest.raises(SlotTaken):
        await desk.extend(alice.id, one.id, 5, one.ends_at)
    clock.set(until)
    assert await look(app, one, clock.now()) == (None, 30)
    assert (await desk.extend(alice.id, one.id, 30, one.ends_at)).ends_at == one.ends_at + 30 * MINUTE


async def test_all_advisers_of_a_collective_service_must_be_free(
    app: Starlette, booking: Booking, desk: Desk, clock: FrozenClock
) -> None:
    one = await running(booking, clock, "together", medium="audio")
    now = clock.now()
    clock.set(one.starts_at - 6 * HOUR)
    bobs = carol(one.ends_at + 15 * MINUTE, key="dave", email="dave@example.org", adviser="bob", medium="audio")
    assert (await booking.book(bobs)).appointment.advisers[0].slug == "bob"
    clock.set(now)
    assert await look(app, one, now) == (one.ends_at + 15 * MINUTE, 15)
    await desk.extend(one.advisers[1].id, one.id, 15, one.ends_at)
    assert await count(app, adviser_cell) == 2 * 9 + 6


async def test_only_what_is_running_is_extended_by_who_takes_part_and_in_fives(
    app: Starlette, booking: Booking, desk: Desk, clock: FrozenClock
) -> None:
    one = await running(booking, clock)
    (alice,) = one.advisers
    for minutes in (0, -5, 7, 35):
        with pytest.raises(Invalid):
            await desk.extend(alice.id, one.id, minutes, one.ends_at)
    with pytest.raises(NotFound):
        await desk.extend(alice.id + 1, one.id, 5, one.ends_at)
    for moment, minutes in ((one.starts_at - 1, 0), (one.ends_at + 29 * MINUTE, 30), (one.ends_at + 30 * MINUTE, 0)):
        assert await look(app, one, moment) == (None, minutes)
    clock.set(one.ends_at + 10 * MINUTE)
    with pytest.raises(NotPossible):
        await desk.extend(alice.id, one.id, 10, one.ends_at)
    assert (await desk.extend(alice.id, one.id, 15, one.ends_at)).ends_at == one.ends_at + 15 * MINUTE
