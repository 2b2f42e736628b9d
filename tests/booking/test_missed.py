"""One side came alone: who is written to, once, and what becomes of the appointment."""

import asyncio
import re
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from sqlalchemy import Connection, select
from starlette.applications import Starlette

from presence.app import create_app
from presence.booking.desk import Desk
from presence.booking.model import Appointment
from presence.booking.requests import Booked
from presence.booking.service import Booking
from presence.calls import store
from presence.calls.attending import LAPSE, Attending
from presence.calls.model import Place, Role
from presence.config import CallsConfig
from presence.storage.tables import outbox
from tests.booking.conftest import configuration, running
from tests.booking.invitation.cast import ReadMail
from tests.booking.test_booking import carol, starts
from tests.support import HOUR, FrozenClock, adviser, service

MINUTE = 60
GRACE = 15 * MINUTE
MET = ("missed", "let_down")


def application(url: str, clock: FrozenClock, missed_minutes: int = 15) -> Starlette:
    """The bank with Mona, who looks after Alice, and one who looks after others; some appointments meet elsewhere."""
    bank = configuration(url)
    people = (adviser("mona", supervisor=True, media=["text"]), adviser("oscar", supervisor=True, teams=["others"]))
    elsewhere = service("elsewhere", room="https://meet.example/{room}")
    return create_app(
        msgspec.structs.replace(
            bank,
            advisers=(*bank.advisers, *people),
            services=(*bank.services, elsewhere),
            calls=CallsConfig(missed_minutes=missed_minutes),
        ),
        clock,
        workers=False,
    )


@pytest.fixture
async def app(database_url: str, clock: FrozenClock) -> AsyncIterator[Starlette]:
    async with running(application(database_url, clock)) as started:
        yield started


async def booked(app: Starlette, *, nth: int = 60, **changes: str) -> Booked:
    """Carol's appointment with Alice, at one of the free starts."""
    booking: Booking = app.state.booking
    start = (await starts(booking))[nth]
    return await booking.book(carol(start, adviser="alice", medium="video", **changes))


async def come(
    app: Starlette, one: Appointment, role: Role, at: int, *, left: int | None = None, met: int | None = None
) -> None:
    """Somebody comes to an appointment's room, and perhaps leaves; `met`: they see each other."""

    def work(connection: Connection) -> None:
        found = store.of_appointment(connection, one.id)
        values = {
            "uid": f"room{one.id}",
            "request_key": f"appointment:{one.id}",
            "origin": "appointment",
            "appointment_id": one.id,
            "state": "waiting",
            "medium": one.medium,
            "language": "en",
            "gen": 1,
            "created_at": at,
            "closes_at": one.ends_at + 30 * MINUTE,
        }
        id_ = found.id if found is not None else store.add(connection, values)
        person = f"adviser:{one.advisers[0].id}" if role == "adviser" else "visitor:1"
        store.put(
            connection,
            id_,
            Place(
                role=role,
                person=person,
                connection="" if left is not None else "here",
                inst="i",
                ready=True,
                here=left is None,
                arrived_at=at,
                left_at=left,
            ),
        )
        before = store.by_id(connection, id_)
        assert before is not None
        knocked = at if role == "customer" else before.knocked_at
        changes = {"state": "admitted", "admitted_at": met, "connected_at": met} if met else {}
        store.save(connection, before, msgspec.structs.replace(before, knocked_at=knocked, **changes))

    await app.state.database.write(work)


async def settle(app: Starlette) -> int:
    attending: Attending = app.state.attending
    return await attending.settle()


async def mails(app: Starlette) -> dict[str, tuple[str, ReadMail]]:
    """The mails about who did not come: recipient -> kind and mail."""

    def work(connection: Connection) -> dict[str, tuple[str, ReadMail]]:
        rows = connection.execute(select(outbox.c.recipient, outbox.c.kind, outbox.c.raw).where(outbox.c.kind.in_(MET)))
        found = list(rows)
        assert len({row.recipient for row in found}) == len(found)
        return {row.recipient: (row.kind, ReadMail(bytes(row.raw))) for row in found}

    read: dict[str, tuple[str, ReadMail]] = await app.state.database.read(work)
    return read


async def now_of(app: Starlette, one: Appointment) -> tuple[str, tuple[str, ...]]:
    """Its state, and what has happened to it."""
    desk: Desk = app.state.desk
    found = await desk.appointment(one.advisers[0].id, one.id)
    return found.appointment.state, tuple(kind for _, _, kind, _ in found.history)


async def test_carol_does_not_come_and_is_missed(app: Starlette, clock: FrozenClock) -> None:
    one = (await booked(app)).appointment
    await come(app, one, "adviser", one.starts_at - 2 * MINUTE)
    clock.set(one.starts_at + GRACE - 1)
    assert await settle(app) == 0
    clock.advance(1)
    assert await settle(app) == 1
    assert await settle(app) == 0
    sent = await mails(app)
    assert {who: kind for who, (kind, _) in sent.items()} == {"carol@example.org": "missed"}
    _, mail = sent["carol@example.org"]
    assert re.findall(r"http\S+", mail.text) == ["http://localhost:8000/book/talk?adviser=alice"]
    assert await now_of(app, one) == ("missed", ("booked", "adviser_arrived", "missed"))
    desk: Desk = app.state.desk
    await desk.mark_held(one.advisers[0].id, one.id)
    assert await settle(app) == 0
    assert (await now_of(app, one))[0] == "held"


