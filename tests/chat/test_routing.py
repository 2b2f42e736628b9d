"""Who gets whom, live: offers, their time, transfers, rescue, and what waits until somebody comes."""

from pathlib import Path

import pytest
from sqlalchemy import select, update

from presence.chat.desk.queueing import OFFER, UNATTENDED
from presence.roster import store as roster_store
from presence.roster.presence import GRACE
from presence.storage.tables import visitor
from tests.chat.cast import Adviser, Bank, Customer, Frame
from tests.chat.stage import copied_sqlite


@pytest.fixture
def database_url(settled_sqlite: Path, tmp_path: Path) -> str:
    """SQLite alone: who gets whom is decided by rules; the queries run on both in the other files."""
    return copied_sqlite(settled_sqlite, tmp_path)


def offered(c: str, adviser: Adviser) -> object:
    def wanted(frame: Frame) -> bool:
        if frame["t"] != "card" or frame["c"] != c or frame["row"] is None:
            return False
        return (frame["row"]["offered"] or {}).get("id") == adviser.id

    return wanted


async def until_offered(c: str, adviser: Adviser, since: int = 0) -> Frame:
    return await adviser.until(offered(c, adviser), since)  # type: ignore[arg-type]


async def vouched_for(bank: Bank, carol: Customer, slug: str) -> None:
    """A site vouches for Carol, whose personal adviser this is."""

    def work(sql):  # type: ignore[no-untyped-def]
        customer_id, _ = roster_store.upsert_customer(
            sql, email=carol.email, name="Carol", language="en", zone="Europe/Paris", phone="", now=bank.clock.now()
        )
        roster_store.assign(sql, carol.email, bank.chat.board.by_slug[slug].id)
        last = select(visitor.c.id).order_by(visitor.c.id.desc()).limit(1).scalar_subquery()
        values = {"verified": True, "customer_id": customer_id, "email": carol.email, "name": "Carol"}
        sql.execute(update(visitor).where(visitor.c.id == last).values(values))

    await bank.database.write(work)


async def test_the_personal_adviser_comes_first_for_whom_a_site_vouches(
    bank: Bank, carol: Customer, alice: Adviser
) -> None:
    async with Adviser(bank, "mona") as mona:
        await carol.session()
        await vouched_for(bank, carol, "mona")
        await until_offered(await carol.begin(), mona)


async def test_whoever_types_an_address_does_not_learn_whose_customer_it_is(
    bank: Bank, carol: Customer, alice: Adviser
) -> None:
    async with Adviser(bank, "mona") as mona, Customer(bank, "Mallory") as mallory:
        await carol.session()
        await vouched_for(bank, carol, "mona")
        await mona.post("/desk/presence", wish="available")
        mallory.email = carol.email
        c = await mallory.begin()  # Alice is as free, and comes first
        await until_offered(c, alice)
        assert "Mona" not in str(mallory.frames)
        history = (await mallory.http.get("/chat/history")).json()["conversations"]
        assert [one["c"] for one in history] == [c]


async def test_an_offer_that_lapses_goes_to_the_next_and_back_after_a_pause(
    bank: Bank, carol: Customer, alice: Adviser
) -> None:
    async with Adviser(bank, "bob") as bob:
        c = await carol.begin()
        first, other = alice, bob
        await until_offered(c, first)
        await bank.later(OFFER)
        await until_offered(c, other)
        await other.do(c, "pass")
        at = len(first.frames)
        await bank.later(OFFER)
        await until_offered(c, first, at)
        await first.take(c)
        assert (await carol.event("joined"))["body"]["name"] == "Alice Martin"
        assert (await bob.do(c, "accept")).status_code == 409


async def test_a_language_comes_before_room(bank: Bank, carol: Customer, alice: Adviser) -> None:
    async with Adviser(bank, "mona") as mona, Adviser(bank, "bob") as bob, Customer(bank, "Dave") as dave:
        await alice.post("/desk/presence", wish="away")
        await until_offered(await carol.begin("Bonjour", language="fr"), bob)
        await until_offered(await dave.begin("Hello", language="en"), mona)


