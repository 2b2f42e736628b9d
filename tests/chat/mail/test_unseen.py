"""What customers have not seen is mailed to them: all of it in one mail, once, and not when they have seen it after all."""

import asyncio

import pytest

from presence.chat.channels import Channels
from presence.chat.journal import Journal
from presence.chat.mail import mailing
from presence.chat.mail.mailing import Mailing
from presence.config import Config
from presence.mail.templates import MailTemplates
from presence.storage.database import Database
from tests.chat.cast import Adviser, Bank, Customer
from tests.chat.mail.post import CAROL, SENDER, Post, bounce_of, mailed, part, reply_to
from tests.support import FrozenClock


async def test_what_carol_has_not_seen_for_two_minutes_is_one_mail(post: Post, carol: Customer, alice: Adviser) -> None:
    c = await carol.begin("Good morning!")
    await alice.take(c)
    await carol.hang_up()
    for text in ("First.", "Second,\non two lines <b>.", "Third."):
        await alice.say(c, text)
    await post.time_passes(119)
    assert await post.outbox() == []
    await post.time_passes(1)
    mail = await post.mail()
    assert mail["Subject"] == "Your conversation with Banque Lumière"
    assert (str(mail["From"]), str(mail["To"])) == (f"Banque Lumière <{SENDER}>", f"Carol <{CAROL}>")
    text = part(mail)
    assert text.index("First.") < text.index("Second,\non two lines <b>.") < text.index("Third.")
    assert "Alice Martin, Monday 8 June, 08:00:" in text
    assert "Good morning!" not in text
    assert "Second,\non two lines &lt;b&gt;." in part(mail, "html")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "DR, RN, NRN, OOF, AutoReply"
    assert post.outside.received[0][0] == bounce_of(mail)
    told = await alice.event("mailed", to="customer")
    assert told["body"]["seq"] == told["seq"] - 1
    for _ in range(3):
        await post.time_passes()
    assert await post.mails(1, CAROL)


async def test_a_french_conversation_is_mailed_in_french(post: Post, carol: Customer, alice: Adviser) -> None:
    c = await carol.begin("Bonjour !", language="fr")
    await alice.take(c)
    await carol.hang_up()
    await alice.say(c, "Je vous écoute.")
    await post.time_passes()
    mail = await post.mail()
    assert mail["Subject"] == "Votre conversation avec Banque Lumière"
    assert mail["Content-Language"] == "fr"
    for form in ("plain", "html"):
        assert "Alice Martin vous a répondu" in part(mail, form)


async def test_what_was_seen_is_not_mailed(post: Post, carol: Customer, alice: Adviser) -> None:
    c = await carol.begin()
    await alice.take(c)
    said = await alice.say(c, "Are you there?")
    await carol.send({"t": "send", "c": c, "id": "s", "kind": "seen", "body": {"seq": said["seq"]}})
    await alice.event("seen")
    await post.time_passes()
    assert await post.outbox() == []
    assert (await post.row(c)).mail_due_at is None


async def test_what_was_said_after_what_was_seen_is_mailed_two_minutes_after_it_was_said(
    post: Post, carol: Customer, alice: Adviser
) -> None:
    c = await carol.begin()
    await alice.take(c)
    first = await alice.say(c, "One")
    await post.time_passes(100)
    await alice.say(c, "Two")  # before Carol's browser says that it has shown the first
    await carol.send({"t": "send", "c": c, "id": "s", "kind": "seen", "body": {"seq": first["seq"]}})
    await alice.event("seen")
    await carol.hang_up()
    await post.time_passes(100)
    assert await post.outbox() == []
    await post.time_passes(20)
    text = part(await post.mail())
    assert "Two" in text
    assert "One" not in text


async def test_an_edit_is_mailed_as_it_reads_now_and_what_was_withdrawn_is_not(
    post: Post, carol: Customer, alice: Adviser
) -> None:
    c = await carol.begin()
    await alice.take(c)
    await carol.hang_up()
    first = await alice.say(c, "a misteak")
    second = await alice.say(c, "what was meant for Bob")
    await alice.send(
        {"t": "send", "c": c, "id": "e", "kind": "edit", "body": {"seq": first["seq"], "text": "a mistake"}},
        {"t": "send", "c": c, "id": "w", "kind": "withdraw", "body": {"seq": second["seq"]}},
    )
    await alice.until(lambda f: f["t"] == "ack" and f["id"] == "w")
    await post.time_passes()
    text = part(await post.mail())
    assert "a mistake" in text
    assert "misteak" not in text
    assert "Bob" not in text


async def test_who_left_no_address_is_not_mailed(post: Post, carol: Customer, alice: Adviser) -> None:
    c = await carol.begin(email="")
    await alice.take(c)
    await carol.hang_up()
    await alice.say(c, "Still there?")
    await post.time_passes()
    assert await post.outbox() == []


