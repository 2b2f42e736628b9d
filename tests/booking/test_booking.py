"""Carol books, moves and cancels; nobody gets her hour, and everybody is told."""

import asyncio

import pytest
from sqlalchemy import Connection, func, select
from starlette.applications import Starlette

from presence.booking.requests import Booked, BookRequest, HoldRequest, OfferRequest
from presence.booking.service import Booking
from presence.errors import HoldGone, Invalid, NotFound, NotPossible, SlotTaken, TooLate
from presence.storage.tables import adviser_cell, customer, outbox, reminder
from tests.support import DAY, HOUR, FrozenClock


def carol(start: int, *, key: str = "carol-1", **changes: object) -> BookRequest:
    values: dict[str, object] = {
        "request_key": key,
        "service": "talk",
        "start": start,
        "name": "Carol Jones",
        "email": "Carol@Example.org",
        "language": "en",
        "zone": "Europe/London",
        **changes,
    }
    return BookRequest(**values)  # type: ignore[arg-type]


async def starts(booking: Booking, service: str = "talk") -> tuple[int, ...]:
    return (await booking.offers(OfferRequest(service=service))).starts


async def count(app: Starlette, table: object, *conditions: object) -> int:
    def work(connection: Connection) -> int:
        return int(connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one())  # type: ignore[arg-type]

    found: int = await app.state.database.read(work)
    return found


async def test_an_offered_start_can_be_booked_and_its_people_are_told(app: Starlette, booking: Booking) -> None:
    start = (await starts(booking))[20]
    booked = await booking.book(carol(start, guests=("dave@example.org",)))
    assert booked.appointment.state == "confirmed"
    assert booked.appointment.starts_at == start
    assert booked.appointment.customer.email == "carol@example.org"
    assert await count(app, outbox) == 3  # Carol, Dave and the adviser
    assert await count(app, adviser_cell) == 6
    assert (await booking.show(booked.token)).can_move


async def test_the_same_form_posted_twice_is_one_appointment(app: Starlette, booking: Booking) -> None:
    start = (await starts(booking))[0]
    first, second = await asyncio.gather(booking.book(carol(start)), booking.book(carol(start)))
    assert first.token == second.token
    assert {first.repeated, second.repeated} == {True, False}
    assert await count(app, outbox) == 2


async def test_a_pool_of_two_takes_two_and_refuses_the_third_with_the_nearest_starts(booking: Booking) -> None:
    start = (await starts(booking))[4]
    requests = [carol(start, key=f"c{n}", medium="audio", email=f"c{n}@example.org") for n in range(10)]
    results = await asyncio.gather(*(booking.book(one) for one in requests), return_exceptions=True)
    won = [result for result in results if isinstance(result, Booked)]
    lost = [result for result in results if isinstance(result, SlotTaken)]
    assert len(won) == 2
    assert len(lost) == 8
    assert {one.appointment.advisers[0].slug for one in won} == {"alice", "bob"}
    assert all(error.nearest and start not in error.nearest for error in lost)
    assert start not in (await booking.offers(OfferRequest(service="talk", medium="audio"))).starts


async def test_a_held_start_is_hidden_until_the_hold_runs_out(booking: Booking, clock: FrozenClock) -> None:
    start = (await starts(booking))[0]
    await booking.hold(HoldRequest(service="talk", start=start, adviser="alice"))
    held = await booking.hold(HoldRequest(service="talk", start=start, medium="audio"))
    assert held.advisers[0].slug == "bob"
    assert start not in await starts(booking)
    clock.advance(5 * 60)
    assert start in await starts(booking) or start < clock.now() + HOUR
    with pytest.raises(HoldGone):
        await booking.held(held.token)


async def test_a_hold_becomes_the_appointment_it_was_kept_for(app: Starlette, booking: Booking) -> None:
    start = (await starts(booking))[0]
    held = await booking.hold(HoldRequest(service="talk", start=start))
    booked = await booking.book(carol(0, hold=held.token, service=""))
    assert booked.appointment.starts_at == start
    assert booked.appointment.advisers == held.advisers
    assert await count(app, adviser_cell) == 6


async def test_a_hold_that_ran_out_is_tried_again(booking: Booking, clock: FrozenClock) -> None:
    start = (await starts(booking))[10]
    held = await booking.hold(HoldRequest(service="talk", start=start))
    clock.advance(6 * 60)
    assert (await booking.book(carol(start, hold=held.token))).appointment.starts_at == start


