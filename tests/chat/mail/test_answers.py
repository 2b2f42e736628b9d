"""Answers by mail: from the right sender they are messages, from others notes, and machines change nothing."""

import time
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import update

from presence.chat.mail import by_mail
from presence.storage.tables import adviser, reply_address, visitor
from tests.chat.cast import Adviser, Bank, Customer
from tests.chat.mail.post import CAROL, SENDER, TRUSTED, Post, answer, bounce_of, mailed, of_corpus, part, reply_to
from tests.mail.inbound.cast import files

ALICE = "alice@bank.example"
PASSED = f"Authentication-Results: {TRUSTED}; dmarc=pass header.from=bank.example\r\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 20_000


def with_files(raw: bytes, *parts: tuple[str, str, bytes]) -> bytes:
    """A mail with attachments: name, what it says that they are, and their bytes."""
    head, _, text = raw.partition(b"MIME-Version")
    body = f'{head.decode()}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n'.encode()
    body += b"Content-Type" + text.partition(b"Content-Type")[2]
    for name, kind, octets in parts:
        body += f'\r\n--b\r\nContent-Type: {kind}\r\nContent-Disposition: attachment; filename="{name}"\r\n'.encode()
        body += b"Content-Transfer-Encoding: 8bit\r\n\r\n" + octets
    return body + b"\r\n--b--\r\n"


@pytest.mark.parametrize("protocol", ["lmtp", "smtp"])
async def test_an_answer_is_in_the_conversation_within_a_second(
    protocol: str, post: Post, carol: Customer, alice: Adviser
) -> None:
    c = await mailed(post, carol, alice)
    mail = await post.mail()
    begun = time.monotonic()
    assert await post.brings(answer(mail, "Tuesday suits me."), reply_to(mail), protocol=protocol) == "250 2.0.0 kept"
    said = await alice.event("text", text="Tuesday suits me.")
    assert time.monotonic() - begun < 1
    assert (said["by"], said["body"]["via"]) == ("customer", "mail")
    assert "On Mon, 8 Jun 2026" in said["body"]["quoted"]
    assert "Could you come on Tuesday?" in said["body"]["quoted"]
    assert "Could you come" not in said["body"]["text"]
    row = await post.row(c)
    assert row.customer_seen == row.mailed_seq  # what was mailed has been read, what came later has not


async def test_who_answers_has_not_seen_what_was_said_since(post: Post, carol: Customer, alice: Adviser) -> None:
    c = await mailed(post, carol, alice, "One")
    mail = await post.mail()
    await alice.say(c, "Two")
    await post.brings(answer(mail, "To the first: yes."), reply_to(mail))
    await post.time_passes()
    text = part((await post.mails(2))[1])
    assert "Two" in text
    assert "One" not in text.partition("wrote")[0]


async def test_somebody_elses_answer_is_a_note_for_advisers_alone(post: Post, carol: Customer, alice: Adviser) -> None:
    c = await mailed(post, carol, alice)
    mail = await post.mail()
    raw = answer(mail, "Please send me the contract.", sender="mallory@elsewhere.example")
    assert (await post.brings(raw, reply_to(mail), "mallory@elsewhere.example")).startswith("250")
    note = await alice.event("note", unverified="mallory@elsewhere.example")
    assert note["by"] == "system"
    assert note["body"]["text"] == "Please send me the contract."
    before = await post.row(c)
    await carol.connect({c: 0})
    await carol.until(lambda f: f["t"] == "event" and f["seq"] == note["seq"])
    assert "contract" not in str(carol.frames)
    assert before.state == "active"
    assert before.customer_seen < before.mailed_seq


async def test_a_forged_from_is_a_note_when_our_server_says_so(post: Post, carol: Customer, alice: Adviser) -> None:
    await mailed(post, carol, alice)
    mail = await post.mail()
    forged = f"Authentication-Results: {TRUSTED}; dmarc=fail header.from=customers.example\r\n"
    await post.brings(answer(mail, "Hello", headers=forged), reply_to(mail))
    await alice.event("note", unverified=CAROL)


