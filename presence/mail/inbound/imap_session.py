"""One IMAP connection (RFC 3501, IDLE by RFC 2177), with the few commands that fetching new mail takes.

Our own and small, because the libraries for asyncio are under licences that this project does not want to hand on, and
read whatever a server sends into memory; here everything is bounded, and every wait ends.
"""

import asyncio
import base64
import re
import ssl
from types import TracebackType
from typing import Literal, NamedTuple, Self

LINE = 1_048_576  # bytes of a response's line
_MAX_RESPONSES = 100_000  # to one command
_LITERAL = re.compile(rb"\{(\d{1,12})\+?\}\r\n$")
_UID = re.compile(rb"\bUID (\d{1,10})\b")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d{1,12})\b")
_FETCH = re.compile(rb"\* \d+ FETCH ")
_EXISTS = re.compile(rb"\* \d+ EXISTS\b", re.IGNORECASE)
_VALIDITY = re.compile(rb"\[UIDVALIDITY (\d{1,10})\]", re.IGNORECASE)
_QUOTABLE = re.compile(r"[\x20-\x7e]*")

Tls = Literal["none", "starttls", "implicit"]


class ImapError(Exception):
    """The server refused something, or said what no server says. Holds its words, and nothing secret."""


class Timeouts(NamedTuple):
    """Seconds to wait for the server."""

    connect: float = 30
    command: float = 120  # a large mail is one command
    idle: float = 25 * 60  # RFC 2177: before half an hour is over


class Account(NamedTuple):
    """A mailbox and how to get at it."""

    host: str
    port: int
    tls: Tls
    username: str
    password: str
    folder: str = "INBOX"


class Response(NamedTuple):
    """A line of the server's, and the literals that stood in it."""

    line: bytes
    literals: tuple[bytes, ...]


