"""Reminders come once, on time, and never after the end of what they remind of."""

from collections import Counter

from sqlalchemy import Connection, select
from starlette.applications import Starlette

from presence.booking.correspondence import Correspondence
from presence.booking.rules import due_at
from presence.booking.service import Booking
from presence.storage.tables import outbox, reminder
from tests.booking.test_booking import carol, starts
from tests.support import DAY, HOUR, FrozenClock


async def remind(app: Starlette, clock: FrozenClock) -> int:
    letters: Correspondence = app.state.letters
    sent: int = await app.state.database.write(lambda connection: letters.send_due_reminders(connection, clock.now()))
    return sent


async def sent(app: Starlette) -> list[str]:
    def work(connection: Connection) -> list[str]:
        rows = connection.execute(select(outbox.c.recipient).where(outbox.c.kind == "reminder")).scalars()
        return sorted(rows)

    found: list[str] = await app.state.database.read(work)
    return found


async def states(app: Starlette) -> Counter[str]:
    found: Counter[str] = await app.state.database.read(
        lambda connection: Counter(connection.execute(select(reminder.c.state)).scalars())
    )
    return found


async def test_a_day_and_an_hour_before_everybody_is_reminded_once(
    app: Starlette, booking: Booking, clock: FrozenClock
) -> None:
    start = (await starts(booking))[60]
    await booking.book(carol(start, adviser="alice"))
    assert await remind(app, clock) == 0
    for before, total in ((DAY, 2), (HOUR, 4)):
        clock.set(start - before)
        await remind(app, clock)
        await remind(app, clock)
        assert len(await sent(app)) == total
    assert await states(app) == {"queued": 4}


async def test_a_cancelled_appointment_reminds_nobody(app: Starlette, booking: Booking, clock: FrozenClock) -> None:
    start = (await starts(booking))[60]
    booked = await booking.book(carol(start))
    await booking.cancel(booked.token)
    clock.set(start - HOUR)
    assert await remind(app, clock) == 0
    assert await states(app) == {"cancelled": 4}


async def test_a_moved_appointment_reminds_before_its_new_hour_alone(
    app: Starlette, booking: Booking, clock: FrozenClock
) -> None:
    free = await starts(booking)
    booked = await booking.book(carol(free[60]))
    await booking.move(booked.token, free[100])
    clock.set(free[60] - HOUR)
    if clock.now() < free[100] - DAY:
        assert await remind(app, clock) == 0
    clock.set(free[100] - HOUR)
    await remind(app, clock)
    assert len(await sent(app)) == 2


async def test_after_an_outage_only_the_last_useful_reminder_is_sent(
    app: Starlette, booking: Booking, clock: FrozenClock
) -> None:
    start = (await starts(booking))[60]
    await booking.book(carol(start))
    clock.set(start - HOUR + 60)
    await remind(app, clock)
    assert len(await sent(app)) == 2
    assert await states(app) == {"queued": 2, "skipped_late": 2}


async def test_what_comes_too_late_is_skipped_visibly(app: Starlette, booking: Booking, clock: FrozenClock) -> None:
    start = (await starts(booking))[60]
    await booking.book(carol(start))
    clock.set(start + HOUR)
    await remind(app, clock)
    assert await sent(app) == []
    assert await states(app) == {"skipped_late": 4}


async def test_booking_late_plans_only_what_is_still_ahead(
    app: Starlette, booking: Booking, clock: FrozenClock
) -> None:
    start = (await starts(booking))[4]
    await booking.book(carol(start))
    assert await states(app) == {"pending": 2}


def test_a_day_before_is_the_same_hour_on_the_wall_when_the_clocks_change() -> None:
    nine_on_monday = 1_774_854_000  # 2026-03-30T07:00:00Z, 09:00 in Paris; the clocks change on Sunday 29
    assert nine_on_monday - due_at(nine_on_monday, 1440, "Europe/Paris") == 24 * HOUR
    nine_on_sunday = nine_on_monday - 24 * HOUR
    assert nine_on_sunday - due_at(nine_on_sunday, 1440, "Europe/Paris") == 23 * HOUR
    autumn = 1_792_915_200  # 2026-10-25T08:00:00Z, 09:00 in Paris, the day the clocks go back
    assert autumn - due_at(autumn, 1440, "Europe/Paris") == 25 * HOUR
