"""Mail servers knock: a mail is ours only when it is committed, and theirs until then."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
import structlog

from bench.ports import free_port
from presence.errors import Unavailable
from presence.mail.inbound import listener
from presence.mail.inbound.listener import Listener, Protocol
from presence.mail.inbound.model import InboundEnvelope, Verdict
from tests.certificates import Certificate
from tests.mail.inbound.cast import CAROL, REPLY, Keeper, raw_mail
from tests.mail.postfix import postfix

BOTH: tuple[Protocol, Protocol] = ("lmtp", "smtp")
PATIENCE = 60  # seconds until a test gives up: a machine that is busy with others is not wrong


class Dialogue:
    """Another mail server, line by line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def hears(self) -> str:
        """The last line of an answer."""
        async with asyncio.timeout(PATIENCE):
            while True:
                line = (await self.reader.readline()).decode()
                if line[3:4] != "-":
                    return line.rstrip("\r\n")

    async def says(self, line: str) -> str:
        self.writer.write(line.encode() + b"\r\n")
        return await self.hears()

    async def brings(self, raw: bytes, recipient: str = REPLY, sender: str = CAROL) -> list[str]:
        """A whole mail; the answers to RCPT and to the final dot."""
        assert (await self.says(f"MAIL FROM:<{sender}>")).startswith("250")
        recipient_answer = await self.says(f"RCPT TO:<{recipient}>")
        if not recipient_answer.startswith("250"):
            await self.says("RSET")
            return [recipient_answer]
        assert (await self.says("DATA")).startswith("354")
        stuffed = raw.replace(b"\r\n.", b"\r\n..")
        self.writer.write(stuffed + b".\r\n")
        return [recipient_answer, await self.hears()]


@contextlib.asynccontextmanager
async def door(protocol: Protocol, keeper: Keeper, **options: Any) -> AsyncIterator[int]:
    """A listener on loopback; its port."""
    options = {"hostname": "bank.example", "max_bytes": 100_000, **options}
    opened = Listener(protocol, keeper.deliver, keeper.knows, **options)
    try:
        yield await opened.listen("127.0.0.1:0")
    finally:
        await opened.close()


