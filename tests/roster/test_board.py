"""Who is there, from the rows that every process reads: of an adviser, their team, their service, the site."""

from sqlalchemy import select, update

from presence.booking.requests import BookRequest
from presence.roster.presence import BEFORE_APPOINTMENT, GRACE
from presence.storage.tables import appointment, appointment_adviser, call
from tests.chat.cast import Adviser, Bank, Customer, Frame
from tests.support import DAY, HOUR, MONDAY, FrozenClock

EVERYTHING = ["site:", "team:advice", "team:loans", "service:talk", "adviser:alice", "adviser:mona"]


async def seen(bank: Bank) -> dict[str, str]:
    """What everybody is told now."""
    await bank.look()
    shown = {what: await bank.chat.watching.shown(what) for what in EVERYTHING}
    return {what: one.state for what, one in shown.items() if one is not None}


async def until(bank: Bank, what: str) -> int | None:
    shown = await bank.chat.watching.shown(what)
    assert shown is not None
    return shown.until


async def test_the_most_available_of_a_team_a_service_and_the_site(bank: Bank, alice: Adviser) -> None:
    there = dict.fromkeys(EVERYTHING, "available")
    assert await seen(bank) == there | {"team:loans": "offline", "adviser:mona": "offline"}
    async with Adviser(bank, "mona") as mona:
        await mona.post("/desk/presence", wish="busy")
        assert await seen(bank) == there | {"team:loans": "busy", "adviser:mona": "busy"}
        await alice.post("/desk/presence", wish="away")
        gone = {"team:advice": "away", "service:talk": "away", "adviser:alice": "away"}
        assert await seen(bank) == {"site:": "busy", "team:loans": "busy", "adviser:mona": "busy", **gone}
    assert await bank.chat.watching.shown("adviser:nobody") is None
    assert await bank.chat.watching.shown("service:nothing") is None
    assert await bank.chat.watching.shown("nothing") is None


async def test_who_touches_nothing_is_away_and_back_at_the_first_touch(bank: Bank, alice: Adviser) -> None:
    await alice.send({"t": "beat", "on": False})
    await alice.seen_as("away")
    assert (await seen(bank))["site:"] == "away"
    at = len(alice.frames)
    await alice.send({"t": "beat", "on": True})
    await alice.until(lambda f: f["t"] == "presence" and f["state"] == "available", since=at)


async def test_an_appointment_makes_busy_from_five_minutes_before_until_its_end(
    bank: Bank, alice: Adviser, carol: Customer, clock: FrozenClock
) -> None:
    starts_at = MONDAY + 3 * HOUR
    body = {"service": "talk", "start": starts_at, "duration": 30, "name": "Carol", "email": carol.email}
    await booked(bank, alice, starts_at, body)
    for now, state in (
        (starts_at - BEFORE_APPOINTMENT - 1, "available"),
        (starts_at - BEFORE_APPOINTMENT, "busy"),
        (starts_at + 1799, "busy"),
        (starts_at + 1800, "available"),
    ):
        clock.set(now)
        await bank.chat.leases.renew()
        assert (await seen(bank))["adviser:alice"] == state, now - starts_at
    clock.set(starts_at)
    await bank.chat.leases.renew()
    rooms = bank.app.state.calls.rooms
    opened = await rooms.open_for_adviser(1)
    assert (await seen(bank))["adviser:alice"] == "busy"
    over = {"state": "ended", "outcome": "held", "ended_at": starts_at}  # done before their time
    await bank.database.write(lambda sql: sql.execute(update(call).where(call.c.id == opened.id).values(over)).rowcount)
    assert (await seen(bank))["adviser:alice"] == "available"
    await bank.database.write(lambda sql: sql.execute(update(call).values(outcome="rejected")).rowcount)
    assert (await seen(bank))["adviser:alice"] == "busy"
    await bank.database.write(lambda sql: sql.execute(update(appointment).values(state="cancelled")).rowcount)
    assert (await seen(bank))["adviser:alice"] == "available"


async def booked(bank: Bank, alice: Adviser, starts_at: int, body: Frame) -> None:
    """An appointment with Alice, as it is booked."""
    made = await bank.app.state.booking.book(BookRequest(request_key="k" * 20, adviser="alice", **body))
    assert made.appointment.starts_at == starts_at
    rows = await bank.database.read(lambda sql: sql.execute(select(appointment_adviser.c.adviser_id)).scalars().all())
    assert list(rows) == [alice.id]


async def test_so_many_conversations_and_no_more(bank: Bank, alice: Adviser) -> None:
    await alice.post("/desk/presence", wish="available", capacity=1)
    async with Customer(bank, "Carol") as carol, Customer(bank, "Dave") as dave:
        c = await carol.begin()
        await alice.take(c)
        assert (await seen(bank))["adviser:alice"] == "busy"
        waiting = await dave.begin()
        assert (await dave.until(lambda f: f["t"] == "place"))["position"] == 1
        await alice.do(c, "close")
        await alice.until(lambda f: f["t"] == "card" and f["c"] == waiting and f["row"]["offered"] is not None)


async def test_a_killed_browser_is_seen_within_the_minute_and_a_page_change_never(
    bank: Bank, alice: Adviser, carol: Customer, clock: FrozenClock
) -> None:
    await carol.connect()
    await carol.send({"t": "watch", "what": ["adviser:alice"]})
    await carol.until(lambda f: f["t"] == "presence" and f["state"] == "available")
    alice.vanish()  # the network says so at once; when it does not, see tests/live/test_limits.py
    await alice.closed()
    at = len(alice.frames)
    await alice.connect()
    await alice.send({"t": "beat", "on": True})
    await alice.until(lambda f: f["t"] == "beat", since=at)  # its lease is there
    clock.advance(GRACE)
    await bank.chat.leases.renew()
    await bank.look()
    alice.vanish()
    await alice.closed()
    while bank.chat.hub.of(f"adviser:{alice.id}"):
        await bank.look()
    clock.advance(GRACE - 1)
    await bank.look()
    assert [f["state"] for f in carol.frames if f["t"] == "presence"] == ["available"]
    clock.advance(1)
    await bank.look()
    await carol.until(lambda f: f["t"] == "presence" and f["state"] == "offline")


async def test_whoever_is_gone_is_expected_when_their_hours_begin(bank: Bank, clock: FrozenClock) -> None:
    paris_nine = MONDAY + HOUR
    assert await until(bank, "adviser:alice") == paris_nine * 1000
    assert await until(bank, "site:") == paris_nine * 1000
    clock.set(MONDAY + 12 * HOUR)  # 20:00: tomorrow at nine
    assert await until(bank, "adviser:alice") == (paris_nine + DAY) * 1000
    alice_id = bank.chat.board.by_slug["alice"].id
    await bank.app.state.roster.add_absence(alice_id, paris_nine + DAY - HOUR, paris_nine + DAY + HOUR)
    clock.advance(61)
    assert await until(bank, "adviser:alice") == (paris_nine + DAY + HOUR) * 1000
    assert await until(bank, "adviser:bob") == (paris_nine + DAY) * 1000


async def test_whoever_is_there_outside_of_their_hours_is_there(bank: Bank, clock: FrozenClock, alice: Adviser) -> None:
    clock.set(MONDAY + 16 * HOUR)  # midnight in Paris
    await bank.chat.leases.renew()
    assert (await seen(bank))["adviser:alice"] == "available"
