"""Mail programs show a conversation as one: the same subject, and a chain of Message-IDs that reaches to the customer's own."""

import pytest

from presence.chat.mail.letters import bare
from presence.mail.compose import is_message_id
from tests.chat.cast import Adviser, Customer
from tests.chat.mail.post import CAROL, Post, answer, mailed, reply_to


async def test_every_mail_refers_to_what_came_before(post: Post, carol: Customer, alice: Adviser) -> None:
    c = await mailed(post, carol, alice, "One")
    first = await post.mail()
    (root,) = str(first["References"]).split()
    assert first["In-Reply-To"] == root
    await alice.say(c, "Two")
    await post.time_passes()
    second = (await post.mails(2))[1]
    assert second["Subject"] == f"Re: {first['Subject']}"
    assert second["In-Reply-To"] == first["Message-ID"]
    assert str(second["References"]).split() == [root, first["Message-ID"]]
    assert reply_to(first) == reply_to(second)
    assert (await post.brings(answer(second, "Yes, Tuesday."), reply_to(second))).startswith("250")
    await post.bank.later(1)
    await alice.say(c, "Three")
    await post.time_passes()
    third = (await post.mails(3))[2]
    assert third["Subject"] == second["Subject"]
    assert third["In-Reply-To"] == "<answer@customers.example>"
    assert str(third["References"]).split() == [root, second["Message-ID"], "<answer@customers.example>"]
    assert len({mail["Message-ID"] for mail in (first, second, third)}) == 3


async def test_a_message_id_that_could_not_stand_in_a_header_is_not_referred_to(
    post: Post, carol: Customer, alice: Adviser
) -> None:
    c = await mailed(post, carol, alice, "One")
    first = await post.mail()
    assert (await post.brings(answer(first, "Yes.", name="été[1]"), reply_to(first))).startswith("250")
    await post.bank.later(1)
    await alice.say(c, "Two")
    await post.time_passes()
    assert (await post.mails(2))[1]["In-Reply-To"] == first["Message-ID"]
    assert not is_message_id(f"<{'x' * 300}@customers.example>")


async def test_a_subject_has_re_once(post: Post, carol: Customer, alice: Adviser) -> None:
    c = await carol.begin(subject="RE: TR : Re: My loan")
    await alice.take(c)
    await carol.hang_up()
    for text in ("One", "Two"):
        await alice.say(c, text)
        await post.time_passes()
    assert [mail["Subject"] for mail in await post.mails(2, CAROL)] == ["My loan", "Re: My loan"]


@pytest.mark.parametrize(
    ("subject", "without"),
    [
        ("Re: a", "a"),
        ("RE : TR: Fwd: AW: SV: a", "a"),
        ("Re[2]: a", "a"),
        ("Réf : a", "a"),
        ("Retour: a", "Retour: a"),
        ("Regarding: Re: a", "Regarding: Re: a"),
        ("  a ", "a"),
        ("Re:", ""),
        ("", ""),
    ],
)
def test_what_a_subject_is_without_re(subject: str, without: str) -> None:
    assert bare(subject) == without
