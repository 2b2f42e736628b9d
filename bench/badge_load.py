"""Visitors with a badge on their page: many, on connections that are kept, asking at a pace that does not wait for answers."""

import asyncio
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

_STATUS = re.compile(rb"HTTP/1\.1 (\d+)")
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_TAG = re.compile(rb"\r\netag: ([^\r]+)", re.IGNORECASE)
_END = b"\r\n\r\n"
_LATE = 20.0  # seconds for which answers are waited for at the end
TICK = 0.001  # seconds


class Visitors:
    """Everybody who asks. `addresses` are shared out among them; each tells what they were answered last, by its tag."""

    def __init__(self, count: int, addresses: Sequence[str], headers: str) -> None:
        self._heads = [f"GET {one} HTTP/1.1\r\n{headers}".encode() for one in addresses]
        self._tags: list[bytes] = [b""] * count
        self._connections: list[_Connection] = []
        self.seconds: list[float] = []  # from when each was to be asked until it was answered
        self.unchanged = 0
        self.failed = 0
        self.stop_at = 0.0  # until then each answer is followed by the next question

    @asynccontextmanager
    async def connected(self, port: int, connections: int) -> AsyncIterator[None]:
        """On so many connections to a port of loopback."""
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            _, one = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", port)
            self._connections.append(one)
        try:
            yield
        finally:
            for one in self._connections:
                one.abort()
            self._connections.clear()

    def forget(self) -> None:
        """Begin to count anew."""
        self.seconds, self.unchanged, self.failed = [], 0, 0

    async def at(self, rate: int, seconds: float) -> None:
        """Ask so often a second, each in turn, whether others were answered or not; until all were."""
        began, asked, total = time.perf_counter(), 0, int(rate * seconds)
        while asked < total:
            due = min(int((time.perf_counter() - began) * rate), total)
            for number in range(asked, due):
                self._connections[number % len(self._connections)].ask(number % len(self._tags), began + number / rate)
            asked = max(asked, due)
            await asyncio.sleep(TICK)
        await self._answered(total)

    async def as_fast_as_it_goes(self, seconds: float) -> float:
        """Each connection asks as soon as it was answered; returns how many a second were."""
        began = time.perf_counter()
        self.stop_at = began + seconds
        for number, one in enumerate(self._connections):
            one.ask(number % len(self._tags), began)
        await asyncio.sleep(seconds)
        answered = len(self.seconds)
        self.stop_at = 0.0
        await self._answered(answered)
        return answered / seconds

    async def _answered(self, total: int) -> None:
        late = time.perf_counter() + _LATE
        while len(self.seconds) + self.failed < total and time.perf_counter() < late:
            await asyncio.sleep(0.01)
        self.failed += max(total - len(self.seconds) - self.failed, 0)

    def question(self, visitor: int) -> bytes:
        """What a visitor's browser sends."""
        head, tag = self._heads[visitor % len(self._heads)], self._tags[visitor]
        return b"%bIf-None-Match: %b\r\n\r\n" % (head, tag) if tag else head + b"\r\n"

    def answered(self, visitor: int, head: bytes, due: float) -> None:
        found, now = _STATUS.match(head), time.perf_counter()
        status = int(found[1]) if found else 0
        if status not in {200, 304}:
            self.failed += 1
            return
        self.seconds.append(now - due)
        self.unchanged += status == 304
        tag = _TAG.search(head)
        self._tags[visitor] = tag[1] if tag else b""


class _Connection(asyncio.Protocol):
    """One that is kept; what cannot be asked yet waits, and its time runs."""

    def __init__(self, visitors: Visitors) -> None:
        self._visitors = visitors
        self._waiting: deque[tuple[int, float]] = deque()
        self._asked: tuple[int, float] | None = None
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def ask(self, visitor: int, due: float) -> None:
        self._waiting.append((visitor, due))
        self._next()

    def _next(self) -> None:
        if self._asked is None and self._waiting and self._transport is not None:
            self._asked = self._waiting.popleft()
            self._transport.write(self._visitors.question(self._asked[0]))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(_END)
        if end < 0 or self._asked is None:
            return
        head = self._buffer[:end]
        length = _LENGTH.search(head)
        whole = end + len(_END) + (int(length[1]) if length and not head.startswith(b"HTTP/1.1 304") else 0)
        if len(self._buffer) < whole:
            return
        self._buffer = self._buffer[whole:]
        (visitor, due), self._asked = self._asked, None
        self._visitors.answered(visitor, head, due)
        now = time.perf_counter()
        if now < self._visitors.stop_at:
            self._waiting.append((visitor, now))
        self._next()