class ImapSession:
    """`async with` connects, signs in and selects the folder. Raises `ImapError`, `OSError`, `TimeoutError`."""

    def __init__(
        self, account: Account, *, timeouts: Timeouts | None = None, trust: ssl.SSLContext | None = None, largest: int
    ) -> None:
        self._account = account
        self._timeouts = timeouts or Timeouts()
        self._trust = trust
        self._largest = largest  # bytes of a literal
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None
        self._count = 0
        self._capabilities: frozenset[str] = frozenset()
        self._news = False  # the folder has more mails than when we last looked
        self._reading: asyncio.Task[Response] | None = None  # a response that somebody began to wait for
        self.validity = 0  # UIDs mean the same as long as this is the same

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(self._timeouts.connect):
                await self._connect()
                await self._sign_in()
                await self._select()
        except BaseException:
            self._hang_up()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            try:
                async with asyncio.timeout(5):
                    await self._command("LOGOUT")
            except (ImapError, OSError, TimeoutError):
                pass
        self._hang_up()

    # -- what the door asks ---------------------------------------------------------------------------------------

    @property
    def can_idle(self) -> bool:
        """Whether the server tells of new mail by itself."""
        return "IDLE" in self._capabilities

    async def unseen(self) -> list[int]:
        """The UIDs of mails without \\Seen, the oldest first."""
        self._news = False
        found: list[int] = []
        for response in await self._bounded("UID SEARCH UNSEEN UNDELETED"):
            if response.line.upper().startswith(b"* SEARCH"):
                found += [int(word) for word in response.line.split()[2:] if word.isdigit()]
        return sorted(found)

    async def header(self, uid: int) -> tuple[int, bytes] | None:
        """The size and the header of a mail; None when it is gone."""
        found = self._fetched(uid, await self._bounded(f"UID FETCH {uid} (UID RFC822.SIZE BODY.PEEK[HEADER])"))
        if found is None:
            return None
        size = _SIZE.search(found.line)
        return int(size[1]) if size else 0, b"".join(found.literals)

    async def mail(self, uid: int, limit: int | None = None) -> bytes | None:
        """The bytes of a mail, or its first `limit`; \\Seen is not set by it. None when it is gone."""
        part = "BODY.PEEK[]" if limit is None else f"BODY.PEEK[]<0.{limit}>"
        found = self._fetched(uid, await self._bounded(f"UID FETCH {uid} (UID {part})"))
        return None if found is None else b"".join(found.literals)

    async def mark_seen(self, uid: int) -> None:
        """Set \\Seen."""
        await self._bounded(f"UID STORE {uid} +FLAGS.SILENT (\\Seen)")

    async def news(self, stop: asyncio.Event) -> None:
        """Wait until the folder has more mails, for as long as a connection may be silent, or until `stop`."""
        if self._news or stop.is_set():
            return
        if not self.can_idle:
            await _until(stop, 60)
            await self._bounded("NOOP")
            return
        tag = self._send("IDLE")
        async with asyncio.timeout(self._timeouts.command):
            while not (await self._response()).line.startswith(b"+"):
                pass
        stopped = asyncio.create_task(stop.wait())
        try:
            async with asyncio.timeout(self._timeouts.idle):
                while not self._news and not stop.is_set():
                    await self._response_or(stopped)
        except TimeoutError:
            pass
        finally:
            stopped.cancel()
        async with asyncio.timeout(self._timeouts.command):
            self._write(b"DONE\r\n")
            await self._until_tagged(tag)

    async def _response_or(self, stopped: asyncio.Task[bool]) -> None:
        """Take a response, unless we are stopped first; what was half read then is read by who comes next."""
        self._reading = self._reading or asyncio.create_task(self._read())
        await asyncio.wait({self._reading, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if self._reading.done():
            await self._response()

    # -- beginning --------------------------------------------------------------------------------------------------

    async def _connect(self) -> None:
        account = self._account
        trust = (self._trust or ssl.create_default_context()) if account.tls != "none" else None
        self._reader, self._writer = await asyncio.open_connection(
            account.host, account.port, ssl=trust if account.tls == "implicit" else None, limit=LINE
        )
        greeting = await self._response()
        if not greeting.line.upper().startswith(b"* OK"):
            raise ImapError(_words(greeting.line))
        if account.tls == "starttls":
            await self._command("STARTTLS")
            # What came in the clear after the answer is not the server's (it may be another's): there must be nothing.
            if self._reader._buffer:  # type: ignore[attr-defined]
                raise ImapError("the server went on speaking before the connection was secure")
            await self._writer.start_tls(trust or ssl.create_default_context(), server_hostname=account.host)
        await self._ask_capabilities()

    async def _sign_in(self) -> None:
        account = self._account
        if "LOGINDISABLED" in self._capabilities:
            raise ImapError("the server takes no password on a connection that is not secure")
        if "AUTH=PLAIN" in self._capabilities:
            secret = base64.b64encode(f"\0{account.username}\0{account.password}".encode()).decode()
            tag = self._send("AUTHENTICATE PLAIN")
            while not (response := await self._response()).line.startswith(b"+"):
                self._refuse(response, tag)
            self._write(secret.encode() + b"\r\n")
            await self._until_tagged(tag)
        else:
            await self._command(f"LOGIN {_quoted(account.username)} {_quoted(account.password)}")
        await self._ask_capabilities()  # they may be others now

    async def _ask_capabilities(self) -> None:
        words = [
            word
            for response in await self._command("CAPABILITY")
            if response.line.upper().startswith(b"* CAPABILITY")
            for word in response.line.decode("ascii", "replace").upper().split()[2:]
        ]
        self._capabilities = frozenset(words)

    async def _select(self) -> None:
        for response in await self._command(f"SELECT {_quoted(_folder(self._account.folder))}"):
            found = _VALIDITY.search(response.line)
            self.validity = int(found[1]) if found else self.validity

    # -- lines ------------------------------------------------------------------------------------------------------

    async def _bounded(self, command: str) -> list[Response]:
        async with asyncio.timeout(self._timeouts.command):
            return await self._command(command)

    async def _command(self, command: str) -> list[Response]:
        return await self._until_tagged(self._send(command))

    def _send(self, command: str) -> bytes:
        self._count += 1
        tag = f"p{self._count}".encode()
        self._write(tag + b" " + command.encode("ascii") + b"\r\n")
        return tag

    def _write(self, octets: bytes) -> None:
        if self._writer is None or self._writer.is_closing():
            raise ConnectionResetError("the connection is closed")
        self._writer.write(octets)

    async def _until_tagged(self, tag: bytes) -> list[Response]:
        """The responses until the one that answers the command."""
        responses: list[Response] = []
        while len(responses) < _MAX_RESPONSES:
            response = await self._response()
            if response.line.startswith(tag + b" "):
                self._refuse(response, tag)
                return responses
            responses.append(response)
        raise ImapError("the server does not come to an end")

    def _refuse(self, response: Response, tag: bytes) -> None:
        """Raise when a command was answered by anything but OK."""
        if response.line.startswith(tag + b" ") and not response.line[len(tag) + 1 :].upper().startswith(b"OK"):
            raise ImapError(_words(response.line[len(tag) + 1 :]))

    async def _response(self) -> Response:
        """The next response: the one that is being waited for already, if there is one."""
        reading, self._reading = self._reading, None
        return await (reading or self._read())

    async def _read(self) -> Response:
        """A line, with what literals there are in it."""
        line, literals = b"", []
        while True:
            try:
                line += await self._reader.readuntil(b"\r\n")
            except asyncio.IncompleteReadError:
                raise ConnectionResetError("the server hung up") from None
            except asyncio.LimitOverrunError:
                raise ImapError("a line is too long") from None
            found = _LITERAL.search(line)
            if found is None:
                break
            size = int(found[1])
            if size > self._largest or len(line) > LINE:
                raise ImapError("more than was asked for")
            try:
                literals.append(await self._reader.readexactly(size))
            except asyncio.IncompleteReadError:
                raise ConnectionResetError("the server hung up") from None
            line = line[: found.start()] + b'""'
        if _EXISTS.match(line):
            self._news = True
        if line.upper().startswith(b"* BYE") and self._writer is not None:
            self._news = True  # whatever we wait for will not come
        return Response(line, tuple(literals))

    def _fetched(self, uid: int, responses: list[Response]) -> Response | None:
        """The answer about one mail; servers tell of others' flags in between."""
        for response in responses:
            found = _UID.search(response.line)
            if _FETCH.match(response.line) and found and int(found[1]) == uid and b"BODY[" in response.line.upper():
                return response
        return None

    def _hang_up(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        if self._writer is not None:
            self._writer.close()


async def _until(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass


def _quoted(text: str) -> str:
    if not _QUOTABLE.fullmatch(text):
        raise ImapError("the server takes only ASCII for this name or password")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _folder(name: str) -> str:
    """A folder's name in IMAP's UTF-7 (RFC 3501 5.1.3)."""
    pieces: list[str] = []
    for plain, other in re.findall(r"([\x20-\x7e]+)|([^\x20-\x7e]+)", name):
        if plain:
            pieces.append(plain.replace("&", "&-"))
        else:
            encoded = base64.b64encode(other.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
            pieces.append(f"&{encoded}-")
    return "".join(pieces)


def _words(line: bytes) -> str:
    return line.decode("utf-8", "replace").strip()[:200]
