"""Carol rings, and somebody answers: or declines, or is busy, or does nothing at all."""

import uuid

import pytest
from prometheus_client import REGISTRY

from tests.calls.ring_cast import RINGS, Caller, Desk, alice, bob, calls_of, carol, passes, problem
from tests.chat.cast import Bank
from tests.support import FrozenClock

__all__ = ["alice", "bob", "carol"]


def count(origin: str, outcome: str) -> float:
    """Calls that have ended so, as the operator's figures have it."""
    return REGISTRY.get_sample_value("presence_calls_total", {"origin": origin, "outcome": outcome}) or 0


async def test_it_rings_at_alice_she_accepts_and_both_are_let_in(bank: Bank, carol: Caller, alice: Desk) -> None:
    page = "https://bank.example/loans"
    call = await carol.ringing(page=page)
    rung = await alice.hears(call=call, state="ringing")
    assert (rung["way"], rung["name"], rung["medium"], rung["page"]) == ("in", "Carol", "video", page)
    assert rung["until"] == bank.clock.now_ms() + RINGS * 1000
    mine = await carol.hears(call=call, state="ringing")
    assert (mine["way"], mine["name"], mine["room"]) == ("out", "Alice Martin", "")
    answer = await alice.accepts(call)
    assert answer.json() == {"call": call, "room": f"/desk/room/{call}"}
    let_in = await carol.hears(call=call, state="admitted")
    assert (let_in["room"], let_in["name"]) == (f"/room/{call}", "Alice Martin")
    assert (await alice.hears(call=call, state="admitted"))["room"] == f"/desk/room/{call}"
    await alice.seen_as("busy")
    for one, room in ((carol, f"/room/{call}"), (alice, f"/desk/room/{call}")):
        assert (await one.http.get(room)).status_code == 200


async def test_nobody_answers_within_thirty_seconds(bank: Bank, carol: Caller, alice: Desk) -> None:
    missed_before = count("customer", "missed")
    call = await carol.ringing()
    await alice.hears(call=call, state="ringing")
    await passes(bank, RINGS - 1)
    assert (await calls_of(bank).lists.read())[f"adviser:{alice.id}"][0].state == "ringing"
    await passes(bank, 1)
    missed = await alice.hears(call=call, state="ended")
    assert (missed["outcome"], missed["until"]) == ("missed", None)
    assert count("customer", "missed") == missed_before + 1
    assert (await carol.hears(call=call, state="ended"))["outcome"] == "missed"
    assert problem(await alice.accepts(call)) == (409, "over")
    assert (await carol.http.get(f"/room/{call}")).status_code == 404


async def test_an_accept_in_the_last_second_counts_and_one_after_it_does_not(
    bank: Bank, carol: Caller, alice: Desk, clock: FrozenClock
) -> None:
    call = await carol.ringing()
    clock.advance(RINGS)  # nobody has looked yet
    assert problem(await alice.accepts(call)) == (409, "over")
    await calls_of(bank).rings.look()
    again = await carol.ringing()
    clock.advance(RINGS - 1)
    assert (await alice.accepts(again)).status_code == 200


async def test_it_is_told_for_two_minutes_what_became_of_it(bank: Bank, carol: Caller, alice: Desk) -> None:
    call = await carol.ringing()
    await passes(bank, RINGS)
    await carol.hears(call=call, state="ended")
    await passes(bank, 120)
    calls_of(bank).lists.wake()
    await carol.hears_nothing()
    await alice.hears_nothing()


async def test_with_nobody_there_nothing_rings_and_it_says_when_somebody_is_expected(bank: Bank, carol: Caller) -> None:
    answer = await carol.rings()
    assert problem(answer) == (409, "nobody")
    assert answer.json()["instead"] == ["message", "book"]
    assert answer.json()["until"] == bank.clock.now_ms() + 3600 * 1000  # 09:00 in Paris
    assert problem(await carol.rings(adviser="alice")) == (409, "nobody")
    assert problem(await carol.rings(adviser="nobody-of-this-name")) == (409, "nobody")
    assert await calls_of(bank).lists.read() == {}


async def test_with_everybody_talking_it_says_so(carol: Caller, alice: Desk) -> None:
    await alice.post("/desk/presence", wish="busy")
    assert problem(await carol.rings()) == (409, "busy")
    assert problem(await carol.rings(adviser="alice")) == (409, "busy")


