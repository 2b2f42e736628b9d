"""One connection: what waits to be sent, bounded, and leaves in as few messages as the other side can take."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from presence.live import frames
from presence.live.frames import Close, Outbound
from presence.tokens import random_token

WAITING_BYTES = 256 * 1024  # that may wait for one connection; more, and it resumes from the log instead


class Socket(Protocol):
    """The edge: a message out, or the end; neither waits, and neither fails when the other side has gone.

    While it is `full` the other side does not take what it was sent; `on_room` is called once it has, or has gone.
    """

    full: bool
    on_room: Callable[[], None]

    def send(self, message: bytes) -> None: ...

    def close(self, code: int, reason: str) -> None: ...


class Connection:
    """Frames pushed here leave in order, in one message for all that was pushed in the same turn of the loop.

    While the socket is full they wait for the next message. There is no task of its own: ten thousand quiet connections
    cost their sockets and little more.
    """

    __slots__ = (
        "_ending",
        "_idle",
        "_leaving",
        "_size",
        "_socket",
        "_waiting",
        "call",
        "engaged",
        "heard_at",
        "id",
        "who",
    )

    def __init__(self, socket: Socket, now: float) -> None:
        self.id = random_token()
        self.who = ""  # "adviser:<id>", "visitor:<id>"; set by whoever welcomes it
        self.call = ""  # the call whose room it is in, and then it is for nothing else
        self.engaged = True
        self.heard_at = now  # seconds of a steady clock
        self._socket = socket
        self._socket.on_room = self._leave
        self._waiting: list[bytes] = []
        self._size = 0
        self._leaving = False  # soon, in this turn of the loop
        self._idle: asyncio.Future[None] | None = None  # somebody waits until nothing waits
        self._ending: tuple[int, str] | None = None

    @property
    def ended(self) -> bool:
        """Nothing pushed now will be sent."""
        return self._ending is not None

    @property
    def waiting(self) -> int:
        """Bytes that have not left."""
        return self._size

    def push(self, frame: Outbound) -> None:
        """Send a frame when the connection can take it."""
        self.push_encoded(frames.encode(frame))

    def push_encoded(self, data: bytes) -> None:
        """Send a frame that was encoded once for many."""
        if self._ending is not None:
            return
        self._waiting.append(data)
        self._size += len(data)
        if self._size > WAITING_BYTES:
            self._waiting, self._size = [], 0
            self.end(Close.RESYNC, "too slow")
        elif not self._leaving:
            self._leave_soon()

    def end(self, code: int, reason: str = "") -> None:
        """Send what waits, then close."""
        if self._ending is None:
            self._ending = (code, reason)
            self._leave_soon()

    async def finished(self) -> None:
        """Wait until what was pushed has left, or never will."""
        if self._leaving or self._waiting or self._socket.full:
            if self._idle is None:
                self._idle = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._idle)

    def forget(self) -> None:
        """The other side has gone: nothing more can be sent."""
        self._waiting, self._size = [], 0
        self._ending = self._ending or (Close.GOING, "")
        self._rest()

    def _leave_soon(self) -> None:
        if not self._leaving:
            self._leaving = True
            asyncio.get_running_loop().call_soon(self._leave)

    def _leave(self) -> None:
        self._leaving = False
        if self._socket.full and self._ending is None:
            return
        if self._waiting:
            waiting, self._waiting, self._size = self._waiting, [], 0
            self._socket.send(frames.message(waiting))
        if self._ending is not None:
            self._socket.close(*self._ending)
        if not self._socket.full:
            self._rest()

    def _rest(self) -> None:
        if self._idle is not None:
            if not self._idle.done():
                self._idle.set_result(None)
            self._idle = None