async def test_what_waits_for_a_mail_server_grows_into_one_mail(post: Post, carol: Customer, alice: Adviser) -> None:
    post.outside.at_recipient.append("451 4.3.2 not now")
    c = await mailed(post, carol, alice, "One")
    await post.settled()
    assert [row.state for row in await post.outbox()] == ["queued"]
    await alice.say(c, "Two")
    # The first is due again in a minute, and would go; here it waits for what comes to it.
    post.outside.at_recipient.extend(["451 4.3.2 not now"] * 3)
    await post.time_passes()
    post.outside.at_recipient.clear()
    await post.time_passes(3600)
    text = part(await post.mail())
    assert text.index("One") < text.index("Two")
    assert [row.state for row in await post.outbox()] == ["withdrawn", "sent"]


async def test_a_mail_that_waits_is_withdrawn_when_carol_comes_back(
    post: Post, carol: Customer, alice: Adviser
) -> None:
    post.outside.at_recipient.append("451 4.3.2 not now")
    c = await mailed(post, carol, alice)
    await post.settled()
    carol.frames.clear()
    await carol.connect({c: 0})
    seq = (await carol.until(lambda f: f["t"] == "caught"))["seq"]
    await carol.send({"t": "send", "c": c, "id": "s", "kind": "seen", "body": {"seq": seq}})
    await alice.event("seen")
    await post.look()
    await post.time_passes(3600)
    assert [row.state for row in await post.outbox()] == ["withdrawn"]
    assert post.outside.received == []


async def test_two_processes_that_look_at_once_write_one_mail(
    post: Post, bank: Bank, config: Config, carol: Customer, alice: Adviser, clock: FrozenClock
) -> None:
    other = Database(config.database.url)
    await other.open()
    ours = bank.chat.mailing
    theirs = Mailing(
        other,
        clock,
        Journal(other, clock, Channels(bank.chat.channels._read)),
        bank.chat.board,
        MailTemplates(),
        ours._sender,
        config.server.secret_key,
        lambda: None,
    )
    c = await carol.begin()
    await alice.take(c)
    await carol.hang_up()
    for number in range(5):
        await alice.say(c, f"Number {number}")
        await bank.later(120)
        await asyncio.gather(ours.look(), theirs.look(), ours.look(), theirs.look())
        ours.wake()
        await post.mails(number + 1, CAROL)
    await other.close()
    assert len(await post.bodies(c, "mailed")) == 5


async def test_stopped_at_any_moment_and_begun_again_it_writes_one_mail(
    post: Post, bank: Bank, carol: Customer, alice: Adviser
) -> None:
    c = await carol.begin()
    await alice.take(c)
    await carol.hang_up()
    rounds = 20
    for steps in range(rounds):
        await alice.say(c, f"Number {steps}")
        await bank.later(120)
        dying = asyncio.create_task(bank.chat.mailing.look())
        for _ in range(steps):
            await asyncio.sleep(0)
        dying.cancel()
        await asyncio.wait({dying})
        await post.look()
        bank.chat.mailing.wake()  # whoever died did not
        await post.mails(steps + 1, CAROL)
    assert len(await post.bodies(c, "mailed")) == rounds


async def test_a_restart_mails_nothing_again(
    config: Config, clock: FrozenClock, post: Post, bank: Bank, carol: Customer, alice: Adviser
) -> None:
    await mailed(post, carol, alice)
    await post.mail()
    await bank.chat.leave()
    second = Database(config.database.url)  # as a process that was started again sees it
    await second.open()
    again = Mailing(
        second,
        clock,
        Journal(second, clock, bank.chat.channels),
        bank.chat.board,
        MailTemplates(),
        bank.chat.mailing._sender,
        config.server.secret_key,
        lambda: None,
    )
    assert await again.look() == 0
    await second.close()


async def test_a_long_silence_is_mailed_with_its_last_messages(
    post: Post, carol: Customer, alice: Adviser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailing, "LAST", 2)
    c = await carol.begin()
    await alice.take(c)
    await carol.hang_up()
    for text in ("One", "Two", "Three"):
        await alice.say(c, text)
    await post.time_passes()
    text = part(await post.mail())
    assert "One" not in text
    assert text.index("Two") < text.index("Three")


async def test_each_conversation_has_its_own_address(post: Post, bank: Bank, carol: Customer, alice: Adviser) -> None:
    await mailed(post, carol, alice)
    async with Customer(bank, "Dave") as dave:
        c = await dave.begin()
        await alice.take(c)
        await dave.hang_up()
        await alice.say(c, "Hello Dave")
        await post.time_passes()
    assert reply_to(await post.mail()) != reply_to(await post.mail("dave@customers.example"))


async def test_a_bank_where_no_mail_comes_in_promises_none(
    config: Config, clock: FrozenClock, post: Post, bank: Bank, carol: Customer, alice: Adviser
) -> None:
    letters = bank.chat.mailing._letters
    assert letters._sender.reply
    await mailed(post, carol, alice)
    mail = await post.mail()
    assert "You can also simply answer this mail." in part(mail)
    assert part(mail).startswith("##- Please write your answer above this line -##")