async def test_who_rings_says_who_they_are(bank: Bank, carol: Caller, alice: Desk) -> None:
    refused = await carol.rings(name=" ")
    assert problem(refused) == (422, "invalid")
    assert [one["field"] for one in refused.json()["errors"]] == ["name"]
    wrong = await carol.rings(email="no address")
    assert [one["field"] for one in wrong.json()["errors"]] == ["email"]
    for medium in ("smell", None):
        assert problem(await carol.rings(medium=medium)) == (400, "malformed")
    assert problem(await carol.rings(id="")) == (422, "invalid")
    call = await carol.ringing(name="Carol Petit", email="carol@customers.example")
    assert (await alice.hears(call=call))["name"] == "Carol Petit"


async def test_nobody_rings_without_end_not_with_a_new_cookie_each_time_either(bank: Bank) -> None:
    async with Caller(bank, "Mallory") as mallory:
        answers = []
        for _ in range(12):
            mallory.http.cookies.clear()
            await mallory.session()
            body = {"id": "1", "medium": "video", "name": "Mallory"}
            answers.append(problem(await mallory.post("/calls", **body)))
    assert answers == [(409, "nobody")] * 10 + [(429, "too-many")] * 2


async def test_the_same_click_twice_is_one_call(bank: Bank, carol: Caller, alice: Desk) -> None:
    once = uuid.uuid4().hex
    first, again = await carol.rings(id=once), await carol.rings(id=once)
    assert (first.status_code, again.status_code) == (201, 200)
    assert (
        first.json()
        == again.json()
        == {
            "call": first.json()["call"],
            "state": "ringing",
            "until": bank.clock.now_ms() + RINGS * 1000,
            "room": "",
        }
    )
    call = first.json()["call"]
    assert (await alice.accepts(call)).json() == (await alice.accepts(call)).json()
    answered = (await carol.rings(id=once)).json()
    assert (answered["state"], answered["until"], answered["room"]) == ("admitted", None, f"/room/{call}")


async def test_another_tab_is_told_which_call_is_on(carol: Caller, alice: Desk) -> None:
    call = await carol.ringing()
    second = await carol.rings()
    assert (*problem(second), second.json()["call"], second.json()["room"]) == (409, "calling", call, "")
    await alice.accepts(call)
    assert (await carol.rings()).json()["room"] == f"/room/{call}"


async def test_when_all_decline_it_is_over_at_once(bank: Bank, carol: Caller, alice: Desk, bob: Desk) -> None:
    call = await carol.ringing(language="fr")
    await alice.hears(call=call, state="ringing")
    await bob.hears(call=call, state="ringing")
    assert (await alice.acts(call, "decline")).status_code == 204
    await alice.hears_nothing()
    assert bob.calls[0]["state"] == "ringing"
    for _ in range(2):
        assert (await alice.acts(call, "decline")).status_code == 204
    await bob.acts(call, "decline")
    assert (await carol.hears(call=call, state="ended"))["outcome"] == "declined"
    assert (await bob.acts(call, "decline")).status_code == 204


async def test_who_has_declined_may_think_better_of_it(carol: Caller, alice: Desk, bob: Desk) -> None:
    call = await carol.ringing(language="fr")
    await alice.acts(call, "decline")
    assert (await alice.accepts(call)).status_code == 200


async def test_it_is_busy_when_everybody_has_taken_another_call(bank: Bank, carol: Caller, alice: Desk) -> None:
    async with Caller(bank, "Dave") as dave:
        first, second = await carol.ringing(), await dave.ringing()
        await alice.hears(call=second, state="ringing")
        await alice.accepts(first)
        assert (await dave.hears(call=second, state="ended"))["outcome"] == "busy"
        assert problem(await alice.accepts(second)) == (409, "over")
        assert problem(await dave.rings()) == (409, "busy")


async def test_it_rings_on_for_colleagues_when_one_takes_another_call(
    bank: Bank, carol: Caller, alice: Desk, bob: Desk
) -> None:
    async with Caller(bank, "Dave") as dave:
        first, second = await carol.ringing(language="fr"), await dave.ringing(language="fr")
        await alice.hears(call=second, state="ringing")
        await alice.accepts(first)
        await alice.hears(call=first, state="admitted")
        assert [one["call"] for one in alice.calls] == [first]
        assert problem(await alice.accepts(second)) == (409, "not-possible")
        assert (await bob.accepts(second)).status_code == 200


async def test_the_customer_cancels(bank: Bank, carol: Caller, alice: Desk) -> None:
    call = await carol.ringing()
    await alice.hears(call=call, state="ringing")
    for _ in range(2):
        assert (await carol.post(f"/calls/{call}/cancel")).status_code == 204
    assert (await alice.hears(call=call, state="ended"))["outcome"] == "cancelled"
    assert problem(await alice.accepts(call)) == (409, "over")
    assert (await carol.http.get("/chat/history")).json()["conversations"] == []  # nobody had heard of it


