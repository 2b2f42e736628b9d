"""The SMTP edge: one connection, several mails, each with one recipient."""

import ssl
from types import TracebackType
from typing import NamedTuple, Self

import aiosmtplib
from aiosmtplib.errors import SMTPException, SMTPResponseException, SMTPTimeoutError

from presence.config import MailConfig
from presence.mail.rules import Reply, Step


class Timeouts(NamedTuple):
    """Seconds to wait for the server, by RFC 5321 4.5.3.2."""

    connect: float = 300  # the greeting; EHLO, STARTTLS and AUTH each have as long
    command: float = 300  # MAIL, RCPT, RSET
    final_dot: float = 600  # 4.5.3.2.6: a client that leaves earlier sends again what the server has taken
    quit: float = 5  # nothing depends on it


PROBE = Timeouts(connect=15, command=15)


class Unreachable(Exception):
    """No usable connection; `reply` tells what happened. No mail was tried."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class Connection:
    """A connection to the configured server, signed in; `async with` opens and closes it.

    With `tls` "starttls" or "implicit" the server's certificate is verified, on loopback too; `trust` replaces the
    system's certificate authorities.
    """

    def __init__(
        self, config: MailConfig, *, timeouts: Timeouts | None = None, trust: ssl.SSLContext | None = None
    ) -> None:
        self._timeouts = timeouts or Timeouts()
        secure = config.tls != "none"
        self._smtp = aiosmtplib.SMTP(
            hostname=config.host,
            port=config.port,
            use_tls=config.tls == "implicit",
            start_tls=config.tls == "starttls",
            tls_context=(trust or ssl.create_default_context()) if secure else None,
            username=config.username or None,
            password=config.password or None,
            # RFC 5321 4.1.1.1 wants a name; the machine's own may not resolve, and asking for it may block.
            local_hostname=config.sender.rpartition("@")[2] or "localhost",
            timeout=self._timeouts.connect,
        )

    async def __aenter__(self) -> Self:
        """Connect, say EHLO, secure and sign in; raises `Unreachable`."""
        try:
            await self._smtp.connect()
            if self._smtp.is_ehlo_or_helo_needed:
                await self._smtp.ehlo()
        except SMTPResponseException as error:
            self._smtp.close()
            raise Unreachable(Reply(error.code, str(error.message), "connect")) from error
        except (SMTPException, OSError) as error:
            self._smtp.close()
            raise Unreachable(Reply(0, _said(error), "connect")) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None or not self.usable:
            self._smtp.close()
            return
        try:
            await self._smtp.quit(timeout=self._timeouts.quit)
        except (SMTPException, OSError):
            self._smtp.close()

    @property
    def usable(self) -> bool:
        """Whether another mail can be tried on it."""
        return self._smtp.is_connected

    async def begin(self, sender: str, recipient: str, size: int) -> Reply | None:
        """Ask whether the server takes a mail of `size` bytes; None when it does, else why not."""
        step: Step = "sender"
        try:
            # RFC 1870: a mail that is too big is refused before it is sent.
            options = [f"SIZE={size}"] if self._smtp.supports_extension("size") else []
            await self._smtp.mail(sender, options=options, timeout=self._timeouts.command)
            step = "recipient"
            await self._smtp.rcpt(recipient, timeout=self._timeouts.command)
        except SMTPResponseException as error:
            await self._reset(error.code)
            return Reply(error.code, str(error.message), step)
        except (SMTPException, OSError) as error:
            self._smtp.close()
            return Reply(0, _said(error), step)
        except ValueError:  # an address that cannot be written in SMTP: no retry will help
            await self._reset(0)
            return Reply(553, "the address cannot be used", "recipient")
        return None

    async def deliver(self, raw: bytes) -> Reply:
        """Send the mail that `begin` announced. From here on the server may have it, whatever is heard of it."""
        try:
            answer = await self._smtp.data(raw, timeout=self._timeouts.final_dot)
        except SMTPResponseException as error:
            await self._reset(error.code)
            return Reply(error.code if error.code >= 400 else 0, f"{error.code} {error.message}", "data")
        except (SMTPException, OSError) as error:
            self._smtp.close()
            return Reply(0, _said(error), "data")
        return Reply(answer.code, str(answer.message), "data")

    def abandon(self) -> None:
        """Close at once, with no word to the server."""
        self._smtp.close()

    async def check(self) -> None:
        """Ask for a sign of life; raises `Unreachable`."""
        try:
            await self._smtp.noop(timeout=self._timeouts.command)
        except SMTPResponseException as error:
            raise Unreachable(Reply(error.code, str(error.message), "connect")) from error
        except (SMTPException, OSError) as error:
            raise Unreachable(Reply(0, _said(error), "connect")) from error

    async def _reset(self, code: int) -> None:
        """Make ready for the next mail after a refusal. RFC 5321 3.8: after a 421 the server closes."""
        if code == 421:
            self._smtp.close()
            return
        try:
            await self._smtp.rset(timeout=self._timeouts.command)
        except (SMTPException, OSError):
            self._smtp.close()


async def probe(config: MailConfig, *, trust: ssl.SSLContext | None = None) -> str | None:
    """What is wrong with the way to the mail server, if anything: connects, secures, signs in, and leaves."""
    try:
        async with Connection(config, timeouts=PROBE, trust=trust) as connection:
            await connection.check()
    except Unreachable as error:
        return f"{config.host}:{config.port}: {error}"
    return None


def _said(error: Exception) -> str:
    """What happened, in words that name no address of a person."""
    if isinstance(error, SMTPTimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__
