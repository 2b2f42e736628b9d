"""The WebSocket edge: Origin, the first frame, limits, and the reading loop. What frames mean is decided elsewhere."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec
import structlog
from prometheus_client import Counter, Gauge
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from presence.errors import PresenceError, Unauthorised
from presence.live import frames
from presence.live.connection import Connection
from presence.live.frames import Beat, Close, Hello, Inbound
from presence.live.hub import Hub

log = structlog.get_logger("presence.live")

FIRST_FRAME = 10.0  # seconds in which it must come
RATE = 30.0  # frames a second that one connection may send over time
BURST = 120.0  # and at once

_OPEN = Gauge("presence_live_connections", "Open live connections")
_ENDED = Counter("presence_live_ended_total", "Live connections, by the code that ended them", ["code"])


class Session(Protocol):
    """What a welcomed connection's frames are given to, in order."""

    async def receive(self, frame: Inbound) -> None:
        """Take a frame. What may not be done is answered with Refused; errors end the connection."""
        ...

    async def gone(self) -> None:
        """The connection has ended."""
        ...


Welcoming = Callable[[Connection, Hello], Awaitable[Session]]


class Live:
    """ASGI application for one path. `welcome` makes a session of a Hello, or raises `Unauthorised`.

    `allowed` is asked with the Origin and the Host of the handshake: browsers send both, and no page can forge them.
    """

    def __init__(
        self,
        hub: Hub,
        welcome: Welcoming,
        allowed: Callable[[str, str], bool],
        *,
        rate: float = RATE,
        burst: float = BURST,
    ) -> None:
        self._hub = hub
        self._welcome = welcome
        self._allowed = allowed
        self._rate = rate
        self._burst = burst

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = _AsgiSocket(scope, send)
        await receive()  # websocket.connect
        headers = Headers(scope=scope)
        if not self._allowed(headers.get("origin", ""), headers.get("host", "")):
            return await socket.refuse()
        await send({"type": "websocket.accept"})
        connection = Connection(socket, time.monotonic())
        _OPEN.inc()
        code: int = Close.GOING
        try:
            code = await self._serve(connection, receive)
        finally:
            _OPEN.dec()
            _ENDED.labels(str(code)).inc()

    async def _serve(self, connection: Connection, receive: Receive) -> int:
        """From the first frame to the end; returns the code that ended it."""
        if self._hub.draining:
            return await _ended(connection, Close.GOING, "restart")
        try:
            async with asyncio.timeout(FIRST_FRAME):
                first = _read(await receive())
            if not first or not isinstance(first[0], Hello) or first[0].v != frames.VERSION:
                return await _ended(connection, Close.BAD_FRAME, "hello comes first")
            session = await self._welcome(connection, first[0])
        except TimeoutError:
            return await _ended(connection, Close.SILENT, "no hello")
        except Unauthorised:
            return await _ended(connection, Close.UNAUTHORISED, "token")
        except (msgspec.MsgspecError, _Gone, PresenceError):
            return await _ended(connection, Close.BAD_FRAME, "hello")
        try:
            return await self._read_on(connection, session, first[1:], receive)
        finally:
            self._hub.remove(connection)
            await session.gone()

    async def _read_on(self, connection: Connection, session: Session, rest: list[Inbound], receive: Receive) -> int:
        tokens, since = self._burst, time.monotonic()
        batch = rest
        while True:
            for frame in batch:
                if isinstance(frame, Beat):
                    connection.engaged = frame.on
                await session.receive(frame)
            event = await receive()
            if event["type"] == "websocket.disconnect":
                connection.forget()
                return int(event.get("code") or Close.GOING)
            if connection.ended:
                continue  # until the other side has heard of it
            now = time.monotonic()
            connection.heard_at = now
            try:
                batch = _read(event)
            except msgspec.MsgspecError:
                return await _ended(connection, Close.BAD_FRAME, "frame")
            tokens = min(self._burst, tokens + (now - since) * self._rate) - len(batch)
            since = now
            if tokens < 0:
                return await _ended(connection, Close.TOO_MUCH, "too many frames")


class _Gone(Exception):
    """The other side left before it said anything."""


def _read(event: Message) -> list[Inbound]:
    if event["type"] != "websocket.receive":
        raise _Gone
    message = event.get("text") or event.get("bytes") or b""
    if len(message) > frames.MAX_MESSAGE:
        raise msgspec.DecodeError("too large")
    batch = frames.decode(message)
    if len(batch) > frames.MAX_FRAMES:
        raise msgspec.DecodeError("too many")
    return batch


async def _ended(connection: Connection, code: int, reason: str) -> int:
    connection.end(code, reason)
    await connection.finished()
    return code


class _AsgiSocket:
    """The socket that a connection writes to."""

    __slots__ = ("_extensions", "_send")

    def __init__(self, scope: Scope, send: Send) -> None:
        self._send = send
        self._extensions: dict[str, Any] = scope.get("extensions", {})

    async def send(self, message: str) -> None:
        await self._send({"type": "websocket.send", "text": message})

    async def close(self, code: int, reason: str) -> None:
        await self._send({"type": "websocket.close", "code": code, "reason": reason})

    def abort(self) -> None:
        abort = self._extensions.get("presence.abort")
        if abort is not None:
            abort["now"]()

    async def refuse(self) -> None:
        """Answer the handshake with 403 where the server can."""
        if "websocket.http.response" in self._extensions:
            headers = [(b"content-type", b"text/plain"), (b"content-length", b"0")]
            await self._send({"type": "websocket.http.response.start", "status": 403, "headers": headers})
            await self._send({"type": "websocket.http.response.body", "body": b""})
        else:
            await self._send({"type": "websocket.close", "code": Close.FORBIDDEN})


def same_site(base_url: str) -> Callable[[str, str], bool]:
    """Allows pages of our own: of the address we are configured with, or of the one the browser called us by."""
    ours = urlsplit(base_url).netloc.lower()

    def allowed(origin: str, host: str) -> bool:
        named = urlsplit(origin).netloc.lower()
        return bool(named) and named in {ours, host.lower()}

    return allowed