async def test_those_who_wait_are_told_their_place_as_it_changes(bank: Bank, alice: Adviser) -> None:
    await alice.post("/desk/presence", wish="busy")
    async with Customer(bank, "Carol") as carol, Customer(bank, "Dave") as dave:
        await carol.begin()
        c = await dave.begin()
        assert (await carol.until(lambda f: f["t"] == "place"))["position"] == 1
        place = await dave.until(lambda f: f["t"] == "place")
        assert (place["c"], place["position"]) == (c, 2)
        assert (await dave.session())["waiting"]["position"] == 2
        await carol.post(f"/chat/conversations/{(await carol.session())['open']}/end")
        await dave.until(lambda f: f["t"] == "place" and f["position"] == 1)


async def test_a_transfer_goes_to_whom_it_was_meant_for(bank: Bank, carol: Customer, alice: Adviser) -> None:
    async with Adviser(bank, "bob") as bob, Adviser(bank, "mona") as mona:
        c = await carol.begin()
        await alice.take(c)
        assert (await alice.do(c, "transfer", adviser="bob")).status_code == 204
        await carol.event("transferred", to="Bob Martin")
        await until_offered(c, bob)
        await bob.take(c)
        assert (await bob.do(c, "transfer", team="loans")).status_code == 204
        await until_offered(c, mona)
        await mona.take(c)
        await carol.event("joined", name="Mona Martin")
        assert (await alice.do(c, "transfer", adviser="bob")).status_code == 404  # of a team she is not of


async def test_when_the_adviser_vanishes_the_customer_is_told_and_another_is_asked(
    bank: Bank, carol: Customer, alice: Adviser
) -> None:
    async with Adviser(bank, "bob") as bob:
        c = await carol.begin()
        await alice.take(c)
        alice.vanish()
        await alice.closed()
        while bank.chat.hub.of(f"adviser:{alice.id}"):
            await bank.look()
        await bank.later(GRACE - 1)
        assert not [event for event in carol.events(c) if event["kind"] == "lost"]
        await bank.later(1)
        assert (await carol.event("lost"))["body"] == {"name": "Alice Martin"}
        await until_offered(c, bob)
        await bob.take(c)
        await carol.say(c, "Are you still there?")
        await bob.event("text", text="Are you still there?")


async def test_when_nobody_is_there_it_is_a_message_and_who_comes_takes_it(bank: Bank, carol: Customer) -> None:
    await carol.session()
    body = {"id": "a", "text": "Hello?", "name": "Carol"}
    assert (await carol.post("/chat/conversations", **body)).status_code == 422  # where may we answer?
    c = await carol.begin()
    assert [event["kind"] for event in carol.events(c)] == ["opened", "text", "message"]
    async with Adviser(bank, "alice") as alice:
        await carol.event("queued")
        await until_offered(c, alice)
        await alice.take(c)
        await carol.event("joined", name="Alice Martin")


async def test_who_waits_while_everybody_leaves_is_told_and_answered_by_mail(bank: Bank, carol: Customer) -> None:
    async with Adviser(bank, "alice") as alice:
        await alice.post("/desk/presence", wish="busy")
        c = await carol.begin()
        await alice.post("/desk/presence", wish="away")
        await bank.later(UNATTENDED)
        await carol.event("message")
        row = (await alice.http.get("/desk/inbox", params={"view": "waiting"})).json()["rows"][0]
        assert (row["c"], row["state"]) == (c, "message")


async def test_two_tabs_have_one_conversation(bank: Bank, carol: Customer, alice: Adviser) -> None:
    c = await carol.begin("One")
    assert await carol.begin("Two") == c
    await carol.event("text", text="Two")
    texts = [event["body"]["text"] for event in carol.events(c) if event["kind"] == "text"]
    assert sorted(set(texts)) == ["One", "Two"]
    assert len((await carol.http.get("/chat/history")).json()["conversations"]) == 1


async def test_between_equals_whoever_was_given_one_longest_ago_is_asked(
    bank: Bank, carol: Customer, alice: Adviser
) -> None:
    async with Adviser(bank, "mona") as mona, Customer(bank, "Dave") as dave:
        c = await carol.begin()
        await until_offered(c, alice)
        await alice.take(c)
        assert (await alice.do(c, "close")).status_code == 200
        await bank.later(60)
        await until_offered(await dave.begin(), mona)
