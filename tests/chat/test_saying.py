"""What is said, changed, marked and typed in a conversation, over real sockets."""

from sqlalchemy import select

from presence.chat.rules import EDITABLE
from presence.storage.tables import event
from tests.chat.cast import Adviser, Bank, Browser, Customer, Frame
from tests.support import FrozenClock


async def sent(whose: Browser, c: str, kind: str, id_: str, **body: object) -> Frame:
    """Send an event; what is answered."""
    await whose.send({"t": "send", "c": c, "id": id_, "kind": kind, "body": body})
    return await whose.until(lambda f: f["t"] in {"ack", "refused"} and f["id"] == id_)


async def test_own_words_are_changed_for_a_quarter_of_an_hour(
    bank: Bank, carol: Customer, alice: Adviser, clock: FrozenClock
) -> None:
    c = await carol.begin()
    await alice.take(c)
    seq = (await carol.say(c, "a misteak"))["seq"]
    answer = (await alice.say(c, "What mistake?"))["seq"]
    assert (await sent(carol, c, "edit", "e1", seq=seq, text="a mistake"))["t"] == "ack"
    assert (await alice.event("edit"))["body"] == {"seq": seq, "text": "a mistake"}
    assert (await sent(carol, c, "edit", "e2", seq=answer, text="nonsense"))["code"] == "not-yours"
    assert (await sent(alice, c, "withdraw", "w1", seq=seq))["code"] == "not-yours"
    clock.advance(EDITABLE)
    assert (await sent(carol, c, "withdraw", "w2", seq=seq))["t"] == "ack"
    await alice.event("withdraw", seq=seq)
    clock.advance(1)
    assert (await sent(alice, c, "edit", "e3", seq=answer, text="too late"))["code"] == "too-late"
    assert (await sent(carol, c, "edit", "e1", seq=seq, text="a mistake"))["t"] == "ack"  # the same again is the same


async def test_a_note_reaches_no_customer_by_any_way(bank: Bank, carol: Customer, alice: Adviser) -> None:
    c = await carol.begin()
    await alice.take(c)
    seq = (await sent(alice, c, "note", "n", text="A secret of ours"))["seq"]
    assert (await sent(alice, c, "edit", "e", seq=seq, text="A secret, edited"))["code"] == "not-yours"
    assert (await sent(alice, c, "withdraw", "w", seq=seq))["t"] == "ack"
    await sent(alice, c, "note", "n2", text="A secret again")
    await alice.post(f"/desk/conversations/{c}/tags", tags=["secret tag"])
    await alice.do(c, "close")
    await carol.event("closed")
    await carol.hang_up()
    await carol.connect({c: 0})
    await carol.until(lambda f: f["t"] == "caught" and f["seq"] >= 9)
    ways = [
        str(carol.frames),
        (await carol.http.get("/chat/history")).text,
        (await carol.http.get(f"/chat/conversations/{c}/transcript.txt")).text,
        (await carol.post("/chat/session")).text,
    ]
    assert "secret" not in "".join(ways).lower()
    assert [event["seq"] for event in carol.events(c)][-1] == carol.events(c)[-1]["seq"]
    kinds = [event["kind"] for event in carol.events(c)]
    assert kinds.count("hidden") >= 3


async def test_delivered_and_seen_are_events_that_only_go_forward(bank: Bank, carol: Customer, alice: Adviser) -> None:
    c = await carol.begin()
    await alice.take(c)
    seqs = [(await alice.say(c, text))["seq"] for text in ("One", "Two", "Three")]
    await carol.event("text", text="Three")
    await sent(carol, c, "got", "g", seq=seqs[2])
    await alice.event("got", seq=seqs[2])
    await sent(carol, c, "seen", "s1", seq=seqs[2])
    await alice.event("seen", seq=seqs[2])
    assert (await sent(carol, c, "seen", "s2", seq=seqs[0]))["t"] == "ack"
    assert (await sent(carol, c, "seen", "s3", seq=10_000))["code"] == "unknown"
    found = await bank.chat.desk.conversation(bank.chat.board.members[alice.id], c)
    assert found.customer_seen == seqs[2]


async def test_typing_is_shown_to_the_others_and_never_stored(bank: Bank, carol: Customer, alice: Adviser) -> None:
    c = await carol.begin()
    await alice.take(c)
    before = await bank.database.read(lambda sql: len(sql.execute(select(event.c.seq)).all()))
    await carol.send({"t": "typing", "c": c})
    assert (await alice.until(lambda f: f["t"] == "typing"))["by"] == "customer"
    await alice.send({"t": "typing", "c": c})
    assert (await carol.until(lambda f: f["t"] == "typing"))["by"] == f"adviser:{alice.id}"
    assert [f["by"] for f in carol.frames if f["t"] == "typing"] == [f"adviser:{alice.id}"]
    assert await bank.database.read(lambda sql: len(sql.execute(select(event.c.seq)).all())) == before


async def test_who_sends_without_listening_is_acknowledged_too(bank: Bank, carol: Customer, alice: Adviser) -> None:
    c = await carol.begin()
    await carol.send({"t": "leave", "c": c})
    first = await carol.say(c, "Into the dark", "dark")
    carol.frames.clear()
    again = await carol.say(c, "Into the dark", "dark")
    assert (again["t"], again["seq"]) == ("ack", first["seq"])
    await carol.send({"t": "join", "c": c, "after": first["seq"] - 1})
    await carol.event("text", text="Into the dark")


async def test_what_a_refused_batch_holds_besides_is_stored(bank: Bank, carol: Customer, alice: Adviser) -> None:
    c = await carol.begin()
    await carol.send(
        {"t": "send", "c": c, "id": "1", "kind": "text", "body": {"text": "good"}},
        {"t": "send", "c": c, "id": "zero\u0000", "kind": "text", "body": {"text": "x"}},
        {"t": "send", "c": c, "id": "2", "kind": "edit", "body": {"seq": 2**60, "text": "x"}},
        {"t": "send", "c": c, "id": "3", "kind": "text", "body": {"text": "x" * 8001}},
        {"t": "send", "c": c, "id": "4", "kind": "text", "body": {"text": "also good"}},
    )
    await carol.until(lambda f: f["t"] == "ack" and f["id"] == "4")
    told = {f["id"]: f["code"] for f in carol.frames if f["t"] == "refused"}
    assert told == {"zero\u0000": "unknown", "2": "unknown", "3": "too-long"}


async def test_a_zero_byte_breaks_nothing(bank: Bank, alice: Adviser) -> None:
    for field in ("page", "subject", "name", "id", "text"):
        async with Customer(bank, "Carol") as carol:
            await carol.session()
            body = {"id": "first", "text": "Hello", "name": "Carol", "email": carol.email, field: "a\u0000b"}
            answer = await carol.post("/chat/conversations", **body)
            assert answer.status_code == (422 if field == "id" else 201), (field, answer.text)