async def test_a_released_start_is_offered_again(booking: Booking) -> None:
    start = (await starts(booking))[0]
    for slug in ("alice", "bob"):
        held = await booking.hold(HoldRequest(service="talk", start=start, medium="audio", adviser=slug))
        await booking.release(held.token)
    assert start in await starts(booking)


async def test_moving_keeps_the_adviser_and_raises_the_sequence(app: Starlette, booking: Booking) -> None:
    free = await starts(booking)
    booked = await booking.book(carol(free[20], medium="audio", adviser="bob"))
    shown = await booking.move(booked.token, free[28], "later suits me better")
    assert shown.appointment.starts_at == free[28]
    assert shown.appointment.sequence == 1
    assert shown.appointment.advisers[0].slug == "bob"
    assert shown.appointment.uid == booked.appointment.uid
    assert free[20] in await starts(booking)
    assert await count(app, adviser_cell) == 6


async def test_an_appointment_may_move_into_its_own_time(booking: Booking) -> None:
    free = await starts(booking)
    booked = await booking.book(carol(free[20], adviser="alice"))
    assert (await booking.move(booked.token, free[21])).appointment.starts_at == free[21]


async def test_moving_to_a_taken_start_changes_nothing(booking: Booking) -> None:
    free = await starts(booking)
    booked = await booking.book(carol(free[20], medium="video"))
    await booking.book(carol(free[28], key="dave", email="dave@example.org", medium="video"))
    with pytest.raises(SlotTaken):
        await booking.move(booked.token, free[28])
    assert (await booking.show(booked.token)).appointment.starts_at == free[20]


async def test_cancelling_frees_the_start_and_its_reminders(app: Starlette, booking: Booking) -> None:
    start = (await starts(booking))[40]
    booked = await booking.book(carol(start))
    assert await count(app, reminder, reminder.c.state == "pending") == 4
    shown = await booking.cancel(booked.token, "ill")
    assert shown.appointment.state == "cancelled"
    assert await count(app, reminder, reminder.c.state == "pending") == 0
    assert await count(app, adviser_cell) == 0
    assert (await booking.cancel(booked.token)).appointment.sequence == shown.appointment.sequence


async def test_after_the_cut_off_the_customer_can_neither_move_nor_cancel(booking: Booking, clock: FrozenClock) -> None:
    start = (await starts(booking))[0]
    booked = await booking.book(carol(start))
    clock.set(start - HOUR)
    with pytest.raises(TooLate):
        await booking.cancel(booked.token)
    clock.set(start + HOUR)
    with pytest.raises(NotPossible):
        await booking.move(booked.token, start + DAY)


async def test_what_is_wrong_is_named_by_field_and_nothing_is_stored(app: Starlette, booking: Booking) -> None:
    start = (await starts(booking, "asked"))[0]
    bad = carol(
        start, service="asked", name=" ", email="carol", zone="Mars/Base", guests=("x",), answers={"known": "maybe"}
    )
    with pytest.raises(Invalid) as caught:
        await booking.book(bad)
    assert set(caught.value.fields) == {"name", "email", "zone", "guests", "answers.known"}
    assert await count(app, customer) == 0


async def test_a_collective_service_takes_all_of_its_advisers(app: Starlette, booking: Booking) -> None:
    offers = await booking.offers(OfferRequest(service="together", medium="audio"))
    booked = await booking.book(carol(offers.starts[0], service="together", medium="audio"))
    assert [one.slug for one in booked.appointment.advisers] == ["alice", "bob"]
    assert await count(app, adviser_cell) == 12
    with pytest.raises(SlotTaken):
        await booking.book(carol(offers.starts[0], key="dave", medium="audio", email="dave@example.org"))


async def test_unknown_links_are_not_found(booking: Booking) -> None:
    with pytest.raises(NotFound):
        await booking.show("0" * 22)


async def test_every_offered_start_can_be_booked(booking: Booking) -> None:
    free = await starts(booking)
    results = [await booking.book(carol(start, key=f"k{start}")) for start in free[:120:2]]
    assert [result.appointment.starts_at for result in results] == list(free[:120:2])


async def test_a_medium_left_open_is_the_same_one_when_offered_and_when_booked(booking: Booking) -> None:
    offers = await booking.offers(OfferRequest(service="together"))
    assert offers.medium == "audio"  # Bob offers no video, the service's first
    booked = await booking.book(carol(offers.starts[-1], service="together"))
    assert booked.appointment.medium == "audio"
