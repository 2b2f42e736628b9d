"""The WebSocket edge: Origin, the first frame, limits, and the reading loop. What frames mean is decided elsewhere."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol
from urllib.parse import urlsplit

import msgspec
import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from presence.errors import PresenceError, Unauthorised, Unavailable
from presence.live import frames
from presence.live.connection import Connection
from presence.live.edge import Edge
from presence.live.frames import Beat, Close, Hello, Inbound
from presence.live.hub import Hub

log = structlog.get_logger("presence.live")

FIRST_FRAME = 10.0  # seconds in which it must come
RATE = 30.0  # frames a second that one connection may send over time
BURST = 120.0  # and at once

_OPEN = Gauge("presence_live_connections", "Open live connections")
_ENDED = Counter("presence_live_ended_total", "Live connections, by the code that ended them", ["code"])

# What ends connections (RFC 6455 7.4); a client may say any other number, and a label for each would fill the memory.
_CODES = {1000, 1001, 1002, 1005, 1006, 1009, 1011} | {code for name, code in vars(Close).items() if name.isupper()}


class Session(Protocol):
    """What a welcomed connection's frames are given to, in order."""

    async def receive(self, frame: Inbound) -> None:
        """Take a frame. What may not be done is answered with Refused; errors end the connection."""
        ...

    async def gone(self) -> None:
        """The connection has ended."""
        ...


_BROKEN = (Unavailable, SQLAlchemyError, OSError)  # the database: whoever connects again finds out whether it still is

Welcoming = Callable[[Connection, Hello], Awaitable[Session]]


class Live:
    """ASGI application for one path, behind our own edge. `welcome` makes a session of a Hello, or raises `Unauthorised`.

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
        await receive()  # websocket.connect
        headers = Headers(scope=scope)
        if not self._allowed(headers.get("origin", ""), headers.get("host", "")):
            return await _refuse(send)
        await send({"type": "websocket.accept"})
        edge: Edge = scope["extensions"]["presence.edge"]["edge"]
        connection = Connection(edge, time.monotonic())
        _OPEN.inc()
        try:
            await self._serve(connection, edge)
        finally:
            connection.forget()
            _OPEN.dec()
            _ENDED.labels(str(edge.code) if edge.code in _CODES else "other").inc()

    async def _serve(self, connection: Connection, edge: Edge) -> None:
        """From the first frame to the end."""
        if self._hub.draining:
            return await _ended(connection, Close.GOING, "restart")
        try:
            async with asyncio.timeout(FIRST_FRAME):
                messages = await edge.receive()
            if not messages:  # left before it said anything
                return None
            first, *rest = [frame for message in messages for frame in _read(message)]
            if not isinstance(first, Hello) or first.v != frames.VERSION:
                return await _ended(connection, Close.BAD_FRAME, "hello comes first")
            session = await self._welcome(connection, first)
        except TimeoutError:
            return await _ended(connection, Close.SILENT, "no hello")
        except Unauthorised:
            return await _ended(connection, Close.UNAUTHORISED, "token")
        except _BROKEN as error:
            log.warning("nobody can be welcomed", error=type(error).__name__)
            self._hub.remove(connection)
            return await _ended(connection, Close.RESYNC, "database")
        except (msgspec.MsgspecError, ValueError, PresenceError):
            return await _ended(connection, Close.BAD_FRAME, "hello")
        try:
            await self._read_on(connection, session, rest, edge)
        except _BROKEN as error:
            log.warning("a frame could not be answered", error=type(error).__name__)
            await _ended(connection, Close.RESYNC, "database")
        finally:
            self._hub.remove(connection)
            await session.gone()

    async def _read_on(self, connection: Connection, session: Session, batch: list[Inbound], edge: Edge) -> None:
        tokens, since = self._burst, time.monotonic()
        while True:
            for frame in batch:
                if isinstance(frame, Beat):
                    connection.engaged = frame.on
                await session.receive(frame)
            messages = await edge.receive()
            if not messages:
                return None
            now = connection.heard_at = time.monotonic()
            try:
                batch = [frame for message in messages for frame in _read(message)]
            except msgspec.MsgspecError:
                return await _ended(connection, Close.BAD_FRAME, "frame")
            tokens = min(self._burst, tokens + (now - since) * self._rate) - len(batch)
            since = now
            if tokens < 0:
                return await _ended(connection, Close.TOO_MUCH, "too many frames")


def _read(message: bytes) -> list[Inbound]:
    batch = frames.decode(message)
    if len(batch) > frames.MAX_FRAMES:
        raise msgspec.DecodeError("too many")
    return batch


async def _ended(connection: Connection, code: int, reason: str) -> None:
    connection.end(code, reason)
    await connection.finished()


async def _refuse(send: Send) -> None:
    """Answer the handshake with 403."""
    await send({"type": "websocket.http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "websocket.http.response.body", "body": b""})


def same_site(base_url: str) -> Callable[[str, str], bool]:
    """Allows pages of our own: of the address we are configured with, or of the one the browser called us by."""
    ours = urlsplit(base_url)

    def allowed(origin: str, host: str) -> bool:
        return origin.lower() in {f"{ours.scheme}://{name.lower()}" for name in (ours.netloc, host) if name}

    return allowed
