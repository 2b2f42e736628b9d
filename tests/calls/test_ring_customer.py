"""Alice rings Carol, from their conversation; and what happens when both have the same thought."""

import uuid

import pytest

from tests.calls.ring_cast import RINGS, Caller, Desk, alice, bob, calls_of, carol, events_of, passes, problem
from tests.chat.cast import Bank

__all__ = ["alice", "bob", "carol"]


@pytest.fixture
async def c(carol: Caller, alice: Desk) -> str:
    """Carol's conversation with Alice."""
    begun: str = await carol.begin("May I see you?")
    await alice.take(begun)
    await carol.event("joined")
    return begun


async def test_alice_rings_carol_accepts_and_both_are_let_in(bank: Bank, carol: Caller, alice: Desk, c: str) -> None:
    answer = await alice.rings_at(c)
    call = answer.json()["call"]
    assert answer.json() == {"call": call, "room": f"/desk/room/{call}"}
    rung = await carol.hears(call=call, state="ringing")
    assert (rung["way"], rung["name"], rung["c"], rung["room"]) == ("in", "Alice Martin", c, "")
    assert (await alice.hears(call=call, state="ringing"))["way"] == "out"
    assert (await alice.http.get(f"/desk/room/{call}")).status_code == 200  # where she waits
    assert (await carol.http.get(f"/room/{call}")).status_code == 404
    for _ in range(2):
        assert (await carol.post(f"/calls/{call}/accept")).json() == {"room": f"/room/{call}"}
    await alice.hears(call=call, state="admitted")
    assert (await carol.http.get(f"/room/{call}")).status_code == 200
    started = await carol.event("call", what="started")
    assert started["body"] == {
        "call": call,
        "what": "started",
        "medium": "video",
        "by": f"adviser:{alice.id}",
        "name": "Alice Martin",
    }
    assert problem(await carol.post(f"/calls/{call}/decline")) == (409, "not-possible")


async def test_carol_declines(carol: Caller, alice: Desk, c: str) -> None:
    call = (await alice.rings_at(c)).json()["call"]
    for _ in range(2):
        assert (await carol.post(f"/calls/{call}/decline")).status_code == 204
    assert (await alice.hears(call=call, state="ended"))["outcome"] == "declined"
    assert (await carol.event("call"))["body"]["what"] == "declined"
    assert problem(await carol.post(f"/calls/{call}/accept")) == (409, "over")
    assert problem(await carol.post(f"/calls/{call}/callback", phone="+33 1 23 45 67 89")) == (409, "not-possible")


async def test_carol_does_not_answer(bank: Bank, carol: Caller, alice: Desk, c: str) -> None:
    call = (await alice.rings_at(c)).json()["call"]
    await passes(bank, RINGS)
    assert (await alice.hears(call=call, state="ended"))["outcome"] == "missed"
    assert (await carol.event("call"))["body"]["what"] == "missed"
    assert problem(await carol.post(f"/calls/{call}/accept")) == (409, "over")


async def test_alice_gives_up(carol: Caller, alice: Desk, c: str) -> None:
    call = (await alice.rings_at(c)).json()["call"]
    await carol.hears(call=call, state="ringing")
    for _ in range(2):
        assert (await alice.acts(call, "cancel")).status_code == 204
    assert (await carol.hears(call=call, state="ended"))["outcome"] == "cancelled"
    assert (await carol.event("call"))["body"]["what"] == "cancelled"


async def test_alice_gives_up_by_closing_her_dashboard(bank: Bank, carol: Caller, alice: Desk, c: str) -> None:
    call = (await alice.rings_at(c)).json()["call"]
    await alice.hang_up()
    await passes(bank, 12)
    assert (await carol.hears(call=call, state="ended"))["outcome"] == "cancelled"


async def test_who_is_not_there_cannot_be_rung(bank: Bank, carol: Caller, alice: Desk, c: str) -> None:
    await carol.hang_up()
    await passes(bank, 12)
    assert problem(await alice.rings_at(c)) == (409, "nobody")


async def test_carol_who_closes_the_page_while_it_rings_has_missed_it(
    bank: Bank, carol: Caller, alice: Desk, c: str
) -> None:
    call = (await alice.rings_at(c)).json()["call"]
    await carol.hang_up()
    await passes(bank, 12)
    assert (await alice.hears(call=call, state="ended"))["outcome"] == "missed"