async def test_an_address_that_carol_forwarded_is_of_no_use_to_others(
    post: Post, carol: Customer, alice: Adviser
) -> None:
    await mailed(post, carol, alice)
    mail = await post.mail()
    assert (await post.brings(of_corpus("people/forwarded-token", reply_to(mail)), reply_to(mail))).startswith("250")
    note = await alice.event("note")
    assert note["body"]["unverified"] not in {"", CAROL}


async def test_when_nobody_is_there_advisers_are_told_of_somebody_unknown_once_an_hour(
    post: Post, bank: Bank, carol: Customer
) -> None:
    async with Adviser(bank, "alice") as alice:
        await mailed(post, carol, alice)
        await bank.chat.sign_out(f"adviser:{alice.id}")
    await bank.look()
    mail = await post.mail()
    for number in range(3):
        raw = answer(mail, f"Number {number}", sender="mallory@elsewhere.example", name=f"m{number}")
        await post.brings(raw, reply_to(mail), "mallory@elsewhere.example")
    told = await post.mail(ALICE)
    assert "mallory@elsewhere.example" in part(told)
    assert "not the address we know" in part(told)
    assert "You can also simply answer" not in part(told)


async def test_an_address_that_was_not_given_out_or_was_withdrawn_is_refused_at_once(
    post: Post, bank: Bank, carol: Customer, alice: Adviser
) -> None:
    await mailed(post, carol, alice)
    mail = await post.mail()
    raw, address = answer(mail, "Hello"), reply_to(mail)
    first = address.index("+") + 1
    changed = address[:first] + ("1" if address[first] == "0" else "0") + address[first + 1 :]
    for unknown in (changed, f"reply+{'0' * 22}@bank.example", "advice@bank.example", "carol@customers.example"):
        assert await post.brings(raw, unknown) == "550 5.1.1 there is no such address"
    await bank.database.write(
        lambda connection: connection.execute(update(reply_address).values(revoked_at=1)).rowcount
    )
    assert await post.brings(raw, address) == "550 5.1.1 there is no such address"
    assert await post.brings(raw, "postmaster@bank.example") == "250 2.0.0 kept"


async def test_an_address_that_carol_had_mistyped_does_not_speak_for_her(
    post: Post, bank: Bank, carol: Customer, alice: Adviser
) -> None:
    await mailed(post, carol, alice)
    mail = await post.mail()
    await bank.database.write(
        lambda connection: connection.execute(update(visitor).values(email="carol@work.example")).rowcount
    )
    await post.brings(answer(mail, "It is not for me."), reply_to(mail))
    await alice.event("note", unverified=CAROL)


async def test_an_answer_to_what_is_closed_opens_it_again(post: Post, carol: Customer, alice: Adviser) -> None:
    c = await mailed(post, carol, alice)
    mail = await post.mail()
    await alice.do(c, "close")
    await post.brings(answer(mail, "One more thing."), reply_to(mail))
    await alice.event("reopened")
    await alice.event("text", text="One more thing.")
    row = await post.row(c)
    assert (row.state, row.closed_at, row.wanted_adviser_id) == ("message", None, alice.id)


async def test_an_answer_goes_to_the_conversation_that_is_open_now(post: Post, carol: Customer, alice: Adviser) -> None:
    c = await mailed(post, carol, alice)
    mail = await post.mail()
    await alice.do(c, "close")
    now = await carol.begin("Another matter")
    await post.brings(answer(mail, "And about Tuesday: yes."), reply_to(mail))
    assert (await carol.event("text", text="And about Tuesday: yes."))["c"] == now
    assert (await post.row(c)).state == "closed"


async def test_files_come_with_it_as_what_they_are(post: Post, carol: Customer, alice: Adviser) -> None:
    c = await mailed(post, carol, alice)
    mail = await post.mail()
    raw = with_files(
        answer(mail, "My papers."),
        ("photo.png", "application/pdf", PNG),
        ("../harmless.jpg", "image/jpeg", b"<html><script>alert(1)</script></html>"),
        ("film.mp4", "video/mp4", (b"y" * 74 + b"\r\n") * 145_000),
    )
    await post.brings(raw, reply_to(mail))
    await alice.event("text", text="My papers.")
    sent = await post.bodies(c, "file")
    assert [(one["name"], one["type"], one["size"]) for one in sent] == [
        ("photo.png", "image/png", len(PNG)),
        ("harmless.jpg", "application/octet-stream", 38),
    ]
    answered = await alice.http.get(f"/chat/files/{sent[0]['file']}")
    assert answered.content == PNG
    assert "film.mp4 (10.5 MB) is too large" in (await post.bodies(c, "note"))[0]["text"]


