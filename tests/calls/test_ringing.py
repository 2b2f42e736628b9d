"""Carol rings, and somebody answers: or declines, or is busy, or does nothing at all."""

from tests.calls.ring_cast import RINGS, Caller, Desk, alice, bob, calls_of, carol, events_of, passes, problem
from tests.chat.cast import Bank

__all__ = ["alice", "bob", "carol"]


async def test_it_rings_at_alice_she_accepts_and_both_are_let_in(bank: Bank, carol: Caller, alice: Desk) -> None:
    call = await carol.ringing(page="https://bank.example/loans")
    rung = await alice.hears(call=call, state="ringing")
    assert (rung["way"], rung["name"], rung["medium"], rung["page"]) == (
        "in",
        "Carol",
        "video",
        "https://bank.example/loans",
    )
    assert rung["until"] == bank.clock.now_ms() + RINGS * 1000
    mine = await carol.hears(call=call, state="ringing")
    assert (mine["way"], mine["name"], mine["room"]) == ("out", "Alice Martin", "")
    answer = await alice.accepts(call)
    assert answer.json() == {"call": call, "room": f"/desk/room/{call}"}
    assert (await carol.hears(call=call, state="admitted"))["room"] == f"/room/{call}"
    assert (await alice.hears(call=call, state="admitted"))["room"] == f"/desk/room/{call}"
    await alice.seen_as("busy")
    c = carol.calls[0]["c"]
    kinds = [kind for kind, _ in await events_of(bank, c)]
    assert kinds == ["opened", "joined", "call"]


async def test_nobody_answers_within_thirty_seconds(bank: Bank, carol: Caller, alice: Desk) -> None:
    call = await carol.ringing()
    await passes(bank, RINGS - 1)
    await alice.hears(call=call, state="ringing")
    assert (await calls_of(bank).lists.read())[f"adviser:{alice.id}"][0].state == "ringing"
    await passes(bank, 1)
    missed = await alice.hears(call=call, state="ended")
    assert (missed["outcome"], missed["until"]) == ("missed", None)
    assert (await carol.hears(call=call, state="ended"))["outcome"] == "missed"
    assert problem(await alice.accepts(call)) == (409, "over")
