"""A mail that did not arrive: whoever has the conversation is told, whether the server says so at once or by a report."""

import pytest

from tests.chat.cast import Adviser, Customer
from tests.chat.mail.post import CAROL, Post, bounce_of, mailed, reply_to


def report(message_id: str, *, action: str = "failed", status: str = "5.1.1") -> bytes:
    """What a mail server says of a mail to Carol (RFC 3464)."""
    return (
        "From: MAILER-DAEMON@customers.example\r\nSubject: Undelivered\r\nMessage-ID: <dsn@customers.example>\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nIt did not arrive.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; customers.example\r\n\r\n"
        f"Final-Recipient: rfc822; {CAROL}\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; 550 {status} <{CAROL}> said no\r\n"
        f"\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {message_id}\r\n\r\n--b--\r\n"
    ).encode()


@pytest.mark.parametrize(("status", "hard"), [("5.1.1", True), ("5.2.2", False), ("4.4.7", False)])
async def test_a_report_is_told_in_the_conversation(
    status: str, hard: bool, post: Post, carol: Customer, alice: Adviser
) -> None:
    c = await mailed(post, carol, alice)
    mail = await post.mail()
    for _ in range(2):  # reports come twice, too
        assert (await post.brings(report(mail["Message-ID"], status=status), bounce_of(mail), "")).startswith("250")
    event = await alice.event("undelivered")
    assert event["body"] == {"to": "customer", "hard": hard, "reason": f"550 {status} <address> said no"}
    (row,) = await post.outbox()
    assert (row.state, row.last_error) == ("failed", f"550 {status} <address> said no")
    await post.look()
    assert len(await post.bodies(c, "undelivered")) == 1
    await carol.connect({c: 0})
    await carol.until(lambda f: f["t"] == "event" and f["seq"] == event["seq"])
    assert "said no" not in str(carol.frames)


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed"])
async def test_a_report_of_no_failure_is_told_to_nobody(
    action: str, post: Post, carol: Customer, alice: Adviser
) -> None:
    c = await mailed(post, carol, alice)
    mail = await post.mail()
    raw = report(mail["Message-ID"], action=action, status="4.2.0" if action == "delayed" else "2.0.0")
    await post.brings(raw, bounce_of(mail), "")
    assert await post.bodies(c, "undelivered") == await post.bodies(c, "note") == []
    assert [row.state for row in await post.outbox()] == ["sent"]


async def test_whoever_has_one_address_cannot_say_that_anothers_mail_came_back(
    post: Post, carol: Customer, alice: Adviser
) -> None:
    await mailed(post, carol, alice)
    async with Customer(post.bank, "Dave") as dave:
        c = await dave.begin()
        await alice.take(c)
        await dave.hang_up()
        await alice.say(c, "Hello Dave")
        await post.time_passes()
    daves, carols = await post.mail("dave@customers.example"), await post.mail(CAROL)
    await post.brings(report(carols["Message-ID"]), bounce_of(daves), "")
    assert {row.state for row in await post.outbox()} == {"sent"}
    unknown = bounce_of(daves).replace("+", "+0", 1)
    assert (await post.brings(report(carols["Message-ID"]), unknown, "")).startswith("550")


async def test_what_our_server_refuses_at_once_is_told(post: Post, carol: Customer, alice: Adviser) -> None:
    post.outside.at_recipient.append(f"550 5.1.1 <{CAROL}> no such user")
    c = await mailed(post, carol, alice)
    await post.settled()
    for _ in range(2):
        await post.look()
    assert await post.bodies(c, "undelivered") == [
        {"to": "customer", "hard": True, "reason": "550 5.1.1 <address> no such user"}
    ]


async def test_what_could_not_be_sent_for_too_long_is_told(post: Post, carol: Customer, alice: Adviser) -> None:
    post.outside.at_recipient.extend(["451 4.3.2 not now"] * 100)
    c = await mailed(post, carol, alice)
    await post.settled()
    await post.bank.later(1)

    async def given_up() -> bool:
        post.bank.clock.advance(14_400)  # type: ignore[attr-defined]
        post.bank.chat.mailing.wake()
        await post.settled()
        return {row.state for row in await post.outbox()} == {"expired"}

    for _ in range(30):
        if await given_up():
            break
    await post.look()
    (told,) = await post.bodies(c, "undelivered")
    assert (told["to"], told["hard"]) == ("customer", False)


async def test_a_mail_to_an_adviser_that_came_back_is_told_as_such(post: Post, carol: Customer) -> None:
    c = await carol.begin(adviser="alice")
    mail = await post.mail("alice@bank.example")
    await post.brings(report(mail["Message-ID"]), reply_to(mail).replace("reply+", "bounce+"), "")
    (told,) = await post.bodies(c, "undelivered")
    alice = post.bank.chat.board.by_slug["alice"].id
    assert told["to"] == f"adviser:{alice}"