async def test_a_changed_subject_is_shown(post: Post, carol: Customer, alice: Adviser) -> None:
    c = await mailed(post, carol, alice)
    mail = await post.mail()
    await post.brings(answer(mail, "Yes.", name="1"), reply_to(mail))
    raw = answer(mail, "See above.", name="2").replace(b"Re: Your conversation", b"RE: My card! Your conversation")
    await post.brings(raw, reply_to(mail))
    _, first, second = await post.bodies(c, "text", "customer")
    assert "subject" not in first
    assert second["subject"] == "My card! Your conversation with Banque Lumière"


# -- machines -----------------------------------------------------------------------------------------------------


async def test_automatic_mail_is_a_note_that_changes_nothing(post: Post, carol: Customer, alice: Adviser) -> None:
    c = await mailed(post, carol, alice)
    mail = await post.mail()
    before, sent = await post.row(c), await post.outbox()
    machines = files("away")
    for file in machines:
        raw = of_corpus(f"away/{file.stem}", reply_to(mail)).replace(b"dave@customers.example", CAROL.encode())
        sender = "" if b"Return-Path: <>" in raw else CAROL
        assert (await post.brings(raw, reply_to(mail), sender)).startswith("250"), file
    notes = await post.bodies(c, "note")
    assert len(notes) == len(machines)
    assert all(note["automatic"] for note in notes)
    await post.time_passes(600)
    after = await post.row(c)
    for name in ("state", "updated_at", "adviser_id", "customer_seen", "mailed_seq", "mail_due_at", "preview"):
        assert getattr(after, name) == getattr(before, name), name
    assert await post.outbox() == sent


@pytest.mark.parametrize("name", ["auto-submitted-no", "auto-submitted-no-with-comment", "about-a-holiday"])
async def test_people_are_people(name: str, post: Post, carol: Customer, alice: Adviser) -> None:
    c = await mailed(post, carol, alice)
    mail = await post.mail()
    await post.brings(of_corpus(f"people/{name}", reply_to(mail)), reply_to(mail))
    assert len(await post.bodies(c, "text", "customer")) == 2


async def test_what_says_that_it_is_from_us_changes_nothing(post: Post, carol: Customer, alice: Adviser) -> None:
    c = await mailed(post, carol, alice)
    mail = await post.mail()
    for number, sender in enumerate((SENDER, SENDER.upper(), reply_to(mail), bounce_of(mail))):
        await post.brings(answer(mail, "Hello", sender=sender, name=f"m{number}"), reply_to(mail))
    assert [note["automatic"] for note in await post.bodies(c, "note")] == ["our own", "our own", "our own", "sender"]


async def test_a_machine_that_nothing_gives_away_is_known_by_repeating_itself(
    post: Post, carol: Customer, alice: Adviser
) -> None:
    c = await mailed(post, carol, alice)
    mail = await post.mail()
    text = "I am on holiday until the end of the month and read no mail."
    for number in range(3):
        await post.brings(answer(mail, text, name=f"m{number}"), reply_to(mail))
    assert len(await post.bodies(c, "text", "customer")) == 2
    assert [note["automatic"] for note in await post.bodies(c, "note")] == ["repeated"] * 2


