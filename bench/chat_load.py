"""Talk at a server: as many as it takes, or so many a second. What is counted is what reaches the other side."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, Self

import msgspec

from bench.chat_socket import Socket

TEXT = (
    "I would like to know what a loan of 200,000 euros over 20 years costs me a month, all included. So?!"  # 100 bytes
)
READY, ACK, DELIVERED = "caught", "ack", "event"


class Place(NamedTuple):
    """One side of a conversation: what it is called, and the pass that opens it."""

    c: str
    token: str


class Dialect(Protocol):
    """How a server is spoken to."""

    path: str

    def hello(self, place: Place) -> list[bytes]:
        """What opens a conversation."""
        ...

    def say(self, c: str, number: int) -> bytes:
        """A message of 100 bytes, with its number."""
        ...

    def read(self, message: bytes) -> Iterator[tuple[str, int]]:
        """What a message tells: READY, ACK or DELIVERED, with the number."""
        ...

    def answer(self, message: bytes) -> bytes | None:
        """What a message wants to hear at once."""
        ...


class _Frame(msgspec.Struct):
    t: str
    id: str = ""


class Frames:
    """Our protocol; the peers that are ours to write speak it too."""

    path = "/live"

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(list[_Frame])

    def hello(self, place: Place) -> list[bytes]:
        hello = {"t": "hello", "v": 1, "token": place.token, "have": {place.c: 0}}
        return [msgspec.json.encode([hello])]

    def say(self, c: str, number: int) -> bytes:
        return f'[{{"t":"send","c":"{c}","id":"{number}","kind":"text","body":{{"text":"{TEXT}"}}}}]'.encode()

    def read(self, message: bytes) -> Iterator[tuple[str, int]]:
        for frame in self._decoder.decode(message):
            if frame.t in {ACK, DELIVERED}:
                yield frame.t, int(frame.id)
            elif frame.t == READY:
                yield READY, 0
            elif frame.t == "refused":
                raise RuntimeError(message.decode())

    def answer(self, message: bytes) -> bytes | None:
        return None


class SocketIo:
    """Engine.IO 4 and Socket.IO 5, over WebSocket from the start."""

    path = "/socket.io/?EIO=4&transport=websocket"

    def hello(self, place: Place) -> list[bytes]:
        return [b'40{"c":"%s"}' % place.c.encode()]

    def say(self, c: str, number: int) -> bytes:
        return f'42{number}["say","{c}",{number},"{TEXT}"]'.encode()

    def read(self, message: bytes) -> Iterator[tuple[str, int]]:
        if message.startswith(b"43"):
            yield ACK, int(message[2 : message.index(b"[")])
        elif message.startswith(b"42"):
            yield DELIVERED, int(message[10 : message.index(b",", 10)])  # 42["said",NUMBER,...
        elif message.startswith(b"40"):
            yield READY, 0

    def answer(self, message: bytes) -> bytes | None:
        return b"3" if message == b"2" else None


class Outcome(NamedTuple):
    """What a run gave. All that was sent has been acknowledged, and has reached the other side once, or it raises."""

    sent: int
    seconds: float  # until all was acknowledged
    per_second: float  # delivered
    latencies: list[float]  # milliseconds from one side to the other, in order

    def latency(self, share: float) -> float:
        """What this share of the messages was faster than."""
        return self.latencies[int(len(self.latencies) * share)]


class Speaker:
    """One side of a conversation."""

    __slots__ = ("_load", "place", "ready", "socket")

    def __init__(self, load: "Load", place: Place) -> None:
        self._load = load
        self.place = place
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.socket: Socket

    async def open(self, port: int) -> None:
        dialect = self._load.dialect
        self.socket = await Socket.connect(port, dialect.path, self._hear)
        for message in dialect.hello(self.place):
            self.socket.send(message)
        async with asyncio.timeout(20):
            await self.ready

    def say(self) -> None:
        load = self._load
        self.socket.send(load.dialect.say(self.place.c, load.number()))

    def _hear(self, message: bytes) -> None:
        load = self._load
        for what, number in load.dialect.read(message):
            if what == DELIVERED:
                load.delivered(number)
            elif what == ACK:
                load.acked += 1
                if load.going_on:
                    self.say()
            elif not self.ready.done():
                self.ready.set_result(None)
        answer = load.dialect.answer(message)
        if answer is not None:
            self.socket.send(answer)


class Load:
    """Both sides of many conversations."""

    def __init__(self, port: int, dialect: Dialect, places: Sequence[Place]) -> None:
        self.dialect = dialect
        self.going_on = False  # whoever has an acknowledgement says the next thing
        self.acked = 0
        self._port = port
        self._speakers = [Speaker(self, place) for place in places]
        self._sent: list[float] = []
        self._latencies: list[float] = []
        self._reached = bytearray()  # by number: how often
        self._base, self._began = 0, 0.0

    async def __aenter__(self) -> Self:
        for first in range(0, len(self._speakers), 50):
            await asyncio.gather(*(one.open(self._port) for one in self._speakers[first : first + 50]))
        return self

    async def __aexit__(self, *_: object) -> None:
        for one in self._speakers:
            one.socket.vanish()
        await asyncio.gather(*(one.socket.closed for one in self._speakers))

    def number(self) -> int:
        """The number of the next message, whose time begins now."""
        self._sent.append(time.perf_counter())
        self._reached.append(0)
        return len(self._sent) - 1

    def delivered(self, number: int) -> None:
        """A message has reached the other side."""
        self._latencies.append(time.perf_counter() - self._sent[number])
        self._reached[number] += 1

    async def saturate(self, seconds: float, at_once: int) -> Outcome:
        """Everybody says the next thing as soon as one of the `at_once` that are on their way is acknowledged."""
        self._begin()
        self.going_on = True
        for _ in range(at_once):
            for one in self._speakers:
                one.say()
        await asyncio.sleep(seconds / 4)
        began, before = time.perf_counter(), len(self._latencies)
        await asyncio.sleep(seconds)
        per_second = (len(self._latencies) - before) / (time.perf_counter() - began)
        self.going_on = False
        await self._all_reached()
        return self._outcome(per_second)

    async def steadily(self, a_second: float, seconds: float) -> Outcome:
        """So many a second, by one after the other."""
        self._begin()
        began, said = time.perf_counter(), 0
        while (now := time.perf_counter() - began) < seconds:
            while said < now * a_second:
                self._speakers[said % len(self._speakers)].say()
                said += 1
            await asyncio.sleep(0.001)
        per_second = len(self._latencies) / (time.perf_counter() - began)
        await self._all_reached()
        return self._outcome(per_second)

    @property
    def sent(self) -> int:
        """Messages in all."""
        return len(self._sent)

    def _begin(self) -> None:
        self._latencies = []
        self._base, self._began = len(self._sent), time.perf_counter()

    async def _all_reached(self) -> None:
        async with asyncio.timeout(60):
            while self.acked < len(self._sent) or len(self._latencies) < len(self._sent) - self._base:
                await asyncio.sleep(0.02)
        if set(self._reached) != {1} or self.acked != len(self._sent):
            raise RuntimeError("lost or doubled")

    def _outcome(self, per_second: float) -> Outcome:
        seconds = time.perf_counter() - self._began
        return Outcome(len(self._sent) - self._base, seconds, per_second, sorted(1000 * one for one in self._latencies))
