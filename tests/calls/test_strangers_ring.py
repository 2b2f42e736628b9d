"""Mallory rings, and has many cookies: whom it disturbs, what she can write, and what a call says of its customer."""

import uuid
from collections.abc import AsyncIterator

import pytest

from presence.calls.ringing import AT_ONE
from tests.calls.ring_cast import Caller, Desk, alice, bob, calls_of, carol, events_of, passes, problem
from tests.chat.cast import Bank
from tests.support import MONDAY

__all__ = ["alice", "bob", "carol"]

SCRIPT = "<img src=x onerror=alert(1)>"


@pytest.fixture
async def mallory(bank: Bank) -> AsyncIterator[Caller]:
    async with Caller(bank, "Mallory") as there:
        yield there


async def test_a_conversation_of_ones_own_making_rings_no_oftener(bank: Bank, mallory: Caller, alice: Desk) -> None:
    """A missed call begins a conversation; ten a minute from an address are ten, with however many of these."""
    rung = 0
    for _ in range(4):
        mallory.http.cookies.clear()
        await mallory.session()
        for _ in range(5):
            answer = await mallory.post("/calls", id=uuid.uuid4().hex, medium="audio", name="Mallory")
            if answer.status_code == 429:
                continue
            rung += 1
            call = answer.json()["call"]
            assert (await alice.acts(call, "decline")).status_code == 204
    assert rung == 10
    assert (await mallory.session())["state"] in {None, "message"}


async def test_advisers_are_rung_by_so_many_at_once(bank: Bank, alice: Desk) -> None:
    answers = []
    for number in range(AT_ONE + 2):
        async with Caller(bank, f"Mallory{number}") as one:
            await one.session()
            answers.append(await one.post("/calls", id="1", medium="video", name=one.name, adviser="alice"))
    assert [answer.status_code for answer in answers] == [201] * AT_ONE + [409] * 2
    assert {problem(answer) for answer in answers[AT_ONE:]} == {(409, "busy")}
    await alice.hears(name=f"Mallory{AT_ONE - 1}", state="ringing")
    assert len(alice.calls) == AT_ONE


async def test_what_a_caller_says_of_themselves_is_plain_text_of_some_length(
    bank: Bank, mallory: Caller, alice: Desk
) -> None:
    call = await mallory.ringing(
        name=f"{SCRIPT}\u0000\u202e" + "x" * 500, page="javascript:alert(1)//\u0000" + "y" * 9_000, language="x" * 500
    )
    row = await alice.hears(call=call)
    assert row["name"].startswith(SCRIPT)
    assert (len(row["name"]), len(row["page"]), row["language"], row["verified"]) == (200, 2000, "en", False)
    assert "\u0000" not in row["name"] + row["page"]
    assert row["room"] == ""


@pytest.mark.parametrize(
    "body",
    [
        {"phone": "javascript:alert(1)"},
        {"phone": "*21*0900123456#"},
        {"phone": "+33 1 23 45 67 89\u0000"},
        {"phone": "+33 1 23 45 67 89;ext=1"},
        {"phone": "0" * 40},
        {"email": "a@b.example\r\nBcc: all@bank.example"},
        {"phone": "+33123456789", "at": 10**30},
        {"phone": "+33123456789", "at": -1},
        {"phone": "+33123456789", "at": MONDAY},
    ],
)
async def test_nothing_but_a_number_and_an_hour_is_called_back(
    bank: Bank, mallory: Caller, alice: Desk, body: dict[str, object]
) -> None:
    call = await mallory.ringing()
    await alice.acts(call, "decline")
    c = (await mallory.hears(call=call, state="ended"))["c"]
    assert problem(await mallory.post(f"/calls/{call}/callback", **body)) == (422, "invalid")
    assert "callback" not in {kind for kind, _ in await events_of(bank, c)}


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "null",
        '{"id": 1, "medium": "video"}',
        '{"id": "1", "medium": "hologram"}',
        '{"id": "1", "medium": "video", "page": ' + "[" * 20_000,
    ],
)
async def test_what_is_no_request_rings_nobody(mallory: Caller, alice: Desk, body: str) -> None:
    await mallory.session()
    answer = await mallory.http.post("/calls", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    for id_ in ("", "\u0000", "x" * 65):
        refused = await mallory.post("/calls", id=id_, medium="video", name="Mallory")
        assert problem(refused) == (422, "invalid")
    assert alice.calls == []


async def test_the_customer_of_one_call_is_a_stranger_to_every_other(
    bank: Bank, mallory: Caller, carol: Caller, alice: Desk, bob: Desk
) -> None:
    hers, call = await mallory.ringing(adviser="bob"), await carol.ringing(adviser="alice")
    assert (await bob.accepts(hers)).status_code == 200
    assert (await alice.accepts(call)).status_code == 200
    await carol.hears(call=call, state="admitted")
    await mallory.hears(call=hers, state="admitted")
    assert [one["call"] for one in mallory.calls] == [hers]
    for path in ("", "/files/x"):
        assert (await mallory.http.get(f"/room/{call}{path}")).status_code == 404
        assert (await mallory.http.get(f"/desk/room/{call}{path}")).status_code in {401, 404}
    for path in ("pass", "check", "rating", "files"):
        assert (await mallory.post(f"/room/{call}/{path}", rating=1)).status_code == 404
    for path in ("check", "extend", "propose"):
        assert (await bob.post(f"/desk/room/{call}/{path}", minutes=5)).status_code == 404
    assert (await bob.http.get(f"/desk/room/{call}")).status_code == 404
    token = (await mallory.post(f"/room/{hers}/pass")).json()["token"]
    await mallory.hang_up()
    async with _Bearing(bank, token) as one:
        await one.connect(call=call, inst="x")
        assert (await one.until(lambda frame: frame["t"] == "bye"))["why"] == "gone"
        assert [frame for frame in one.frames if frame["t"] == "room"] == []


async def test_a_ring_that_was_not_answered_opens_no_room(bank: Bank, mallory: Caller, alice: Desk) -> None:
    call = await mallory.ringing()
    for _ in range(2):  # while it rings, and once it is over
        assert (await mallory.http.get(f"/room/{call}")).status_code == 404
        for path in ("pass", "check"):
            assert (await mallory.post(f"/room/{call}/{path}")).status_code == 404
        assert (await alice.http.get(f"/desk/room/{call}")).status_code == 404
        await passes(bank, 31)
    assert (await mallory.hears(call=call))["outcome"] == "missed"
    assert (await mallory.hears(call=call))["room"] == ""
    assert calls_of(bank).relay.served == set()


class _Bearing(Caller):
    """Whoever has got hold of a pass, and of no cookie."""

    def __init__(self, bank: Bank, pass_: str) -> None:
        super().__init__(bank, "Mallory")
        self._pass = pass_

    async def token(self) -> str:
        return self._pass