async def test_alice_does_not_come_and_carol_gets_an_apology(app: Starlette, clock: FrozenClock) -> None:
    one = (await booked(app)).appointment
    await come(app, one, "customer", one.starts_at - MINUTE)
    clock.set(one.starts_at + GRACE)
    assert await settle(app) == 1
    assert await settle(app) == 0
    sent = await mails(app)
    assert set(sent) == {"carol@example.org", "alice@bank.example", "mona@bank.example"}
    _, to_carol = sent["carol@example.org"]
    assert "we apologise" in to_carol.text
    assert "+33 1 23 45 67 89" in to_carol.text
    assert "/book/talk?adviser=alice" in to_carol.text
    assert await now_of(app, one) == ("confirmed", ("booked", "arrived", "let_down"))


@pytest.mark.parametrize("came", [(), ("adviser", "customer")])
async def test_nobody_is_written_to_when_neither_came_or_both_did(
    app: Starlette, clock: FrozenClock, came: tuple[Role, ...]
) -> None:
    one = (await booked(app)).appointment
    for role in came:
        await come(app, one, role, one.starts_at)
    for moment in (one.starts_at + GRACE, one.ends_at, one.ends_at + HOUR):
        clock.set(moment)
        assert await settle(app) == 0
    assert (await mails(app), (await now_of(app, one))[0]) == ({}, "confirmed")


async def test_who_only_tried_the_room_before_the_start_has_not_come(app: Starlette, clock: FrozenClock) -> None:
    one = (await booked(app)).appointment
    await come(app, one, "customer", one.starts_at - 10 * MINUTE, left=one.starts_at - 5 * MINUTE)
    clock.set(one.starts_at + GRACE)
    assert await settle(app) == 0  # Alice did not come either
    await come(app, one, "adviser", one.starts_at + MINUTE)
    assert await settle(app) == 1
    assert (await mails(app))["carol@example.org"][0] == "missed"


async def test_a_cancelled_and_a_moved_appointment_miss_nobody(app: Starlette, clock: FrozenClock) -> None:
    booking: Booking = app.state.booking
    cancelled, moved = await booked(app), await booked(app, nth=70, key="dave", email="dave@example.org")
    for one in (cancelled, moved):
        await come(app, one.appointment, "adviser", one.appointment.starts_at - MINUTE, left=one.appointment.starts_at)
    await booking.cancel(cancelled.token)
    later = await booking.move(moved.token, (await starts(booking))[100])
    for one in (cancelled, moved):
        clock.set(one.appointment.starts_at + GRACE)
        assert await settle(app) == 0
    clock.set(later.appointment.starts_at + GRACE)
    assert await settle(app) == 0  # that Alice came to the earlier hour does not count
    assert await mails(app) == {}


async def test_after_it_was_moved_a_customer_can_be_missed_once_more(app: Starlette, clock: FrozenClock) -> None:
    booking: Booking = app.state.booking
    desk: Desk = app.state.desk
    made = await booked(app)
    one = made.appointment
    await come(app, one, "customer", one.starts_at)
    clock.set(one.starts_at + GRACE)
    assert await settle(app) == 1
    await desk.move(one.advisers[0].id, one.id, (await starts(booking))[40])
    moved = (await booking.show(made.token)).appointment
    await come(app, one, "customer", one.starts_at, left=one.starts_at + GRACE)
    await come(app, moved, "adviser", moved.starts_at)
    clock.set(moved.starts_at + GRACE)
    assert await settle(app) == 1

    def kinds(connection: Connection) -> list[str]:
        return sorted(connection.execute(select(outbox.c.kind).where(outbox.c.kind.in_(MET))).scalars())

    assert await app.state.database.read(kinds) == ["let_down", "let_down", "let_down", "missed"]


async def test_two_processes_and_a_restart_write_once(app: Starlette, clock: FrozenClock) -> None:
    one = (await booked(app)).appointment
    await come(app, one, "customer", one.starts_at)
    clock.set(one.starts_at + GRACE)
    first: Attending = app.state.attending
    second = Attending(app.state.database, clock, app.state.letters, missed_after=GRACE)
    assert sum(await asyncio.gather(first.settle(), second.settle(), first.settle())) >= 1
    assert len(await mails(app)) == 3
    restarted = Attending(app.state.database, clock, app.state.letters, missed_after=GRACE)
    assert await restarted.settle() == 0
    assert (await now_of(app, one))[1] == ("booked", "arrived", "let_down")


