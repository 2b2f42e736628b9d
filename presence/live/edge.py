"""The WebSocket itself (RFC 6455), from the handshake to the last close frame: the protocol that uvicorn hands an upgrade to.

The application is asked by ASGI whether to accept, and then talks to the edge itself: a message in costs no task and no
queue of its own, a message out is one write. Nothing is compressed, and only data frames of the other side are kept.
"""

import asyncio
import base64
import hashlib
import socket
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import unquote

import structlog
from starlette.types import Message, Scope

from presence.live.frames import MAX_MESSAGE, Close

log = structlog.get_logger("presence.live")

STUCK = 10.0  # seconds that the other side may take to make room, or to answer a close
FRAGMENTS = 64  # of one message: empty ones cost nothing to send
UNREAD = 32  # messages that may wait to be read; then nothing more is taken from the network
UNSENT = 64 * 1024  # bytes that the system keeps for who does not read; by itself it would keep some megabytes
_KEY = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3
_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_LOST, _NO_CODE, _PROTOCOL_ERROR, _TOO_BIG, _BROKEN = 1006, 1005, 1002, 1009, 1011


class Edge(asyncio.Protocol):
    """One connection. `on_room` is called when what was written has left after `full` had been true."""

    __slots__ = (
        "_app",
        "_app_state",
        "_buffer",
        "_closing",
        "_extra",
        "_loop",
        "_parts",
        "_reader",
        "_root_path",
        "_server",
        "_stuck",
        "_transport",
        "_unread",
        "code",
        "full",
        "on_room",
        "state",
    )

    def __init__(
        self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        self.state = "new"  # then asked, then open or refused, then closing or failed, then gone
        self.code = _LOST  # what it ended with
        self.full = False
        self.on_room: Any = _nothing
        self._app = config.loaded_app
        self._root_path: str = config.root_path
        self._app_state = app_state
        self._server = server_state
        self._loop = _loop or asyncio.get_event_loop()
        self._transport: asyncio.Transport
        self._buffer = b""
        self._parts: list[bytes] = []  # of a message that comes in fragments
        self._unread: list[bytes] = []
        self._reader: asyncio.Future[None] | None = None
        self._stuck: asyncio.TimerHandle | None = None

    # -- what the application does ------------------------------------------------------------------------------------

    async def receive(self) -> list[bytes]:
        """The messages that have come; none at all when the connection has ended."""
        if not self._unread and self.state == "open":
            self._reader = self._loop.create_future()
            await self._reader
        unread, self._unread = self._unread, []
        if len(unread) >= UNREAD:
            self._take_in()
        return unread

    def send(self, message: bytes) -> None:
        """Send a text message."""
        if self.state == "open":
            self._transport.write(_frame(_TEXT, message))

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye; nothing is received any more. Who does not answer in time is cut off."""
        if self.state == "open":
            self._say_goodbye(code, reason)
            self._reader_wakes()

    def abort(self) -> None:
        """End without a word."""
        self._transport.abort()

    # -- the network's side -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._server.connections.add(self)
        network = transport.get_extra_info("socket")
        if network is not None:
            network.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNSENT)

    def connection_lost(self, error: Exception | None) -> None:
        self._server.connections.discard(self)
        self.state = "gone"
        self._relax()
        self._reader_wakes()
        self.full = False
        self.on_room()
        self.on_room = _nothing

    def pause_writing(self) -> None:
        self.full = True
        self._watch()

    def resume_writing(self) -> None:
        self.full = False
        if self.state == "open":
            self._relax()
        self.on_room()

    def data_received(self, data: bytes) -> None:
        if self.state == "new":
            self._ask(data)
            return
        if self.state == "asked":  # nothing may follow before the answer (RFC 6455 4.1)
            self._transport.abort()
        elif self.state in {"open", "closing"}:
            self._buffer = self._buffer + data if self._buffer else data
            try:
                self._read_frames()
            except _Wrong as error:
                self._fail(error.code)

    def shutdown(self) -> None:
        """The server stops, and has told its clients."""
        self.close(Close.GOING)

    # -- the handshake (RFC 6455 4.2) ---------------------------------------------------------------------------------

    def _ask(self, request: bytes) -> None:
        first, *lines = request.removesuffix(b"\r\n\r\n").split(b"\r\n")
        target = first.split(b" ")[1]
        headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
        known = dict(headers)
        key = known.get(b"sec-websocket-key", b"")
        self.state = "asked"
        if known.get(b"sec-websocket-version") != b"13" or not key:
            self._answer(426, [(b"sec-websocket-version", b"13")])
            return
        path, _, query = target.partition(b"?")
        name = self._transport.get_extra_info
        scope: Scope = {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "wss" if name("sslcontext") else "ws",
            "server": (name("sockname") or (None, None))[:2],
            "client": (name("peername") or (None, None))[:2],
            "root_path": self._root_path,
            "path": self._root_path + unquote(path.decode("latin-1")),
            "raw_path": self._root_path.encode() + path,
            "query_string": query,
            "headers": headers,
            "subprotocols": [],
            "state": self._app_state.copy(),
            "extensions": {"websocket.http.response": {}, "presence.edge": {"edge": self}},
        }
        task = self._loop.create_task(self._run(scope, key))
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    async def _run(self, scope: Scope, key: bytes) -> None:
        status, headers = 403, list[tuple[bytes, bytes]]()

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(message: Message) -> None:
            nonlocal status, headers
            match message["type"]:
                case "websocket.accept":
                    self._accept(key)
                case "websocket.close":
                    self._answer(status)
                case "websocket.http.response.start":
                    status, headers = message["status"], message["headers"]
                case "websocket.http.response.body":
                    self._answer(status, headers, message.get("body", b""))

        try:
            await self._app(scope, receive, send)
        except Exception:
            log.exception("a live connection failed")
            self._fail(_BROKEN)
        finally:
            if self.state == "asked":
                self._answer(500)

    def _accept(self, key: bytes) -> None:
        if self.state == "asked":
            accept = base64.b64encode(hashlib.sha1(key + _KEY, usedforsecurity=False).digest())
            self.state = "open"
            self._transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )

    def _answer(self, status: int, headers: list[tuple[bytes, bytes]] | None = None, body: bytes = b"") -> None:
        """Refuse the handshake."""
        if self.state == "asked":
            self.state = "refused"
            given = {name.lower(): value for name, value in headers or ()}
            given |= {b"date": formatdate(usegmt=True).encode(), b"connection": b"close"}
            given[b"content-length"] = str(len(body)).encode()
            lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode()]
            lines += [name + b": " + value for name, value in given.items()]
            self._transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
            self._transport.close()

    # -- frames (RFC 6455 5) ------------------------------------------------------------------------------------------

    def _read_frames(self) -> None:
        buffer, at, end = self._buffer, 0, len(self._buffer)
        while end - at >= 6:
            first, size, start = buffer[at], buffer[at + 1], at + 2
            if first & 0x70 or size < 0x80:  # an extension that was not agreed on, or no mask
                raise _Wrong(_PROTOCOL_ERROR)
            size &= 0x7F
            if size == 126:
                start, size = at + 4, int.from_bytes(buffer[at + 2 : at + 4], "big")
            elif size == 127:
                start, size = at + 10, int.from_bytes(buffer[at + 2 : at + 10], "big") if end - at >= 10 else 0
            if size > MAX_MESSAGE:
                raise _Wrong(_TOO_BIG)
            stop = start + 4 + size
            if stop > end:
                break
            self._take(first, _unmasked(buffer[start : start + 4], buffer[start + 4 : stop]))
            at = stop
        self._buffer = buffer[at:]

    def _take(self, first: int, payload: bytes) -> None:
        last, opcode = first & 0x80, first & 0x0F
        if opcode >= _CLOSE:
            if not last or len(payload) > 125 or opcode > _PONG:
                raise _Wrong(_PROTOCOL_ERROR)
            self._control(opcode, payload)
            return
        if self.state != "open":
            return
        if (opcode == _CONTINUATION) != bool(self._parts) or opcode > _BINARY:
            raise _Wrong(_PROTOCOL_ERROR)
        if self._parts or not last:
            self._parts.append(payload)
            if len(self._parts) > FRAGMENTS or sum(map(len, self._parts)) > MAX_MESSAGE:
                raise _Wrong(_TOO_BIG)
            if not last:
                return
            payload, self._parts = b"".join(self._parts), []
        self._unread.append(payload)
        if len(self._unread) == UNREAD and not self._transport.is_closing():
            self._transport.pause_reading()
        self._reader_wakes()

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == _PING and self.state == "open" and not self.full:  # pongs nobody reads would fill the memory
            self._transport.write(_frame(_PONG, payload))
        elif opcode == _CLOSE:
            if self.state == "open":
                self.code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else _NO_CODE
                self._transport.write(_frame(_CLOSE, payload[:2]))
                self.state = "closing"
                self._reader_wakes()
            self._transport.close()
            self._watch()

    def _say_goodbye(self, code: int, reason: str = "") -> None:
        self.state, self.code = "closing", code
        self._transport.write(_frame(_CLOSE, code.to_bytes(2, "big") + reason.encode()[:123]))
        self._take_in()  # for the answer
        self._watch()

    def _fail(self, code: int) -> None:
        """The other side, or we, have made a mistake that nothing can follow: what still comes is not looked at."""
        self._buffer = b""
        if self.state == "open":
            self._say_goodbye(code)
            self.state = "failed"
            if self._transport.can_write_eof():  # their answer would not be looked at: the end tells them
                self._transport.write_eof()
            self._reader_wakes()

    # -- waiting ------------------------------------------------------------------------------------------------------

    def _reader_wakes(self) -> None:
        if self._reader is not None:
            if not self._reader.done():
                self._reader.set_result(None)
            self._reader = None

    def _take_in(self) -> None:
        """Read on."""
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def _watch(self) -> None:
        if self._stuck is None:
            self._stuck = self._loop.call_later(STUCK, self._transport.abort)

    def _relax(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None


class _Wrong(Exception):
    """What came breaks the protocol; `code` says how."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def _nothing() -> None:
    """Nobody is waiting for room."""


def _frame(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 0x10000:
        return bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big") + payload
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big") + payload


def _unmasked(mask: bytes, payload: bytes) -> bytes:
    """As whole numbers, which is the fastest that Python has."""
    size = len(payload)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")
