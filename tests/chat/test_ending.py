"""A conversation is over: rated once, kept, read again, begun anew."""

from pathlib import Path

import pytest
from sqlalchemy import select

from presence.i18n import translator
from presence.storage.tables import conversation
from tests.chat.cast import Adviser, Bank, Customer
from tests.chat.stage import copied_sqlite


@pytest.fixture
def database_url(settled_sqlite: Path, tmp_path: Path) -> str:
    """SQLite alone: what is asked of the database is asked elsewhere on both."""
    return copied_sqlite(settled_sqlite, tmp_path)


async def test_it_is_rated_once_and_only_when_it_is_over(bank: Bank, carol: Customer, alice: Adviser) -> None:
    c = await carol.begin()
    await alice.take(c)
    rating = f"/chat/conversations/{c}/rating"
    assert (await carol.post(rating, rating=5)).status_code == 409
    await alice.do(c, "close")
    for wrong in (0, 6, -1):
        assert (await carol.post(rating, rating=wrong)).status_code == 422
    assert (await carol.post(rating, rating="5")).status_code == 400
    assert (await carol.post(rating, rating=4, comment="Kind\u0000")).status_code == 204
    assert (await carol.post(rating, rating=4, comment="Kind")).status_code == 204  # the answer had been lost
    assert (await carol.post(rating, rating=1)).status_code == 409
    row = await bank.database.read(lambda sql: sql.execute(select(conversation.c.rating, conversation.c.comment)).one())
    assert tuple(row) == (4, "Kind")
    await alice.event("rated", rating=4)
    assert [event["kind"] for event in alice.events(c)].count("rated") == 1


async def test_a_transcript_says_who_and_when_in_which_zone(bank: Bank, carol: Customer, alice: Adviser) -> None:
    c = await carol.begin("Bonjour à tous")
    await alice.take(c)
    await alice.say(c, "How may I help?")
    seq = (await carol.say(c, "My PIN is 1234"))["seq"]
    await carol.send({"t": "send", "c": c, "id": "w", "kind": "withdraw", "body": {"seq": seq}})
    await carol.until(lambda f: f["t"] == "ack" and f["id"] == "w")
    path = f"/chat/conversations/{c}/transcript.txt"
    english = await carol.http.get(path, params={"lang": "en"})
    french = await carol.http.get(path, params={"lang": "fr"})
    assert english.headers["content-disposition"].startswith('attachment; filename="conversation-2026-06-08')
    assert english.headers["cache-control"] == "no-store"
    for answer, language in ((english, "en"), (french, "fr")):
        t = translator(language)
        lines = answer.text.splitlines()
        assert lines[0] == t.gettext("Conversation with %(organisation)s", organisation="Banque Lumière")
        assert t.zone_name("Europe/Paris", bank.clock.now()) in lines[1]
        assert lines[3].endswith("Carol: Bonjour à tous")
        assert lines[4].endswith("Alice Martin: How may I help?")
        assert "1234" not in answer.text
    assert english.text.splitlines()[1] != french.text.splitlines()[1]
    assert "8:00" in english.text
    assert "08:00" in french.text


async def test_the_history_is_ones_own_and_a_new_one_begins_after_the_end(
    bank: Bank, carol: Customer, alice: Adviser
) -> None:
    first = await carol.begin("The first matter")
    assert (await carol.post(f"/chat/conversations/{first}/end")).status_code == 204
    assert (await carol.post(f"/chat/conversations/{first}/end")).status_code == 204
    bank.clock.advance(5)  # type: ignore[attr-defined]
    second = await carol.begin("The second")
    assert second != first
    async with Customer(bank, "Dave") as dave:
        await dave.begin()
        mine = (await carol.http.get("/chat/history")).json()["conversations"]
        assert [(one["c"], one["state"], one["preview"]) for one in mine] == [
            (second, "waiting", "The second"),
            (first, "closed", "The first matter"),
        ]
    assert (await carol.session())["open"] == second


async def test_who_ended_and_began_anew_is_not_called_back(bank: Bank, carol: Customer, alice: Adviser) -> None:
    first = await carol.begin()
    await alice.take(first)
    await alice.do(first, "close")
    await carol.begin("Another matter")
    assert (await alice.do(first, "reopen")).status_code == 409