async def test_the_same_click_twice_or_one_in_another_tab_is_one_call(carol: Caller, alice: Desk, c: str) -> None:
    once = uuid.uuid4().hex
    first = await alice.rings_at(c, id=once)
    assert (await alice.rings_at(c, id=once)).json() == first.json()
    assert (await alice.rings_at(c)).json() == first.json()
    await carol.post(f"/calls/{first.json()['call']}/accept")
    assert (await alice.rings_at(c)).json() == first.json()
    assert (await alice.rings_at(c, id=once)).json() == first.json()


async def test_nobody_else_is_rung_at_by_it(bank: Bank, carol: Caller, alice: Desk, bob: Desk, c: str) -> None:
    call = (await alice.rings_at(c)).json()["call"]
    await carol.hears(call=call)
    assert bob.calls == []
    async with Caller(bank, "Mallory") as mallory:
        await mallory.connect()
        await mallory.hears_nothing()
        for act in ("accept", "decline"):
            assert problem(await mallory.post(f"/calls/{call}/{act}")) == (404, "not-found")
    assert problem(await bob.acts(call, "cancel")) == (404, "not-found")
    assert problem(await bob.accepts(call)) == (404, "not-found")


async def test_a_conversation_one_may_not_see_or_that_is_over_rings_nobody(
    bank: Bank, carol: Caller, alice: Desk, bob: Desk, c: str
) -> None:
    assert problem(await alice.rings_at("nothing of this name")) == (404, "not-found")
    await alice.do(c, "close")
    assert problem(await alice.rings_at(c)) == (409, "not-possible")


async def test_carol_is_on_a_call_with_somebody_else(bank: Bank, carol: Caller, alice: Desk, bob: Desk, c: str) -> None:
    async with Desk(bank, "mona") as mona:
        call = await carol.ringing(adviser="mona")
        assert problem(await alice.rings_at(c)) == (409, "busy")
        await mona.accepts(call)
        assert problem(await alice.rings_at(c)) == (409, "busy")


async def test_alice_on_another_call_rings_nobody(bank: Bank, carol: Caller, alice: Desk, c: str) -> None:
    async with Caller(bank, "Dave") as dave:
        await alice.accepts(await dave.ringing())
        assert problem(await alice.rings_at(c)) == (409, "not-possible")


async def test_alice_who_takes_another_call_has_given_up_ringing(
    bank: Bank, carol: Caller, alice: Desk, c: str
) -> None:
    call = (await alice.rings_at(c)).json()["call"]
    await carol.hears(call=call, state="ringing")
    async with Caller(bank, "Dave") as dave:
        assert (await alice.accepts(await dave.ringing())).status_code == 200
        assert (await carol.hears(call=call, state="ended"))["outcome"] == "cancelled"
        assert problem(await carol.post(f"/calls/{call}/accept")) == (409, "over")


# -- both at once ---------------------------------------------------------------------------------------------------


async def test_carol_who_rings_at_alice_has_answered_her(bank: Bank, carol: Caller, alice: Desk, c: str) -> None:
    call = (await alice.rings_at(c)).json()["call"]
    answer = await carol.rings()
    assert answer.status_code == 200
    assert answer.json() == {"call": call, "state": "admitted", "until": None, "room": f"/room/{call}"}
    await alice.hears(call=call, state="admitted")
    assert [kind for kind, _ in await events_of(bank, c)].count("call") == 1


async def test_alice_who_rings_at_carol_has_answered_her(bank: Bank, carol: Caller, alice: Desk, c: str) -> None:
    call = await carol.ringing()
    answer = await alice.rings_at(c)
    assert answer.json() == {"call": call, "room": f"/desk/room/{call}"}
    assert (await carol.hears(call=call, state="admitted"))["room"] == f"/room/{call}"
    assert (await calls_of(bank).lists.read())[f"adviser:{alice.id}"][0].state == "admitted"


async def test_carol_who_rings_at_bob_has_not_answered_alice(bank: Bank, carol: Caller, alice: Desk, c: str) -> None:
    async with Desk(bank, "bob"):
        call = (await alice.rings_at(c)).json()["call"]
        answer = await carol.rings(adviser="bob")
        assert (*problem(answer), answer.json()["call"]) == (409, "calling", call)
