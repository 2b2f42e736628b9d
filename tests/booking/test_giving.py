"""Alice gives Carol an hour of her own: outside of her hours, at once, and never twice."""

import asyncio

import pytest
from starlette.applications import Starlette

from presence.booking.desk import Desk
from presence.booking.requests import Booked, HoldRequest
from presence.booking.service import Booking
from presence.errors import Invalid, NotFound, NotPossible, SlotTaken
from presence.storage.tables import adviser_cell, outbox
from tests.booking.test_booking import carol, count, starts
from tests.support import HOUR, MONDAY, FrozenClock

NIGHT = MONDAY - 3 * HOUR  # 05:00 in Paris
SOON = NIGHT + 600
ALICE, BOB = 1, 2


@pytest.fixture
def desk(app: Starlette, clock: FrozenClock) -> Desk:
    clock.set(NIGHT)
    found: Desk = app.state.desk
    return found


async def test_an_hour_at_night_and_without_notice_is_hers_to_give(
    app: Starlette, booking: Booking, desk: Desk
) -> None:
    given = await desk.give(ALICE, carol(SOON))
    one = given.appointment
    assert (one.state, one.starts_at, one.ends_at) == ("confirmed", SOON, SOON + 1800)
    assert [adviser.slug for adviser in one.advisers] == ["alice"]
    assert one.customer.email == "carol@example.org"
    assert await count(app, outbox) == 2
    assert await count(app, adviser_cell) == 6
    assert (await booking.show(given.token)).appointment == one
    found = await desk.appointment(ALICE, one.id)
    assert [(actor, kind) for _, actor, kind, _ in found.history] == [("adviser:1", "booked")]


async def test_what_is_to_be_confirmed_is_certain_when_an_adviser_makes_it(desk: Desk) -> None:
    given = await desk.give(ALICE, carol(SOON, service="asked"))  # and the questions are asked later
    assert given.appointment.state == "confirmed"


async def test_an_hour_is_given_once(app: Starlette, desk: Desk) -> None:
    first, second = await asyncio.gather(desk.give(ALICE, carol(SOON)), desk.give(ALICE, carol(SOON)))
    assert (first.token, {first.repeated, second.repeated}) == (second.token, {True, False})
    results = await asyncio.gather(
        *(desk.give(ALICE, carol(SOON + 600, key=f"k{n}")) for n in range(3)), return_exceptions=True
    )
    assert [type(result) for result in results] == [SlotTaken] * 3
    results = await asyncio.gather(
        *(desk.give(ALICE, carol(SOON + 1800, key=f"k{n}")) for n in range(3)), return_exceptions=True
    )
    assert sorted(isinstance(result, Booked) for result in results) == [False, False, True]
    assert await count(app, adviser_cell) == 12


async def test_what_somebody_holds_is_not_given(booking: Booking, desk: Desk, clock: FrozenClock) -> None:
    clock.set(MONDAY)
    start = (await starts(booking))[20]
    await booking.hold(HoldRequest(service="talk", start=start, adviser="alice", medium="video"))
    with pytest.raises(SlotTaken):
        await desk.give(ALICE, carol(start))
    clock.advance(5 * 60)
    assert not (await desk.give(ALICE, carol(start))).repeated


async def test_what_is_given_is_offered_to_nobody_else(booking: Booking, desk: Desk, clock: FrozenClock) -> None:
    clock.set(MONDAY)
    start = (await starts(booking))[20]
    await desk.give(ALICE, carol(start))
    with pytest.raises(SlotTaken):
        await booking.book(carol(start, key="dave", medium="video", email="dave@example.org"))  # Bob offers no video


async def test_what_makes_no_sense_is_refused(desk: Desk) -> None:
    for start in (SOON + 60, NIGHT - 1800):
        with pytest.raises(Invalid) as caught:
            await desk.give(ALICE, carol(start))
        assert set(caught.value.fields) == {"start"}
    with pytest.raises(Invalid) as caught:
        await desk.give(ALICE, carol(SOON, name="", email="x"))
    assert set(caught.value.fields) == {"name", "email"}
    with pytest.raises(NotPossible):
        await desk.give(ALICE, carol(SOON, service="together"))
    with pytest.raises(NotFound):
        await desk.give(99, carol(SOON))
