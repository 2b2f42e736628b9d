"""A company with a mailbox and no mail server: answers are fetched from Debian's Dovecot, by plus-addressing."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from presence.config import Config
from tests.certificates import Certificate
from tests.chat.cast import Adviser, Customer, configuration
from tests.chat.mail.post import Post, answer, mailed, reply_to, until, with_mail
from tests.mail.cast import MailServer
from tests.mail.inbound.dovecot import PASSWORD, Dovecot, dovecot


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    directory = tmp_path_factory.mktemp("dovecot")
    Certificate(directory)
    with dovecot(directory / "home", directory / "mail.pem") as running:
        yield running


@pytest.fixture
def user() -> str:
    """Whose mailbox it is: another one for each test."""
    return f"{uuid.uuid4().hex}@bank.example"


@pytest.fixture
def config(server: Dovecot, user: str, database_url: str, tmp_path: Path, outside: MailServer) -> Config:
    return with_mail(
        configuration(database_url, tmp_path),
        tmp_path,
        outside.port,
        reply_address="advice+{token}@bank.example",
        bounce_address="advice+b-{token}@bank.example",
        lmtp_listen="",
        smtp_listen="",
        imap_host="127.0.0.1",
        imap_port=server.plain,
        imap_tls="none",
        imap_username=user,
        imap_password=PASSWORD,
    )


async def test_an_answer_in_the_mailbox_appears_live_and_is_marked_seen(
    server: Dovecot, user: str, post: Post, carol: Customer, alice: Adviser
) -> None:
    await mailed(post, carol, alice)
    mail = await post.mail()
    assert reply_to(mail).startswith("advice+")
    raw = answer(mail, "Tuesday suits me.")
    server.put(user, "1", b"To: advice@bank.example\r\nFrom: bob@elsewhere.example\r\n\r\nFor people.\r\n")
    server.put(user, "2", raw)
    said = await alice.event("text", text="Tuesday suits me.")
    assert (said["by"], said["body"]["via"]) == ("customer", "mail")

    async def marked() -> bool:
        return server.seen(user) == {"2"}

    await until(marked)
    server.put(user, "3", raw)  # the same again
    server.put(user, "4", answer(mail, "And thank you.", name="second"))
    await alice.event("text", text="And thank you.")
    texts = [event for event in alice.frames if event["t"] == "event" and event["kind"] == "text"]
    assert len([one for one in texts if one["body"]["text"] == "Tuesday suits me."]) == 1
