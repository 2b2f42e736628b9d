"""What everybody's pages list of calls: whoever waits at the door of an appointment, who is late, the room one is in."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import Connection, update

from presence.booking.requests import Booked
from presence.calls.attendance import LATE
from presence.storage.tables import service
from tests.calls.cast import STARTS, Host, InRoom, Visitor, admitted
from tests.calls.ring_cast import Caller, Desk, Row, alice, carol, problem
from tests.chat.cast import Bank
from tests.support import FrozenClock

__all__ = ["alice", "carol"]


@pytest.fixture
async def guest(bank: Bank, one: Booked) -> AsyncIterator[Visitor]:
    """Carol with the link from her mail."""
    async with Visitor(bank, one) as there:
        yield there


@pytest.fixture
async def desk(bank: Bank, one: Booked) -> AsyncIterator[Desk]:
    """Alice at her dashboard, at that hour."""
    async with Desk(bank, "alice") as there:
        yield there


async def listed(bank: Bank, one: Desk) -> list[Row]:
    """What her dashboard would be told now."""
    answer = await one.http.get("/desk/calls")
    rows: list[Row] = answer.json()["calls"]
    return rows


async def test_who_waits_at_the_door_is_shown_let_in_and_shown_as_there(
    bank: Bank, one: Booked, guest: Visitor, desk: Desk
) -> None:
    assert await listed(bank, desk) == []
    await guest.use_link()
    assert await listed(bank, desk) == []  # they have only opened the door
    await guest.come()
    waits = await desk.hears(call=guest.uid, state="waiting")
    assert waits == {
        "call": guest.uid,
        "way": "in",
        "origin": "appointment",
        "state": "waiting",
        "outcome": "",
        "medium": "video",
        "name": "Carol Petit",
        "since": bank.clock.now_ms(),
        "until": None,
        "c": waits["c"],
        "page": "",
        "language": "en",
        "verified": False,
        "starts_at": STARTS * 1000,
        "appointment": one.appointment.id,
        "service": {"en": "A talk", "fr": "Un entretien"},
        "room": f"/desk/room/{guest.uid}",
        "here": False,
    }
    held = await desk.acts(guest.uid, "hold", text="Two minutes")
    assert held.json()["room"] == f"/desk/room/{guest.uid}"
    await desk.hears(call=guest.uid, state="held")
    assert (await guest.sees(state="held"))["note"] == "Two minutes"
    async with Host(bank, "alice", one) as alice:
        await alice.enter()
        await desk.hears(call=guest.uid, here=True)
        assert (await desk.acts(guest.uid, "admit")).status_code == 200
        await guest.sees(state="admitted")
        await desk.hears(call=guest.uid, state="admitted", here=True)
    await desk.hears(call=guest.uid, state="admitted", here=False)


async def test_who_leaves_the_waiting_room_is_not_waiting_any_more(bank: Bank, guest: Visitor, desk: Desk) -> None:
    await guest.enter()
    await desk.hears(call=guest.uid, state="waiting")
    await guest.hang_up()
    await desk.hears_nothing()


async def test_who_is_turned_away_from_the_dashboard_reads_why(bank: Bank, guest: Visitor, desk: Desk) -> None:
    await guest.enter()
    await desk.hears(call=guest.uid, state="waiting")
    for _ in range(2):
        assert (await desk.acts(guest.uid, "reject", text="Not today")).status_code == 200
    assert (await guest.sees(state="ended"))["note"] == "Not today"
    assert problem(await desk.acts(guest.uid, "admit")) == (409, "not-possible")


async def test_who_does_not_come_is_late_from_two_minutes_after_the_start_until_the_end(
    bank: Bank, one: Booked, guest: Visitor, desk: Desk, clock: FrozenClock
) -> None:
    clock.set(STARTS + LATE - 1)
    assert await listed(bank, desk) == []
    clock.set(STARTS + LATE)
    (late,) = await listed(bank, desk)
    assert (late["call"], late["state"], late["since"], late["starts_at"]) == ("", "waiting", None, STARTS * 1000)
    assert late["room"] == f"/agenda/appointments/{one.appointment.id}/room"
    await guest.use_link()
    (opened,) = await listed(bank, desk)
    assert (opened["call"], opened["since"], opened["room"]) == (guest.uid, None, f"/desk/room/{guest.uid}")
    await guest.come()
    (waits,) = await listed(bank, desk)
    assert waits["since"] == clock.now_ms()
    await guest.hang_up()
    clock.set(one.appointment.ends_at)
    assert await listed(bank, desk) == []


async def test_nobody_is_late_for_a_room_elsewhere(bank: Bank, one: Booked, desk: Desk, clock: FrozenClock) -> None:
    clock.set(STARTS + LATE)
    assert len(await listed(bank, desk)) == 1

    def elsewhere(connection: Connection) -> None:
        definition = json.loads(connection.execute(service.select()).one().definition)
        moved = {**definition, "room": "https://meet.example/{room}"}
        connection.execute(update(service).values(definition=json.dumps(moved)))

    await bank.database.write(elsewhere)
    assert await listed(bank, desk) == []


async def test_who_waits_for_their_appointment_has_no_page_that_could_be_rung(guest: Visitor, desk: Desk) -> None:
    await guest.enter()
    c = (await guest.passed())["c"]
    chat = Visitor(guest.bank, guest.one)
    chat.http, chat.uid = guest.http, guest.uid
    await chat.connect({c: 0})  # beside the room, they are reachable
    await chat.until(lambda frame: frame["t"] == "caught")
    assert problem(await desk.rings_at(c)) == (409, "nobody")
    await chat.hang_up()


async def test_a_colleague_is_told_nothing_of_it(bank: Bank, guest: Visitor, desk: Desk) -> None:
    async with Desk(bank, "bob") as bob:
        await guest.enter()
        await desk.hears(call=guest.uid, state="waiting")
        assert await listed(bank, bob) == []
        assert problem(await bob.acts(guest.uid, "admit")) == (404, "not-found")


async def test_rooms_are_told_of_their_room_and_of_no_lists(
    bank: Bank, one: Booked, guest: Visitor, desk: Desk
) -> None:
    async with Host(bank, "alice", one) as alice:
        await guest.enter()
        await alice.enter()
        await admitted(guest, alice)
        await desk.hears(call=guest.uid, here=True)
        assert [frame["t"] for frame in (*guest.frames, *alice.frames)].count("calls") == 0


# -- the room of a call that was rung for -------------------------------------------------------------------------------


class Inside(InRoom):
    """The room's page in a browser that has another page open."""

    def __init__(self, bank: Bank, other: Caller | Desk, call: str) -> None:
        super().__init__(bank)
        self.http.cookies = other.http.cookies
        self.http.headers = other.http.headers
        self.uid = call
        self._pass = "/desk/token" if isinstance(other, Desk) else f"/room/{call}/pass"

    async def token(self) -> str:
        return str((await self.post(self._pass)).json()["token"])