async def test_a_caller_who_closes_the_page_has_given_up(bank: Bank, carol: Caller, alice: Desk) -> None:
    call = await carol.ringing()
    await carol.hears(call=call)
    await calls_of(bank).lists.look()
    await passes(bank, 6)
    await carol.hang_up()
    await passes(bank, 6)  # it may have been a page change
    assert (await alice.http.get("/desk/calls")).json()["calls"][0]["state"] == "ringing"
    await passes(bank, 6)
    assert (await alice.hears(call=call, state="ended"))["outcome"] == "cancelled"


async def test_what_was_answered_cannot_be_cancelled(carol: Caller, alice: Desk) -> None:
    call = await carol.ringing()
    await alice.accepts(call)
    assert problem(await carol.post(f"/calls/{call}/cancel")) == (409, "not-possible")


async def test_whoever_comes_later_sees_what_rings(bank: Bank, carol: Caller, alice: Desk) -> None:
    call = await carol.ringing()
    await alice.hears(call=call)
    async with Desk(bank, "alice") as tablet:
        assert (await tablet.hears(call=call))["state"] == "ringing"
    await carol.hang_up()
    carol.frames.clear()
    await carol.connect()
    assert (await carol.hears(call=call))["state"] == "ringing"
    assert (await alice.http.get("/desk/calls")).json() == {"calls": alice.calls, "now": bank.clock.now_ms()}


async def test_one_tab_answers_and_the_other_one_is_told(bank: Bank, carol: Caller, alice: Desk) -> None:
    async with Desk(bank, "alice") as tablet:
        call = await carol.ringing()
        await tablet.hears(call=call, state="ringing")
        await alice.accepts(call)
        assert (await tablet.hears(call=call, state="admitted"))["here"] is False
        assert (await tablet.accepts(call)).json()["room"] == f"/desk/room/{call}"


async def test_who_signs_out_is_rung_no_more(bank: Bank, carol: Caller, alice: Desk) -> None:
    call = await carol.ringing()
    await alice.hears(call=call, state="ringing")
    await alice.http.post("/sign-out", data={"csrf": alice.http.headers["X-CSRF-Token"]})
    await alice.closed()
    await calls_of(bank).rings.look()
    assert (await carol.hears(call=call, state="ended"))["outcome"] == "missed"
    assert problem(await alice.accepts(call)) == (401, "unauthorised")


async def test_strangers_find_nothing(bank: Bank, carol: Caller, alice: Desk, bob: Desk) -> None:
    call = await carol.ringing(adviser="alice")
    async with Caller(bank, "Mallory") as mallory:
        await mallory.session()
        for act in ("accept", "cancel", "decline", "callback"):
            body = {"phone": "+33 1 23 45 67 89"} if act == "callback" else {}
            assert problem(await mallory.post(f"/calls/{call}/{act}", **body)) == (404, "not-found")
        assert (await mallory.post(f"/desk/calls/{call}/accept")).status_code == 401
    for act in ("accept", "decline", "cancel", "admit", "hold", "reject", "nothing-of-this-name"):
        assert problem(await bob.acts(call, act)) == (404, "not-found")
    assert problem(await alice.acts(call, "cancel")) == (404, "not-found")  # it is Carol's
    assert problem(await carol.post(f"/calls/{call}/accept")) == (404, "not-found")
    assert bob.calls == []
    assert problem(await alice.accepts("no such call")) == (404, "not-found")


async def test_nobody_without_a_cookie_or_from_another_page_rings(bank: Bank, carol: Caller, alice: Desk) -> None:
    await carol.connect()
    body = {"id": "1", "medium": "video", "name": "Carol"}
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert (await carol.http.post("/calls", json=body, headers=foreign)).status_code == 403
    carol.http.cookies.clear()
    assert problem(await carol.post("/calls", **body)) == (404, "not-found")
    del alice.http.headers["X-CSRF-Token"]
    assert problem(await alice.accepts("any")) == (403, "forbidden")


@pytest.mark.parametrize("kind", ["call", "callback"])
async def test_nobody_says_that_there_was_a_call(carol: Caller, alice: Desk, kind: str) -> None:
    c = await carol.begin()
    await alice.take(c)
    body = {"call": "x", "what": "missed", "medium": "video", "by": "customer", "phone": "1"}
    for one in (carol, alice):
        await one.send({"t": "send", "c": c, "id": f"forged {kind}", "kind": kind, "body": body})
        refused = await one.until(lambda frame: frame["t"] in {"refused", "ack"})
        assert (refused["t"], refused["code"]) == ("refused", "unknown")
