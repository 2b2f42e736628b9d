"""What a call leaves in the conversation: whose it is, what is in it, who is mailed, and where to call back."""

import asyncio
import email
import email.policy
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from presence.chat import rules, searching, store
from presence.chat.model import Conversation
from presence.storage.tables import customer, outbox, visitor
from tests.calls.ring_cast import RINGS, Caller, Desk, Row, alice, bob, calls_of, carol, events_of, passes, problem
from tests.chat.cast import SOON, Bank
from tests.support import DAY, FrozenClock

__all__ = ["alice", "bob", "carol"]
PHONE = "+33 1 23 45 67 89"


async def conversation(bank: Bank, c: str) -> Conversation:
    found = await bank.database.read(lambda connection: store.by_uid(connection, c))
    assert found is not None
    return found


async def current(carol: Caller) -> str:
    """Her conversation."""
    found: str = (await carol.http.get("/chat/history")).json()["conversations"][0]["c"]
    return found


async def calls_in(bank: Bank, c: str) -> list[str]:
    """What became of the calls of a conversation."""
    return [body["what"] for kind, body in await events_of(bank, c) if kind == "call"]


async def mails(bank: Bank) -> list[EmailMessage]:
    """What is in the outbox to be sent."""

    def work(connection: Connection) -> list[bytes]:
        query = select(outbox.c.raw).where(outbox.c.state != "withdrawn").order_by(outbox.c.id)
        return list(connection.execute(query).scalars())

    return [email.message_from_bytes(raw, policy=email.policy.default) for raw in await bank.database.read(work)]


async def mailed(bank: Bank) -> list[EmailMessage]:
    """Time passes until something is in the outbox.

    Who hangs up is there for the server until it has heard of it; until then the queue may still offer what they missed, and
    what lapses there waits for its mail anew.
    """
    async with asyncio.timeout(SOON):
        while not (found := await mails(bank)):
            await passes(bank, rules.MAIL_AFTER)
            await bank.chat.mailing.look()
    return found


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    text: str = part.get_content()
    return text


async def row(one: Desk, c: str) -> Row:
    found: Row = (await one.http.get(f"/desk/conversations/{c}")).json()["row"]
    return found


# -- answered -------------------------------------------------------------------------------------------------------


async def test_a_call_that_is_answered_begins_a_conversation_that_its_adviser_has(
    bank: Bank, carol: Caller, alice: Desk
) -> None:
    call = await carol.ringing(page="https://bank.example/loans")
    await alice.accepts(call)
    c = await current(carol)
    one = await conversation(bank, c)
    assert (one.state, one.adviser_id, one.page) == ("active", alice.id, "https://bank.example/loans")
    assert (await carol.hears(call=call, state="admitted"))["c"] == c
    assert await events_of(bank, c) == [
        ("opened", {"page": "https://bank.example/loans"}),
        ("joined", {"adviser": alice.id, "name": "Alice Martin"}),
        (
            "call",
            {"call": call, "what": "started", "medium": "video", "by": "customer", "name": "Alice Martin"},
        ),
    ]


async def test_one_that_waits_in_the_queue_is_taken_with_the_call(bank: Bank, carol: Caller, alice: Desk) -> None:
    c = await carol.begin("Is anybody there?")
    call = await carol.ringing()
    await alice.accepts(call)
    assert ((await conversation(bank, c)).state, await current(carol)) == ("active", c)
    await carol.event("joined", name="Alice Martin")
    await carol.event("call", what="started")


async def test_the_adviser_who_has_the_conversation_is_rung_alone_with_a_full_list_too(
    bank: Bank, carol: Caller, alice: Desk, bob: Desk
) -> None:
    await alice.post("/desk/presence", wish="available", capacity=1)
    c = await carol.begin(language="fr", adviser="alice")
    await alice.take(c)
    await alice.seen_as("busy")
    call = await carol.ringing(language="fr")
    await alice.hears(call=call, state="ringing")
    assert bob.calls == []
    await alice.accepts(call)
    assert [kind for kind, _ in await events_of(bank, c)].count("joined") == 1


async def test_a_colleague_who_answers_has_the_conversation_of_one_who_has_gone(
    bank: Bank, carol: Caller, alice: Desk, bob: Desk
) -> None:
    c = await carol.begin(language="fr", adviser="alice")
    await alice.take(c)
    await carol.hang_up()
    await passes(bank, 12)  # else it would be given back to the queue
    await alice.http.post("/sign-out", data={"csrf": alice.http.headers["X-CSRF-Token"]})
    await bank.chat.board.refresh()
    call = await carol.ringing(language="fr")
    await bob.accepts(call)
    assert (await conversation(bank, c)).adviser_id == bob.id
    assert [kind for kind, _ in await events_of(bank, c)][-3:] == ["left", "joined", "call"]


