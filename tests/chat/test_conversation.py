"""Two people talk."""

import re

from presence.live.frames import Close
from tests.chat.cast import Adviser, Bank, Customer


async def test_carol_asks_and_alice_answers(carol: Customer, alice: Adviser) -> None:
    c = await carol.begin("Good morning!")
    card = await alice.until(lambda f: f["t"] == "card" and f["c"] == c and f["row"]["offered"] is not None)
    assert card["row"]["offered"]["id"] == alice.id
    await alice.take(c)
    assert (await carol.event("joined"))["body"]["name"] == "Alice Martin"
    assert [frame["body"]["text"] for frame in alice.events(c) if frame["kind"] == "text"] == ["Good morning!"]
    ack = await alice.say(c, "How may I help?")
    heard = await carol.event("text", text="How may I help?")
    assert (heard["seq"], heard["by"]) == (ack["seq"], f"adviser:{alice.id}")
    assert [frame["seq"] for frame in carol.events(c)] == list(range(1, heard["seq"] + 1))


async def test_the_same_message_again_is_the_same_message(carol: Customer, alice: Adviser) -> None:
    c = await carol.begin()
    await alice.take(c)
    first = await carol.say(c, "Once", "same-id")
    carol.frames.clear()
    again = await carol.say(c, "Once", "same-id")
    assert (again["t"], again["seq"]) == ("ack", first["seq"])
    await carol.say(c, "Twice")
    await alice.event("text", text="Twice")
    assert [f["body"]["text"] for f in alice.events(c) if f["kind"] == "text"] == ["Hello?", "Once", "Twice"]


async def test_notes_never_reach_the_customer(carol: Customer, alice: Adviser) -> None:
    c = await carol.begin()
    await alice.take(c)
    await alice.send({"t": "send", "c": c, "id": "n", "kind": "note", "body": {"text": "A secret of ours"}})
    await alice.until(lambda f: f["t"] == "ack" and f["id"] == "n")
    hidden = await carol.event("hidden")
    assert (hidden["body"], hidden["by"], hidden["id"]) == (None, "system", "")
    await carol.hang_up()
    await carol.connect({c: 0})
    await carol.until(lambda f: f["t"] == "caught")
    assert "secret" not in str(carol.frames)
    page = await carol.http.get(f"/chat/conversations/{c}/transcript.txt")
    assert "Hello?" in page.text
    assert "secret" not in page.text


async def test_what_was_said_meanwhile_comes_with_the_return(carol: Customer, alice: Adviser) -> None:
    c = await carol.begin()
    await alice.take(c)
    last = carol.events(c)[-1]["seq"]
    await carol.hang_up()
    for text in ("One", "Two", "Three"):
        await alice.say(c, text)
    carol.frames.clear()
    await carol.connect({c: last})
    caught = await carol.until(lambda f: f["t"] == "caught")
    seqs = [f["seq"] for f in carol.events(c)]
    assert seqs == list(range(last + 1, caught["seq"] + 1))
    assert [f["body"]["text"] for f in carol.events(c) if f["kind"] == "text"] == ["One", "Two", "Three"]


async def test_a_stranger_reads_nothing(bank: Bank, carol: Customer, alice: Adviser) -> None:
    c = await carol.begin("My account is empty")
    async with Customer(bank, "Mallory") as mallory:
        await mallory.connect({c: 0})
        assert (await mallory.until(lambda f: f["t"] == "refused"))["code"] == "unknown"
        assert (await mallory.say(c, "I am Carol"))["code"] == "unknown"
        for path in (f"/chat/conversations/{c}/transcript.txt", "/chat/files/abc"):
            assert (await mallory.http.get(path)).status_code == 404
        assert (await mallory.post(f"/chat/conversations/{c}/end")).status_code == 404
        assert "empty" not in str(mallory.frames)


async def test_a_conversation_ends_and_is_rated(carol: Customer, alice: Adviser) -> None:
    c = await carol.begin()
    await alice.take(c)
    assert (await carol.post(f"/chat/conversations/{c}/end")).status_code == 204
    await alice.event("closed", by="customer")
    assert (await carol.say(c, "One more thing"))["code"] == "closed"
    assert (await carol.post(f"/chat/conversations/{c}/rating", rating=5, comment="Kind")).status_code == 204
    rows = (await alice.http.get("/desk/inbox", params={"view": "closed"})).json()["rows"]
    assert [(row["c"], row["rating"]) for row in rows] == [(c, 5)]
    assert await carol.begin("Another matter") != c


async def test_an_appointment_made_meanwhile_is_seen_in_the_conversation(
    bank: Bank, carol: Customer, alice: Adviser
) -> None:
    c = await carol.begin()
    picker = await carol.http.get("/book/talk", headers={"Accept": "text/html"})
    start = re.findall(r'<button class="hour"[^>]*value="(\d+)"', picker.text)[-1]
    form = await carol.http.post("/book/talk/hold", data={"start": start})
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form.text))
    await carol.http.post(form.url.path, data={**hidden, "name": "Carol", "email": carol.email})
    booked = await carol.event("booked")
    assert booked["c"] == c
    assert booked["body"]["starts_at"] == int(start) * 1000


async def test_signing_out_ends_every_device_at_once(bank: Bank, carol: Customer, alice: Adviser) -> None:
    await carol.connect()
    await carol.send({"t": "watch", "what": ["adviser:alice"]})
    await carol.until(lambda f: f["t"] == "presence" and f["state"] == "available")
    answer = await alice.http.post("/sign-out", data={"csrf": alice.http.headers["X-CSRF-Token"]})
    assert answer.status_code == 200
    assert await alice.closed() == Close.SIGNED_OUT
    await carol.until(lambda f: f["t"] == "presence" and f["state"] == "offline")