async def test_an_adviser_is_busy_as_long_as_they_are_in_the_room(
    bank: Bank, carol: Caller, alice: Desk, clock: FrozenClock
) -> None:
    call = await carol.ringing()
    await alice.accepts(call)
    await alice.seen_as("busy")
    async with Inside(bank, alice, call) as host, Inside(bank, carol, call) as visitor:
        await host.come()
        await visitor.come()
        await alice.hears(call=call, here=True)
        await bank.later(60)
        assert bank.chat.board.standings[alice.id].state == "busy"
        async with Caller(bank, "Dave") as dave:
            assert problem(await dave.rings()) == (409, "busy")
            await dave.begin()
            await bank.look()
            assert (await alice.http.get("/desk/roster")).json()["you"]["load"] == 1  # Carol's, and not Dave's
        await host.hang_up()
        await alice.hears(call=call, here=False)
        await bank.chat.board.refresh()
        assert bank.chat.board.standings[alice.id].state == "available"


async def test_an_adviser_who_does_not_come_to_the_room_is_free_again_soon(
    bank: Bank, carol: Caller, alice: Desk
) -> None:
    await alice.accepts(await carol.ringing())
    await bank.later(29)
    assert bank.chat.board.standings[alice.id].state == "busy"
    await bank.later(1)
    assert bank.chat.board.standings[alice.id].state == "available"


async def test_while_it_rings_the_queue_gives_nobody(bank: Bank, carol: Caller, alice: Desk) -> None:
    async with Caller(bank, "Dave") as dave:
        call = await carol.ringing()
        await bank.chat.board.refresh()
        c = await dave.begin()
        await bank.look()
        shown: Any = (await alice.http.get(f"/desk/conversations/{c}")).json()["row"]
        assert shown["offered"] is None
        await alice.acts(call, "decline")
        await bank.look()
        shown = (await alice.http.get(f"/desk/conversations/{c}")).json()["row"]
        assert shown["offered"]["id"] == alice.id


@pytest.mark.parametrize("answered", [True, False])
async def test_who_rings_waits_in_the_room_and_hears_there_what_becomes_of_it(
    bank: Bank, carol: Caller, alice: Desk, answered: bool
) -> None:
    c = await carol.begin()
    await alice.take(c)
    await carol.event("joined")
    call = (await alice.rings_at(c)).json()["call"]
    async with Inside(bank, alice, call) as host:
        assert (await host.come())["state"] == "ringing"
        if answered:
            await carol.post(f"/calls/{call}/accept")
            await host.sees(state="admitted")
        else:
            await host.send({"t": "finish"})
            await host.sees(state="ended", outcome="cancelled")
            await carol.hears(call=call, state="ended", outcome="cancelled")
            assert (await carol.event("call"))["body"]["what"] == "cancelled"
