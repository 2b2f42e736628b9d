"""One connection: what waits to be sent, bounded, and leaves in as few messages as the other side can take."""

import asyncio
from typing import Protocol

from presence.live import frames
from presence.live.frames import Close, Outbound
from presence.tokens import random_token

WAITING_BYTES = 256 * 1024  # that may wait for one connection; more, and it resumes from the log instead
STUCK = 10.0  # seconds that one message may take to leave


class Socket(Protocol):
    """The edge: a message out, or the end. Either may raise `OSError` when the other side has gone."""

    async def send(self, message: str) -> None: ...

    async def close(self, code: int, reason: str) -> None: ...

    def abort(self) -> None: ...


class Connection:
    """Frames pushed here leave in order. All that waits while one message is on its way goes into the next.

    There is no task while nothing waits: ten thousand quiet connections cost their sockets and little more.
    """

    __slots__ = ("_ending", "_size", "_socket", "_task", "_waiting", "engaged", "heard_at", "id", "who")

    def __init__(self, socket: Socket, now: float) -> None:
        self.id = random_token()
        self.who = ""  # "adviser:<id>", "visitor:<id>"; set by whoever welcomes it
        self.engaged = True
        self.heard_at = now  # seconds of a steady clock
        self._socket = socket
        self._waiting: list[bytes] = []
        self._size = 0
        self._task: asyncio.Task[None] | None = None
        self._ending: tuple[int, str] | None = None

    @property
    def ended(self) -> bool:
        """Nothing pushed now will be sent."""
        return self._ending is not None

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
            self._waiting.clear()
            self.end(Close.RESYNC, "too slow")
        elif self._task is None:
            self._task = asyncio.create_task(self._drain())

    def end(self, code: int, reason: str = "") -> None:
        """Send what waits, then close."""
        if self._ending is None:
            self._ending = (code, reason)
            if self._task is None:
                self._task = asyncio.create_task(self._drain())

    async def finished(self) -> None:
        """Wait until what was pushed has left, or never will."""
        if self._task is not None:
            await asyncio.wait({self._task})

    def forget(self) -> None:
        """The other side has gone: nothing more can be sent."""
        self._waiting.clear()
        self._ending = self._ending or (Close.GOING, "")
        if self._task is not None:
            self._task.cancel()

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(None) as limit:
                while self._waiting:
                    waiting, self._waiting, self._size = self._waiting, [], 0
                    limit.reschedule(asyncio.get_running_loop().time() + STUCK)
                    await self._socket.send(frames.message(waiting))
                if self._ending is not None:
                    limit.reschedule(asyncio.get_running_loop().time() + STUCK)
                    await self._socket.close(*self._ending)
        except TimeoutError:  # it reads nothing at all: a polite close would wait behind what it does not read
            self._ending = self._ending or (Close.RESYNC, "too slow")
            self._socket.abort()
        except (OSError, RuntimeError):  # gone meanwhile; its endpoint hears of it too
            self._ending = self._ending or (Close.GOING, "")
        finally:
            self._task = None
