"""The demo's mail server: it takes every mail and keeps it for a page to show. Nothing leaves the machine."""

import asyncio
import mailbox
import re
import threading
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import formatdate, make_msgid, parseaddr
from pathlib import Path
from typing import Literal, NamedTuple

from aiosmtpd.smtp import SMTP, Envelope, Session

KEPT = 500  # mails; the oldest go first


class Caught(NamedTuple):
    """A mail that was caught."""

    id: str
    recipient: str
    message: EmailMessage
    raw: bytes

    def part(self, content_type: str) -> str | None:
        """The text of the first part of a type; what cannot be decoded shows as such."""
        for part in self.message.walk():
            if part.get_content_type() == content_type:
                try:
                    return str(part.get_content())
                except (LookupError, ValueError):  # a charset that nobody knows
                    payload = part.get_payload(decode=True)
                    return payload.decode(errors="replace") if isinstance(payload, bytes) else None
        return None


Manner = Literal["self", "stranger", "away"]
MANNERS: tuple[Manner, ...] = ("self", "stranger", "away")


def answer_to(mail: Caught, text: str, manner: Manner, *, server: str) -> EmailMessage:
    """What a mail program makes of an answer to a caught mail: by whom it was for, by a stranger, or a holiday notice.

    `server` is the mail server that vouches for the sender, as an organisation's own does. `ValueError` when nobody answers it.
    """
    address = parseaddr(str(mail.message["Reply-To"] or ""))[1]
    if not address:
        raise ValueError("nowhere to answer to")
    sender = "mallory@elsewhere.example" if manner == "stranger" else mail.recipient
    domain, message_id = sender.rpartition("@")[2], str(mail.message["Message-ID"] or "")
    answer = EmailMessage()
    answer["Authentication-Results"] = f"{server}; dmarc=pass header.from={domain}"
    answer["From"], answer["To"] = sender, address
    subject = str(mail.message["Subject"] or "")
    answer["Subject"] = subject if subject.lower().startswith("re:") else f"Re: {subject}"
    answer["Message-ID"], answer["Date"] = make_msgid(domain=domain), formatdate()
    answer["In-Reply-To"] = message_id
    answer["References"] = f"{mail.message['References'] or ''} {message_id}".strip()
    if manner == "away":
        answer["Auto-Submitted"] = "auto-replied"
    repeated = "".join(f"> {line}\n" for line in (mail.part("text/plain") or "").splitlines())
    answer.set_content(f"{text}\n\nOn {mail.message['Date']}, {mail.message['From']} wrote:\n\n{repeated}")
    return answer


class Catcher:
    """A Maildir and the SMTP listener that fills it; `port` 0 takes any free one."""

    def __init__(self, directory: Path) -> None:
        directory.parent.mkdir(parents=True, exist_ok=True)
        self._box = mailbox.Maildir(directory)
        self._lock = threading.Lock()  # mails come over several connections, and a Maildir bears one thread at a time
        self._server: asyncio.Server | None = None

    async def listen(self, port: int) -> int:
        """Take mails on loopback; returns the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, loop=loop, enable_SMTPUTF8=True), "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """aiosmtpd's name for: a mail is here."""
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        recipient = ",".join(envelope.rcpt_tos)
        await asyncio.to_thread(self._keep, b"X-Caught-For: " + recipient.encode() + b"\r\n" + raw)
        return "250 caught"

    def _keep(self, raw: bytes) -> None:
        with self._lock:
            self._box.add(raw)
            for old in self._keys()[:-KEPT]:
                self._box.remove(old)

    def mails(self, recipient: str = "") -> list[Caught]:
        """What was caught, the newest first."""
        with self._lock:
            found = [self._read(key) for key in reversed(self._keys())]
        return [one for one in found if not recipient or one.recipient == recipient]

    def mail(self, key: str) -> Caught | None:
        """One mail."""
        with self._lock:
            return self._read(key) if key in self._box else None

    def _keys(self) -> list[str]:
        """The mails' keys, the oldest first: they begin with the second, the microsecond, and our own count."""
        return sorted(self._box.keys(), key=lambda key: [int(number) for number in re.findall(r"\d+", key)[:4]])

    def _read(self, key: str) -> Caught:
        raw = self._box.get_bytes(key)
        message = BytesParser(_class=EmailMessage, policy=policy.default).parsebytes(raw)
        return Caught(key, str(message["X-Caught-For"] or ""), message, raw)