async def test_whoever_writes_without_end_is_not_heard_any_more(
    post: Post, carol: Customer, alice: Adviser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_mail, "PER_HOUR", 3)
    monkeypatch.setattr(by_mail, "PER_DAY", 5)
    c = await mailed(post, carol, alice)
    mail = await post.mail()
    answers = [await post.brings(answer(mail, f"Number {n}", name=f"m{n}"), reply_to(mail)) for n in range(7)]
    assert [one[:3] for one in answers] == ["250"] * 5 + ["554"] * 2
    assert len(await post.bodies(c, "text", "customer")) == 1 + 3
    assert [note["automatic"] for note in await post.bodies(c, "note")] == ["too many"] * 2
    await post.bank.later(86_401)
    assert (await post.brings(answer(mail, "The day after", name="later"), reply_to(mail))).startswith("250")
    assert len(await post.bodies(c, "text", "customer")) == 1 + 4


# -- twice ----------------------------------------------------------------------------------------------------------


def kept_files(directory: Path) -> list[Path]:
    return [file for file in (directory / "files").rglob("*") if file.is_file()]


async def test_the_same_mail_again_is_the_same_mail(
    post: Post, carol: Customer, alice: Adviser, tmp_path: Path
) -> None:
    c = await mailed(post, carol, alice)
    mail = await post.mail()
    raw = with_files(answer(mail, "Yes."), ("photo.png", "image/png", PNG))
    for _ in range(3):
        assert (await post.brings(raw, reply_to(mail))).startswith("250")
    # By another way: other lines at the top, the same Message-ID.
    assert (await post.brings(b"Received: from elsewhere\r\n" + raw, reply_to(mail), protocol="smtp")).startswith("250")
    assert [one["text"] for one in await post.bodies(c, "text", "customer")] == ["Good morning!", "Yes."]
    assert len(await post.bodies(c, "file")) == 1
    assert len(kept_files(tmp_path)) == 1


async def test_an_answer_that_was_lost_after_the_commit_doubles_nothing(
    post: Post, carol: Customer, alice: Adviser
) -> None:
    c = await mailed(post, carol, alice)
    mail = await post.mail()
    raw = answer(mail, "Yes.")
    async with post.door() as other:
        await other.says(f"MAIL FROM:<{CAROL}>")
        await other.says(f"RCPT TO:<{reply_to(mail)}>")
        await other.says("DATA")
        other.writer.write(raw + b".\r\n")
        await alice.event("text", text="Yes.")  # committed; the other side hangs up without having heard of it
    assert (await post.brings(raw, reply_to(mail))).startswith("250")
    assert len(await post.bodies(c, "text", "customer")) == 2


async def test_mails_without_message_id_are_known_by_their_bytes(post: Post, carol: Customer, alice: Adviser) -> None:
    c = await mailed(post, carol, alice)
    mail = await post.mail()
    for text in ("Yes.", "Yes.", "No."):
        raw = answer(mail, text).replace(b"Message-ID: <answer@customers.example>\r\n", b"")
        await post.brings(raw, reply_to(mail))
    assert [one["text"] for one in await post.bodies(c, "text", "customer")] == ["Good morning!", "Yes.", "No."]


# -- what cannot be read ----------------------------------------------------------------------------------------------


async def test_an_encrypted_mail_stands_in_the_conversation_with_the_mail_itself(
    post: Post, carol: Customer, alice: Adviser
) -> None:
    c = await mailed(post, carol, alice)
    mail = await post.mail()
    raw = of_corpus("unreadable/smime", reply_to(mail))
    await post.brings(raw, reply_to(mail))
    await alice.event("text", text="This mail is encrypted. It is attached as it came.")
    file, *_ = await post.bodies(c, "file")
    assert file["name"] == "message.eml"
    assert (await alice.http.get(f"/chat/files/{file['file']}")).content == raw


async def test_a_mail_that_makes_no_sense_is_a_note_with_the_mail_itself(
    post: Post, carol: Customer, alice: Adviser
) -> None:
    await mailed(post, carol, alice)
    mail = await post.mail()
    raw = of_corpus("unreadable/nothing-readable", reply_to(mail)).replace(CAROL.encode(), b"?")
    assert (await post.brings(raw, reply_to(mail))).startswith("250")
    note = await alice.event("note")
    assert note["body"]["text"] == "This mail could not be read. It is attached as it came."
    (file,) = note["body"]["files"]
    assert (await alice.http.get(f"/chat/files/{file['file']}")).content == raw


# -- advisers -----------------------------------------------------------------------------------------------------