async def test_who_looked_before_another_committed_finds_it_marked(app: Starlette, clock: FrozenClock) -> None:
    one = (await booked(app)).appointment
    await come(app, one, "customer", one.starts_at)
    clock.set(one.starts_at + GRACE)
    attending: Attending = app.state.attending

    def twice(connection: Connection) -> None:
        rows = attending._due(connection, clock.now(), lock=True)
        for _ in range(2):
            attending._settle_rows(connection, rows, clock.now())

    await app.state.database.write(twice)
    assert len(await mails(app)) == 3
    assert (await now_of(app, one))[1] == ("booked", "arrived", "let_down")


async def test_what_was_missed_while_we_were_away_is_written_about_within_the_day(
    app: Starlette, clock: FrozenClock
) -> None:
    one = (await booked(app)).appointment
    await come(app, one, "adviser", one.starts_at)
    clock.set(one.starts_at + LAPSE + 1)
    assert await settle(app) == 0
    clock.set(one.starts_at + LAPSE)
    assert await settle(app) == 1


async def test_what_meets_elsewhere_is_never_missed(app: Starlette, clock: FrozenClock) -> None:
    one = (await booked(app, service="elsewhere")).appointment
    await come(app, one, "adviser", one.starts_at)
    clock.set(one.starts_at + GRACE)
    await settle(app)
    assert (await mails(app), (await now_of(app, one))[0]) == ({}, "confirmed")
    desk: Desk = app.state.desk
    assert await desk.arrivals([one]) == {}


async def test_a_call_that_took_place_is_held_when_its_time_is_over(app: Starlette, clock: FrozenClock) -> None:
    one = (await booked(app)).appointment
    await come(app, one, "customer", one.starts_at)
    await come(app, one, "adviser", one.starts_at + MINUTE, met=one.starts_at + 2 * MINUTE)
    clock.set(one.ends_at - 1)
    assert await settle(app) == 0
    clock.set(one.ends_at)
    assert await settle(app) == 1
    assert await settle(app) == 0
    state, history = await now_of(app, one)
    assert (state, history) == ("held", ("booked", "arrived", "adviser_arrived", "admitted", "held"))


async def test_carol_comes_after_she_was_missed_and_it_was_held_after_all(app: Starlette, clock: FrozenClock) -> None:
    one = (await booked(app)).appointment
    await come(app, one, "adviser", one.starts_at)
    clock.set(one.starts_at + GRACE)
    await settle(app)
    assert (await now_of(app, one))[0] == "missed"
    await come(app, one, "customer", clock.now() + MINUTE, met=clock.now() + 2 * MINUTE)
    clock.set(one.ends_at)
    assert await settle(app) == 1
    assert (await now_of(app, one))[0] == "held"


async def test_the_page_of_who_was_missed_lets_them_come_until_the_end(
    app: Starlette, browser: httpx.AsyncClient, clock: FrozenClock
) -> None:
    made = await booked(app)
    one, room = made.appointment, f'href="/a/{made.token}/room"'
    await come(app, one, "adviser", one.starts_at)
    clock.set(one.starts_at + GRACE)
    await settle(app)
    page = await browser.get(f"/a/{made.token}", params={"lang": "en"})
    assert "you may still come" in page.text
    assert room in page.text
    assert (await browser.get(f"/a/{made.token}/room")).status_code == 200
    clock.set(one.ends_at)
    page = await browser.get(f"/a/{made.token}")
    assert "We did not meet this time." in page.text
    assert room not in page.text


async def test_what_an_adviser_says_of_it_stands(app: Starlette, clock: FrozenClock) -> None:
    one = (await booked(app)).appointment
    desk: Desk = app.state.desk
    await come(app, one, "customer", one.starts_at)
    await come(app, one, "adviser", one.starts_at, met=one.starts_at)
    clock.set(one.starts_at + 5 * MINUTE)
    await desk.mark_missed(one.advisers[0].id, one.id)  # they were cut off, and never got any further
    clock.set(one.ends_at)
    assert await settle(app) == 0
    assert (await now_of(app, one))[0] == "missed"


async def test_alice_sees_who_is_late_and_who_waits(app: Starlette, clock: FrozenClock) -> None:
    one = (await booked(app)).appointment
    desk: Desk = app.state.desk

    async def seen() -> tuple[str, int | None]:
        found = (await desk.arrivals([one]))[one.id]
        return found.standing, found.waiting_since

    clock.set(one.starts_at)
    assert await seen() == ("fine", None)
    clock.set(one.starts_at + 2 * MINUTE)
    assert await seen() == ("customer_late", None)
    await come(app, one, "customer", clock.now())
    assert await seen() == ("adviser_late", clock.now())
    await come(app, one, "adviser", clock.now())
    assert await seen() == ("fine", clock.now())
    found = await desk.appointment(one.advisers[0].id, one.id)
    assert found.arrivals.waiting_since == clock.now()


async def test_a_grace_of_nothing_writes_to_nobody(database_url: str, clock: FrozenClock) -> None:
    async with running(application(database_url, clock, 0)) as app:
        one = (await booked(app)).appointment
        await come(app, one, "adviser", one.starts_at)
        for moment in (one.starts_at + GRACE, one.ends_at, one.ends_at + HOUR):
            clock.set(moment)
            assert await settle(app) == 0
        assert await mails(app) == {}
