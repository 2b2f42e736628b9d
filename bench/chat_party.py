"""One side of a conversation, as the browser's client keeps to the protocol: an outbox, a ledger of what came, and a cursor."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import msgspec

from bench.chat_socket import Socket

SOON = 30.0  # seconds in which the server must have answered


class Party:
    """Says things until they are acknowledged, whatever breaks; keeps what came by its seq.

    `acked` holds what the server has promised to keep, by id; `log` what this side has, in order: (seq, id).
    """

    def __init__(self, port: int, c: str, token: Callable[[], str], who: str, chance: random.Random) -> None:
        self.c, self.who, self.port = c, who, port
        self._token = token  # a pass, asked for before each connection
        self.log: list[tuple[int, str]] = []
        self.outbox: dict[str, str] = {}
        self.acked: dict[str, int] = {}
        self.wrong: list[str] = []
        self.repeated = 0  # sent again because nobody knew
        self.epoch = ""
        self.head = 0  # of the conversation, as far as heard
        self._said = 0
        self.chance = chance
        self._socket: Socket | None = None
        self._heard = asyncio.Event()
        self.welcomed = self.caught = False

    @property
    def have(self) -> int:
        """The last seq it has."""
        return self.log[-1][0] if self.log else 0

    # -- talking ------------------------------------------------------------------------------------------------------

    def say(self) -> str:
        """Put something into the outbox, and send it if there is a connection."""
        self._said += 1
        id_ = f"{self.who}-{self._said}"
        self.outbox[id_] = f"{self.who} says {self._said}"
        self._send(id_)
        return id_

    def _send(self, id_: str) -> None:
        body = {"text": self.outbox[id_]}
        self._push({"t": "send", "c": self.c, "id": id_, "kind": "text", "body": body})

    def _push(self, frame: dict[str, Any]) -> None:
        if self._socket is not None and self.welcomed:
            self._socket.send(msgspec.json.encode([frame]))

    # -- connecting ---------------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        """Open a connection, resume, and send again what is not acknowledged. `ConnectionError` when nobody answers."""
        await self.vanish()
        self.welcomed = self.caught = False
        socket = await Socket.connect(self.port, "/live", self._hear)
        self._socket = socket
        hello = {"t": "hello", "v": 1, "token": self._token(), "epoch": self.epoch, "have": {self.c: self.have}}
        socket.send(msgspec.json.encode([hello]))

    async def keep_connecting(self) -> None:
        """Connect until it succeeds, with a small pause."""
        while True:
            try:
                await self.connect()
                await self.until(lambda: self.welcomed)
            except ConnectionError:
                await asyncio.sleep(self.chance.uniform(0.02, 0.1))
            else:
                return

    async def vanish(self) -> None:
        """End without a word; what was still to be read is lost."""
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.vanish()
            await socket.closed
        self.welcomed = self.caught = False

    def stop_reading(self) -> None:
        """Hear nothing more; the server does not know."""
        if self._socket is not None:
            self._socket.transport.pause_reading()

    @property
    def connected(self) -> bool:
        return self._socket is not None and not self._socket.closed.done()

    async def until(self, wanted: Callable[[], bool]) -> None:
        """Wait for something to be so; `ConnectionError` when the connection ends first."""
        async with asyncio.timeout(SOON):
            while not wanted():
                socket = self._socket
                if socket is None or socket.closed.done():
                    raise ConnectionError("ended")
                self._heard.clear()
                socket.closed.add_done_callback(lambda _: self._heard.set())
                await self._heard.wait()

    async def settle(self) -> None:
        """Be connected until everything is acknowledged and caught up with."""
        while True:
            try:
                if not self.connected:
                    await self.keep_connecting()
                await self.until(lambda: self.caught and not self.outbox and self.have >= self.head)
            except ConnectionError:
                continue
            return

    # -- hearing ------------------------------------------------------------------------------------------------------

    def _hear(self, message: bytes) -> None:
        for frame in msgspec.json.decode(message):
            match frame["t"]:
                case "welcome":
                    self._welcome(frame)
                case "event":
                    self._take(frame["seq"], frame["id"])
                    if frame["id"] in self.outbox:  # it had been stored, only the acknowledgement was lost
                        self._done(frame["id"], frame["seq"])
                case "ack":
                    self._done(frame["id"], frame["seq"])
                    self._take(frame["seq"], frame["id"])
                case "caught":
                    self.caught = True
                    self.head = max(self.head, frame["seq"])
                case "refused" if "again" not in frame or frame["again"] is None:
                    self.wrong.append(f"refused: {frame}")
                case "refused":
                    asyncio.get_running_loop().call_later(frame["again"] / 1000, self._again, frame["id"])
        self._heard.set()

    def _welcome(self, frame: dict[str, Any]) -> None:
        if self.epoch and frame["epoch"] != self.epoch:  # the database was restored: what we have may never have been
            self.log.clear()
            self.acked.clear()
            self.head = 0
        self.epoch = frame["epoch"]
        self.welcomed = True
        self.repeated += len(self.outbox)
        for id_ in self.outbox:
            self._send(id_)

    def _again(self, id_: str) -> None:
        if id_ in self.outbox:
            self._send(id_)

    def _done(self, id_: str, seq: int) -> None:
        if self.acked.setdefault(id_, seq) != seq:
            self.wrong.append(f"{id_} was acknowledged as {self.acked[id_]} and as {seq}")
        self.outbox.pop(id_, None)

    def _take(self, seq: int, id_: str) -> None:
        self.head = max(self.head, seq)
        if seq <= self.have:
            return
        if seq == self.have + 1:
            self.log.append((seq, id_))
        else:
            self._push({"t": "fetch", "c": self.c, "after": self.have})
