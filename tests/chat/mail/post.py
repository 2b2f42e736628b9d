"""The way mail goes between the bank and its customers' providers: a server that takes what is sent, doors to knock at."""

import asyncio
import contextlib
import email
import email.policy
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from presence.chat import log
from presence.chat.model import Stored
from presence.config import Config, InboundConfig, MailConfig
from presence.storage.tables import conversation, outbox
from tests.chat.cast import Adviser, Bank, Customer
from tests.mail.cast import MailServer
from tests.mail.inbound.cast import CORPUS, REPLY
from tests.mail.inbound.test_listener import Dialogue

SENDER = "advice@bank.example"
TRUSTED = "mx.bank.example"
CAROL = "carol@customers.example"
UNSEEN = 120  # seconds until what is unseen is mailed
PATIENCE = 30  # seconds until a test that waits gives up


def with_mail(config: Config, directory: Path, port: int, **inbound: Any) -> Config:
    """The bank with a mail server to send by, and doors at paths of a directory."""
    doors = {
        "reply_address": "reply+{token}@bank.example",
        "bounce_address": "bounce+{token}@bank.example",
        "lmtp_listen": f"unix:{directory}/lmtp",
        "smtp_listen": f"unix:{directory}/smtp",
        "trusted_authserv": TRUSTED,
        **inbound,
    }
    mail = MailConfig(host="127.0.0.1", port=port, sender=SENDER, inbound=InboundConfig(**doors))
    return msgspec.structs.replace(config, mail=mail)


async def until(true: Callable[[], Awaitable[Any]]) -> Any:
    """What is awaited happens by itself, in its own time; returns what it gave."""
    async with asyncio.timeout(PATIENCE):
        while not (found := await true()):
            await asyncio.sleep(0.01)
    return found


class Post:
    """What leaves the bank, and what comes in."""

    def __init__(self, bank: Bank, outside: MailServer, directory: Path) -> None:
        self.bank = bank
        self.outside = outside
        self._directory = directory

    # -- out ------------------------------------------------------------------------------------------------------

    async def look(self) -> None:
        """What the bank does every few seconds by itself, now."""
        await self.bank.chat.mailing.look()

    async def time_passes(self, seconds: int = UNSEEN) -> None:
        """So long that what is unseen is mailed."""
        await self.bank.later(seconds)
        await self.look()

    async def mails(self, count: int, to: str = "") -> list[EmailMessage]:
        """The mails that somebody was sent, once there are as many; there are not more."""

        async def there() -> bool:
            return len(self._sent(to)) >= count

        await until(there)
        await self.settled()
        sent = self._sent(to)
        assert len(sent) == count, [mail["Subject"] for mail in sent]
        return sent

    async def mail(self, to: str = CAROL) -> EmailMessage:
        """The one mail that somebody was sent."""
        (found,) = await self.mails(1, to)
        return found

    def _sent(self, to: str) -> list[EmailMessage]:
        return [_read(raw) for _, recipient, raw in self.outside.received if to in {"", recipient}]

    async def settled(self) -> None:
        """Wait until nothing is on its way."""

        async def nothing_waits() -> bool:
            now = self.bank.clock.now()
            return not any(
                row.state == "attempting" or (row.state == "queued" and row.due_at <= now)
                for row in await self.outbox()
            )

        await until(nothing_waits)

    async def outbox(self) -> Sequence[Any]:
        """Its rows, in order."""
        return await self.bank.database.read(
            lambda connection: connection.execute(select(outbox).order_by(outbox.c.id)).all()
        )

    # -- in -------------------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def door(self, protocol: str = "lmtp") -> AsyncIterator[Dialogue]:
        """Another mail server has knocked and greeted."""
        reader, writer = await asyncio.open_unix_connection(str(self._directory / protocol))
        other = Dialogue(reader, writer)
        await other.hears()
        await other.says("LHLO mx.example" if protocol == "lmtp" else "EHLO mx.example")
        try:
            yield other
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def brings(self, raw: bytes, to: str, sender: str = CAROL, protocol: str = "lmtp") -> str:
        """Another mail server brings a mail; the last answer to it."""
        async with self.door(protocol) as other:
            return (await other.brings(raw, to, sender))[-1]

    # -- what became of it ------------------------------------------------------------------------------------------

    async def events(self, c: str) -> list[Stored]:
        """Everything in a conversation's log."""

        def work(connection: Connection) -> list[Stored]:
            id_ = connection.execute(select(conversation.c.id).where(conversation.c.uid == c)).scalar_one()
            return log.read(connection, id_, 0, 10_000)

        return await self.bank.database.read(work)

    async def bodies(self, c: str, kind: str, sender: str = "") -> list[dict[str, Any]]:
        """The bodies of the events of a kind."""
        events = await self.events(c)
        return [msgspec.json.decode(one.body) for one in events if one.kind == kind and sender in {"", one.sender}]

    async def row(self, c: str) -> Any:
        """A conversation's row."""
        query = select(conversation).where(conversation.c.uid == c)
        return await self.bank.database.read(lambda connection: connection.execute(query).one())


def _read(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, _class=EmailMessage, policy=email.policy.default)
    assert not message.defects
    return message


def part(mail: EmailMessage, kind: str = "plain") -> str:
    """A mail's text, or its HTML."""
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def reply_to(mail: EmailMessage) -> str:
    """The address that answers go to."""
    (address,) = mail["Reply-To"].addresses
    assert re.fullmatch(r"(?:reply|advice)\+[0-9A-Za-z]{22}@bank\.example", address.addr_spec)
    return str(address.addr_spec)


def bounce_of(mail: EmailMessage) -> str:
    """The return path of a mail to a customer."""
    return reply_to(mail).replace("reply+", "bounce+")


def answer(mail: EmailMessage, text: str, *, sender: str = CAROL, headers: str = "", name: str = "answer") -> bytes:
    """What a mail program makes of an answer to a mail, with what it answers below."""
    quoted = "".join(f"> {line}\r\n" for line in part(mail).splitlines())
    return (
        f"From: Carol <{sender}>\r\nTo: {reply_to(mail)}\r\nSubject: Re: {mail['Subject']}\r\n"
        f"Message-ID: <{name}@customers.example>\r\nIn-Reply-To: {mail['Message-ID']}\r\n"
        f"References: {mail['References'] or ''} {mail['Message-ID']}\r\n{headers}"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        f"{text}\r\n\r\nOn Mon, 8 Jun 2026 at 09:00, Banque Lumière <{SENDER}> wrote:\r\n\r\n{quoted}"
    ).encode()


def of_corpus(name: str, address: str) -> bytes:
    """A mail of the corpus, to an address that was given out."""
    token = re.search(r"\+(\w+)@", REPLY)
    given = re.search(r"\+(\w+)@", address)
    assert token
    assert given
    raw = (CORPUS / f"{name}.eml").read_bytes().replace(token[1].encode(), given[1].encode())
    return re.sub(rb"\r?\n", b"\r\n", raw.rstrip()) + b"\r\n"


async def mailed(post: Post, carol: Customer, alice: Adviser, text: str = "Could you come on Tuesday?") -> str:
    """Carol has asked, gone, and been answered by mail; the conversation."""
    c = await carol.begin("Good morning!")
    await alice.take(c)
    await carol.hang_up()
    await alice.say(c, text)
    await post.time_passes()
    return c
