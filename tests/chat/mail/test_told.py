"""What customers write while nobody is there is told to those whom it concerns: at once, then grouped, never in a burst."""

import pytest
from sqlalchemy import Connection, update

from presence.chat.mail import mailing
from presence.roster.board import Member
from presence.storage.tables import customer, visitor
from tests.chat.cast import Adviser, Bank, Customer
from tests.chat.mail.post import CAROL, Post, part, reply_to

ALICE, BOB, MONA = "alice@bank.example", "bob@bank.example", "mona@bank.example"


async def test_a_message_to_nobody_is_told_to_those_who_speak_its_language(post: Post, carol: Customer) -> None:
    c = await carol.begin("My card is gone!")
    assert (await post.row(c)).state == "message"
    mails = await post.mails(2)
    assert {str(mail["To"]) for mail in mails} == {f"Alice Martin <{ALICE}>", f"Mona Martin <{MONA}>"}
    assert len({reply_to(mail) for mail in mails}) == 2
    for mail in mails:
        assert mail["Subject"] == "Message from Carol"
        assert "My card is gone!" in part(mail)
        assert CAROL in part(mail)
        assert f"http://presence.test/desk#{c}" in part(mail)
        assert mail["Auto-Submitted"] == "auto-generated"


async def test_in_french_those_are_others(post: Post, carol: Customer) -> None:
    await carol.begin("Ma carte a disparu !", language="fr")
    mails = {str(mail["To"].addresses[0].addr_spec): mail for mail in await post.mails(2)}
    assert set(mails) == {ALICE, BOB}
    assert mails[BOB]["Subject"] == "Message de Carol"
    assert mails[ALICE]["Subject"] == "Message from Carol"  # she reads English first


async def test_what_comes_after_is_one_more_mail(post: Post, carol: Customer) -> None:
    c = await carol.begin("One", adviser="alice")
    await post.mail(ALICE)
    for text in ("Two", "Three", "Four"):
        await carol.say(c, text)
    await carol.hang_up()
    await post.time_passes(119)
    await post.mails(1)
    await post.time_passes(1)
    first, second = await post.mails(2, ALICE)
    assert [word in part(second) for word in ("One", "Two", "Three", "Four")] == [False, True, True, True]
    assert second["Subject"] == f"Re: {first['Subject']}"
    assert second["In-Reply-To"] == first["Message-ID"]
    assert reply_to(first) == reply_to(second)
    for _ in range(3):
        await post.time_passes()
    await post.mails(2)


async def test_whoever_was_asked_for_is_told_alone(post: Post, carol: Customer) -> None:
    await carol.begin(adviser="bob")
    assert "Bob" in (await post.mail(BOB))["To"]
    await post.mails(1)


async def test_the_personal_adviser_is_told_alone(post: Post, bank: Bank, carol: Customer) -> None:
    bob = bank.chat.board.by_slug["bob"].id
    c = await carol.begin("One")
    await post.mails(2)
    await carol.post(f"/chat/conversations/{c}/end")

    def theirs(connection: Connection) -> None:
        connection.execute(update(customer).values(personal_adviser_id=bob))
        connection.execute(update(visitor).values(verified=True))  # a site vouches for her

    await bank.database.write(theirs)
    await carol.begin("Two")
    await post.mail(BOB)


async def test_the_team_that_was_asked_is_told(post: Post, carol: Customer) -> None:
    await carol.begin("A loan?", team="loans")
    await post.mail(MONA)
    await post.mails(1)


async def test_of_a_large_team_some_are_told_and_others_the_next_time(
    post: Post, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailing, "TOLD", 1)
    for name in ("Carol", "Dave"):
        async with Customer(bank, name) as somebody:
            await somebody.begin()
    assert {str(mail["To"].addresses[0].addr_spec) for mail in await post.mails(2)} == {ALICE, MONA}


async def test_whoever_is_at_the_desk_is_not_mailed_until_they_leave_it_unseen(
    post: Post, bank: Bank, carol: Customer
) -> None:
    c = await carol.begin("One", adviser="alice")
    await carol.hang_up()
    await post.mails(1)
    async with Adviser(bank, "alice") as alice:
        await carol.connect({c: 0})
        await carol.say(c, "Two")
        await carol.hang_up()
        await post.time_passes(300)
        await post.mails(1)
        await bank.chat.sign_out(f"adviser:{alice.id}")
    await bank.later(90)  # Carol had waited for her meanwhile
    await bank.look()
    await post.look()
    assert "Two" in part((await post.mails(2, ALICE))[1])


async def test_what_was_seen_at_the_desk_is_not_mailed(post: Post, bank: Bank, carol: Customer) -> None:
    c = await carol.begin("One", adviser="alice")
    await post.mails(1)
    seq = (await carol.say(c, "Two"))["seq"]
    await carol.hang_up()
    async with Adviser(bank, "alice") as alice:
        await alice.send({"t": "join", "c": c, "after": 0})
        await alice.send({"t": "send", "c": c, "id": "s", "kind": "seen", "body": {"seq": seq}})
        await alice.until(lambda f: f["t"] == "ack")
        await bank.chat.sign_out(f"adviser:{alice.id}")
    await post.time_passes()
    await post.mails(1)


async def test_what_the_queue_gives_up_on_is_told(post: Post, bank: Bank, carol: Customer) -> None:
    async with Adviser(bank, "alice") as alice:
        c = await carol.begin("Anybody?")
        await bank.chat.sign_out(f"adviser:{alice.id}")
    await carol.hang_up()
    await bank.later(90)
    await bank.look()
    assert (await post.row(c)).state == "message"
    await post.time_passes()
    assert {str(mail["To"].addresses[0].addr_spec) for mail in await post.mails(2)} == {ALICE, MONA}


async def test_what_an_adviser_who_has_left_was_told_meanwhile_is_mailed_to_them(
    post: Post, bank: Bank, carol: Customer
) -> None:
    async with Adviser(bank, "alice") as alice:
        c = await carol.begin("One")
        await alice.take(c)
        await bank.chat.sign_out(f"adviser:{alice.id}")
    await carol.say(c, "Two")
    await carol.hang_up()
    await post.time_passes()
    assert "Two" in part(await post.mail(ALICE))


def test_a_mail_is_written_in_the_first_language_that_we_have() -> None:
    from presence.chat.mail.letters import language_of

    def member(*languages: str) -> Member:
        return Member(id=1, slug="x", name="X", languages=languages, team_ids=frozenset())

    assert [language_of(member(*one)) for one in (("de", "fr", "en"), ("de",), ())] == ["fr", "en", "en"]