@pytest.mark.parametrize("verified", [False, True])
async def test_the_customers_own_adviser_is_rung_when_a_site_vouches_for_them(
    bank: Bank, carol: Caller, alice: Desk, bob: Desk, verified: bool
) -> None:
    await carol.session()
    await carol.post("/chat/me", name="Carol", email=carol.email)

    def vouch(connection: Connection) -> None:
        connection.execute(update(customer).values(personal_adviser_id=bob.id))
        connection.execute(update(visitor).values(verified=verified))

    await bank.database.write(vouch)
    call = await carol.ringing(language="fr")
    await bob.hears(call=call)
    rows = await calls_of(bank).lists.read()
    assert (f"adviser:{alice.id}" in rows) is not verified
    assert rows[f"adviser:{bob.id}"][0].verified is verified


async def test_a_team_is_rung_and_a_missed_call_is_theirs(bank: Bank, carol: Caller, alice: Desk) -> None:
    async with Desk(bank, "mona") as mona:
        call = await carol.ringing(team="loans")
        await mona.hears(call=call)
        assert alice.calls == []
        await passes(bank, RINGS)
        one = await conversation(bank, await current(carol))
        assert one.team_id == bank.chat.board.teams["loans"]


# -- not answered ---------------------------------------------------------------------------------------------------


async def test_a_missed_call_is_a_message_that_advisers_have_not_read(bank: Bank, carol: Caller, alice: Desk) -> None:
    call = await carol.ringing()
    await passes(bank, RINGS)
    c = await current(carol)
    assert (await events_of(bank, c))[:3] == [
        ("opened", {"page": ""}),
        ("message", {}),
        ("call", {"call": call, "what": "missed", "medium": "video", "by": "customer", "name": "Alice Martin"}),
    ]
    shown = await row(alice, c)
    assert (shown["preview"], shown["unread"], shown["customer"]["name"]) == ("Video call: no answer", True, "Carol")
    assert (await carol.hears(call=call, state="ended"))["c"] == c
    assert await mails(bank) == []  # Alice is there, and sees it


async def test_while_the_customer_is_there_it_is_offered_to_who_is_free(bank: Bank, carol: Caller, alice: Desk) -> None:
    call = await carol.ringing()
    await carol.hears(call=call)
    await calls_of(bank).lists.look()
    await passes(bank, RINGS)
    c = await current(carol)
    async with asyncio.timeout(SOON):  # the queue looks by itself, too: then our look has nothing left to do
        while not (offered := await row(alice, c))["offered"]:
            await bank.look()
    assert (offered["state"], offered["offered"]["id"]) == ("waiting", alice.id)


async def test_it_is_in_the_open_conversation_when_there_is_one(bank: Bank, carol: Caller, alice: Desk) -> None:
    c = await carol.begin()
    await alice.take(c)
    call = await carol.ringing()
    await alice.acts(call, "decline")
    declined = await carol.event("call")
    assert (declined["c"], declined["body"]["what"]) == (c, "declined")
    assert ((await conversation(bank, c)).state, await calls_in(bank, c)) == ("active", ["declined"])
    assert (await row(alice, c))["unread"] is True


async def test_it_is_mailed_when_nobody_is_there_to_see_it(bank: Bank, carol: Caller, alice: Desk) -> None:
    await carol.ringing(language="fr")
    await alice.http.post("/sign-out", data={"csrf": alice.http.headers["X-CSRF-Token"]})
    await bank.chat.board.refresh()
    await calls_of(bank).rings.look()
    c = await current(carol)
    assert await calls_in(bank, c) == ["missed"]
    (mail,) = await mails(bank)
    assert mail["To"] == "Alice Martin <alice@bank.example>"
    assert mail["Subject"] == "Message from Carol"
    for words in ("Carol has called you. Nobody answered.", "Video call: no answer"):
        assert words in text_of(mail)


async def test_it_is_mailed_once_those_who_were_there_have_gone_without_seeing_it(
    bank: Bank, carol: Caller, alice: Desk
) -> None:
    await carol.ringing(adviser="alice")
    await passes(bank, RINGS)
    await carol.hang_up()
    await alice.hang_up()
    (mail,) = await mailed(bank)
    assert "Video call: no answer" in text_of(mail)
    await bank.chat.mailing.look()
    assert len(await mails(bank)) == 1


async def test_a_call_that_was_cancelled_is_told_only_where_they_talk_already(
    bank: Bank, carol: Caller, alice: Desk
) -> None:
    await carol.post(f"/calls/{await carol.ringing()}/cancel")
    assert (await carol.http.get("/chat/history")).json()["conversations"] == []
    c = await carol.begin()
    await carol.post(f"/calls/{await carol.ringing()}/cancel")
    assert await calls_in(bank, c) == ["cancelled"]