@contextlib.asynccontextmanager
async def dialogue(port: int, protocol: Protocol) -> AsyncIterator[Dialogue]:
    """A connection that has greeted."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        other = Dialogue(reader, writer)
        assert (await other.hears()).startswith("220 bank.example")
        assert (await other.says("LHLO mx.example" if protocol == "lmtp" else "EHLO mx.example")).startswith("250")
        yield other
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@pytest.mark.parametrize("protocol", BOTH)
async def test_a_mail_is_taken_byte_for_byte(protocol: Protocol) -> None:
    keeper, raw = Keeper(), raw_mail("One\r\n.\r\n..\r\nété".encode().decode())
    async with door(protocol, keeper) as port, dialogue(port, protocol) as other:
        assert (await other.brings(raw))[-1] == "250 2.0.0 kept"
        assert (await other.brings(raw, sender=""))[-1].startswith("250")
    first, second = keeper.taken
    assert first == InboundEnvelope(sender=CAROL, recipients=(REPLY,), raw=raw, via=protocol)
    assert second.sender == ""


async def test_nothing_is_acknowledged_before_it_is_committed() -> None:
    begun, committed = asyncio.Event(), asyncio.Event()

    class Slow(Keeper):
        async def deliver(self, mail: InboundEnvelope) -> Verdict:
            begun.set()
            await committed.wait()
            return await super().deliver(mail)

    async with door("smtp", Slow()) as port, dialogue(port, "smtp") as other:
        answer = asyncio.create_task(other.brings(raw_mail()))
        await begun.wait()
        assert not answer.done()
        assert not other.reader._buffer  # type: ignore[attr-defined]
        committed.set()
        assert (await answer)[-1].startswith("250")


@pytest.mark.parametrize(
    ("verdict", "code"), [(Verdict.UNKNOWN, "550 5.1.1"), (Verdict.REFUSED, "554 5.7.1"), (Verdict.TAKEN, "250 2.0.0")]
)
async def test_the_verdict_is_told(verdict: Verdict, code: str) -> None:
    keeper = Keeper()
    keeper.verdict = verdict
    async with door("lmtp", keeper) as port, dialogue(port, "lmtp") as other:
        assert (await other.brings(raw_mail()))[-1].startswith(code)


@pytest.mark.parametrize("trouble", [Unavailable(), RuntimeError("a bug")])
async def test_what_could_not_be_stored_is_asked_for_again(trouble: Exception) -> None:
    keeper = Keeper()
    with structlog.testing.capture_logs():
        async with door("lmtp", keeper) as port, dialogue(port, "lmtp") as other:
            assert (await other.says(f"MAIL FROM:<{CAROL}>")).startswith("250")
            assert (await other.says(f"RCPT TO:<{REPLY}>")).startswith("250")
            assert (await other.says("DATA")).startswith("354")
            keeper.trouble.append(trouble)
            other.writer.write(raw_mail() + b".\r\n")
            assert (await other.hears()).startswith("451")
            assert (await other.brings(raw_mail()))[-1].startswith("250")


async def test_an_address_that_cannot_be_looked_up_now_is_tried_again() -> None:
    keeper = Keeper()
    keeper.trouble.append(Unavailable())
    async with door("smtp", keeper) as port, dialogue(port, "smtp") as other:
        assert (await other.brings(raw_mail()))[0].startswith("451")
        assert (await other.brings(raw_mail()))[-1].startswith("250")


async def test_an_unknown_address_is_refused_at_once_and_postmaster_is_not() -> None:
    keeper = Keeper()
    async with door("smtp", keeper) as port, dialogue(port, "smtp") as other:
        assert (await other.brings(raw_mail(), recipient="reply+nobody@bank.example"))[0].startswith("550 5.1.1")
        assert (await other.brings(raw_mail(), recipient="relay@elsewhere.example"))[0].startswith("550 5.1.1")
        assert (await other.brings(raw_mail(), recipient="Postmaster@bank.example"))[-1].startswith("250")
    assert [mail.recipients for mail in keeper.taken] == [("Postmaster@bank.example",)]


async def test_one_recipient_a_transaction() -> None:
    keeper = Keeper()
    async with door("lmtp", keeper) as port, dialogue(port, "lmtp") as other:
        assert (await other.says(f"MAIL FROM:<{CAROL}>")).startswith("250")
        assert (await other.says(f"RCPT TO:<{REPLY}>")).startswith("250")
        assert (await other.says(f"RCPT TO:<{REPLY}>")).startswith("452")


async def test_a_mail_that_is_too_large_is_refused_before_and_after_it_came() -> None:
    keeper = Keeper()
    async with door("smtp", keeper) as port, dialogue(port, "smtp") as other:
        assert (await other.says(f"MAIL FROM:<{CAROL}> SIZE=200000")).startswith("552")
        assert (await other.brings(raw_mail("x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * 3000)))[-1].startswith("552")
        assert (await other.brings(raw_mail()))[-1].startswith("250")
    assert len(keeper.taken) == 1


async def test_a_line_longer_than_the_rules_allow_is_taken() -> None:
    keeper = Keeper()
    async with door("smtp", keeper) as port, dialogue(port, "smtp") as other:
        assert (await other.brings(raw_mail("x" * 50_000)))[-1].startswith("250")


async def test_whoever_is_silent_is_hung_up_on() -> None:
    async with door("smtp", Keeper(), silence=0.01) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(PATIENCE):
            assert (await reader.read()).startswith(b"220")  # to the end: the connection is closed
        writer.close()


async def test_too_many_connections_are_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "CONNECTIONS_EACH", 2)
    async with door("smtp", Keeper()) as port, dialogue(port, "smtp"), dialogue(port, "smtp") as second:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert (await reader.read()).startswith(b"421")
        writer.close()
        assert (await second.brings(raw_mail()))[-1].startswith("250")


async def test_a_line_that_is_cut_in_the_middle_of_a_mail_leaves_nothing() -> None:
    keeper = Keeper()
    async with door("smtp", keeper) as port:
        async with dialogue(port, "smtp") as other:
            await other.says(f"MAIL FROM:<{CAROL}>")
            await other.says(f"RCPT TO:<{REPLY}>")
            await other.says("DATA")
            other.writer.write(raw_mail())
        async with dialogue(port, "smtp") as other:
            assert (await other.brings(raw_mail()))[-1].startswith("250")
    assert len(keeper.taken) == 1


async def test_starttls_is_offered_with_a_certificate(tmp_path: Path) -> None:
    certificate = Certificate(tmp_path)
    keeper = Keeper()
    async with door("smtp", keeper, starttls=certificate.server) as port:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=True, tls_context=certificate.trust)
        await client.connect()
        assert isinstance(client.get_transport_info("sslcontext"), ssl.SSLContext)
        await client.sendmail(CAROL, [REPLY], raw_mail())
        await client.quit()
    assert keeper.taken[0].raw == raw_mail()


async def test_it_listens_at_a_path_too(tmp_path: Path) -> None:
    keeper, path = Keeper(), tmp_path / "lmtp"
    opened = Listener("lmtp", keeper.deliver, keeper.knows, hostname="bank.example", max_bytes=1000)
    await opened.listen(f"unix:{path}")
    try:
        reader, writer = await asyncio.open_unix_connection(str(path))
        other = Dialogue(reader, writer)
        await other.hears()
        await other.says("LHLO mx.example")
        assert (await other.brings(raw_mail()))[-1].startswith("250")
        writer.close()
    finally:
        await opened.close()
    await opened.close()  # twice does no harm


class Deferring(Keeper):
    """Out of reach for the first mail, then as usual; tells when it took one."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.happened = asyncio.Event()

    async def deliver(self, mail: InboundEnvelope) -> Verdict:
        self.asked += 1
        self.happened.set()
        return await super().deliver(mail)


@pytest.mark.parametrize("protocol", BOTH)
async def test_mail_comes_through_postfix(protocol: Protocol, tmp_path: Path) -> None:
    certificate, onward = Certificate(tmp_path), free_port()
    keeper = Deferring()
    opened = Listener(protocol, keeper.deliver, keeper.knows, hostname="bank.example", max_bytes=100_000)
    with postfix(tmp_path / "postfix", certificate=tmp_path / "mail.pem", onward=onward, by=protocol) as port:
        await opened.listen(f"127.0.0.1:{onward}")
        try:
            client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=True, tls_context=certificate.trust)
            await client.connect()
            await client.sendmail(CAROL, [REPLY], raw_mail("Été".encode().decode()))
            await client.quit()
            async with asyncio.timeout(60):
                await keeper.happened.wait()
        finally:
            await opened.close()
    (taken,) = keeper.taken
    assert (taken.sender, taken.recipients) == (CAROL, (REPLY,))
    assert taken.raw.endswith("\r\n\r\nÉté\r\n".encode())
