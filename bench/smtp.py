"""A mail server that takes everything and remembers which Message-IDs it was given, and how often."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_ID = re.compile(rb"^message-id:\s*(<[^>]*>)", re.IGNORECASE | re.MULTILINE)
_DOT = b"\r\n.\r\n"


class Sink:
    """What was taken charge of: Message-ID -> copies."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.port = 0


class _Line(asyncio.Protocol):
    """As much of RFC 5321 as a client needs."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._buffer = b""
        self._in_data = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._step():
            pass

    def _step(self) -> bool:
        """Take one command, or one whole mail; False when more must come first."""
        assert self._transport is not None
        end = self._buffer.find(_DOT if self._in_data else b"\r\n")
        if end < 0:
            return False
        if self._in_data:
            mail, self._buffer, self._in_data = self._buffer[:end], self._buffer[end + len(_DOT) :], False
            found = _ID.search(mail)
            self._sink.taken[found[1].decode() if found else ""] += 1
            self._transport.write(b"250 taken\r\n")
            return True
        line, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
        verb = line[:4].upper()
        if verb == b"DATA":
            self._in_data = True
            self._transport.write(b"354 go on\r\n")
        elif verb == b"EHLO":
            self._transport.write(b"250-sink\r\n250-8BITMIME\r\n250 PIPELINING\r\n")
        elif verb == b"QUIT":
            self._transport.write(b"221 bye\r\n")
            self._transport.close()
        else:
            self._transport.write(b"250 ok\r\n")
        return True


@asynccontextmanager
async def sink() -> AsyncIterator[Sink]:
    """A mail server on loopback, on this process's event loop."""
    found = Sink()
    server = await asyncio.get_running_loop().create_server(lambda: _Line(found), "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
