"""A WebSocket client that costs next to nothing (RFC 6455, text frames only), so that the server is what is measured."""

import asyncio
import struct
from collections.abc import Callable
from typing import cast

_REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_TEXT, _CLOSE, _PING = 0x81, 0x88, 0x89


class Socket(asyncio.Protocol):
    """One connection. `hear` gets each message; `closed` the code it ended with (1006: without a word)."""

    __slots__ = ("_buffer", "_open", "_reading", "closed", "code", "hear", "opened", "transport")

    def __init__(self, hear: Callable[[bytes], None]) -> None:
        loop = asyncio.get_running_loop()
        self.hear = hear
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[int] = loop.create_future()
        self.code = 1006
        self.transport: asyncio.Transport
        self._open = False
        self._buffer = b""

    @classmethod
    async def connect(cls, port: int, path: str, hear: Callable[[bytes], None], source: str = "127.0.0.1") -> "Socket":
        """Open one from an address of loopback; `ConnectionError` when the server is not there."""
        loop = asyncio.get_running_loop()
        _, socket = await loop.create_connection(
            lambda: cls(hear), "127.0.0.1", port, local_addr=None if source == "127.0.0.1" else (source, 0)
        )
        socket.transport.write(_REQUEST.format(path=path, port=port).encode())
        await socket.opened
        return socket

    def send(self, text: bytes) -> None:
        """Send a message. The mask is zero: masking guards proxies against pages, and there are none of either here."""
        size = len(text)
        if size < 126:
            head = struct.pack("!BBI", _TEXT, 0x80 | size, 0)
        elif size < 65536:
            head = struct.pack("!BBHI", _TEXT, 0xFE, size, 0)
        else:
            head = struct.pack("!BBQI", _TEXT, 0xFF, size, 0)
        self.transport.write(head + text)

    def vanish(self) -> None:
        """End without a word."""
        self.transport.abort()

    # -- asyncio's side -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by name

    def connection_lost(self, error: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("lost"))
        if not self.closed.done():
            self.closed.set_result(self.code)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        at = 0
        if not self._open:
            at = buffer.find(b"\r\n\r\n") + 4
            if at < 4:
                self._buffer = buffer
                return
            if not buffer.startswith(b"HTTP/1.1 101"):
                self.opened.set_exception(ConnectionError(buffer[:40].decode("latin-1")))
                self.transport.abort()
                return
            self._open = True
            self.opened.set_result(None)
        end = len(buffer)
        while end - at >= 2:
            size, start = buffer[at + 1], at + 2
            if size == 126:
                if end - at < 4:
                    break
                size, start = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
            elif size == 127:
                if end - at < 10:
                    break
                size, start = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
            if end < start + size:
                break
            self._take(buffer[at], buffer[start : start + size])
            at = start + size
        self._buffer = buffer[at:]

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == _TEXT:
            self.hear(payload)
        elif opcode == _CLOSE:
            self.code = int.from_bytes(payload[:2], "big") if payload else 1005
            self.transport.close()
        elif opcode == _PING:
            self.transport.write(struct.pack("!BBI", 0x8A, 0x80 | len(payload), 0) + payload)
