"""The doors that other mail servers knock at: LMTP behind the company's own, or SMTP.

250 is said only once the mail is committed; until then it is the other server's, which keeps it and comes again.
aiosmtpd gives one answer to LMTP's DATA where RFC 2033 wants one a recipient, so a transaction takes one recipient
here, and the other server opens another transaction for the next (RFC 5321 4.5.3.1.10).
"""

import asyncio
import ssl
from collections import Counter
from typing import Any, Literal

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from presence.errors import Unavailable
from presence.mail.inbound.model import Deliver, InboundEnvelope, Knows, Verdict

log = structlog.get_logger("presence.mail")

CONNECTIONS = 64  # at once
CONNECTIONS_EACH = 16  # from one address
SILENCE = 300.0  # seconds: RFC 5321 4.5.3.2 asks for five minutes
COMMANDS = 2000  # of a kind on one connection
_LONGEST_LINE = 100_000  # bytes; RFC 5321 allows 1,000, which not everybody reads

Protocol = Literal["lmtp", "smtp"]

_ANSWERS = {
    Verdict.TAKEN: "250 2.0.0 kept",
    Verdict.UNKNOWN: "550 5.1.1 there is no such address",
    Verdict.REFUSED: "554 5.7.1 not accepted here",
}
_LATER = "451 4.3.0 not now, please try again"


class Listener:
    """Takes mails by one protocol and hands each to `deliver`; addresses that `knows` does not know are refused."""

    def __init__(
        self,
        protocol: Protocol,
        deliver: Deliver,
        knows: Knows,
        *,
        hostname: str,
        max_bytes: int,
        starttls: ssl.SSLContext | None = None,
        silence: float = SILENCE,
    ) -> None:
        self._protocol: Protocol = protocol
        self._handler = _Handler(protocol, deliver, knows)
        self._options: dict[str, Any] = {
            "hostname": hostname,
            "ident": "mail",
            "data_size_limit": max_bytes,
            "enable_SMTPUTF8": True,
            "tls_context": starttls,
            "timeout": silence,
            "command_call_limit": COMMANDS,
            "auth_exclude_mechanism": ("LOGIN", "PLAIN"),  # nobody signs in here
        }
        self._server: asyncio.Server | None = None
        self._lines: dict[Any, str] = {}  # what speaks on each connection, and from where

    async def listen(self, address: str) -> int:
        """Listen at "host:port" or at "unix:/path"; returns the port, 0 for a path."""
        loop = asyncio.get_running_loop()
        if address.startswith("unix:"):
            self._server = await loop.create_unix_server(self._line, address.removeprefix("unix:"))
            return 0
        host, _, port = address.rpartition(":")
        self._server = await loop.create_server(self._line, host.strip("[]") or None, int(port))
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and hang up. What was not answered comes again."""
        if self._server is None:
            return
        self._server.close()
        for line in tuple(self._lines):
            await line.hang_up()
        await self._server.wait_closed()
        self._server = None

    def _line(self) -> asyncio.Protocol:
        return (_LmtpLine if self._protocol == "lmtp" else _SmtpLine)(self._handler, self._lines, self._options)


class _Counted:
    """A connection that is counted, and turned away when there are too many."""

    line_length_limit = _LONGEST_LINE

    def __init__(self, handler: "_Handler", lines: dict[Any, str], options: dict[str, Any]) -> None:
        super().__init__(handler, loop=asyncio.get_running_loop(), **options)  # type: ignore[call-arg]
        self._lines = lines
        self._turned_away = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self in self._lines:  # again, after STARTTLS
            super().connection_made(transport)  # type: ignore[misc]
            return
        peer = transport.get_extra_info("peername")
        origin = str(peer[0]) if isinstance(peer, tuple) else ""
        here = Counter(self._lines.values())[origin]
        if len(self._lines) >= CONNECTIONS or (origin and here >= CONNECTIONS_EACH):
            self._turned_away = True
            if isinstance(transport, asyncio.WriteTransport):
                transport.write(b"421 4.3.2 too many connections, please try again\r\n")
            transport.close()
            return
        self._lines[self] = origin
        super().connection_made(transport)  # type: ignore[misc]

    def data_received(self, data: bytes) -> None:
        if not self._turned_away:
            super().data_received(data)  # type: ignore[misc]

    def eof_received(self) -> bool | None:
        return None if self._turned_away else super().eof_received()  # type: ignore[misc]

    def connection_lost(self, error: Exception | None) -> None:
        if not self._turned_away:
            self._lines.pop(self, None)
            super().connection_lost(error)  # type: ignore[misc]

    async def hang_up(self) -> None:
        """End the connection and what is done for it."""
        transport, task = self.transport, self._handler_coroutine  # type: ignore[attr-defined]
        if transport is not None:
            transport.abort()
        if task is not None:
            task.cancel()
            await asyncio.wait({task})


class _SmtpLine(_Counted, SMTP):
    pass


class _LmtpLine(_Counted, LMTP):
    pass


class _Handler:
    """aiosmtpd's names for what happens on a connection."""

    def __init__(self, protocol: Protocol, deliver: Deliver, knows: Knows) -> None:
        self._protocol: Protocol = protocol
        self._deliver = deliver
        self._knows = knows

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if envelope.rcpt_tos:
            return "452 4.5.3 one recipient at a time"
        try:
            known = address.partition("@")[0].lower() == "postmaster" or await self._knows(address)
        except Unavailable:
            return _LATER
        if not known:
            return _ANSWERS[Verdict.UNKNOWN]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 go on"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content or b""
        sender = envelope.mail_from or ""
        mail = InboundEnvelope(
            sender="" if sender == "<>" else sender.encode("utf-8", "replace").decode(),
            recipients=tuple(envelope.rcpt_tos),
            raw=bytes(content),
            via=self._protocol,
        )
        try:
            return _ANSWERS[await self._deliver(mail)]
        except Unavailable:
            return _LATER
        except Exception as error:
            return await self.handle_exception(error)

    async def handle_exception(self, error: Exception) -> str:
        """Whatever went wrong, nothing was stored: the mail stays with who brought it."""
        log.error("a mail could not be taken", error=type(error).__name__, exc_info=error)
        return _LATER