async def test_a_call_that_the_customer_missed_is_mailed_to_them(bank: Bank, carol: Caller, alice: Desk) -> None:
    c = await carol.begin()
    await alice.take(c)
    await carol.event("joined")
    await alice.rings_at(c, medium="audio")
    await passes(bank, RINGS)
    assert await calls_in(bank, c) == ["missed"]
    await carol.hang_up()
    (mail,) = await mailed(bank)
    assert mail["To"] == "Carol <carol@customers.example>"
    for words in ("Alice Martin has called you. This is what you have missed:", "Audio call: no answer"):
        assert words in text_of(mail)


async def test_transcripts_tell_of_calls_in_the_readers_language(bank: Bank, carol: Caller, alice: Desk) -> None:
    await alice.accepts(await carol.ringing(medium="audio"))
    c = await current(carol)
    text = (await carol.http.get(f"/chat/conversations/{c}/transcript.txt", params={"lang": "en"})).text
    assert "Carol: Audio call: begun" in text
    french = (await carol.http.get(f"/chat/conversations/{c}/transcript.txt", params={"lang": "fr"})).text
    assert "Carol: Appel audio\N{NO-BREAK SPACE}: début" in french


# -- calling back ---------------------------------------------------------------------------------------------------


async def missed(bank: Bank, carol: Caller) -> str:
    call = await carol.ringing(adviser="alice")
    await passes(bank, RINGS)
    return call


async def test_a_call_back_is_in_the_lists_the_conversation_and_the_mail(
    bank: Bank, carol: Caller, alice: Desk, clock: FrozenClock
) -> None:
    call = await missed(bank, carol)
    at = (clock.now() + DAY) * 1000
    for _ in range(2):
        answer = await carol.post(f"/calls/{call}/callback", phone=f" {PHONE} ", at=at, text="About my loan\n")
        assert answer.status_code == 204, answer.text
    c = await current(carol)
    asked = [body for kind, body in await events_of(bank, c) if kind == "callback"]
    assert asked == [{"call": call, "phone": PHONE, "at": at, "text": "About my loan"}]
    shown = await row(alice, c)
    assert shown["preview"].startswith(f"Please call me on {PHONE}: Tuesday 9 June, 08:00 (Paris time")
    assert shown["preview"].endswith("About my loan")
    assert shown["unread"] is True
    (mail,) = await mails(bank)
    assert mail["To"] == "Alice Martin <alice@bank.example>"
    for words in (
        "Carol would like you to call back.",
        PHONE,
        "Tuesday 9 June",
        "About my loan",
        "Video call: no answer",
    ):
        assert words in text_of(mail)
    await bank.database.write(searching.index)
    found = (await alice.http.get("/desk/inbox", params={"q": "89 loan"})).json()["rows"]
    assert [one["c"] for one in found] == [c]


async def test_an_address_does_as_well_as_a_number(bank: Bank, carol: Caller, alice: Desk) -> None:
    call = await missed(bank, carol)
    nothing = await carol.post(f"/calls/{call}/callback")
    assert [one["field"] for one in nothing.json()["errors"]] == ["phone"]
    assert (await carol.post(f"/calls/{call}/callback", email=carol.email)).status_code == 204
    c = await current(carol)
    assert (await row(alice, c))["preview"] == "Please get in touch with me."
    assert (await row(alice, c))["customer"]["email"] == carol.email


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"phone": "call me"}, "phone"),
        ({"phone": "1" * 60}, "phone"),
        ({"phone": PHONE, "at": 0}, "at"),
        ({"phone": PHONE, "at": 10**15}, "at"),
        ({"phone": PHONE, "email": "nobody"}, "email"),
    ],
)
async def test_what_cannot_be_is_said_beside_its_field(
    bank: Bank, carol: Caller, alice: Desk, body: dict[str, Any], field: str
) -> None:
    answer = await carol.post(f"/calls/{await missed(bank, carol)}/callback", **body)
    assert [one["field"] for one in answer.json()["errors"]] == [field]


async def test_only_a_call_that_nobody_answered_is_called_back(bank: Bank, carol: Caller, alice: Desk) -> None:
    call = await carol.ringing()
    assert problem(await carol.post(f"/calls/{call}/callback", phone=PHONE)) == (409, "not-possible")
    await alice.accepts(call)
    assert problem(await carol.post(f"/calls/{call}/callback", phone=PHONE)) == (409, "not-possible")


async def test_a_call_back_after_the_conversation_was_closed_begins_another(
    bank: Bank, carol: Caller, alice: Desk
) -> None:
    call = await missed(bank, carol)
    before = await current(carol)
    await alice.do(before, "close")
    assert (await carol.post(f"/calls/{call}/callback", phone=PHONE)).status_code == 204
    rows = (await carol.http.get("/chat/history")).json()["conversations"]
    (after,) = [one["c"] for one in rows if one["c"] != before]
    assert [kind for kind, _ in await events_of(bank, after)][:3] == ["opened", "message", "callback"]
