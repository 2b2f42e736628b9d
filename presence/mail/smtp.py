"""The SMTP edge: one connection, several mails, each with one recipient."""

import ssl
from types import TracebackType
from typing import Self

import aiosmtplib
from aiosmtplib.errors import SMTPException, SMTPResponseException, SMTPTimeoutError

from presence.config import MailConfig
from presence.mail.rules import Reply

CONNECT = 30.0  # seconds
COMMAND = 300.0  # RFC 5321 4.5.3.2: five minutes for MAIL and RCPT
FINAL_DOT = 600.0  # RFC 5321 4.5.3.2.6: ten minutes, or the server has the mail and we send it again


class Unreachable(Exception):
    """No usable connection; `reply` tells what happened. No mail was tried."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


class Connection:
    """An authenticated connection to the configured server; `async with` opens and closes it."""

    def __init__(self, config: MailConfig, *, final_dot: float = FINAL_DOT) -> None:
        self._config = config
        self._final_dot = final_dot
        self._smtp = aiosmtplib.SMTP(
            hostname=config.host,
            port=config.port,
            use_tls=config.tls == "implicit",
            start_tls=config.tls == "starttls",
            tls_context=ssl.create_default_context() if config.tls != "none" else None,
            username=config.username or None,
            password=config.password or None,
            timeout=CONNECT,
        )

    async def __aenter__(self) -> Self:
        """Connect and sign in; raises `Unreachable`."""
        try:
            await self._smtp.connect()
        except SMTPResponseException as error:
            raise Unreachable(Reply(error.code, str(error.message), ours=True)) from error
        except (SMTPException, OSError) as error:
            raise Unreachable(Reply(0, type(error).__name__, ours=True)) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.usable:
            return
        try:
            await self._smtp.quit(timeout=5)
        except (SMTPException, OSError):
            self._smtp.close()

    @property
    def usable(self) -> bool:
        """Whether another mail can be tried on it."""
        return self._smtp.is_connected

    async def send(self, sender: str, recipient: str, raw: bytes) -> Reply:
        """Try one mail; never raises for what the server says or fails to say."""
        try:
            await self._smtp.mail(sender, timeout=COMMAND)
            await self._smtp.rcpt(recipient, timeout=COMMAND)
            answer = await self._smtp.data(raw, timeout=self._final_dot)
        except SMTPResponseException as error:
            await self._reset()
            return Reply(error.code, str(error.message), ours=error.code == 421)
        except SMTPTimeoutError:
            self._smtp.close()
            return Reply(0, "no answer in time")
        except (SMTPException, OSError) as error:
            self._smtp.close()
            return Reply(0, type(error).__name__)
        return Reply(answer.code, str(answer.message))

    async def _reset(self) -> None:
        try:
            await self._smtp.rset(timeout=30)
        except (SMTPException, OSError):
            self._smtp.close()


async def probe(config: MailConfig) -> str | None:
    """What is wrong with the way to the mail server, if anything: connects, signs in, and leaves."""
    try:
        async with Connection(config):
            return None
    except Unreachable as error:
        return f"{config.host}:{config.port}: {error.reply.code or ''} {error.reply.text}".strip()
