"""Who plays in the mail tests: a clock that is moved by hand, a mail server with faults, mails to Carol and Dave."""

import asyncio
import contextlib
import ssl
import warnings
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from sqlalchemy import Connection, Table, insert, select

from presence.config import MailConfig
from presence.mail import outbox
from presence.mail.outbox import Mail
from presence.mail.worker import MailWorker
from presence.storage import tables
from presence.storage.database import Database

NOW = 1_795_000_000
CAROL = "carol@customers.example"
DAVE = "dave@customers.example"
BANK = "appointments@bank.example"
DAY = 86_400


class FakeTime:
    """A clock, and rests that end when it is moved past them."""

    def __init__(self) -> None:
        self._now = NOW
        self._rests: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> int:
        return self._now

    def now_ms(self) -> int:
        return self._now * 1000

    async def rest(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._rests.append((self._now + seconds, future))
        await future

    async def until_all_rest(self) -> None:
        """Let everybody who has nothing to wait for but the clock come to their rest."""
        for _ in range(10):
            await asyncio.sleep(0)

    def waits_for(self, seconds: float) -> bool:
        """Whether somebody rests until so many seconds from now."""
        return any(until == self._now + seconds and not future.done() for until, future in self._rests)

    def advance(self, seconds: int) -> None:
        self._now += seconds
        over = [future for until, future in self._rests if until <= self._now]
        self._rests = [(until, future) for until, future in self._rests if until > self._now]
        for future in over:
            if not future.done():
                future.set_result(None)


# A fault is a reply, or something the server does instead of answering properly.
Fault = str | Callable[["MailServer", SMTP], Awaitable[str]]


async def disconnect(_server: "MailServer", smtp: SMTP) -> str:
    """Cut the line."""
    hang_up(smtp)
    return "421 gone"


async def stall(server: "MailServer", _smtp: SMTP) -> str:
    """Say nothing until the test allows it."""
    server.stalled.set()
    await server.go_on.wait()
    return "250 at last"


def hang_up(smtp: SMTP) -> None:
    """Close a line without a word."""
    if isinstance(smtp.transport, asyncio.WriteTransport):
        smtp.transport.abort()


async def eventually(true: Callable[[], Awaitable[bool]]) -> None:
    """Let the others run until something is true."""
    async with asyncio.timeout(60):
        while not await true():
            await asyncio.sleep(0)


class MailServer:
    """A real SMTP server on loopback. Faults of a step are used up, one a mail, before it behaves."""

    def __init__(
        self,
        *,
        port: int = 0,
        login: tuple[str, str] | None = None,
        starttls: ssl.SSLContext | None = None,
        implicit: ssl.SSLContext | None = None,
    ) -> None:
        self.port = port
        self.received: list[tuple[str, str, bytes]] = []  # what it took charge of, or had in full when it failed
        self.connections = 0
        self.at_recipient: deque[Fault] = deque()
        self.at_sender: deque[Fault] = deque()
        self.at_dot: deque[Fault] = deque()
        self.stalled = asyncio.Event()
        self.go_on = asyncio.Event()
        self.arrived = asyncio.Event()
        self._options: dict[str, Any] = {"tls_context": starttls, "require_starttls": starttls is not None}
        if login:
            self._options |= {
                "authenticator": lambda *a: AuthResult(
                    success=a[4] == LoginPassword(login[0].encode(), login[1].encode()), handled=False
                ),
                "auth_required": True,
                "auth_require_tls": starttls is not None,
            }
        self._implicit = implicit
        self._server: asyncio.Server | None = None
        self._lines: list[SMTP] = []

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()

        def line() -> SMTP:
            self.connections += 1
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # that signing in without TLS is unwise
                smtp = SMTP(self, loop=loop, hostname="mail.example", **self._options)
            self._lines.append(smtp)
            return smtp

        self._server = await loop.create_server(line, "127.0.0.1", self.port, ssl=self._implicit)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.go_on.set()
        assert self._server is not None
        self._server.close()
        for line in self._lines:
            hang_up(line)
            if line._handler_coroutine is not None:
                line._handler_coroutine.cancel()
                await asyncio.gather(line._handler_coroutine, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def bodies(self) -> list[bytes]:
        return [raw for _, _, raw in self.received]

    async def handle_MAIL(  # noqa: N802
        self, smtp: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return await self._next(self.at_sender, smtp)

    async def handle_RCPT(  # noqa: N802
        self, smtp: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = await self._next(self.at_recipient, smtp)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, smtp: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        fault = self.at_dot[0] if self.at_dot else "250 OK"
        if not isinstance(fault, str) or fault.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.received.append((str(envelope.mail_from), ",".join(envelope.rcpt_tos), envelope.content))
            self.arrived.set()
        return await self._next(self.at_dot, smtp)

    async def _next(self, faults: deque[Fault], smtp: SMTP) -> str:
        fault = faults.popleft() if faults else "250 OK"
        return fault if isinstance(fault, str) else await fault(self, smtp)


@contextlib.asynccontextmanager
async def greeting(text: bytes) -> AsyncIterator[int]:
    """A server that greets with this and hangs up; gives its port."""

    async def line(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(line, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def config_for(port: int, **changes: Any) -> MailConfig:
    """The configuration that sends to a port of this machine."""
    return MailConfig(**{"host": "127.0.0.1", "port": port, "sender": BANK, "connections": 2, **changes})


def mail(name: str, *, recipient: str = CAROL, kind: str = "confirmation") -> Mail:
    """A small mail with the tricky lines: a dot alone, dots in front, bytes that need care."""
    message_id = f"<{name}@bank.example>"
    raw = (
        f"From: {BANK}\r\nTo: {recipient}\r\nSubject: {name}\r\nMessage-ID: {message_id}\r\n\r\n"
        ".\r\n..two\r\nFrom here on.\r\n"
    ).encode()
    return Mail(message_id=message_id, kind=kind, sender=BANK, recipient=recipient, raw=raw)


async def put(database: Database, *mails: Mail, now: int = NOW, expires_at: int = NOW + 3 * DAY) -> None:
    """Store mails as a booking does."""

    def work(connection: Connection) -> None:
        outbox.enqueue(connection, mails, appointment_id=None, now=now, expires_at=expires_at)

    await database.write(work)


async def rows(database: Database) -> dict[str, Any]:
    """The outbox: Message-ID -> row."""
    table = tables.outbox
    found = await database.read(lambda connection: connection.execute(select(table).order_by(table.c.id)).all())
    return {row.message_id.strip("<>").partition("@")[0]: row for row in found}


async def states(database: Database) -> dict[str, str]:
    """Message-ID's first part -> state."""
    return {name: row.state for name, row in (await rows(database)).items()}


@contextlib.asynccontextmanager
async def running(worker: MailWorker) -> AsyncIterator[MailWorker]:
    """A worker at work; stopped as the application stops it."""
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await task


async def an_appointment(database: Database) -> int:
    """An appointment of Carol's for mails to belong to; its id. What the outbox does not look at is empty."""

    def work(connection: Connection) -> int:
        service = _insert(connection, tables.service)
        customer = _insert(connection, tables.customer)
        return _insert(connection, tables.appointment, service_id=service, customer_id=customer)

    return await database.write(work)


def _insert(connection: Connection, table: Table, **values: Any) -> int:
    empty = {
        column.name: "" if column.type.python_type is str else 0
        for column in table.columns
        if not column.nullable and not column.primary_key and column.server_default is None
    }
    return int(connection.execute(insert(table).values(empty | values).returning(table.c.id)).scalar_one())
