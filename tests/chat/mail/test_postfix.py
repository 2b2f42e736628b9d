"""The whole way through Debian's Postfix: Alice writes, Carol is mailed, Carol answers, and Alice reads it as it comes."""

import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import aiosmtplib
import msgspec
import pytest

from bench.ports import free_port
from presence.config import Config
from tests.certificates import Certificate
from tests.chat.cast import Adviser, Customer, configuration
from tests.chat.mail.post import CAROL, Post, answer, bounce_of, mailed, reply_to, until, with_mail
from tests.mail.cast import MailServer
from tests.mail.postfix import postfix


class Way(NamedTuple):
    """Postfix's port, where it hands customers' mails on to and the bank's, and whom to trust."""

    port: int
    onward: int
    inward: int
    trust: ssl.SSLContext


@pytest.fixture
def way(tmp_path: Path) -> Iterator[Way]:
    certificate, onward, inward = Certificate(tmp_path), free_port(), free_port()
    with postfix(tmp_path / "postfix", certificate=tmp_path / "mail.pem", onward=onward, inward=inward) as port:
        yield Way(port, onward, inward, certificate.trust)


@pytest.fixture
async def outside(way: Way) -> AsyncIterator[MailServer]:
    """Carol's provider, behind Postfix."""
    async with MailServer(port=way.onward) as server:
        yield server


@pytest.fixture
def config(way: Way, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "mail.pem"))  # whom the bank's machine trusts
    base = configuration(database_url, tmp_path)
    whole = with_mail(base, tmp_path, way.port, lmtp_listen=f"127.0.0.1:{way.inward}", smtp_listen="")
    return msgspec.structs.replace(whole, mail=msgspec.structs.replace(whole.mail, tls="starttls"))


async def hand_in(way: Way, raw: bytes, to: str, sender: str = CAROL) -> None:
    """Carol's provider gives a mail to Postfix."""
    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=way.port, start_tls=True, tls_context=way.trust)
    await client.connect()
    await client.sendmail(sender, [to], raw)
    await client.quit()


async def test_out_through_postfix_and_back_in_live(way: Way, post: Post, carol: Customer, alice: Adviser) -> None:
    await mailed(post, carol, alice, "Pouvez-vous mardi à 10 heures ?")
    mail = await post.mail()
    sender, recipient, _ = post.outside.received[0]
    assert (sender, recipient) == (bounce_of(mail), CAROL)
    await hand_in(way, answer(mail, "Mardi me convient très bien."), reply_to(mail))

    async def answered() -> bool:
        return len([frame for frame in alice.frames if frame["t"] == "event" and frame["kind"] == "text"]) == 2

    await until(answered)  # Postfix takes its time
    said = await alice.event("text", text="Mardi me convient très bien.")
    assert (said["by"], said["body"]["via"]) == ("customer", "mail")
    assert "Pouvez-vous mardi à 10 heures ?" in said["body"]["quoted"]


async def test_postfix_reports_what_carols_provider_refuses_and_it_is_told(
    way: Way, post: Post, carol: Customer, alice: Adviser
) -> None:
    post.outside.at_recipient.append(f"550 5.1.1 <{CAROL}>: no such user")
    await mailed(post, carol, alice)

    async def came_back() -> bool:
        return [row.state for row in await post.outbox()] == ["failed"]

    await until(came_back)  # by a report to the mail's return path, which Postfix wrote and brought by LMTP
    event = await alice.event("undelivered")
    assert (event["body"]["to"], event["body"]["hard"]) == ("customer", True)
