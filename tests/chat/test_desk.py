"""Alice, Bob and Mona at their dashboards: who takes what, hands it on, looks on and joins in."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import Connection, update

from presence.booking.requests import BookRequest
from presence.chat import store
from presence.chat.desk import queueing
from presence.chat.desk.service import PAGE
from presence.roster.store import raise_clock
from presence.storage.tables import adviser
from tests.chat.cast import Adviser, Bank, Customer, Frame
from tests.support import DAY, HOUR

Row = dict[str, Any]


@pytest.fixture
async def bob(bank: Bank) -> AsyncIterator[Adviser]:
    """Bob, who speaks French, at his dashboard."""
    async with Adviser(bank, "bob") as there:
        yield there


@pytest.fixture
async def mona(bank: Bank) -> AsyncIterator[Adviser]:
    """Mona, of the team for loans, at her dashboard."""
    async with Adviser(bank, "mona") as there:
        yield there


@pytest.fixture
async def manager(bank: Bank) -> AsyncIterator[Adviser]:
    """Mona as a supervisor; away, so that nothing is offered to her."""

    def promote(connection: Connection) -> None:
        connection.execute(update(adviser).where(adviser.c.slug == "mona").values(supervisor=True))
        raise_clock(connection)

    await bank.database.write(promote)
    await bank.chat.board.refresh()
    async with Adviser(bank, "mona") as there:
        await there.post("/desk/presence", wish="away")
        yield there


async def rows(one: Adviser, view: str) -> list[Row]:
    answer = await one.http.get("/desk/inbox", params={"view": view})
    assert answer.status_code == 200, answer.text
    listed: list[Row] = answer.json()["rows"]
    return listed


async def card(one: Adviser, c: str, since: int = 0, **wanted: Any) -> Row:
    """The first card of a conversation with these, such as adviser="bob" or offered=None."""

    def right(frame: Frame) -> bool:
        if frame["t"] != "card" or frame["c"] != c or frame["row"] is None:
            return False
        row = {
            **frame["row"],
            "adviser": _slug(frame["row"]["adviser"]),
            "offered": (frame["row"]["offered"] or {}).get("id"),
        }
        return all(row[name] == value for name, value in wanted.items())

    row: Row = (await one.until(right, since))["row"]
    return row


def _slug(one: dict[str, Any] | None) -> str | None:
    return str(one["name"]).partition(" ")[0].lower() if one else None


# -- offers ---------------------------------------------------------------------------------------------------------------


async def test_two_accept_and_one_has_it(carol: Customer, alice: Adviser, bob: Adviser) -> None:
    c = await carol.begin()
    bob.http.headers["Accept-Language"] = alice.http.headers["Accept-Language"] = "fr"
    answers = await asyncio.gather(*(one.do(c, "accept") for one in (alice, bob)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    winner = next(one for one, answer in zip((alice, bob), answers, strict=True) if answer.status_code == 200)
    refusal = next(answer.json() for answer in answers if answer.status_code == 409)
    assert refusal["detail"] == "Quelqu’un d’autre a pris cette conversation"
    joined = await carol.event("joined")
    assert joined["body"]["adviser"] == winner.id
    assert await rows(winner, "mine") != []
    assert (await winner.do(c, "accept")).status_code == 200, "theirs already is fine"
    await winner.take(c)
    await winner.say(c, "Here I am")
    await carol.event("text", text="Here I am")
    assert [event["body"]["adviser"] for event in carol.events(c) if event["kind"] == "joined"] == [winner.id]


async def test_what_one_lets_pass_is_offered_to_the_next_and_in_the_end_again(
    bank: Bank, carol: Customer, alice: Adviser, bob: Adviser
) -> None:
    c = await carol.begin()
    await card(alice, c, offered=alice.id)
    assert (await alice.do(c, "pass")).status_code == 200
    await card(bob, c, offered=bob.id)
    seen = len(alice.frames)
    assert (await bob.do(c, "pass")).status_code == 200
    await card(bob, c, len(bob.frames), offered=None)
    await bank.later(queueing.PAUSE + 1)
    await card(alice, c, seen, offered=alice.id)


async def test_an_offer_that_nobody_answers_goes_on(bank: Bank, carol: Customer, alice: Adviser, bob: Adviser) -> None:
    c = await carol.begin()
    await card(alice, c, offered=alice.id)
    await bank.later(queueing.OFFER + 1)
    await card(bob, c, offered=bob.id)
    assert not any(row["c"] == c for row in await rows(alice, "mine"))


async def test_accepting_on_one_device_ends_the_offer_on_the_other(bank: Bank, carol: Customer, alice: Adviser) -> None:
    async with Adviser(bank, "alice") as at_home:
        c = await carol.begin()
        await card(at_home, c, offered=alice.id)
        await card(alice, c, offered=alice.id)
        await alice.take(c)
        await card(at_home, c, offered=None, adviser="alice", state="active")
        await at_home.send({"t": "join", "c": c, "after": 0})
        await alice.say(c, "From the office")
        await at_home.event("text", text="From the office")
        await at_home.say(c, "From home")
        await alice.event("text", text="From home")


async def test_nobody_is_offered_more_than_they_take(bank: Bank, carol: Customer, alice: Adviser) -> None:
    set_ = await alice.post("/desk/presence", wish="available", capacity=1)
    assert set_.json()["capacity"] == 1
    first = await carol.begin()
    await alice.take(first)
    await alice.seen_as("busy")
    async with Customer(bank, "Dave") as dave:
        second = await dave.begin()
        await card(alice, second, state="waiting")
        await bank.look()
        assert (await rows(alice, "waiting"))[0]["offered"] is None
        assert (await alice.do(first, "close")).status_code == 200
        await card(alice, second, offered=alice.id)


async def test_a_presence_that_is_none_is_refused_in_words(alice: Adviser) -> None:
    answer = await alice.post("/desk/presence", wish="available", capacity=0)
    assert (answer.status_code, answer.json()["detail"]) == (409, "This is not a presence")
    assert (await alice.post("/desk/presence", wish="asleep")).status_code == 400


# -- handing on -----------------------------------------------------------------------------------------------------------


async def test_a_colleague_is_offered_what_is_handed_to_them(carol: Customer, alice: Adviser, bob: Adviser) -> None:
    c = await carol.begin()
    await alice.take(c)
    assert (await alice.do(c, "transfer", adviser="bob")).status_code == 204
    told = await carol.event("transferred")
    assert told["body"] == {"to": "Bob Martin", "name": "Alice Martin"}
    await card(bob, c, offered=bob.id)
    await bob.take(c)
    await carol.event("joined", name="Bob Martin")
    await card(alice, c, adviser="bob")
    assert await rows(alice, "mine") == []
    assert (await alice.do(c, "transfer", adviser="alice")).status_code == 403
    assert (await bob.do(c, "transfer", adviser="bob")).json()["detail"] == "They have this conversation already"
    assert (await bob.do(c, "transfer", adviser="nobody")).status_code == 404


async def test_what_goes_to_another_team_leaves_ones_lists(carol: Customer, alice: Adviser, mona: Adviser) -> None:
    c = await carol.begin()
    await alice.take(c)
    assert (await alice.do(c, "transfer", team="loans")).status_code == 204
    await alice.until(lambda frame: frame["t"] == "card" and frame["c"] == c and frame["row"] is None)
    for view in ("mine", "team", "waiting"):
        assert await rows(alice, view) == []
    assert (await alice.http.get(f"/desk/conversations/{c}")).status_code == 404
    for action in ("accept", "takeover", "close", "release"):
        assert (await alice.do(c, action)).status_code == 404
    await card(mona, c, offered=mona.id)
    await mona.take(c)
    await carol.event("joined", name="Mona Martin")


async def test_what_went_to_another_team_is_heard_no_more(carol: Customer, alice: Adviser, mona: Adviser) -> None:
    c = await carol.begin()
    await alice.take(c)
    await alice.do(c, "transfer", team="loans")
    await alice.send({"t": "beat", "on": True})
    await alice.until(lambda frame: frame["t"] == "refused" and frame["c"] == c)
    await carol.say(c, "For Mona alone")
    assert (await alice.say(c, "Still here"))["code"] == "unknown"
    assert "For Mona alone" not in str(alice.frames)


async def test_what_is_released_waits_again_for_others(
    bank: Bank, carol: Customer, alice: Adviser, bob: Adviser
) -> None:
    c = await carol.begin()
    await alice.take(c)
    assert (await bob.do(c, "release")).status_code == 403
    assert (await alice.do(c, "release")).json()["row"]["state"] == "waiting"
    await carol.event("left", name="Alice Martin")
    await card(bob, c, offered=bob.id)


async def test_a_colleague_takes_over_and_both_and_the_customer_are_told(
    carol: Customer, alice: Adviser, bob: Adviser
) -> None:
    c = await carol.begin()
    await alice.take(c)
    taken = await bob.do(c, "takeover")
    assert taken.json()["row"]["adviser"]["id"] == bob.id
    await alice.event("left", name="Alice Martin")
    await carol.event("joined", name="Bob Martin")
    await card(alice, c, adviser="bob")


async def test_nobody_takes_over_what_is_another_teams(carol: Customer, alice: Adviser, mona: Adviser) -> None:
    c = await carol.begin(team="advice")
    await alice.take(c)
    for action in ("takeover", "accept", "close", "join"):
        assert (await mona.do(c, action)).status_code in {403, 404}
    assert (await mona.do(c, "takeover")).json()["title"] == "There is nothing here"
    assert (await rows(alice, "mine"))[0]["adviser"]["id"] == alice.id


async def test_what_is_closed_can_be_opened_again_until_there_is_another(carol: Customer, alice: Adviser) -> None:
    c = await carol.begin()
    await alice.take(c)
    assert (await alice.do(c, "close")).json()["row"]["state"] == "closed"
    assert (await alice.do(c, "takeover")).json()["detail"] == "This conversation is closed"
    assert (await alice.do(c, "reopen")).json()["row"]["state"] == "active"
    await carol.event("reopened")
    await alice.do(c, "close")
    await carol.event("closed")
    await carol.begin("Another thing")
    assert (await alice.do(c, "reopen")).json()["detail"] == "The customer has begun another conversation"


# -- supervisors ----------------------------------------------------------------------------------------------------------


async def test_mona_sees_all_that_happens_and_others_do_not(
    carol: Customer, alice: Adviser, bob: Adviser, manager: Adviser
) -> None:
    c = await carol.begin(team="advice")
    await alice.take(c)
    await card(manager, c, adviser="alice")
    assert [(row["c"], row["adviser"]["name"]) for row in await rows(manager, "live")] == [(c, "Alice Martin")]
    assert [row["c"] for row in await rows(manager, "all")] == [c]
    for view in ("live", "all", "everything"):
        assert (await bob.http.get("/desk/inbox", params={"view": view})).status_code == 404
    roster = (await manager.http.get("/desk/roster")).json()
    assert roster["you"]["supervisor"]
    assert {one["slug"]: one["load"] for one in roster["advisers"]}["alice"] == 1
    assert roster["load"]["active"] == 1


async def test_mona_joins_a_conversation_that_stays_alices(carol: Customer, alice: Adviser, manager: Adviser) -> None:
    c = await carol.begin(team="advice")
    await alice.take(c)
    assert (await alice.do(c, "join")).status_code == 403
    for _ in range(2):  # a second click is no second person
        joined = await manager.do(c, "join")
        assert joined.json()["row"]["adviser"]["id"] == alice.id
    await carol.event("joined", name="Mona Martin")
    await manager.send({"t": "join", "c": c, "after": 0})
    await manager.say(c, "I am listening too")
    heard = await carol.event("text", text="I am listening too")
    assert heard["by"] == f"adviser:{manager.id}"
    assert (await manager.do(c, "leave")).status_code == 200
    await carol.event("left", name="Mona Martin")
    came = [event["body"]["name"] for event in carol.events(c) if event["kind"] == "joined"]
    assert came == ["Alice Martin", "Mona Martin"]
    assert (await manager.do(c, "takeover")).json()["row"]["adviser"]["id"] == manager.id


async def test_mona_hands_on_what_is_alices(carol: Customer, alice: Adviser, bob: Adviser, manager: Adviser) -> None:
    c = await carol.begin()
    await alice.take(c)
    assert (await manager.do(c, "transfer", adviser="bob")).status_code == 204
    await card(bob, c, offered=bob.id)


# -- lists ----------------------------------------------------------------------------------------------------------------


async def test_unread_is_what_nobody_has_read(carol: Customer, alice: Adviser) -> None:
    c = await carol.begin()
    await alice.take(c)
    ack = await alice.say(c, "Good morning")
    assert not (await rows(alice, "mine"))[0]["unread"]
    await carol.send({"t": "send", "c": c, "id": "s", "kind": "seen", "body": {"seq": ack["seq"]}})
    await alice.event("seen", seq=ack["seq"])
    assert not (await rows(alice, "mine"))[0]["unread"], "that she has read it is nothing to read"
    said = await carol.say(c, "A question")
    await card(alice, c, unread=True, preview="A question")
    await alice.send({"t": "send", "c": c, "id": "r", "kind": "seen", "body": {"seq": said["seq"]}})
    await alice.until(lambda frame: frame["t"] == "ack" and frame["id"] == "r")
    assert not (await rows(alice, "mine"))[0]["unread"]


async def test_a_list_goes_on_without_a_gap_or_a_repeat_in_the_same_second(bank: Bank, alice: Adviser) -> None:
    now = bank.clock.now()

    def fill(connection: Connection) -> None:
        for number in range(2 * PAGE + 5):
            store.add(
                connection,
                {
                    "uid": f"c{number}",
                    "person_key": f"0:p{number}",
                    "state": "closed",
                    "language": "en",
                    "last_seq": 0,
                    "customer_seen": 0,
                    "adviser_seen": 0,
                    "mailed_seq": 0,
                    "created_at": now,
                    "updated_at": now - number // 40,
                    "closed_at": now,
                },
            )

    await bank.database.write(fill)
    found: list[str] = []
    after = ""
    while True:
        part = (await alice.http.get("/desk/inbox", params={"view": "closed", "after": after})).json()
        found += [row["c"] for row in part["rows"]]
        if part["next"] is None:
            break
        after = part["next"]
    assert sorted(found) == sorted(f"c{number}" for number in range(2 * PAGE + 5))


async def test_tags_are_tidied_shared_and_hidden_from_the_customer(
    carol: Customer, alice: Adviser, bob: Adviser
) -> None:
    c = await carol.begin()
    await alice.take(c)
    tagged = await alice.do(c, "tags", tags=["  fees ", "fees", "", "x" * 100])
    assert tagged.json()["row"]["tags"] == ["fees", "x" * 40]
    await card(bob, c, tags=["fees", "x" * 40])
    await carol.until(lambda frame: frame["t"] == "event" and frame["kind"] == "hidden")
    assert "fees" not in str(carol.frames)


async def test_the_load_is_that_of_ones_own_lists(carol: Customer, alice: Adviser, mona: Adviser, clock: Any) -> None:
    await alice.post("/desk/presence", wish="busy")
    await mona.post("/desk/presence", wish="busy")
    await mona.seen_as("busy")
    c = await carol.begin(team="loans")
    await card(mona, c, state="waiting")
    began = clock.now_ms()
    clock.advance(10)
    assert (await mona.http.get("/desk/roster")).json()["load"] == {
        "waiting": 1,
        "active": 0,
        "waiting_since": began,
    }
    assert (await alice.http.get("/desk/roster")).json()["load"]["waiting"] == 0


async def test_the_customers_card_and_the_day(bank: Bank, carol: Customer, alice: Adviser) -> None:
    now = bank.clock.now()
    booking = bank.app.state.booking
    for start, email in ((now + 2 * HOUR, carol.email), (now + DAY + 2 * HOUR, "dave@customers.example")):
        await booking.book(
            BookRequest(
                request_key=f"k{start}", service="talk", start=start, adviser="alice", name="Carol", email=email
            )
        )
    c = await carol.begin("Before we talk", page="https://bank.example/loans")
    whole = (await alice.http.get(f"/desk/conversations/{c}")).json()
    assert whole["row"]["page"] == "https://bank.example/loans"
    assert (whole["customer"]["email"], whole["customer"]["verified"]) == (carol.email, False)
    today = (await alice.http.get("/desk/today")).json()["appointments"]
    assert [(one["starts_at"], one["customer"]) for one in today] == [((now + 2 * HOUR) * 1000, "Carol")]
    assert (await alice.http.get(today[0]["url"])).status_code == 200


async def test_canned_replies_are_added_replaced_and_taken_away(alice: Adviser, bob: Adviser) -> None:
    added = await alice.post("/desk/canned", shortcut="hello", language="en", text="Hello {name}")
    assert added.status_code == 201
    again = await bob.post("/desk/canned", shortcut="hello", language="en", text="Good morning {name}")
    replies = (await alice.http.get("/desk/canned")).json()["replies"]
    assert replies == [{"id": again.json()["id"], "shortcut": "hello", "language": "en", "text": "Good morning {name}"}]
    wrong = await alice.post("/desk/canned", shortcut="two words", language="xx", text=" ")
    assert {one["field"] for one in wrong.json()["errors"]} == {"shortcut", "language", "text"}
    assert (await alice.post(f"/desk/canned/{again.json()['id']}/delete")).status_code == 204
    assert (await alice.http.get("/desk/canned")).json()["replies"] == []


async def test_a_page_whose_session_is_over_is_told_so(bank: Bank, alice: Adviser) -> None:
    alice.http.cookies.clear()
    answer = await alice.http.get("/desk/inbox")
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthorised")
    page = await alice.http.get("/desk", headers={"Accept": "text/html"})
    assert page.url.path == "/sign-in"
