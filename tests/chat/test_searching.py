"""What was said is found again, on both databases alike."""

import pytest
import sqlalchemy as sa

from presence.chat import searching
from presence.storage.database import Database
from tests.chat.cast import Adviser, Bank, Customer


async def found(bank: Bank, alice: Adviser, text: str) -> list[str]:
    while await bank.app.state.database.write(searching.index):
        pass
    answer = await alice.http.get("/desk/inbox", params={"q": text})
    return [row["c"] for row in answer.json()["rows"]]


async def test_words_are_found_without_their_accents_and_half_typed(
    bank: Bank, carol: Customer, alice: Adviser
) -> None:
    c = await carol.begin("Mon prêt immobilier à Besançon")
    for text in ("pret", "PRÊT besanc", "immobilier", "carol"):
        assert await found(bank, alice, text) == [c], text
    for text in ("prêt auto", '"*:&|', "%", "_"):
        assert await found(bank, alice, text) == [], text


async def test_what_was_edited_or_withdrawn_is_found_as_it_reads_now(
    bank: Bank, carol: Customer, alice: Adviser
) -> None:
    c = await carol.begin("first words")
    seq = (await carol.say(c, "a misteak"))["seq"]
    gone = (await carol.say(c, "my password is swordfish"))["seq"]
    assert await found(bank, alice, "swordfish") == [c]
    await carol.send(
        {"t": "send", "c": c, "id": "e", "kind": "edit", "body": {"seq": seq, "text": "a mistake"}},
        {"t": "send", "c": c, "id": "w", "kind": "withdraw", "body": {"seq": gone}},
    )
    await carol.until(lambda f: f["t"] == "ack" and f["id"] == "w")
    assert await found(bank, alice, "mistake") == [c]
    assert await found(bank, alice, "misteak") == []
    assert await found(bank, alice, "swordfish") == []
    await carol.send({"t": "send", "c": c, "id": "l", "kind": "edit", "body": {"seq": gone, "text": "swordfish again"}})
    await carol.until(lambda f: f["t"] == "ack" and f["id"] == "l")
    assert await found(bank, alice, "swordfish") == []


async def test_what_was_said_and_edited_before_it_was_indexed_is_found_as_it_reads_now(
    bank: Bank, carol: Customer, alice: Adviser
) -> None:
    c = await carol.begin("first words")
    seq = (await carol.say(c, "a misteak"))["seq"]
    await carol.send({"t": "send", "c": c, "id": "e", "kind": "edit", "body": {"seq": seq, "text": "a mistake"}})
    await carol.until(lambda f: f["t"] == "ack" and f["id"] == "e")
    assert await found(bank, alice, "mistake") == [c]
    assert await found(bank, alice, "misteak") == []


@pytest.mark.parametrize("change", [searching.EDIT, searching.WITHDRAW], ids=["edit", "withdraw"])
async def test_a_change_finds_its_row_by_key_however_many_there_are(
    database: Database, change: dict[str, sa.TextClause]
) -> None:
    def plan(connection: sa.Connection) -> str:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SET LOCAL enable_seqscan = off"))  # which an empty table is read by
        explain = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[connection.dialect.name]
        rows = connection.execute(sa.text(f"{explain} {change[connection.dialect.name]}"), {"c": 7, "s": 3, "t": "a"})
        return " ".join(str(column) for row in rows for column in row)

    told = await database.read(plan)
    assert "event_text VIRTUAL TABLE INDEX 0:=" in told or "Index Scan using event_text_pkey" in told, told


async def test_another_teams_conversation_is_not_found(bank: Bank, carol: Customer, alice: Adviser) -> None:
    async with Adviser(bank, "mona"):
        await carol.begin("a loan for the boat", team="loans")
        assert await found(bank, alice, "boat") == []