async def test_an_adviser_answers_by_mail(post: Post, bank: Bank, carol: Customer) -> None:
    c = await carol.begin("My card is gone!", adviser="alice")
    mail = await post.mail(ALICE)
    assert "You can also simply answer this mail: Carol will read what you write." in part(mail)
    raw = answer(mail, "A new one is on its way.", sender=ALICE, headers=PASSED)
    assert (await post.brings(raw, reply_to(mail), ALICE)).startswith("250")
    alice = bank.chat.board.by_slug["alice"].id
    said = await carol.event("text", text="A new one is on its way.")
    assert (said["by"], "quoted" in said["body"]) == (f"adviser:{alice}", False)
    assert (await carol.event("joined"))["body"]["name"] == "Alice Martin"
    assert CAROL not in str([frame for frame in carol.events(c) if frame["kind"] != "text"])
    (note,) = await post.bodies(c, "note")
    assert CAROL in note["quoted"]
    assert (await post.row(c)).adviser_id == alice
    await carol.hang_up()
    await post.time_passes()
    assert "A new one is on its way." in part(await post.mail(CAROL))


@pytest.mark.parametrize(
    "headers",
    [
        "",
        f"Authentication-Results: {TRUSTED}; dmarc=fail header.from=bank.example\r\n",
        "Authentication-Results: mx.elsewhere.example; dmarc=pass header.from=bank.example\r\n",
        f"Authentication-Results: {TRUSTED}; dmarc=pass header.from=elsewhere.example\r\n",
        f"Authentication-Results: {TRUSTED}; dmarc=none\r\n{PASSED}",  # ours is on top; the other came with the mail
    ],
)
async def test_whoever_only_says_that_they_are_an_adviser_is_not_believed(
    headers: str, post: Post, carol: Customer
) -> None:
    c = await carol.begin(adviser="alice")
    mail = await post.mail(ALICE)
    await post.brings(answer(mail, "Send your password.", sender=ALICE, headers=headers), reply_to(mail), ALICE)
    (note,) = await post.bodies(c, "note")
    assert note["unverified"] == ALICE
    assert [one["text"] for one in await post.bodies(c, "text")] == ["Hello?"]


async def test_an_adviser_who_has_left_the_bank_answers_no_more(post: Post, bank: Bank, carol: Customer) -> None:
    await carol.begin(adviser="alice")
    mail = await post.mail(ALICE)
    await bank.database.write(
        lambda connection: (
            connection.execute(update(adviser).where(adviser.c.slug == "alice").values(active=False)).rowcount
        )
    )
    raw = answer(mail, "Hello", sender=ALICE, headers=PASSED)
    assert (await post.brings(raw, reply_to(mail), ALICE)).startswith("550")


async def test_what_an_adviser_encrypts_is_shown_to_no_customer(post: Post, carol: Customer) -> None:
    c = await carol.begin(adviser="alice")
    mail = await post.mail(ALICE)
    raw = of_corpus("unreadable/smime", reply_to(mail)).replace(CAROL.encode(), ALICE.encode())
    await post.brings(PASSED.encode() + raw, reply_to(mail), ALICE)
    (note,) = await post.bodies(c, "note")
    assert note["text"] == "This mail is encrypted. It is attached as it came."
    assert await post.bodies(c, "file") == []


async def test_a_transcript_that_was_sent_to_others_lets_them_read_alone(
    post: Post, bank: Bank, carol: Customer, alice: Adviser
) -> None:
    c = await carol.begin("Good morning!")
    await alice.take(c)
    await carol.post(f"/chat/conversations/{c}/transcript", email="dave@customers.example")
    mail = await post.mail("dave@customers.example")
    assert "Good morning!" in part(mail)
    raw = answer(mail, "I am Carol.", sender="dave@customers.example")
    await post.brings(raw, reply_to(mail), "dave@customers.example")
    await alice.event("note", unverified="dave@customers.example")


def test_what_is_written_of_a_mail_is_what_clients_read() -> None:
    body = msgspec.json.decode(by_mail.note_body("One", "> Two"))
    assert body == {"text": "One", "via": "mail", "quoted": "> Two"}
